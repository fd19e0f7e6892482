//! What operators see: health, metrics, logs.

use super::{config, gateway, timeless_gateway};
use crate::support::{
    Leg, Token, eventually,
    gateway::problem,
    new_tenant, soon,
    telsmart::{NUMBER, scenario},
    token::PRIVATE,
};
use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio_tungstenite::tungstenite::Message;

#[tokio::test]
async fn health_is_for_the_private_listener_only_and_readiness_for_balancers_too() {
    let gateway = gateway().await;
    eventually("the node to be ready", async || {
        (gateway.operator("/readyz").await.status() == 200).then_some(())
    })
    .await;
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(gateway.operator(path).await.status(), 200, "{path}");
    }
    for path in ["/healthz", "/metrics"] {
        assert_eq!(gateway.request("GET", path).send().await.unwrap().status(), 404, "{path} is public");
    }
    assert!(gateway.is_in_rotation().await);
    assert_eq!(gateway.warnings().await, "[]");
    for path in ["/v1/stream", "/webhooks/telsmart", "/nothing"] {
        assert_eq!(gateway.operator(path).await.status(), 404, "{path} is private");
    }
}

#[tokio::test]
async fn what_shows_personal_data_is_for_operator_listen_only() {
    let gateway = gateway().await;
    let leg = Leg::inbound(&new_tenant(), "200");
    gateway.deliver(&leg.ringing(0)).await;
    let call = format!("/calls/{}/telsmart/{}/{}", leg.tenant, leg.extension, leg.id);
    for path in ["/archive", &call] {
        assert_eq!(gateway.look_up(path).await.status(), 200, "{path}");
    }
    let notice = call.replace("/calls/", "/notices/");
    problem(gateway.look_up(&notice).await, 404).await;
    for path in ["/archive", &call, &notice, &call.replace("/telsmart/", "/\u{fffd}/")] {
        let detail = problem(gateway.operator(path).await, 404).await;
        assert!(detail.contains("operator_listen"), "{path}: {detail}");
        let public = gateway.request("GET", path).send().await.unwrap();
        let detail = problem(public, 404).await;
        assert!(!detail.contains("operator_listen"), "a stranger is told of {path}: {detail}");
    }
    for path in ["/healthz", "/readyz", "/metrics", "/v1/stream", "/webhooks/telsmart", "/nothing"] {
        problem(gateway.look_up(path).await, 404).await;
    }
}

#[tokio::test]
async fn readyz_has_the_warnings_that_check_has() {
    let gateway = config().await.set("calls.expire_after", "1h").start().await;
    eventually("the node to be ready", async || {
        (gateway.operator("/readyz").await.status() == 200).then_some(())
    })
    .await;
    assert!(gateway.warnings().await.contains("calls.expire_after: shorter than"));
    assert_eq!(gateway.metric("callpop_warnings").await, 1.0);
}

#[tokio::test]
async fn metric_names_begin_with_callpop() {
    let gateway = gateway().await;
    let leg = Leg::inbound(&new_tenant(), "200");
    let _client = gateway.agent(&leg.tenant, "200").await;
    gateway.deliver_each(&leg.whole()).await;
    let metrics = gateway.operator("/metrics").await.text().await.unwrap();
    let mut samples = 0;
    for line in metrics.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        assert!(line.starts_with("callpop_"), "{line}");
        line.rsplit(' ').next().unwrap().parse::<f64>().unwrap();
        samples += 1;
    }
    assert!(samples > 10, "{metrics}");
    for family in metrics.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        assert!(family.starts_with("callpop_"), "{family}");
    }
    for private in PRIVATE.iter().copied().chain([leg.tenant.as_str(), leg.id.as_str()]) {
        assert!(!metrics.contains(private), "{private} is in the metrics");
    }
}

#[tokio::test]
async fn an_unknown_state_is_named_in_the_log_and_in_the_archive() {
    let gateway = gateway().await;
    let leg = Leg::inbound(&new_tenant(), "200");
    let long = "LONG ".repeat(2000);
    let events: Vec<Value> = (0..60).map(|second| leg.event("PARKED", second)).collect();
    gateway.deliver(&json!(events)).await;
    let others = ["VOICEMAIL", "", "line\nfeed", &long];
    for state in others {
        gateway.deliver(&leg.event(state, 0)).await;
    }
    let archived: Vec<Value> = gateway.look_up("/archive").await.json().await.unwrap();
    let count = |state: &str| archived.iter().filter(|event| event["state"] == *state).count();
    assert_eq!((count("PARKED"), others.map(count)), (60, [1; 4]), "{archived:?}");
    // A line for the first of each state, not for each event. What is no word may be anything, and is not named.
    let expected = [("PARKED", 1), ("VOICEMAIL", 1), ("(no plain word)", 1)];
    eventually("a line of the log for each state", async || {
        let log = gateway.process.log();
        let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let warned = lines.filter(|line| line["state"].is_string());
        let named: Vec<(String, u64)> = warned
            .map(|line| (line["state"].as_str().unwrap().to_owned(), line["events"].as_u64().unwrap()))
            .collect();
        let is_each = named.iter().map(|(state, events)| (state.as_str(), *events)).eq(expected);
        assert!(named.len() <= expected.len(), "{named:?}");
        is_each.then_some(())
    })
    .await;
}

#[tokio::test]
async fn metrics_count_what_happens() {
    let gateway = gateway().await;
    let leg = Leg::inbound(&new_tenant(), "200");
    let client = gateway.agent(&leg.tenant, "200").await;
    gateway.deliver_each(&leg.whole()).await;
    gateway.deliver_each(&leg.whole()[..2]).await;
    gateway.post(&json!({})).await;
    let expected = [
        ("callpop_events_committed_total", 3.0),
        ("callpop_events_duplicate_total", 2.0),
        ("callpop_webhook_requests_total{source=\"telsmart\",status=\"204\"}", 5.0),
        ("callpop_webhook_requests_total{source=\"telsmart\",status=\"422\"}", 1.0),
        ("callpop_sessions", 1.0),
    ];
    for (name, value) in expected {
        assert_eq!(gateway.metric(name).await, value, "{name}");
    }
    drop(client);
    eventually("the session to be gone", async || {
        (gateway.metric("callpop_sessions").await == 0.0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_client_that_drops_its_connection_is_not_counted_as_closed() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let stream = gateway.stream(&Token::agent(&tenant, &["200"]));
    let open = async || {
        let mut socket = stream.shake_hands().await.unwrap();
        // A connection with something unread would end with a reset.
        soon("the first frame", socket.next()).await.unwrap().unwrap();
        socket
    };
    for _ in 0..3 {
        let (quiet, mut amid, reset) = (open().await, open().await, open().await);
        // The first bytes of a masked frame.
        amid.get_mut().write_all(&[0x81, 0xfe, 0x01]).await.unwrap();
        reset.get_ref().set_zero_linger().unwrap();
        drop((quiet, amid, reset));
    }
    eventually("the sessions to be gone", async || {
        (gateway.metric("callpop_sessions").await == 0.0).then_some(())
    })
    .await;
    let mut binary = stream.open().await;
    binary.send_message(Message::binary([1].as_slice())).await;
    assert_eq!(binary.closed().await, 4400);
    assert_eq!(gateway.metric("callpop_sessions_closed_total").await, 1.0);
}

#[tokio::test]
async fn nothing_personal_is_logged() {
    let gateway = timeless_gateway().await;
    let tenant = new_tenant();
    let mut client = gateway.agent(&tenant, "200").await;
    for number in 1..=7 {
        gateway.deliver_each(&scenario(number, &tenant)).await;
    }
    let leg = Leg::inbound(&tenant, "200").with("caller_name", "Anna Person");
    gateway.deliver_each(&[leg.ringing(0), leg.summary(9, json!({"text": "a secret diagnosis"}))]).await;
    client.version(&leg, 2).await;
    client.dismiss(&leg).await;
    client.version(&leg, 3).await;
    client.wrap_up(&leg, Some("Anna Person"), "a secret diagnosis").await;
    client.version(&leg, 4).await;
    client.wrap_up(&leg, Some("Anna Person\n"), "a secret diagnosis\0").await;
    client.next_of("error").await;
    // What goes wrong is where such things are usually let out.
    gateway.post(&leg.clone().with("direction", "John Doe +3228992675").ringing(0)).await;
    gateway.deliver(&leg.event("Anna Person", 1)).await;
    gateway.webhook(format!("{{\"caller_name\": \"Anna Person\", {NUMBER}")).send().await.unwrap();
    let bad = [
        Token::agent(&tenant, &["200"]).expiring_in(-100),
        Token::agent(&tenant, &["200"]).secret("another-secret-of-forty-characters-long!"),
        Token::agent(&tenant, &["200"]).claim("role", "Anna Person"),
    ];
    for token in bad {
        gateway.stream(&token).refused().await;
        client.send(&json!({"type": "token", "token": token.mint()})).await;
        client.next_of("error").await;
    }
    client.send(&json!({"type": "Anna Person", "token": NUMBER})).await;
    client.next_of("error").await;

    let log = gateway.process.log();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    assert!(!lines.is_empty() && lines.len() < 100, "{log}");
    for private in PRIVATE.iter().copied().chain(["Anna Person", "diagnosis", NUMBER, "bearer."]) {
        assert!(!log.contains(private), "{private:?} is in the log:\n{log}");
    }
}

#[tokio::test]
async fn a_leg_can_be_looked_up_with_the_fields_that_are_not_understood() {
    let gateway = gateway().await;
    let leg = Leg::inbound(&new_tenant(), "200");
    gateway.deliver(&leg.clone().with("queue", json!({"id": 77_123})).ringing(0)).await;
    let path = format!("/calls/{}/telsmart/{}/{}", leg.tenant, leg.extension, leg.id);
    let found = gateway.look_up(&path).await;
    assert_eq!(found.status(), 200);
    let text = found.text().await.unwrap();
    assert!(text.contains("77123") && text.contains("ringing"), "{text}");
    let elsewhere = format!("/calls/{}/telsmart/{}/{}", new_tenant(), leg.extension, leg.id);
    assert_eq!(gateway.look_up(&elsewhere).await.status(), 404);
    assert_eq!(gateway.request("GET", &path).send().await.unwrap().status(), 404, "it is public");
}
