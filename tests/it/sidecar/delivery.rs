//! `calls.require_activation`: calls are delivered to users whose integration is active.

use super::scene::{Scene, USER, disconnect, with_sidecar};
use crate::support::{Engine, Leg, TokenServer};
use serde_json::json;

async fn scene(engine: Engine) -> Scene {
    let telsmart = TokenServer::start("").await;
    let config = with_sidecar(engine.config().await, &telsmart).set("calls.require_activation", true);
    let gateway = config.start().await;
    Scene::on(telsmart, config, gateway).await
}

async fn only_active_users(scene: Scene) {
    let (own, other) = (Leg::inbound(&scene.tenant, USER), Leg::inbound(&scene.tenant, "210"));
    let mut client = scene.gateway.agent(&scene.tenant, USER).await;
    let mut second = scene.gateway.agent(&scene.tenant, "210").await;
    scene.activate("210").await;
    scene.gateway.deliver(&own.ringing(0)).await;
    assert_eq!(scene.gateway.metric("callpop_events_not_activated_total").await, 1.0);
    super::scene::confirmation_key(&scene.gateway, &scene.token(USER)).await;
    scene.gateway.deliver(&json!([own.ringing(1), other.ringing(0)])).await;
    assert_eq!(scene.gateway.metric("callpop_events_not_activated_total").await, 2.0);
    second.version(&other, 1).await;
    // The moment that the activation is answered, the next event is delivered.
    scene.activate(USER).await;
    let leg = Leg::inbound(&scene.tenant, USER);
    scene.gateway.deliver(&leg.ringing(0)).await;
    client.version(&leg, 1).await;
    assert!(client.call(&own).is_none(), "what came before was not kept");
    assert_eq!(disconnect(&scene.gateway, &scene.token(USER), USER).await, 200);
    scene.gateway.deliver(&leg.active(5)).await;
    assert_eq!(scene.gateway.metric("callpop_events_not_activated_total").await, 3.0);
    let late = Leg::inbound(&scene.tenant, "210");
    scene.gateway.deliver(&late.ringing(0)).await;
    second.version(&late, 1).await;
    let client = client.reconnect().await;
    assert_eq!(client.call(&leg).unwrap()["version"], 1);
    // A call that was shown ends all the same; one that was not is not begun by its end.
    scene.gateway.deliver(&json!([leg.hangup(9), own.hangup(9)])).await;
    let mut client = client;
    client.version(&leg, 2).await;
    assert!(client.call(&own).is_none());
    assert_eq!(scene.gateway.metric("callpop_events_not_activated_total").await, 4.0);
}

#[tokio::test]
async fn calls_are_delivered_to_active_users_only() {
    only_active_users(scene(Engine::Embedded).await).await;
}

#[tokio::test]
async fn calls_are_delivered_to_active_users_only_on_redis() {
    only_active_users(scene(Engine::Redis).await).await;
}

#[tokio::test]
async fn who_is_ambiguous_still_gets_calls_and_who_has_to_connect_again_does_not() {
    let scene =
        Scene::begin_by("--access-token-life 5s", |config| config.set("calls.require_activation", true));
    let scene = scene.await;
    scene.activate(USER).await;
    let mut client = scene.gateway.agent(&scene.tenant, USER).await;
    scene.telsmart.fault([json!({"fault": "drop_after"})]).await;
    scene.until(USER, "ambiguous").await;
    let leg = Leg::inbound(&scene.tenant, USER);
    scene.gateway.deliver(&leg.ringing(0)).await;
    client.version(&leg, 1).await;
    scene.until(USER, "reauth_required").await;
    scene.gateway.deliver(&leg.active(3)).await;
    assert_eq!(scene.gateway.metric("callpop_events_not_activated_total").await, 1.0);
}
