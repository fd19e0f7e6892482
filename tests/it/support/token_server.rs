//! The simulated Telsmart as a process of its own: consents, a strict token server, and the faults
//! that a test asks for. Its state is read back over HTTP; tokens appear there as hashes only.

use super::{
    PATIENCE, eventually,
    process::{Process, callpop},
    soon,
    token::{CALLBACK_SECRET, CLIENT_SECRET, WEBHOOK_SECRET},
};
use reqwest::{RequestBuilder, Response, header::CONTENT_TYPE};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::net::SocketAddr;

/// Who refreshes tokens.
pub const CLIENT_ID: &str = "callpop";

/// A running `callpop simulate --listen`. Dropping it kills it.
pub struct TokenServer {
    pub process: Process,
    pub address: SocketAddr,
    pub http: reqwest::Client,
}

/// What became of an activation.
#[derive(Debug)]
pub struct Activation {
    /// What the client answered; none: nothing.
    pub status: Option<u16>,
    /// The body that was sent, to be sent again.
    pub body: Value,
}

impl Activation {
    pub fn refresh_token(&self) -> &str {
        self.body["refresh_token"].as_str().unwrap()
    }

    pub fn access_token(&self) -> &str {
        self.body["access_token"].as_str().unwrap()
    }
}

impl TokenServer {
    /// Starts one with more options. Its callbacks go nowhere until [`Self::call_back`].
    pub async fn start(options: &str) -> Self {
        Self::start_as(CALLBACK_SECRET, options).await
    }

    /// The same, with a secret of its own for its callbacks.
    pub async fn start_as(callback_secret: &str, options: &str) -> Self {
        let mut command = callpop();
        command.args(["simulate", "--listen", "127.0.0.1:0", "--gateway", "http://127.0.0.1:9"]);
        command.args(["--secret", WEBHOOK_SECRET, "--callback-secret", callback_secret]);
        command.args(["--client-id", CLIENT_ID, "--client-secret", CLIENT_SECRET]);
        command.args(options.split_whitespace());
        let (process, first) = Process::start_printing(command).await;
        let address = first.strip_prefix("http://").and_then(|rest| rest.split('/').next()).unwrap();
        let address = address.parse().expect(&first);
        let http = reqwest::Client::builder()
            .no_proxy()
            .tls_certs_only([])
            .timeout(PATIENCE)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .pool_max_idle_per_host(0);
        Self { process, address, http: http.build().unwrap() }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// From now on the callbacks go to this gateway.
    pub async fn call_back(&self, gateway: &str) {
        self.control("urls", json!({ "gateway": gateway })).await;
    }

    /// The same, where it is the source of that name.
    pub async fn call_back_as(&self, source: &str, gateway: &str) {
        let url = |what: &str| format!("{gateway}/integrations/{source}/{what}");
        let urls = json!({"activation_url": url("activate"), "deactivation_url": url("deactivate")});
        self.control("urls", urls).await;
    }

    /// The user of an extension consents, in answer to a confirmation key.
    pub async fn activate(&self, tenant: &str, extension: &str, key: &str) -> Activation {
        let consent = json!({"tenant_id": tenant, "extension": extension, "confirmation_key": key});
        let mut answer = self.control("activate", consent).await;
        Activation { status: status(&answer), body: answer["body"].take() }
    }

    /// The user disconnects in the portal, which revokes his tokens if `revoke`; gives what the
    /// client answered.
    pub async fn deactivate(&self, tenant: &str, extension: &str, revoke: bool) -> Option<u16> {
        let user = json!({"tenant_id": tenant, "extension": extension, "revoke": revoke});
        status(&self.control("deactivate", user).await)
    }

    /// What the next refreshes suffer, one each, instead of whatever was asked for before.
    pub async fn fault(&self, next: impl IntoIterator<Item = Value>) {
        let next: Vec<_> = next.into_iter().collect();
        self.control("faults", json!({ "next": next })).await;
    }

    /// A share of all refreshes suffers one of these.
    pub async fn random_faults(&self, share: f64, seed: u64, faults: Value) {
        self.control("faults", json!({"random": {"share": share, "seed": seed, "faults": faults}})).await;
    }

    /// Waits until so many refreshes are held.
    pub async fn held(&self, refreshes: u64) {
        eventually("the refreshes to be held", async || {
            (self.summary().await["held"] == refreshes).then_some(())
        })
        .await;
    }

    /// Ends all holds; gives how many clients got an answer, and how many had gone.
    pub async fn release(&self, consume: bool, answer: bool) -> [u64; 2] {
        let released = self.control("release", json!({"consume": consume, "answer": answer})).await;
        ["answered", "gone"].map(|field| released[field].as_u64().unwrap())
    }

    /// Everything that it remembers of tokens.
    pub async fn state(&self) -> Value {
        let answer =
            soon("the families", self.http.get(self.url("/telsmart/families")).send()).await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.json().await.unwrap()
    }

    /// The sums over all families.
    pub async fn summary(&self) -> Value {
        self.state().await["summary"].take()
    }

    /// The families of a user, oldest first.
    pub async fn families(&self, tenant: &str, extension: &str) -> Vec<Value> {
        let Value::Array(mut families) = self.state().await["families"].take() else { panic!("no families") };
        families.retain(|family| family["tenant_id"] == tenant && family["extension"] == extension);
        families
    }

    /// How often a refresh token was presented, whatever became of it.
    pub async fn presented(&self, token: &str) -> u64 {
        let hash: String = Sha256::digest(token).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let state = self.state().await;
        let families = state["families"].as_array().unwrap().iter();
        let mut tokens = families.flat_map(|family| family["refresh_tokens"].as_array().unwrap());
        tokens.find(|token| token["hash"] == *hash).expect("no such token")["presented"].as_u64().unwrap()
    }

    /// A refresh as the client does it, over a connection of its own.
    pub fn refresh(&self, token: &str) -> RequestBuilder {
        let form = [("grant_type", "refresh_token"), ("refresh_token", token)];
        self.post_form("/oauth/token", &form).basic_auth(CLIENT_ID, Some(CLIENT_SECRET))
    }

    /// What a form of a page, or of an OAuth client, sends.
    pub fn post_form(&self, path: &str, fields: &[(&str, &str)]) -> RequestBuilder {
        let body = serde_urlencoded::to_string(fields).unwrap();
        self.http.post(self.url(path)).header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(body)
    }

    /// Asks the phonebook.
    pub async fn contacts(&self, query: &str, token: Option<&str>) -> Response {
        let mut request = self.http.get(self.url(&format!("/api/v1/contacts{query}")));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        soon("the contacts", request.send()).await.unwrap()
    }

    /// Waits until an access token that `vend` gives opens the phonebook. The first does; but one that lives for
    /// seconds may end on its way, where the machine is busy: then it is the one after it.
    pub async fn is_opened_by(&self, mut vend: impl AsyncFnMut() -> String) {
        let mut refused = String::new();
        eventually("an access token to open the phonebook", async || {
            let token = vend().await;
            // As long as it is given away, it has not ended: there is no second try for it.
            if token == refused || self.contacts("", Some(&token)).await.status() == 200 {
                return (token != refused).then_some(());
            }
            refused = token;
            None
        })
        .await;
    }

    async fn control(&self, what: &str, body: Value) -> Value {
        let request = self.http.post(self.url(&format!("/telsmart/{what}"))).json(&body);
        let answer = soon(what, request.send()).await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "{what} {body}: {status} {text}");
        if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() }
    }
}

fn status(answer: &Value) -> Option<u16> {
    answer["status"].as_u64().map(|status| status.try_into().unwrap())
}
