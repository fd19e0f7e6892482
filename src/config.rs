//! The configuration, typed and checked. Reading it reports every problem at once.

use ipnet::IpNet;
use secrecy::SecretString;
use std::{net::SocketAddr, path::PathBuf, time::Duration};

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
    pub shutdown: Shutdown,
    pub log: Log,
}

/// Where calls are kept.
#[derive(Clone, Debug)]
pub struct Engine {
    pub kind: EngineKind,
    pub data_dir: PathBuf,
    pub durability: Durability,
    pub redis_url: SecretString,
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
    /// How long one write to a client may take.
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
