//! Something else happens while a refresh is under way.

use super::scene::{Scene, USER, access_token, beside, disconnect, is_in_order, refreshes, with_sidecar};
use crate::support::{Engine, Gateway, TokenServer, eventually};
use axum::{Json, Router, extract::State, http::StatusCode, routing::post};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::{
    net::TcpListener,
    sync::{Notify, Semaphore},
    task::JoinSet,
};

#[tokio::test]
async fn deactivate_during_refresh_revokes_new_pair() {
    let scene = Scene::living(3).await;
    scene.activate(USER).await;
    scene.telsmart.fault([json!({"fault": "hold"})]).await;
    scene.telsmart.held(1).await;
    assert_eq!(disconnect(&scene.gateway, &scene.token(USER), USER).await, 200);
    assert_eq!(scene.status(USER).await, "deactivated");
    let answer = scene.vend(USER).await;
    assert_eq!(answer.status(), 409);
    assert_eq!(answer.json::<Value>().await.unwrap()["integration_status"], "deactivated");
    assert_eq!(scene.telsmart.release(true, true).await, [1, 0]);
    eventually("the new pair to be revoked", async || {
        (scene.family(USER).await["revoked"] == "client").then_some(())
    })
    .await;
    assert_eq!(scene.status(USER).await, "deactivated");
    assert_eq!(refreshes(&scene.gateway, "stray").await, 1.0);
    assert_eq!(scene.telsmart.summary().await["access_tokens"], 0);
}

#[tokio::test]
async fn reactivation_epoch_beats_late_result() {
    let scene = Scene::living(3).await;
    scene.activate(USER).await;
    scene.telsmart.fault([json!({"fault": "hold"})]).await;
    scene.telsmart.held(1).await;
    let second = scene.activate(USER).await;
    assert_eq!(scene.telsmart.release(true, true).await, [1, 0]);
    eventually("the late pair to be revoked", async || {
        (scene.telsmart.families(&scene.tenant, USER).await[0]["revoked"] == "client").then_some(())
    })
    .await;
    scene.rotations(USER, 2).await;
    scene.is_well(USER).await;
    assert_eq!(scene.telsmart.presented(second.refresh_token()).await, 1);
    assert_eq!(scene.family(USER).await["revocations"], 0);
}

#[tokio::test]
async fn late_response_wins_over_probe() {
    let telsmart = TokenServer::start("--access-token-life 16s").await;
    let config = with_sidecar(Engine::Redis.config().await, &telsmart);
    let gateway = Gateway::start_sidecar(&config).await;
    let _other = Gateway::start_sidecar(&beside(&config)).await;
    let scene = Scene::on(telsmart, config, gateway).await;
    let users: Vec<_> = (200..206).map(|number| number.to_string()).collect();
    for user in &users {
        scene.activate(user).await;
    }
    // Of the first whose time comes, so that the other process settles the claim, and the probe is still far.
    scene.telsmart.fault([json!({"fault": "hold"})]).await;
    let user = scene.first_held().await;
    scene.until(&user, "ambiguous").await;
    assert_eq!(scene.telsmart.release(true, true).await, [1, 0]);
    scene.until(&user, "active").await;
    let family = scene.family(&user).await;
    is_in_order(&family);
    assert_eq!(family["rotations"], 1);
    scene.rotations(&user, 2).await;
    scene.is_well(&user).await;
}

/// A token endpoint that takes its time, and then says that the token is not good any more.
#[derive(Clone)]
struct Loser {
    asked: Arc<Notify>,
    may_answer: Arc<Semaphore>,
}

async fn reject(State(loser): State<Loser>) -> (StatusCode, Json<Value>) {
    loser.asked.notify_one();
    loser.may_answer.acquire().await.unwrap().forget();
    (StatusCode::BAD_REQUEST, Json(json!({"error": "invalid_grant"})))
}

#[tokio::test]
async fn invalid_grant_loser_returns_winner() {
    let telsmart = TokenServer::start("--access-token-life 3s").await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/oauth/token", listener.local_addr().unwrap());
    let loser = Loser { asked: Arc::default(), may_answer: Semaphore::new(0).into() };
    let app = Router::new().route("/oauth/token", post(reject)).with_state(loser.clone());
    let mut server = JoinSet::new();
    server.spawn(async { axum::serve(listener, app).await.unwrap() });

    let config = with_sidecar(Engine::Redis.config().await, &telsmart);
    let slow = config.clone().set("sidecar.telsmart.token_url", url);
    let gateway = Gateway::start_sidecar(&slow).await;
    let scene = Scene::on(telsmart, slow, gateway).await;
    let consent = scene.activate(USER).await;
    crate::support::soon("the loser to send", loser.asked.notified()).await;
    let winner = Gateway::start_sidecar(&beside(&config)).await;
    scene.rotations(USER, 1).await;
    loser.may_answer.add_permits(1);
    eventually("the loser to be told", async || (loser.may_answer.available_permits() == 0).then_some(()))
        .await;
    for process in [&scene.gateway, &winner] {
        let given = async || {
            let token = access_token(process, &scene.tenant, USER).await;
            assert_ne!(token, consent.access_token());
            token
        };
        scene.telsmart.is_opened_by(given).await;
    }
    assert!(["active", "refreshing", "ambiguous"].contains(&scene.status(USER).await.as_str()));
    is_in_order(&scene.family(USER).await);
}
