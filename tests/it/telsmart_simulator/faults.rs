//! Each fault of the token server, and what may not be told.

use super::{Scene, TokenServer};
use crate::support::{eventually, soon};
use reqwest::Response;
use rustix::process::Signal;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::task::JoinHandle;

#[tokio::test]
async fn faults_before_consuming_leave_the_token_good() {
    let scene = Scene::begin("").await;
    let token = scene.consent.refresh_token();
    scene.is_dropped("drop_before").await;
    scene
        .telsmart
        .fault([
            json!({"fault": "error_before", "status": 500}),
            json!({"fault": "error_before", "status": 401, "error": "invalid_client"}),
            json!({"fault": "redirect"}),
        ])
        .await;
    assert_eq!(scene.refresh(token).await.0, 500);
    let (status, error) = scene.refresh(token).await;
    assert_eq!((status, &error["error"]), (401, &json!("invalid_client")));
    let moved = scene.telsmart.refresh(token).send().await.unwrap();
    assert_eq!(moved.status(), 307);
    assert_eq!(scene.telsmart.summary().await["redirects_followed"], 0);
    let to = moved.headers()["location"].to_str().unwrap();
    assert_eq!(scene.telsmart.post_form(to, &[]).send().await.unwrap().status(), 400);
    assert_eq!(scene.telsmart.summary().await["redirects_followed"], 1);
    scene.rotate(token).await;
    assert_eq!(scene.telsmart.presented(token).await, 5);
    let suffered = &scene.family().await["refresh_tokens"][0]["suffered"];
    assert_eq!(suffered, &json!(["drop_before", "error_before", "error_before", "redirect"]));
}

#[tokio::test]
async fn faults_after_consuming_cost_the_token() {
    let dropped = Scene::begin("").await;
    dropped.is_dropped("drop_after").await;
    assert!(dropped.is_refused(dropped.consent.refresh_token()).await);
    assert_eq!(dropped.family().await["revoked"], "reuse");

    let failed = Scene::begin("").await;
    failed.telsmart.fault([json!({"fault": "error_after", "status": 500})]).await;
    assert_eq!(failed.refresh(failed.consent.refresh_token()).await.0, 500);
    assert!(failed.is_refused(failed.consent.refresh_token()).await);

    let broken = Scene::begin("").await;
    broken.telsmart.fault([json!({"fault": "malformed"})]).await;
    let answer = broken.telsmart.refresh(broken.consent.refresh_token()).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let text = answer.text().await.unwrap();
    assert!(serde_json::from_str::<Value>(&text).is_err());
    let rescued: Value = serde_json::from_str(&format!("{text}}}")).unwrap();
    broken.rotate(rescued["refresh_token"].as_str().unwrap()).await;
}

#[tokio::test]
async fn a_late_answer_comes_and_an_omitted_token_is_not_needed() {
    let scene = Scene::begin("").await;
    let token = scene.consent.refresh_token();
    scene.telsmart.fault([json!({"fault": "omit_refresh"}), json!({"fault": "late", "ms": 150})]).await;
    let (status, pair) = scene.refresh(token).await;
    assert_eq!((status, pair.get("refresh_token")), (200, None));
    assert!(scene.opens(pair["access_token"].as_str().unwrap()).await);
    let begun = std::time::Instant::now();
    let (second, _) = scene.rotate(token).await;
    assert!(begun.elapsed() >= Duration::from_millis(150));
    scene.rotate(&second).await;
    assert_eq!(scene.telsmart.summary().await["faults"], json!({"late": 1, "omit_refresh": 1}));
}

/// A refresh that the server holds.
async fn held(telsmart: &TokenServer, token: &str) -> JoinHandle<reqwest::Result<Response>> {
    telsmart.fault([json!({"fault": "hold"})]).await;
    let request = tokio::spawn(telsmart.refresh(token).send());
    telsmart.held(1).await;
    request
}

#[tokio::test]
async fn a_held_refresh_waits_for_its_release() {
    let scene = Scene::begin("").await;
    let (telsmart, token) = (&scene.telsmart, scene.consent.refresh_token());
    let request = held(telsmart, token).await;
    assert_eq!(telsmart.release(false, false).await, [1, 0]);
    soon("the drop", request).await.unwrap().unwrap_err();

    let request = held(telsmart, token).await;
    assert_eq!(telsmart.release(false, true).await, [1, 0]);
    assert_eq!(soon("the answer", request).await.unwrap().unwrap().status(), 503);

    let request = held(telsmart, token).await;
    assert_eq!(telsmart.release(true, true).await, [1, 0]);
    let answer = soon("the answer", request).await.unwrap().unwrap();
    let pair: Value = answer.json().await.unwrap();
    let second = pair["refresh_token"].as_str().unwrap();

    // The client goes away, and its token is consumed after all.
    let request = held(telsmart, second).await;
    request.abort();
    assert!(request.await.unwrap_err().is_cancelled());
    let released = telsmart.release(true, true).await;
    assert_eq!(released.iter().sum::<u64>(), 1);
    assert_eq!(telsmart.release(true, true).await, [0, 0]);
    assert!(scene.is_refused(second).await);
    assert_eq!(telsmart.presented(second).await, 2);
}

#[tokio::test]
async fn a_share_of_the_refreshes_fails_at_random() {
    let scene = Scene::begin("").await;
    scene.telsmart.random_faults(0.5, 7, json!([{"fault": "error_before"}])).await;
    let mut token = scene.consent.refresh_token().to_owned();
    let mut failed = 0;
    for _ in 0..60 {
        let (status, pair) = scene.refresh(&token).await;
        match pair["refresh_token"].as_str() {
            Some(next) => next.clone_into(&mut token),
            None => {
                assert_eq!(status, 503);
                failed += 1;
            }
        }
    }
    assert!((10..50).contains(&failed), "{failed} failed");
    scene.telsmart.fault([]).await;
    scene.rotate(&token).await;
    assert_eq!(scene.telsmart.summary().await["faults"]["error_before"], failed);
}

#[tokio::test]
async fn what_cannot_be_told_is_a_problem() {
    let telsmart = TokenServer::start("").await;
    for (path, body) in [
        ("faults", json!({"next": [{"fault": "explode"}]})),
        ("faults", json!({"next": [{"fault": "late"}]})),
        ("faults", json!({"next": [{"fault": "drop_before", "after": 3}]})),
        ("faults", json!({"random": {"share": 2, "faults": [{"fault": "hold"}]}})),
        ("urls", json!({"activation_url": "ftp://127.0.0.1/"})),
        ("urls", json!({"gatway": "http://127.0.0.1/"})),
        ("activate", json!({"extension": "200"})),
        ("activate", json!({"extension": "200", "confirmation_key": "x".repeat(1025)})),
        ("release", json!({"consume": 1})),
    ] {
        let answer =
            telsmart.http.post(telsmart.url(&format!("/telsmart/{path}"))).json(&body).send().await.unwrap();
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["content-type"]),
            (422, &"application/problem+json".parse().unwrap()),
            "{path} {body}"
        );
    }
    let from_a_page =
        telsmart.http.post(telsmart.url("/telsmart/urls")).header("content-type", "text/plain").body("{}");
    assert_eq!(from_a_page.send().await.unwrap().status(), 415);
}

#[tokio::test]
async fn it_stops_while_a_refresh_is_held_and_another_late() {
    let mut scene = Scene::begin("").await;
    scene.telsmart.fault([json!({"fault": "hold"}), json!({"fault": "late", "ms": 600_000})]).await;
    let request = || tokio::spawn(scene.telsmart.refresh(scene.consent.refresh_token()).send());
    let held = request();
    scene.telsmart.held(1).await;
    let late = request();
    eventually("the late one", async || {
        (scene.telsmart.summary().await["faults"]["late"] == 1).then_some(())
    })
    .await;
    scene.telsmart.process.signal(Signal::TERM);
    assert!(soon("its end", scene.telsmart.process.exit()).await.success());
    assert!(held.await.unwrap().is_err() && late.await.unwrap().is_err());
}
