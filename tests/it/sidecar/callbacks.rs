//! Deactivation, from either side: nothing is given away any more, and the user's open browsers
//! are told.

use super::scene::{Scene, USER, call_back, disconnect, integrations};
use crate::support::{Token, eventually, new_tenant};
use serde_json::{Value, json};

async fn is_over(scene: &Scene) {
    let ended = scene.integration(USER).await;
    assert_eq!((&ended["status"], &ended["access_token_expires_at"]), (&json!("deactivated"), &Value::Null));
    let answer = scene.vend(USER).await;
    assert_eq!(answer.status(), 409);
    assert_eq!(answer.json::<Value>().await.unwrap()["integration_status"], "deactivated");
}

#[tokio::test]
async fn the_provider_deactivates_and_again() {
    let scene = Scene::living(300).await;
    scene.activate(USER).await;
    scene.activate("210").await;
    assert_eq!(scene.telsmart.deactivate(&scene.tenant, USER, true).await, Some(200));
    is_over(&scene).await;
    assert_eq!(scene.telsmart.deactivate(&scene.tenant, USER, true).await, Some(200));
    is_over(&scene).await;
    assert_eq!(scene.family(USER).await["revocations"], 0, "the provider knows already");
    // Of nobody whom we know, it is fine as well, and of the others it says nothing.
    assert_eq!(scene.telsmart.deactivate(&new_tenant(), USER, true).await, Some(200));
    scene.is_well("210").await;
    // A new consent begins anew, also after a crash.
    let scene = scene.restart_after_kill().await;
    is_over(&scene).await;
    let consent = scene.activate(USER).await;
    assert_eq!(scene.access_token(USER).await, consent.access_token());
}

#[tokio::test]
async fn the_user_deactivates_and_the_tokens_are_revoked() {
    let scene = Scene::living(300).await;
    let consent = scene.activate(USER).await;
    let token = scene.token(USER);
    assert_eq!(disconnect(&scene.gateway, &token, USER).await, 200);
    is_over(&scene).await;
    eventually("the tokens to be revoked", async || {
        (scene.family(USER).await["revoked"] == "client").then_some(())
    })
    .await;
    assert_eq!(scene.telsmart.contacts("", Some(consent.access_token())).await.status(), 401);
    assert_eq!(disconnect(&scene.gateway, &token, USER).await, 200);
    is_over(&scene).await;
    eventually("the tokens to be wiped", async || {
        scene.audit(USER).contains(&"wiped".to_owned()).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_key_of_before_the_deactivation_is_good_no_more() {
    let scene = Scene::living(300).await;
    scene.activate(USER).await;
    let key = super::scene::confirmation_key(&scene.gateway, &scene.token(USER)).await;
    assert_eq!(disconnect(&scene.gateway, &scene.token(USER), USER).await, 200);
    assert_eq!(scene.telsmart.activate(&scene.tenant, USER, &key).await.status, Some(403));
    is_over(&scene).await;
}

#[tokio::test]
async fn nobody_ends_what_is_not_his() {
    let scene = Scene::living(300).await;
    scene.activate(USER).await;
    for token in [
        Token::agent(&scene.tenant, &["210"]),
        Token::agent(&scene.tenant, &[]),
        Token::service(&scene.tenant),
    ] {
        assert_eq!(disconnect(&scene.gateway, &token, USER).await, 403);
    }
    let stranger = Token::agent(&new_tenant(), &[USER]);
    assert_eq!(disconnect(&scene.gateway, &stranger, USER).await, 200, "his own, of which there is none");
    assert!(integrations(&scene.gateway, &stranger).await.is_empty());
    let request = scene.gateway.request("POST", "/integrations/telsmart/disconnect");
    assert_eq!(request.json(&json!({"extension": USER})).send().await.unwrap().status(), 401);
    scene.is_well(USER).await;
}

#[tokio::test]
async fn open_browsers_are_told_and_only_the_users_own() {
    let scene = Scene::living(300).await;
    let mut own = scene.gateway.agent(&scene.tenant, USER).await;
    let watching = async |extension: &str| {
        let token = Token::supervisor(&scene.tenant).claim("extensions", [extension]);
        scene.gateway.stream(&token).scope("tenant").open().await
    };
    let mut own_of_supervisor = watching(USER).await;
    let mut others = [
        scene.gateway.agent(&scene.tenant, "210").await,
        scene.gateway.agent(&new_tenant(), USER).await,
        watching("210").await,
        scene.gateway.supervisor(&scene.tenant).await,
    ];
    scene.activate(USER).await;
    assert_eq!(own_of_supervisor.next_of("integration").await["status"], "pending");
    let told = own.next_of("integration").await;
    assert_eq!((&told["status"], &told["extension"]), (&json!("pending"), &json!(USER)), "{told}");
    let told = own.next_of("integration").await;
    assert_eq!(told["status"], "active");
    assert!(told["access_token_expires_at"].is_u64() && !told.to_string().contains("tsa_"), "{told}");
    scene.telsmart.deactivate(&scene.tenant, USER, true).await;
    assert_eq!(own.next_of("integration").await["status"], "deactivated");
    let body = json!({"tenant_id": scene.tenant, "user_extension": USER});
    assert_eq!(call_back(&scene.gateway, "deactivate", &body).send().await.unwrap().status(), 200);
    for other in &mut others {
        // Whatever was told before the answer to this would have come before it.
        other.send(&json!({"type": "tick", "t0": 1})).await;
        assert_eq!(other.next().await["type"], "tock");
    }
}
