//! Webhooks that are unusual and yet right: large, hostile, many at once, unknown.

use super::gateway;
use crate::support::{
    Leg,
    client::{Calls, key},
    new_tenant, oracle,
};
use serde_json::{Value, json};

#[tokio::test]
async fn duplicate_webhook_is_204_and_silent() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let mut client = gateway.agent(&tenant, "200").await;
    let (leg, last) = (Leg::inbound(&tenant, "200"), Leg::inbound(&tenant, "200"));
    gateway.deliver_each(&leg.whole()).await;
    let call = client.version(&leg, 3).await;
    let seq = client.seq;

    let mut as_number = leg.active(5);
    as_number["timestamp"] = leg.at(5).into();
    let mut with_news = leg.active(5);
    with_news["queue"] = json!({"name": "support"});
    for again in [leg.ringing(0), leg.active(5), leg.hangup(20), as_number, with_news, json!(leg.whole())] {
        gateway.deliver(&again).await;
    }
    gateway.deliver(&last.ringing(0)).await;
    let next = client.next_of("call").await;
    assert_eq!(next["call"]["leg_id"], last.id, "a duplicate was not silent");
    assert_eq!(next["seq"], seq + 1, "a duplicate moved the sequence");
    assert_eq!(gateway.agent(&tenant, "200").await.call(&leg), Some(&call));
}

#[tokio::test]
async fn a_summary_of_200_kib_with_markup_arrives_intact() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let leg = Leg::inbound(&tenant, "200");
    let hostile =
        "<script>alert(1)</script><img src=x onerror=alert(1)>&amp;\u{202e}\u{0}\u{7}\u{2028}\"\\🚀{{7*7}}";
    let content = json!({
        "meeting_title": hostile,
        "quick_summary": vec![hostile; 200 * 1024 / json!(hostile).to_string().len()],
        "unknown": {"deep": [[1.5, -0.0, 1e30, null, true]], "": "empty key", "__proto__": {"x": 1}},
    });
    let summary = leg.summary(30, content.clone());
    assert!(summary.to_string().len() > 200 * 1024);
    let mut client = gateway.agent(&tenant, "200").await;
    gateway.deliver_each(&leg.whole()).await;
    gateway.deliver(&summary).await;
    let call = client.version(&leg, 4).await;
    let expected = |content: &Value, more| {
        let mut summary = json!({"language": "en-GB", "reported_at": leg.at(30), "content": content});
        if more {
            summary["more"] = true.into();
        }
        summary
    };
    assert_eq!(call["summary"], expected(&Value::Null, true));
    assert_eq!(client.summary(&leg).await["summary"], expected(&content, false));
    let mut client = gateway.agent(&tenant, "200").await;
    assert_eq!(client.call(&leg).unwrap()["summary"], expected(&Value::Null, true));
    assert_eq!(client.summary(&leg).await["summary"], expected(&content, false));
}

#[tokio::test]
async fn names_with_control_characters_and_right_to_left_marks_are_only_text() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let mut client = gateway.agent(&tenant, "200").await;
    let names = [
        "\u{202e}nnA\u{202c}",
        "A\u{0}n\u{1b}[31mn",
        "\u{200f}אן\u{200e}",
        "A\r\nX-Injected: 1",
        "<b>Ann</b>",
        "👩‍👩‍👧‍👦",
    ];
    for name in names {
        let leg = Leg::inbound(&tenant, "200").with("caller_name", name);
        gateway.deliver(&leg.ringing(0)).await;
        let call = client.version(&leg, 1).await;
        assert_eq!(call["remote"]["name"], name);
    }
}

#[tokio::test]
async fn an_array_of_a_thousand_events_is_one_webhook() {
    let gateway = gateway().await;
    let tenant = new_tenant()[..8].to_owned();
    let mut client = gateway.supervisor(&tenant).await;
    let legs: Vec<Leg> =
        (0..250).map(|number| Leg::inbound(&tenant, "200").named(&format!("leg-{number}"))).collect();
    let of = |leg: &Leg| {
        let leg = leg.clone().with("caller_name", "").with("callee_name", "");
        [leg.ringing(0), leg.active(1), leg.held(2), leg.hangup(3)]
    };
    let events: Vec<Value> = legs.iter().flat_map(of).collect();
    assert_eq!(events.len(), 1000);
    gateway.deliver(&json!(events)).await;
    let expected: Calls =
        legs.iter().map(|leg| oracle::call(&of(leg))).map(|call| (key(&call), call)).collect();
    client.until("all 250 calls", |client| client.calls == expected).await;
    assert_eq!(gateway.supervisor(&tenant).await.calls, expected);
}

#[tokio::test]
async fn an_array_may_be_of_several_tenants_and_hold_duplicates() {
    let gateway = gateway().await;
    let legs = [Leg::inbound(&new_tenant(), "200"), Leg::outbound(&new_tenant(), "200")];
    let events: Vec<Value> =
        legs.iter().flat_map(|leg| [leg.ringing(0), leg.ringing(0), leg.active(1)]).collect();
    gateway.deliver(&json!(events)).await;
    for leg in &legs {
        let client = gateway.agent(&leg.tenant, "200").await;
        assert_eq!(client.call(leg), Some(&oracle::call(&[leg.ringing(0), leg.active(1)])));
        assert_eq!(client.calls.len(), 1);
    }
}

#[tokio::test]
async fn an_unknown_state_is_taken_archived_and_counted_but_not_guessed_at() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let mut client = gateway.agent(&tenant, "200").await;
    let (leg, unknown) = (Leg::inbound(&tenant, "200"), Leg::inbound(&tenant, "200"));
    let event = unknown.clone().with("mood", "sunny").event("TRANSCRIPT_READY", 3);
    gateway.deliver(&leg.ringing(0)).await;
    let call = client.version(&leg, 1).await;
    gateway.deliver(&event).await;
    gateway.deliver(&leg.event("PARKED", 3)).await;
    gateway.deliver(&leg.active(5)).await;
    let next = client.version(&leg, 2).await;
    assert_eq!((&call["state"], &next["state"]), (&json!("ringing"), &json!("active")));
    assert_eq!(client.calls.len(), 1, "an unknown state made a call");

    let archive: Value = gateway.look_up("/archive").await.json().await.unwrap();
    assert!(contains(&archive, &event), "{event} is not in {archive}");
    assert!(contains(&archive, &leg.event("PARKED", 3)));
    let metrics = gateway.operator("/metrics").await.text().await.unwrap();
    let counted = metrics.lines().any(|line| line.contains("unknown") && line.ends_with(" 2"));
    assert!(counted, "{metrics}");
}

#[tokio::test]
async fn the_archive_is_not_public() {
    let gateway = gateway().await;
    assert_eq!(gateway.request("GET", "/archive").send().await.unwrap().status(), 404);
}

/// Whether `needle` is `hay`, or somewhere in it.
fn contains(hay: &Value, needle: &Value) -> bool {
    hay == needle
        || match hay {
            Value::Array(items) => items.iter().any(|item| contains(item, needle)),
            Value::Object(members) => members.values().any(|member| contains(member, needle)),
            Value::String(text) => serde_json::from_str::<Value>(text).is_ok_and(|inner| inner == *needle),
            _ => false,
        }
}

#[tokio::test]
async fn unknown_fields_are_no_trouble() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let leg = Leg::inbound(&tenant, "200");
    let mut event = leg.ringing(0);
    event["queue_id"] = json!(7);
    event["tags"] = json!({"vip": [true]});
    event["outcome"] = json!("answered");
    gateway.deliver(&event).await;
    let client = gateway.agent(&tenant, "200").await;
    assert_eq!(client.call(&leg), Some(&oracle::call(&[leg.ringing(0)])));
}

#[tokio::test]
async fn a_leg_takes_so_many_events_and_still_ends() {
    const MOST: u64 = 512;
    let gateway = gateway().await;
    let tenant = new_tenant();
    let mut client = gateway.agent(&tenant, "200").await;
    let leg = Leg::inbound(&tenant, "200");
    let phase = |second: u64| if second.is_multiple_of(2) { leg.active(second) } else { leg.held(second) };
    let taken: Vec<Value> = (0..MOST).map(phase).collect();
    gateway.deliver(&json!(taken)).await;
    assert_eq!(client.version(&leg, MOST).await, oracle::call(&taken));
    let more: Vec<Value> = (MOST..MOST + 100).map(phase).collect();
    gateway.deliver(&json!(more)).await;
    assert_eq!(gateway.metric("callpop_events_refused_full_item_total").await, 100.0);
    // Again, each is what it was: known, or one too many.
    gateway.deliver(&json!([taken[0], more[0]])).await;
    client.dismiss(&leg).await;
    // Before the summary: else it is one that the user has seen.
    client.version(&leg, MOST + 1).await;
    let end = [leg.hangup(MOST + 200), leg.summary(MOST + 300, json!({"title": "at last"}))];
    gateway.deliver_each(&end).await;
    let mut ended = client.version(&leg, MOST + 3).await;
    assert!(ended["dismissed_at"].is_u64());
    assert_eq!(gateway.agent(&tenant, "200").await.call(&leg), Some(&ended));
    (ended["dismissed_at"], ended["version"]) = (Value::Null, json!(MOST + 2));
    assert_eq!(ended, oracle::call(&[taken, end.to_vec()].concat()));
}

#[tokio::test]
async fn a_state_in_other_letters_is_that_state() {
    let gateway = gateway().await;
    let leg = Leg::inbound(&new_tenant(), "200");
    let mut client = gateway.agent(&leg.tenant, "200").await;
    for (version, (state, known)) in
        (1..).zip([("ringing", "RINGING"), ("Active", "ACTIVE"), ("hELD", "HELD")])
    {
        gateway.deliver(&leg.event(state, version)).await;
        // The same event in the usual letters is the same event.
        gateway.deliver(&leg.event(known, version)).await;
        let call = client.version(&leg, version).await;
        assert_eq!((&call["state"], &call["version"]), (&json!(known.to_lowercase()), &json!(version)));
    }
    let mut summary = leg.summary(9, json!({"title": "said"}));
    summary["state"] = "Summary_Reporting".into();
    gateway.deliver_each(&[summary, leg.event("hangup", 8)]).await;
    let call = client.version(&leg, 5).await;
    assert_eq!((&call["state"], &call["summary"]["content"]["title"]), (&json!("ended"), &json!("said")));
    let archived: Value = gateway.look_up("/archive").await.json().await.unwrap();
    let ours = archived.as_array().unwrap().iter().filter(|event| event.to_string().contains(&leg.id));
    assert_eq!(ours.count(), 0, "{archived}");
}
