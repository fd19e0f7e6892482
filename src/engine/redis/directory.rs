//! Tenants' directories in Redis. A node holds those that its sessions follow, or that were asked for lately,
//! and looks once a second whether they changed. While Redis is away it goes on with what it holds.

use super::{keys::Keys, keyspace::UNREADABLE, receipt};
use crate::{
    config,
    directory::{Directory, Expected},
    engine::{DirectoryMetrics, EngineError, EngineMetrics, PutDirectory},
    feed::Feed,
    id::TenantId,
    link::{Confirm, Link, Request, Source, call_of},
    log::Seldom,
    metrics::Metrics,
    tasks::{Kept, Tasks},
};
use dashmap::DashMap;
use futures_util::{StreamExt, future::ready, stream};
use parking_lot::Mutex;
use redis::{Script, pipe};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    sync::{OnceCell, Semaphore},
    task::spawn_blocking,
    time::{MissedTickBehavior, interval, timeout},
};

/// Between two looks.
const EVERY: Duration = Duration::from_secs(1);
/// ETags that are asked for in one go.
const TOGETHER: usize = 512;
/// The same on a cluster, where each is asked for by itself.
const AT_ONCE: usize = 64;
/// Directories that are read at the same time, each of up to 4 MiB.
const MOST_READS: usize = 4;
/// How long a read waits for its turn.
const TURN: Duration = Duration::from_secs(10);
/// How long a directory is held that nobody follows, and how many of these at most.
const HOLD: Duration = Duration::from_secs(60);
const MOST_UNFOLLOWED: usize = 64;
/// Between two lines about one that cannot be read.
const COMPLAIN_EVERY: Duration = Duration::from_secs(60);
/// Larger ones are read beside the tasks that deliver calls.
const LARGE: usize = 64 * 1024;

/// The directories in Redis, as far as this node needs them.
pub(crate) struct DirectoryKeys {
    keys: Keys,
    link: Arc<Link>,
    /// None where a promise is of memory only.
    confirm: Option<Arc<Confirm>>,
    feed: Arc<Feed>,
    held: DashMap<TenantId, Arc<HeldDirectory>>,
    reads: Semaphore,
    put: Script,
    nothing: Arc<Directory>,
    metrics: Arc<DirectoryMetrics>,
    of_engine: Arc<EngineMetrics>,
    complaints: Seldom,
}

/// One tenant's, once it was read.
struct HeldDirectory {
    tenant: TenantId,
    current: OnceCell<Mutex<Arc<Directory>>>,
    used: Mutex<Instant>,
}

impl DirectoryKeys {
    pub(super) fn new(
        keys: Keys,
        link: Arc<Link>,
        confirm: Option<Arc<Confirm>>,
        feed: Arc<Feed>,
        metrics: (Arc<DirectoryMetrics>, Arc<EngineMetrics>),
    ) -> Self {
        Self {
            keys,
            link,
            confirm,
            feed,
            held: DashMap::new(),
            reads: Semaphore::new(MOST_READS),
            put: Script::new(concat!(
                include_str!("scripts/open.lua"),
                include_str!("scripts/directory.lua")
            )),
            nothing: Arc::default(),
            metrics: metrics.0,
            of_engine: metrics.1,
            complaints: Seldom::new(COMPLAIN_EVERY),
        }
    }

    /// Those of a process that only reads them, on a connection of its own.
    pub(crate) fn alone(
        engine: &config::Engine,
        metrics: &Metrics,
        tasks: &Tasks,
    ) -> Result<(Arc<Self>, Vec<Kept>), EngineError> {
        let source =
            Source::new(engine).map_err(|why| EngineError::CannotOpen(format!("engine.redis_url: {why}")))?;
        let link = Arc::new(Link::new("directories", metrics));
        let counts = (metrics.of(), metrics.of());
        let keys = Keys::new(&engine.redis_prefix);
        let ours = Arc::new(Self::new(keys, link.clone(), None, Arc::default(), counts));
        let kept = vec![
            tasks.keep("redis directories", link.keep(Arc::new(source), None, || {}, drop)),
            tasks.keep("directories", ours.clone().run()),
        ];
        Ok((ours, kept))
    }

    /// As it stands in Redis.
    pub(crate) async fn get(&self, tenant: &TenantId) -> Result<Arc<Directory>, EngineError> {
        let held = self.entry(tenant);
        let Some(known) = held.known() else { return self.load(&held).await };
        let mut ask = pipe();
        ask.hget(self.keys.tenant(tenant).directory(), "etag");
        let (etag,): (Option<String>,) = self.link.ask(Request::Pipeline(&ask)).await?;
        if self.is_same(&known, etag.as_deref()) {
            return Ok(known);
        }
        self.refresh(held).await
    }

    /// As this node holds it; where it did not, it does from now on.
    pub(crate) async fn held(&self, tenant: &TenantId) -> Result<Arc<Directory>, EngineError> {
        self.load(&self.entry(tenant)).await
    }

    pub(crate) async fn put(
        &self,
        tenant: &TenantId,
        expected: &Expected,
        fresh: Directory,
    ) -> Result<PutDirectory, EngineError> {
        let names = self.keys.tenant(tenant);
        let json = fresh.to_json();
        let mut ask = call_of(&self.put, 1, json.len());
        ask.arg(names.directory()).arg(fresh.etag().as_str()).arg(json).arg(self.nothing.etag().as_str());
        match expected {
            Expected::Whatever => ask.arg("*"),
            Expected::OneOf(tags) => ask.arg(tags),
        };
        let history: Vec<String> = self.link.ask(Request::Script(&self.put, &ask)).await?;
        let Some(history) = history.into_iter().next() else { return Ok(PutDirectory::Other) };
        if let Some(held) = self.held.get(tenant).map(|held| held.clone()) {
            self.replace(&held, Arc::new(fresh));
        }
        let receipt = receipt(self.confirm.as_deref(), || names.fence(), history.into())?;
        Ok(PutDirectory::Done(receipt))
    }

    /// Looks, for ever.
    pub(super) async fn run(self: Arc<Self>) {
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.forget_unused();
            self.look().await;
        }
    }

    /// Reads those that changed since they were read.
    async fn look(&self) {
        let all: Vec<_> = self.held.iter().map(|held| held.value().clone()).collect();
        self.metrics.held.set(all.len() as i64);
        let together = if self.link.is_cluster() { 1 } else { TOGETHER };
        let some: Vec<_> = all.chunks(together).map(<[_]>::to_vec).collect();
        let looks = some.into_iter().map(|some| self.changed(some));
        let changed: Vec<Vec<_>> = stream::iter(looks).buffer_unordered(AT_ONCE).collect().await;
        let reads = changed.into_iter().flatten().map(|held| self.refresh(held));
        let failed = stream::iter(reads).buffer_unordered(MOST_READS).filter(|read| ready(read.is_err()));
        self.metrics.failed.inc_by(failed.count().await as u64);
    }

    /// Those of some that are others in Redis.
    async fn changed(&self, some: Vec<Arc<HeldDirectory>>) -> Vec<Arc<HeldDirectory>> {
        let known = some.into_iter().filter_map(|held| Some((held.known()?, held)));
        let known: Vec<_> = known.collect();
        if known.is_empty() {
            return Vec::new();
        }
        let mut ask = pipe();
        for (_, held) in &known {
            ask.hget(self.keys.tenant(&held.tenant).directory(), "etag");
        }
        let etags: Vec<Option<String>> = match self.link.ask(Request::Pipeline(&ask)).await {
            Ok(etags) => etags,
            Err(_) => {
                self.metrics.failed.inc();
                return Vec::new();
            }
        };
        let compared = known.into_iter().zip(etags);
        let changed = compared.filter(|((known, _), etag)| !self.is_same(known, etag.as_deref()));
        changed.map(|((_, held), _)| held).collect()
    }

    fn is_same(&self, known: &Directory, etag: Option<&str>) -> bool {
        known.etag().as_str() == etag.unwrap_or_else(|| self.nothing.etag().as_str())
    }

    fn entry(&self, tenant: &TenantId) -> Arc<HeldDirectory> {
        let held = match self.held.get(tenant) {
            Some(held) => held.clone(),
            None => {
                let new = || Arc::new(HeldDirectory::new(tenant));
                self.held.entry(tenant.clone()).or_insert_with(new).clone()
            }
        };
        *held.used.lock() = Instant::now();
        held
    }

    /// Reads it, where it was not; who ask at the same time wait for one read.
    async fn load(&self, held: &HeldDirectory) -> Result<Arc<Directory>, EngineError> {
        let read = || async { self.read(&held.tenant).await.map(Mutex::new) };
        Ok(held.current.get_or_try_init(read).await?.lock().clone())
    }

    async fn refresh(&self, held: Arc<HeldDirectory>) -> Result<Arc<Directory>, EngineError> {
        let fresh = self.read(&held.tenant).await?;
        self.replace(&held, fresh.clone());
        Ok(fresh)
    }

    async fn read(&self, tenant: &TenantId) -> Result<Arc<Directory>, EngineError> {
        let turn = timeout(TURN, self.reads.acquire()).await;
        let _turn = turn
            .ok()
            .and_then(Result::ok)
            .ok_or(EngineError::Unavailable("too many directories are read from Redis"))?;
        let mut ask = pipe();
        ask.cmd("HMGET").arg(self.keys.tenant(tenant).directory()).arg(&["etag", "rows"]);
        let (stored,): ((Option<String>, Option<String>),) = self.link.ask(Request::Pipeline(&ask)).await?;
        let (Some(etag), Some(rows)) = stored else { return Ok(self.nothing.clone()) };
        let is_large = rows.len() > LARGE;
        let parse = move || Directory::from_stored(&etag, &rows);
        let parsed = if is_large { spawn_blocking(parse).await.ok().flatten() } else { parse() };
        parsed.map(Arc::new).ok_or_else(|| {
            self.complain(tenant);
            UNREADABLE
        })
    }

    /// It is asked for once a second, and the log is not to be full of it.
    fn complain(&self, tenant: &TenantId) {
        self.of_engine.unreadable.inc();
        if let Some((_, unsaid)) = self.complaints.may_say_of_many(tenant.as_str()) {
            tracing::error!(%tenant, unsaid, "the stored directory cannot be read; it stays where it is");
        }
    }

    /// Holds another one, and tells those who follow it.
    fn replace(&self, held: &HeldDirectory, fresh: Arc<Directory>) {
        let Some(current) = held.current.get() else { return };
        let old = std::mem::replace(&mut *current.lock(), fresh.clone());
        self.feed.reassign(&held.tenant, |sub| old.extensions_of(sub) != fresh.extensions_of(sub));
    }

    /// Lets those go that nobody follows and nobody asked for lately.
    fn forget_unused(&self) {
        let all: Vec<TenantId> = self.held.iter().map(|held| held.key().clone()).collect();
        let unfollowed: Vec<_> = all.into_iter().filter(|tenant| !self.feed.has_followers(tenant)).collect();
        let hold = if unfollowed.len() > MOST_UNFOLLOWED { Duration::ZERO } else { HOLD };
        for tenant in unfollowed {
            // Looked at again while nobody can ask for it: who follows and asks later gets a new one.
            self.held.remove_if(&tenant, |_, held| {
                held.used.lock().elapsed() > hold && !self.feed.has_followers(&tenant)
            });
        }
    }
}

impl HeldDirectory {
    fn new(tenant: &TenantId) -> Self {
        Self { tenant: tenant.clone(), current: OnceCell::new(), used: Mutex::new(Instant::now()) }
    }

    fn known(&self) -> Option<Arc<Directory>> {
        self.current.get().map(|current| current.lock().clone())
    }
}
