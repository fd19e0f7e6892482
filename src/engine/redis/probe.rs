//! Once a second: where does every watched tenant stand in the store? It proves that Redis can be
//! reached, and finds whatever was published in vain.

use super::{
    keyspace::Keyspace,
    stored::Head,
    watch::{Watch, Watches},
};
use crate::{
    engine::EngineError,
    link::{Wire, field},
};
use futures_util::{StreamExt, stream};
use parking_lot::Mutex;
use redis::{RedisResult, pipe};
use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    sync::{Notify, watch},
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
/// Heads that are asked for at the same time.
const AT_ONCE: usize = 256;
/// So many looks in a row with a server that does not answer, and the cluster is connected to anew.
const MOST_LATE: u32 = 3;
const NO_ANSWER: EngineError = EngineError::Unavailable("Redis does not answer");

/// The looks of one node.
pub(crate) struct Probe {
    last: Mutex<Instant>,
    /// Whether every primary was ever seen with a replica. Replicas that are away for a while, as
    /// just after a failover, are to be waited for.
    pub(crate) has_replicas: Arc<AtomicBool>,
    /// Looks in a row at a cluster in which some server was late.
    late: AtomicU32,
    /// Whether there was any look.
    pub(crate) looked: watch::Sender<bool>,
    /// Look now: it may be that something was missed.
    pub(crate) now: Notify,
}

/// A tenant, and how far it was delivered before the look.
type Watched = (Head, Arc<Watch>);

/// What a look found.
#[derive(Default)]
struct Compared {
    ahead: Vec<Arc<Watch>>,
    answered: usize,
    failed: usize,
}

/// Tells the watches where the store is, many at the same time.
async fn compare<H>(watches: &Watches, heads: impl Iterator<Item = H>) -> Compared
where
    H: Future<Output = (Result<Head, EngineError>, Arc<Watch>)>,
{
    let mut compared = Compared::default();
    let mut heads = pin!(stream::iter(heads).buffer_unordered(AT_ONCE));
    while let Some((head, watch)) = heads.next().await {
        match head {
            Ok(head) => {
                compared.answered += 1;
                if watches.on_look(&watch, &head) {
                    compared.ahead.push(watch);
                }
            }
            Err(_) => compared.failed += 1,
        }
    }
    compared
}

/// A head as it is stored, if there is one: epoch, number, history.
type SeenHead = (Option<String>, Option<u64>, Option<String>);

impl Probe {
    pub(crate) fn new() -> Self {
        Self {
            last: Mutex::new(Instant::now()),
            has_replicas: Arc::default(),
            late: AtomicU32::new(0),
            looked: watch::Sender::new(false),
            now: Notify::new(),
        }
    }

    /// How long ago the last look succeeded.
    pub(crate) fn age(&self) -> Duration {
        self.last.lock().elapsed()
    }

    /// Whether the last look is too long ago.
    pub(crate) fn is_stale(&self) -> bool {
        self.age() > STALE
    }

    /// Looks, for ever.
    pub(crate) async fn run(self: Arc<Self>, store: Arc<Keyspace>, watches: Arc<Watches>) {
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
    async fn look(&self, store: &Keyspace, watches: &Watches) -> Result<Vec<Arc<Watch>>, EngineError> {
        let (wire, nth) = store.link.wire().await?;
        let watched: Vec<Watched> =
            watches.all().into_iter().filter_map(|watch| Some((watches.head(&watch)?, watch))).collect();
        if wire.is_cluster() {
            return self.look_at_cluster((wire, nth), store, watches, watched).await;
        }
        let began = Instant::now();
        let Ok(Ok((line, heads))) = timeout(DEADLINE, self.ask(wire, store, &watched)).await else {
            // Slow or silent: a new connection tells which, unless others were answered meanwhile.
            if !store.link.has_answered_since(began) {
                store.link.give_up(nth);
            }
            return Err(NO_ANSWER);
        };
        self.note_success();
        let heads = watched.into_iter().zip(heads).map(|((ours, watch), stored)| {
            let line = &line;
            async move {
                let head = match stored {
                    (Some(epoch), Some(seq), of)
                        if of == *line && (*epoch != *ours.epoch || seq >= ours.seq) =>
                    {
                        Ok(Head { epoch: epoch.into(), seq })
                    }
                    // Lost, gone back, or of another history.
                    _ => store.head(&watch.tenant, Some(&ours)).await,
                };
                (head, watch)
            }
        });
        Ok(compare(watches, heads).await.ahead)
    }

    /// The server's history, and the heads as they are stored.
    async fn ask(
        &self,
        mut wire: Wire,
        store: &Keyspace,
        watched: &[Watched],
    ) -> RedisResult<(Option<String>, Vec<SeenHead>)> {
        let info = wire.info("replication").await?.pop().unwrap_or_default();
        self.note_replicas([&info]);
        let mut heads = pipe();
        for (_, watch) in watched {
            heads.cmd("HMGET").arg(store.keys.tenant(&watch.tenant).head()).arg(&["epoch", "seq", "history"]);
        }
        let heads = if watched.is_empty() { Vec::new() } else { heads.query_async(&mut wire).await? };
        Ok((field(&info, "master_replid").map(str::to_owned), heads))
    }

    /// Each shard has its own history, and may fail alone: every tenant is asked for by itself.
    async fn look_at_cluster(
        &self,
        (mut wire, nth): (Wire, u64),
        store: &Keyspace,
        watches: &Watches,
        watched: Vec<Watched>,
    ) -> Result<Vec<Arc<Watch>>, EngineError> {
        let infos = timeout(DEADLINE, wire.info("replication")).await;
        if let Ok(Ok(infos)) = infos {
            self.note_replicas(&infos);
        }
        let is_well = timeout(DEADLINE, wire.is_well()).await.is_ok_and(|well| well.unwrap_or(false));
        let is_idle = watched.is_empty();
        let heads = watched.into_iter().map(|(ours, watch)| async move {
            let head = timeout(DEADLINE, store.head(&watch.tenant, Some(&ours))).await;
            (head.unwrap_or(Err(NO_ANSWER)), watch)
        });
        let Compared { ahead, answered, failed } = compare(watches, heads).await;
        // A server that hangs is not left by the cluster's connection, also when another has taken its place.
        let late = if failed == 0 { 0 } else { self.late.load(Ordering::Relaxed) + 1 };
        self.late.store(late % MOST_LATE, Ordering::Relaxed);
        if late == MOST_LATE {
            store.link.give_up(nth);
        }
        if !is_well || (answered == 0 && !is_idle) {
            return Err(NO_ANSWER);
        }
        self.note_success();
        Ok(ahead)
    }

    fn note_success(&self) {
        *self.last.lock() = Instant::now();
        self.looked.send_replace(true);
    }

    fn note_replicas<'a>(&self, infos: impl IntoIterator<Item = &'a String>) {
        let online = |info: &String| info.lines().filter(|line| line.contains("state=online")).count();
        if infos.into_iter().map(online).min().is_some_and(|fewest| fewest > 0) {
            self.has_replicas.store(true, Ordering::Relaxed);
        }
    }
}
