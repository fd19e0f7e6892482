//! `callpop simulate` against a gateway: what it prints, and the calls that it makes.

use crate::support::{
    Config, Gateway, eventually, new_tenant, oracle,
    process::{callpop, run, signal},
    telsmart::scenario,
    token::WEBHOOK_SECRET,
};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::{collections::BTreeMap, process::Stdio};

/// Plays every scenario at once in a tenant; gives what is printed.
fn simulate(gateway: &Gateway, tenant: &str, more: &str) -> String {
    let (code, printed, said) = play(&format!("http://{}", gateway.public), tenant, more);
    assert_eq!(code, Some(0), "{printed}{said}");
    printed
}

/// Plays to whatever is at that address; gives the exit code, what is printed, and what is said beside it.
fn play(url: &str, tenant: &str, more: &str) -> (Option<i32>, String, String) {
    let mut command = callpop();
    command.args(["simulate", "--gateway", url, "--instant", "--tenant", tenant]);
    command.args(["--secret", WEBHOOK_SECRET]).args(more.split_whitespace());
    let output = run(&mut command);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
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
async fn what_the_gateway_refuses_is_in_the_report_and_is_1_with_the_first_reason() {
    let gateway = Gateway::new().await;
    let (tenant, url) = (new_tenant(), format!("http://{}", gateway.public));
    let (code, printed, said) = play(&url, &tenant, "--header X-Another 1-answered-inbound");
    assert_eq!(printed, "3 sent (0 duplicates, 0 retries): 0 accepted, 3 refused, 0 unanswered\n");
    assert_eq!(code, Some(1));
    assert!(said.contains("the header X-Webhook-Secret is missing or wrong"), "{said}");
    assert!(!said.contains(WEBHOOK_SECRET), "{said}");
    assert!(calls(&gateway, &tenant).await.is_empty());
}

#[tokio::test]
async fn one_refusal_among_many_is_1_and_says_why() {
    let gateway = Gateway::new().await;
    let tenant = new_tenant();
    let mut events = scenario(1, &tenant);
    events[1]["direction"] = json!("sideways");
    let lines: Vec<String> = events.iter().map(Value::to_string).collect();
    let file = gateway.config().file("scenario.jsonl", &lines.join("\n"));
    let (code, printed, said) = play(&format!("http://{}", gateway.public), &tenant, &file);
    assert!(printed.ends_with("2 accepted, 1 refused, 0 unanswered\n"), "{printed}");
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("direction: must be \"in\" or \"out\""), "{said}");
}

#[tokio::test]
async fn a_gateway_that_is_not_there_is_1_and_says_so() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{free}");
    let (code, printed, said) = play(&url, &new_tenant(), "--retries 0 1-answered-inbound");
    assert!(printed.ends_with("0 accepted, 0 refused, 3 unanswered\n"), "{printed}");
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("Connection refused"), "{said}");
}

#[tokio::test]
async fn a_hangup_does_not_end_a_play() {
    let gateway = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", gateway.local_addr().unwrap());
    let mut command = callpop();
    command.args(["simulate", "--secret", "s", "--gateway", &url]);
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut process = Child(child);
    // It plays.
    let sent = tokio::task::spawn_blocking(move || gateway.accept()).await.unwrap();
    signal(process.0.id(), Signal::HUP);
    signal(process.0.id(), Signal::TERM);
    let status = eventually("the play to end", async || process.0.try_wait().unwrap()).await;
    assert_eq!(status.code(), Some(0));
    drop(sent);
}

/// A process that ends with its test.
struct Child(std::process::Child);

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
