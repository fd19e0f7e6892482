//! A session whose outbox overflowed reads from Redis what it missed, also where that cannot be read at first.

use super::scene::readyz;
use crate::support::{
    Gateway, Leg, Token, eventually,
    fleet::{Fleet, on_redis},
    new_tenant,
    proxy::Proxy,
    redis::{Aof, Server},
    telsmart::fat_summaries,
};
use serde_json::Value;

/// Posts an event until it is taken: it is large, and the engine has two seconds for it.
async fn is_taken(node: &Gateway, event: &Value) {
    eventually("an event to be taken", async || (node.post(event).await.status() == 204).then_some(())).await;
}

#[tokio::test]
async fn what_an_overflow_dropped_is_read_though_redis_was_away() {
    let redis = Server::start(Aof::EverySecond).await;
    let link = Proxy::to(&redis.address()).await;
    let fleet = Fleet::start(vec![on_redis(&link.url()).set("sessions.write_timeout", "60s")]).await;
    let (node, tenant) = (fleet.node(0), new_tenant());
    let supervisor = Token::supervisor(&tenant);
    let mut slow = node.stream(&supervisor).scope("tenant").receive_buffer(4096).open().await;
    for some in fat_summaries(&tenant, "999") {
        is_taken(node, &some).await;
    }
    // A new epoch drops what waits in every outbox: each session is to read for itself, and this one writes still.
    let mut fast = node.agent(&tenant, "200").await;
    redis.command(&["FLUSHALL"]).await;
    fast.next_of("snapshot").await;
    let leg = Leg::inbound(&tenant, "200");
    is_taken(node, &leg.ringing(0)).await;
    fast.version(&leg, 1).await;

    link.cut();
    readyz(&fleet, 0, 503).await;
    // The session answers only between two looks, so each of these but the first comes after one that failed.
    for _ in 0..5 {
        slow.assert_open().await;
    }
    assert_ne!(slow.epoch, fast.epoch, "it cannot have read that");
    link.heal();
    slow.until("the new epoch, though nothing happens any more", |slow| slow.epoch == fast.epoch).await;
    assert_eq!(slow.calls, fast.calls);
    slow.assert_open().await;
}
