//! The name of who calls, from the provider's phonebook, by the user's own access token.

use super::scene::{Scene, USER, connect, disconnect};
use crate::support::{Token, eventually, gateway::problem, new_tenant};
use futures_util::{StreamExt, stream::FuturesUnordered};
use reqwest::Response;
use serde_json::{Value, json};
use tokio::net::TcpListener;

pub async fn look_up(scene: &Scene, number: &str, token: &Token) -> Response {
    let query = serde_urlencoded::to_string([("number", number)]).unwrap();
    let request = scene.gateway.request("GET", &format!("/v1/contacts?{query}"));
    request.bearer_auth(token.mint()).send().await.unwrap()
}

/// The name that a user is told, if any.
async fn name(scene: &Scene, number: &str, token: &Token) -> Value {
    let answer = look_up(scene, number, token).await;
    assert_eq!(answer.status(), 200);
    answer.json::<Value>().await.unwrap()["name"].take()
}

async fn asked(scene: &Scene) -> u64 {
    scene.telsmart.summary().await["contacts"]["answered"].as_u64().unwrap()
}

#[tokio::test]
async fn a_known_number_has_a_name_and_is_asked_for_once() {
    let scene = Scene::living(300).await;
    scene.activate(USER).await;
    for _ in 0..3 {
        let answer = look_up(&scene, "+3228992675", &scene.token(USER)).await;
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["cache-control"]),
            (200, &"no-store".parse().unwrap())
        );
        let found: Value = answer.json().await.unwrap();
        assert_eq!(found, json!({"number": "+3228992675", "name": "Sophie Lambert"}));
    }
    assert_eq!(asked(&scene).await, 1);
    for _ in 0..2 {
        let found: Value = look_up(&scene, "+3299999999", &scene.token(USER)).await.json().await.unwrap();
        assert_eq!(found["name"], Value::Null);
    }
    assert_eq!(asked(&scene).await, 2);
    // What one user was told, another is not.
    assert_eq!(name(&scene, "+3228992675", &scene.token("210")).await, Value::Null);
    assert_eq!(name(&scene, "+3228992675", &Token::agent(&new_tenant(), &[USER])).await, Value::Null);
    assert_eq!(asked(&scene).await, 2);
}

#[tokio::test]
async fn a_number_has_its_name_however_it_is_written() {
    let scene = Scene::living(300).await;
    scene.activate(USER).await;
    for written in ["+3228992675", "028992675", "003228992675"] {
        assert_eq!(name(&scene, written, &scene.token(USER)).await, "Sophie Lambert", "{written}");
    }
    assert_eq!(asked(&scene).await, 1);
    // Nobody's number has no name, and no phonebook is asked.
    for nobodys in ["*", "+"] {
        assert_eq!(name(&scene, nobodys, &scene.token(USER)).await, Value::Null, "{nobodys}");
    }
    assert_eq!(asked(&scene).await, 1);
}

#[tokio::test]
async fn without_an_active_integration_there_is_no_name() {
    let scene = Scene::living(300).await;
    assert_eq!(name(&scene, "+3228992675", &scene.token(USER)).await, Value::Null);
    connect(&scene.gateway, "", Some(&scene.token(USER))).await;
    assert_eq!(name(&scene, "+3228992675", &scene.token(USER)).await, Value::Null);
    scene.activate(USER).await;
    assert_eq!(look_up(&scene, "200", &scene.token(USER)).await.status(), 200);
    assert_eq!(name(&scene, "+3228992675", &scene.token(USER)).await, "Sophie Lambert");
    assert_eq!(disconnect(&scene.gateway, &scene.token(USER), USER).await, 200);
    // Neither what was remembered of the user nor anything else.
    for number in ["+3228992675", "200", "210"] {
        assert_eq!(name(&scene, number, &scene.token(USER)).await, Value::Null, "{number}");
    }
    assert_eq!(asked(&scene).await, 2);
}

#[tokio::test]
async fn a_name_is_remembered_for_the_user_and_tenant_that_it_was_told_to() {
    let scene = Scene::living(300).await;
    let (ann, bob) = (scene.token(USER), scene.token("210"));
    for user in [USER, "210"] {
        scene.activate(user).await;
    }
    let scene = Scene { tenant: new_tenant(), ..scene };
    let namesake = scene.token(USER);
    scene.activate(USER).await;
    // Each is told what the phonebook says to him, not what it said to another.
    for (before, user) in [&ann, &bob, &namesake].into_iter().enumerate() {
        assert_eq!(asked(&scene).await, before as u64);
        assert_eq!(name(&scene, "+3228992675", user).await, "Sophie Lambert");
    }
    for user in [&ann, &bob, &namesake] {
        assert_eq!(name(&scene, "+3228992675", user).await, "Sophie Lambert");
    }
    assert_eq!(asked(&scene).await, 3);
}

#[tokio::test]
async fn a_name_is_found_by_whichever_extension_is_connected() {
    let scene = Scene::living(300).await;
    let all = Token::agent(&scene.tenant, &["200", "210", "220"]);
    assert_eq!(name(&scene, "+3228992675", &all).await, Value::Null);
    for connected in ["220", "210", "200"] {
        scene.activate(connected).await;
        assert_eq!(name(&scene, "+3228992675", &all).await, "Sophie Lambert", "by {connected}");
        assert_eq!(disconnect(&scene.gateway, &scene.token(connected), connected).await, 200);
        assert_eq!(name(&scene, "+3228992675", &all).await, Value::Null);
    }
}

#[tokio::test]
async fn a_user_who_asks_without_end_is_told_to_wait_and_others_are_not() {
    let scene = Scene::living(300).await;
    let (ann, bob) = (scene.token(USER), scene.token("210"));
    for user in [USER, "210"] {
        scene.activate(user).await;
    }
    let number = |nth: usize| format!("+32470{nth:06}");
    let mut asked = 0;
    let refused = loop {
        let answer = look_up(&scene, &number(asked), &ann).await;
        if answer.status() != 200 {
            break answer;
        }
        asked += 1;
        assert!(asked < 1000, "there is no end of it");
    };
    assert!(refused.headers().contains_key("retry-after"));
    problem(refused, 429).await;
    assert!(asked >= 60, "{asked}");
    // What is remembered is no question, and another user has a rate of his own.
    assert_eq!(look_up(&scene, &number(0), &ann).await.status(), 200);
    assert_eq!(name(&scene, "+3228992675", &bob).await, "Sophie Lambert");
    assert_eq!(scene.gateway.metric("callpop_contacts_refused_total{cause=\"user\"}").await, 1.0);
}

#[tokio::test]
async fn a_phonebook_that_does_not_answer_is_asked_a_bounded_number_of_times_at_once() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/contacts", silent.local_addr().unwrap());
    let change = |config: crate::support::Config| config.set("sidecar.telsmart.contacts_url", url);
    let scene = Scene::begin_by("--access-token-life 300s", change).await;
    let users = ["200", "210", "220"].map(|user| (user, scene.token(user)));
    for (user, _) in &users {
        scene.activate(user).await;
    }
    let scene = &scene;
    let mut asking: FuturesUnordered<_> = (0..50)
        .flat_map(|nth| users.iter().map(move |(user, token)| (format!("+32{user}{nth:06}"), token)))
        .map(|(number, token)| async move { look_up(scene, &number, token).await })
        .collect();
    let answer = asking.next().await.unwrap();
    assert!(answer.headers().contains_key("retry-after"));
    assert!(problem(answer, 503).await.contains("too many"));
    assert!(scene.gateway.metric("callpop_contacts_refused_total{cause=\"node\"}").await >= 1.0);
    let mut open = Vec::new();
    eventually("all questions that are under way", async || {
        open.push(silent.accept().await.unwrap());
        (open.len() == 64).then_some(())
    })
    .await;
    drop(asking);
}

#[tokio::test]
async fn a_number_is_a_number_and_the_asker_a_user() {
    let scene = Scene::living(300).await;
    scene.activate(USER).await;
    for bad in ["", "John", "+32 2", "1&x=2", &"1".repeat(65)] {
        problem(look_up(&scene, bad, &scene.token(USER)).await, 422).await;
    }
    problem(scene.gateway.request("GET", "/v1/contacts?number=200").send().await.unwrap(), 401).await;
    problem(look_up(&scene, "200", &Token::service(&scene.tenant)).await, 403).await;
    assert_eq!(asked(&scene).await, 0);
}
