//! The configuration, typed and checked. Reading it reports every problem at once.
//!
//! A TOML file makes a tree of values, the environment overlays it, a reader takes every
//! known key out of it and what is left is unknown. No problem ever shows a secret.

mod alarm;
mod board;
mod disposition;
mod finding;
mod metrics;
mod parse;
mod reader;
mod schema;
mod tree;

pub(crate) use alarm::{AlarmFigure, AlarmRule};
pub(crate) use board::{AgentsSee, Board};
pub(crate) use disposition::{BadDisposition, check_disposition};
pub(crate) use finding::{Finding, Findings};
pub(crate) use metrics::ReloadMetrics;

use crate::{
    id::{SourceName, TenantId},
    number::Plan,
};
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
pub(crate) struct Loaded {
    pub(crate) config: Config,
    pub(crate) warnings: Vec<Finding>,
}

/// Reads a configuration from a TOML file, or else from the file that `CALLPOP_CONFIG` names,
/// or else from none, overlaid by the `CALLPOP_…` variables of the environment. A process that is
/// only a part of callpop reads no secret that is not its own. A source is of one of `kinds`.
///
/// # Errors
/// Everything that is wrong, at once; but a file that cannot be read or is not TOML hides the rest.
pub(crate) fn load(
    kinds: &'static [SourceKind],
    part: Part,
    file: Option<&Path>,
    env: impl Iterator<Item = (String, String)>,
) -> Result<Loaded, Findings> {
    let variables: Vec<_> = env.filter(|(name, _)| name.starts_with(tree::PREFIX)).collect();
    let named = variables.iter().find(|(name, value)| name == tree::CONFIG_VARIABLE && !value.is_empty());
    let named = named.map(|(_, path)| Path::new(path));
    let mut tree = match file.or(named) {
        Some(path) => Tree::from_file(path)?,
        None => Tree::default(),
    };
    tree.overlay(variables);
    schema::read(tree, kinds, part)
}

/// The variables of this process's environment, for [`load`]. One that is not UTF-8 is taken
/// with replacement characters, where `std::env::vars` would panic.
pub(crate) fn environment() -> impl Iterator<Item = (String, String)> {
    let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
    std::env::vars_os().map(move |(name, value)| (text(name), text(value)))
}

/// What a process is to be, with `sidecar.mode = "separate"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Both, or whatever is asked of it.
    Whole,
    Gateway,
    Sidecar,
}

/// Everything that can be configured, with defaults filled in.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) listen: SocketAddr,
    /// Health and metrics.
    pub(crate) admin_listen: SocketAddr,
    /// What shows personal data, or changes it.
    pub(crate) operator_listen: SocketAddr,
    /// Where browsers and providers find the public listener, without a slash at the end.
    pub(crate) public_url: Option<String>,
    pub(crate) trusted_proxies: Vec<IpNet>,
    pub(crate) engine: Engine,
    pub(crate) auth: Auth,
    /// At least one, but in a sidecar alone.
    pub(crate) sources: Vec<Source>,
    pub(crate) sessions: Sessions,
    pub(crate) calls: Calls,
    pub(crate) notices: Notices,
    pub(crate) directory: Directory,
    pub(crate) board: Board,
    pub(crate) displays: Displays,
    pub(crate) sidecar: Option<Sidecar>,
    pub(crate) shutdown: Shutdown,
    pub(crate) log: Log,
}

/// Where calls and notices are kept.
#[derive(Clone, Debug)]
pub struct Engine {
    pub kind: EngineKind,
    pub data_dir: PathBuf,
    pub durability: Durability,
    /// So long after its last change an item that has ended goes to the disk.
    pub settle_after: Duration,
    /// A file of the store is closed when it has so many bytes.
    pub file_bytes: u64,
    /// For how long it may be in trouble before a balancer is to send nothing more.
    pub unready_after: Duration,
    /// One server; or several with commas between them, of a cluster or sentinels.
    pub redis_url: SecretString,
    /// What the name of every key begins with.
    pub redis_prefix: String,
    /// What sentinels call the primary.
    pub redis_master: Option<String>,
    pub redis_sentinel_user: Option<String>,
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
pub(crate) struct Auth {
    pub(crate) key: AuthKey,
    pub(crate) audience: Option<String>,
    pub(crate) issuer: Option<String>,
    /// Origins of web pages that may connect; empty: the same origin only.
    pub(crate) allowed_origins: Vec<String>,
}

/// What verifies a token; it fixes the algorithms too.
#[derive(Clone, Debug)]
pub(crate) enum AuthKey {
    Hs256(SecretString),
    JwksUrl(String),
    /// PEM of an RSA, EC P-256 or Ed25519 public key.
    PublicKey(String),
}

const AUTHORIZATION: &str = "Authorization";
/// The largest body that is taken where nothing else is said, in bytes.
pub(crate) const MAX_BODY: usize = 256 * 1024;

/// A provider that sends webhooks, by the name that an operator gave it.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) name: SourceName,
    pub(crate) kind: SourceKind,
    pub(crate) header: String,
    /// What that header has: any one of these.
    pub(crate) secrets: Vec<SecretString>,
    /// The tokens of `Authorization: Bearer`, in place of that header.
    pub(crate) bearer: Vec<SecretString>,
    /// The `user:password` of `Authorization: Basic`, in place of that header.
    pub(crate) basic: Vec<SecretString>,
    pub(crate) allow_ips: Vec<IpNet>,
    /// Requests per second and client address; 0: none.
    pub(crate) rate_limit: u32,
    /// The largest body that is taken, in bytes.
    pub(crate) max_body: usize,
    /// How its national numbers read.
    pub(crate) numbers: Plan,
    /// Whose an event is that names no tenant; it may speak for that one.
    pub(crate) tenant: Option<TenantId>,
    /// For which tenants it may speak besides; where there is none either, for any.
    pub(crate) tenants: Vec<TenantId>,
}

impl Source {
    /// A source that has the name of its kind, and lets everybody in: for what has no configuration.
    pub(crate) fn unguarded(kind: SourceKind) -> Option<Self> {
        Some(Self {
            name: SourceName::try_from(kind.as_str()).ok()?,
            kind,
            header: String::new(),
            secrets: Vec::new(),
            bearer: Vec::new(),
            basic: Vec::new(),
            allow_ips: Vec::new(),
            rate_limit: 0,
            max_body: MAX_BODY,
            numbers: Plan::default(),
            tenant: None,
            tenants: Vec::new(),
        })
    }

    /// The headers that may show who it is.
    pub(crate) fn headers(&self) -> Vec<&str> {
        let agreed = (!self.secrets.is_empty()).then_some(self.header.as_str());
        let has_authorization = !self.bearer.is_empty() || !self.basic.is_empty();
        let other = agreed.filter(|name| !name.eq_ignore_ascii_case(AUTHORIZATION));
        other.into_iter().chain((has_authorization || agreed != other).then_some(AUTHORIZATION)).collect()
    }

    /// Whether it may say something of a tenant.
    pub(crate) fn may_speak_for(&self, tenant: &TenantId) -> bool {
        let speaks_for_any = self.tenants.is_empty() && self.tenant.is_none();
        speaks_for_any || self.tenants.contains(tenant) || self.tenant.as_ref() == Some(tenant)
    }
}

/// How a source speaks: the word for it in the configuration, and for clients. What it means is known above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SourceKind(pub(crate) &'static str);

impl SourceKind {
    pub(crate) fn as_str(self) -> &'static str {
        self.0
    }
}

/// Limits of WebSocket sessions.
#[derive(Clone, Debug)]
pub(crate) struct Sessions {
    /// Of all users, on this node; none: as many as it has connections.
    pub(crate) max: Option<usize>,
    pub(crate) max_per_user: usize,
    pub(crate) max_frames_per_second: u32,
    /// How often the server pings, and a client is to send `tick`.
    pub(crate) heartbeat: Duration,
    /// How long a client may take for each part of what is written to it.
    pub(crate) write_timeout: Duration,
}

/// How long calls live.
#[derive(Clone, Debug)]
pub(crate) struct Calls {
    pub(crate) keep_ended: Duration,
    pub(crate) recent_per_user: usize,
    pub(crate) recent_per_tenant: usize,
    pub(crate) ringing_stale_after: Duration,
    pub(crate) active_stale_after: Duration,
    pub(crate) expire_after: Duration,
    /// Deliver only to users whose integration is active.
    pub(crate) require_activation: bool,
    /// What a wrap-up may say; empty: any text.
    pub(crate) dispositions: Vec<String>,
}

/// How long notices stay, and who sees them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Notices {
    /// How many of them a snapshot holds.
    pub(crate) recent_per_user: usize,
    /// How long one stays after its last change.
    pub(crate) keep: Duration,
    /// Those who see the whole tenant see notices too.
    pub(crate) supervisors: bool,
}

/// Who has which extension, where an operator says so.
#[derive(Clone, Debug)]
pub(crate) struct Directory {
    /// CSV of many tenants; none: every tenant's is written over HTTP.
    pub(crate) file: Option<PathBuf>,
}

/// The screens that show a wallboard.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Displays {
    /// One that was not used for so long is gone.
    pub(crate) unused: Duration,
    /// They show the figures of single extensions, too.
    pub(crate) people: bool,
}

/// Where integrations are activated, and their tokens kept.
#[derive(Clone, Debug)]
pub(crate) struct Sidecar {
    pub(crate) mode: SidecarMode,
    /// The private listener: access tokens.
    pub(crate) listen: SocketAddr,
    /// Where another process finds that listener.
    pub(crate) url: Option<String>,
    /// A token of role `service`, for a gateway that asks another process.
    pub(crate) service_token: Option<SecretString>,
    /// Where browsers find the public listener; otherwise where they say that they are.
    pub(crate) public_url: Option<String>,
    /// The embedded store, sealed responses and the audit log.
    pub(crate) data_dir: PathBuf,
    /// The key ring; none where another process has it.
    pub(crate) vault_key: Option<SecretString>,
    /// At least one, in the order of their sources' names.
    pub(crate) portals: Vec<Portal>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SidecarMode {
    Embedded,
    Separate,
}

/// What was agreed at onboarding with the provider that a source is.
#[derive(Clone, Debug)]
pub(crate) struct Portal {
    /// Whose users consent there.
    pub(crate) source: SourceName,
    pub(crate) kind: SourceKind,
    /// The page where users consent.
    pub(crate) portal_url: String,
    pub(crate) client_id: String,
    pub(crate) client_secret: Option<SecretString>,
    /// RFC 6749.
    pub(crate) token_url: String,
    /// RFC 7009, where there is one.
    pub(crate) revoke_url: Option<String>,
    /// The phonebook; `?number=` is added.
    pub(crate) contacts_url: Option<String>,
    pub(crate) callback_header: String,
    /// Any of these values; none: the header is not looked at.
    pub(crate) callback_secrets: Vec<SecretString>,
    /// How long a consumed refresh token is accepted again.
    pub(crate) reuse_grace: Duration,
    /// After this an answer counts as lost …
    pub(crate) answer_timeout: Duration,
    /// … but is still taken until then.
    pub(crate) late_timeout: Duration,
    /// How long a user may take to consent.
    pub(crate) consent_timeout: Duration,
}

/// How the process stops.
#[derive(Clone, Debug)]
pub(crate) struct Shutdown {
    /// How long `/readyz` says no before the clients are told, so that a load balancer notices.
    pub(crate) delay: Duration,
    /// Over how long the clients' reconnects are spread.
    pub(crate) spread: Duration,
    /// After this, what still runs is cut off.
    pub(crate) grace: Duration,
}

#[derive(Clone, Debug)]
pub(crate) struct Log {
    pub(crate) format: LogFormat,
    /// As in `RUST_LOG`.
    pub(crate) filter: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFormat {
    Json,
    Text,
}

#[cfg(test)]
mod tests;
