//! Several nodes on one Redis, when all is well: one archive, one expiry, one retention.

use crate::support::{
    Client, Config, Engine, Gateway, Leg, PATIENCE, Token,
    engine::on_redis,
    eventually_within, new_tenant, now, oracle,
    redis::{Aof, Server},
};
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

async fn config() -> Config {
    Engine::Redis.config().await
}

async fn three_nodes(config: &Config) -> [Gateway; 3] {
    [config.start().await, config.start().await, config.start().await]
}

/// What was archived, oldest first.
async fn archive(node: &Gateway) -> Vec<Value> {
    let archive: Vec<Value> = node.look_up("/archive").await.json().await.unwrap();
    archive.iter().map(|event| serde_json::from_str(event["raw"].as_str().unwrap()).unwrap()).collect()
}

#[tokio::test]
async fn an_unknown_event_is_archived_once_whichever_nodes_it_comes_to() {
    let nodes = three_nodes(&config().await).await;
    let leg = Leg::inbound(&new_tenant(), "200");
    let events: Vec<Value> = (0..50).map(|second| leg.event("PARKED", second)).collect();
    for event in &events {
        join_all(nodes.iter().map(|node| node.deliver(event))).await;
    }
    for node in &nodes {
        assert_eq!(archive(node).await, events);
    }
    let counted = join_all(nodes.iter().map(|node| node.metric("callpop_events_unknown_state_total"))).await;
    assert_eq!(counted.iter().sum::<f64>(), 150.0, "each node counts what came to it");
}

#[tokio::test]
async fn the_archive_keeps_the_latest_thousand_of_all_nodes() {
    let nodes = three_nodes(&config().await).await;
    let events: Vec<Value> = (0..1200)
        .map(|number| Leg::inbound(&format!("tenant-{}", number % 7), "200").event("PARKED", number))
        .collect();
    for (number, some) in events.chunks(100).enumerate() {
        nodes[number % 3].deliver(&json!(some)).await;
    }
    for node in &nodes {
        let kept = archive(node).await;
        assert_eq!(kept.len(), 1000);
        assert_eq!(kept, events[200..]);
    }
}

#[tokio::test]
async fn a_leg_can_be_looked_up_on_every_node() {
    let nodes = three_nodes(&config().await).await;
    let leg = Leg::inbound(&new_tenant(), "200").with("queue", json!({"id": 77_123}));
    for (node, event) in nodes.iter().zip(leg.whole()) {
        node.deliver(&event).await;
    }
    let path = format!("/calls/{}/telsmart/{}/{}", leg.tenant, leg.extension, leg.id);
    let mut views: Vec<Value> = Vec::new();
    for node in &nodes {
        let found = node.look_up(&path).await;
        assert_eq!(found.status(), 200);
        views.push(found.json().await.unwrap());
    }
    assert_eq!(views[0]["call"], oracle::call(&leg.whole()));
    assert_eq!(views[0]["events"].as_array().unwrap().len(), 3);
    assert!(views[0].to_string().contains("77123"), "{}", views[0]);
    assert_eq!((&views[1], &views[2]), (&views[0], &views[0]));
    let elsewhere = format!("/calls/{}/telsmart/{}/{}", new_tenant(), leg.extension, leg.id);
    assert_eq!(nodes[2].look_up(&elsewhere).await.status(), 404);
}

#[tokio::test]
async fn a_silent_call_expires_once_though_three_nodes_look_for_it() {
    let nodes = three_nodes(&config().await.set("calls.expire_after", "1s")).await;
    let tenant = new_tenant();
    let mut watching = Vec::new();
    for node in &nodes {
        watching.push(node.supervisor(&tenant).await);
    }
    let silent: Vec<Leg> = (0..100).map(|_| Leg::inbound(&tenant, "200")).collect();
    for (number, legs) in silent.chunks(10).enumerate() {
        let events: Vec<Value> = legs.iter().map(|leg| leg.ringing(0)).collect();
        nodes[number % 3].deliver(&json!(events)).await;
    }
    let is_expired = |call: &Value| call["outcome"] == "expired";
    for client in &mut watching {
        client
            .until("all to expire", |client| {
                client.calls.len() == silent.len() && client.calls.values().all(is_expired)
            })
            .await;
    }
    // Whoever looks for silent calls meanwhile finds none: the next news comes alone.
    let last = Leg::inbound(&tenant, "210");
    nodes[1].deliver_each(&last.whole()).await;
    for client in &mut watching {
        client.version(&last, 3).await;
        let versions: BTreeMap<&str, &Value> = silent
            .iter()
            .map(|leg| (leg.id.as_str(), &client.call(leg).unwrap()["version"]))
            .filter(|(_, version)| **version != json!(2))
            .collect();
        assert!(versions.is_empty(), "expired more than once: {versions:?}");
        assert_eq!(client.seq, 203, "two changes of each silent call, three of the last");
    }
}

#[tokio::test]
async fn a_call_expires_though_nobody_watches_its_tenant() {
    let node = config().await.set("calls.expire_after", "1s").start().await;
    let leg = Leg::inbound(&new_tenant(), "200");
    node.deliver(&leg.ringing(0)).await;
    let path = format!("/calls/{}/telsmart/{}/{}", leg.tenant, leg.extension, leg.id);
    eventually_within(PATIENCE * 2, "the call to expire", async || {
        let view: Value = node.look_up(&path).await.json().await.unwrap();
        (view["call"]["outcome"] == "expired").then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_dismissal_on_one_node_reaches_the_sessions_on_all_nodes_once() {
    let nodes = three_nodes(&config().await).await;
    let leg = Leg::inbound(&new_tenant(), "200");
    let mut tabs: Vec<Client> = Vec::new();
    for node in nodes.iter().chain(&nodes) {
        tabs.push(node.agent(&leg.tenant, "200").await);
    }
    nodes[0].deliver(&leg.ringing(0)).await;
    for tab in &mut tabs {
        tab.version(&leg, 1).await;
    }
    join_all(tabs[..3].iter_mut().map(async |tab| tab.dismiss(&leg).await)).await;
    for tab in &mut tabs[..3] {
        tab.assert_open().await;
    }
    nodes[2].deliver(&leg.hangup(9)).await;
    let fresh = nodes[1].agent(&leg.tenant, "200").await;
    let truth = fresh.call(&leg).unwrap();
    assert!(truth["dismissed_at"].is_u64() && truth["state"] == "ended", "{truth}");
    for tab in &mut tabs {
        tab.until("the same everywhere", |tab| tab.call(&leg) == Some(truth)).await;
    }
}

#[tokio::test]
async fn a_wrap_up_on_one_node_reaches_all_and_what_is_said_last_counts() {
    let nodes = three_nodes(&config().await).await;
    let leg = Leg::inbound(&new_tenant(), "200");
    let mut tabs: Vec<Client> = Vec::new();
    for node in &nodes {
        tabs.push(node.agent(&leg.tenant, "200").await);
    }
    nodes[0].deliver_each(&leg.whole()).await;
    for tab in &mut tabs {
        tab.version(&leg, 3).await;
    }
    // One after the other, until the leg is too large to be published whole.
    for number in 0..21_usize {
        let note = format!("{number} {}", "x".repeat(1500));
        let asked = &mut tabs[number % 3];
        asked.wrap_up(&leg, None, &note).await;
        for tab in &mut tabs {
            assert_eq!(tab.version(&leg, 4 + number as u64).await["wrap_up"]["note"], note);
        }
    }
}

#[tokio::test]
async fn each_hop_of_a_ringing_call_is_measured_where_it_is_known() {
    let [entry, exit, other] = three_nodes(&config().await).await;
    let leg = Leg::inbound(&new_tenant(), "200");
    let mut client = exit.agent(&leg.tenant, "200").await;
    entry.deliver(&leg.ringing(0)).await;
    client.version(&leg, 1).await;
    client.send(&json!({"type": "painted", "leg_id": leg.id, "painted_at": now()})).await;
    client.assert_open().await;
    let hops = async |node: &Gateway| {
        let text = node.operator("/metrics").await.text().await.unwrap();
        let counts = text.lines().filter_map(|line| {
            line.strip_prefix("callpop_ringing_hop_duration_seconds_count{hop=\"")?.strip_suffix("\"} 1")
        });
        counts.map(str::to_owned).collect::<BTreeSet<_>>()
    };
    assert_eq!(hops(&entry).await, ["arrive", "commit"].map(str::to_owned).into());
    assert_eq!(hops(&exit).await, ["send", "paint", "total"].map(str::to_owned).into());
    assert!(hops(&other).await.is_empty());
}

#[tokio::test]
async fn a_new_epoch_closes_no_session() {
    const SESSIONS: usize = 300;
    let redis = Server::start(Aof::EverySecond).await;
    let config = on_redis(redis.url()).set("sessions.max_per_user", SESSIONS);
    let node = config.set("calls.recent_per_tenant", 1000).start().await;
    let tenant = new_tenant();
    let legs: Vec<Leg> = (0..50).map(|_| Leg::inbound(&tenant, "200")).collect();
    let ringing: Vec<Value> = legs.iter().map(|leg| leg.ringing(0)).collect();
    node.deliver(&json!(ringing)).await;
    let supervisor = node.stream(&Token::supervisor(&tenant)).scope("tenant");
    let mut clients = Vec::new();
    for _ in 0..SESSIONS / 50 {
        clients.extend(join_all((0..50).map(|_| supervisor.clone().open_at_last())).await);
    }
    redis.command(&["FLUSHALL"]).await;
    let news = Leg::inbound(&tenant, "200");
    node.deliver(&news.ringing(0)).await;
    let healed = async |client: &mut Client| {
        let alone = |client: &Client| client.calls.len() == 1 && client.call(&news).is_some();
        client.until("the new epoch", alone).await;
    };
    join_all(clients.iter_mut().map(healed)).await;
    assert_eq!(node.metric("callpop_sessions").await, SESSIONS as f64);
}
