//! Redis dies, stalls, forgets, and comes back.

use super::scene::{ANSWERED, Scene, assert_refuses, readyz};
use crate::support::{Client, Leg, Token, eventually, fleet::on_redis, gateway::problem, new_tenant, redis};
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::time::sleep;

#[tokio::test]
async fn redis_restart_heals() {
    let mut scene = Scene::begin().await;
    let mut quiet = Quiet::on(&scene, 0).await;
    scene.redis.kill();
    scene.fleet.ready(503).await;
    for node in 0..3 {
        assert_refuses(&scene.fleet, node).await;
    }
    scene.redis.restart().await;
    let back = Instant::now();
    scene.fleet.ready(200).await;
    scene.load.flows(1).await;
    let taken = back.elapsed();
    let told = quiet.is_told_again(back).await;
    eprintln!(
        "redis_restart_heals: after Redis was back, taken again {taken:?}, quiet clients told {told:?}"
    );
    assert_eq!(quiet.client.calls.len(), 1, "nothing is lost");
    // A restart may have lost something, so it begins a new epoch; here nothing is lost.
    let outcome = scene.end("redis_restart_heals").await;
    outcome.assert_epochs(2);
    outcome.assert_stayed();
}

#[tokio::test]
async fn flushall_changes_epoch() {
    let scene = Scene::begin().await;
    let mut quiet = Quiet::on(&scene, 0).await;
    scene.load.flows(100).await;
    let from = Instant::now();
    scene.redis.command(&["FLUSHALL"]).await;
    let until = Instant::now();
    let told = quiet.is_told_again(until).await;
    eprintln!("flushall_changes_epoch: quiet clients told {told:?}");
    assert!(quiet.client.calls.is_empty(), "nothing is left");
    let outcome = scene.end_as("flushall_changes_epoch", |truth| truth.after_loss(from, until)).await;
    outcome.assert_epochs(2);
    outcome.assert_stayed();
    let lost = outcome.truth.events() - outcome.truth.events_held();
    assert!(lost > 0, "there was nothing to lose");
}

/// A server that was restored, or promoted, without the latest writes, and that is of the same history.
#[tokio::test]
async fn a_head_that_went_back_changes_the_epoch() {
    let redis = redis::shared().await;
    let prefix = format!("back-{}", new_tenant());
    let node = on_redis(&redis.url()).set("engine.redis_prefix", prefix.clone()).start().await;
    let tenant = new_tenant();
    let legs: Vec<Leg> = (0..10).map(|_| Leg::inbound(&tenant, "200")).collect();
    let mut client = node.agent(&tenant, "200").await;
    for leg in &legs {
        node.deliver(&leg.ringing(0)).await;
        client.version(leg, 1).await;
    }
    let (epoch, seq) = (client.epoch.clone(), client.seq);
    let head = format!("{prefix}:{{{tenant}}}:head");
    assert_eq!(redis.command(&["HGET", &head, "seq"]).await, json!(seq.to_string()));
    let away = node.agent(&tenant, "200").await;
    redis.command(&["HINCRBY", &head, "seq", "-5"]).await;

    // Whoever is there is told everything anew, and so is who comes back; then nobody misses anything.
    client.next_of("snapshot").await;
    assert_ne!(client.epoch, epoch);
    let mut back = away.reconnect().await;
    assert_eq!((back.first_kind(), &back.epoch), ("snapshot", &client.epoch));
    let more: Vec<Leg> = (0..3).map(|_| Leg::inbound(&tenant, "200")).collect();
    for leg in &more {
        node.deliver(&leg.ringing(0)).await;
        client.version(leg, 1).await;
        back.version(leg, 1).await;
    }
    assert_eq!(back.calls, client.calls);
}

#[tokio::test]
async fn slow_redis_gives_503_not_hangs() {
    let scene = Scene::begin().await;
    // Slow, yet within the deadline: everything is taken.
    scene.links.iter().for_each(|link| link.delay(Duration::from_millis(150)));
    scene.load.flows(50).await;
    assert_refused(&scene, 0);
    // Too slow: whoever waited for it would hang.
    scene.links.iter().for_each(|link| link.delay(ANSWERED * 5));
    scene.fleet.ready(503).await;
    for node in 0..3 {
        assert_refuses(&scene.fleet, node).await;
    }
    scene.heal();
    let healed = Instant::now();
    scene.fleet.ready(200).await;
    scene.load.flows(1).await;
    eprintln!("slow_redis_gives_503_not_hangs: taken again after {:?}", healed.elapsed());
    let outcome = scene.end("slow_redis_gives_503_not_hangs").await;
    outcome.assert_epochs(1);
    outcome.assert_stayed();
}

#[tokio::test]
async fn a_narrow_link_to_redis_heals() {
    let scene = Scene::begin().await;
    scene.links[0].throttle(2_000);
    sleep(Duration::from_secs(3)).await;
    scene.heal();
    readyz(&scene.fleet, 0, 200).await;
    let outcome = scene.end("a_narrow_link_to_redis_heals").await;
    outcome.assert_epochs(1);
    outcome.assert_stayed();
}

#[tokio::test]
async fn a_redis_that_stalls_heals() {
    let scene = Scene::begin().await;
    scene.redis.pause();
    scene.fleet.ready(503).await;
    for node in 0..3 {
        assert_refuses(&scene.fleet, node).await;
    }
    scene.redis.unpause();
    let outcome = scene.end("a_redis_that_stalls_heals").await;
    outcome.assert_epochs(1);
    outcome.assert_stayed();
}

#[tokio::test]
async fn script_flush_is_survived() {
    let scene = Scene::begin().await;
    for _ in 0..30 {
        scene.redis.command(&["SCRIPT", "FLUSH"]).await;
        sleep(Duration::from_millis(rand::random_range(20..100))).await;
    }
    assert_refused(&scene, 0);
    let outcome = scene.end("script_flush_is_survived").await;
    outcome.assert_epochs(1);
    outcome.assert_stayed();
}

/// Redis lives, and refuses to write.
#[tokio::test]
async fn a_redis_that_refuses_gives_503() {
    const REFUSE: [[&str; 2]; 2] = [["maxmemory", "1mb"], ["min-replicas-to-write", "1"]];
    let scene = Scene::begin().await;
    for [setting, value] in REFUSE {
        scene.redis.command(&["CONFIG", "SET", setting, value]).await;
        let leg = Leg::inbound(&new_tenant(), "200");
        let answer = scene.fleet.node(0).post(&leg.ringing(0)).await;
        assert!(answer.headers().contains_key("retry-after"), "{answer:?}");
        problem(answer, 503).await;
        scene.redis.command(&["CONFIG", "SET", setting, "0"]).await;
        scene.fleet.node(0).deliver(&leg.ringing(0)).await;
        scene.load.flows(50).await;
    }
    let outcome = scene.end("a_redis_that_refuses_gives_503").await;
    outcome.assert_epochs(1);
    outcome.assert_stayed();
}

/// A client of a tenant in which nothing happens, with one call of its own.
struct Quiet {
    client: Client,
}

impl Quiet {
    async fn on(scene: &Scene, node: usize) -> Self {
        let leg = Leg::inbound(&new_tenant(), "200");
        let node = scene.fleet.node(node);
        eventually("the leg to be taken", async || {
            (node.post(&leg.ringing(0)).await.status() == 204).then_some(())
        })
        .await;
        let client = node.stream(&Token::agent(&leg.tenant, &["200"])).open_at_last().await;
        assert_eq!(client.calls.len(), 1);
        Self { client }
    }

    /// Waits for the snapshot of another epoch; gives how long after the fault it came.
    async fn is_told_again(&mut self, after: Instant) -> Duration {
        let epoch = self.client.epoch.clone();
        self.client.next_of("snapshot").await;
        assert_ne!(self.client.epoch, epoch);
        after.elapsed()
    }
}

/// Fails unless so many webhooks were refused by now.
fn assert_refused(scene: &Scene, refused: u64) {
    let tally = &scene.load.tally;
    assert_eq!(tally.refused.load(std::sync::atomic::Ordering::Relaxed), refused, "{tally}");
}
