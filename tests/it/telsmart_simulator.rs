//! The simulated Telsmart: that its token server is as strict as it says, that each fault is what
//! it is called, and that its pages are safe. The sidecar's tests rely on it.

mod faults;
mod portal;

use crate::support::{
    TokenServer, eventually, new_tenant, soon,
    token::{CALLBACK_SECRET, CLIENT_SECRET},
    token_server::{Activation, CLIENT_ID},
};
use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU16, Ordering::SeqCst},
};
use tokio::{net::TcpListener, task::JoinSet};

/// What a client does with callbacks: answers as told, and keeps the paths and bodies.
#[derive(Clone)]
struct Callbacks {
    status: Arc<AtomicU16>,
    got: Arc<Mutex<Vec<(String, Value)>>>,
}

struct Client {
    url: String,
    callbacks: Callbacks,
    _server: JoinSet<()>,
}

impl Client {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let callbacks = Callbacks { status: AtomicU16::new(200).into(), got: Arc::default() };
        let app = Router::new().fallback(take).with_state(callbacks.clone());
        let mut server = JoinSet::new();
        server.spawn(async { axum::serve(listener, app).await.unwrap() });
        Self { url, callbacks, _server: server }
    }

    fn answers(&self, status: u16) {
        self.callbacks.status.store(status, SeqCst);
    }

    fn got(&self) -> Vec<(String, Value)> {
        self.callbacks.got.lock().unwrap().clone()
    }
}

async fn take(
    State(callbacks): State<Callbacks>,
    uri: Uri,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> StatusCode {
    if headers.get("x-callback-secret").is_none_or(|secret| secret != CALLBACK_SECRET) {
        return StatusCode::UNAUTHORIZED;
    }
    callbacks.got.lock().unwrap().push((uri.path().to_owned(), body));
    StatusCode::from_u16(callbacks.status.load(SeqCst)).unwrap()
}

/// A token server, and one user of it who has consented.
struct Scene {
    telsmart: TokenServer,
    client: Client,
    tenant: String,
    consent: Activation,
}

impl Scene {
    async fn begin(options: &str) -> Self {
        let (telsmart, client) = (TokenServer::start(options).await, Client::start().await);
        telsmart.call_back(&client.url).await;
        let tenant = new_tenant();
        let consent = telsmart.activate(&tenant, "200", "key").await;
        assert_eq!(consent.status, Some(200));
        Self { telsmart, client, tenant, consent }
    }

    async fn refresh(&self, token: &str) -> (u16, Value) {
        let answer = soon("the answer", self.telsmart.refresh(token).send()).await.unwrap();
        assert_eq!(answer.headers()["cache-control"], "no-store");
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    /// Refreshes with success; gives the new refresh token, and the access token.
    async fn rotate(&self, token: &str) -> (String, String) {
        let (status, pair) = self.refresh(token).await;
        assert_eq!((status, &pair["token_type"]), (200, &json!("Bearer")), "{pair}");
        let text = |field: &str| pair[field].as_str().unwrap().to_owned();
        (text("refresh_token"), text("access_token"))
    }

    async fn is_refused(&self, token: &str) -> bool {
        let (status, error) = self.refresh(token).await;
        status == 400 && error["error"] == "invalid_grant"
    }

    async fn opens(&self, access_token: &str) -> bool {
        self.telsmart.contacts("", Some(access_token)).await.status() == 200
    }

    async fn family(&self) -> Value {
        self.telsmart.families(&self.tenant, "200").await.pop().unwrap()
    }

    /// The refresh meets this fault, and its connection ends without an answer.
    async fn is_dropped(&self, fault: &str) {
        self.telsmart.fault([json!({ "fault": fault })]).await;
        let answer = soon("the end", self.telsmart.refresh(self.consent.refresh_token()).send()).await;
        let error = answer.expect_err("an answer came");
        assert!(!error.is_timeout() && !error.is_connect(), "{error:?}");
    }
}

#[tokio::test]
async fn an_activation_delivers_tokens_that_work() {
    let scene = Scene::begin("--access-token-life 90s").await;
    let body = &scene.consent.body;
    let sent = json!({
        "tenant_id": scene.tenant, "user_extension": "200", "confirmation_key": "key",
        "access_token": body["access_token"], "refresh_token": body["refresh_token"],
        "token_type": "Bearer", "expires_in": 90,
    });
    assert_eq!(scene.client.got(), [("/integrations/telsmart/activate".to_owned(), sent)]);
    assert!(scene.opens(scene.consent.access_token()).await);
    let (refresh, access) = scene.rotate(scene.consent.refresh_token()).await;
    assert!(scene.opens(&access).await && scene.opens(scene.consent.access_token()).await);
    assert_ne!(refresh, scene.consent.refresh_token());
    let family = scene.family().await;
    assert_eq!(
        (&family["activated"], &family["generation"], &family["access_tokens"]),
        (&json!(true), &json!(2), &json!(2))
    );
}

#[tokio::test]
async fn a_refused_activation_ends_its_tokens_and_an_unanswered_one_does_not() {
    let scene = Scene::begin("").await;
    for (status, usable) in [(403, false), (302, false), (503, true)] {
        scene.client.answers(status);
        let consent = scene.telsmart.activate(&scene.tenant, "210", "another").await;
        assert_eq!(consent.status, Some(status));
        assert_eq!(scene.opens(consent.access_token()).await, usable, "{status}");
    }
    scene.telsmart.call_back("http://127.0.0.1:9").await;
    let consent = scene.telsmart.activate(&scene.tenant, "210", "another").await;
    assert_eq!(consent.status, None);
    assert!(scene.opens(consent.access_token()).await);
    assert!(
        scene.telsmart.families(&scene.tenant, "210").await.iter().all(|family| family["activated"] == false)
    );
}

#[tokio::test]
async fn a_second_use_revokes_the_family_with_its_access_tokens() {
    let scene = Scene::begin("").await;
    let first = scene.consent.refresh_token();
    let other = scene.telsmart.activate(&scene.tenant, "210", "key").await;
    let (second, access) = scene.rotate(first).await;
    assert!(scene.is_refused(first).await);
    assert!(scene.is_refused(&second).await);
    assert!(!scene.opens(&access).await && !scene.opens(scene.consent.access_token()).await);
    assert!(scene.opens(other.access_token()).await);
    let family = scene.family().await;
    assert_eq!(
        (&family["revoked"], &family["reuses"], &family["access_tokens"]),
        (&json!("reuse"), &json!(1), &json!(0))
    );
    assert_eq!([scene.telsmart.presented(first).await, scene.telsmart.presented(&second).await], [2, 1]);
    assert!(scene.is_refused("unheard-of").await);
    let summary = scene.telsmart.summary().await;
    for (field, value) in [
        ("families", 2),
        ("active", 1),
        ("rotations", 1),
        ("reuses", 1),
        ("presented", 3),
        ("presented_unknown", 1),
    ] {
        assert_eq!(summary[field], value, "{field} {summary}");
    }
}

#[tokio::test]
async fn within_the_grace_a_second_use_gives_a_further_pair() {
    let scene = Scene::begin("--reuse-grace 10m").await;
    let first = scene.consent.refresh_token();
    let (second, _) = scene.rotate(first).await;
    let (sibling, _) = scene.rotate(first).await;
    assert_ne!(second, sibling);
    scene.rotate(&second).await;
    assert_eq!(scene.family().await["graced"], 1);
    assert!(scene.is_refused(first).await);
    assert!(scene.is_refused(&sibling).await);
}

#[tokio::test]
async fn an_access_token_ends_in_time_and_contacts_need_one() {
    let scene = Scene::begin("--access-token-life 1s").await;
    let mut token = scene.consent.refresh_token().to_owned();
    let (answer, access) = loop {
        let (refresh, access) = scene.rotate(&token).await;
        token = refresh;
        // Only a machine that stands still for a second makes this go round again.
        let answer = scene.telsmart.contacts("?number=%2B3228992675", Some(&access)).await;
        if answer.status() == 200 {
            break (answer, access);
        }
    };
    let contacts: Value = answer.json().await.unwrap();
    assert_eq!(contacts[0]["numbers"], json!(["+3228992675"]));
    assert!(contacts[0]["name"].is_string() && contacts.as_array().unwrap().len() == 1);
    eventually("the token to end", async || (!scene.opens(&access).await).then_some(())).await;

    let answer = scene.telsmart.contacts("?number=200", Some("unheard-of")).await;
    assert!(answer.headers()["www-authenticate"].to_str().unwrap().contains("error=\"invalid_token\""));
    assert_eq!(answer.status(), 401);
    let answer = scene.telsmart.contacts("?number=200", None).await;
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["www-authenticate"]),
        (401, &"Bearer realm=\"telsmart\"".parse().unwrap())
    );
    let (_, access) = scene.rotate(&token).await;
    let nobody = scene.telsmart.contacts("?number=%2B999", Some(&access)).await;
    assert_eq!(nobody.json::<Value>().await.unwrap(), json!([]));
    let asked = &scene.telsmart.summary().await["contacts"];
    assert!(asked["answered"].as_u64() >= Some(2) && asked["unauthorized"].as_u64() >= Some(3), "{asked}");
}

#[tokio::test]
async fn the_client_must_say_who_it_is_and_what_it_wants() {
    let scene = Scene::begin("").await;
    let (telsmart, token) = (&scene.telsmart, scene.consent.refresh_token());
    let client = [("client_id", CLIENT_ID), ("client_secret", CLIENT_SECRET)];
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", token)];
    for (fields, status, error) in [
        (vec![refresh[0], refresh[1]], 401, "invalid_client"),
        (vec![client[0], ("client_secret", "wrong"), refresh[0], refresh[1]], 401, "invalid_client"),
        (vec![client[0], client[1], refresh[1]], 400, "invalid_request"),
        (vec![client[0], client[1], refresh[0]], 400, "invalid_request"),
        (vec![client[0], client[1], refresh[0], refresh[1], refresh[1]], 400, "invalid_request"),
        (vec![client[0], client[1], ("grant_type", "password"), refresh[1]], 400, "unsupported_grant_type"),
    ] {
        let answer = telsmart.post_form("/oauth/token", &fields).send().await.unwrap();
        assert_eq!(answer.headers().contains_key("www-authenticate"), status == 401);
        assert_eq!(answer.status(), status, "{fields:?}");
        assert_eq!(answer.json::<Value>().await.unwrap()["error"], error, "{fields:?}");
    }
    let json = telsmart.http.post(telsmart.url("/oauth/token")).json(&json!({"grant_type": "refresh_token"}));
    assert_eq!(json.send().await.unwrap().status(), 400);
    assert_eq!(telsmart.http.get(telsmart.url("/oauth/token")).send().await.unwrap().status(), 405);
    // None of it has consumed the token.
    let by_body = [client[0], client[1], refresh[0], refresh[1]];
    assert_eq!(telsmart.post_form("/oauth/token", &by_body).send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn the_client_and_the_portal_can_revoke() {
    let scene = Scene::begin("").await;
    let revoke = |token| {
        let form = [("token", token), ("client_id", CLIENT_ID), ("client_secret", CLIENT_SECRET)];
        scene.telsmart.post_form("/oauth/revoke", &form).send()
    };
    assert_eq!(revoke("unheard-of").await.unwrap().status(), 200);
    let anyone = scene.telsmart.post_form("/oauth/revoke", &[("token", scene.consent.refresh_token())]);
    assert_eq!(anyone.send().await.unwrap().status(), 401);
    assert!(scene.opens(scene.consent.access_token()).await);
    assert_eq!(revoke(scene.consent.refresh_token()).await.unwrap().status(), 200);
    assert!(!scene.opens(scene.consent.access_token()).await);
    assert!(scene.is_refused(scene.consent.refresh_token()).await);
    assert_eq!(
        (&scene.family().await["revoked"], &scene.family().await["revocations"]),
        (&json!("client"), &json!(1))
    );

    let again = scene.telsmart.activate(&scene.tenant, "200", "key").await;
    assert_eq!(scene.telsmart.deactivate(&scene.tenant, "200", false).await, Some(200));
    assert!(scene.opens(again.access_token()).await);
    assert_eq!(scene.telsmart.deactivate(&scene.tenant, "200", true).await, Some(200));
    assert!(!scene.opens(again.access_token()).await);
    assert_eq!(scene.family().await["revoked"], "portal");
    let told = json!({"tenant_id": scene.tenant, "user_extension": "200"});
    assert_eq!(scene.client.got().pop().unwrap(), ("/integrations/telsmart/deactivate".to_owned(), told));
}

#[tokio::test]
async fn a_hangup_does_not_end_a_simulator() {
    let mut telsmart = TokenServer::start("").await;
    telsmart.process.signal(Signal::HUP);
    telsmart.state().await;
    telsmart.process.signal(Signal::TERM);
    assert_eq!(telsmart.process.exit().await.code(), Some(0));
}
