//! Access tokens for other servers.

use super::scene::{Scene, USER, access_token, ask, http, vend};
use crate::support::{Token, eventually, gateway::problem, now};
use futures_util::future::join_all;
use serde_json::{Value, json};

#[tokio::test]
async fn only_services_get_access_tokens() {
    let scene = Scene::living(300).await;
    let consent = scene.activate(USER).await;
    let url = format!("http://{}/internal/telsmart/access-token", scene.gateway.private().await);
    let body = json!({"tenant_id": scene.tenant, "user_extension": USER});
    problem(http().post(&url).json(&body).send().await.unwrap(), 401).await;
    let elsewhere = Token::service(&crate::support::new_tenant());
    for token in [scene.token(USER), Token::supervisor(&scene.tenant), elsewhere] {
        problem(http().post(&url).bearer_auth(token.mint()).json(&body).send().await.unwrap(), 403).await;
    }
    for token in [
        Token::service(&scene.tenant).expiring_in(-120),
        Token::service(&scene.tenant).secret("another secret of enough length!!"),
    ] {
        problem(http().post(&url).bearer_auth(token.mint()).json(&body).send().await.unwrap(), 401).await;
    }
    let service = Token::service(&scene.tenant).mint();
    for (bad, status) in
        [(json!({"tenant_id": scene.tenant}), 422), (json!([]), 422), (json!({"user_extension": 7}), 422)]
    {
        problem(http().post(&url).bearer_auth(&service).json(&bad).send().await.unwrap(), status).await;
    }
    let answer = http().post(&url).bearer_auth(&service).json(&body).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["cache-control"], "no-store");
    let given: Value = answer.json().await.unwrap();
    assert_eq!(given["access_token"], consent.access_token());
    let ends_at = given["expires_at"].as_u64().unwrap();
    assert!((now() / 1_000_000 + 290..=now() / 1_000_000 + 300).contains(&ends_at));
    // It is on the private listener alone.
    let public = scene.gateway.request("POST", "/internal/telsmart/access-token").bearer_auth(&service);
    problem(public.json(&body).send().await.unwrap(), 404).await;
}

#[tokio::test]
async fn where_there_is_none_the_status_says_why() {
    let scene = Scene::living(300).await;
    let answer = scene.vend(USER).await;
    assert_eq!(answer.status(), 409);
    assert_eq!(answer.json::<Value>().await.unwrap()["integration_status"], Value::Null);
    super::scene::confirmation_key(&scene.gateway, &scene.token(USER)).await;
    let answer = scene.vend(USER).await;
    assert_eq!(answer.json::<Value>().await.unwrap()["integration_status"], "pending");
}

#[tokio::test]
async fn while_a_refresh_runs_the_old_one_is_given() {
    let scene = Scene::living(5).await;
    let consent = scene.activate(USER).await;
    scene.telsmart.fault([json!({"fault": "hold"})]).await;
    scene.telsmart.held(1).await;
    assert_eq!(scene.status(USER).await, "refreshing");
    let given = join_all((0..10).map(async |_| scene.access_token(USER).await)).await;
    assert_eq!(given, vec![consent.access_token(); 10]);
    scene.telsmart.release(true, true).await;
    scene.until(USER, "active").await;
    assert_ne!(scene.access_token(USER).await, consent.access_token());
    assert_eq!(scene.telsmart.presented(consent.refresh_token()).await, 1);
}

#[tokio::test]
async fn callers_at_the_same_time_share_one_refresh() {
    let mut scene = Scene::living(2).await;
    let consent = scene.activate(USER).await;
    scene.gateway.process.kill();
    let ends_at = now() + 2_000_000;
    eventually("the access token to end", async || (now() > ends_at).then_some(())).await;
    let scene = scene.restart_after_kill().await;
    let asked =
        join_all((0..20).map(async |_| access_token(&scene.gateway, &scene.tenant, USER).await)).await;
    assert!(asked.iter().all(|token| *token != consent.access_token()));
    assert_eq!(scene.telsmart.presented(consent.refresh_token()).await, 1);
    let mut first = asked.into_iter().next();
    let given = async || match first.take() {
        Some(token) => token,
        None => scene.access_token(USER).await,
    };
    scene.telsmart.is_opened_by(given).await;
    scene.is_well(USER).await;
}

#[tokio::test]
async fn a_provider_that_is_away_is_503_and_nothing_is_lost() {
    let scene = Scene::living(2).await;
    let consent = scene.activate(USER).await;
    let away = json!({"fault": "error_before", "status": 401, "error": "invalid_client", "times": 1000});
    scene.telsmart.fault([away]).await;
    scene.until_ended(USER).await;
    let patient = ask(&scene.gateway, &scene.tenant, USER).await.send().await.unwrap();
    problem(patient, 503).await;
    scene.telsmart.fault([]).await;
    scene.rotations(USER, 1).await;
    assert_eq!(vend(&scene.gateway, &scene.tenant, USER).await.status(), 200);
    assert_ne!(scene.access_token(USER).await, consent.access_token());
}
