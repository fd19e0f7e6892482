//! What a 204 waits for on Redis: the replicas that were promised, or that were ever there, and the disk. A
//! server that has not got it so far has not got it at all when it is needed.

use crate::support::{
    Gateway, Leg, eventually,
    fleet::on_redis,
    gateway::problem,
    new_tenant,
    proxy::Proxy,
    redis::{Aof, Server},
};
use reqwest::Response;
use std::time::Instant;

/// A primary with its replica, which is in step.
async fn pair() -> (Server, Server) {
    let primary = Server::start(Aof::EverySecond).await;
    let follow = format!("127.0.0.1 {}", primary.port);
    let replica = Server::start_with(Aof::EverySecond, &["--replicaof", &follow]).await;
    is_followed(&primary).await;
    (primary, replica)
}

async fn is_followed(primary: &Server) {
    eventually("the replica to be in step", async || {
        primary.info("slave0").await?.contains("state=online").then_some(())
    })
    .await;
}

/// Posts an event of a new call.
async fn post(node: &Gateway) -> Response {
    node.post(&Leg::inbound(&new_tenant(), "200").ringing(0)).await
}

async fn is_refused(node: &Gateway) {
    let answer = post(node).await;
    assert!(answer.headers().contains_key("retry-after"), "{answer:?}");
    problem(answer, 503).await;
}

async fn is_taken(node: &Gateway) {
    eventually("an event to be taken", async || (post(node).await.status() == 204).then_some(())).await;
}

/// Waits until the node has looked at its Redis once more.
async fn looks_again(node: &Gateway) {
    let begun = Instant::now();
    eventually("a look at Redis", async || {
        let passed = begun.elapsed().as_secs_f64();
        (node.metric("callpop_redis_probe_age_seconds").await < passed).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_replica_that_does_not_confirm_is_503() {
    let (primary, replica) = pair().await;
    let node = on_redis(&primary.url()).set("engine.redis_wait_replicas", 1).start().await;
    is_taken(&node).await;
    replica.pause();
    for _ in 0..2 {
        is_refused(&node).await;
    }
    replica.unpause();
    is_taken(&node).await;
    // Two are more than there are.
    let node = on_redis(&primary.url()).set("engine.redis_wait_replicas", 2).start().await;
    is_refused(&node).await;
}

#[tokio::test]
async fn a_replica_that_was_there_is_waited_for() {
    let (primary, mut replica) = pair().await;
    let node = on_redis(&primary.url()).start().await;
    looks_again(&node).await;
    is_taken(&node).await;
    replica.kill();
    eventually("the primary to be alone", async || {
        (primary.info("connected_slaves").await? == "0").then_some(())
    })
    .await;
    for _ in 0..2 {
        looks_again(&node).await;
        is_refused(&node).await;
    }
    replica.restart().await;
    is_followed(&primary).await;
    is_taken(&node).await;
    // A node that never saw one asks for none.
    replica.kill();
    let node = on_redis(&primary.url()).start().await;
    looks_again(&node).await;
    is_taken(&node).await;
}

#[tokio::test]
async fn a_disk_that_does_not_confirm_is_503() {
    let redis = Server::start(Aof::EverySecond).await;
    let link = Proxy::to(&redis.address()).await;
    link.tell_of_disk(true);
    let node = on_redis(&link.url()).start().await;
    is_taken(&node).await;
    link.tell_of_disk(false);
    for _ in 0..2 {
        is_refused(&node).await;
    }
    link.tell_of_disk(true);
    is_taken(&node).await;
}
