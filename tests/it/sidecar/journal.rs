//! Between the answer of the token endpoint and the store: Redis goes away, or its answer does,
//! and the process ends.

use super::scene::{PATIENCE, Scene, USER, is_in_order, with_sidecar};
use crate::support::{
    Gateway, TokenServer, engine::on_redis, eventually, eventually_within, proxy::Proxy, redis,
    token_server::Activation,
};
use serde_json::json;
use std::collections::HashMap;

/// A sidecar whose way to Redis can be broken.
struct Bench {
    scene: Scene,
    link: Proxy,
    consent: Activation,
}

impl Bench {
    async fn begin() -> Self {
        let telsmart = TokenServer::start("--access-token-life 3s").await;
        let link = Proxy::to(&redis::shared().await.address()).await;
        let config = with_sidecar(on_redis(link.url()), &telsmart);
        let gateway = Gateway::start_sidecar(&config).await;
        let scene = Scene::on(telsmart, config, gateway).await;
        let consent = scene.activate(USER).await;
        Self { scene, link, consent }
    }

    /// The new pair comes while there is no Redis, and the process ends; gives what it kept.
    async fn crash_after_journal(mut self) -> (Self, HashMap<String, Vec<u8>>) {
        self.scene.telsmart.fault([json!({"fault": "hold"})]).await;
        self.scene.telsmart.held(1).await;
        self.link.cut();
        assert_eq!(self.scene.telsmart.release(true, true).await, [1, 0]);
        let kept = eventually("the answer to be kept", async || {
            let kept = self.scene.journal();
            (!kept.is_empty()).then_some(kept)
        })
        .await;
        self.scene.gateway.process.kill();
        self.link.heal();
        self.scene = self.scene.restart_after_kill().await;
        (self, kept)
    }

    /// A refresh has just been done, so that none is under way for a while.
    async fn is_quiet(&self) {
        let rotations = self.scene.family(USER).await["rotations"].as_u64().unwrap();
        self.scene.rotations(USER, rotations + 1).await;
        self.scene.until(USER, "active").await;
    }

    async fn goes_on(&self) {
        self.scene.until(USER, "active").await;
        let rotations = self.scene.family(USER).await["rotations"].as_u64().unwrap();
        self.scene.rotations(USER, rotations + 2).await;
        self.scene.is_well(USER).await;
        assert_eq!(self.scene.telsmart.presented(self.consent.refresh_token()).await, 1);
    }

    async fn replayed(&self) -> f64 {
        self.scene.gateway.metric("callpop_token_answers_replayed_total").await
    }
}

#[tokio::test]
async fn crash_after_journal_replays() {
    let (bench, kept) = Bench::begin().await.crash_after_journal().await;
    assert_eq!(kept.len(), 1);
    let text = String::from_utf8_lossy(kept.values().next().unwrap()).into_owned();
    assert!(!text.contains("tsr_") && !text.contains("tsa_"), "it is sealed: {text}");
    bench.goes_on().await;
    assert_eq!(bench.replayed().await, 1.0);
    assert!(!bench.scene.journal().contains_key(kept.keys().next().unwrap()), "it is done with");
}

#[tokio::test]
async fn journal_replay_is_idempotent() {
    let (mut bench, kept) = Bench::begin().await.crash_after_journal().await;
    let (name, answer) = kept.into_iter().next().unwrap();
    bench.goes_on().await;
    // As if the process had ended before it forgot the answer: at once, and generations later.
    for _ in 0..2 {
        bench.is_quiet().await;
        bench.scene.gateway.process.kill();
        let file = bench.scene.config.data_dir().join("sidecar/journal").join(&name);
        std::fs::write(&file, &answer).unwrap();
        bench.scene = bench.scene.restart_after_kill().await;
        eventually("the old answer to be forgotten", async || (!file.exists()).then_some(())).await;
        assert!(bench.replayed().await >= 1.0);
        bench.scene.until(USER, "active").await;
        bench.goes_on().await;
    }
    assert_eq!(bench.scene.family(USER).await["revocations"], 0);
}

#[tokio::test]
async fn commit_timeout_then_reread_is_success() {
    let bench = Bench::begin().await;
    // Only a row that came of an answer names the attempt that made it.
    bench.link.lose_answer_to("\"made_by\":\"");
    eventually_within(PATIENCE, "the swap", async || bench.link.has_caught().then_some(())).await;
    bench.goes_on().await;
    let family = bench.scene.family(USER).await;
    is_in_order(&family);
    let rotations = family["rotations"].as_u64().unwrap();
    let rotated = |told: &[String]| told.iter().filter(|event| *event == "rotated").count() as u64;
    // Each is known as done.
    let audit = bench.scene.audit_until(USER, |told| rotated(told) + 1 >= rotations).await;
    assert!(!audit.iter().any(|event| event == "no_answer"), "{audit:?}");
}

#[tokio::test]
async fn while_redis_is_away_the_answer_waits_and_is_stored_when_it_is_back() {
    let bench = Bench::begin().await;
    bench.scene.telsmart.fault([json!({"fault": "hold"})]).await;
    bench.scene.telsmart.held(1).await;
    bench.link.cut();
    bench.scene.telsmart.release(true, true).await;
    eventually("the answer to be kept", async || (!bench.scene.journal().is_empty()).then_some(())).await;
    eventually("the sidecar to be unready", async || {
        (bench.scene.gateway.operator("/readyz").await.status() == 503).then_some(())
    })
    .await;
    bench.link.heal();
    bench.goes_on().await;
    assert_eq!(bench.replayed().await, 0.0);
}
