//! A simulated call centre's day as events, for tests that post them as they like.

use super::{Config, Gateway, directory, process::callpop};
use serde_json::{Value, json};

/// A centre's day, and what is true of it.
pub struct Day {
    /// In the order of sending.
    pub events: Vec<Value>,
    /// What truly happened, a JSON object a line.
    pub truth: String,
}

/// The events of a centre that begins to be called at a time, in the order of sending.
pub fn day(extensions: usize, calls: usize, seed: u64, begins: u64) -> Vec<Value> {
    day_with_truth(extensions, calls, seed, begins).events
}

/// The same, with the truth.
pub fn day_with_truth(extensions: usize, calls: usize, seed: u64, begins: u64) -> Day {
    let folder = Config::new();
    let [events, truth] = ["events.jsonl", "truth.jsonl"].map(|name| folder.file(name, ""));
    let numbers = [extensions as u64, calls as u64, seed, begins].map(|number| number.to_string());
    let [extensions, calls, seed, begins] = &numbers;
    let arguments = ["simulate", "--centre", extensions, "--calls", calls, "--seed", seed, "--begin", begins];
    let output = callpop().args(arguments).args(["--to", &events, "--truth", &truth]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = |file| std::fs::read_to_string(file).unwrap();
    let events = text(events).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    Day { events, truth: text(truth) }
}

/// The same events in another tenant.
pub fn in_tenant(events: &[Value], tenant: &str) -> Vec<Value> {
    let moved = events.iter().cloned().map(|mut event| {
        event["tenant_id"] = tenant.into();
        event
    });
    moved.collect()
}

/// Gives the first so many extensions of a centre names, so that none is learned from calls.
pub async fn name(node: &Gateway, tenant: &str, extensions: usize) {
    let rows = (200..200 + extensions).map(|number| {
        let mut row = directory::row(&number.to_string(), &[]);
        row["name"] = format!("Agent {number}").into();
        row
    });
    directory::replace(node, tenant, &rows.collect::<Vec<_>>()).await;
}

/// Posts events in their order, many in one webhook, each webhook to the next of the nodes.
pub async fn post(nodes: &[&Gateway], events: &[Value]) {
    for (nth, some) in events.chunks(200).enumerate() {
        nodes[nth % nodes.len()].deliver(&json!(some)).await;
    }
}
