//! Keys from a real HTTP server that fails and changes its keys at will.

use super::super::{
    Keys, Verifier,
    tests::{claims, key_file, signing_key},
};
use super::*;
use crate::metrics::Metrics;
use axum::{Router, extract::State, http, routing::get};
use jsonwebtoken::{EncodingKey, Header};
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::{
    net::SocketAddr,
    sync::atomic::{AtomicUsize, Ordering},
};
use tokio::net::TcpListener;

const LONG: Duration = Duration::from_secs(3600);

/// Nothing happens by itself; every demand is met.
const ON_DEMAND: Pace = Pace { refresh: LONG, retry: LONG, max_retry: LONG, on_demand: Duration::ZERO };

/// An identity provider.
#[derive(Clone)]
struct Provider {
    answer: Arc<Mutex<(u16, String)>>,
    hits: Arc<AtomicUsize>,
    address: SocketAddr,
}

impl Provider {
    async fn start(keys: &[Value]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::serve(listener, keys)
    }

    fn serve(listener: TcpListener, keys: &[Value]) -> Self {
        let address = listener.local_addr().unwrap();
        let provider = Self { answer: Arc::default(), hits: Arc::default(), address };
        provider.publish(keys);
        let answer = |State(provider): State<Self>| async move {
            provider.hits.fetch_add(1, Ordering::SeqCst);
            let (status, body) = provider.answer.lock().clone();
            let location = [(http::header::LOCATION, "/elsewhere")];
            (StatusCode::from_u16(status).unwrap(), location, body)
        };
        let elsewhere = || async { json!({ "keys": [own("unknown", Algorithm::EdDSA)] }).to_string() };
        let router = Router::new().route("/keys", get(answer)).route("/elsewhere", get(elsewhere));
        let router = router.with_state(provider.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        provider
    }

    fn publish(&self, keys: &[Value]) {
        *self.answer.lock() = (200, json!({ "keys": keys }).to_string());
    }

    fn fail(&self, status: u16) {
        self.answer.lock().0 = status;
    }

    fn hits(&self) -> usize {
        self.hits.load(Ordering::SeqCst)
    }

    fn verifier(&self, pace: Pace) -> Verifier {
        verifier(self.address, pace)
    }
}

fn verifier(address: SocketAddr, pace: Pace) -> Verifier {
    let jwks =
        Jwks::start(&format!("http://{address}/keys"), pace, &Tasks::new(&Metrics::default())).unwrap();
    Verifier { keys: Keys::Published(jwks), audience: None, issuer: None }
}

fn published(id: &str, algorithm: Algorithm, key: &EncodingKey) -> Value {
    let mut jwk = serde_json::to_value(Jwk::from_encoding_key(key, algorithm).unwrap()).unwrap();
    jwk["kid"] = id.into();
    jwk
}

fn own(id: &str, algorithm: Algorithm) -> Value {
    published(id, algorithm, &signing_key(algorithm))
}

fn token(id: Option<&str>, algorithm: Algorithm, key: &EncodingKey) -> String {
    let mut header = Header::new(algorithm);
    header.kid = id.map(str::to_owned);
    jsonwebtoken::encode(&header, &claims(json!({})), key).unwrap()
}

fn own_token(id: Option<&str>, algorithm: Algorithm) -> String {
    token(id, algorithm, &signing_key(algorithm))
}

fn next_key() -> EncodingKey {
    EncodingKey::from_ed_pem(key_file("ed-next").as_bytes()).unwrap()
}

async fn verdict(verifier: &Verifier, token: &str) -> Result<(), TokenRefusal> {
    verifier.verify(token).await.map(drop)
}

#[tokio::test]
async fn each_published_key_accepts_its_own_algorithm() {
    let all = [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA];
    let mut keys: Vec<_> = all.iter().map(|algorithm| own(&format!("{algorithm:?}"), *algorithm)).collect();
    // By its type alone, too.
    keys.iter_mut().for_each(|key| drop(key.as_object_mut().unwrap().remove("alg")));
    let verifier = Provider::start(&keys).await.verifier(ON_DEMAND);
    for algorithm in all {
        let id = format!("{algorithm:?}");
        assert_eq!(verdict(&verifier, &own_token(Some(&id), algorithm)).await, Ok(()));
        assert_eq!(verdict(&verifier, &own_token(None, algorithm)).await, Ok(()));
    }
    let other = own_token(Some("RS256"), Algorithm::ES256);
    assert_eq!(verdict(&verifier, &other).await, Err(TokenRefusal::Algorithm));
    let confused = token(Some("RS256"), Algorithm::HS256, &EncodingKey::from_secret(b"x"));
    assert_eq!(verdict(&verifier, &confused).await, Err(TokenRefusal::Algorithm));
    let forged = token(Some("EdDSA"), Algorithm::EdDSA, &next_key());
    assert_eq!(verdict(&verifier, &forged).await, Err(TokenRefusal::Signature));
}

#[tokio::test]
async fn a_rotated_key_is_fetched_when_a_token_names_it() {
    let provider = Provider::start(&[own("old", Algorithm::EdDSA)]).await;
    let verifier = provider.verifier(ON_DEMAND);
    let (old, new) =
        (own_token(Some("old"), Algorithm::EdDSA), token(Some("new"), Algorithm::EdDSA, &next_key()));
    assert_eq!(verdict(&verifier, &old).await, Ok(()));
    assert_eq!(verdict(&verifier, &new).await, Err(TokenRefusal::UnknownKey));
    provider.publish(&[published("new", Algorithm::EdDSA, &next_key())]);
    assert_eq!(verdict(&verifier, &new).await, Ok(()));
    assert_eq!(verdict(&verifier, &old).await, Err(TokenRefusal::UnknownKey), "a withdrawn key is gone");
}

#[tokio::test]
async fn many_tokens_of_an_unknown_key_cost_one_fetch() {
    let provider = Provider::start(&[own("known", Algorithm::EdDSA)]).await;
    let verifier = Arc::new(provider.verifier(Pace { on_demand: LONG, ..ON_DEMAND }));
    let unknown = own_token(Some("unknown"), Algorithm::EdDSA);
    let all = (0..50).map(|_| {
        let (verifier, unknown) = (verifier.clone(), unknown.clone());
        tokio::spawn(async move { verdict(&verifier, &unknown).await })
    });
    for verdict in futures_util::future::join_all(all).await {
        assert_eq!(verdict.unwrap(), Err(TokenRefusal::KeysUnavailable), "the fetch had begun before");
    }
    let at_once = timeout(FETCH_TIMEOUT / 2, verdict(&verifier, &unknown)).await;
    assert_eq!(at_once, Ok(Err(TokenRefusal::KeysUnavailable)), "nothing to wait for");
    assert_eq!(provider.hits(), 1);
    assert_eq!(verdict(&verifier, &own_token(Some("known"), Algorithm::EdDSA)).await, Ok(()));
}

#[tokio::test]
async fn a_demand_that_comes_too_early_is_not_met() {
    let (demand, soon) = (Notify::new(), Duration::from_millis(50));
    let start = Instant::now();
    demand.notify_one();
    until_due(start + soon, start + LONG, &demand).await;
    assert!(start.elapsed() >= soon);
    demand.notify_one();
    timeout(FETCH_TIMEOUT, until_due(start + LONG, start, &demand)).await.unwrap();
}

#[tokio::test]
async fn without_a_name_there_must_be_no_doubt() {
    let keys = [
        own("a", Algorithm::EdDSA),
        published("b", Algorithm::EdDSA, &next_key()),
        own("c", Algorithm::ES256),
    ];
    let verifier = Provider::start(&keys).await.verifier(ON_DEMAND);
    assert_eq!(verdict(&verifier, &own_token(None, Algorithm::EdDSA)).await, Err(TokenRefusal::UnknownKey));
    assert_eq!(verdict(&verifier, &own_token(None, Algorithm::ES256)).await, Ok(()));
}

#[tokio::test]
async fn the_keys_at_hand_stay_good_while_the_endpoint_fails() {
    let provider = Provider::start(&[own("a", Algorithm::EdDSA)]).await;
    let verifier = provider.verifier(ON_DEMAND);
    let good = own_token(Some("a"), Algorithm::EdDSA);
    assert_eq!(verdict(&verifier, &good).await, Ok(()));
    let padding = "x".repeat(MAX_BODY_BYTES);
    let too_large = json!({ "keys": [own("unknown", Algorithm::EdDSA)], "padding": padding });
    let broken = [
        (500, None),
        (302, None),
        (200, Some("not JSON".to_owned())),
        (200, Some("{\"keys\":[]}".to_owned())),
        (200, Some(too_large.to_string())),
    ];
    for (status, body) in broken {
        provider.fail(status);
        if let Some(body) = body {
            provider.answer.lock().1 = body;
        }
        let before = provider.hits();
        let unknown = own_token(Some("unknown"), Algorithm::EdDSA);
        assert_eq!(verdict(&verifier, &unknown).await, Err(TokenRefusal::KeysUnavailable));
        assert!(provider.hits() > before, "it was asked for");
        assert_eq!(verdict(&verifier, &good).await, Ok(()));
    }
}

#[tokio::test]
async fn an_endpoint_that_is_down_at_the_start_is_tried_again() {
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let retry = Duration::from_millis(20);
    let verifier = verifier(address, Pace { retry, max_retry: retry, on_demand: LONG, ..ON_DEMAND });
    let good = own_token(Some("a"), Algorithm::EdDSA);
    assert_eq!(verdict(&verifier, &good).await, Err(TokenRefusal::KeysUnavailable));
    let listener = TcpListener::bind(address).await.unwrap();
    let _provider = Provider::serve(listener, &[own("a", Algorithm::EdDSA)]);
    let Keys::Published(jwks) = &verifier.keys else { panic!("keys are published") };
    let mut latest = jwks.latest.clone();
    timeout(FETCH_TIMEOUT, latest.wait_for(|latest| latest.keys.is_some())).await.unwrap().unwrap();
    assert_eq!(verdict(&verifier, &good).await, Ok(()));
}

#[tokio::test]
async fn keys_are_refreshed_without_being_asked_for() {
    let provider = Provider::start(&[own("old", Algorithm::EdDSA)]).await;
    let refresh = Duration::from_millis(20);
    let verifier = provider.verifier(Pace { refresh, on_demand: LONG, ..ON_DEMAND });
    assert_eq!(verdict(&verifier, &own_token(Some("old"), Algorithm::EdDSA)).await, Ok(()));
    provider.publish(&[published("new", Algorithm::EdDSA, &next_key())]);
    let Keys::Published(jwks) = &verifier.keys else { panic!("keys are published") };
    let is_new = |latest: &Fetched| latest.find(Algorithm::EdDSA, Some("new")).is_ok();
    let mut latest = jwks.latest.clone();
    timeout(FETCH_TIMEOUT, latest.wait_for(is_new)).await.unwrap().unwrap();
}

#[tokio::test]
async fn the_task_ends_with_the_verifier() {
    let provider = Provider::start(&[own("a", Algorithm::EdDSA)]).await;
    let verifier = provider.verifier(ON_DEMAND);
    let Keys::Published(jwks) = &verifier.keys else { panic!("keys are published") };
    let mut latest = jwks.latest.clone();
    drop(verifier);
    let gone = async { while latest.changed().await.is_ok() {} };
    timeout(FETCH_TIMEOUT, gone).await.unwrap();
}

#[test]
fn keys_for_anything_else_are_left_out() {
    let change = |name: &str, value: Value| {
        let mut key = own("a", Algorithm::EdDSA);
        key[name] = value;
        key
    };
    let small = EncodingKey::from_ec_pem(key_file("ec").as_bytes()).unwrap();
    let mut short = published("s", Algorithm::ES256, &small);
    short["x"] = "AAAA".into();
    let bad = [
        change("use", "enc".into()),
        change("key_ops", json!(["sign"])),
        change("alg", "ES256".into()),
        change("crv", "Ed448".into()),
        change("x", "AAAA".into()),
        change("kty", "future".into()),
        json!({"kty": "oct", "k": "c2VjcmV0", "kid": "h", "alg": "HS256"}),
        json!(7),
        short,
    ];
    for key in &bad {
        let set = json!({ "keys": [key] }).to_string();
        assert!(matches!(parse(set.as_bytes()), Err(FetchError::NoKeys)), "{key}");
    }
    let mut mixed = bad.to_vec();
    mixed.push(own("good", Algorithm::EdDSA));
    assert_eq!(parse(json!({ "keys": mixed }).to_string().as_bytes()).unwrap().len(), 1);
    assert!(matches!(parse(b"[]"), Err(FetchError::NotKeys)));
}

#[tokio::test]
async fn a_set_may_begin_with_a_byte_order_mark() {
    let provider = Provider::start(&[own("key", Algorithm::EdDSA)]).await;
    {
        let body = &mut provider.answer.lock().1;
        *body = format!("\u{feff}{body}");
    }
    let verifier = provider.verifier(ON_DEMAND);
    assert_eq!(verdict(&verifier, &own_token(Some("key"), Algorithm::EdDSA)).await, Ok(()));
}

#[tokio::test]
async fn keys_that_cannot_be_fetched_again_count_on_with_a_warning() {
    let provider = Provider::start(&[own("key", Algorithm::EdDSA)]).await;
    let verifier = provider.verifier(ON_DEMAND);
    let (good, unknown) =
        (own_token(Some("key"), Algorithm::EdDSA), own_token(Some("new"), Algorithm::EdDSA));
    assert_eq!((verdict(&verifier, &good).await, verifier.warning()), (Ok(()), None));
    provider.fail(500);
    assert!(verdict(&verifier, &unknown).await.is_err());
    let warning = verifier.warning().expect("a warning");
    assert!(warning.contains("auth.jwks_url cannot be fetched"), "{warning}");
    assert_eq!(verdict(&verifier, &good).await, Ok(()));
    provider.publish(&[own("new", Algorithm::EdDSA)]);
    assert_eq!((verdict(&verifier, &unknown).await, verifier.warning()), (Ok(()), None));
}
