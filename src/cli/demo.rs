//! `callpop demo`: a gateway on a temporary folder, and a simulated Telsmart and a system that posts notices beside it.
//! The webhooks go over HTTP, the popups over a WebSocket, as they would between machines.

use super::serve::{finish, ignore_hangup, log_to_stderr, stopped};
use crate::{
    auth::{self, AuthError, Grant, Role},
    config::{self, Config, LogFormat, Part},
    demo,
    gateway::Gateway,
    server::{Server, listen, raise_limit},
    simulator::{self, Destination, Retries, Sender, Simulator, TELSMART, Telsmart, TelsmartOptions},
    web,
};
use anyhow::Context;
use base64::{Engine, prelude::BASE64_STANDARD};
use secrecy::{ExposeSecret, SecretString};
use std::{net::SocketAddr, path::Path, process::ExitCode, time::Duration};
use uuid::Uuid;

/// The source of notices.
const DESK: &str = "desk";
const TOKEN_LIFE: Duration = Duration::from_secs(3600);

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Where to serve the page; port 0 lets the system choose
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
}

/// The secrets of one demo.
struct Secrets {
    jwt: SecretString,
    webhook: SecretString,
    desk: SecretString,
    callback: SecretString,
    client: SecretString,
}

/// Runs the demo; `print` gets what to open.
pub(crate) fn run(options: &Options, print: impl Fn(String)) -> ExitCode {
    finish(|| {
        let folder = tempfile::tempdir()?;
        run_demo(options, folder.path(), print)?;
        // The runtime is gone, and with it all threads that could write there meanwhile.
        folder.close().context("what the demo kept is left behind")
    })
}

#[tokio::main]
async fn run_demo(options: &Options, folder: &Path, print: impl Fn(String)) -> anyhow::Result<()> {
    ignore_hangup()?;
    let secrets =
        Secrets { jwt: random(), webhook: random(), desk: random(), callback: random(), client: random() };
    // Both sides need to know where the other is, so the port comes first.
    let public = listen(options.listen).with_context(|| format!("--listen {}", options.listen))?;
    let url = format!("http://{}", public.local_addr()?);
    let config = configure(&url, folder, &secrets)?;
    log_to_stderr(&config.log);
    let telsmarts = destination(&config, &url, TELSMART, &secrets.webhook)?;
    let desks = destination(&config, &url, DESK, &secrets.desk)?;
    let stop = stopped()?;
    raise_limit();
    let server = Server::bind_others(public, Gateway::new(config).await?)?;
    let simulator = Simulator::start(&telsmarts, Retries::default(), simulator::TENANT)?;
    let desk = Sender::new(&desks, Retries::default())?;
    let agreed = TelsmartOptions {
        callback_secret: Some(secrets.callback),
        client_secret: secrets.client,
        ..TelsmartOptions::default()
    };
    let telsmart = Telsmart::start(&agreed, &url, simulator::TENANT)?;
    let routes = demo::routes(&simulator, desk, move |extension| mint(&secrets.jwt, extension));
    let server = server.with(web::page("demo.html")).with(routes).with(telsmart.routes());
    print(format!("{url}/               two phones, notices to post, and the popups: open this"));
    print(format!("{url}{}        who is connected at MyTelsmart", agreed.connections()));
    print(format!("http://{}/metrics        what the gateway counts", server.admin_addr()?));
    print(format!("http://{}/archive        events of states that it does not know", server.lookups_addr()?));
    server
        .run(async {
            stop.await;
            simulator.stop();
            telsmart.stop();
        })
        .await
}

/// Where the webhooks of a source go.
fn destination(
    config: &Config,
    url: &str,
    source: &'static str,
    secret: &SecretString,
) -> anyhow::Result<Destination> {
    let configured = config.sources.iter().find(|configured| configured.name.as_str() == source);
    let header = configured.with_context(|| format!("no source {source}"))?.header.clone();
    Ok(Destination { url: url.to_owned(), source, header, secret: secret.clone() })
}

/// A token for the user of an extension.
fn mint(secret: &SecretString, extension: &str) -> Result<String, AuthError> {
    let grant = Grant {
        tenant: simulator::TENANT.try_into()?,
        sub: format!("demo-{extension}"),
        extensions: vec![extension.try_into()?],
        role: Role::Agent,
        groups: None,
        ttl: TOKEN_LIFE,
        audience: None,
        issuer: None,
    };
    auth::mint(secret, &grant)
}

/// What `serve` would read from a file.
fn configure(url: &str, folder: &Path, secrets: &Secrets) -> anyhow::Result<Config> {
    let any_port = || SocketAddr::from(([127, 0, 0, 1], 0)).to_string();
    let vault_key = format!("demo:{}", BASE64_STANDARD.encode(rand::random::<[u8; 32]>()));
    let shown = |secret: &SecretString| secret.expose_secret().to_owned();
    let variables = [
        ("ADMIN_LISTEN", any_port()),
        ("OPERATOR_LISTEN", any_port()),
        ("ENGINE__DATA_DIR", folder.join("data").to_string_lossy().into_owned()),
        ("AUTH__HS256_SECRET", shown(&secrets.jwt)),
        ("SOURCES__TELSMART__SECRETS", shown(&secrets.webhook)),
        ("SOURCES__DESK__KIND", "callpop".to_owned()),
        ("SOURCES__DESK__SECRETS", shown(&secrets.desk)),
        ("SIDECAR__LISTEN", any_port()),
        ("PUBLIC_URL", url.to_owned()),
        ("SIDECAR__VAULT_KEY", vault_key),
        ("SIDECAR__TELSMART__PORTAL_URL", format!("{url}/mytelsmart/{{slug}}")),
        ("SIDECAR__TELSMART__CLIENT_ID", TelsmartOptions::default().client_id),
        ("SIDECAR__TELSMART__CLIENT_SECRET", shown(&secrets.client)),
        ("SIDECAR__TELSMART__TOKEN_URL", format!("{url}/oauth/token")),
        ("SIDECAR__TELSMART__REVOKE_URL", format!("{url}/oauth/revoke")),
        ("SIDECAR__TELSMART__CONTACTS_URL", format!("{url}/api/v1/contacts")),
        ("SIDECAR__TELSMART__CALLBACK_SECRETS", shown(&secrets.callback)),
        ("CALLS__DISPOSITIONS", "Resolved,Call back,Wrong number".to_owned()),
        ("LOG__FILTER", "warn".to_owned()),
        ("SHUTDOWN__GRACE", "2s".to_owned()),
    ];
    let variables = variables.map(|(name, value)| (format!("CALLPOP_{name}"), value));
    let loaded =
        config::load(&crate::source::KINDS, Part::Whole, Some(Path::new("/dev/null")), variables.into_iter());
    let mut config = loaded.map_err(|problems| anyhow::anyhow!("{problems}"))?.config;
    config.log.format = LogFormat::Text;
    Ok(config)
}

fn random() -> SecretString {
    format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple()).into()
}
