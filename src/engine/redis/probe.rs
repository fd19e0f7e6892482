//! Once a second: where does every watched tenant stand in the store? It proves that Redis can be
//! reached, and finds whatever was published in vain.

use super::{
    store::Store,
    stored::Head,
    watch::{Watch, Watches},
    wire::{Wire, field},
};
use crate::engine::EngineError;
use futures_util::{StreamExt, stream};
use parking_lot::Mutex;
use redis::{RedisResult, pipe};
use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    sync::Notify,
    time::{MissedTickBehavior, interval, sleep, timeout},
};

/// Between two looks.
const EVERY: Duration = Duration::from_secs(1);
/// How long a look may take.
const DEADLINE: Duration = Duration::from_secs(1);
/// What was committed just before a look may be on its way for so long.
const ON_ITS_WAY: Duration = Duration::from_millis(150);
/// A look that is older than this no longer proves anything.
const STALE: Duration = Duration::from_secs(3);
/// Heads that are asked for at the same time of a cluster.
const AT_ONCE: usize = 256;
const NO_ANSWER: EngineError = EngineError::Unavailable("Redis does not answer");

/// The looks of one node.
pub struct Probe {
    last: Mutex<Instant>,
    /// The fewest replicas that any primary has online.
    pub replicas: AtomicUsize,
    /// Look now: it may be that something was missed.
    pub now: Notify,
}

/// A tenant, and how far it was delivered before the look.
type Watched = (Head, Arc<Watch>);

/// A head as it is stored, if there is one: epoch, number, history.
type Stored = (Option<String>, Option<u64>, Option<String>);

impl Probe {
    pub fn new() -> Self {
        Self { last: Mutex::new(Instant::now()), replicas: AtomicUsize::new(0), now: Notify::new() }
    }

    /// How long ago the last look succeeded.
    pub fn age(&self) -> Duration {
        self.last.lock().elapsed()
    }

    /// Whether the last look is too long ago.
    pub fn is_stale(&self) -> bool {
        self.age() > STALE
    }

    /// Looks, for ever.
    pub async fn run(self: Arc<Self>, store: Arc<Store>, watches: Arc<Watches>) {
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = self.now.notified() => {}
            }
            if let Ok(ahead) = self.look(&store, &watches).await
                && !ahead.is_empty()
            {
                sleep(ON_ITS_WAY).await;
                ahead.iter().for_each(|watch| watches.on_overdue(watch));
            }
        }
    }

    /// Looks once; gives the tenants whose store is ahead.
    async fn look(&self, store: &Store, watches: &Watches) -> Result<Vec<Arc<Watch>>, EngineError> {
        let (wire, nth) = store.link.wire().await?;
        let watched: Vec<Watched> =
            watches.all().into_iter().filter_map(|watch| Some((watches.head(&watch)?, watch))).collect();
        if wire.is_cluster() {
            return self.look_at_cluster(wire, store, watches, watched).await;
        }
        let Ok(Ok((line, heads))) = timeout(DEADLINE, self.ask(wire, store, &watched)).await else {
            // Slow or silent: a new connection tells which.
            store.link.give_up(nth);
            return Err(NO_ANSWER);
        };
        *self.last.lock() = Instant::now();
        let mut ahead = Vec::new();
        for ((ours, watch), stored) in watched.into_iter().zip(heads) {
            let head = match stored {
                (Some(epoch), Some(seq), of) if of == line && (*epoch != *ours.epoch || seq >= ours.seq) => {
                    Head { epoch: epoch.into(), seq }
                }
                // Lost, gone back, or of another history.
                _ => store.head(&watch.tenant, Some(&ours)).await?,
            };
            if watches.on_look(&watch, &head) {
                ahead.push(watch);
            }
        }
        Ok(ahead)
    }

    /// The server's history, and the heads as they are stored.
    async fn ask(
        &self,
        mut wire: Wire,
        store: &Store,
        watched: &[Watched],
    ) -> RedisResult<(Option<String>, Vec<Stored>)> {
        let info = wire.info("replication").await?.pop().unwrap_or_default();
        self.note_replicas([&info]);
        let mut heads = pipe();
        for (_, watch) in watched {
            heads.cmd("HMGET").arg(store.keys.tenant(&watch.tenant).head()).arg(&["epoch", "seq", "line"]);
        }
        let heads = if watched.is_empty() { Vec::new() } else { heads.query_async(&mut wire).await? };
        Ok((field(&info, "master_replid").map(str::to_owned), heads))
    }

    /// Each shard has its own history, and may fail alone: every tenant is asked for by itself.
    async fn look_at_cluster(
        &self,
        mut wire: Wire,
        store: &Store,
        watches: &Watches,
        watched: Vec<Watched>,
    ) -> Result<Vec<Arc<Watch>>, EngineError> {
        let infos = timeout(DEADLINE, wire.info("replication")).await;
        let infos = infos.ok().and_then(Result::ok);
        if let Some(infos) = &infos {
            self.note_replicas(infos);
        }
        let mut has_answered = infos.is_some();
        let mut ahead = Vec::new();
        let heads = watched
            .into_iter()
            .map(|(ours, watch)| async move { (store.head(&watch.tenant, Some(&ours)).await, watch) });
        let mut heads = pin!(stream::iter(heads).buffer_unordered(AT_ONCE));
        while let Some((head, watch)) = heads.next().await {
            let Ok(head) = head else { continue };
            has_answered = true;
            if watches.on_look(&watch, &head) {
                ahead.push(watch);
            }
        }
        if !has_answered {
            return Err(NO_ANSWER);
        }
        *self.last.lock() = Instant::now();
        Ok(ahead)
    }

    fn note_replicas<'a>(&self, infos: impl IntoIterator<Item = &'a String>) {
        let online = |info: &String| info.lines().filter(|line| line.contains("state=online")).count();
        let fewest = infos.into_iter().map(online).min().unwrap_or_default();
        self.replicas.store(fewest, Ordering::Relaxed);
    }
}
