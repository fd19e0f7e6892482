//! The keys that an identity provider publishes at a URL (RFC 7517).
//!
//! One task per verifier fetches them: at the start, every ten minutes, and when a token names
//! a key that is not there, but then not more than once in ten seconds. It is the only one
//! that fetches, so any number of waiting tokens cost one request. It ends with its handle.
//! A failed fetch changes nothing: the keys at hand stay good.
//!
//! That nobody has a key is known only once the keys were fetched after the key was first named: a
//! provider that rotates may have published it since the last fetch. Until then the fault is ours.

use super::{AuthError, TokenRefusal, key::Key};
use crate::{
    tasks::{Kept, Tasks},
    text::without_mark,
};
use jsonwebtoken::{Algorithm, jwk::Jwk};
use parking_lot::Mutex;
use reqwest::{Client, StatusCode, Url, header::ACCEPT, redirect};
use serde::Deserialize;
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio::{
    runtime::Handle,
    sync::{Notify, watch},
    time::{Instant, sleep_until, timeout},
};

const MAX_BODY_BYTES: usize = 1024 * 1024;
/// The most keys that are kept; those after are left out.
const MAX_KEYS: usize = 100;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// The most names of keys that are not there of which it is remembered when they were first seen.
const MAX_SIGHTS: usize = 1024;
/// After so long a name that is not there counts as new: it may have been published since.
const SIGHT_LIFE: Duration = Duration::from_secs(60);
/// A longer name of a key is nobody's.
const MAX_ID_BYTES: usize = 256;
/// For one whole fetch.
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);

/// How often to fetch.
#[derive(Clone, Copy)]
pub(super) struct Pace {
    /// After a success.
    pub(crate) refresh: Duration,
    /// After the first failure; doubled by each one more, up to `max_retry`.
    pub(crate) retry: Duration,
    pub(crate) max_retry: Duration,
    /// The least time between two fetches when tokens ask for one.
    pub(crate) on_demand: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            refresh: Duration::from_secs(10 * 60),
            retry: Duration::from_secs(1),
            max_retry: Duration::from_secs(30),
            on_demand: Duration::from_secs(10),
        }
    }
}

/// The keys of one URL. Dropping it ends the task that fetches them.
pub(super) struct Jwks {
    latest: watch::Receiver<Fetched>,
    demand: Arc<Notify>,
    pace: Pace,
    sights: Mutex<HashMap<Arc<str>, Instant>>,
    _task: Kept,
}

/// What the last fetches brought.
#[derive(Clone, Default)]
struct Fetched {
    /// None before the first success.
    keys: Option<Arc<[PublishedKeys]>>,
    /// When the fetch that brought them began.
    began_at: Option<Instant>,
    /// When the last fetch ended, well or badly.
    tried_at: Option<Instant>,
    /// The last fetch went badly.
    has_failed: bool,
}

#[derive(Clone)]
struct PublishedKeys {
    id: Option<Arc<str>>,
    key: Arc<Key>,
}

impl Fetched {
    fn find(&self, algorithm: Algorithm, id: Option<&str>) -> Result<Arc<Key>, TokenRefusal> {
        let keys = self.keys.as_ref().ok_or(TokenRefusal::KeysUnavailable)?;
        let mut fitting = keys.iter().filter(|published| published.key.algorithm == algorithm);
        if id.is_none() {
            // Without a name, a token is accepted only if there is no doubt.
            return match (fitting.next(), fitting.next()) {
                (Some(only), None) => Ok(only.key.clone()),
                _ => Err(TokenRefusal::UnknownKey),
            };
        }
        if let Some(published) = fitting.find(|published| published.id.as_deref() == id) {
            return Ok(published.key.clone());
        }
        let is_known = keys.iter().any(|published| published.id.as_deref() == id);
        Err(if is_known { TokenRefusal::Algorithm } else { TokenRefusal::UnknownKey })
    }

    /// Whether the keys were fetched since then; what names no key is no reason to wait.
    fn is_since(&self, seen_at: Option<Instant>) -> bool {
        seen_at.is_none_or(|seen_at| self.began_at.is_some_and(|began_at| began_at >= seen_at))
    }

    /// Whether a token may make the task fetch, or wait for the first fetch.
    fn may_ask(&self, pace: &Pace) -> bool {
        self.tried_at.is_none_or(|at| at.elapsed() >= pace.on_demand)
    }
}

impl Jwks {
    /// Starts to fetch.
    pub(crate) fn start(url: &str, pace: Pace, tasks: &Tasks) -> Result<Self, AuthError> {
        let url = Url::parse(url).map_err(|_| AuthError::JwksUrl)?;
        Handle::try_current().map_err(|_| AuthError::NoRuntime)?;
        let client = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(FETCH_TIMEOUT)
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .pool_max_idle_per_host(0)
            .build()
            .map_err(AuthError::Client)?;
        let (sender, latest) = watch::channel(Fetched::default());
        let demand = Arc::new(Notify::new());
        let task = tasks.keep("jwks", keep_fetching(client, url, sender, demand.clone(), pace));
        Ok(Self { latest, demand, pace, sights: Mutex::default(), _task: task })
    }

    /// Why no token can be verified, if so: keys that were fetched once stay good.
    pub(crate) fn trouble(&self) -> Option<&'static str> {
        self.latest.borrow().keys.is_none().then_some("the keys at auth.jwks_url were never fetched")
    }

    /// That the keys at hand may be old, if so.
    pub(crate) fn warning(&self) -> Option<String> {
        let latest = self.latest.borrow();
        let age = latest.began_at.filter(|_| latest.has_failed)?.elapsed().as_secs();
        Some(format!("the keys at auth.jwks_url cannot be fetched; those of {age} s ago count on"))
    }

    /// The key of a token's header. Cancel safe.
    pub(crate) async fn key(&self, algorithm: Algorithm, id: Option<&str>) -> Result<Arc<Key>, TokenRefusal> {
        let found = self.latest.borrow().find(algorithm, id);
        match found {
            Err(TokenRefusal::UnknownKey | TokenRefusal::KeysUnavailable) => {}
            found => return found,
        }
        let seen_at = id.filter(|id| id.len() <= MAX_ID_BYTES).map(|id| self.first_sight(id));
        let mut latest = self.latest.clone();
        let before = latest.borrow_and_update().clone();
        // The first fetch goes on without being asked for.
        let may_ask = before.may_ask(&self.pace);
        if before.tried_at.is_some() && (may_ask || !before.is_since(seen_at)) {
            self.demand.notify_one();
        }
        if may_ask {
            // An error is a fetch that takes too long, or a task that is gone: no news either way.
            let _ = timeout(FETCH_TIMEOUT, latest.changed()).await;
        }
        let fetched = latest.borrow();
        fetched.find(algorithm, id).map_err(|why| match why {
            TokenRefusal::UnknownKey if !fetched.is_since(seen_at) => TokenRefusal::KeysUnavailable,
            why => why,
        })
    }

    /// When a key that is not there was first named.
    fn first_sight(&self, id: &str) -> Instant {
        let mut sights = self.sights.lock();
        let now = Instant::now();
        let is_fresh = |at: &Instant| now.duration_since(*at) < SIGHT_LIFE;
        if let Some(at) = sights.get(id).filter(|at| is_fresh(at)) {
            return *at;
        }
        if sights.len() >= MAX_SIGHTS {
            sights.retain(|_, at| is_fresh(at));
        }
        if sights.len() >= MAX_SIGHTS {
            // Whoever makes up so many names makes all of them new again.
            sights.clear();
        }
        sights.insert(id.into(), now);
        now
    }
}

async fn keep_fetching(
    client: Client,
    url: Url,
    latest: watch::Sender<Fetched>,
    demand: Arc<Notify>,
    pace: Pace,
) {
    let mut retry = pace.retry;
    loop {
        let began_at = Instant::now();
        let fetched = fetch(&client, &url).await;
        let now = Instant::now();
        let next = match fetched {
            Ok(keys) => {
                latest.send_replace(Fetched {
                    keys: Some(keys),
                    began_at: Some(began_at),
                    tried_at: Some(now),
                    has_failed: false,
                });
                retry = pace.retry;
                now + pace.refresh
            }
            Err(error) => {
                tracing::warn!(%error, "the keys at auth.jwks_url could not be fetched");
                latest.send_modify(|latest| {
                    latest.tried_at = Some(now);
                    latest.has_failed = true;
                });
                let next = now + retry;
                retry = (retry * 2).min(pace.max_retry);
                next
            }
        };
        until_due(next, now + pace.on_demand, &demand).await;
    }
}

/// Waits for the next regular fetch, or for a demand; one that comes too early is met later.
async fn until_due(next: Instant, earliest: Instant, demand: &Notify) {
    tokio::select! {
        () = sleep_until(next) => {}
        () = demand.notified() => sleep_until(earliest.min(next)).await,
    }
}

#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error("{0}")]
    Http(#[from] reqwest::Error),
    #[error("the answer is {0} rather than 200")]
    Status(StatusCode),
    #[error("the answer is larger than 1 MiB")]
    TooLarge,
    #[error("the answer is not a JWK set")]
    NotKeys,
    #[error("the answer holds no key for RS256, ES256 or EdDSA signatures")]
    NoKeys,
}

async fn fetch(client: &Client, url: &Url) -> Result<Arc<[PublishedKeys]>, FetchError> {
    let request = client.get(url.clone()).header(ACCEPT, "application/jwk-set+json, application/json");
    let mut response = request.send().await.map_err(reqwest::Error::without_url)?;
    if response.status() != StatusCode::OK {
        return Err(FetchError::Status(response.status()));
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(reqwest::Error::without_url)? {
        if body.len() + chunk.len() > MAX_BODY_BYTES {
            return Err(FetchError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    parse(&body)
}

/// Takes the keys that callpop can use and leaves out the others, as RFC 7517 section 5 asks.
fn parse(body: &[u8]) -> Result<Arc<[PublishedKeys]>, FetchError> {
    #[derive(Deserialize)]
    struct Set {
        keys: Vec<serde_json::Value>,
    }
    let set: Set = serde_json::from_slice(without_mark(body)).map_err(|_| FetchError::NotKeys)?;
    let usable = set.keys.into_iter().filter_map(|value| {
        let jwk: Jwk = serde_json::from_value(value).ok()?;
        let key = Key::from_jwk(&jwk)?;
        Some(PublishedKeys { id: jwk.common.key_id.map(Into::into), key: Arc::new(key) })
    });
    let keys: Arc<[PublishedKeys]> = usable.take(MAX_KEYS).collect();
    if keys.is_empty() { Err(FetchError::NoKeys) } else { Ok(keys) }
}

#[cfg(test)]
mod tests;
