//! Bodies that are no webhook: by size, type and syntax; and connections that go nowhere.

use crate::support::{
    Config, Gateway, Leg, PATIENCE,
    gateway::{problem, problem_detail},
    new_tenant,
    raw::Raw,
    soon,
    telsmart::padded,
    token::WEBHOOK_SECRET,
};
use futures_util::future::join_all;
use reqwest::{StatusCode, header::CONTENT_TYPE};
use std::time::Instant;

const LIMIT: usize = 256 * 1024;

fn event() -> serde_json::Value {
    Leg::inbound(&new_tenant(), "200").ringing(0)
}

#[tokio::test]
async fn a_body_that_is_not_json_is_400() {
    let gateway = Gateway::new().await;
    let good = event().to_string();
    let truncated = &good[..good.len() - 1];
    let trailing = format!("{good} x");
    let deep = "[".repeat(100_000);
    for body in ["", " ", "hello", "{", "{'id': 1}", "id=1&state=RINGING", truncated, &trailing, &deep] {
        let answer = gateway.webhook(body.to_owned()).send().await.unwrap();
        problem(answer, 400).await;
    }
    let not_utf8 = [b"{\"id\":\"".as_slice(), &[0xff, 0xfe], b"\"}"].concat();
    problem(gateway.webhook(not_utf8).send().await.unwrap(), 400).await;
    gateway.deliver(&event()).await;
}

#[tokio::test]
async fn another_content_type_is_415() {
    let gateway = Gateway::new().await;
    let send = async |kind: Option<&str>| {
        let mut request = gateway.request("POST", "/webhooks/telsmart");
        if let Some(kind) = kind {
            request = request.header(CONTENT_TYPE, kind);
        }
        let request = request.header("X-Webhook-Secret", WEBHOOK_SECRET).body(event().to_string());
        request.send().await.unwrap()
    };
    let forms = "application/x-www-form-urlencoded";
    for kind in
        [None, Some("text/plain"), Some("text/json"), Some(forms), Some("application/jsonp"), Some("x")]
    {
        problem(send(kind).await, 415).await;
    }
    for kind in ["application/json", "application/json; charset=utf-8", "Application/JSON"] {
        assert_eq!(send(Some(kind)).await.status(), StatusCode::NO_CONTENT, "{kind}");
    }
}

#[tokio::test]
async fn a_body_of_256_kib_is_taken_and_one_byte_more_is_413() {
    let gateway = Gateway::new().await;
    let answer = gateway.webhook(padded(event(), LIMIT)).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    let mut raw = Raw::begin_good_webhook(gateway.public, &format!("Content-Length: {}", LIMIT + 1)).await;
    let reply = raw.reply().await;
    assert_eq!(reply.status, 413);
    problem_detail(&reply.body, 413);
}

#[tokio::test]
async fn chunked_bodies_are_counted() {
    let gateway = Gateway::new().await;
    for (bytes, status) in [(LIMIT, 204), (LIMIT + 1, 413)] {
        let mut raw = Raw::begin_good_webhook(gateway.public, "Transfer-Encoding: chunked").await;
        for part in padded(event(), bytes).as_bytes().chunks(10_000) {
            let chunk = format!("{:x}\r\n{}\r\n", part.len(), str::from_utf8(part).unwrap());
            raw.send(chunk.as_bytes()).await;
        }
        raw.send(b"0\r\n\r\n").await;
        assert_eq!(raw.reply().await.status, status, "{bytes}");
    }
}

#[tokio::test]
async fn a_chunked_body_without_end_is_413() {
    let gateway = Gateway::new().await;
    let raw = Raw::begin_good_webhook(gateway.public, "Transfer-Encoding: chunked").await;
    let reply = raw.send_chunks_for_ever().await;
    assert_eq!(reply.status, 413);
    problem_detail(&reply.body, 413);
}

#[tokio::test]
async fn who_writes_everything_before_reading_gets_the_reply() {
    let gateway = Gateway::new().await;
    let body = vec![b'x'; 1024 * 1024];
    let lines = format!("Content-Length: {}", body.len());
    for _ in 0..20 {
        for (secret, status) in [(WEBHOOK_SECRET, 413), ("wrong", 401)] {
            let mut raw = Raw::begin_webhook(gateway.public, secret, &lines).await;
            assert!(raw.send(&body).await, "cut off before {status}");
            let reply = raw.reply().await;
            assert_eq!(reply.status, status);
            problem_detail(&reply.body, status);
        }
    }
    gateway.deliver(&event()).await;
}

#[tokio::test]
async fn a_body_that_breaks_off_changes_nothing() {
    let gateway = Gateway::new().await;
    let tenant = new_tenant();
    let body = Leg::inbound(&tenant, "200").ringing(0).to_string();
    for lines in [format!("Content-Length: {}", body.len() + 1), "Transfer-Encoding: chunked".to_owned()] {
        let mut raw = Raw::begin_good_webhook(gateway.public, &lines).await;
        raw.send(body.as_bytes()).await;
        drop(raw);
    }
    gateway.deliver(&event()).await;
    assert!(gateway.supervisor(&tenant).await.calls.is_empty());
}

#[tokio::test]
async fn a_body_that_does_not_come_is_408() {
    let gateway = Gateway::new().await;
    let mut raw = Raw::begin_good_webhook(gateway.public, "Content-Length: 200").await;
    raw.send(b"{\"id\": ").await;
    let reply = tokio::time::timeout(PATIENCE * 2, raw.reply_at_last()).await.expect("it is given up");
    problem_detail(&reply.body, 408);
    assert_eq!(reply.status, 408);
}

#[tokio::test]
async fn unknown_paths_and_methods_are_problems_too() {
    let gateway = Gateway::new().await;
    for path in ["/webhooks", "/webhooks/", "/webhooks/nobody", "/v1", "/v2/nothing", "/webhooks/telsmart/x"]
    {
        problem(gateway.request("POST", path).send().await.unwrap(), 404).await;
    }
    for (method, path) in
        [("GET", "/webhooks/telsmart"), ("DELETE", "/webhooks/telsmart"), ("POST", "/v1/stream")]
    {
        let answer = gateway.request(method, path).send().await.unwrap();
        let allowed = answer.headers()["Allow"].to_str().unwrap().to_owned();
        assert!(allowed.contains(if path == "/v1/stream" { "GET" } else { "POST" }), "{allowed}");
        problem(answer, 405).await;
    }
}

#[tokio::test]
async fn every_problem_has_its_own_request_id() {
    let gateway = Gateway::new().await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        let answer = gateway.webhook("{").send().await.unwrap();
        ids.push(answer.json::<serde_json::Value>().await.unwrap()["request_id"].clone());
    }
    ids.dedup();
    assert_eq!(ids.len(), 3, "{ids:?}");
}

#[tokio::test]
async fn malformed_http_harms_nobody() {
    let gateway = Gateway::new().await;
    let huge = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(1_000_000));
    for nonsense in
        ["\r\n\r\n\r\n", "GET\r\n\r\n", "\x16\x03\x01\x02\x00\x01", "GET / HTTP/9.9\r\n\r\n", &huge]
    {
        let mut raw = Raw::open(gateway.public).await;
        raw.send(nonsense.as_bytes()).await;
        raw.send(&[0; 100]).await;
        soon("the server to close", raw.closed()).await;
    }
    let mut smuggled =
        Raw::begin_good_webhook(gateway.public, "Content-Length: 2\r\nContent-Length: 3").await;
    assert_eq!(smuggled.reply().await.status, 400);
    gateway.deliver(&event()).await;
}

#[tokio::test]
async fn a_hundred_connections_that_send_nothing_hinder_nobody_and_are_closed() {
    let gateway = Config::new().start().await;
    let mut silent = join_all((0..100).map(|_| Raw::open(gateway.public))).await;
    for half in &mut silent[50..] {
        half.send(b"POST /webhooks/telsmart HTTP/1.1\r\nHost: callpop\r\nX-Webhook-").await;
    }
    let begun = Instant::now();
    let tenant = new_tenant();
    let mut client = gateway.agent(&tenant, "200").await;
    let leg = Leg::inbound(&tenant, "200");
    gateway.deliver_each(&leg.whole()).await;
    client.version(&leg, 3).await;
    assert!(begun.elapsed() < PATIENCE / 5, "{:?}", begun.elapsed());
    let closing = join_all(silent.iter_mut().map(Raw::closed));
    tokio::time::timeout(PATIENCE * 4, closing).await.expect("silent connections are closed");
}
