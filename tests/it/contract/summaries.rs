//! Summaries that are too long for the frames of their calls: they are asked for.

use super::gateway;
use crate::support::{Gateway, Leg, Token, gateway::problem, new_tenant, oracle, soon};
use reqwest::Response;
use serde_json::{Value, json};

/// A content of so many bytes of JSON.
fn content(bytes: usize) -> Value {
    let empty = json!({"text": ""}).to_string().len();
    json!({"text": "x".repeat(bytes - empty)})
}

/// A call that ended and was summarised in so many bytes.
async fn summarised(gateway: &Gateway, tenant: &str, extension: &str, bytes: usize) -> Leg {
    let leg = Leg::inbound(tenant, extension);
    gateway.deliver_each(&leg.whole()).await;
    gateway.deliver(&leg.summary(30, content(bytes))).await;
    leg
}

async fn read(gateway: &Gateway, token: Option<&Token>, leg: &Leg) -> Response {
    let path = format!("/v1/summaries/telsmart/{}/{}", leg.extension, leg.id);
    let request = gateway.request("GET", &path);
    let request = match token {
        Some(token) => request.bearer_auth(token.mint()),
        None => request,
    };
    soon("the answer", request.send()).await.unwrap()
}

#[tokio::test]
async fn a_summary_of_more_than_16_kib_leaves_frames_and_snapshots() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let mut client = gateway.agent(&tenant, "200").await;
    let most = summarised(&gateway, &tenant, "200", oracle::MOST_CONTENT).await;
    let more = summarised(&gateway, &tenant, "200", oracle::MOST_CONTENT + 1).await;
    let said = |call: &Value| (call["summary"]["content"].clone(), call["summary"]["more"].clone());
    let (whole, left_out) = ((content(oracle::MOST_CONTENT), Value::Null), (Value::Null, json!(true)));
    assert_eq!(said(&client.version(&most, 4).await), whole);
    assert_eq!(said(&client.version(&more, 4).await), left_out);
    let client = gateway.supervisor(&tenant).await;
    assert_eq!((said(&client.calls[&id(&most)]), said(&client.calls[&id(&more)])), (whole, left_out));
}

fn id(leg: &Leg) -> (String, String) {
    (leg.extension.clone(), leg.id.clone())
}

#[tokio::test]
async fn a_summary_is_told_to_whom_asks_for_it_and_to_nobody_else() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let leg = summarised(&gateway, &tenant, "200", 200 * 1024).await;
    let (mut asks, mut other) = (gateway.agent(&tenant, "200").await, gateway.agent(&tenant, "200").await);
    let call = asks.summary(&leg).await;
    assert_eq!(call["summary"]["content"], content(200 * 1024));
    assert!(call["summary"].get("more").is_none(), "{:?}", call["summary"]["more"]);
    // With the source named, and by a supervisor, who sees everybody's.
    asks.send(&json!({"type": "summary", "leg_id": leg.id, "source": "telsmart"})).await;
    assert_eq!(asks.next_of("call").await["call"], call);
    assert_eq!(gateway.supervisor(&tenant).await.summary(&leg).await, call);
    // Nothing changed, and the other session hears only of what does.
    let next = Leg::inbound(&tenant, "200");
    gateway.deliver(&next.ringing(0)).await;
    assert_eq!(other.next_of("call").await["call"]["leg_id"], next.id);
    assert_eq!(asks.next_of("call").await["call"]["leg_id"], next.id);
}

#[tokio::test]
async fn a_summary_that_is_not_there_or_somebody_elses_is_an_error() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let (theirs, silent) = (summarised(&gateway, &tenant, "201", 20_000).await, Leg::inbound(&tenant, "200"));
    gateway.deliver(&silent.ringing(0)).await;
    let mut client = gateway.agent(&tenant, "200").await;
    let ask = |leg: &str, rest: Value| {
        let mut frame = json!({"type": "summary", "leg_id": leg});
        frame.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        frame
    };
    for (frame, code) in [
        (ask(&theirs.id, json!({})), "unknown_call"),
        (ask(&theirs.id, json!({"extension": "201"})), "unknown_call"),
        (ask(&silent.id, json!({})), "unknown_call"),
        (ask("none", json!({})), "unknown_call"),
        (json!({"type": "summary"}), "malformed_frame"),
        (json!({"type": "summary", "notice_id": "n"}), "malformed_frame"),
    ] {
        client.send(&frame).await;
        assert_eq!(client.next_of("error").await["code"], code, "{frame}");
    }
    let mut stranger = gateway.supervisor(&new_tenant()).await;
    stranger.send(&ask(&theirs.id, json!({"extension": "201"}))).await;
    assert_eq!(stranger.next_of("error").await["code"], "unknown_call");
}

#[tokio::test]
async fn servers_and_its_own_user_read_a_summary_over_http() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let leg = summarised(&gateway, &tenant, "200", 200 * 1024).await;
    for token in [Token::agent(&tenant, &["200"]), Token::supervisor(&tenant), Token::service(&tenant)] {
        let answer = read(&gateway, Some(&token), &leg).await;
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["cache-control"]),
            (200, &"no-store".parse().unwrap())
        );
        let summary: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        let expected =
            json!({"language": "en-GB", "reported_at": leg.at(30), "content": content(200 * 1024)});
        assert_eq!(summary, expected);
    }
    let none = Leg::inbound(&tenant, "200");
    problem(read(&gateway, None, &none).await, 401).await;
    problem(read(&gateway, Some(&Token::agent(&tenant, &["200"]).secret("another")), &leg).await, 401).await;
    problem(read(&gateway, Some(&Token::agent(&tenant, &["201"])), &leg).await, 403).await;
    problem(read(&gateway, Some(&Token::supervisor(&new_tenant())), &leg).await, 404).await;
    problem(read(&gateway, Some(&Token::service(&tenant)), &none).await, 404).await;
    let strange = Leg::inbound(&tenant, "200").named("%00");
    problem(read(&gateway, None, &strange).await, 401).await;
    problem(read(&gateway, Some(&Token::service(&tenant)), &strange).await, 404).await;
}
