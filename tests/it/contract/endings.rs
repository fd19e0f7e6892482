//! Why sessions end, and why handshakes and requests are refused: counted by cause, and in the log.

use super::{config, gateway};
use crate::support::{
    Client, Gateway, Token, connect::Connect, eventually, new_tenant, raw::Raw, token::WEBHOOK_SECRET,
};
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

/// The lines of a gateway's log with that message.
fn lines(gateway: &Gateway, message: &str) -> Vec<Value> {
    let log = gateway.process.log();
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| line["message"] == message).collect()
}

/// Waits until a session has ended for that cause, and is in the log with it.
async fn ended(gateway: &Gateway, cause: &str) {
    let name = format!("callpop_sessions_ended_total{{cause=\"{cause}\"}}");
    eventually(&format!("a session to end: {cause}"), async || {
        (gateway.metric(&name).await == 1.0).then_some(())
    })
    .await;
    said(gateway, "a session ended", |line| line["cause"] == cause && line["level"] == "INFO").await;
}

/// Waits until the log has such a line: it may come after what it is about was seen.
async fn said(gateway: &Gateway, message: &str, is_it: impl Fn(&Value) -> bool) {
    eventually(message, async || lines(gateway, message).iter().any(&is_it).then_some(())).await;
}

async fn agent(gateway: &Gateway) -> Client {
    gateway.agent(&new_tenant(), "200").await
}

#[tokio::test]
async fn the_end_of_a_session_is_told_with_its_cause() {
    let gateway = gateway().await;
    agent(&gateway).await.send_message(Message::Close(None)).await;
    ended(&gateway, "client").await;
    drop(agent(&gateway).await);
    ended(&gateway, "lost").await;
    agent(&gateway).await.send_message(Message::binary(vec![1])).await;
    ended(&gateway, "malformed").await;
    let soon_over = Token::agent(&new_tenant(), &["200"]).expiring_in(2);
    assert_eq!(gateway.stream(&soon_over).open().await.closed().await, 4401);
    ended(&gateway, "token_expired").await;
    let mut chatty = agent(&gateway).await;
    for _ in 0..200 {
        chatty.try_send(Message::text(json!({"type": "tick", "t0": 1}).to_string())).await;
    }
    ended(&gateway, "too_many_frames").await;
}

#[tokio::test]
async fn a_silent_client_and_a_draining_node_are_told_apart() {
    let mut gateway = config().await.set("sessions.heartbeat", "1s").start().await;
    // A client that is never read from answers no ping.
    let _silent = agent(&gateway).await;
    ended(&gateway, "silent").await;
    let mut client = agent(&gateway).await;
    gateway.process.signal(Signal::TERM);
    assert_eq!(client.closed().await, 4503);
    assert_eq!(gateway.process.exit().await.code(), Some(0));
    said(&gateway, "a session ended", |line| line["cause"] == "draining").await;
}

#[tokio::test]
async fn a_client_that_takes_nothing_is_told_as_such() {
    let gateway = config().await.set("sessions.write_timeout", "1s").start().await;
    let tenant = new_tenant();
    let slow = gateway.stream(&Token::supervisor(&tenant)).scope("tenant").receive_buffer(4096).open().await;
    for some in crate::support::telsmart::fat_summaries(&tenant, "999") {
        gateway.deliver(&some).await;
    }
    ended(&gateway, "write_timeout").await;
    drop(slow);
}

#[tokio::test]
async fn a_refused_handshake_is_logged_with_its_reason_and_without_the_token() {
    let gateway = gateway().await;
    let wrong = Token::agent(&new_tenant(), &["200"]).secret("another secret of enough characters").mint();
    let connect: Connect = gateway.stream_by(&wrong).origin("https://evil.example");
    assert_eq!(connect.refused().await, 4403);
    assert_eq!(gateway.stream_by(&wrong).refused().await, 4401);
    assert_eq!(gateway.metric("callpop_sessions_ended_total{cause=\"refused\"}").await, 2.0);
    said(&gateway, "a WebSocket was refused", |line| line["origin"].is_null()).await;
    let said = lines(&gateway, "a WebSocket was refused");
    let [origin, token] = said.as_slice() else { panic!("{said:?}") };
    assert_eq!(origin["origin"], "https://evil.example");
    assert_eq!(token["reason"], "the token's signature is wrong");
    for line in [origin, token] {
        assert_eq!(line["level"], "WARN");
        assert!(line["peer"].as_str().unwrap().starts_with("127.0.0.1:"), "{line}");
    }
    assert!(!gateway.process.log().contains(&wrong));
}

#[tokio::test]
async fn a_refused_webhook_is_logged_once_in_a_while_with_its_reason() {
    let gateway = gateway().await;
    for _ in 0..20 {
        let mut raw = Raw::begin_webhook(gateway.public, "a wrong secret", "Content-Length: 2").await;
        raw.send(b"{}").await;
        assert_eq!(raw.reply().await.status, 401);
    }
    gateway.request("GET", "/nothing").send().await.unwrap();
    assert_eq!(gateway.webhook("{").send().await.unwrap().status(), 400);
    said(&gateway, "refused a request", |line| line["reason"] == "not-json").await;
    let said = lines(&gateway, "refused a request");
    let reasons: Vec<&str> = said.iter().map(|line| line["reason"].as_str().unwrap()).collect();
    assert_eq!(reasons.iter().filter(|reason| **reason == "not-json").count(), 1, "{said:?}");
    let unauthorized = reasons.iter().filter(|reason| **reason == "unauthorized").count();
    assert!((1..=3).contains(&unauthorized) && !reasons.contains(&"not-found"), "{said:?}");
    assert!(said[0]["peer"].as_str().unwrap().starts_with("127.0.0.1:") && said[0]["status"] == 401);
    let log = gateway.process.log();
    assert!(!log.contains("a wrong secret") && !log.contains(WEBHOOK_SECRET));
}
