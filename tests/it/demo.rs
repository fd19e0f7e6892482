//! `callpop demo`: a gateway and its simulated provider in one process.

use crate::support::{
    Client,
    connect::Connect,
    eventually,
    gateway::problem,
    now,
    process::{Process, callpop, run},
    soon,
};
use reqwest::Response;
use rustix::process::Signal;
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    net::{SocketAddr, TcpListener},
    time::{Duration, Instant},
};
use tempfile::TempDir;

#[test]
fn a_demo_that_cannot_listen_says_so() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = run(callpop().args(["demo", "--listen", &address]));
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(&address) && said.contains("in use"), "{said}");
}

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

    async fn post(&self, path: &str, body: &Value) -> Response {
        soon(path, self.http.post(self.url(path)).json(body).send()).await.unwrap()
    }

    /// Has a system post a notice, or say that it is done; gives the webhook that it sent.
    async fn sent(&self, path: &str, body: &Value) -> Value {
        let answer = self.post(path, body).await;
        assert_eq!(answer.status(), 200, "{path}: {body}");
        let answer: Value = answer.json().await.unwrap();
        assert_eq!(answer["status"], 204, "what the gateway answered: {answer}");
        answer["sent"].clone()
    }

    /// A WebSocket as the page opens it.
    async fn phone(&self, extension: &str) -> Client {
        let answer = self.json(&format!("/demo/token?extension={extension}")).await;
        Connect::new(self.address, answer["token"].as_str()).origin(&self.url("")).open().await
    }

    async fn play(&self, scenario: &Value) {
        let body = json!({"scenario": scenario, "speed": 0});
        assert_eq!(self.post("/simulator/play", &body).await.status(), 202, "{scenario}");
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

const KINDS: [&str; 7] = ["message", "ticket", "appointment", "chat", "voicemail", "automation", "other"];

#[tokio::test]
async fn a_notice_of_each_kind_reaches_its_user_alone_until_its_system_is_done_with_it() {
    let demo = Demo::start().await;
    let mut john = demo.phone("200").await;
    for kind in KINDS {
        let sent = demo.sent("/demo/notices", &json!({"kind": kind, "extension": "200"})).await;
        let key = ("200".to_owned(), sent["notice_id"].as_str().unwrap().to_owned());
        john.until(kind, |john| john.notices.contains_key(&key)).await;
        let notice = &john.notices[&key];
        let what = ["source", "kind", "state"].map(|field| notice[field].as_str().unwrap());
        assert_eq!(what, ["desk", kind, "open"], "{notice}");
        for said in ["title", "body", "link", "expires_at"] {
            assert_eq!(notice[said], sent[said], "{said} of {notice}");
        }
        assert_eq!(notice["remote"]["name"], sent["remote"]["name"], "{notice}");
        assert_eq!(notice["expires_at"].as_u64().is_some_and(|end| end > now()), kind == "appointment");

        let done = demo.sent("/demo/notices/done", &json!({"extension": "200", "notice_id": key.1})).await;
        john.until("its end", |john| john.notices[&key]["state"] == "done").await;
        assert_eq!(john.notices[&key]["done_at"], done["at"]);
    }
    assert_eq!(john.notices.len(), KINDS.len());
    assert!(demo.phone("210").await.notices.is_empty());
}

#[tokio::test]
async fn what_is_no_notice_is_refused_and_nothing_is_posted() {
    let demo = Demo::start().await;
    let to_john = |kind: &str| json!({"kind": kind, "extension": "200"});
    let refused = [
        ("/demo/notices", to_john("fax"), 422, "fax"),
        ("/demo/notices", to_john(""), 422, "message"),
        ("/demo/notices", json!({"extension": "200"}), 422, "kind"),
        ("/demo/notices", json!({"kind": "ticket"}), 422, "extension"),
        ("/demo/notices", json!({"kind": "ticket", "extension": "200", "title": "x"}), 422, "title"),
        ("/demo/notices", json!({"kind": "ticket", "extension": "999"}), 404, "999"),
        ("/demo/notices/done", json!({"extension": "200", "notice_id": ""}), 422, "notice_id"),
        ("/demo/notices/done", json!({"extension": "999", "notice_id": "t-17"}), 404, "999"),
    ];
    for (path, body, status, word) in refused {
        let detail = problem(demo.post(path, &body).await, status).await;
        assert!(detail.contains(word), "{body}: {detail}");
    }
    // A form of another page says that it is something else.
    let form = demo.http.post(demo.url("/demo/notices")).body(to_john("ticket").to_string());
    problem(soon("a refusal", form.send()).await.unwrap(), 415).await;
    assert!(demo.phone("200").await.notices.is_empty());
}
