//! `callpop demo`: a gateway on a temporary folder and a simulated Telsmart beside it. The
//! webhooks go over HTTP, the popups over a WebSocket, as they would between machines.

use super::serve::{finish, log_to_stderr, stopped};
use crate::{
    auth::{self, Grant, Role},
    config::{self, Config, LogFormat},
    demo,
    gateway::Gateway,
    server::{Server, raise_limit},
    simulator::{self, Destination, Retries, Simulator},
    web,
};
use secrecy::SecretString;
use std::{net::SocketAddr, process::ExitCode, time::Duration};
use uuid::Uuid;

const TOKEN_LIFE: Duration = Duration::from_secs(3600);

#[derive(clap::Args)]
pub struct Options {
    /// Where to serve the page; port 0 lets the system choose
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
}

/// The secrets of one demo.
struct Secrets {
    jwt: SecretString,
    webhook: SecretString,
}

/// Runs the demo; `print` gets what to open.
pub fn run(options: &Options, print: impl Fn(String)) -> ExitCode {
    finish(|| run_demo(options, print))
}

#[tokio::main]
async fn run_demo(options: &Options, print: impl Fn(String)) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let secrets = Secrets { jwt: random(), webhook: random() };
    let config = configure(options, folder.path(), &secrets)?;
    log_to_stderr(&config.log);
    let header = config.telsmart.header.clone();
    let stop = stopped()?;
    raise_limit();
    let server = Server::bind(Gateway::new(config).await?)?;
    let url = format!("http://{}", server.public_addr()?);
    let destination = Destination { url: url.clone(), header, secret: secrets.webhook };
    let simulator = Simulator::start(&destination, Retries::default(), simulator::TENANT)?;
    let routes = demo::routes(&simulator, move |extension| {
        let grant = Grant {
            tenant: simulator::TENANT.try_into()?,
            sub: format!("demo-{extension}"),
            extensions: vec![extension.try_into()?],
            role: Role::Agent,
            ttl: TOKEN_LIFE,
            audience: None,
            issuer: None,
        };
        auth::mint(&secrets.jwt, &grant)
    });
    let server = server.with(web::page("demo.html")).with(routes);
    print(format!("{url}/               two phones and their popups: open this"));
    print(format!("http://{}/metrics        what the gateway counts", server.admin_addr()?));
    server
        .run(async {
            stop.await;
            simulator.stop();
        })
        .await
}

/// What `serve` would read from a file.
fn configure(options: &Options, folder: &std::path::Path, secrets: &Secrets) -> anyhow::Result<Config> {
    use secrecy::ExposeSecret;
    let variables = [
        ("CALLPOP_LISTEN", options.listen.to_string()),
        ("CALLPOP_ADMIN_LISTEN", SocketAddr::from(([127, 0, 0, 1], 0)).to_string()),
        ("CALLPOP_ENGINE__DATA_DIR", folder.join("data").to_string_lossy().into_owned()),
        ("CALLPOP_AUTH__HS256_SECRET", secrets.jwt.expose_secret().to_owned()),
        ("CALLPOP_SOURCES__TELSMART__SECRETS", secrets.webhook.expose_secret().to_owned()),
        ("CALLPOP_LOG__FILTER", "warn".to_owned()),
        ("CALLPOP_SHUTDOWN__GRACE", "2s".to_owned()),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value));
    let loaded = config::load(Some(std::path::Path::new("/dev/null")), variables.into_iter());
    let mut config = loaded.map_err(|problems| anyhow::anyhow!("{problems}"))?.config;
    config.log.format = LogFormat::Text;
    Ok(config)
}

fn random() -> SecretString {
    format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple()).into()
}
