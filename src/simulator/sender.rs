//! Sends one webhook over HTTP, and again while there is hope: when nobody answers, and on
//! 429 and 5xx. Any other answer is final.

use reqwest::{
    Client, StatusCode, Url,
    header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER},
    redirect, retry,
};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use std::{
    error::Error,
    net::IpAddr,
    sync::{Arc, OnceLock},
    time::Duration,
};

/// The simulated provider, as a gateway's configuration calls it.
pub(crate) const TELSMART: &str = "telsmart";
/// How long one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(10);
/// So much of an answer is looked at, in bytes.
const MOST_SAID: usize = 16 * 1024;
/// The longest pause between two attempts, whatever the gateway asks for.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Why there is no sender.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SenderError {
    #[error("the gateway's URL {0:?} must be http:// or https:// with a host")]
    Gateway(String),
    #[error("the callback URL {0:?} must be http:// or https:// with a host")]
    Callback(String),
    #[error("the header name {0:?} is not one")]
    Header(String),
    #[error("the secret cannot be a header's value: it holds characters that HTTP does not allow")]
    Secret,
    #[error("no HTTP client: {0}")]
    Client(#[from] reqwest::Error),
}

/// Where the webhooks go, and the header agreed at onboarding.
#[derive(Clone, Debug)]
pub(crate) struct Destination {
    /// The gateway's base URL, without `/webhooks/…`.
    pub(crate) url: String,
    /// What the gateway's configuration calls the sender.
    pub(crate) source: &'static str,
    pub(crate) header: String,
    pub(crate) secret: SecretString,
}

/// How often an event is sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Retries {
    /// Attempts after the first.
    pub(crate) max: u32,
    /// The pause before the second attempt; each further one is twice as long.
    pub(crate) first_pause: Duration,
}

/// What one attempt came to.
struct Attempt {
    status: Option<StatusCode>,
    /// When the gateway wants to be asked again.
    asked_for: Option<Duration>,
    /// Why it was not accepted.
    trouble: Option<String>,
}

/// A problem document, as far as it matters here.
#[derive(Deserialize)]
struct ProblemDetail {
    detail: Option<String>,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// The last answer, or none when there never was one.
    pub(crate) status: Option<u16>,
    pub(crate) attempts: u32,
}

/// Sends webhooks to one gateway over kept-alive connections.
#[derive(Clone)]
pub(crate) struct Sender {
    client: Client,
    url: Url,
    header: HeaderName,
    secret: HeaderValue,
    retries: Retries,
    first_trouble: Arc<OnceLock<String>>,
}

impl Default for Retries {
    fn default() -> Self {
        Self { max: 5, first_pause: Duration::from_millis(200) }
    }
}

impl Retries {
    /// How long to wait after the given attempt, the first being 1. The gateway's wish goes
    /// before the backoff.
    fn pause(&self, attempt: u32, asked_for: Option<Duration>) -> Duration {
        let backoff = self.first_pause.saturating_mul(2_u32.saturating_pow(attempt - 1));
        asked_for.unwrap_or(backoff).min(LONGEST_PAUSE)
    }
}

impl Outcome {
    /// Whether the gateway took the event.
    pub(crate) fn accepted(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }
}

impl Sender {
    /// Prepares to send to a gateway; connects only when there is something to send.
    pub(crate) fn new(gateway: &Destination, retries: Retries) -> Result<Self, SenderError> {
        let bad_url = || SenderError::Gateway(gateway.url.clone());
        let base = gateway.url.trim_end_matches('/');
        let url = Url::parse(&format!("{base}/webhooks/{}", gateway.source)).map_err(|_| bad_url())?;
        let host = url.host_str().filter(|_| matches!(url.scheme(), "http" | "https")).ok_or_else(bad_url)?;
        let client = client(host)?;
        let header = gateway.header.parse().map_err(|_| SenderError::Header(gateway.header.clone()))?;
        let mut secret =
            HeaderValue::from_str(gateway.secret.expose_secret()).map_err(|_| SenderError::Secret)?;
        secret.set_sensitive(true);
        Ok(Self { client, url, header, secret, retries, first_trouble: Arc::default() })
    }

    /// Why the first event that was given up was: the `detail` of its last answer, or why there was none.
    pub(crate) fn first_trouble(&self) -> Option<String> {
        self.first_trouble.get().cloned()
    }

    /// Sends an event until it has a final answer or the attempts are used up; each attempt
    /// is announced by its number.
    pub(crate) async fn deliver(&self, body: String, on_attempt: impl Fn(u32)) -> Outcome {
        let mut attempts = 0;
        loop {
            attempts += 1;
            on_attempt(attempts);
            let Attempt { status, asked_for, trouble } = self.attempt(body.clone()).await;
            let hopeful = status
                .is_none_or(|status| status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error());
            if !hopeful || attempts > self.retries.max {
                if let Some(trouble) = trouble {
                    self.first_trouble.get_or_init(|| trouble);
                }
                return Outcome { status: status.map(|status| status.as_u16()), attempts };
            }
            tokio::time::sleep(self.retries.pause(attempts, asked_for)).await;
        }
    }

    async fn attempt(&self, body: String) -> Attempt {
        let request = self
            .client
            .post(self.url.clone())
            .header(&self.header, &self.secret)
            .header(CONTENT_TYPE, "application/json")
            .body(body);
        match request.send().await {
            Ok(mut answer) => {
                let asked_for = answer.headers().get(RETRY_AFTER).and_then(seconds);
                let status = answer.status();
                // Read to its end, or the connection cannot be used again.
                let mut said = Vec::new();
                while let Ok(Some(chunk)) = answer.chunk().await {
                    said.extend(chunk.iter().take(MOST_SAID - said.len()));
                }
                let trouble = (!status.is_success()).then(|| detail(status, &said));
                Attempt { status: Some(status), asked_for, trouble }
            }
            Err(error) => {
                tracing::debug!(error = &error as &dyn Error, "a webhook was not answered");
                Attempt { status: None, asked_for: None, trouble: Some(causes(&error)) }
            }
        }
    }
}

/// The `detail` of a problem document; of another answer its status.
fn detail(status: StatusCode, said: &[u8]) -> String {
    let detail = serde_json::from_slice(said).ok().and_then(|ProblemDetail { detail }| detail);
    detail.map_or_else(|| status.to_string(), |detail| format!("{status}: {detail}"))
}

/// An error with all that caused it.
fn causes(error: &dyn Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {}", causes(cause)),
        None => error.to_string(),
    }
}

/// Asks a host once and waits [`ATTEMPT`] for the answer; a redirect is an answer.
pub(super) fn client(host: &str) -> Result<Client, reqwest::Error> {
    let mut client = Client::builder()
        .user_agent(concat!("callpop-simulator/", env!("CARGO_PKG_VERSION")))
        .timeout(ATTEMPT)
        .redirect(redirect::Policy::none())
        .retry(retry::never());
    if is_loopback(host) {
        // A proxy of the environment would look for the gateway on its own machine.
        client = client.no_proxy();
    }
    client.build()
}

/// `Retry-After` in seconds; its other form, a date, falls back to the backoff.
fn seconds(value: &HeaderValue) -> Option<Duration> {
    value.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

fn is_loopback(host: &str) -> bool {
    let ip: Result<IpAddr, _> = host.trim_matches(['[', ']']).parse();
    ip.map_or(host == "localhost", |ip| ip.is_loopback())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use axum::{Router, body::Bytes, extract::State, http::HeaderMap, routing::post};
    use parking_lot::Mutex;
    use serde_json::{Value, json};
    use std::{collections::VecDeque, sync::Arc};
    use tokio::{net::TcpListener, task::JoinSet};

    type Answer = (u16, Option<u32>);

    /// A gateway that answers as told, then 204, and keeps what it got.
    pub(crate) struct FakeGateway {
        pub(crate) gateway: Destination,
        pub(crate) got: Arc<Mutex<Vec<Value>>>,
        _server: JoinSet<()>,
    }

    #[derive(Clone)]
    struct Script {
        answers: Arc<Mutex<VecDeque<Answer>>>,
        got: Arc<Mutex<Vec<Value>>>,
    }

    async fn take(State(script): State<Script>, headers: HeaderMap, body: Bytes) -> axum::response::Response {
        let trusted = headers.get("x-agreed").is_some_and(|secret| secret == "s3cret");
        let json = headers.get(CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
        assert!(trusted && json, "{headers:?}");
        script.got.lock().push(serde_json::from_slice(&body).unwrap());
        let (status, retry_after) = script.answers.lock().pop_front().unwrap_or((204, None));
        let mut answer = axum::http::Response::builder().status(status);
        if let Some(seconds) = retry_after {
            answer = answer.header(RETRY_AFTER, seconds);
        }
        answer.body("".into()).unwrap()
    }

    impl FakeGateway {
        pub(crate) async fn start(answers: impl IntoIterator<Item = Answer>) -> Self {
            let answers: VecDeque<_> = answers.into_iter().collect();
            let script = Script { answers: Arc::new(answers.into()), got: Arc::default() };
            let got = script.got.clone();
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("http://{}/", listener.local_addr().unwrap());
            let app = Router::new().route("/webhooks/{source}", post(take)).with_state(script);
            let mut server = JoinSet::new();
            server.spawn(async { axum::serve(listener, app).await.unwrap() });
            let (header, secret) = ("X-Agreed".into(), "s3cret".into());
            let gateway = Destination { url, source: TELSMART, header, secret };
            Self { gateway, got, _server: server }
        }
    }

    /// Retries without the waiting.
    pub(crate) const QUICK: Retries = Retries { max: 3, first_pause: Duration::from_millis(1) };

    fn event() -> String {
        json!({"id": "leg", "state": "RINGING"}).to_string()
    }

    async fn deliver(fake: &FakeGateway, retries: Retries) -> (Outcome, Vec<u32>) {
        let sender = Sender::new(&fake.gateway, retries).unwrap();
        let attempts = Mutex::new(Vec::new());
        let outcome = sender.deliver(event(), |attempt| attempts.lock().push(attempt)).await;
        (outcome, attempts.into_inner())
    }

    #[tokio::test]
    async fn trouble_of_the_gateway_is_retried_until_it_is_over() {
        let fake = FakeGateway::start([(503, Some(0)), (429, None), (500, None)]).await;
        let (outcome, attempts) = deliver(&fake, QUICK).await;
        assert_eq!(outcome, Outcome { status: Some(204), attempts: 4 });
        assert!(outcome.accepted());
        assert_eq!(attempts, [1, 2, 3, 4]);
        assert_eq!(*fake.got.lock(), vec![json!({"id": "leg", "state": "RINGING"}); 4]);
    }

    #[tokio::test]
    async fn retries_end() {
        let fake = FakeGateway::start([(503, None); 9]).await;
        let (outcome, _) = deliver(&fake, QUICK).await;
        assert_eq!(outcome, Outcome { status: Some(503), attempts: 4 });
    }

    #[tokio::test]
    async fn a_refusal_is_final() {
        for refusal in [302, 400, 401, 413, 422] {
            let fake = FakeGateway::start([(refusal, None)]).await;
            let (outcome, _) = deliver(&fake, QUICK).await;
            assert_eq!(outcome, Outcome { status: Some(refusal), attempts: 1 });
            assert!(!outcome.accepted());
        }
    }

    #[tokio::test]
    async fn nobody_there_is_retried_and_then_given_up() {
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let url = format!("http://{free}");
        let gateway = Destination { url, source: TELSMART, header: "x".into(), secret: "y".into() };
        let outcome = Sender::new(&gateway, QUICK).unwrap().deliver(event(), |_| {}).await;
        assert_eq!(outcome, Outcome { status: None, attempts: 4 });
    }

    #[test]
    fn the_gateways_wish_goes_before_the_backoff() {
        let retries = Retries { max: 9, first_pause: Duration::from_millis(200) };
        let pauses: Vec<_> = [1, 2, 3, 99].map(|n| retries.pause(n, None).as_millis()).into();
        assert_eq!(pauses, [200, 400, 800, 30_000]);
        assert_eq!(retries.pause(5, Some(Duration::from_secs(2))), Duration::from_secs(2));
        assert_eq!(retries.pause(1, Some(Duration::from_secs(9_999))), LONGEST_PAUSE);
        let asked = |text: &str| seconds(&text.parse().unwrap());
        assert_eq!(asked("7"), Some(Duration::from_secs(7)));
        assert_eq!(asked("Wed, 21 Oct 2026 07:28:00 GMT"), None);
    }

    #[test]
    fn a_bad_gateway_is_said_before_anything_is_sent() {
        let new = |url: &str, header: &str, secret: &str| {
            let (url, header, secret) = (url.into(), header.into(), secret.into());
            let gateway = Destination { url, source: TELSMART, header, secret };
            Sender::new(&gateway, QUICK).err().map(|error| error.to_string())
        };
        assert_eq!(new("https://[::1]:8080/base/", "X-Webhook-Secret", "s"), None);
        assert!(new("gateway:8080", "x", "s").unwrap().contains("gateway:8080"));
        assert!(new("http://gateway", "x y", "s").unwrap().contains("x y"));
        assert!(!new("http://gateway", "x", "s\n").unwrap().contains("s\n"));
    }
}
