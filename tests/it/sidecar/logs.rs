//! Nothing that is secret is ever written where it can be read.

use super::scene::{
    Scene, USER, VAULT_KEY, call_back, confirmation_key, connect, disconnect, sent_to, with_sidecar,
};
use crate::support::{
    Config, Gateway, Leg, TokenServer,
    engine::on_redis,
    gateway::problem,
    redis,
    token::{CALLBACK_SECRET, CLIENT_SECRET},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use std::path::Path;

/// Does everything that a sidecar does; gives what must not be found anywhere.
async fn everything(scene: &Scene) -> Vec<String> {
    let mut secrets = vec![
        CALLBACK_SECRET.to_owned(),
        CLIENT_SECRET.to_owned(),
        VAULT_KEY.split_once(':').unwrap().1.to_owned(),
        "tsa_".to_owned(),
        "tsr_".to_owned(),
    ];
    let credentials = format!("callpop:{CLIENT_SECRET}");
    secrets.push(BASE64_STANDARD.encode(credentials));
    let token = scene.token(USER);
    let request = scene.gateway.request("POST", "/v1/tickets").bearer_auth(token.mint());
    let ticket: Value = request.send().await.unwrap().json().await.unwrap();
    let ticket = ticket["ticket"].as_str().unwrap().to_owned();
    let key = sent_to(&connect(&scene.gateway, &format!("?ticket={ticket}"), None).await)["confirmation_key"]
        .clone();
    let unused = confirmation_key(&scene.gateway, &token).await;
    let consent = scene.telsmart.activate(&scene.tenant, USER, &key).await;
    assert_eq!(consent.status, Some(200));
    let wrong = scene.gateway.request("POST", "/integrations/telsmart/activate").json(&consent.body);
    problem(wrong.header("X-Callback-Secret", "a-wrong-callback-secret").send().await.unwrap(), 401).await;
    let mut other = consent.body.clone();
    other["user_extension"] = "999".into();
    problem(call_back(&scene.gateway, "activate", &other).send().await.unwrap(), 403).await;
    other["expires_in"] = "soon".into();
    problem(call_back(&scene.gateway, "activate", &other).send().await.unwrap(), 422).await;
    let faults = ["omit_refresh", "redirect", "drop_before", "error_before"];
    for fault in faults {
        let rotations = scene.family(USER).await["rotations"].as_u64().unwrap();
        scene.telsmart.fault([json!({ "fault": fault })]).await;
        scene.rotations(USER, rotations + 2).await;
    }
    secrets.push(scene.access_token(USER).await);
    let contact = scene.gateway.request("GET", "/v1/contacts?number=200").bearer_auth(token.mint());
    contact.send().await.unwrap();
    for fault in ["malformed", "error_after", "drop_after"] {
        scene.telsmart.fault([json!({ "fault": fault })]).await;
        scene.until(USER, "reauth_required").await;
        scene.activate(USER).await;
    }
    scene.telsmart.fault([json!({"fault": "hold"})]).await;
    scene.telsmart.held(1).await;
    assert_eq!(disconnect(&scene.gateway, &token, USER).await, 200);
    scene.telsmart.release(true, true).await;
    scene.activate(USER).await;
    scene.telsmart.deactivate(&scene.tenant, USER, true).await;
    let kept = [consent.access_token().to_owned(), consent.refresh_token().to_owned(), key, unused, ticket];
    secrets.extend(kept);
    secrets
}

/// Fails where something holds a secret; base64 of it counts as well.
fn holds_none(what: &str, bytes: &[u8], secrets: &[String]) {
    let text = String::from_utf8_lossy(bytes);
    for secret in secrets {
        for form in [secret.clone(), BASE64_STANDARD.encode(secret)] {
            assert!(!text.contains(&form), "{what} holds {secret:?}");
        }
    }
}

fn files(folder: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
}

#[tokio::test]
async fn no_token_ever_in_logs() {
    let scene = Scene::begin_by("--access-token-life 2s", |config| config.set("log.filter", "trace")).await;
    let mut scene = scene;
    let leg = Leg::inbound(&scene.tenant, USER);
    scene.gateway.deliver(&leg.ringing(0)).await;
    let secrets = everything(&scene).await;
    scene.gateway.stop().await;
    let said = scene.gateway.process.log();
    for part in ["hyper", "callpop"] {
        assert!(said.contains(&format!("\"target\":\"{part}")), "{part} logs at trace");
    }
    holds_none("the log", said.as_bytes(), &secrets);
    let mut written = Vec::new();
    files(&scene.config.data_dir(), &mut written);
    for part in ["audit.jsonl", "journal"] {
        assert!(written.iter().any(|(name, _)| name.contains(part)), "{part} is there");
    }
    for (name, bytes) in &written {
        holds_none(name, bytes, &secrets);
    }
}

#[tokio::test]
async fn no_token_ever_in_logs_on_redis() {
    let telsmart = TokenServer::start("--access-token-life 2s").await;
    let server = redis::Server::start(redis::Aof::Always).await;
    let config = with_sidecar(on_redis(server.url()), &telsmart).set("log.filter", "trace");
    let gateway = Gateway::start(&config).await;
    let mut scene = Scene::on(telsmart, config, gateway).await;
    let secrets = everything(&scene).await;
    scene.gateway.stop().await;
    holds_none("the log", scene.gateway.process.log().as_bytes(), &secrets);
    let mut written = Vec::new();
    files(&scene.config.data_dir(), &mut written);
    files(server.folder(), &mut written);
    assert!(written.iter().any(|(name, _)| name.contains("appendonly")), "Redis wrote");
    for (name, bytes) in &written {
        holds_none(name, bytes, &secrets);
    }
}

#[tokio::test]
async fn the_configuration_is_shown_without_secrets() {
    let telsmart = TokenServer::start("").await;
    let config = with_sidecar(Config::new(), &telsmart);
    let mut command = crate::support::process::callpop();
    let output = crate::support::process::run(command.arg("check").arg("--config").arg(config.write()));
    let secrets = [CALLBACK_SECRET, CLIENT_SECRET, VAULT_KEY].map(str::to_owned);
    assert_eq!(output.status.code(), Some(0));
    holds_none("the check", &[output.stdout, output.stderr].concat(), &secrets);
}
