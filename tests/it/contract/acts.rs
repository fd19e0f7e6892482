//! What a user says of a call: which version they saw, and when it is durable.

use super::gateway;
use crate::support::{Client, Gateway, Leg, Token, new_tenant};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

/// An agent's session, and a call that has ended there, with a summary.
async fn summarised(gateway: &Gateway) -> (Client, Leg) {
    let leg = Leg::inbound(&new_tenant(), "200");
    let mut client = gateway.agent(&leg.tenant, "200").await;
    gateway.deliver_each(&[leg.ringing(0), leg.hangup(5), leg.summary(30, json!({}))]).await;
    client.version(&leg, 3).await;
    (client, leg)
}

async fn dismiss(client: &mut Client, leg: &Leg, seen: u64) -> Value {
    client.send(&json!({"type": "dismiss", "leg_id": leg.id, "seen": seen})).await;
    client.next_of("durable").await
}

fn state(client: &Client, leg: &Leg) -> (Value, Value, bool) {
    let call = client.call(leg).unwrap();
    (call["version"].clone(), call["summary_seen"].clone(), call["dismissed_at"].is_u64())
}

#[tokio::test]
async fn a_summary_that_came_unseen_is_not_closed() {
    let gateway = gateway().await;
    let (mut client, leg) = summarised(&gateway).await;
    // The popup was closed before the summary came to it.
    dismiss(&mut client, &leg, 2).await;
    client.version(&leg, 4).await;
    assert_eq!(state(&client, &leg), (json!(4), json!(false), true));
    let dismissed_at = client.call(&leg).unwrap()["dismissed_at"].as_u64();
    // And now with it.
    dismiss(&mut client, &leg, 4).await;
    client.version(&leg, 5).await;
    assert_eq!(state(&client, &leg), (json!(5), json!(true), true));
    assert!(client.call(&leg).unwrap()["dismissed_at"].as_u64() >= dismissed_at);
    // Another summary is news again.
    gateway.deliver(&leg.summary(60, json!({"title": "corrected"}))).await;
    client.version(&leg, 6).await;
    assert_eq!(state(&client, &leg), (json!(6), json!(false), true));
    let later = gateway.agent(&leg.tenant, "200").await;
    assert_eq!(later.call(&leg), client.call(&leg));
}

#[tokio::test]
async fn a_dismissal_without_a_version_is_of_what_there_is() {
    let gateway = gateway().await;
    let (mut client, leg) = summarised(&gateway).await;
    client.dismiss(&leg).await;
    client.version(&leg, 4).await;
    assert_eq!(state(&client, &leg), (json!(4), json!(true), true));
}

#[tokio::test]
async fn an_act_is_confirmed_with_the_number_of_its_change() {
    let gateway = gateway().await;
    let (mut client, leg) = summarised(&gateway).await;
    client.wrap_up(&leg, None, "a note").await;
    let written = client.next_of("durable").await;
    client.version(&leg, 4).await;
    assert_eq!(written["seq"], client.seq);
    let named = json!({"type": "durable", "seq": client.seq, "leg_id": leg.id, "source": "telsmart", "extension": "200"});
    assert_eq!(written, named);
    let closed = dismiss(&mut client, &leg, 4).await;
    client.version(&leg, 5).await;
    assert_eq!(closed["seq"], client.seq);
    assert!(closed["seq"].as_u64() > written["seq"].as_u64());
}

#[tokio::test]
async fn what_was_said_before_is_confirmed_too_and_changes_nothing() {
    let gateway = gateway().await;
    let (mut client, leg) = summarised(&gateway).await;
    let first = dismiss(&mut client, &leg, 3).await;
    let mut phone = gateway.agent(&leg.tenant, "200").await;
    for seen in [1, 3, 4, 99] {
        let again = dismiss(&mut phone, &leg, seen).await;
        assert!(again["seq"].as_u64() >= first["seq"].as_u64(), "{again} after {first}");
    }
    phone.wrap_up(&leg, None, "a note").await;
    phone.next_of("durable").await;
    phone.wrap_up(&leg, None, "a note").await;
    phone.next_of("durable").await;
    client.version(&leg, 5).await;
    client.assert_open().await;
    assert_eq!(client.call(&leg).unwrap()["version"], 5);
}

#[tokio::test]
async fn a_note_that_says_nothing_where_nothing_was_said_is_confirmed() {
    let gateway = gateway().await;
    let (mut client, leg) = summarised(&gateway).await;
    client.wrap_up(&leg, None, "").await;
    assert!(client.next_of("durable").await["seq"].is_u64());
    client.assert_open().await;
    assert_eq!(client.call(&leg).unwrap()["version"], 3);
}

#[tokio::test]
async fn an_act_on_several_legs_is_confirmed_for_each() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let legs = ["200", "210"].map(|extension| Leg::inbound(&tenant, extension).named("one"));
    let mut client = gateway.stream(&Token::agent(&tenant, &["200", "210"])).open().await;
    let mut colleague = gateway.agent(&tenant, "210").await;
    for leg in &legs {
        gateway.deliver(&leg.ringing(0)).await;
    }
    client.until("both", |client| client.calls.len() == 2).await;
    client.send(&json!({"type": "dismiss", "leg_id": "one"})).await;
    let mut extensions = Vec::new();
    for _ in 0..2 {
        extensions.push(client.next_of("durable").await["extension"].as_str().unwrap().to_owned());
    }
    extensions.sort_unstable();
    assert_eq!(extensions, ["200", "210"]);
    // Nobody is told of what another session said.
    colleague.version(&legs[1], 2).await;
    colleague.send(&json!({"type": "tick", "t0": 1})).await;
    assert_eq!(colleague.next().await["type"], "tock");
}

#[tokio::test]
async fn what_names_no_item_or_two_is_malformed() {
    let gateway = gateway().await;
    let (mut client, leg) = summarised(&gateway).await;
    for frame in [
        json!({"type": "dismiss"}),
        json!({"type": "dismiss", "leg_id": leg.id, "notice_id": leg.id}),
        json!({"type": "dismiss", "leg_id": leg.id, "seen": "3"}),
        json!({"type": "dismiss", "leg_id": leg.id, "seen": -1}),
        json!({"type": "done", "leg_id": leg.id}),
        json!({"type": "done"}),
        json!({"type": "wrap_up", "notice_id": leg.id, "note": "x"}),
        json!({"type": "painted", "painted_at": 1}),
    ] {
        assert_eq!(client.error_for(Message::text(frame.to_string())).await, "malformed_frame", "{frame}");
    }
    let error = json!({"type": "dismiss", "leg_id": leg.id, "source": "clinic", "extension": "200"});
    client.send(&error).await;
    let error = client.next_of("error").await;
    assert_eq!((&error["code"], &error["leg_id"]), (&json!("unknown_call"), &json!(leg.id)));
    assert_eq!((&error["source"], &error["extension"]), (&json!("clinic"), &json!("200")));
    client.assert_open().await;
    assert_eq!(gateway.agent(&leg.tenant, "200").await.call(&leg).unwrap()["version"], 3);
}
