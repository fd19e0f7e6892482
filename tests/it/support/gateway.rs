//! `callpop serve` or `callpop sidecar`, and HTTP to its listeners.

use super::{
    Client, Config, Token,
    connect::Connect,
    eventually,
    process::{Process, callpop},
    soon,
    token::WEBHOOK_SECRET,
};
use reqwest::{Body, RequestBuilder, Response, StatusCode, header::CONTENT_TYPE};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::{net::SocketAddr, process::Command};

/// A running gateway.
pub struct Gateway {
    pub process: Process,
    pub public: SocketAddr,
    pub admin: SocketAddr,
    /// Where operators look things up; none of a sidecar alone.
    lookups: Option<SocketAddr>,
    http: reqwest::Client,
    config: Config,
    /// The command that it runs.
    part: &'static str,
}

/// What a webhook is answered on a machine that is too slow, whatever the test is about: a node that gets no turn for a
/// second gives its connection to Redis up.
const SLOW_MACHINE: [&str; 6] = [
    "the disk takes too long",
    "the events were not committed in time",
    "Redis does not answer in time",
    "the connection to Redis broke",
    "Redis does not confirm in time what is written",
    "too few replicas, or no disk, confirmed it in time",
];

/// The value of a metric in what `/metrics` says, summed over its labels.
pub fn sum(metrics: &str, name: &str) -> f64 {
    let samples = metrics
        .lines()
        .filter(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' '])));
    samples.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
}

impl Gateway {
    /// A gateway on the usual test configuration.
    pub async fn new() -> Self {
        Config::new().start().await
    }

    /// Starts one and waits until it listens.
    pub async fn start(config: &Config) -> Self {
        Self::start_with(config, callpop()).await
    }

    /// Starts one by a command that ends where the arguments of callpop begin.
    pub async fn start_with(config: &Config, command: Command) -> Self {
        Self::begin("serve", config, command).await
    }

    /// Starts a sidecar alone.
    pub async fn start_sidecar(config: &Config) -> Self {
        Self::begin("sidecar", config, callpop()).await
    }

    async fn begin(part: &'static str, config: &Config, mut command: Command) -> Self {
        command.arg(part).arg("--config").arg(config.write()).env("CALLPOP_LOG__FORMAT", "json");
        let (process, listening) = Process::start(command).await;
        let address = |name: &str| listening[name].as_str().unwrap().parse().unwrap();
        let (public, admin) = (address("public"), address("admin"));
        let lookups = listening["operator"].as_str().map(|address| address.parse().unwrap());
        let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).timeout(super::PATIENCE);
        Self { process, public, admin, lookups, http: http.build().unwrap(), config: config.clone(), part }
    }

    /// Ends it as a power cut would, and starts another on its data.
    pub async fn restart_after_kill(mut self) -> Self {
        self.process.kill();
        Self::begin(self.part, &self.config, callpop()).await
    }

    /// Ends it in good order, and starts another on its data.
    pub async fn restart(mut self) -> Self {
        self.stop().await;
        Self::begin(self.part, &self.config, callpop()).await
    }

    /// Ends it in good order, and starts another by another configuration.
    pub async fn restart_by(mut self, config: &Config) -> Self {
        self.stop().await;
        Self::begin(self.part, config, callpop()).await
    }

    /// Ends it in good order.
    pub async fn stop(&mut self) {
        self.process.signal(Signal::TERM);
        assert_eq!(self.process.exit().await.code(), Some(0));
    }

    /// What it was started on.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Where the sidecar in it gives access tokens, by its log.
    pub async fn private(&self) -> SocketAddr {
        eventually("it to say where its private listener is", async || {
            let log = self.process.log();
            let mut lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            lines.find_map(|line| {
                let fields = if line["fields"].is_object() { &line["fields"] } else { &line };
                fields["private"].as_str()?.parse().ok()
            })
        })
        .await
    }

    /// A request to the public listener.
    pub fn request(&self, method: &str, path: &str) -> RequestBuilder {
        self.http.request(method.parse().unwrap(), format!("http://{}{path}", self.public))
    }

    /// Where `operator_listen` is.
    pub fn lookups(&self) -> SocketAddr {
        self.lookups.expect("it is a gateway")
    }

    /// What `operator_listen` answers: what shows personal data.
    pub async fn look_up(&self, path: &str) -> Response {
        let answer = self.http.get(format!("http://{}{path}", self.lookups())).send();
        soon("the operators' listener", answer).await.unwrap()
    }

    /// What the private listener answers.
    pub async fn operator(&self, path: &str) -> Response {
        let answer = self.http.get(format!("http://{}{path}", self.admin)).send();
        soon("the private listener", answer).await.unwrap()
    }

    /// What the private listener answers, if anybody is there.
    pub async fn try_operator(&self, path: &str) -> Option<Response> {
        let answer = self.http.get(format!("http://{}{path}", self.admin)).send();
        soon("the private listener", answer).await.ok()
    }

    /// What the public `/readyz` answers; it never says more than that.
    pub async fn is_in_rotation(&self) -> bool {
        let answer = soon("/readyz", self.request("GET", "/readyz").send()).await.unwrap();
        let status = answer.status().as_u16();
        let said: Value = answer.json().await.unwrap();
        assert_eq!(
            (status, said),
            if status == 200 { (200, json!({"ready": true})) } else { (503, json!({"ready": false})) }
        );
        status == 200
    }

    /// What `/readyz` warns of.
    pub async fn warnings(&self) -> String {
        let said: Value = self.operator("/readyz").await.json().await.unwrap();
        assert!(said["warnings"].is_array(), "{said}");
        said["warnings"].to_string()
    }

    /// The value of a metric, summed over its labels.
    pub async fn metric(&self, name: &str) -> f64 {
        sum(&self.operator("/metrics").await.text().await.unwrap(), name)
    }

    /// A webhook as Telsmart would send it.
    pub fn webhook(&self, body: impl Into<Body>) -> RequestBuilder {
        self.request("POST", "/webhooks/telsmart")
            .header("X-Webhook-Secret", WEBHOOK_SECRET)
            .header(CONTENT_TYPE, "application/json")
            .body(body)
    }

    /// Posts JSON, and gives the answer whatever it is.
    pub async fn post(&self, events: &Value) -> Response {
        soon("the webhook's answer", self.webhook(events.to_string()).send()).await.unwrap()
    }

    /// Posts JSON that must be taken: once more where this machine kept it waiting, as a provider does.
    pub async fn deliver(&self, events: &Value) {
        let (status, said) = eventually("a machine that is not too slow", async || {
            let answer = self.post(events).await;
            let (status, said) = (answer.status(), answer.text().await.unwrap());
            (!SLOW_MACHINE.iter().any(|slow| said.contains(slow))).then_some((status, said))
        })
        .await;
        assert_eq!((status, said.as_str()), (StatusCode::NO_CONTENT, ""), "for {events}");
    }

    /// Posts events one after the other; all must be taken.
    pub async fn deliver_each(&self, events: &[Value]) {
        for event in events {
            self.deliver(event).await;
        }
    }

    /// A WebSocket to be opened for the bearer of `token`.
    pub fn stream(&self, token: &Token) -> Connect {
        self.stream_by(&token.mint())
    }

    /// A WebSocket to be opened with any text as token.
    pub fn stream_by(&self, token: &str) -> Connect {
        Connect::new(self.public, Some(token))
    }

    /// An open WebSocket of an agent.
    pub async fn agent(&self, tenant: &str, extension: &str) -> Client {
        self.stream(&Token::agent(tenant, &[extension])).open().await
    }

    /// An open WebSocket of a supervisor who watches the tenant.
    pub async fn supervisor(&self, tenant: &str) -> Client {
        self.stream(&Token::supervisor(tenant)).scope("tenant").open().await
    }
}

/// Fails unless the answer is a problem of that status; gives its detail.
pub async fn problem(answer: Response, status: u16) -> String {
    let (got, headers) = (answer.status().as_u16(), answer.headers().clone());
    let text = answer.text().await.unwrap();
    assert_eq!(got, status, "{text}");
    assert_eq!(headers[CONTENT_TYPE], "application/problem+json", "{text}");
    problem_detail(&text, status)
}

/// Fails unless the text is a whole problem of that status; gives its detail.
pub fn problem_detail(text: &str, status: u16) -> String {
    let problem: Value = serde_json::from_str(text).unwrap();
    assert_eq!(problem["status"], status, "{text}");
    for member in ["type", "title", "detail", "request_id"] {
        assert!(problem[member].as_str().is_some_and(|text| !text.is_empty()), "{member} in {text}");
    }
    problem["detail"].as_str().unwrap().to_owned()
}
