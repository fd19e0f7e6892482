//! The process ends at the worst moment, or is told to end, or its caller goes away.

use super::scene::{PATIENCE, Scene, USER, ask};
use crate::support::eventually;
use futures_util::future::join_all;
use rustix::process::Signal;
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test]
async fn crash_before_claim_retries() {
    let mut scene = Scene::living(2).await;
    let consent = scene.activate(USER).await;
    let stands = scene.integration(USER).await;
    scene.gateway.process.kill();
    // It is told in whole seconds.
    let ends_at = (stands["access_token_expires_at"].as_u64().unwrap() + 1) * 1_000_000;
    eventually("the refresh to be overdue", async || (crate::support::now() > ends_at).then_some(())).await;
    let scene = scene.restart_after_kill().await;
    scene.telsmart.is_opened_by(async || scene.access_token(USER).await).await;
    assert_eq!(scene.telsmart.presented(consent.refresh_token()).await, 1);
    scene.rotations(USER, 2).await;
    scene.is_well(USER).await;
}

/// A kill -9 while the token server has the request; it then consumes the token, or does not.
async fn crash_while_held(is_consumed: bool) {
    let mut scene = Scene::living(16).await;
    for user in 200..206 {
        scene.activate(&user.to_string()).await;
    }
    // The first whose time comes, so that there is much left of the access token's life.
    scene.telsmart.fault([json!({"fault": "hold"})]).await;
    let user = scene.first_held().await;
    let first = scene.family(&user).await;
    scene.gateway.process.kill();
    scene.telsmart.release(is_consumed, false).await;
    let scene = scene.restart_after_kill().await;
    let stands = scene.until(&user, "ambiguous").await;
    let sent = |family: &Value| family["refresh_tokens"][0]["presented"].clone();
    assert_eq!(sent(&scene.family(&user).await), 1, "{stands}");
    let token = scene.access_token(&user).await;
    assert_eq!(scene.telsmart.contacts("", Some(&token)).await.status(), 200, "the old one is good");
    if is_consumed {
        assert_eq!(scene.until(&user, "reauth_required").await["cause"], "response_lost");
    } else {
        scene.until(&user, "active").await;
        scene.rotations(&user, 2).await;
    }
    let family = scene.family(&user).await;
    assert_eq!((sent(&first), sent(&family)), (json!(1), json!(2)), "sent, and probed once");
}

#[tokio::test]
async fn crash_after_claim_is_ambiguous() {
    crash_while_held(true).await;
}

#[tokio::test]
async fn a_crash_while_nothing_was_consumed_is_saved_by_the_probe() {
    crash_while_held(false).await;
}

#[tokio::test]
async fn caller_drop_does_not_cancel_refresh() {
    let scene = Scene::living(3).await;
    let consent = scene.activate(USER).await;
    scene.telsmart.fault([json!({"fault": "hold"})]).await;
    scene.telsmart.held(1).await;
    scene.until_ended(USER).await;
    let callers = join_all((0..5).map(async |_| {
        let asked = ask(&scene.gateway, &scene.tenant, USER).await.timeout(Duration::from_millis(300));
        asked.send().await.expect_err("there is no token to give").is_timeout()
    }));
    assert_eq!(callers.await, [true; 5]);
    assert_eq!(scene.telsmart.release(true, true).await, [1, 0], "the refresh is still under way");
    scene.until(USER, "active").await;
    scene.is_well(USER).await;
    assert_eq!(scene.telsmart.presented(consent.refresh_token()).await, 1);
}

#[tokio::test]
async fn sigterm_drains_inflight() {
    let mut scene = Scene::living(3).await;
    let consent = scene.activate(USER).await;
    scene.telsmart.fault([json!({"fault": "hold"})]).await;
    scene.telsmart.held(1).await;
    scene.gateway.process.signal(Signal::TERM);
    eventually("the draining", async || scene.gateway.process.log().contains("draining").then_some(())).await;
    assert_eq!(scene.telsmart.release(true, true).await, [1, 0]);
    assert_eq!(scene.gateway.process.exit().await.code(), Some(0));
    assert_eq!(scene.audit(USER).last().unwrap(), "rotated");
    assert!(scene.journal().is_empty());
    let gateway = scene.config.start().await;
    let scene = Scene { gateway, ..scene };
    scene.rotations(USER, 2).await;
    scene.is_well(USER).await;
    assert_eq!(scene.telsmart.presented(consent.refresh_token()).await, 1);
}

#[tokio::test]
async fn a_provider_that_never_answers_holds_up_neither_the_stop_nor_the_probe() {
    let scene = Scene::begin_by("--access-token-life 3s", |config| {
        config.set("sidecar.telsmart.late_timeout", "60s").set("shutdown.grace", "2s")
    });
    let mut scene = scene.await;
    let consent = scene.activate(USER).await;
    scene.telsmart.fault([json!({"fault": "hold"})]).await;
    scene.telsmart.held(1).await;
    // The first request is still open, and the probe is the second.
    tokio::time::timeout(PATIENCE, scene.presented(consent.refresh_token(), 2)).await.unwrap();
    assert_eq!(scene.telsmart.summary().await["held"], 1);
    scene.until(USER, "active").await;
    scene.gateway.process.signal(Signal::TERM);
    assert_eq!(scene.gateway.process.exit().await.code(), Some(0));
}
