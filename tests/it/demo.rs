//! `callpop demo`: a gateway and its simulated provider in one process.

use crate::support::{Client, connect::Connect, eventually, gateway::problem, process::Process, soon};
use reqwest::Response;
use rustix::process::Signal;
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    net::SocketAddr,
    time::{Duration, Instant},
};
use tempfile::TempDir;

struct Demo {
    process: Process,
    address: SocketAddr,
    http: reqwest::Client,
    /// Where it keeps what it needs.
    folder: TempDir,
}

impl Demo {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (process, address) = Process::start_demo(folder.path()).await;
        let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        Self { process, address, http, folder }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    async fn get(&self, path: &str) -> Response {
        soon(path, self.http.get(self.url(path)).send()).await.unwrap()
    }

    async fn json(&self, path: &str) -> Value {
        let answer = self.get(path).await;
        assert_eq!(answer.status(), 200, "{path}");
        answer.json().await.unwrap()
    }

    /// A WebSocket as the page opens it.
    async fn phone(&self, extension: &str) -> Client {
        let answer = self.json(&format!("/demo/token?extension={extension}")).await;
        Connect::new(self.address, answer["token"].as_str()).origin(&self.url("")).open().await
    }

    async fn play(&self, scenario: &Value) {
        let body = json!({"scenario": scenario, "speed": 0});
        let answer = self.http.post(self.url("/simulator/play")).json(&body).send();
        assert_eq!(soon("to play", answer).await.unwrap().status(), 202, "{scenario}");
    }
}

/// Extension and leg of what was sent.
fn legs(log: &[Value]) -> BTreeSet<(String, String)> {
    let text = |entry: &Value, field: &str| entry[field].as_str().unwrap().to_owned();
    log.iter().map(|entry| (text(entry, "extension"), text(entry, "leg_id"))).collect()
}

#[tokio::test]
async fn a_demo_is_played_from_its_first_line_to_its_end() {
    let mut demo = Demo::start().await;
    let config = demo.json("/demo/config").await;
    let extensions = ["200", "210"];
    for (phone, extension) in config["phones"].as_array().unwrap().iter().zip(extensions) {
        assert_eq!(phone["extension"], extension);
    }
    problem(demo.get("/demo/token?extension=999").await, 404).await;
    let mut clients = [demo.phone("200").await, demo.phone("210").await];
    let scenarios = config["scenarios"].as_array().unwrap();
    assert_eq!(scenarios.len(), 7, "{config}");
    for scenario in scenarios {
        demo.play(&scenario["id"]).await;
    }
    let events = scenarios.iter().map(|scenario| scenario["events"].as_u64().unwrap()).sum::<u64>();
    let log = eventually("every webhook to be answered", async || {
        let state = demo.json("/simulator/state").await;
        let log = state["log"].as_array().unwrap().clone();
        let done = log.iter().all(|entry| !entry["status"].is_null());
        (done && log.len() as u64 == events).then_some(log)
    })
    .await;
    for entry in &log {
        assert_eq!((&entry["status"], &entry["attempts"]), (&json!(204), &json!(1)), "{entry}");
    }
    for (client, extension) in clients.iter_mut().zip(extensions) {
        let mut mine = legs(&log);
        mine.retain(|leg| leg.0 == extension);
        assert!(!mine.is_empty(), "{extension}");
        let over = |client: &Client| client.calls.values().all(|call| call["state"] == "ended");
        client.until("every call's end", |client| client.calls.keys().eq(&mine) && over(client)).await;
        assert_eq!(client.calls.values().next().unwrap()["tenant_id"], config["tenant_id"]);
    }

    // A page that watches and popups that listen do not hold it up.
    let mut watching = demo.get("/simulator/events").await;
    let first = soon("the page's first view", watching.chunk()).await.unwrap().unwrap();
    assert!(first.starts_with(b"data:"), "{first:?}");
    let begun = Instant::now();
    demo.process.signal(Signal::TERM);
    for mut client in clients {
        assert_eq!(client.closed().await, 4503);
    }
    soon("the page's stream to end", watching.text()).await.unwrap();
    assert_eq!(demo.process.exit().await.code(), Some(0));
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    let left: Vec<_> = demo.folder.path().read_dir().unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn a_hangup_does_not_end_a_demo() {
    let mut demo = Demo::start().await;
    demo.process.signal(Signal::HUP);
    demo.phone("200").await.assert_open().await;
    demo.process.signal(Signal::TERM);
    assert_eq!(demo.process.exit().await.code(), Some(0));
}

#[tokio::test]
async fn a_phone_of_the_demo_rings_and_its_popup_is_dismissed() {
    let demo = Demo::start().await;
    let mut client = demo.phone("200").await;
    let incoming = demo.http.post(demo.url("/simulator/phones/200/incoming")).send();
    assert_eq!(soon("a call", incoming).await.unwrap().status(), 200);
    client.until("the call", |client| client.calls.len() == 1).await;
    let ringing = client.calls.values().next().unwrap().clone();
    assert_eq!((&ringing["state"], &ringing["extension"]), (&json!("ringing"), &json!("200")));
    client.send(&json!({"type": "dismiss", "leg_id": ringing["leg_id"]})).await;
    let is_dismissed = |call: &Value| call["dismissed_at"].is_u64();
    client.until("the dismissal", |client| client.calls.values().all(is_dismissed)).await;
}
