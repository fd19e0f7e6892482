//! `callpop simulate` against a gateway: what it prints, and the calls that it makes.

use crate::support::{
    Config, Gateway, new_tenant, oracle,
    process::{callpop, run},
    telsmart::scenario,
    token::WEBHOOK_SECRET,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Plays every scenario at once in a tenant; gives what is printed.
fn simulate(gateway: &Gateway, tenant: &str, more: &str) -> String {
    let mut command = callpop();
    command.arg("simulate").arg("--gateway").arg(format!("http://{}", gateway.public));
    command.args(["--secret", WEBHOOK_SECRET, "--instant", "--tenant", tenant]).args(more.split_whitespace());
    let output = run(&mut command);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The calls that the recordings make together.
fn expected(tenant: &str) -> Vec<Value> {
    let mut legs = BTreeMap::<_, Vec<Value>>::new();
    for event in (1..=7).flat_map(|number| scenario(number, tenant)) {
        let key = ["user_extension", "id"].map(|field| event[field].as_str().unwrap().to_owned());
        legs.entry(key).or_default().push(event);
    }
    legs.values().map(|events| oracle::call(events)).collect()
}

/// The calls of a tenant, by extension and leg.
async fn calls(gateway: &Gateway, tenant: &str) -> Vec<Value> {
    gateway.supervisor(tenant).await.calls.into_values().collect()
}

/// What a call is, whenever it was and whatever its leg is called.
fn shapes(calls: Vec<Value>) -> Vec<String> {
    let shape = |mut call: Value| {
        for field in ["leg_id", "tenant_id", "started_at", "answered_at", "since", "ended_at", "updated_at"] {
            call[field] = Value::Null;
        }
        for path in ["/stale_at", "/transfer/completed_at", "/summary/reported_at"] {
            if let Some(time) = call.pointer_mut(path) {
                *time = time.is_u64().into();
            }
        }
        call.to_string()
    };
    let mut shapes: Vec<String> = calls.into_iter().map(shape).collect();
    shapes.sort();
    shapes
}

#[tokio::test]
async fn simulate_prints_its_report_and_all_calls_are_there() {
    let gateway = Gateway::new().await;
    let tenant = new_tenant();
    let events = (1..=7).map(|number| scenario(number, &tenant).len()).sum::<usize>();
    let printed = simulate(&gateway, &tenant, "");
    let report =
        format!("{events} sent (0 duplicates, 0 retries): {events} accepted, 0 refused, 0 unanswered\n");
    assert_eq!(printed, report);
    let expected = shapes(expected(&tenant));
    assert_eq!(shapes(calls(&gateway, &tenant).await), expected);

    // Again, it is other calls of the same kind.
    simulate(&gateway, &tenant, "");
    assert_eq!(calls(&gateway, &tenant).await.len(), 2 * expected.len());
}

#[tokio::test]
async fn duplicates_and_disorder_make_the_same_calls() {
    let gateway = Config::new().timeless().start().await;
    let (smooth, rough) = (new_tenant(), new_tenant());
    simulate(&gateway, &smooth, "--as-recorded");
    assert_eq!(calls(&gateway, &smooth).await, expected(&smooth));
    let printed = simulate(&gateway, &rough, "--as-recorded --duplicate 0.5 --reorder 0.5 --seed 7");
    assert!(printed.ends_with(" 0 refused, 0 unanswered\n") && !printed.contains("(0 dup"), "{printed}");
    assert!(gateway.metric("callpop_events_duplicate_total").await > 0.0);
    let mut same = calls(&gateway, &smooth).await;
    for call in &mut same {
        call["tenant_id"] = json!(rough);
    }
    assert_eq!(calls(&gateway, &rough).await, same);

    // With fresh legs too.
    let (smooth, rough) = (new_tenant(), new_tenant());
    simulate(&gateway, &smooth, "");
    simulate(&gateway, &rough, "--duplicate 0.5 --reorder 0.5 --seed 7");
    assert_eq!(shapes(calls(&gateway, &rough).await), shapes(calls(&gateway, &smooth).await));
}

#[tokio::test]
async fn what_the_gateway_refuses_is_in_the_report() {
    let gateway = Gateway::new().await;
    let tenant = new_tenant();
    let printed = simulate(&gateway, &tenant, "--header X-Another 1-answered-inbound");
    assert_eq!(printed, "3 sent (0 duplicates, 0 retries): 0 accepted, 3 refused, 0 unanswered\n");
    assert!(calls(&gateway, &tenant).await.is_empty());
}
