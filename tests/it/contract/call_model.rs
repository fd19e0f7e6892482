//! What events make of a call, whatever their order.

use super::{gateway, timeless_gateway};
use crate::support::{
    Client, Gateway, Leg, new_tenant, oracle,
    telsmart::{NUMBER, scenario},
};
use proptest::{
    prelude::*,
    sample::Index,
    test_runner::{Config as Cases, TestRunner},
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A gateway, and an agent's stream of a new tenant.
async fn begin() -> (Gateway, Client, Leg) {
    let gateway = gateway().await;
    let leg = Leg::inbound(&new_tenant(), "200");
    let client = gateway.agent(&leg.tenant, "200").await;
    (gateway, client, leg)
}

#[tokio::test]
async fn hangup_is_final() {
    let (gateway, mut client, leg) = begin().await;
    gateway.deliver_each(&leg.whole()).await;
    let ended = client.version(&leg, 3).await;
    let later = [leg.ringing(30), leg.active(31), leg.held(32), leg.held(10), leg.active(19)];
    for (version, event) in (4..).zip(later) {
        gateway.deliver(&event).await;
        let call = client.version(&leg, version).await;
        for field in ["state", "ended_at", "since", "outcome", "answered_at", "stale_at"] {
            assert_eq!(call[field], ended[field], "{field} after {event}");
        }
    }
    gateway.deliver(&leg.summary(60, json!({"title": "late"}))).await;
    let call = client.version(&leg, 9).await;
    assert_eq!((&call["state"], &call["outcome"]), (&json!("ended"), &json!("answered")));
    assert_eq!(call["summary"]["content"], json!({"title": "late"}));
}

#[tokio::test]
async fn a_hangup_that_overtakes_the_rest_is_final_too() {
    let (gateway, mut client, leg) = begin().await;
    gateway.deliver(&leg.hangup(20)).await;
    let call = client.version(&leg, 1).await;
    assert_eq!((&call["state"], &call["outcome"]), (&json!("ended"), &json!("missed")));
    gateway.deliver_each(&[leg.active(5), leg.ringing(0)]).await;
    assert_eq!(client.version(&leg, 3).await, oracle::call(&leg.whole()));
}

#[tokio::test]
async fn an_answered_call_never_rings_again() {
    let (gateway, mut client, leg) = begin().await;
    let inbound = || Leg::inbound(&leg.tenant, "200");
    // Two clocks apart; a second device that says so again; the same while the caller is on hold.
    for (begins, late) in [(vec![], 6), (vec![("RINGING", 0)], 6), (vec![("RINGING", 0), ("HELD", 8)], 9)] {
        for ringing_comes_first in [true, false] {
            let leg = inbound();
            let mut events: Vec<Value> =
                begins.iter().map(|(state, second)| leg.event(state, *second)).collect();
            let mut answer = [leg.ringing(late), leg.active(5)];
            if !ringing_comes_first {
                answer.reverse();
            }
            events.extend(answer);
            gateway.deliver_each(&events).await;
            let count = events.len() as u64;
            let call = client.until_call(&leg, |call| never_rings_once_answered(call, count)).await;
            let state = if late > 8 { "held" } else { "active" };
            assert_eq!((&call["state"], &call["answered_at"]), (&json!(state), &json!(leg.at(5))));

            events.push(leg.hangup(20));
            gateway.deliver(events.last().unwrap()).await;
            let call = client.version(&leg, count + 1).await;
            assert_eq!(call, oracle::call(&events), "{events:?}");
            let rang_for = if begins.is_empty() { 0 } else { 5000 };
            assert_eq!((&call["ring_ms"], &call["outcome"]), (&json!(rang_for), &json!("answered")));
        }
    }
}

/// Whether the call has that many events; fails where it rings though it was answered.
fn never_rings_once_answered(call: &Value, version: u64) -> bool {
    assert!(call["answered_at"].is_null() || call["state"] != "ringing", "{call}");
    call["version"] == version
}

#[tokio::test]
async fn late_summary_reaches_a_user_who_was_offline() {
    let (gateway, mut client, leg) = begin().await;
    gateway.deliver_each(&leg.whole()).await;
    client.version(&leg, 3).await;
    // One device goes offline before the summary; another is there only afterwards.
    let summary = leg.summary(300, json!({"quick_summary": ["It went well."]}));
    gateway.deliver(&summary).await;
    let events = [leg.whole(), vec![summary]].concat();
    let expected = oracle::call(&events);
    let gateway = {
        let resumed = client.reconnect().await;
        assert_eq!(resumed.first_kind(), "resumed");
        assert_eq!(resumed.call(&leg), Some(&expected));
        assert_eq!(gateway.agent(&leg.tenant, "200").await.call(&leg), Some(&expected));
        gateway.restart().await
    };
    assert_eq!(gateway.agent(&leg.tenant, "200").await.call(&leg), Some(&expected));
}

#[tokio::test]
async fn attended_transfer_shows_the_original_caller() {
    let gateway = timeless_gateway().await;
    let tenant = new_tenant();
    let mut events = scenario(6, &tenant);
    events.retain(|event| event["user_extension"] == "210");
    let leg = Leg::inbound(&tenant, "210").named(events[0]["id"].as_str().unwrap());
    let mut jane = gateway.agent(&tenant, "210").await;
    let (john, caller) =
        (json!({"number": "200", "name": "John Doe"}), json!({"number": "+3228992675", "name": null}));
    let mut transfer =
        json!({"kind": "attended", "original_number": "+3228992675", "via": john, "completed_at": null});

    for (version, event) in (1..=2).zip(&events) {
        gateway.deliver(event).await;
        let call = jane.version(&leg, version).await;
        assert_eq!(call["remote"], john, "the colleague is on the line");
        assert_eq!(call["transfer"], transfer);
        assert_eq!(call["internal"], true);
    }
    let talking_since = jane.call(&leg).unwrap()["since"].clone();

    gateway.deliver(&events[2]).await;
    transfer["completed_at"] = json!(1_765_280_019_045_878_u64);
    let call = jane.version(&leg, 3).await;
    assert_eq!((&call["remote"], &call["transfer"]), (&caller, &transfer));
    assert_eq!((&call["internal"], &call["state"]), (&json!(false), &json!("active")));
    assert_eq!(call["since"], talking_since, "she has been talking all the time");

    gateway.deliver(&events[3]).await;
    let call = jane.version(&leg, 4).await;
    assert_eq!((&call["remote"], &call["transfer"]), (&caller, &transfer));
    assert_eq!((&call["state"], &call["outcome"]), (&json!("ended"), &json!("answered")));
}

#[tokio::test]
async fn the_outcome_tells_how_it_went() {
    let (gateway, mut client, leg) = begin().await;
    let (inbound, outbound) = (|| Leg::inbound(&leg.tenant, "200"), || Leg::outbound(&leg.tenant, "200"));
    let cases = [
        (inbound(), vec!["RINGING", "ACTIVE", "HANGUP"], "answered"),
        (inbound(), vec!["RINGING", "HANGUP"], "missed"),
        (inbound(), vec!["RINGING", "HELD", "HANGUP"], "missed"),
        (outbound(), vec!["RINGING", "ACTIVE", "HELD", "HANGUP"], "answered"),
        (outbound(), vec!["RINGING", "HANGUP"], "no_answer"),
        (outbound(), vec!["HANGUP"], "no_answer"),
    ];
    for (leg, states, outcome) in cases {
        let events: Vec<Value> = (0..).zip(&states).map(|(second, state)| leg.event(state, second)).collect();
        gateway.deliver_each(&events).await;
        let call = client.version(&leg, events.len() as u64).await;
        assert_eq!(call["outcome"], outcome, "{states:?}");
        assert_eq!(call, oracle::call(&events));
    }
}

#[tokio::test]
async fn a_summary_without_a_call_is_an_answered_call_that_ended() {
    let (gateway, mut client, leg) = begin().await;
    gateway.deliver(&leg.summary(0, json!({"a": 1}))).await;
    let call = client.version(&leg, 1).await;
    assert_eq!((&call["state"], &call["outcome"]), (&json!("ended"), &json!("answered")));
    assert_eq!(call["ended_at"], leg.at(0));
    gateway.deliver_each(&[leg.hangup(20), leg.ringing(0), leg.active(5)]).await;
    let call = client.version(&leg, 4).await;
    assert_eq!((&call["started_at"], &call["ended_at"]), (&json!(leg.at(0)), &json!(leg.at(20))));
}

#[tokio::test]
async fn the_latest_summary_counts() {
    let (gateway, mut client, leg) = begin().await;
    gateway.deliver_each(&leg.whole()).await;
    for (version, second, latest) in [(4, 40, 40), (5, 30, 40), (6, 50, 50)] {
        gateway.deliver(&leg.summary(second, json!({"second": second}))).await;
        let call = client.version(&leg, version).await;
        assert_eq!(call["summary"]["content"]["second"], latest);
        assert_eq!(call["summary"]["reported_at"], leg.at(latest));
    }
}

#[tokio::test]
async fn a_name_once_known_for_a_number_stays() {
    let (gateway, mut client, leg) = begin().await;
    for (version, name) in (1..).zip(["", "Ann", "", NUMBER]) {
        gateway.deliver(&leg.clone().with("caller_name", name).event("RINGING", version)).await;
        let call = client.version(&leg, version).await;
        let expected = if version == 1 { Value::Null } else { "Ann".into() };
        assert_eq!(call["remote"], json!({"number": NUMBER, "name": expected}));
    }
}

#[tokio::test]
async fn a_number_of_up_to_six_digits_is_a_colleague() {
    let (gateway, mut client, leg) = begin().await;
    for (number, internal) in
        [("1", true), ("210", true), ("123456", true), ("1234567", false), ("+32", false)]
    {
        let leg = Leg::inbound(&leg.tenant, "200").with("caller_number", number);
        gateway.deliver(&leg.ringing(0)).await;
        assert_eq!(client.version(&leg, 1).await["internal"], internal, "{number}");
    }
}

/// Numbers of scenarios and, for a leg without a record, the events that may happen to it.
fn events() -> impl Strategy<Value = Vec<Value>> {
    let phase = prop::sample::select(vec!["RINGING", "ACTIVE", "HELD", "HANGUP", "SUMMARY_REPORTING"]);
    let name = prop::sample::select(vec!["", NUMBER, "Ann", "Bob"]);
    let other = prop::option::weighted(0.2, Just("210"));
    // Few seconds, so that many events share a timestamp.
    let event =
        (phase, 0_u64..6, name, other, any::<bool>()).prop_map(|(phase, second, name, other, announced)| {
            let leg = Leg::inbound("tenant", "200").named("made-up").starting_at(1_765_200_000_000_000);
            let mut leg = leg.with("caller_name", name).with("caller_number", other.unwrap_or(NUMBER));
            if other.is_some() && announced {
                leg = leg.with("transfer_caller_number", NUMBER);
            }
            match phase {
                "SUMMARY_REPORTING" => leg.summary(second, json!({"title": name})),
                phase => leg.event(phase, second),
            }
        });
    let recorded = prop::collection::vec(1_usize..=7, 1..4).prop_map(|mut numbers| {
        numbers.sort_unstable();
        numbers.dedup();
        numbers.into_iter().flat_map(|number| scenario(number, "tenant")).collect()
    });
    prop_oneof![recorded, prop::collection::vec(event, 1..12)]
}

/// Every event at least once, in any order, alone or with others in an array.
fn mixed_up() -> impl Strategy<Value = (Vec<Value>, Vec<Vec<Value>>)> {
    let shuffled = events().prop_flat_map(|events| {
        let again = prop::collection::vec(any::<Index>(), 0..6);
        let order = again.prop_flat_map({
            let events = events.clone();
            move |again| {
                let more = again.iter().map(|index| index.get(&events).clone());
                Just(events.iter().cloned().chain(more).collect::<Vec<_>>()).prop_shuffle()
            }
        });
        (Just(events), order, 1_usize..5)
    });
    shuffled.prop_map(|(events, order, size)| (events, order.chunks(size).map(<[Value]>::to_vec).collect()))
}

/// How many events that say something else each leg has.
fn distinct(events: &[Value]) -> BTreeMap<&str, u64> {
    let mut seen = Vec::new();
    let mut distinct = BTreeMap::new();
    for event in events {
        let mut said = event.clone();
        for side in ["caller", "callee"] {
            let (name, number) = (format!("{side}_name"), format!("{side}_number"));
            if said[&name] == said[&number] {
                said[&name] = "".into();
            }
        }
        if !seen.contains(&said) {
            seen.push(said);
            *distinct.entry(event["id"].as_str().unwrap()).or_default() += 1;
        }
    }
    distinct
}

#[test]
fn any_order_any_duplication_gives_the_same_call() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let gateway = runtime.block_on(timeless_gateway());
    let calls = async |tenant: &str, webhooks: &[Vec<Value>]| {
        for events in webhooks {
            let mut events = json!(events);
            for event in events.as_array_mut().unwrap() {
                event["tenant_id"] = tenant.into();
            }
            gateway.deliver(if events[1].is_null() { &events[0] } else { &events }).await;
        }
        let mut calls = gateway.supervisor(tenant).await.calls;
        for call in calls.values_mut() {
            call["tenant_id"] = Value::Null;
        }
        calls
    };
    let cases = Cases { cases: 64, failure_persistence: None, ..Cases::default() };
    TestRunner::new(cases)
        .run(&mixed_up(), |(events, webhooks)| {
            let (expected, got) = runtime.block_on(async {
                let one_by_one: Vec<Vec<Value>> = events.iter().map(|event| vec![event.clone()]).collect();
                (calls(&new_tenant(), &one_by_one).await, calls(&new_tenant(), &webhooks).await)
            });
            prop_assert_eq!(&got, &expected);
            let versions: BTreeMap<&str, u64> = got
                .iter()
                .map(|((_, leg), call)| (leg.as_str(), call["version"].as_u64().unwrap()))
                .collect();
            prop_assert_eq!(versions, distinct(&events));
            Ok(())
        })
        .unwrap();
    drop(gateway);
}
