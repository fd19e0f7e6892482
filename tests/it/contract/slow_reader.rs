//! A client that does not read neither loses the truth nor costs the server memory.

use super::config;
use crate::support::{
    Client, Gateway, Leg, PATIENCE, Token,
    client::{Calls, key},
    eventually, new_tenant, oracle, soon,
    telsmart::{FAT_SUMMARIES, fat_summaries},
};
use serde_json::{Value, json};

/// The numbers of legs, and how many events each of them gets.
const LEGS: usize = 100;
const FAT_LEGS: usize = 10;
const EVENTS: u64 = 100;

fn changes(leg: &Leg) -> impl Iterator<Item = Value> {
    (1..EVENTS).map(|second| leg.event(if second % 2 == 0 { "ACTIVE" } else { "HELD" }, second))
}

#[tokio::test]
async fn slow_reader_converges_without_disconnect() {
    let gateway = config().await.set("calls.recent_per_tenant", 10_000).start().await;
    let tenant = new_tenant();
    let supervisor = Token::supervisor(&tenant);
    let slow = gateway.stream(&supervisor).scope("tenant").receive_buffer(4096);
    let mut slow = slow.open().await;
    let mut fast = gateway.supervisor(&tenant).await;
    let before = gateway.process.resident_bytes();

    // Every change of a fat leg makes a frame of 15 KiB, 15 MB in all if nothing were conflated.
    let legs: Vec<Leg> =
        (0..LEGS).map(|index| Leg::inbound(&tenant, &format!("{}", 200 + index % 7))).collect();
    let mut truth = Vec::new();
    for (index, leg) in legs.iter().enumerate() {
        let mut events = vec![leg.ringing(0)];
        if index < FAT_LEGS {
            events.push(leg.summary(EVENTS + 10, json!({"text": "<b>fat</b>".repeat(1_500)})));
            gateway.deliver_each(&events).await;
        }
        events.extend(changes(leg));
        events.push(leg.hangup(EVENTS));
        truth.push(oracle::call(&events));
    }
    let everything: Vec<Value> =
        (1..=EVENTS).flat_map(|second| legs.iter().map(move |leg| round(leg, second))).collect();
    let load = async {
        for leg in &legs[FAT_LEGS..] {
            gateway.deliver(&leg.ringing(0)).await;
        }
        for events in everything.chunks(500) {
            gateway.deliver(&json!(events)).await;
        }
    };
    let is_true =
        |calls: &Calls| calls.len() == LEGS && truth.iter().all(|call| calls.get(&key(call)) == Some(call));
    let reading = async {
        tokio::time::timeout(PATIENCE * 4, async {
            while !is_true(&fast.calls) {
                fast.next().await;
            }
        })
        .await
        .expect("a fast reader is not hindered by a slow one");
    };
    tokio::join!(load, reading);
    let grown = gateway.process.resident_bytes().saturating_sub(before);

    let mut frames = 0;
    while !is_true(&slow.calls) {
        slow.next().await;
        frames += 1;
    }
    let events = LEGS as u64 * EVENTS;
    eprintln!("{events} events, {frames} frames to the slow reader, {} MiB more memory", grown >> 20);
    assert!(frames < events / 4, "{frames} frames for {events} events");
    assert!(grown < 80 << 20, "{} MiB more memory", grown >> 20);
    slow.assert_open().await;
}

/// The event of a leg at that second.
fn round(leg: &Leg, second: u64) -> Value {
    if second == EVENTS {
        leg.hangup(second)
    } else {
        changes(leg).nth(second as usize - 1).expect("a change")
    }
}

/// A supervisor who does not read, and to whom nothing more can be sent.
async fn stuck(gateway: &Gateway, tenant: &str) -> Client {
    let slow = gateway.stream(&Token::supervisor(tenant)).scope("tenant").receive_buffer(4096);
    let slow = slow.open().await;
    for some in fat_summaries(tenant, "999") {
        gateway.deliver(&some).await;
    }
    slow
}

#[tokio::test]
async fn a_reader_with_too_many_calls_to_wait_for_is_brought_up_to_date() {
    let config = config().await.set("calls.recent_per_tenant", 10_000).set("sessions.write_timeout", "60s");
    let gateway = config.start().await;
    let tenant = new_tenant();
    let mut slow = stuck(&gateway, &tenant).await;
    let legs: Vec<Leg> =
        (0..9000).map(|index| Leg::inbound(&tenant, &format!("{}", 200 + index % 300))).collect();
    for legs in legs.chunks(500) {
        gateway.deliver(&json!(legs.iter().map(|leg| leg.ringing(0)).collect::<Vec<_>>())).await;
    }
    eventually("the outbox to be full", async || {
        (gateway.metric("callpop_outbox_overflows_total").await == 1.0).then_some(())
    })
    .await;
    let reading = async {
        while slow.calls.len() < legs.len() + FAT_SUMMARIES {
            slow.next().await;
        }
    };
    soon("all calls", reading).await;
    assert_eq!(slow.calls, gateway.supervisor(&tenant).await.calls);
    slow.assert_open().await;
}

#[tokio::test]
async fn a_reader_that_takes_nothing_for_too_long_is_cut_off_and_can_resume() {
    let config = config().await.set("sessions.write_timeout", "1s").set("calls.recent_per_tenant", 1000);
    let gateway = config.start().await;
    let tenant = new_tenant();
    let slow = stuck(&gateway, &tenant).await;
    eventually("the session to be cut off", async || {
        (gateway.metric("callpop_sessions").await == 0.0).then_some(())
    })
    .await;
    let resumed = slow.reconnect_by(gateway.stream(&Token::supervisor(&tenant)).scope("tenant")).await;
    assert_eq!(resumed.first_kind(), "resumed");
    assert_eq!(resumed.calls, gateway.supervisor(&tenant).await.calls);
}
