//! Ended calls that have become one value in Redis: whatever happens to one afterwards finds it as it was.

use crate::support::{
    Client, Config, Engine, Gateway, Leg, eventually, eventually_within, new_tenant, oracle, proxy::Proxy,
    redis,
};
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::time::Duration;

/// A turn of the sweep may be another node's, and comes every five seconds.
const SETTLED: Duration = Duration::from_secs(30);

/// On these, what has ended is settled as soon as can be.
async fn hasty(engine: Engine) -> Config {
    engine.config().await.set("engine.settle_after", "1s")
}

/// On these, nothing is settled.
fn patient(config: &Config) -> Config {
    config.clone().set("engine.settle_after", "1h")
}

/// Answered calls with a summary, held for a while.
async fn ended_calls(node: &Gateway, tenant: &str, count: usize) -> Vec<(Leg, Vec<Value>)> {
    let legs = (0..count).map(|nth| {
        let leg = Leg::inbound(tenant, "200");
        let said = json!({"title": format!("The {nth}th call"), "points": ["What was said, \u{1e}\n", nth]});
        let summary = leg.summary(60, said);
        (leg.clone(), [leg.whole(), vec![summary]].concat())
    });
    let legs: Vec<(Leg, Vec<Value>)> = legs.collect();
    for (_, events) in &legs {
        node.deliver(&json!(events)).await;
    }
    legs
}

/// Waits until so many calls were settled by these nodes.
async fn settled(nodes: &[&Gateway], calls: usize) {
    eventually_within(SETTLED, "the calls to be settled", async || {
        let settled = join_all(nodes.iter().map(|node| node.metric("callpop_redis_settled_total"))).await;
        (settled.iter().sum::<f64>() >= calls as f64).then_some(())
    })
    .await;
}

/// Whether the client has the call that the events make.
fn has(client: &Client, leg: &Leg, events: &[Value]) {
    assert_eq!(client.call(leg), Some(&oracle::call(events)));
}

/// What it is, whatever happened to it since it was settled: the user's own, a late event, a late summary.
async fn finds_it(engine: Engine) {
    let node = hasty(engine).await.start().await;
    let tenant = new_tenant();
    let mut calls = ended_calls(&node, &tenant, 6).await;
    settled(&[&node], 6).await;
    let mut client = node.agent(&tenant, "200").await;
    for (leg, events) in &calls {
        has(&client, leg, events);
    }
    let late = calls[0].0.held(10);
    let again = calls[1].0.summary(90, json!({"title": "Said once more"}));
    for (nth, event) in [(0, late), (1, again)] {
        node.deliver(&event).await;
        calls[nth].1.push(event);
        let (leg, events) = &calls[nth];
        assert_eq!(client.version(leg, 5).await, oracle::call(events));
    }
    // Known already.
    node.deliver(&calls[2].1[1]).await;
    assert_eq!(node.metric("callpop_events_duplicate_total").await, 1.0);
    client.dismiss(&calls[3].0).await;
    client.next_of("durable").await;
    client.wrap_up(&calls[4].0, Some("Resolved"), "a note").await;
    client.next_of("durable").await;
    assert_eq!(node.metric("callpop_redis_warmed_total").await, 5.0);
    let mut read = node.agent(&tenant, "200").await;
    for nth in [0, 1, 2, 5] {
        has(&read, &calls[nth].0, &calls[nth].1);
    }
    // And what has changed is settled once more.
    settled(&[&node], 11).await;
    for (nth, field) in [(3, "dismissed_at"), (4, "wrap_up")] {
        let leg = &calls[nth].0;
        let call = client.version(leg, 5).await;
        assert!(!call[field].is_null() && !call["summary"]["content"].is_null(), "{call}");
        assert_eq!(read.version(leg, 5).await, call);
        assert_eq!(node.agent(&tenant, "200").await.call(leg), Some(&call));
    }
}

#[tokio::test]
async fn whatever_happens_to_a_settled_call_finds_it_as_it_was() {
    finds_it(Engine::Redis).await;
}

#[tokio::test]
async fn whatever_happens_to_a_settled_call_of_a_cluster_finds_it_as_it_was() {
    finds_it(Engine::Cluster).await;
}

#[tokio::test]
async fn two_nodes_that_act_on_one_settled_call_at_once_both_count() {
    let config = hasty(Engine::Redis).await;
    let node = config.start().await;
    let tenant = new_tenant();
    let mut calls = ended_calls(&node, &tenant, 30).await;
    settled(&[&node], 30).await;
    let nodes = [node, patient(&config).start().await];
    let mut clients = [nodes[0].supervisor(&tenant).await, nodes[1].supervisor(&tenant).await];
    let late = |leg: &Leg| [leg.held(10), leg.active(12)];
    let deliveries = calls.iter().flat_map(|(leg, _)| {
        nodes.iter().zip(late(leg)).map(|(node, event)| async move { node.deliver(&event).await })
    });
    join_all(deliveries).await;
    for (leg, events) in &mut calls {
        events.extend(late(leg));
        for client in &mut clients {
            assert_eq!(client.version(leg, 6).await, oracle::call(events));
        }
    }
    assert_eq!(nodes[1].supervisor(&tenant).await.calls, clients[0].calls);
}

#[tokio::test]
async fn a_node_that_is_killed_while_it_gives_a_call_its_events_back_loses_nothing() {
    // When it asks for what is settled; when it writes the events back; when it commits the late one.
    for killed_at in [":settled:", "=4:", "callpop_late"] {
        let config = hasty(Engine::Redis).await;
        let node = config.start().await;
        let tenant = new_tenant();
        let (leg, mut events) = ended_calls(&node, &tenant, 1).await.remove(0);
        settled(&[&node], 1).await;
        let server = redis::shared().await;
        let link = Proxy::to(&server.address()).await;
        let mut other = patient(&config).set("engine.redis_url", link.url()).start().await;
        link.lose_answer_to(killed_at);
        let late = leg.clone().with("callee_name", "callpop_late").held(10);
        let said = tokio::spawn(other.webhook(late.to_string()).send());
        eventually("the answer to be lost", async || link.has_caught().then_some(())).await;
        other.process.kill();
        assert!(said.await.unwrap().is_err(), "it has not answered");
        let mut client = node.agent(&tenant, "200").await;
        node.deliver(&late).await;
        events.push(late);
        assert_eq!(client.version(&leg, 5).await, oracle::call(&events), "{killed_at}");
        has(&node.agent(&tenant, "200").await, &leg, &events);
    }
}

#[tokio::test]
async fn a_node_that_is_killed_while_it_settles_calls_loses_nothing() {
    // When it reads them; when it writes what they become.
    for killed_at in ["HGETALL", "*1"] {
        let config = patient(&hasty(Engine::Redis).await);
        let server = redis::shared().await;
        let link = Proxy::to(&server.address()).await;
        let hasty = config.clone().set("engine.settle_after", "1s").set("engine.redis_url", link.url());
        let mut node = hasty.start().await;
        let tenant = new_tenant();
        let calls = ended_calls(&node, &tenant, 40).await;
        link.lose_answer_to(killed_at);
        eventually_within(SETTLED, "the answer to be lost", async || link.has_caught().then_some(())).await;
        node.process.kill();
        let other = config.start().await;
        let mut client = other.agent(&tenant, "200").await;
        for (leg, events) in &calls {
            has(&client, leg, events);
            other.deliver(&leg.held(10)).await;
            assert_eq!(client.version(leg, 5).await, oracle::call(&[&events[..], &[leg.held(10)]].concat()));
        }
    }
}

#[tokio::test]
async fn what_happens_to_a_call_while_it_is_being_settled_is_not_lost() {
    let config = patient(&hasty(Engine::Redis).await);
    let server = redis::shared().await;
    let link = Proxy::to(&server.address()).await;
    let hasty = config.clone().set("engine.settle_after", "1s").set("engine.redis_url", link.url());
    let (node, tenant) = (hasty.start().await, new_tenant());
    let (leg, mut events) = ended_calls(&node, &tenant, 1).await.remove(0);
    link.hold_answer_to("HGETALL");
    eventually_within(SETTLED, "the call to be read", async || link.has_caught().then_some(())).await;
    // Not before, nor for longer: it would take turns of the sweep.
    let mut other = config.start().await;
    let late = leg.held(10);
    other.deliver(&late).await;
    events.push(late);
    link.heal();
    other.stop().await;
    settled(&[&node], 1).await;
    has(&node.agent(&tenant, "200").await, &leg, &events);
}

#[tokio::test]
async fn strange_members_keep_no_call_from_being_settled() {
    let config = hasty(Engine::Redis).await;
    let (server, tenant) = (redis::shared().await, new_tenant());
    let ended = format!("{}:{{{tenant}}}:ended", config.text("engine.redis_prefix"));
    let strange: Vec<String> = (0..40).map(|nth| format!("strange {nth}")).collect();
    let push: Vec<&str> = ["RPUSH", &ended].into_iter().chain(strange.iter().map(String::as_str)).collect();
    server.command(&push).await;
    let node = config.start().await;
    ended_calls(&node, &tenant, 2).await;
    settled(&[&node], 2).await;
    assert_eq!(server.command(&["EXISTS", &ended]).await, json!(0));
}
