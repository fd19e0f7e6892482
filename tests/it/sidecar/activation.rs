//! Activation callbacks: whose they may be, that they count once, and that what is refused leaves
//! nothing behind.

use super::scene::{Scene, USER, call_back, confirmation_key, integrations};
use crate::support::{Token, eventually, gateway::problem, new_tenant, now, soon, token::CALLBACK_SECRET};
use futures_util::future::join_all;
use serde_json::{Value, json};

fn tokens(tenant: &str, extension: &str, key: &str, number: u32) -> Value {
    json!({
        "tenant_id": tenant, "user_extension": extension, "confirmation_key": key, "expires_in": 300,
        "access_token": format!("tsa_made-up-{number}"), "refresh_token": format!("tsr_made-up-{number}"),
    })
}

#[tokio::test]
async fn duplicate_activation_callback_same_result() {
    let scene = Scene::living(3).await;
    let key = confirmation_key(&scene.gateway, &scene.token(USER)).await;
    let consent = scene.telsmart.activate(&scene.tenant, USER, &key).await;
    assert_eq!(consent.status, Some(200));
    let again = async || {
        let answer = call_back(&scene.gateway, "activate", &consent.body).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let first = again().await;
    assert_eq!(first.0, 200);
    assert_eq!(join_all((0..5).map(async |_| again().await)).await, vec![first.clone(); 5]);
    // Nor does it bring back what was exchanged meanwhile.
    scene.rotations(USER, 1).await;
    assert_eq!(again().await, first);
    scene.rotations(USER, 3).await;
    scene.is_well(USER).await;
    let audit = scene.audit(USER);
    assert_eq!(audit.iter().filter(|event| *event == "activated").count(), 1, "{audit:?}");

    // Other tokens with the same key are another's.
    let mut other = consent.body.clone();
    other["refresh_token"] = "tsr_made-up".into();
    problem(call_back(&scene.gateway, "activate", &other).send().await.unwrap(), 403).await;
    scene.is_well(USER).await;
}

#[tokio::test]
async fn many_at_once_with_the_same_key_are_one_activation() {
    let scene = Scene::living(300).await;
    let key = confirmation_key(&scene.gateway, &scene.token(USER)).await;
    let bodies: Vec<_> = (0..8).map(|number| tokens(&scene.tenant, USER, &key, number)).collect();
    let answers = join_all(bodies.iter().map(async |body| {
        call_back(&scene.gateway, "activate", body).send().await.unwrap().status().as_u16()
    }))
    .await;
    assert_eq!(answers.iter().filter(|status| **status == 200).count(), 1, "{answers:?}");
    assert_eq!(answers.iter().filter(|status| **status == 403).count(), 7, "{answers:?}");
    let won = answers.iter().position(|status| *status == 200).unwrap();
    assert_eq!(scene.access_token(USER).await, format!("tsa_made-up-{won}"));
}

#[tokio::test]
async fn activation_for_another_user_is_403() {
    let scene = Scene::living(300).await;
    let key = confirmation_key(&scene.gateway, &scene.token(USER)).await;
    let other = scene.token("210");
    confirmation_key(&scene.gateway, &other).await;
    let stranger = new_tenant();
    let pending = scene.integration(USER).await;
    assert_eq!(pending["status"], "pending");
    for (tenant, extension, key) in [
        (scene.tenant.as_str(), "210", key.as_str()),
        (scene.tenant.as_str(), "999", key.as_str()),
        (stranger.as_str(), USER, key.as_str()),
        (scene.tenant.as_str(), USER, "AAAAAAAAAAAAAAAAAAAAAA"),
        (scene.tenant.as_str(), USER, ""),
    ] {
        let body = tokens(tenant, extension, key, 1);
        problem(call_back(&scene.gateway, "activate", &body).send().await.unwrap(), 403).await;
    }
    assert_eq!(scene.integration(USER).await, pending, "nothing is stored");
    assert_eq!(scene.status("210").await, "pending");
    for token in [Token::agent(&stranger, &[USER]), scene.token("999")] {
        assert!(integrations(&scene.gateway, &token).await.is_empty());
    }
    assert_eq!(scene.vend(USER).await.status(), 409);

    // The header is looked at before anything else.
    let good = tokens(&scene.tenant, USER, &key, 1);
    for what in ["activate", "deactivate"] {
        let path = format!("/integrations/telsmart/{what}");
        let wrong = format!("{CALLBACK_SECRET}x");
        for header in [None, Some(wrong.as_str()), Some("")] {
            let mut request = scene.gateway.request("POST", &path).body("not JSON");
            if let Some(header) = header {
                request = request.header("X-Callback-Secret", header);
            }
            problem(request.send().await.unwrap(), 401).await;
            let mut request = scene.gateway.request("POST", &path).json(&good);
            if let Some(header) = header {
                request = request.header("X-Callback-Secret", header);
            }
            problem(request.send().await.unwrap(), 401).await;
        }
    }
    assert_eq!(scene.integration(USER).await, pending);

    // The key is still good for its own user, once.
    assert_eq!(call_back(&scene.gateway, "activate", &good).send().await.unwrap().status(), 200);
    assert_eq!(scene.access_token(USER).await, "tsa_made-up-1");
    let used = tokens(&scene.tenant, USER, &key, 2);
    problem(call_back(&scene.gateway, "activate", &used).send().await.unwrap(), 403).await;
    assert_eq!(scene.access_token(USER).await, "tsa_made-up-1");
    assert_eq!(scene.audit("999"), Vec::<String>::new());
}

#[tokio::test]
async fn a_part_of_the_callback_secret_is_401() {
    let scene = Scene::living(300).await;
    let key = confirmation_key(&scene.gateway, &scene.token(USER)).await;
    let body = tokens(&scene.tenant, USER, &key, 1);
    let call_back_by = async |what: &str, secret: &str| {
        let request = scene.gateway.request("POST", &format!("/integrations/telsmart/{what}"));
        request.header("X-Callback-Secret", secret).json(&body).send().await.unwrap()
    };
    for at in 0..CALLBACK_SECRET.len() {
        for part in [&CALLBACK_SECRET[..at], &CALLBACK_SECRET[at + 1..]] {
            problem(call_back_by("activate", part).await, 401).await;
            problem(call_back_by("deactivate", part).await, 401).await;
        }
    }
    assert_eq!(scene.status(USER).await, "pending");
    assert_eq!(call_back_by("activate", CALLBACK_SECRET).await.status(), 200);
}

#[tokio::test]
async fn a_confirmation_key_is_used_up_also_by_an_activation_before_the_last() {
    let scene = Scene::living(300).await;
    let mut keys = Vec::new();
    for _ in 0..2 {
        keys.push(confirmation_key(&scene.gateway, &scene.token(USER)).await);
    }
    let activate = async |key: usize, number| {
        let body = tokens(&scene.tenant, USER, &keys[key], number);
        call_back(&scene.gateway, "activate", &body).send().await.unwrap()
    };
    assert_eq!(activate(0, 1).await.status(), 200);
    assert_eq!(activate(1, 2).await.status(), 200);
    // With the tokens of then, and with others.
    for number in [1, 3] {
        problem(activate(0, number).await, 403).await;
    }
    assert_eq!(scene.access_token(USER).await, "tsa_made-up-2");
}

#[tokio::test]
async fn an_expired_confirmation_key_is_403() {
    let scene = Scene::begin_by("", |config| config.set("sidecar.telsmart.consent_timeout", "500ms")).await;
    let key = confirmation_key(&scene.gateway, &scene.token(USER)).await;
    let begun = now();
    eventually("the key to expire", async || (now() > begun + 600_000).then_some(())).await;
    let body = tokens(&scene.tenant, USER, &key, 1);
    problem(call_back(&scene.gateway, "activate", &body).send().await.unwrap(), 403).await;
    assert_eq!(scene.status(USER).await, "pending");
    assert_eq!(scene.vend(USER).await.status(), 409);
}

#[tokio::test]
async fn two_values_of_the_header_are_good_while_it_is_changed() {
    let scene = Scene::begin_by("", |config| {
        config.set("sidecar.telsmart.callback_secrets", vec!["the-new-callback-secret", CALLBACK_SECRET])
    })
    .await;
    scene.activate(USER).await;
    let body = json!({"tenant_id": scene.tenant, "user_extension": USER});
    let request = scene.gateway.request("POST", "/integrations/telsmart/deactivate");
    let answer = request.header("X-Callback-Secret", "the-new-callback-secret").json(&body).send();
    assert_eq!(soon("the answer", answer).await.unwrap().status(), 200);
    assert_eq!(scene.status(USER).await, "deactivated");
}

#[tokio::test]
async fn a_bad_body_is_named_and_quotes_nothing() {
    let scene = Scene::living(300).await;
    let key = confirmation_key(&scene.gateway, &scene.token(USER)).await;
    let good = tokens(&scene.tenant, USER, &key, 1);
    for field in
        ["tenant_id", "user_extension", "access_token", "refresh_token", "expires_in", "confirmation_key"]
    {
        let mut body = good.clone();
        body.as_object_mut().unwrap().remove(field);
        let detail = problem(call_back(&scene.gateway, "activate", &body).send().await.unwrap(), 422).await;
        assert!(detail.contains(field), "{detail}");
    }
    for (field, bad) in [
        ("expires_in", json!(0)),
        ("expires_in", json!(-1)),
        ("expires_in", json!("soon")),
        ("access_token", json!("")),
        ("refresh_token", json!("a\nb")),
        ("refresh_token", json!(7)),
    ] {
        let mut body = good.clone();
        body[field] = bad;
        let detail = problem(call_back(&scene.gateway, "activate", &body).send().await.unwrap(), 422).await;
        assert!(!detail.contains("made-up"), "{detail}");
    }
    let request = scene.gateway.request("POST", "/integrations/telsmart/activate");
    let request =
        request.header("X-Callback-Secret", CALLBACK_SECRET).header("Content-Type", "application/json");
    problem(request.body("{").send().await.unwrap(), 400).await;
    assert_eq!(scene.status(USER).await, "pending");
    let mut text = good.clone();
    text["expires_in"] = "300".into();
    assert_eq!(call_back(&scene.gateway, "activate", &text).send().await.unwrap().status(), 200);
}
