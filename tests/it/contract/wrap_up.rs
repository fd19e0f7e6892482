//! What a user says of a call: stored as an event of it, seen by all who see the call, and by nobody else.

use super::{config, gateway};
use crate::support::{Client, Gateway, Leg, Token, new_tenant, now};
use serde_json::{Value, json};

/// A gateway, an agent's session, and an ended call of theirs.
async fn ended() -> (Gateway, Client, Leg) {
    let gateway = gateway().await;
    let leg = Leg::inbound(&new_tenant(), "200");
    let mut client = gateway.agent(&leg.tenant, "200").await;
    gateway.deliver_each(&leg.whole()).await;
    client.version(&leg, 3).await;
    (gateway, client, leg)
}

fn said(wrap_up: &Value) -> (Option<&str>, &str) {
    (wrap_up["disposition"].as_str(), wrap_up["note"].as_str().unwrap())
}

/// Sends a wrap-up that must be refused; gives the error.
async fn refused(client: &mut Client, leg: &Leg, disposition: Option<&str>, note: &str) -> Value {
    client.wrap_up(leg, disposition, note).await;
    let error = client.next_of("error").await;
    assert_eq!(error["leg_id"], leg.id, "{error}");
    let detail = error["detail"].as_str().unwrap();
    assert!(!detail.is_empty() && detail.len() < 200, "{error}");
    error
}

#[tokio::test]
async fn a_wrap_up_is_seen_by_every_session_and_by_those_that_come_later() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let token = Token::agent(&tenant, &["200"]).claim("sub", "agent-7");
    let mut client = gateway.stream(&token).open().await;
    let mut phone = gateway.agent(&tenant, "200").await;
    let mut supervisor = gateway.supervisor(&tenant).await;
    let leg = Leg::inbound(&tenant, "200");
    gateway.deliver_each(&leg.whole()).await;
    let mut before = client.version(&leg, 3).await;
    assert!(before["wrap_up"].is_null());
    let away = gateway.stream(&token).open().await;

    let asked_at = now();
    let note = "Wants a call back: \"later\" <b>\n\ton Friday \u{1f4de}";
    client.wrap_up(&leg, Some("Call back"), note).await;
    let call = client.version(&leg, 4).await;
    let wrap_up = &call["wrap_up"];
    assert_eq!((said(wrap_up), &wrap_up["by"]), ((Some("Call back"), note), &json!("agent-7")));
    let at = wrap_up["at"].as_u64().unwrap();
    assert!((asked_at..=now()).contains(&at), "{wrap_up}");
    for other in [&mut phone, &mut supervisor] {
        assert_eq!(other.version(&leg, 4).await, call);
    }
    assert_eq!(gateway.stream(&token).open().await.call(&leg), Some(&call));
    let resumed = away.reconnect().await;
    assert_eq!((resumed.first_kind(), resumed.call(&leg)), ("resumed", Some(&call)));
    for field in ["wrap_up", "version"] {
        before[field] = call[field].clone();
    }
    assert_eq!(before, call, "nothing else changed");
}

#[tokio::test]
async fn a_wrap_up_is_kept_over_a_restart_and_goes_on_from_there() {
    let (gateway, mut client, leg) = ended().await;
    client.wrap_up(&leg, None, "first").await;
    client.version(&leg, 4).await;
    client.wrap_up(&leg, Some("Resolved"), "second").await;
    let call = client.version(&leg, 5).await;
    let gateway = gateway.restart().await;
    let mut again = gateway.agent(&leg.tenant, "200").await;
    assert_eq!(again.call(&leg), Some(&call));
    again.wrap_up(&leg, None, "third").await;
    assert_eq!(said(&again.version(&leg, 6).await["wrap_up"]), (None, "third"));
}

#[tokio::test]
async fn a_wrap_up_is_replaced_and_taken_back_and_the_same_again_is_no_news() {
    let (gateway, mut client, leg) = ended().await;
    client.wrap_up(&leg, None, "").await;
    client.wrap_up(&leg, Some("Resolved"), "one").await;
    assert_eq!(said(&client.version(&leg, 4).await["wrap_up"]), (Some("Resolved"), "one"));
    for _ in 0..40 {
        client.wrap_up(&leg, Some("Resolved"), "one").await;
    }
    client.wrap_up(&leg, None, "two").await;
    assert_eq!(said(&client.version(&leg, 5).await["wrap_up"]), (None, "two"));
    client.wrap_up(&leg, None, "").await;
    client.wrap_up(&leg, None, "").await;
    assert!(client.version(&leg, 6).await["wrap_up"].is_null());
    client.wrap_up(&leg, None, "two").await;
    let call = client.version(&leg, 7).await;
    assert_eq!((said(&call["wrap_up"]), &call["version"]), ((None, "two"), &json!(7)));
    assert_eq!(gateway.agent(&leg.tenant, "200").await.call(&leg), Some(&call));
}

#[tokio::test]
async fn another_who_says_the_same_is_who_said_it_last() {
    let (gateway, mut client, leg) = ended().await;
    client.wrap_up(&leg, None, "same").await;
    let first = client.version(&leg, 4).await;
    let mut colleague = gateway.agent(&leg.tenant, "200").await;
    colleague.wrap_up(&leg, None, "same").await;
    let second = client.version(&leg, 5).await;
    assert_eq!(second["wrap_up"]["note"], "same");
    assert_ne!(second["wrap_up"]["by"], first["wrap_up"]["by"]);
}

#[tokio::test]
async fn a_wrap_up_does_not_end_a_call_nor_bring_it_back() {
    let gateway = gateway().await;
    let leg = Leg::inbound(&new_tenant(), "200");
    let mut client = gateway.agent(&leg.tenant, "200").await;
    gateway.deliver(&leg.ringing(0)).await;
    client.version(&leg, 1).await;
    client.wrap_up(&leg, None, "while it rings").await;
    assert_eq!(client.version(&leg, 2).await["state"], "ringing");
    gateway.deliver_each(&[leg.active(5), leg.hangup(20)]).await;
    let call = client.version(&leg, 4).await;
    assert_eq!((&call["state"], &call["outcome"]), (&json!("ended"), &json!("answered")));
    client.wrap_up(&leg, Some("Resolved"), "after it").await;
    let call = client.version(&leg, 5).await;
    assert_eq!((&call["state"], said(&call["wrap_up"])), (&json!("ended"), (Some("Resolved"), "after it")));
    gateway.deliver(&leg.summary(60, json!({"text": "x"}))).await;
    let call = client.version(&leg, 6).await;
    assert_eq!((call["summary"].is_object(), said(&call["wrap_up"])), (true, (Some("Resolved"), "after it")));
}

#[tokio::test]
async fn a_dismissal_is_still_known_the_second_time() {
    let (_gateway, mut client, leg) = ended().await;
    client.dismiss(&leg).await;
    let dismissed = client.version(&leg, 4).await["dismissed_at"].clone();
    client.wrap_up(&leg, None, "noted").await;
    client.version(&leg, 5).await;
    client.dismiss(&leg).await;
    client.wrap_up(&leg, None, "noted again").await;
    let call = client.version(&leg, 6).await;
    assert_eq!((&call["dismissed_at"], &call["version"]), (&dismissed, &json!(6)));
}

#[tokio::test]
async fn what_is_no_wrap_up_is_refused_with_its_reason() {
    let (gateway, mut client, leg) = ended().await;
    let long = "é".repeat(2001);
    let refusals = [
        (None, long.as_str(), "2000"),
        (None, "a\u{7}b", "control"),
        (None, "a\r\nb", "control"),
        (Some(""), "b", "disposition"),
        (Some(" "), "b", "disposition"),
        (Some("a\nb"), "b", "disposition"),
        (Some(&long[..130]), "b", "64"),
    ];
    for (disposition, note, reason) in refusals {
        let error = refused(&mut client, &leg, disposition, note).await;
        assert_eq!(error["code"], "invalid_wrap_up", "{error}");
        assert!(error["detail"].as_str().unwrap().contains(reason), "{error}");
        assert!(!error.to_string().contains("éé"), "it repeats what was said");
    }
    for malformed in [
        json!({"type": "wrap_up", "leg_id": leg.id}),
        json!({"type": "wrap_up", "leg_id": leg.id, "disposition": 5, "note": ""}),
        json!({"type": "wrap_up", "leg_id": leg.id, "disposition": null, "note": null}),
    ] {
        client.send(&malformed).await;
        assert_eq!(client.next_of("error").await["code"], "malformed_frame", "{malformed}");
    }
    // The longest that is taken.
    client.wrap_up(&leg, Some(&"é".repeat(64)), &long[2..]).await;
    assert_eq!(said(&client.version(&leg, 4).await["wrap_up"]).1, &long[2..]);
    assert_eq!(gateway.agent(&leg.tenant, "200").await.call(&leg).unwrap()["version"], 4);
}

#[tokio::test]
async fn a_disposition_is_one_of_those_that_are_configured() {
    let known = json!(["Resolved", "Call back"]);
    let gateway = config().await.set("calls.dispositions", known.clone()).start().await;
    let leg = Leg::inbound(&new_tenant(), "200");
    let mut client = gateway.agent(&leg.tenant, "200").await;
    assert_eq!(client.first["dispositions"], known);
    gateway.deliver_each(&leg.whole()).await;
    client.version(&leg, 3).await;
    let error = refused(&mut client, &leg, Some("resolved"), "x").await;
    assert_eq!(error["code"], "invalid_wrap_up");
    client.wrap_up(&leg, Some("Call back"), "").await;
    assert_eq!(said(&client.version(&leg, 4).await["wrap_up"]), (Some("Call back"), ""));
    client.wrap_up(&leg, None, "only a note").await;
    assert_eq!(said(&client.version(&leg, 5).await["wrap_up"]), (None, "only a note"));
    let resumed = client.reconnect().await;
    assert_eq!((resumed.first_kind(), &resumed.first["dispositions"]), ("resumed", &known));
}

#[tokio::test]
async fn nobody_wraps_up_what_is_anothers() {
    let (gateway, mut client, leg) = ended().await;
    let mut colleague = gateway.agent(&leg.tenant, "210").await;
    let mut elsewhere = gateway.agent(&new_tenant(), "200").await;
    let mut supervisor = gateway.supervisor(&leg.tenant).await;
    for other in [&mut colleague, &mut elsewhere, &mut supervisor] {
        assert_eq!(refused(other, &leg, Some("Resolved"), "mine").await["code"], "unknown_call");
        other.assert_open().await;
    }
    client.assert_open().await;
    assert_eq!(gateway.agent(&leg.tenant, "200").await.call(&leg).unwrap()["version"], 3);
}

#[tokio::test]
async fn one_wrap_up_is_for_the_leg_on_every_extension_of_the_user() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let mine = ["200", "210"].map(|extension| Leg::inbound(&tenant, extension).named("the-same"));
    let foreign = Leg::inbound(&tenant, "220").named("the-same");
    let mut client = gateway.stream(&Token::agent(&tenant, &["200", "210"])).open().await;
    for leg in mine.iter().chain([&foreign]) {
        gateway.deliver(&leg.ringing(0)).await;
    }
    client.until("both", |client| client.calls.len() == 2).await;
    client.wrap_up(&mine[0], None, "both").await;
    for leg in &mine {
        assert_eq!(client.version(leg, 2).await["wrap_up"]["note"], "both");
    }
    assert!(gateway.agent(&tenant, "220").await.call(&foreign).unwrap()["wrap_up"].is_null());
}

#[tokio::test]
async fn a_call_takes_so_many_wrap_ups_and_then_says_so_and_still_ends() {
    const MOST: u64 = 32;
    let gateway = gateway().await;
    let leg = Leg::inbound(&new_tenant(), "200");
    let mut client = gateway.agent(&leg.tenant, "200").await;
    gateway.deliver(&leg.ringing(0)).await;
    client.version(&leg, 1).await;
    // Together they are more than is published of a leg.
    let note = |number: u64| format!("{number}{}", "é".repeat(1000));
    for number in 1..=MOST {
        client.wrap_up(&leg, None, &note(number)).await;
        client.version(&leg, 1 + number).await;
    }
    for disposition in [None, Some("Resolved")] {
        assert_eq!(refused(&mut client, &leg, disposition, "more").await["code"], "invalid_wrap_up");
    }
    client.wrap_up(&leg, None, &note(MOST)).await;
    gateway.deliver_each(&[leg.active(5), leg.hangup(9), leg.summary(30, json!({}))]).await;
    client.dismiss(&leg).await;
    let call = client.version(&leg, 5 + MOST).await;
    assert_eq!((&call["state"], &call["outcome"]), (&json!("ended"), &json!("answered")));
    assert_eq!(call["wrap_up"]["note"].as_str(), Some(note(MOST).as_str()));
    assert!(call["summary"].is_object() && call["dismissed_at"].is_u64());
    assert_eq!(gateway.metric("callpop_events_refused_full_item_total").await, 2.0);
}

#[tokio::test]
async fn a_call_that_is_full_of_other_events_says_so() {
    let gateway = gateway().await;
    let leg = Leg::inbound(&new_tenant(), "200");
    let mut client = gateway.agent(&leg.tenant, "200").await;
    let ringing: Vec<_> = (0..512).map(|second| leg.ringing(second)).collect();
    let summaries: Vec<_> = (0..64).map(|nth| leg.summary(600 + nth, json!({"nth": nth}))).collect();
    gateway.deliver_each(&[json!(ringing), json!(summaries)]).await;
    client.version(&leg, 576).await;
    let error = refused(&mut client, &leg, None, "once").await;
    assert_eq!(
        (&error["code"], &error["detail"]),
        (&json!("full_call"), &json!("the call takes no more events"))
    );
}
