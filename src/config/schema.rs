//! Every key, its default and what it may be: the only place that names them.

mod sidecar;
mod sources;

use super::{
    Auth, AuthKey, Calls, Config, Directory, Displays, Durability, Engine, EngineKind, Findings, Loaded, Log,
    LogFormat, Notices, Part, Sessions, Shutdown, SourceKind, board,
    parse::{self, duration_of_at_least, number},
    reader::Reader,
    tree::Tree,
};
use secrecy::ExposeSecret;
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

/// RFC 7518 section 3.2: a key of at least the size of the hash.
const MIN_HS256_BYTES: usize = 32;
/// What a user can choose from at a glance, and every snapshot carries.
const MAX_DISPOSITIONS: usize = 50;
const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

pub(super) fn read(tree: Tree, kinds: &'static [SourceKind], part: Part) -> Result<Loaded, Findings> {
    let mut reader = Reader::new(tree, kinds);
    let config = config(&mut reader, part);
    reader.finish(config)
}

pub(super) fn config(reader: &mut Reader, part: Part) -> Option<Config> {
    let [listen, admin_listen, operator_listen] = listeners(reader);
    let public_url = reader.optional("public_url", parse::site);
    let trusted_proxies = reader.list("trusted_proxies", parse::network);
    let engine = engine(reader);
    let auth = auth(reader);
    let sources = sources::sources(reader, part);
    let sessions = sessions(reader);
    let calls = calls(reader);
    let notices = notices(reader);
    let directory = Directory { file: reader.optional("directory.file", parse::path) };
    let board = board::board(reader);
    if board.enabled && calls.keep_ended < Duration::from_secs(2 * DAY) {
        reader.warn(
            "calls.keep_ended",
            "shorter than 2d: a wallboard's day needs the calls of today, and of the night before",
        );
    }
    let displays = Displays {
        unused: period(reader, "displays.unused", 30 * DAY, 1),
        people: reader.or("displays.people", false, parse::boolean),
    };
    let shutdown = shutdown(reader);
    let log = log(reader);
    let sidecar = sidecar::sidecar(reader, part, &engine, &sources, public_url.clone());
    if calls.require_activation && sidecar.is_none() && !reader.has_problem("sidecar") {
        let message =
            "needs a sidecar to activate integrations: configure [sidecar] and [sidecar.NAME] of a source";
        reader.refuse("calls.require_activation", message);
    }
    Some(Config {
        listen,
        admin_listen,
        operator_listen,
        public_url,
        trusted_proxies,
        engine,
        auth: auth?,
        sources,
        sessions,
        calls,
        notices,
        directory,
        board,
        displays,
        sidecar,
        shutdown,
        log,
    })
}

/// The public listener, and the private ones, each with an address of its own.
fn listeners(reader: &mut Reader) -> [SocketAddr; 3] {
    const PRIVATE: [(&str, &str); 2] = [
        (
            "admin_listen",
            "is open to other machines; it shows what the gateway does, so only operators may reach it",
        ),
        ("operator_listen", "is open to other machines; it shows calls, so only operators may reach it"),
    ];
    let mut taken = vec![("listen", reader.or("listen", local(8080), parse::socket))];
    for ((key, when_open), port) in PRIVATE.into_iter().zip([9090, 9091]) {
        let address = reader.or(key, local(port), parse::socket);
        if let Some((other, _)) = taken.iter().find(|(_, it)| *it == address && address.port() != 0) {
            reader.refuse(key, format!("is the same as {other}: each listener needs an address of its own"));
        }
        if !is_private(address.ip()) {
            reader.warn(key, when_open);
        }
        taken.push((key, address));
    }
    [taken[0].1, taken[1].1, taken[2].1]
}

/// Whether only this machine, or a private network, can reach an address.
fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => address.is_loopback() || address.is_private() || address.is_link_local(),
        IpAddr::V6(address) => {
            address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
        }
    }
}

fn local(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

fn engine(reader: &mut Reader) -> Engine {
    let kinds = [("embedded", EngineKind::Embedded), ("redis", EngineKind::Redis)];
    let durabilities = [("fsync", Durability::Fsync), ("memory", Durability::Memory)];
    Engine {
        kind: reader.or("engine.kind", EngineKind::Embedded, |given| parse::choice(given, &kinds)),
        data_dir: reader.or("engine.data_dir", "./callpop-data".into(), parse::path),
        durability: reader
            .or("engine.durability", Durability::Fsync, |given| parse::choice(given, &durabilities)),
        settle_after: period(reader, "engine.settle_after", MINUTE, 1),
        file_bytes: reader
            .or("engine.file_bytes", 64 << 20, |given| number(given, 64 << 10..=1 << 30).map(u64::from)),
        unready_after: period(reader, "engine.unready_after", 30, 0),
        redis_url: reader
            .secret("engine.redis_url", parse::redis_url)
            .unwrap_or_else(|| "redis://127.0.0.1:6379".into()),
        redis_prefix: reader.or("engine.redis_prefix", "callpop".to_owned(), parse::redis_prefix),
        redis_master: reader.optional("engine.redis_master", parse::text),
        redis_sentinel_user: sentinel_user(reader),
        redis_sentinel_password: reader.secret("engine.redis_sentinel_password", parse::text),
        redis_ca: reader.optional("engine.redis_ca", parse::certificates),
        redis_require_aof: reader.or("engine.redis_require_aof", true, parse::boolean),
        redis_wait_replicas: reader.optional("engine.redis_wait_replicas", |given| {
            number(given, 0..=100).map(|number| number as usize)
        }),
    }
}

fn sentinel_user(reader: &mut Reader) -> Option<String> {
    const KEY: &str = "engine.redis_sentinel_user";
    let has_password = reader.is_given("engine.redis_sentinel_password");
    let user = reader.optional(KEY, parse::text);
    if user.is_some() && !has_password {
        reader.refuse(KEY, "needs a password: set engine.redis_sentinel_password, or its _file");
    }
    user
}

fn auth(reader: &mut Reader) -> Option<Auth> {
    let alternatives = ["auth.hs256_secret", "auth.jwks_url", "auth.public_key"];
    let given = alternatives.iter().filter(|key| reader.is_given(key)).count();
    if given != 1 {
        let found = if given == 0 { "none of them is" } else { "more than one of them is" };
        let message =
            format!("give exactly one of hs256_secret, jwks_url and public_key_file; {found} given");
        reader.refuse("auth", message);
    }
    let key = auth_key(reader);
    let audience = reader.optional("auth.audience", parse::text);
    let issuer = reader.optional("auth.issuer", parse::text);
    let allowed_origins = reader.list("auth.allowed_origins", parse::origin);
    Some(Auth { key: key?, audience, issuer, allowed_origins })
}

fn auth_key(reader: &mut Reader) -> Option<AuthKey> {
    let secret = reader.secret("auth.hs256_secret", parse::text);
    let url = reader.optional("auth.jwks_url", parse::web_url);
    // Masked, lest somebody put the private key there.
    let public_key = reader.secret("auth.public_key", parse::text);
    if secret.as_ref().is_some_and(|secret| secret.expose_secret().len() < MIN_HS256_BYTES) {
        reader.warn(
            "auth.hs256_secret",
            "shorter than 32 bytes, so it can be guessed from any token; `openssl rand -base64 32` makes one",
        );
    }
    if url.as_deref().is_some_and(is_open_to_others) {
        reader.warn(
            "auth.jwks_url",
            "not https: whoever is on the way to that host can hand out keys of their own",
        );
    }
    let secret = secret.map(AuthKey::Hs256);
    let public_key = public_key.map(|pem| AuthKey::PublicKey(pem.expose_secret().to_owned()));
    secret.or(url.map(AuthKey::JwksUrl)).or(public_key)
}

/// Whether a URL goes unencrypted over a network.
fn is_open_to_others(url: &str) -> bool {
    let Ok(url) = reqwest::Url::parse(url) else { return false };
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let is_local = host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback());
    url.scheme() == "http" && !is_local
}

fn sessions(reader: &mut Reader) -> Sessions {
    let size = |given: &_| number(given, 1..=100_000).map(|number| number as usize);
    let most = reader.or("sessions.max", 0, |given| number(given, 0..=1_000_000));
    Sessions {
        max: (most > 0).then_some(most as usize),
        max_per_user: reader.or("sessions.max_per_user", 32, size),
        max_frames_per_second: reader
            .or("sessions.max_frames_per_second", 50, |given| number(given, 1..=1_000_000)),
        heartbeat: period(reader, "sessions.heartbeat", 25, 1),
        write_timeout: period(reader, "sessions.write_timeout", 60, 1),
    }
}

fn calls(reader: &mut Reader) -> Calls {
    let count = |given: &_| number(given, 0..=100_000).map(|number| number as usize);
    let dispositions = dispositions(reader);
    let calls = Calls {
        keep_ended: period(reader, "calls.keep_ended", 7 * DAY, 1),
        recent_per_user: reader.or("calls.recent_per_user", 50, count),
        recent_per_tenant: reader.or("calls.recent_per_tenant", 500, count),
        ringing_stale_after: period(reader, "calls.ringing_stale_after", 3 * MINUTE, 1),
        active_stale_after: period(reader, "calls.active_stale_after", 4 * HOUR, 1),
        expire_after: period(reader, "calls.expire_after", 12 * HOUR, 1),
        require_activation: reader.or("calls.require_activation", false, parse::boolean),
        dispositions,
    };
    if calls.expire_after < calls.ringing_stale_after.max(calls.active_stale_after) {
        reader.warn(
            "calls.expire_after",
            "shorter than ringing_stale_after or active_stale_after: such calls end before they \
             are shown as unconfirmed",
        );
    }
    calls
}

fn notices(reader: &mut Reader) -> Notices {
    let count = |given: &_| number(given, 0..=1000).map(|number| number as usize);
    Notices {
        recent_per_user: reader.or("notices.recent_per_user", 50, count),
        keep: period(reader, "notices.keep", 7 * DAY, 1),
        supervisors: reader.or("notices.supervisors", false, parse::boolean),
    }
}

fn dispositions(reader: &mut Reader) -> Vec<String> {
    const KEY: &str = "calls.dispositions";
    let dispositions = reader.list(KEY, parse::disposition);
    if dispositions.len() > MAX_DISPOSITIONS {
        reader.refuse(KEY, format!("has more than {MAX_DISPOSITIONS}"));
    }
    let is_twice = |(nth, it)| dispositions[..nth].contains(it).then_some(nth);
    if let Some(nth) = dispositions.iter().enumerate().find_map(is_twice) {
        reader.refuse(&format!("{KEY}[{nth}]"), "is there already");
    }
    dispositions
}

fn shutdown(reader: &mut Reader) -> Shutdown {
    Shutdown {
        delay: period(reader, "shutdown.delay", 0, 0),
        spread: period(reader, "shutdown.spread", 5, 0),
        grace: period(reader, "shutdown.grace", 20, 0),
    }
}

/// A duration with its default and its least value, both in seconds.
fn period(reader: &mut Reader, key: &str, default: u64, least: u64) -> Duration {
    let least = Duration::from_secs(least);
    reader.or(key, Duration::from_secs(default), |given| duration_of_at_least(given, least))
}

fn log(reader: &mut Reader) -> Log {
    let formats = [("text", LogFormat::Text), ("json", LogFormat::Json)];
    Log {
        format: reader.or("log.format", LogFormat::Text, |given| parse::choice(given, &formats)),
        filter: reader.or("log.filter", "info".to_owned(), parse::log_filter),
    }
}
