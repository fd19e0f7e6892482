//! Two sidecars on one Redis: a claim is one process's alone, and outlives it.

use super::scene::{PATIENCE, Scene, USER, beside, is_in_order, refreshes, with_sidecar};
use crate::support::{
    Config, Gateway, TokenServer, engine::on_redis, eventually, eventually_within, proxy::Proxy, redis, soon,
};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::time::Duration;

/// Where the sidecars of a configuration keep their integrations.
fn rows(config: &Config) -> String {
    format!("{}:{{sidecar}}:integrations:rows", config.text("engine.redis_prefix"))
}

/// The only row, as it is stored.
async fn row(config: &Config) -> Option<Value> {
    let values = redis::shared().await.command(&["HVALS", &rows(config)]).await;
    let stored = values.as_array()?.first()?.as_str()?.to_owned();
    // Revision and number stand before it.
    serde_json::from_str(stored.splitn(3, ':').nth(2)?).ok()
}

#[tokio::test]
async fn claim_is_exclusive_per_generation() {
    let telsmart = TokenServer::start("--access-token-life 2s").await;
    let config = with_sidecar(on_redis(redis::shared().await.url()), &telsmart);
    let gateway = Gateway::start_sidecar(&config).await;
    let other = Gateway::start_sidecar(&beside(&config)).await;
    let scene = Scene::on(telsmart, config, gateway).await;
    let users: Vec<_> = (200..208).map(|number| number.to_string()).collect();
    for user in &users {
        scene.activate(user).await;
    }
    eventually_within(PATIENCE, "48 rotations", async || {
        (scene.telsmart.summary().await["rotations"].as_u64().unwrap() >= 48).then_some(())
    })
    .await;
    for user in &users {
        is_in_order(&scene.family(user).await);
    }
    let summary = scene.telsmart.summary().await;
    assert_eq!((&summary["reuses"], &summary["presented_unknown"]), (&json!(0), &json!(0)), "{summary}");
    assert_eq!(summary["active"], 8);
    let done = [refreshes(&scene.gateway, "done").await, refreshes(&other, "done").await];
    assert!(done.iter().all(|done| *done > 0.0), "both did some: {done:?}");
}

#[tokio::test]
async fn claim_never_expires() {
    let telsmart = TokenServer::start("--access-token-life 2s").await;
    let config = with_sidecar(on_redis(redis::shared().await.url()), &telsmart);
    let gateway = Gateway::start_sidecar(&config).await;
    let mut scene = Scene::on(telsmart, config, gateway).await;
    let consent = scene.activate(USER).await;
    scene.telsmart.fault([json!({"fault": "hold"})]).await;
    scene.telsmart.held(1).await;
    scene.gateway.process.kill();
    let claimed = row(&scene.config).await.unwrap();
    assert_eq!(claimed["state"]["name"], "in_flight");
    let until = claimed["state"]["until"].as_u64().unwrap();
    eventually("the lease to end", async || (crate::support::now() > until + 1_500_000).then_some(())).await;
    assert_eq!(row(&scene.config).await.unwrap(), claimed, "nobody is there to settle it");
    assert_eq!(redis::shared().await.command(&["TTL", &rows(&scene.config)]).await, -1);

    scene.telsmart.release(false, false).await;
    let scene = scene.restart_after_kill().await;
    scene.until(USER, "active").await;
    scene.rotations(USER, 1).await;
    // It was not simply claimed anew: the token may have been sent, so this was a probe.
    let after = |told: &[String]| -> Vec<String> {
        told.iter().skip_while(|event| *event != "claim_settled").take(3).cloned().collect()
    };
    let audit = scene.audit_until(USER, |told| after(told).len() == 3).await;
    assert_eq!(after(&audit), ["claim_settled", "claimed", "sent"], "{audit:?}");
    assert_eq!(scene.telsmart.presented(consent.refresh_token()).await, 2);
}

#[tokio::test]
async fn stale_owner_cannot_send() {
    let telsmart = TokenServer::start("--access-token-life 4s").await;
    let link = Proxy::to(&redis::shared().await.address()).await;
    let config = with_sidecar(on_redis(redis::shared().await.url()), &telsmart);
    let slow = config.clone().set("engine.redis_url", link.url());
    let stale = Gateway::start_sidecar(&slow).await;
    let scene = Scene::on(telsmart, slow, stale).await;
    let consent = scene.activate(USER).await;
    // From now on there is time between the claim and the arming of it, in which the owner is stopped.
    link.delay(Duration::from_millis(150));
    let claimed = eventually("the claim", async || {
        let row = row(&scene.config).await?;
        (row["state"]["name"] == "in_flight").then_some(row)
    })
    .await;
    scene.gateway.process.signal(Signal::STOP);
    assert_eq!(claimed["state"]["is_armed"], false, "{claimed}");
    let other = Gateway::start_sidecar(&beside(&config)).await;
    scene.rotations(USER, 1).await;
    assert_eq!(scene.telsmart.presented(consent.refresh_token()).await, 1);
    link.heal();
    scene.gateway.process.signal(Signal::CONT);
    // It is there again: it gives the winner's token.
    let token = soon("its answer", async {
        loop {
            let answer = super::scene::ask(&scene.gateway, &scene.tenant, USER).await.send().await.unwrap();
            if answer.status() == 200 {
                return answer.json::<Value>().await.unwrap()["access_token"].as_str().unwrap().to_owned();
            }
        }
    })
    .await;
    assert_ne!(token, consent.access_token());
    let rotations = scene.family(USER).await["rotations"].as_u64().unwrap();
    scene.rotations(USER, rotations + 3).await;
    is_in_order(&scene.family(USER).await);
    assert!(refreshes(&other, "done").await >= 1.0);
}
