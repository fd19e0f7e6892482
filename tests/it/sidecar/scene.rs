//! A token server, a process with the sidecar in it, and the users of one tenant.

use crate::support::{
    Config, Gateway, Token, TokenServer, eventually, eventually_within, new_tenant, now, soon,
    token::{CALLBACK_SECRET, CLIENT_SECRET},
    token_server::{Activation, CLIENT_ID},
};
use reqwest::{RequestBuilder, Response, Url, redirect::Policy};
use serde_json::{Value, json};
use std::{collections::HashMap, path::Path, time::Duration};

/// The key ring where nothing else is configured: 32 bytes of 7.
pub const VAULT_KEY: &str = "k1:BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
/// The one extension of a test that needs no more.
pub const USER: &str = "200";
/// Longer than the life of any access token here.
pub const PATIENCE: Duration = Duration::from_secs(40);

/// A process with a sidecar, at its token server.
pub struct Scene {
    pub telsmart: TokenServer,
    pub gateway: Gateway,
    pub config: Config,
    pub tenant: String,
}

/// What a sidecar needs beside `base`, in a data folder of its own.
pub fn with_sidecar(base: Config, telsmart: &TokenServer) -> Config {
    let data = base.data_dir().join("sidecar");
    let base = base
        .set("sidecar.listen", "127.0.0.1:0")
        .set("sidecar.data_dir", data.to_str().unwrap())
        .set("sidecar.vault_key", VAULT_KEY);
    with_portal(base, "telsmart", telsmart)
}

/// The portal of one source, with the usual header of callbacks.
pub fn with_portal(config: Config, source: &str, server: &TokenServer) -> Config {
    let key = |name: &str| format!("sidecar.{source}.{name}");
    config
        .set(&key("portal_url"), server.url("/mytelsmart/{slug}"))
        .set(&key("client_id"), CLIENT_ID)
        .set(&key("client_secret"), CLIENT_SECRET)
        .set(&key("token_url"), server.url("/oauth/token"))
        .set(&key("revoke_url"), server.url("/oauth/revoke"))
        .set(&key("contacts_url"), server.url("/api/v1/contacts"))
        .set(&key("callback_secrets"), vec![CALLBACK_SECRET])
        .set(&key("answer_timeout"), "500ms")
}

/// The same with another data folder: for a second process on one Redis.
pub fn beside(config: &Config) -> Config {
    let config = config.elsewhere();
    let data = config.data_dir().join("sidecar");
    config.set("sidecar.data_dir", data.to_str().unwrap())
}

impl Scene {
    /// On the embedded store.
    pub async fn begin(options: &str) -> Self {
        Self::begin_by(options, |config| config).await
    }

    /// With access tokens that live for so many seconds.
    pub async fn living(seconds: u64) -> Self {
        Self::begin(&format!("--access-token-life {seconds}s")).await
    }

    /// With a configuration that differs.
    pub async fn begin_by(options: &str, change: impl FnOnce(Config) -> Config) -> Self {
        let telsmart = TokenServer::start(options).await;
        let config = change(with_sidecar(Config::new(), &telsmart));
        let gateway = config.start().await;
        Self::on(telsmart, config, gateway).await
    }

    /// Of processes that run.
    pub async fn on(telsmart: TokenServer, config: Config, gateway: Gateway) -> Self {
        telsmart.call_back(&base(&gateway)).await;
        Self { telsmart, gateway, config, tenant: new_tenant() }
    }

    /// A kill -9, and a new process.
    pub async fn restart_after_kill(self) -> Self {
        let Self { telsmart, gateway, config, tenant } = self;
        let gateway = gateway.restart_after_kill().await;
        telsmart.call_back(&base(&gateway)).await;
        Self { telsmart, gateway, config, tenant }
    }

    /// A token of a user.
    pub fn token(&self, extension: &str) -> Token {
        Token::agent(&self.tenant, &[extension])
    }

    /// The user consents; gives what was sent to the sidecar, which has taken it.
    pub async fn activate(&self, extension: &str) -> Activation {
        let key = confirmation_key(&self.gateway, &self.token(extension)).await;
        let consent = self.telsmart.activate(&self.tenant, extension, &key).await;
        assert_eq!(consent.status, Some(200));
        consent
    }

    /// The integration as its user sees it.
    pub async fn integration(&self, extension: &str) -> Value {
        integration(&self.gateway, &self.token(extension)).await
    }

    pub async fn status(&self, extension: &str) -> String {
        self.integration(extension).await["status"].as_str().unwrap().to_owned()
    }

    /// Waits for a status of the integration, and gives it.
    pub async fn until(&self, extension: &str, status: &str) -> Value {
        until(&self.gateway, &self.token(extension), status).await
    }

    /// Asks for an access token.
    pub async fn vend(&self, extension: &str) -> Response {
        vend(&self.gateway, &self.tenant, extension).await
    }

    /// An access token that there is.
    pub async fn access_token(&self, extension: &str) -> String {
        access_token(&self.gateway, &self.tenant, extension).await
    }

    /// What the token server knows of the user's latest consent.
    pub async fn family(&self, extension: &str) -> Value {
        self.telsmart.families(&self.tenant, extension).await.pop().expect("he consented")
    }

    /// Waits until the first refresh of any user is held, as a fault asked for; gives whose.
    pub async fn first_held(&self) -> String {
        eventually_within(PATIENCE, "a refresh to be held", async || {
            let state = self.telsmart.state().await;
            let mut families = state["families"].as_array().unwrap().iter();
            let held = families.find(|family| family["refresh_tokens"][0]["suffered"] == json!(["hold"]))?;
            Some(held["extension"].as_str().unwrap().to_owned())
        })
        .await
    }

    /// Waits until the user's refresh token was exchanged so often.
    pub async fn rotations(&self, extension: &str, times: u64) {
        eventually_within(PATIENCE, "rotations", async || {
            (self.family(extension).await["rotations"].as_u64().unwrap() >= times).then_some(())
        })
        .await;
    }

    /// Waits until a refresh token was presented so often.
    pub async fn presented(&self, token: &str, times: u64) {
        eventually_within(PATIENCE, "a refresh token to be presented", async || {
            (self.telsmart.presented(token).await == times).then_some(())
        })
        .await;
    }

    /// Waits until the access token that was given away last has ended.
    pub async fn until_ended(&self, extension: &str) {
        let ends_at = self.integration(extension).await["access_token_expires_at"].as_u64().unwrap();
        eventually("the access token to end", async || (now() > (ends_at + 1) * 1_000_000).then_some(()))
            .await;
    }

    /// The user's consent is good: the token that is given away opens the phonebook, and no refresh
    /// token was presented twice.
    pub async fn is_well(&self, extension: &str) {
        is_in_order(&self.family(extension).await);
        self.telsmart.is_opened_by(async || self.access_token(extension).await).await;
    }

    /// The files in the journal.
    pub fn journal(&self) -> HashMap<String, Vec<u8>> {
        journal(&self.config)
    }

    /// The same, once that holds of it: it is written beside what it tells of.
    pub async fn audit_until(&self, extension: &str, holds: impl Fn(&[String]) -> bool) -> Vec<String> {
        eventually("the audit log", async || Some(self.audit(extension)).filter(|told| holds(told))).await
    }

    /// What the audit log says of the user: the events in their order.
    pub fn audit(&self, extension: &str) -> Vec<String> {
        let lines = audit(&self.config);
        let own = lines.iter().filter(|line| line["extension"] == extension);
        own.map(|line| line["event"].as_str().unwrap().to_owned()).collect()
    }
}

/// Fails where a refresh token was presented more than once, or the family has ended.
pub fn is_in_order(family: &Value) {
    assert_eq!((&family["revoked"], &family["reuses"]), (&Value::Null, &json!(0)), "{family}");
    for token in family["refresh_tokens"].as_array().unwrap() {
        assert!(token["presented"].as_u64().unwrap() <= 1, "{token} in {family}");
    }
}

/// The lines of a sidecar's audit log.
pub fn audit(config: &Config) -> Vec<Value> {
    let text = std::fs::read_to_string(config.data_dir().join("sidecar/audit.jsonl")).unwrap();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// The answers that a sidecar keeps.
pub fn journal(config: &Config) -> HashMap<String, Vec<u8>> {
    let folder = config.data_dir().join("sidecar/journal");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let kept = files.filter(|path| path.extension().is_some_and(|ending| ending == "json"));
    let content = |path: &Path| std::fs::read(path).ok();
    kept.filter_map(|path| Some((path.file_name()?.to_str()?.to_owned(), content(&path)?))).collect()
}

pub fn base(gateway: &Gateway) -> String {
    format!("http://{}", gateway.public)
}

/// A client that goes nowhere by itself.
pub fn http() -> reqwest::Client {
    let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).timeout(PATIENCE);
    http.redirect(Policy::none()).build().unwrap()
}

/// Where the user is sent to, to consent.
pub async fn connect(gateway: &Gateway, query: &str, token: Option<&Token>) -> Response {
    let url = format!("{}/integrations/telsmart/connect{query}", base(gateway));
    let mut request = http().get(url);
    if let Some(token) = token {
        request = request.bearer_auth(token.mint());
    }
    soon("the redirect", request.send()).await.unwrap()
}

/// The queries of the portal's address in an answer that sends there.
pub fn sent_to(answer: &Response) -> HashMap<String, String> {
    assert_eq!(answer.status(), 303);
    let url = Url::parse(answer.headers()["location"].to_str().unwrap()).unwrap();
    url.query_pairs().into_owned().collect()
}

/// A fresh confirmation key of a user.
pub async fn confirmation_key(gateway: &Gateway, token: &Token) -> String {
    sent_to(&connect(gateway, "", Some(token)).await).remove("confirmation_key").unwrap()
}

/// Every integration of the token's bearer.
pub async fn integrations(gateway: &Gateway, token: &Token) -> Vec<Value> {
    let request = gateway.request("GET", "/v1/integrations").bearer_auth(token.mint());
    let answer = soon("the integrations", request.send()).await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.json().await.unwrap()
}

/// The only one.
pub async fn integration(gateway: &Gateway, token: &Token) -> Value {
    let mut all = integrations(gateway, token).await;
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

/// Waits for a status of the only one.
pub async fn until(gateway: &Gateway, token: &Token, status: &str) -> Value {
    let what = format!("the integration to be {status}");
    eventually_within(PATIENCE, &what, async || {
        let request = gateway.request("GET", "/v1/integrations").bearer_auth(token.mint());
        let all: Vec<Value> = request.send().await.ok()?.json().await.ok()?;
        all.into_iter().find(|found| found["status"] == status)
    })
    .await
}

/// A request for an access token, by another server.
pub async fn ask(gateway: &Gateway, tenant: &str, extension: &str) -> RequestBuilder {
    let url = format!("http://{}/internal/telsmart/access-token", gateway.private().await);
    let body = json!({"tenant_id": tenant, "user_extension": extension});
    http().post(url).bearer_auth(Token::service(tenant).mint()).json(&body)
}

pub async fn vend(gateway: &Gateway, tenant: &str, extension: &str) -> Response {
    ask(gateway, tenant, extension).await.send().await.unwrap()
}

pub async fn access_token(gateway: &Gateway, tenant: &str, extension: &str) -> String {
    let answer = vend(gateway, tenant, extension).await;
    let (status, body) = (answer.status(), answer.json::<Value>().await.unwrap());
    assert_eq!(status, 200, "{body}");
    body["access_token"].as_str().unwrap().to_owned()
}

/// How many refreshes of a process had that outcome.
pub async fn refreshes(gateway: &Gateway, outcome: &str) -> f64 {
    gateway
        .metric(&format!("callpop_token_refreshes_total{{source=\"telsmart\",outcome=\"{outcome}\"}}"))
        .await
}

/// A callback as the provider sends it.
pub fn call_back(gateway: &Gateway, what: &str, body: &Value) -> RequestBuilder {
    gateway
        .request("POST", &format!("/integrations/telsmart/{what}"))
        .header("X-Callback-Secret", CALLBACK_SECRET)
        .json(body)
}

/// The user ends it himself.
pub async fn disconnect(gateway: &Gateway, token: &Token, extension: &str) -> u16 {
    let body = json!({ "extension": extension });
    let request = gateway.request("POST", "/integrations/telsmart/disconnect");
    let answer = soon("the end", request.bearer_auth(token.mint()).json(&body).send()).await.unwrap();
    answer.status().as_u16()
}
