//! A sidecar, its token server, its users, and `callpop vault` beside them.

use crate::support::{
    Config, Gateway, Token, TokenServer, eventually_within, new_tenant,
    process::{callpop, run},
    token::{CALLBACK_SECRET, CLIENT_SECRET},
    token_server::{Activation, CLIENT_ID},
};
use reqwest::{Response, Url, redirect::Policy};
use rusqlite::Connection;
use rustix::process::Signal;
use serde_json::{Value, json};
use std::{collections::BTreeMap, path::PathBuf, time::Duration};

/// The keys of the rings here: 32 bytes of 7, and of 8.
pub const OLD: &str = "old-key:BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
pub const NEW: &str = "new-key:CAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg=";
/// Longer than whoever asks for a token waits.
pub const PATIENCE: Duration = Duration::from_secs(40);

pub struct Scene {
    pub telsmart: TokenServer,
    pub config: Config,
    pub gateway: Option<Gateway>,
    pub tenant: String,
    http: reqwest::Client,
}

/// How a command ended, and what it printed.
pub struct Ended {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Scene {
    /// On an engine, with access tokens that live so long and the old key alone.
    pub async fn begin(base: Config, life: &str) -> Self {
        let telsmart = TokenServer::start(&format!("--access-token-life {life}")).await;
        let data = base.data_dir().join("sidecar");
        let config = base
            .set("sidecar.listen", "127.0.0.1:0")
            .set("sidecar.data_dir", data.to_str().unwrap())
            .set("sidecar.vault_key", OLD)
            .set("sidecar.telsmart.portal_url", telsmart.url("/mytelsmart/{slug}"))
            .set("sidecar.telsmart.client_id", CLIENT_ID)
            .set("sidecar.telsmart.client_secret", CLIENT_SECRET)
            .set("sidecar.telsmart.token_url", telsmart.url("/oauth/token"))
            .set("sidecar.telsmart.callback_secrets", vec![CALLBACK_SECRET]);
        let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).timeout(PATIENCE);
        let http = http.redirect(Policy::none()).build().unwrap();
        let mut scene = Self { telsmart, config, gateway: None, tenant: new_tenant(), http };
        scene.start().await;
        scene
    }

    /// The configuration with these keys in its ring.
    pub fn ring(&self, keys: &[&str]) -> Config {
        self.config.clone().set("sidecar.vault_key", keys.join("\n"))
    }

    pub async fn start(&mut self) {
        let gateway = self.config.start().await;
        self.telsmart.call_back(&format!("http://{}", gateway.public)).await;
        self.gateway = Some(gateway);
    }

    /// Ends the gateway in good order; gives what it logged.
    pub async fn stop(&mut self) -> String {
        let mut gateway = self.gateway.take().unwrap();
        gateway.process.signal(Signal::TERM);
        assert_eq!(gateway.process.exit().await.code(), Some(0));
        gateway.process.log()
    }

    fn running(&self) -> &Gateway {
        self.gateway.as_ref().unwrap()
    }

    /// A user consents.
    pub async fn activate(&self, extension: &str) -> Activation {
        let url = format!("http://{}/integrations/telsmart/connect", self.running().public);
        let token = Token::agent(&self.tenant, &[extension]).mint();
        let answer = self.http.get(url).bearer_auth(token).send().await.unwrap();
        assert_eq!(answer.status(), 303);
        let to = Url::parse(answer.headers()["location"].to_str().unwrap()).unwrap();
        let key = to.query_pairs().find(|(name, _)| name == "confirmation_key").unwrap().1.into_owned();
        let consent = self.telsmart.activate(&self.tenant, extension, &key).await;
        assert_eq!(consent.status, Some(200));
        consent
    }

    /// How an integration stands.
    pub async fn integration(&self, extension: &str) -> Value {
        let url = format!("http://{}/v1/integrations", self.running().public);
        let token = Token::agent(&self.tenant, &[extension]).mint();
        let answer = self.http.get(url).bearer_auth(token).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.json::<Value>().await.unwrap()[0].take()
    }

    pub async fn until(&self, extension: &str, status: &str) -> Value {
        eventually_within(PATIENCE, status, async || {
            Some(self.integration(extension).await).filter(|it| it["status"] == status)
        })
        .await
    }

    /// What the private listener says to who wants an access token.
    pub async fn vend(&self, extension: &str) -> Response {
        let url = format!("http://{}/internal/telsmart/access-token", self.running().private().await);
        let user = json!({"tenant_id": self.tenant, "user_extension": extension});
        let token = Token::service(&self.tenant).mint();
        self.http.post(url).bearer_auth(token).json(&user).send().await.unwrap()
    }

    /// An access token that there is.
    pub async fn access_token(&self, extension: &str) -> String {
        let answer = self.vend(extension).await;
        assert_eq!(answer.status(), 200, "{extension}");
        answer.json::<Value>().await.unwrap()["access_token"].as_str().unwrap().to_owned()
    }

    /// How often a user's refresh token was exchanged.
    pub async fn rotations(&self, extension: &str) -> u64 {
        let families = self.telsmart.families(&self.tenant, extension).await;
        families[0]["rotations"].as_u64().unwrap()
    }

    /// Runs `callpop vault` while everything else goes on.
    pub async fn vault(&self, config: &Config, words: &[&str]) -> Ended {
        self.callpop(config, &[&["vault"], words].concat()).await
    }

    /// Runs a command that ends by itself.
    pub async fn callpop(&self, config: &Config, words: &[&str]) -> Ended {
        let mut command = callpop();
        command.args(words).arg("--config").arg(config.write());
        let output = tokio::task::spawn_blocking(move || run(&mut command)).await.unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        for secret in ["tsa_", "tsr_", "BwcHBw", "CAgICA"] {
            assert!(!out.contains(secret) && !err.contains(secret), "{secret} is shown:\n{out}\n{err}");
        }
        Ended { code: output.status.code().unwrap(), out, err }
    }

    fn store(&self) -> PathBuf {
        self.config.data_dir().join("sidecar")
    }

    /// The files of the SQLite store.
    pub fn backup(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let files = std::fs::read_dir(self.store()).unwrap().map(|entry| entry.unwrap().path());
        let own = files.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("sidecar.db"));
        own.map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
    }

    /// Puts them back, and nothing else.
    pub fn put_back(&self, backup: &BTreeMap<PathBuf, Vec<u8>>) {
        for path in self.backup().keys() {
            std::fs::remove_file(path).unwrap();
        }
        for (path, content) in backup {
            std::fs::write(path, content).unwrap();
        }
    }

    pub fn database(&self) -> Connection {
        Connection::open(self.store().join("sidecar.db")).unwrap()
    }

    /// What is stored of a user.
    pub fn stored(&self, extension: &str) -> Value {
        let sql = "SELECT value FROM rows WHERE name = ?1";
        let text = self.database().query_one(sql, [self.name(extension)], |row| row.get::<_, String>(0));
        serde_json::from_str(&text.unwrap()).unwrap()
    }

    pub fn write(&self, extension: &str, value: &Value) {
        let sql = "UPDATE rows SET value = ?2 WHERE name = ?1";
        let changed = self.database().execute(sql, [self.name(extension), value.to_string()]).unwrap();
        assert_eq!(changed, 1);
    }

    fn name(&self, extension: &str) -> String {
        format!("telsmart\u{1e}{}\u{1e}{extension}", self.tenant)
    }
}

impl Ended {
    /// The number behind a word at the beginning of a line.
    pub fn number(&self, word: &str) -> u64 {
        let line = self.out.lines().find(|line| line.split_whitespace().next() == Some(word));
        let number = line.and_then(|line| line.split_whitespace().nth(1)).expect(&self.out);
        number.parse().expect(&self.out)
    }

    /// Fails unless it ended with that code.
    pub fn with(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}\n{}", self.out, self.err);
        self
    }
}
