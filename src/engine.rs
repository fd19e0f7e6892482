//! The engine: where events are committed and calls are read. Truth is the stored sequence:
//! each change of a tenant has the next number, and publishing is only for speed.
//!
//! Knows the feed, to which it hands changes; knows nothing of sockets.

mod embedded;
mod metrics;
mod redis;

pub(crate) use embedded::Embedded;
pub(crate) use redis::Redis;

use crate::{
    call::{Added, Call, CallEvent, Event, LegKey},
    clock::{Micros, now},
    config::{Config, EngineKind},
    feed::{Feed, Stream},
    id::{SourceName, TenantId},
    link::{Confirmed, LinkError, Unconfirmed},
    metrics::Metrics,
    source::Unknown,
    tasks::Tasks,
};
use metrics::EngineMetrics;
use std::sync::Arc;

/// The most events of unknown states that any engine keeps, and the most bytes of them.
const MAX_ARCHIVED: usize = 1000;
const MAX_ARCHIVED_BYTES: usize = 8 * 1024 * 1024;

/// One of the engines that a configuration can choose.
pub(crate) enum Engine {
    Embedded(Box<Embedded>),
    Redis(Box<Redis>),
}

/// The calls of a stream, read at one instant.
pub(crate) struct View {
    pub(crate) epoch: Arc<str>,
    /// The tenant's sequence at that instant.
    pub(crate) seq: u64,
    /// Newest first.
    pub(crate) calls: Vec<Call>,
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

/// A leg as operators see it.
#[derive(serde::Serialize)]
pub(crate) struct LegView {
    pub(crate) call: Option<Call>,
    pub(crate) events: Vec<Event>,
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

    /// Adds an event to its leg, and tells whether it was new. Listeners are told at once; the
    /// receipt tells when it is durable.
    pub(crate) async fn commit(&self, event: CallEvent) -> Result<(Added, Receipt), EngineError> {
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

    /// All live calls of a stream and its recent ended ones.
    pub(crate) async fn snapshot(&self, stream: &Stream) -> Result<View, EngineError> {
        match self {
            Self::Embedded(engine) => Ok(engine.snapshot(stream)),
            Self::Redis(engine) => engine.snapshot(stream).await,
        }
    }

    /// The calls that changed after `seq` of `epoch`; none where that can no longer be told.
    pub(crate) async fn changes(
        &self,
        stream: &Stream,
        epoch: &str,
        seq: u64,
    ) -> Result<Option<View>, EngineError> {
        match self {
            Self::Embedded(engine) => Ok(engine.changes(stream, epoch, seq)),
            Self::Redis(engine) => engine.changes(stream, epoch, seq).await,
        }
    }

    /// Those of the legs that there are.
    pub(crate) async fn known(
        &self,
        tenant: &TenantId,
        legs: Vec<LegKey>,
    ) -> Result<Vec<LegKey>, EngineError> {
        match self {
            Self::Embedded(engine) => Ok(engine.known(tenant, legs)),
            Self::Redis(engine) => engine.known(tenant, legs).await,
        }
    }

    /// A leg's events, for operators.
    pub(crate) async fn leg(&self, key: &LegKey) -> Result<Option<LegView>, EngineError> {
        match self {
            Self::Embedded(engine) => Ok(engine.leg(key)),
            Self::Redis(engine) => engine.leg(key).await,
        }
    }

    /// Ends what is long silent and forgets what ended long ago; to be called now and then.
    pub(crate) async fn sweep(&self) {
        match self {
            Self::Embedded(engine) => engine.sweep(now()),
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
