//! Gateways without the vault key, and a sidecar alone beside them, on one Redis.

use super::scene::{Scene, USER, beside, connect, disconnect, integration, until, with_sidecar};
use crate::support::{
    Config, Engine, Gateway, Leg, TokenServer, eventually, gateway::problem, process::callpop,
};
use rustix::process::Signal;
use serde_json::{Value, json};

/// A sidecar alone, of which a scene is made, and a gateway beside it.
async fn begin(options: &str) -> (Scene, Gateway) {
    let telsmart = TokenServer::start(options).await;
    let config = with_sidecar(Engine::Redis.config().await, &telsmart).set("sidecar.mode", "separate");
    let sidecar = Gateway::start_sidecar(&config).await;
    let there = format!("http://{}", sidecar.private().await);
    let missing = config.data_dir().join("no-such-key");
    let gateway = beside(&config)
        .without("sidecar.vault_key")
        .set("sidecar.vault_key_file", missing.to_str().unwrap())
        .set("sidecar.url", there)
        .set("calls.require_activation", true);
    let gateway = gateway.start().await;
    (Scene::on(telsmart, config, sidecar).await, gateway)
}

#[tokio::test]
async fn a_gateway_without_the_key_has_no_activation_and_shows_integrations() {
    let (scene, gateway) = begin("--access-token-life 3s").await;
    let token = scene.token(USER);
    let consent = scene.activate(USER).await;
    for (method, what) in
        [("GET", "connect"), ("POST", "activate"), ("POST", "deactivate"), ("POST", "disconnect")]
    {
        let request = gateway.request(method, &format!("/integrations/telsmart/{what}"));
        problem(request.json(&consent.body).send().await.unwrap(), 404).await;
    }
    assert_eq!(integration(&gateway, &token).await["status"], "active");
    scene.rotations(USER, 2).await;
    scene.is_well(USER).await;
    // A ticket of the gateway is good at the sidecar.
    let answer = gateway.request("POST", "/v1/tickets").bearer_auth(token.mint()).send().await.unwrap();
    let ticket: Value = answer.json().await.unwrap();
    let query = format!("?ticket={}", ticket["ticket"].as_str().unwrap());
    assert_eq!(connect(&scene.gateway, &query, None).await.status(), 303);
    // Of the sidecar, a gateway has neither the tokens' listener nor a folder.
    assert!(!gateway.process.log().contains("access tokens are given there"));
    assert_eq!(disconnect(&scene.gateway, &token, USER).await, 200);
    until(&gateway, &token, "deactivated").await;
}

#[tokio::test]
async fn calls_and_frames_follow_the_sidecar_of_another_process() {
    let (scene, gateway) = begin("").await;
    let mut client = gateway.agent(&scene.tenant, USER).await;
    let leg = Leg::inbound(&scene.tenant, USER);
    gateway.deliver(&leg.ringing(0)).await;
    assert_eq!(gateway.metric("callpop_events_not_activated_total").await, 1.0);
    scene.activate(USER).await;
    gateway.deliver(&leg.ringing(0)).await;
    client.version(&leg, 1).await;
    let frame = async |client: &mut crate::support::Client, status: &str| loop {
        if client.next_of("integration").await["status"] == status {
            break;
        }
    };
    // It may have come before the call.
    scene.telsmart.deactivate(&scene.tenant, USER, true).await;
    frame(&mut client, "deactivated").await;
    eventually("the gateway to know", async || {
        let before = gateway.metric("callpop_events_not_activated_total").await;
        gateway.deliver(&leg.active(5)).await;
        (gateway.metric("callpop_events_not_activated_total").await > before).then_some(())
    })
    .await;
}

#[tokio::test]
async fn contacts_are_looked_up_by_a_token_from_the_other_process() {
    let (scene, gateway) = begin("").await;
    let asked = async |number: &str| {
        let request = gateway.request("GET", &format!("/v1/contacts?number={number}"));
        request.bearer_auth(scene.token(USER).mint()).send().await.unwrap()
    };
    let found: Value = asked("200").await.json().await.unwrap();
    assert_eq!(found["name"], Value::Null);
    scene.activate(USER).await;
    let found: Value = asked("200").await.json().await.unwrap();
    assert_eq!(found, json!({"number": "200", "name": "John Doe"}));
    scene.telsmart.deactivate(&scene.tenant, USER, true).await;
    let found: Value = asked("210").await.json().await.unwrap();
    assert_eq!(found["name"], Value::Null);
}

#[tokio::test]
async fn a_sidecar_alone_is_watched_and_stops_in_good_order() {
    let (mut scene, _gateway) = begin("").await;
    for path in ["/healthz", "/readyz"] {
        assert_eq!(scene.gateway.operator(path).await.status(), 200);
    }
    assert!(scene.gateway.is_in_rotation().await);
    scene.activate(USER).await;
    assert_eq!(
        scene.gateway.metric("callpop_integrations{source=\"telsmart\",status=\"active\"}").await,
        1.0
    );
    assert_eq!(scene.gateway.metric("callpop_integrations_at_risk").await, 0.0);
    scene.gateway.stop().await;
}

#[tokio::test]
async fn a_hangup_ends_no_sidecar() {
    let (mut scene, _gateway) = begin("").await;
    scene.gateway.process.signal(Signal::HUP);
    scene.activate(USER).await;
    scene.gateway.stop().await;
}

#[tokio::test]
async fn a_sidecar_without_a_key_does_not_start_and_names_what_is_missing() {
    let telsmart = TokenServer::start("").await;
    let config = with_sidecar(Config::new(), &telsmart).without("sidecar.vault_key");
    let output = crate::support::process::run(callpop().arg("serve").arg("--config").arg(config.write()));
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("sidecar.vault_key_file"));
}

#[tokio::test]
async fn a_key_ring_that_lacks_a_key_in_use_is_named_and_nothing_is_lost() {
    let mut scene = Scene::living(300).await;
    let consent = scene.activate(USER).await;
    scene.gateway.process.kill();
    let other = scene.config.clone().set("sidecar.vault_key", super::scene::VAULT_KEY.replace("k1:", "k2:"));
    let output = crate::support::process::run(callpop().arg("serve").arg("--config").arg(other.write()));
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("k1"), "{said}");
    let scene = scene.restart_after_kill().await;
    assert_eq!(scene.access_token(USER).await, consent.access_token());
}
