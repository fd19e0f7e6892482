//! The engine: where events are committed and items are read. Truth is the stored sequence:
//! each change of a tenant has the next number, and publishing is only for speed.
//!
//! Knows the feed, to which it hands changes; knows nothing of sockets, nor of what an event says: how it is to be
//! taken, it says in numbers.

mod days;
mod directory;
mod displays;
mod embedded;
mod limits;
mod metrics;
mod nodes;
mod redis;

pub(crate) use days::{CallsBefore, DayBytes, DayList, DayPart, ListedDay, StoredDay, StoredDays};
use directory::DirectoryMetrics;
pub(crate) use directory::{PutDirectory, StoredDirectories};
pub(crate) use displays::{Claim, DisplayKey, Looked, Paired, StoredDisplays};
pub(crate) use embedded::Embedded;
pub(crate) use nodes::{Heard, Nodes};
/// What operators do with the store of the embedded engine.
pub(crate) mod store {
    pub(crate) use super::embedded::{
        backup::{Backup, restore},
        store::{Repaired, Verdict, repair, verify},
    };
}
pub(crate) use redis::Redis;

use crate::{
    call::{Call, Rules},
    clock::Micros,
    config::{Config, EngineKind},
    event_set::Added,
    feed::{Feed, Stream},
    http::{Problem, unavailable},
    id::{ItemKey, SourceName, TenantId},
    item::{Glimpse, Item, ItemEvent, ItemSet},
    link::{Confirmed, LinkError, Unconfirmed},
    metrics::Metrics,
    notice::Notice,
    source::Unknown,
    tasks::Tasks,
};
use metrics::EngineMetrics;
use std::{ops::Range, sync::Arc};

/// The most events of unknown states that any engine keeps, and the most bytes of them.
const MAX_ARCHIVED: usize = 1000;
const MAX_ARCHIVED_BYTES: usize = 8 * 1024 * 1024;

/// What an operator should know of what is stored.
pub(crate) fn warning(metrics: &Metrics) -> Option<String> {
    let times = metrics.of::<EngineMetrics>().unreadable.get();
    (times > 0).then(|| {
        format!("stored rows could not be read, {times} times since the start: the log names them; they are left out")
    })
}

/// One of the engines that a configuration can choose.
pub(crate) enum Engine {
    Embedded(Box<Embedded>),
    Redis(Box<Redis>),
}

/// The items of a stream, read at one instant.
pub(crate) struct View {
    pub(crate) epoch: Arc<str>,
    /// The tenant's sequence at that instant.
    pub(crate) seq: u64,
    /// Newest first.
    pub(crate) calls: Vec<Call>,
    /// Newest first.
    pub(crate) notices: Vec<Notice>,
}

/// A part of a tenant's calls, those that changed last first.
pub(crate) struct Page {
    /// Where the tenant stood when it was read.
    pub(crate) position: Position,
    pub(crate) items: Vec<(ItemKey, ItemSet)>,
    /// Below which number the next page begins; none where this is the last.
    pub(crate) next: Option<u64>,
    /// When the first of these changed last, by callpop's clock; each that comes later in pages changed before that.
    pub(crate) since: Micros,
}

/// Where a tenant's sequence stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) epoch: Arc<str>,
    pub(crate) seq: u64,
}

/// What became of an event.
pub(crate) struct Committed {
    pub(crate) added: Added,
    /// The number of the change that it made; where it was known, of a change of its item by which it was; 0 where it had
    /// no room.
    pub(crate) seq: u64,
    pub(crate) receipt: Receipt,
}

/// Something is committed; this tells when it is durable.
pub(crate) enum Receipt {
    /// It is, as far as was promised.
    Now,
    Journal(embedded::Durable),
    Redis(Confirmed),
}

/// Why an engine does not do what it is asked.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum EngineError {
    /// Try again: nothing was changed, or not for certain.
    #[error("the engine cannot commit now: {0}")]
    Unavailable(&'static str),
    /// At start.
    #[error("{0}")]
    CannotOpen(String),
}

/// An archived event of an unknown state.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
pub(crate) struct Archived {
    /// When it came, by callpop's clock.
    pub(crate) received_at: Micros,
    pub(crate) source: SourceName,
    pub(crate) state: String,
    pub(crate) raw: String,
}

impl Engine {
    /// Opens the configured engine; what is committed is handed to `feed`.
    pub(crate) async fn open(
        config: &Config,
        feed: Arc<Feed>,
        metrics: &Metrics,
        tasks: &Tasks,
    ) -> Result<Self, EngineError> {
        match config.engine.kind {
            EngineKind::Embedded => Embedded::open(config, feed, metrics.of(), tasks)
                .map(|engine| Self::Embedded(Box::new(engine))),
            EngineKind::Redis => {
                Redis::open(config, feed, metrics, tasks).await.map(|engine| Self::Redis(Box::new(engine)))
            }
        }
    }

    /// Adds an event to its item, and tells whether it was new. Listeners are told at once; the
    /// receipt tells when it is durable.
    pub(crate) async fn commit(&self, event: ItemEvent) -> Result<Committed, EngineError> {
        match self {
            Self::Embedded(engine) => engine.commit(event),
            Self::Redis(engine) => engine.commit(event).await,
        }
    }

    /// Keeps an event of an unknown state for operators.
    pub(crate) async fn archive(&self, unknown: Unknown) -> Result<Receipt, EngineError> {
        match self {
            Self::Embedded(engine) => engine.archive(unknown),
            Self::Redis(engine) => engine.archive(unknown).await,
        }
    }

    /// The events of unknown states that are still kept, oldest first.
    pub(crate) async fn archived(&self) -> Result<Vec<Archived>, EngineError> {
        match self {
            Self::Embedded(engine) => Ok(engine.archived()),
            Self::Redis(engine) => engine.archived().await,
        }
    }

    /// All live items of a stream, and the recent ones beside them.
    pub(crate) async fn snapshot(&self, stream: &Stream) -> Result<View, EngineError> {
        match self {
            Self::Embedded(engine) => Ok(engine.snapshot(stream).await),
            Self::Redis(engine) => engine.snapshot(stream).await,
        }
    }

    /// The items that changed after `seq` of `epoch`; none where that can no longer be told.
    pub(crate) async fn changes(
        &self,
        stream: &Stream,
        epoch: &str,
        seq: u64,
    ) -> Result<Option<View>, EngineError> {
        match self {
            Self::Embedded(engine) => Ok(engine.changes(stream, epoch, seq).await),
            Self::Redis(engine) => engine.changes(stream, epoch, seq).await,
        }
    }

    /// Up to where whoever listens to a tenant hears of its changes, without asking a store; none where that is not known.
    pub(crate) fn position(&self, tenant: &TenantId) -> Option<Position> {
        match self {
            Self::Embedded(engine) => Some(engine.position(tenant)),
            Self::Redis(engine) => engine.position(tenant),
        }
    }

    /// Those of a tenant's items that there are; a store may leave out what their summaries say.
    pub(crate) async fn items(
        &self,
        tenant: &TenantId,
        keys: Vec<ItemKey>,
    ) -> Result<Vec<(ItemKey, ItemSet)>, EngineError> {
        match self {
            Self::Embedded(engine) => Ok(engine.items(tenant, keys).await),
            Self::Redis(engine) => engine.items(tenant, keys).await,
        }
    }

    /// The calls of a tenant that changed last at a number between two, the latest first, so many at most. Whoever listens
    /// to the tenant already, and reads page after page, misses nothing.
    pub(crate) async fn page(
        &self,
        tenant: &TenantId,
        between: Range<u64>,
        most: usize,
    ) -> Result<Page, EngineError> {
        match self {
            Self::Embedded(engine) => Ok(engine.page(tenant, between, most).await),
            Self::Redis(engine) => engine.page(tenant, between, most).await,
        }
    }

    /// The store as it is now, to be copied; none where this node has none.
    pub(crate) fn backup(&self) -> Option<store::Backup> {
        match self {
            Self::Embedded(engine) => engine.backup(),
            Self::Redis(_) => None,
        }
    }

    /// Those of a tenant's items that there are, as far as one rank of their events goes: the rest of them is not read.
    pub(crate) async fn glimpses(
        &self,
        tenant: &TenantId,
        keys: Vec<ItemKey>,
        rank: u32,
    ) -> Result<Vec<(ItemKey, Glimpse)>, EngineError> {
        match self {
            Self::Embedded(engine) => {
                let items = engine.items(tenant, keys).await.into_iter();
                Ok(items.filter_map(|(key, set)| Some((key, set.glimpse(rank)?))).collect())
            }
            Self::Redis(engine) => engine.glimpses(tenant, keys, rank).await,
        }
    }

    /// A call with all that its summary says; none where there is no such call, or it has no summary.
    pub(crate) async fn call_in_full(&self, key: &ItemKey) -> Result<Option<Call>, EngineError> {
        let Some(ItemSet::Call(leg)) = self.item_in_full(key).await? else { return Ok(None) };
        Ok(leg.fold_in_full(key, self.rules()))
    }

    /// An item with all that the latest of its summaries says; none where it is not there.
    pub(crate) async fn item_in_full(&self, key: &ItemKey) -> Result<Option<ItemSet>, EngineError> {
        Ok(self.items_in_full(&key.tenant, vec![key.clone()]).await?.pop().map(|(_, set)| set))
    }

    /// Those of a tenant's items that there are, each with all that the latest of its summaries says.
    pub(crate) async fn items_in_full(
        &self,
        tenant: &TenantId,
        keys: Vec<ItemKey>,
    ) -> Result<Vec<(ItemKey, ItemSet)>, EngineError> {
        match self {
            Self::Embedded(engine) => Ok(engine.items(tenant, keys).await),
            Self::Redis(engine) => engine.items_in_full(tenant, keys).await,
        }
    }

    /// How the engine folds calls.
    pub(crate) fn rules(&self) -> &Rules {
        match self {
            Self::Embedded(engine) => engine.rules(),
            Self::Redis(engine) => engine.rules(),
        }
    }

    /// The directories of tenants, as they are stored.
    pub(crate) fn directories(&self) -> StoredDirectories {
        match self {
            Self::Embedded(engine) => StoredDirectories::Embedded(engine.directories.clone()),
            Self::Redis(engine) => StoredDirectories::Redis(engine.directories.clone()),
        }
    }

    /// The displays of tenants, and their pairings.
    pub(crate) fn displays(&self) -> StoredDisplays {
        match self {
            Self::Embedded(engine) => StoredDisplays::Embedded(engine.displays.clone()),
            Self::Redis(engine) => StoredDisplays::Redis(engine.displays.clone()),
        }
    }

    /// The closed days of tenants, as they are stored.
    pub(crate) fn days(&self) -> StoredDays {
        match self {
            Self::Embedded(engine) => StoredDays::Embedded(engine.days.clone()),
            Self::Redis(engine) => StoredDays::Redis(engine.days.clone()),
        }
    }

    /// Ends what is long silent and forgets what ended long ago; to be called now and then. Gives the tenants that it was
    /// this node's turn to look after.
    pub(crate) async fn sweep(&self) -> Vec<TenantId> {
        match self {
            Self::Embedded(engine) => engine.sweep(),
            Self::Redis(engine) => engine.sweep().await,
        }
    }

    /// Why nothing can be committed now, if so.
    pub(crate) fn trouble(&self) -> Option<&'static str> {
        match self {
            Self::Embedded(engine) => engine.trouble(),
            Self::Redis(engine) => engine.trouble(),
        }
    }

    /// Brings the gauges up to date that nothing else does.
    pub(crate) fn measure(&self) {
        match self {
            Self::Embedded(_) => {}
            Self::Redis(engine) => engine.measure(),
        }
    }

    /// Makes everything durable and stops; an error where that cannot be.
    pub(crate) async fn close(&self) -> Result<(), EngineError> {
        match self {
            Self::Embedded(engine) => engine.close().await,
            Self::Redis(_) => Ok(()),
        }
    }
}

impl View {
    fn new(epoch: Arc<str>, seq: u64, items: impl Iterator<Item = Item>) -> Self {
        let (mut calls, mut notices) = (Vec::new(), Vec::new());
        items.for_each(|item| match item {
            Item::Call(call) => calls.push(call),
            Item::Notice(notice) => notices.push(notice),
        });
        calls.sort_by_key(|call| std::cmp::Reverse(call.started_at));
        notices.sort_by_key(|notice| std::cmp::Reverse(notice.at));
        Self { epoch, seq, calls, notices }
    }
}

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        unavailable(&error.to_string())
    }
}

impl From<LinkError> for EngineError {
    fn from(error: LinkError) -> Self {
        Self::Unavailable(error.reason())
    }
}

impl From<Unconfirmed> for EngineError {
    fn from(error: Unconfirmed) -> Self {
        Self::Unavailable(error.reason())
    }
}

impl Receipt {
    /// Waits until a crash can no longer take the event away, as far as `engine.durability` promises.
    pub(crate) async fn durable(self) -> Result<(), EngineError> {
        match self {
            Self::Now => Ok(()),
            Self::Journal(durable) => durable.wait().await,
            Self::Redis(confirmed) => {
                Ok(confirmed.await.map_err(|_| EngineError::Unavailable("the node is going away"))??)
            }
        }
    }
}
