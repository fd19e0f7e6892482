//! The configuration, typed and checked. Reading it reports every problem at once.
//!
//! A TOML file makes a tree of values, the environment overlays it, a reader takes every
//! known key out of it and what is left is unknown. No problem ever shows a secret.

mod disposition;
mod parse;
mod problem;
mod reader;
mod schema;
mod tree;

pub use disposition::{BadDisposition, MAX_DISPOSITION_CHARS, check_disposition};
pub use problem::{Problem, Problems};

use ipnet::IpNet;
use secrecy::SecretString;
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};
use tree::Tree;

/// A configuration without a fault, and what is worth a warning.
#[derive(Clone, Debug)]
pub struct Loaded {
    pub config: Config,
    pub warnings: Vec<Problem>,
}

/// Reads a configuration from a TOML file, or else from the file that `CALLPOP_CONFIG` names,
/// or else from none, overlaid by the `CALLPOP_…` variables of the environment.
///
/// # Errors
/// Everything that is wrong, at once; but a file that cannot be read or is not TOML hides the rest.
pub fn load(file: Option<&Path>, env: impl Iterator<Item = (String, String)>) -> Result<Loaded, Problems> {
    load_for(Part::Whole, file, env)
}

/// The same for a process that is only a part of callpop: it reads no secret that is not its own.
///
/// # Errors
/// As [`load`].
pub fn load_for(
    part: Part,
    file: Option<&Path>,
    env: impl Iterator<Item = (String, String)>,
) -> Result<Loaded, Problems> {
    let variables: Vec<_> = env.filter(|(name, _)| name.starts_with(tree::PREFIX)).collect();
    let named = variables.iter().find(|(name, value)| name == tree::CONFIG_VARIABLE && !value.is_empty());
    let named = named.map(|(_, path)| Path::new(path));
    let mut tree = match file.or(named) {
        Some(path) => Tree::from_file(path)?,
        None => Tree::default(),
    };
    tree.overlay(variables);
    schema::read(tree, part)
}

/// The variables of this process's environment, for [`load`]. One that is not UTF-8 is taken
/// with replacement characters, where `std::env::vars` would panic.
pub fn environment() -> impl Iterator<Item = (String, String)> {
    let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
    std::env::vars_os().map(move |(name, value)| (text(name), text(value)))
}

/// What a process is to be, with `sidecar.mode = "separate"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Both, or whatever is asked of it.
    Whole,
    Gateway,
    Sidecar,
}

/// Everything that can be configured, with defaults filled in.
#[derive(Clone, Debug)]
pub struct Config {
    pub listen: SocketAddr,
    pub admin_listen: SocketAddr,
    pub trusted_proxies: Vec<IpNet>,
    pub engine: Engine,
    pub auth: Auth,
    pub telsmart: Telsmart,
    pub sessions: Sessions,
    pub calls: Calls,
    pub sidecar: Option<Sidecar>,
    pub shutdown: Shutdown,
    pub log: Log,
}

/// Where calls are kept.
#[derive(Clone, Debug)]
pub struct Engine {
    pub kind: EngineKind,
    pub data_dir: PathBuf,
    pub durability: Durability,
    /// One server; or several with commas between them, of a cluster or sentinels.
    pub redis_url: SecretString,
    /// What the name of every key begins with.
    pub redis_prefix: String,
    /// What sentinels call the primary.
    pub redis_master: Option<String>,
    pub redis_sentinel_password: Option<SecretString>,
    /// The certificates, in PEM, that sign that of a `rediss://` server; otherwise the system's.
    pub redis_ca: Option<String>,
    /// With `Durability::Fsync`: refuse a Redis that writes nothing to its disk.
    pub redis_require_aof: bool,
    /// With `Durability::Fsync`: on how many replicas an event must be; otherwise one, where there is any.
    pub redis_wait_replicas: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EngineKind {
    Embedded,
    Redis,
}

/// What a webhook's 2xx promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// It is on the disk.
    Fsync,
    /// It is in memory; nothing is written, and a restart begins empty.
    Memory,
}

/// Who may listen.
#[derive(Clone, Debug)]
pub struct Auth {
    pub key: AuthKey,
    pub audience: Option<String>,
    pub issuer: Option<String>,
    /// Origins of web pages that may connect; empty: the same origin only.
    pub allowed_origins: Vec<String>,
}

/// What verifies a token; it fixes the algorithms too.
#[derive(Clone, Debug)]
pub enum AuthKey {
    Hs256(SecretString),
    JwksUrl(String),
    /// PEM of an RSA, EC P-256 or Ed25519 public key.
    PublicKey(String),
}

/// The Telsmart webhook.
#[derive(Clone, Debug)]
pub struct Telsmart {
    pub header: String,
    pub secrets: Vec<SecretString>,
    pub allow_ips: Vec<IpNet>,
    /// Requests per second and client address; 0: none.
    pub rate_limit: u32,
}

/// Limits of WebSocket sessions.
#[derive(Clone, Debug)]
pub struct Sessions {
    pub max_per_user: usize,
    pub max_frames_per_second: u32,
    /// How often the server pings, and a client is to send `tick`.
    pub heartbeat: Duration,
    /// How long a client may take for each part of what is written to it.
    pub write_timeout: Duration,
}

/// How long calls live.
#[derive(Clone, Debug)]
pub struct Calls {
    pub keep_ended: Duration,
    pub recent_per_user: usize,
    pub recent_per_tenant: usize,
    pub ringing_stale_after: Duration,
    pub active_stale_after: Duration,
    pub expire_after: Duration,
    /// Deliver only to users whose integration is active.
    pub require_activation: bool,
    /// What a wrap-up may say; empty: any text.
    pub dispositions: Vec<String>,
}

/// Where integrations are activated, and their tokens kept.
#[derive(Clone, Debug)]
pub struct Sidecar {
    pub mode: SidecarMode,
    /// The private listener: access tokens.
    pub listen: SocketAddr,
    /// Where another process finds that listener.
    pub url: Option<String>,
    /// A token of role `service`, for a gateway that asks another process.
    pub service_token: Option<SecretString>,
    /// Where browsers find the public listener; otherwise where they say that they are.
    pub public_url: Option<String>,
    /// The embedded store, sealed responses and the audit log.
    pub data_dir: PathBuf,
    /// The key ring; none where another process has it.
    pub vault_key: Option<SecretString>,
    pub portal: Portal,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SidecarMode {
    Embedded,
    Separate,
}

/// What was agreed with Telsmart at onboarding.
#[derive(Clone, Debug)]
pub struct Portal {
    /// The page where users consent.
    pub portal_url: String,
    pub client_id: String,
    pub client_secret: Option<SecretString>,
    /// RFC 6749.
    pub token_url: String,
    /// RFC 7009, where there is one.
    pub revoke_url: Option<String>,
    /// The phonebook; `?number=` is added.
    pub contacts_url: Option<String>,
    pub callback_header: String,
    /// Any of these values; none: the header is not looked at.
    pub callback_secrets: Vec<SecretString>,
    /// How long a consumed refresh token is accepted again.
    pub reuse_grace: Duration,
    /// After this an answer counts as lost …
    pub answer_timeout: Duration,
    /// … but is still taken until then.
    pub late_timeout: Duration,
    /// How long a user may take to consent.
    pub consent_timeout: Duration,
}

/// How the process stops.
#[derive(Clone, Debug)]
pub struct Shutdown {
    /// How long `/readyz` says no before the clients are told, so that a load balancer notices.
    pub delay: Duration,
    /// Over how long the clients' reconnects are spread.
    pub spread: Duration,
    /// After this, what still runs is cut off.
    pub grace: Duration,
}

#[derive(Clone, Debug)]
pub struct Log {
    pub format: LogFormat,
    /// As in `RUST_LOG`.
    pub filter: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    Json,
    Text,
}

#[cfg(test)]
mod tests;
