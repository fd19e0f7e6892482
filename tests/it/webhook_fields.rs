//! JSON that is not an event: the answer names what is wrong, and nothing changes.

use crate::support::{Gateway, Leg, gateway::problem, new_tenant};
use serde_json::{Value, json};

/// 2000-01-01 and 2100-01-01, in microseconds since 1970.
const CENTURY: (u64, u64) = (946_684_800_000_000, 4_102_444_800_000_000);

/// Posts JSON that must be refused with a detail that names `field`.
async fn refused(gateway: &Gateway, body: &Value, field: &str) {
    let detail = problem(gateway.post(body).await, 422).await;
    assert!(detail.contains(field), "{field} is not named in {detail:?} about {body}");
}

#[tokio::test]
async fn a_missing_field_is_422_and_named() {
    let gateway = Gateway::new().await;
    let event = Leg::inbound(&new_tenant(), "200").ringing(0);
    for field in ["tenant_id", "user_extension", "id", "state", "timestamp", "direction"] {
        let mut event = event.clone();
        event.as_object_mut().unwrap().remove(field).unwrap();
        refused(&gateway, &event, field).await;
        event[field] = Value::Null;
        refused(&gateway, &event, field).await;
    }
    let mut summary = Leg::inbound(&new_tenant(), "200").summary(0, json!({}));
    summary["summary"].as_object_mut().unwrap().remove("content");
    refused(&gateway, &summary, "content").await;
    summary.as_object_mut().unwrap().remove("summary");
    refused(&gateway, &summary, "summary").await;
}

#[tokio::test]
async fn a_field_of_the_wrong_type_is_422_and_named() {
    let gateway = Gateway::new().await;
    let event = Leg::inbound(&new_tenant(), "200").ringing(0);
    let fields = event.as_object().unwrap().keys().map(String::as_str);
    for field in fields.chain(["transfer_caller_number"]) {
        for wrong in [json!({}), json!(["x"]), json!(true)] {
            let mut event = event.clone();
            event[field] = wrong;
            refused(&gateway, &event, field).await;
        }
    }
    let mut summary = Leg::inbound(&new_tenant(), "200").summary(0, json!({}));
    summary["summary"]["language"] = json!(5);
    refused(&gateway, &summary, "language").await;
    summary["summary"] = json!("text");
    refused(&gateway, &summary, "summary").await;
}

#[tokio::test]
async fn a_value_that_makes_no_sense_is_422_and_named() {
    let gateway = Gateway::new().await;
    let event = Leg::inbound(&new_tenant(), "200").ringing(0);
    let long = "x".repeat(1000);
    let mut cases = vec![("direction", "sideways"), ("direction", "")];
    for field in ["tenant_id", "user_extension", "id"] {
        cases.extend([(field, ""), (field, "a\nb"), (field, "a\u{0}"), (field, long.as_str())]);
    }
    for (field, value) in cases {
        let mut event = event.clone();
        event[field] = value.into();
        refused(&gateway, &event, field).await;
    }
}

#[tokio::test]
async fn a_timestamp_of_zero_or_of_the_year_3000_is_422() {
    let gateway = Gateway::new().await;
    let event = |timestamp: Value| {
        let mut event = Leg::inbound(&new_tenant(), "200").ringing(0);
        event["timestamp"] = timestamp;
        event
    };
    let year_3000 = 32_503_680_000_000_000_u64;
    let (first, end) = CENTURY;
    for number in [0, 1, 1_765_209_366, 1_765_209_366_386, first - 1, end, year_3000, u64::MAX] {
        refused(&gateway, &event(json!(number)), "timestamp").await;
        refused(&gateway, &event(json!(number.to_string())), "timestamp").await;
    }
    for number in [first, end - 1] {
        gateway.deliver(&event(json!(number))).await;
        gateway.deliver(&event(json!(number.to_string()))).await;
    }
    let texts = [
        "",
        "x",
        "-1765209366386177",
        "1765209366386177.5",
        "99999999999999999999999",
        "2025-12-08T16:56:15Z",
    ];
    for text in texts {
        refused(&gateway, &event(json!(text)), "timestamp").await;
    }
    for number in [json!(-1_765_209_366_386_177_i64), json!(1_765_209_366_386_177.5), json!(1e300)] {
        refused(&gateway, &event(number), "timestamp").await;
    }
}

#[tokio::test]
async fn json_that_is_no_object_is_422() {
    let gateway = Gateway::new().await;
    for body in [json!(null), json!(5), json!("RINGING"), json!(true), json!({}), json!([5]), json!([[]])] {
        problem(gateway.post(&body).await, 422).await;
    }
}

#[tokio::test]
async fn one_bad_event_in_an_array_is_422_and_nothing_is_committed() {
    let gateway = Gateway::new().await;
    let tenant = new_tenant();
    let mut watcher = gateway.supervisor(&tenant).await;
    let mut events: Vec<Value> = (0..20).map(|_| Leg::inbound(&tenant, "200").ringing(0)).collect();
    events[17].as_object_mut().unwrap().remove("direction");
    let detail = problem(gateway.post(&json!(events)).await, 422).await;
    assert!(detail.contains("17") && detail.contains("direction"), "{detail}");

    let good = Leg::inbound(&tenant, "200");
    gateway.deliver(&good.ringing(0)).await;
    watcher.version(&good, 1).await;
    assert_eq!(watcher.calls.len(), 1);
    assert_eq!(gateway.supervisor(&tenant).await.calls, watcher.calls);
}

#[tokio::test]
async fn what_was_refused_does_not_show_in_the_answer() {
    let gateway = Gateway::new().await;
    let mut event = Leg::inbound(&new_tenant(), "200").ringing(0);
    event["direction"] = "<script>+3228992675</script>".into();
    let detail = problem(gateway.post(&event).await, 422).await;
    assert!(!detail.contains("+3228992675"), "{detail}");
}

#[tokio::test]
async fn texts_that_go_into_every_frame_are_at_most_256_characters() {
    let gateway = Gateway::new().await;
    let tenant = new_tenant();
    let long = "é".repeat(20_000);
    let leg =
        Leg::inbound(&tenant, "200").with("caller_name", long.as_str()).with("callee_name", long.as_str());
    let leg = leg.with("caller_number", "1".repeat(20_000));
    gateway.deliver(&leg.ringing(0)).await;
    gateway.deliver(&leg.hangup(5)).await;
    let mut summary = leg.summary(6, json!({"title": "x"}));
    summary["summary"]["language"] = json!(long);
    gateway.deliver(&summary).await;
    let client = gateway.agent(&tenant, "200").await;
    let call = client.call(&leg).unwrap();
    let (name, number) = ("é".repeat(256), "1".repeat(256));
    assert_eq!(call["remote"], json!({"number": number, "name": name}));
    assert_eq!(call["local"]["name"], json!(name));
    assert_eq!(call["summary"]["language"], json!(name));
    // The same again is known.
    gateway.deliver(&leg.ringing(0)).await;
    assert_eq!(gateway.agent(&tenant, "200").await.call(&leg).unwrap()["version"], 3);
}
