//! The recorded scenarios, each with the calls that it must make, worked out by hand in
//! `tests/fixtures/telsmart-calls.json`.

use super::{gateway, timeless_gateway};
use crate::support::{Leg, client::key, new_tenant, oracle, telsmart::scenario};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The calls that a scenario must make, as if they were of `tenant`.
fn expected(number: usize, tenant: &str) -> Vec<Value> {
    let calls: Value = serde_json::from_str(include_str!("../../fixtures/telsmart-calls.json")).unwrap();
    let mut calls = calls[number.to_string()].as_array().unwrap().clone();
    for call in &mut calls {
        call["tenant_id"] = tenant.into();
        call["source"] = "telsmart".into();
        if !call["summary"].is_null() {
            call["summary"]["content"] = scenario(7, tenant)[0]["summary"]["content"].clone();
        }
    }
    calls
}

#[tokio::test]
async fn every_scenario_makes_the_calls_worked_out_by_hand() {
    let gateway = timeless_gateway().await;
    for number in 1..=7 {
        let tenant = new_tenant();
        let mut watcher = gateway.supervisor(&tenant).await;
        gateway.deliver_each(&scenario(number, &tenant)).await;
        let expected: BTreeMap<_, _> =
            expected(number, &tenant).into_iter().map(|call| (key(&call), call)).collect();
        watcher.until("the last event", |client| client.calls == expected).await;
        assert_eq!(gateway.supervisor(&tenant).await.calls, expected, "scenario {number}");
    }
}

#[test]
fn the_oracle_agrees_with_the_calls_worked_out_by_hand() {
    for number in 1..=6 {
        for expected in expected(number, "tenant") {
            let mut events = scenario(number, "tenant");
            events.retain(|event| event["id"] == expected["leg_id"]);
            assert_eq!(oracle::call(&events), expected, "scenario {number}");
        }
    }
}

#[tokio::test]
async fn an_answered_call_is_the_example_of_the_protocol() {
    let gateway = timeless_gateway().await;
    let tenant = new_tenant();
    let mut client = gateway.agent(&tenant, "200").await;
    gateway.deliver_each(&scenario(1, &tenant)[..2]).await;
    client.next_of("call").await;
    let example = json!({
        "leg_id":"590e9492-cbbc-4252-8205-7eb595099b5f","source":"telsmart","tenant_id":tenant,"extension":"200",
        "version":2,"direction":"inbound","internal":false,"state":"active",
        "remote":{"number":"+3228992675","name":null},"local":{"number":"200","name":"John Doe"},
        "transfer":null,
        "started_at":1_765_209_366_386_177_u64,"answered_at":1_765_209_375_906_227_u64,
        "since":1_765_209_375_906_227_u64,"ended_at":null,"updated_at":1_765_209_375_906_227_u64,
        "ring_ms":9520,"talk_ms":0,"hold_ms":0,
        "outcome":null,"stale_at":1_765_223_775_906_227_u64,"dismissed_at":null,"summary":null,"summary_seen":false,"wrap_up":null
    });
    client.until("the answer", |client| client.calls.values().all(|call| *call == example)).await;
    assert_eq!(client.calls.len(), 1);
}

#[tokio::test]
async fn a_call_and_its_summary_are_one() {
    let gateway = timeless_gateway().await;
    let tenant = new_tenant();
    let mut client = gateway.agent(&tenant, "200").await;
    gateway.deliver_each(&scenario(1, &tenant)).await;
    gateway.deliver_each(&scenario(7, &tenant)).await;
    let mut whole = expected(1, &tenant).remove(0);
    whole["version"] = json!(4);
    whole["updated_at"] = json!(1_765_209_708_105_127_u64);
    whole["summary"] = expected(7, &tenant)[0]["summary"].clone();
    client.until("the summary", |client| client.calls.values().any(|call| call["version"] == 4)).await;
    assert_eq!(client.calls.into_values().collect::<Vec<_>>(), [whole]);
}

#[tokio::test]
async fn the_oracle_agrees_whatever_of_a_call_is_missing() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let states = ["RINGING", "ACTIVE", "HELD", "ACTIVE", "HELD", "HANGUP", "SUMMARY_REPORTING", "ACTIVE"];
    let mut expected = BTreeMap::new();
    let mut sent = Vec::new();
    for choice in 0_u32..1 << states.len() {
        let leg = if choice % 2 == 0 { Leg::inbound(&tenant, "200") } else { Leg::outbound(&tenant, "200") };
        let chosen = (0..).zip(states).filter(|(index, _)| choice & 1 << index != 0);
        let events: Vec<Value> = chosen
            .map(|(index, state)| match state {
                "SUMMARY_REPORTING" => leg.summary(index, json!({"title": "What was said"})),
                state => leg.event(state, index),
            })
            .collect();
        // What a summary alone makes has a test of its own.
        if events.iter().any(|event| event["state"] != "SUMMARY_REPORTING") {
            let call = oracle::call(&events);
            expected.insert(key(&call), call);
            sent.extend(events);
        }
    }
    for events in sent.chunks(500) {
        gateway.deliver(&json!(events)).await;
    }
    let shown = gateway.supervisor(&tenant).await.calls;
    for (key, call) in &expected {
        assert_eq!(shown.get(key), Some(call));
    }
}
