//! Redis dies, stalls, forgets, and comes back.

use super::scene::{Scene, assert_refuses, readyz};
use std::time::{Duration, Instant};
use tokio::time::sleep;

#[tokio::test]
async fn redis_restart_heals() {
    let mut scene = Scene::begin().await;
    scene.redis.kill();
    scene.fleet.ready(503).await;
    for node in 0..3 {
        assert_refuses(&scene.fleet, node).await;
    }
    scene.redis.restart().await;
    let back = Instant::now();
    scene.fleet.ready(200).await;
    scene.load.flows(1).await;
    eprintln!("redis_restart_heals: taken again {:?} after Redis was back", back.elapsed());
    // A restart may have lost something, so it begins a new epoch; here nothing is lost.
    scene.end("redis_restart_heals").await.assert_epochs(2);
}

#[tokio::test]
async fn flushall_changes_epoch() {
    let scene = Scene::begin().await;
    scene.load.flows(100).await;
    let from = Instant::now();
    scene.redis.command(&["FLUSHALL"]).await;
    let until = Instant::now();
    let outcome = scene.end_as("flushall_changes_epoch", |truth| truth.after_loss(from, until)).await;
    outcome.assert_epochs(2);
    let lost = outcome.truth.events() - outcome.truth.events_held();
    assert!(lost > 0, "there was nothing to lose");
}

#[tokio::test]
async fn slow_redis_gives_503_not_hangs() {
    let scene = Scene::begin().await;
    // Slow, yet within the deadline: everything is taken.
    scene.links.iter().for_each(|link| link.delay(Duration::from_millis(150)));
    scene.load.flows(50).await;
    assert_refused(&scene, 0);
    // Too slow.
    scene.links.iter().for_each(|link| link.delay(Duration::from_secs(5)));
    scene.fleet.ready(503).await;
    for node in 0..3 {
        assert_refuses(&scene.fleet, node).await;
    }
    scene.heal();
    let healed = Instant::now();
    scene.fleet.ready(200).await;
    scene.load.flows(1).await;
    eprintln!("slow_redis_gives_503_not_hangs: taken again after {:?}", healed.elapsed());
    scene.end("slow_redis_gives_503_not_hangs").await;
}

#[tokio::test]
async fn a_narrow_link_to_redis_heals() {
    let scene = Scene::begin().await;
    scene.links[0].throttle(2_000);
    sleep(Duration::from_secs(3)).await;
    scene.heal();
    readyz(&scene.fleet, 0, 200).await;
    scene.end("a_narrow_link_to_redis_heals").await;
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
}

#[tokio::test]
async fn script_flush_is_survived() {
    let scene = Scene::begin().await;
    for _ in 0..30 {
        scene.redis.command(&["SCRIPT", "FLUSH"]).await;
        sleep(Duration::from_millis(rand::random_range(20..100))).await;
    }
    assert_refused(&scene, 0);
    scene.end("script_flush_is_survived").await.assert_epochs(1);
}

/// Fails unless so many webhooks were refused by now.
fn assert_refused(scene: &Scene, refused: u64) {
    let tally = &scene.load.tally;
    assert_eq!(tally.refused.load(std::sync::atomic::Ordering::Relaxed), refused, "{tally}");
}
