//! How a node stops: nobody is cut off without a word, and nothing acked is lost.

use super::{config, gateway};
use crate::support::{Client, Leg, connect::Connect, eventually, new_tenant, oracle, raw::Raw, soon};
use futures_util::{StreamExt, future::join_all};
use rustix::process::Signal;
use std::cell::RefCell;

#[tokio::test]
async fn drain_tells_clients_to_reconnect() {
    let config = config().await.set("shutdown.delay", "1s").set("shutdown.spread", "5s");
    let mut gateway = config.start().await;
    let tenant = new_tenant();
    let mut clients: Vec<Client> = Vec::new();
    for _ in 0..20 {
        clients.push(gateway.agent(&tenant, "200").await);
    }
    assert_eq!(gateway.operator("/readyz").await.status(), 200);
    gateway.process.signal(Signal::TERM);
    eventually("the node to be out of rotation", async || {
        (gateway.operator("/readyz").await.status() == 503).then_some(())
    })
    .await;
    assert!(!gateway.is_in_rotation().await, "balancers are to notice at once");
    // Until load balancers have noticed, it works as ever.
    let leg = Leg::inbound(&tenant, "200");
    gateway.deliver(&leg.ringing(0)).await;
    let mut delays = Vec::new();
    for client in &mut clients {
        client.version(&leg, 1).await;
        let after_ms = client.next_of("reconnect").await["after_ms"].as_u64().unwrap();
        assert!(after_ms <= 5000, "{after_ms}");
        delays.push(after_ms);
        assert_eq!(client.closed().await, 4503);
    }
    delays.sort_unstable();
    delays.dedup();
    assert!(delays.len() > 5, "all come back at once: {delays:?}");
    assert_eq!(gateway.process.exit().await.code(), Some(0));
}

#[tokio::test]
async fn sigint_drains_too() {
    let mut gateway = gateway().await;
    let mut client = gateway.agent(&new_tenant(), "200").await;
    gateway.process.signal(Signal::INT);
    client.next_of("reconnect").await;
    assert_eq!(client.closed().await, 4503);
    assert_eq!(gateway.process.exit().await.code(), Some(0));
}

#[tokio::test]
async fn a_hangup_ends_nothing() {
    let mut gateway = gateway().await;
    let leg = Leg::inbound(&new_tenant(), "200");
    let mut client = gateway.agent(&leg.tenant, "200").await;
    for (version, event) in (1..).zip(leg.whole()) {
        gateway.process.signal(Signal::HUP);
        gateway.deliver(&event).await;
        client.version(&leg, version).await;
    }
    client.assert_open().await;
    gateway.stop().await;
}

#[tokio::test]
async fn webhooks_that_are_acked_while_draining_are_kept() {
    let config = config().await.set("shutdown.delay", "1s").set("calls.recent_per_tenant", 100_000);
    let mut gateway = config.start().await;
    let tenant = new_tenant();
    let acked = RefCell::new(Vec::new());
    let send = async || {
        loop {
            let leg = Leg::inbound(&tenant, "200");
            match gateway.webhook(leg.ringing(0).to_string()).send().await {
                Ok(answer) if answer.status() == 204 => acked.borrow_mut().push(leg),
                // 503 says to try again elsewhere; no answer says the same.
                Ok(answer) => assert_eq!(answer.status(), 503),
                Err(_) => break,
            }
        }
    };
    let senders = join_all((0..4).map(|_| send()));
    let stop = async {
        eventually("some load", async || (acked.borrow().len() > 20).then_some(())).await;
        gateway.process.signal(Signal::TERM);
    };
    tokio::join!(senders, stop);
    assert_eq!(gateway.process.exit().await.code(), Some(0));
    let gateway = config.start().await;
    let client = gateway.supervisor(&tenant).await;
    for leg in acked.borrow().iter() {
        assert_eq!(client.call(leg), Some(&oracle::call(&[leg.ringing(0)])));
    }
}

#[tokio::test]
async fn clients_that_do_not_answer_do_not_hold_up_the_stop() {
    let config = config().await.set("shutdown.grace", "2s");
    let mut gateway = config.start().await;
    let silent = [gateway.agent(&new_tenant(), "200").await, gateway.agent(&new_tenant(), "200").await];
    let idle = Raw::open(gateway.public).await;
    let halfway = Raw::begin_good_webhook(gateway.public, "Content-Length: 200").await;
    gateway.process.signal(Signal::TERM);
    assert_eq!(gateway.process.exit().await.code(), Some(0));
    drop((silent, idle, halfway));
}

#[tokio::test]
async fn a_webhook_that_is_half_sent_when_the_node_drains_is_taken() {
    let config = config().await;
    let mut gateway = config.start().await;
    let leg = Leg::inbound(&new_tenant(), "200");
    let body = leg.ringing(0).to_string();
    let (before, after) = body.split_at(body.len() / 2);
    let length = format!("Content-Length: {}", body.len());
    let mut halfway = Raw::begin_good_webhook(gateway.public, &length).await;
    assert!(halfway.send(before.as_bytes()).await);
    let mut idle = Raw::open(gateway.public).await;
    assert!(idle.send(b"GET / HTTP/1.1\r\nHost: callpop\r\n\r\n").await);
    idle.reply().await;
    gateway.process.signal(Signal::TERM);
    // What is idle ends once nobody is let in any more and what is under way is waited for.
    soon("the idle connection to end", idle.closed()).await;
    assert!(halfway.send(after.as_bytes()).await);
    assert_eq!(halfway.reply().await.status, 204);
    assert_eq!(gateway.process.exit().await.code(), Some(0));
    let gateway = config.start().await;
    let client = gateway.supervisor(&leg.tenant).await;
    assert_eq!(client.call(&leg), Some(&oracle::call(&[leg.ringing(0)])), "acked, and lost");
}

#[tokio::test]
async fn a_client_that_comes_while_the_node_drains_is_sent_away() {
    let mut gateway = config().await.set("shutdown.delay", "2s").start().await;
    let token = crate::support::Token::agent(&new_tenant(), &["200"]);
    let early: Connect = gateway.stream(&token);
    let mut before = early.clone().open().await;
    gateway.process.signal(Signal::TERM);
    eventually("the node to be out of rotation", async || {
        (gateway.operator("/readyz").await.status() == 503).then_some(())
    })
    .await;
    let mut late = early.shake_hands().await.unwrap();
    let code = loop {
        match soon("a frame", late.next()).await {
            Some(Ok(tokio_tungstenite::tungstenite::Message::Close(Some(frame)))) => {
                break u16::from(frame.code);
            }
            Some(Ok(_)) => {}
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(code, 4503);
    assert_eq!(before.closed().await, 4503);
    assert_eq!(gateway.process.exit().await.code(), Some(0));
}
