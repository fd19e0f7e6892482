use super::*;
use crate::simulator::{TENANT, sender::tests::FakeGateway};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// A simulator on a port, with a gateway that takes everything.
struct Bench {
    fake: FakeGateway,
    simulator: Simulator,
    url: String,
    client: reqwest::Client,
    _server: JoinSet<()>,
}

impl Bench {
    async fn start() -> Self {
        let fake = FakeGateway::start([]).await;
        let simulator = Simulator::start(&fake.gateway, Retries::default(), TENANT).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/simulator", listener.local_addr().unwrap());
        let mut server = JoinSet::new();
        let app = simulator.routes();
        server.spawn(async { axum::serve(listener, app).await.unwrap() });
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { fake, simulator, url, client, _server: server }
    }

    async fn post(&self, path: &str, body: impl Into<reqwest::Body>) -> (u16, Value) {
        let answer = self.client.post(format!("{}{path}", self.url)).body(body).send().await.unwrap();
        let status = answer.status();
        let kind = answer.headers()[header::CONTENT_TYPE].to_str().unwrap().to_owned();
        assert_eq!(kind == "application/problem+json", !status.is_success(), "{status}");
        (status.as_u16(), answer.json().await.unwrap())
    }

    /// Reads the event stream until the state is as wanted.
    async fn until(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        let mut stream = self.client.get(format!("{}/events", self.url)).send().await.unwrap();
        let mut text = String::new();
        while let Some(chunk) = stream.chunk().await.unwrap() {
            text.push_str(std::str::from_utf8(&chunk).unwrap());
            while let Some((event, rest)) = text.split_once("\n\n") {
                let state: Option<Value> =
                    event.strip_prefix("data: ").map(|json| serde_json::from_str(json).unwrap());
                text = rest.to_owned();
                if let Some(state) = state.filter(&wanted) {
                    return state;
                }
            }
        }
        panic!("the stream ended");
    }
}

fn all_sent(state: &Value, events: usize) -> bool {
    let log = state["log"].as_array().unwrap();
    log.len() == events && log.iter().all(|entry| entry["status"] == 204)
}

#[tokio::test]
async fn a_call_is_made_and_ended_by_its_buttons() {
    let bench = Bench::start().await;
    let (status, state) = bench.post("/phones/200/incoming", "{\"number\":\"+3220\",\"name\":\"Ann\"}").await;
    assert_eq!(status, 200);
    let phone = &state["phones"][0];
    let leg = &phone["legs"][0];
    let id = leg["leg_id"].as_str().unwrap();
    assert_eq!(
        phone,
        &json!({"extension": "200", "name": "John Doe", "can_send_summary": false, "legs": [{
            "leg_id": id, "state": "ringing", "direction": "inbound",
            "remote": {"number": "+3220", "name": "Ann"}, "actions": ["answer", "hang_up"],
        }]})
    );
    assert_eq!(bench.post(&format!("/legs/{id}/answer"), "{}").await.0, 200);
    let (_, state) = bench.post(&format!("/legs/{id}/hang_up"), "").await;
    assert_eq!(state["phones"][0]["can_send_summary"], true);
    assert_eq!(bench.post("/phones/200/send_summary", "{}").await.0, 200);
    let state = bench.until(|state| all_sent(state, 4)).await;
    let states: Vec<_> = state["log"].as_array().unwrap().iter().map(|e| e["state"].clone()).collect();
    assert_eq!(states, ["RINGING", "ACTIVE", "HANGUP", "SUMMARY_REPORTING"]);
    let entry = &state["log"][0];
    let at = &entry["at_ms"];
    let shown = json!({"id": 1, "at_ms": at, "extension": "200", "leg_id": id, "state": "RINGING", "status": 204, "attempts": 1});
    assert_eq!(entry, &shown);
    assert_eq!(bench.fake.got.lock().len(), 4);
}

#[tokio::test]
async fn what_cannot_be_is_a_problem() {
    let bench = Bench::start().await;
    let (_, state) = bench.post("/phones/200/incoming", "{}").await;
    let leg = state["phones"][0]["legs"][0]["leg_id"].as_str().unwrap();
    let long = format!("{{\"name\":\"{}\"}}", "x".repeat(MAX_TEXT + 1));
    let huge = "x".repeat(MAX_BODY + 1);
    for (path, body, status) in [
        ("/phones/999/incoming", "{}", 404),
        ("/phones/200/explode", "{}", 404),
        ("/legs/none/answer", "{}", 404),
        (&format!("/legs/{leg}/explode"), "{}", 404),
        (&format!("/legs/{leg}/resume"), "{}", 409),
        ("/phones/210/send_summary", "", 409),
        ("/phones/200/incoming", "{", 422),
        ("/phones/200/incoming", "{\"nubmer\":\"1\"}", 422),
        ("/phones/200/incoming", "{\"number\":\" \"}", 422),
        ("/phones/200/incoming", &long, 422),
        ("/phones/200/incoming", &huge, 413),
        ("/play", "{\"scenario\":\"8-unheard-of\"}", 404),
        ("/play", "{\"scenario\":\"4-internal\",\"speed\":-1}", 422),
        ("/play", "", 422),
    ] {
        let (got, problem) = bench.post(path, body.to_owned()).await;
        assert_eq!((got, &problem["status"]), (status, &json!(status)), "{path} {problem}");
        assert!(["type", "title", "detail"].iter().all(|field| problem[field].is_string()));
    }
    bench.until(|state| all_sent(state, 1)).await;
}

#[tokio::test]
async fn a_scenario_is_played_into_the_log() {
    let bench = Bench::start().await;
    let (status, run) = bench.post("/play", "{\"scenario\":\"7-summary\",\"speed\":0}").await;
    assert_eq!((status, run["run_id"].is_string()), (202, true));
    bench.until(|state| all_sent(state, 4)).await;
}

#[tokio::test]
async fn plays_at_the_same_time_are_bounded() {
    let bench = Bench::start().await;
    for _ in 0..MAX_PLAYS {
        assert_eq!(bench.post("/play", "{\"scenario\":\"1-answered-inbound\"}").await.0, 202);
    }
    assert_eq!(bench.post("/play", "{\"scenario\":\"1-answered-inbound\"}").await.0, 429);
}

#[tokio::test]
async fn the_log_is_bounded_and_newest_last() {
    let bench = Bench::start().await;
    for _ in 0..6 {
        bench.post("/play", "{\"scenario\":\"6-attended-transfer\",\"speed\":0}").await;
    }
    let state = bench.until(|state| all_sent(state, 50) && state["log"][49]["id"] == 66).await;
    assert_eq!(state["log"][0]["id"], 17);
}

#[tokio::test]
async fn stopping_ends_the_event_streams() {
    let bench = Bench::start().await;
    let mut stream = bench.client.get(format!("{}/events", bench.url)).send().await.unwrap();
    assert!(stream.chunk().await.unwrap().is_some());
    bench.simulator.stop();
    while stream.chunk().await.unwrap().is_some() {}
    assert_eq!(bench.client.get(format!("{}/state", bench.url)).send().await.unwrap().status(), 503);
}
