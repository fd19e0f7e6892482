//! What the token endpoint may answer, or not, and what becomes of the refresh token then.

use super::scene::{PATIENCE, Scene, USER, is_in_order, refreshes, with_sidecar};
use crate::support::{Config, TokenServer, eventually, eventually_within, now, proxy::Proxy};
use serde_json::{Value, json};

/// A port that nobody listens at, and no outgoing connection gets.
fn closed_port() -> u16 {
    let is_free = |port: &u16| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok();
    std::iter::repeat_with(|| rand::random_range(22_100..32_000_u16)).find(is_free).unwrap()
}

#[tokio::test]
async fn connect_error_releases_claim() {
    let telsmart = TokenServer::start("--access-token-life 3s").await;
    let address = format!("127.0.0.1:{}", closed_port());
    let url = format!("http://{address}/oauth/token");
    let config = with_sidecar(Config::new(), &telsmart).set("sidecar.telsmart.token_url", url);
    let gateway = config.start().await;
    let scene = Scene::on(telsmart, config, gateway).await;
    let consent = scene.activate(USER).await;
    eventually_within(PATIENCE, "attempts", async || {
        (refreshes(&scene.gateway, "not_sent").await >= 2.0).then_some(())
    })
    .await;
    let stands = scene.integration(USER).await;
    assert!(["active", "refreshing"].contains(&stands["status"].as_str().unwrap()), "{stands}");
    assert_eq!(scene.telsmart.presented(consent.refresh_token()).await, 0);
    let _link = Proxy::at(&address, &scene.telsmart.address.to_string()).await;
    scene.rotations(USER, 2).await;
    scene.is_well(USER).await;
    // Of the attempts in vain only the first is told of: an outage must not fill the disk.
    let audit = scene.audit_until(USER, |told| told.len() >= 5).await;
    assert_eq!(audit[..5], ["connect_begun", "activated", "claimed", "not_sent", "sent"]);
}

/// A fault of the first refresh, after which the token may be consumed: it is ambiguous, and only
/// a probe tells.
async fn is_ambiguous_after(fault: Value, is_consumed: bool) -> Scene {
    let scene = Scene::living(5).await;
    let consent = scene.activate(USER).await;
    let first = scene.integration(USER).await;
    scene.telsmart.fault([fault]).await;
    let stands = scene.until(USER, "ambiguous").await;
    assert_eq!(scene.telsmart.presented(consent.refresh_token()).await, 1);
    assert_eq!(stands["access_token_expires_at"], first["access_token_expires_at"]);
    assert_eq!(scene.access_token(USER).await, consent.access_token(), "the old one is good meanwhile");
    scene.presented(consent.refresh_token(), 2).await;
    // In the last tenth of its life, the way there included.
    let probed = now();
    let ends_at = first["access_token_expires_at"].as_u64().unwrap() * 1_000_000;
    assert!(probed > ends_at - 500_000, "probed {} us before the end", ends_at - probed);
    if is_consumed {
        let ended = scene.until(USER, "reauth_required").await;
        assert_eq!(ended["cause"], "response_lost");
        let answer = scene.vend(USER).await;
        assert_eq!(answer.status(), 409);
        assert_eq!(answer.json::<Value>().await.unwrap()["integration_status"], "reauth_required");
        scene.audit_until(USER, |told| told.last().is_some_and(|last| last == "reauth_required")).await;
        assert_eq!(scene.family(USER).await["revoked"], "reuse");
    } else {
        scene.until(USER, "active").await;
        assert_eq!(scene.family(USER).await["revoked"], Value::Null);
        scene.telsmart.is_opened_by(async || scene.access_token(USER).await).await;
        scene.rotations(USER, 2).await;
    }
    assert_eq!(scene.telsmart.presented(consent.refresh_token()).await, 2, "probed once");
    scene
}

#[tokio::test]
async fn http_503_after_send_is_ambiguous() {
    is_ambiguous_after(json!({"fault": "error_after", "status": 503}), true).await;
}

#[tokio::test]
async fn http_503_that_consumed_nothing_is_ambiguous_too_and_the_probe_saves_it() {
    is_ambiguous_after(json!({"fault": "error_before", "status": 503}), false).await;
}

#[tokio::test]
async fn response_lost_without_grace_probes_once_near_expiry() {
    let scene = is_ambiguous_after(json!({"fault": "drop_after"}), true).await;
    // The way out is to connect again.
    scene.activate(USER).await;
    scene.rotations(USER, 1).await;
    scene.is_well(USER).await;
}

#[tokio::test]
async fn a_request_that_was_dropped_before_it_was_read_is_saved_by_the_probe() {
    is_ambiguous_after(json!({"fault": "drop_before"}), false).await;
}

#[tokio::test]
async fn response_lost_with_grace_represents_within_window() {
    let options = "--access-token-life 8s --reuse-grace 6s";
    let scene = Scene::begin_by(options, |config| config.set("sidecar.telsmart.reuse_grace", "6s")).await;
    let consent = scene.activate(USER).await;
    scene.telsmart.fault([json!({"fault": "drop_after", "times": 2})]).await;
    scene.presented(consent.refresh_token(), 3).await;
    scene.until(USER, "active").await;
    let family = scene.family(USER).await;
    assert_eq!((&family["reuses"], &family["graced"]), (&json!(0), &json!(2)), "{family}");
    assert_eq!(family["revoked"], Value::Null);
    let rotations = family["rotations"].as_u64().unwrap();
    scene.rotations(USER, rotations + 1).await;
    scene.telsmart.is_opened_by(async || scene.access_token(USER).await).await;
}

#[tokio::test]
async fn a_refused_client_consumes_nothing_and_is_tried_again() {
    let scene = Scene::living(5).await;
    let consent = scene.activate(USER).await;
    let refused = json!({"fault": "error_before", "status": 401, "error": "invalid_client", "times": 2});
    scene.telsmart.fault([refused]).await;
    scene.presented(consent.refresh_token(), 3).await;
    scene.rotations(USER, 1).await;
    scene.until(USER, "active").await;
    assert_eq!(refreshes(&scene.gateway, "refused").await, 2.0);
    assert_eq!(scene.telsmart.presented(consent.refresh_token()).await, 3);
}

#[tokio::test]
async fn missing_refresh_token_keeps_old() {
    let scene = Scene::living(3).await;
    let consent = scene.activate(USER).await;
    scene.telsmart.fault([json!({"fault": "omit_refresh", "times": 2})]).await;
    scene.presented(consent.refresh_token(), 2).await;
    let newer = async || {
        eventually("a newer access token", async || {
            let token = scene.access_token(USER).await;
            (token != consent.access_token()).then_some(token)
        })
        .await
    };
    scene.telsmart.is_opened_by(newer).await;
    scene.rotations(USER, 5).await;
    scene.until(USER, "active").await;
    let family = scene.family(USER).await;
    assert_eq!((&family["revoked"], &family["reuses"]), (&Value::Null, &json!(0)));
    assert_eq!(scene.telsmart.presented(consent.refresh_token()).await, 3, "until it was exchanged");
}

#[tokio::test]
async fn malformed_200_is_escrowed() {
    let scene = Scene::living(5).await;
    let consent = scene.activate(USER).await;
    scene.telsmart.fault([json!({"fault": "malformed"})]).await;
    scene.until(USER, "ambiguous").await;
    let kept = scene.journal();
    assert_eq!(kept.len(), 1);
    // It is counted once that is stored.
    eventually("the answer to be counted", async || {
        (scene.gateway.metric("callpop_token_answers_unreadable_total").await == 1.0).then_some(())
    })
    .await;
    let text = String::from_utf8(kept.values().next().unwrap().clone()).unwrap();
    assert!(!text.contains("tsr_") && !text.contains("tsa_"), "it is sealed: {text}");
    let ended = scene.until(USER, "reauth_required").await;
    assert_eq!(ended["cause"], "response_lost");
    assert_eq!(scene.telsmart.presented(consent.refresh_token()).await, 2);
    // The probe's answer goes once what it says is stored; whoever can read the other finds it there.
    eventually("the probe's answer to go", async || (scene.journal() == kept).then_some(())).await;
    let scene = scene.restart_after_kill().await;
    assert_eq!(scene.until(USER, "reauth_required").await["cause"], "response_lost");
    assert_eq!(scene.journal(), kept);
}

#[tokio::test]
async fn redirect_is_not_followed() {
    let scene = is_ambiguous_after(json!({"fault": "redirect"}), false).await;
    assert_eq!(scene.telsmart.summary().await["redirects_followed"], 0);
}

#[tokio::test]
async fn a_rejected_refresh_token_ends_it_at_once() {
    let scene = Scene::living(3).await;
    let consent = scene.activate(USER).await;
    // The user takes his consent back, and the callback does not reach us.
    scene.telsmart.call_back("http://127.0.0.1:9").await;
    assert_eq!(scene.telsmart.deactivate(&scene.tenant, USER, true).await, None);
    let ended = scene.until(USER, "reauth_required").await;
    assert_eq!(ended["cause"], "rejected");
    assert_eq!(scene.telsmart.presented(consent.refresh_token()).await, 1);
}

#[tokio::test]
async fn every_generation_is_sent_once_where_all_is_well() {
    let scene = Scene::living(2).await;
    scene.activate(USER).await;
    scene.rotations(USER, 4).await;
    scene.is_well(USER).await;
    is_in_order(&scene.family(USER).await);
    assert!(scene.journal().len() <= 1, "an answer that is stored is no longer kept");
}
