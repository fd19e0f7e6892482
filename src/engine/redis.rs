//! The engine for many nodes. The truth is in Redis: a commit is one script call, and each change
//! of a tenant has the next number there. What is published is for speed only; every way of
//! losing a message ends in the same small read.
//!
//! ```text
//! group    events that wait go together    keyspace the scripts, as calls;  keys, stored
//! watch    how far each tenant is          probe    once a second: is the store ahead?
//! known    the items that this node holds   heal     reads what was missed;  subscriber, sweep
//! writes   does Redis take them?       glimpses what an item says last of one kind
//! content  what summaries say, compressed   settling what has ended becomes one value;  settled
//! directory   who has which extension      pages    a tenant's calls, the latest first
//! days        what is kept of days whose calls are gone
//! displays    the screens that show a wallboard;  pairings, how they come to be
//! ```

mod addition;
mod content;
mod days;
mod directory;
mod displays;
mod glimpses;
mod group;
mod heal;
mod keys;
mod keyspace;
mod known;
mod nodes;
mod pages;
mod pairings;
mod probe;
mod settled;
mod settling;
mod stored;
mod subscriber;
mod sweep;
mod watch;
mod writes;

use super::{Archived, Committed, EngineError, EngineMetrics, Page, Position, Receipt, View};
use crate::{
    call::Rules,
    config::{Config, Durability},
    event_set::Added,
    feed::{Feed, Stream},
    id::{ItemKey, SourceName, TenantId},
    item::{Glimpse, ItemEvent, ItemSet},
    link::{Confirm, Link, Request, Source},
    metrics::Metrics,
    source::Unknown,
    tasks::{Kept, Tasks},
};
pub(crate) use days::DayKeys;
pub(crate) use directory::DirectoryKeys;
pub(crate) use displays::DisplayKeys;
use futures_util::{StreamExt, stream};
use glimpses::Glimpses;
use group::Groups;
use keyspace::{Found, FoundItems, History, Keyspace};
pub(crate) use nodes::NodeKeys;
use pages::Pages;
use probe::Probe;
use redis::pipe;
use serde::{Deserialize, Serialize};
use settling::Settling;
use std::{
    ops::Range,
    sync::Arc,
    time::{Duration, Instant},
};
use subscriber::Subscriber;
use sweep::Sweeper;
use tokio::{
    sync::{Semaphore, SemaphorePermit, oneshot},
    time::timeout,
};
use watch::{Watch, Watches};
use writes::Writes;

/// Silent items that are ended at the same time.
const COMMIT_TOGETHER: usize = 32;
/// Sessions that are read for at the same time.
const MOST_READS: usize = 128;
/// How long a session waits for its turn to read: when a new epoch begins, all come at once.
const TURN: Duration = Duration::from_secs(15);
/// How long the start waits to learn whether Redis can be used.
const START: Duration = Duration::from_secs(5);
/// How long the start waits for the first look at a Redis that is there.
const FIRST_LOOK: Duration = Duration::from_millis(500);

/// The state of this node; the items are in Redis.
pub(crate) struct Redis {
    store: Arc<Keyspace>,
    pub(super) directories: Arc<DirectoryKeys>,
    pub(super) displays: Arc<DisplayKeys>,
    pub(super) days: Arc<DayKeys>,
    watches: Arc<Watches>,
    probe: Arc<Probe>,
    subscriber: Arc<Subscriber>,
    sweeper: Arc<Sweeper>,
    settling: Arc<Settling>,
    groups: Groups,
    glimpses: Glimpses,
    pages: Pages,
    writes: Arc<Writes>,
    /// None where a 2xx promises memory only.
    confirm: Option<Arc<Confirm>>,
    reads: Semaphore,
    metrics: Arc<EngineMetrics>,
    _kept: Vec<Kept>,
}

impl Redis {
    /// Connects, and keeps connected. A Redis that is away is no error, one that cannot be used is.
    pub(crate) async fn open(
        config: &Config,
        feed: Arc<Feed>,
        metrics: &Metrics,
        tasks: &Tasks,
    ) -> Result<Self, EngineError> {
        let engine = &config.engine;
        let source =
            Source::new(engine).map_err(|why| EngineError::CannotOpen(format!("engine.redis_url: {why}")))?;
        let source = Arc::new(source);
        let link = |name| Arc::new(Link::new(name, metrics));
        let store = Arc::new(Keyspace::new(link("commands"), config, metrics.of()));
        let watches = Arc::new(Watches::new(feed.clone(), metrics.of(), Rules::new(&config.calls)));
        let probe = Arc::new(Probe::new());
        let subscriber = Arc::new(Subscriber::new(link("subscriptions"), watches.clone()));
        let mut kept = Vec::new();
        let look = probe.clone();
        let (first, went) = oneshot::channel();
        let keep = store.link.clone().keep(
            source.clone(),
            None,
            move || look.now.notify_one(),
            |outcome| {
                _ = first.send(outcome);
            },
        );
        kept.push(tasks.keep("redis commands", keep));
        if let Ok(Ok(Err(why))) = timeout(START, went).await
            && why.is_final()
        {
            return Err(EngineError::CannotOpen(format!("cannot use this Redis: {why}")));
        }
        let connected = subscriber.clone();
        let listener = Some(subscriber.listener());
        let keep =
            subscriber.link.clone().keep(source.clone(), listener, move || connected.on_connected(), drop);
        kept.push(tasks.keep("redis subscriptions", keep));
        kept.push(tasks.keep("subscriber", subscriber.clone().run(probe.clone())));
        kept.push(tasks.keep("probe", probe.clone().run(store.clone(), watches.clone())));
        kept.push(tasks.keep("heal", heal::run(store.clone(), watches.clone(), tasks.clone())));
        let confirm = (engine.durability == Durability::Fsync).then(|| {
            let (confirm, waiters) = Confirm::new(engine, link("confirmations"), probe.has_replicas.clone());
            let confirm = Arc::new(confirm);
            kept.push(
                tasks.keep("redis confirmations", confirm.link.clone().keep(source, None, || {}, drop)),
            );
            kept.push(tasks.keep("confirm", confirm.clone().run(waiters, store.link.clone())));
            confirm
        });
        let counts = (metrics.of(), metrics.of());
        let (keys, commands) = (store.keys.clone(), store.link.clone());
        let displays = {
            let (keys, commands, unused) = (keys.clone(), commands.clone(), config.displays.unused);
            Arc::new(DisplayKeys::new(keys, commands, confirm.clone(), unused, metrics.of()))
        };
        let days = Arc::new(DayKeys::new(keys.clone(), commands.clone(), config, metrics.of()));
        let directories = Arc::new(DirectoryKeys::new(keys, commands, confirm.clone(), feed, counts));
        kept.push(tasks.keep("directories", directories.clone().run()));
        let sweeper = Arc::new(Sweeper::new(store.clone(), store.limits.expire_after));
        let writes = Arc::new(Writes::new(store.clone(), confirm.clone()));
        kept.push(tasks.keep("redis writes", writes.clone().run()));
        let settling = Arc::new(Settling::new(store.clone(), metrics.of(), engine.settle_after));
        let engine = Self {
            groups: Groups::new(settling.clone(), sweeper.clone(), writes.clone(), tasks.clone()),
            glimpses: Glimpses::new(store.clone()),
            pages: Pages::new(store.clone()),
            writes,
            sweeper,
            settling,
            directories,
            displays,
            days,
            store,
            watches,
            probe,
            subscriber,
            confirm,
            reads: Semaphore::new(MOST_READS),
            metrics: metrics.of(),
            _kept: kept,
        };
        engine.settle().await;
        Ok(engine)
    }

    /// Waits until everything is connected, if that is soon: who listens is mostly ready then.
    async fn settle(&self) {
        let confirm = self.confirm.as_ref().map(|confirm| &confirm.link);
        let links = [Some(&self.store.link), Some(&self.subscriber.link), confirm];
        for link in links.into_iter().flatten() {
            // It does not wait for long where Redis is away.
            let _ = link.wire().await;
        }
        let mut looked = self.probe.looked.subscribe();
        let _ = timeout(FIRST_LOOK, looked.wait_for(|looked| *looked)).await;
    }

    pub(super) async fn commit(&self, event: ItemEvent) -> Result<Committed, EngineError> {
        let (tenant, began) = (event.key.tenant.clone(), Instant::now());
        let ((added, seq), history) = self.groups.commit(event).await?;
        self.metrics.redis_commit_seconds.observe(began.elapsed().as_secs_f64());
        match added {
            Added::Known => self.metrics.duplicates.inc(),
            Added::Full => self.metrics.full_items.inc(),
            Added::New => self.metrics.committed.inc(),
        };
        let receipt = self.receipt(|| self.store.keys.tenant(&tenant).fence(), history)?;
        Ok(Committed { added, seq, receipt })
    }

    pub(super) async fn archive(&self, unknown: Unknown) -> Result<Receipt, EngineError> {
        let [.., fence] = self.store.keys.archive();
        let Unknown { source, state, raw, .. } = unknown;
        let row = ArchivedRow { source, state, raw };
        let row = serde_json::to_string(&row)
            .map_err(|_| EngineError::Unavailable("it cannot be written as JSON"))?;
        let history = self.store.archive(row).await?;
        self.receipt(|| fence, history)
    }

    pub(super) async fn archived(&self) -> Result<Vec<Archived>, EngineError> {
        let [rows, ..] = self.store.keys.archive();
        let mut read = pipe();
        read.cmd("ZRANGE").arg(rows).arg(0).arg(-1).arg("WITHSCORES");
        let (rows,): (Vec<(String, u64)>,) = self.store.link.ask(Request::Pipeline(&read)).await?;
        let archived = rows.into_iter().filter_map(|(row, received_at)| {
            let ArchivedRow { source, state, raw } = serde_json::from_str(&row).ok()?;
            Some(Archived { received_at, source, state, raw })
        });
        Ok(archived.collect())
    }

    pub(super) async fn snapshot(&self, stream: &Stream) -> Result<View, EngineError> {
        let _turn = self.turn().await?;
        let watch = self.watch(stream.tenant()).await?;
        let items = self.store.latest(stream).await?;
        self.watches.on_read(&watch, &items.head);
        self.watches.hold(&items);
        Ok(self.view(items))
    }

    pub(super) async fn changes(
        &self,
        stream: &Stream,
        epoch: &str,
        after: u64,
    ) -> Result<Option<View>, EngineError> {
        let _turn = self.turn().await?;
        let watch = self.watch(stream.tenant()).await?;
        if self.watches.head(&watch).is_some_and(|head| *head.epoch != *epoch) {
            return Ok(None);
        }
        let items = self.store.changes(stream, epoch, after).await?;
        self.watches.on_read(&watch, items.as_ref().map_or_else(|head| head, |items| &items.head));
        let view = items.ok().map(|items| {
            self.watches.hold(&items);
            self.view(items)
        });
        Ok(view.filter(|view| self.store.limits.allow(stream, view)))
    }

    pub(super) fn position(&self, tenant: &TenantId) -> Option<Position> {
        let watch = self.watches.of(tenant, self.store.keys.tenant(tenant).channel());
        let head = watch.begun.initialized().then(|| self.watches.head(&watch)).flatten()?;
        Some(Position { epoch: head.epoch, seq: head.seq })
    }

    pub(super) async fn items(
        &self,
        tenant: &TenantId,
        keys: Vec<ItemKey>,
    ) -> Result<Vec<(ItemKey, ItemSet)>, EngineError> {
        let items = self.store.read(tenant, keys, None).await?.unwrap_or_default();
        Ok(items.into_iter().map(|(key, stored)| (key, stored.set)).collect())
    }

    pub(super) async fn page(
        &self,
        tenant: &TenantId,
        between: Range<u64>,
        most: usize,
    ) -> Result<Page, EngineError> {
        let _turn = self.turn().await?;
        self.watch(tenant).await?;
        self.pages.read(tenant, between, most).await
    }

    pub(super) async fn items_in_full(
        &self,
        tenant: &TenantId,
        keys: Vec<ItemKey>,
    ) -> Result<Vec<(ItemKey, ItemSet)>, EngineError> {
        let items = self.store.read(tenant, keys, None).await?.unwrap_or_default();
        let mut found: Vec<Found> = items.into_iter().map(|(key, stored)| Found { key, stored }).collect();
        self.store.tell(tenant, &mut found, usize::MAX).await?;
        Ok(found.into_iter().map(|Found { key, stored }| (key, stored.set)).collect())
    }

    pub(super) async fn glimpses(
        &self,
        tenant: &TenantId,
        keys: Vec<ItemKey>,
        rank: u32,
    ) -> Result<Vec<(ItemKey, Glimpse)>, EngineError> {
        self.glimpses.read(tenant, keys, rank).await
    }

    pub(super) fn rules(&self) -> &Rules {
        &self.watches.rules
    }

    /// Ends what is silent, and settles what has ended, where it is this node's turn: then gives the tenants. What fails
    /// is left to the next turn.
    pub(super) async fn sweep(&self) -> Vec<TenantId> {
        let until = Instant::now() + sweep::TURN;
        let tenants = self.sweeper.turn().await.unwrap_or_default();
        for tenant in &tenants {
            let silent = self.sweeper.silent(tenant).await.unwrap_or_default();
            let commits = stream::iter(silent).map(|event| self.commit(event));
            commits.buffer_unordered(COMMIT_TOGETHER).for_each(async |_| {}).await;
        }
        for tenant in &tenants {
            let _ = self.settling.settle(tenant, until).await;
            let _ = self.pages.trim(tenant).await;
        }
        tenants
    }

    pub(super) fn trouble(&self) -> Option<&'static str> {
        let is_away = !self.store.link.is_up() || self.probe.is_stale();
        let is_unconfirmed = self.confirm.as_ref().is_some_and(|confirm| !confirm.link.is_up());
        (is_away || is_unconfirmed).then_some("Redis does not answer").or_else(|| self.writes.trouble())
    }

    /// Brings the gauges up to date.
    pub(super) fn measure(&self) {
        self.metrics.redis_probe_age.set(self.probe.age().as_secs_f64());
        self.metrics.tenants.set(self.watches.count() as i64);
    }

    /// Watches a tenant from now on, for as long as someone listens. Whatever is committed after
    /// this returns reaches those who listen, sooner or later.
    async fn watch(&self, tenant: &TenantId) -> Result<Arc<Watch>, EngineError> {
        let watch = self.watches.of(tenant, self.store.keys.tenant(tenant).channel());
        let begin = || async {
            let head = self.store.head(tenant, None).await?;
            self.watches.begin(&watch, head);
            self.subscriber.hurry.notify_one();
            Ok::<(), EngineError>(())
        };
        watch.begun.get_or_try_init(begin).await?;
        Ok(watch)
    }

    /// When many sessions come at once, they read one after the other.
    async fn turn(&self) -> Result<SemaphorePermit<'_>, EngineError> {
        let turn = timeout(TURN, self.reads.acquire()).await;
        turn.ok().and_then(Result::ok).ok_or(EngineError::Unavailable("too many sessions read from Redis"))
    }

    fn view(&self, FoundItems { head, found }: FoundItems) -> View {
        let items = found.into_iter().filter_map(|found| found.stored.set.fold(&found.key, self.rules()));
        View::new(head.epoch, head.seq, items)
    }

    fn receipt(&self, fence: impl FnOnce() -> String, history: History) -> Result<Receipt, EngineError> {
        receipt(self.confirm.as_deref(), fence, history)
    }
}

/// When what was written in a history is durable; at once, where a promise is of memory only.
fn receipt(
    confirm: Option<&Confirm>,
    fence: impl FnOnce() -> String,
    history: History,
) -> Result<Receipt, EngineError> {
    let confirmed = confirm.map(|confirm| confirm.ask(fence(), history)).transpose()?;
    Ok(confirmed.flatten().map_or(Receipt::Now, Receipt::Redis))
}

/// An event of an unknown state, as it is stored.
#[derive(Serialize, Deserialize)]
struct ArchivedRow {
    source: SourceName,
    state: String,
    raw: String,
}
