//! Where the sidecar keeps what must not be lost: rows, each with a revision, and one-time secrets.
//!
//! A row is only ever replaced by compare-and-swap, and never deleted; each swap takes the next
//! number (`seq`) of the whole store. What a row or a secret says is opaque here.
//!
//! A **lineage** is one history of the numbers. A store that lost something, or that may have (an
//! emptied or restored one, a replica that took over), begins a new lineage; its readers begin again.

mod embedded;
mod redis;

use crate::{
    config::{self, EngineKind},
    metrics::Metrics,
    tasks::Tasks,
};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use embedded::Embedded;
use redis::Redis;

/// The most rows that [`Store::changes`] gives at once.
pub const MOST_CHANGES: usize = 500;
/// The most one-time secrets that are kept, taken ones too until their time is over.
pub const MOST_SECRETS: usize = 10_000;
/// The most bytes of a name.
pub const MOST_NAME: usize = 512;
/// The most bytes of a value.
pub const MOST_VALUE: usize = 64 * 1024;
/// Calls under way; one more is refused.
const MOST_CALLS: usize = 1024;
const TOO_MANY: StoreError = StoreError::Unavailable("too many calls wait for the store");

/// The file of [`Store::embedded`] in its folder.
pub(crate) fn embedded_file(dir: &Path) -> PathBuf {
    dir.join(embedded::NAME)
}

/// A store, as configured.
pub enum Store {
    Embedded(Embedded),
    Redis(Box<Redis>),
}

/// A row as one swap left it.
#[derive(Clone, PartialEq, Eq)]
pub struct Row {
    pub name: String,
    /// 1 for the first.
    pub revision: u64,
    /// The number of its swap in the whole store.
    pub seq: u64,
    pub value: String,
}

/// How a swap went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Swap {
    /// It is written, and durable.
    Done(Row),
    /// Nothing is written: this stands there.
    Lost(Option<Row>),
}

/// Rows that changed, in the order of `seq`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changes {
    /// The store's lineage. Where it is not the one that was asked for, the rows are from the
    /// beginning, and rows that the reader knows may have gone back or be gone.
    pub lineage: String,
    pub rows: Vec<Row>,
}

/// Why a store does not do what it is asked.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum StoreError {
    /// Nothing was written, surely: try again.
    #[error("the store cannot be used now: {0}")]
    Unavailable(&'static str),
    /// It may be written or not, and may still come to be; or it is written, and may be lost
    /// again. Read again, by [`Store::get_durable`].
    #[error("it is not known whether the store has it: {0}")]
    Unknown(&'static str),
    /// As many one-time secrets wait as are allowed: try again when some have expired.
    #[error("too many one-time secrets wait in the store")]
    Full,
    /// A one-time secret of that name was put already.
    #[error("a one-time secret of that name is there already")]
    Taken,
    /// It is never taken.
    #[error("a name or value is too large for the store")]
    TooLarge,
    /// At start.
    #[error("{0}")]
    CannotOpen(String),
}

impl Store {
    /// Opens the store that goes with the engine: a file in `dir`, or in its Redis.
    ///
    /// # Errors
    /// `CannotOpen`. A Redis that is only away is none.
    pub async fn open(
        engine: &config::Engine,
        dir: &Path,
        metrics: &Metrics,
        tasks: &Tasks,
    ) -> Result<Self, StoreError> {
        match engine.kind {
            EngineKind::Embedded => Self::embedded(dir).await,
            EngineKind::Redis => {
                Redis::open(engine, metrics, tasks).await.map(|store| Self::Redis(Box::new(store)))
            }
        }
    }

    /// Opens the file in a folder, which both are made where they are missing. Several
    /// processes may have it open.
    pub async fn embedded(dir: &Path) -> Result<Self, StoreError> {
        Embedded::open(dir).await.map(Self::Embedded)
    }

    /// Reads a row. What it says may not be durable yet, if its swap is not done.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn get(&self, name: &str) -> Result<Option<Row>, StoreError> {
        match self {
            Self::Embedded(store) => store.get(name).await,
            Self::Redis(store) => store.get(name).await,
        }
    }

    /// Reads a row, and makes sure that what it says is durable.
    ///
    /// After a swap that is `Unknown`, this tells what became of it by now; what was not done may
    /// still be, until another swap of the row is.
    ///
    /// # Errors
    /// `Unavailable`, also where the row is not known to be durable.
    pub async fn get_durable(&self, name: &str) -> Result<Option<Row>, StoreError> {
        match self {
            // What is not on the disk is not seen.
            Self::Embedded(store) => store.get(name).await,
            Self::Redis(store) => store.get_durable(name).await,
        }
    }

    /// Writes a row if its revision is `was`, which it is not after that; 0: if there is no such row.
    /// Not cancel safe: dropped, it is as one that is `Unknown`.
    ///
    /// # Errors
    /// `Unavailable`, `Unknown`, `TooLarge`.
    pub async fn swap(&self, name: &str, was: u64, value: &str) -> Result<Swap, StoreError> {
        check(name, value)?;
        match self {
            Self::Embedded(store) => store.swap(name, was, value).await,
            Self::Redis(store) => store.swap(name, was, value).await,
        }
    }

    /// The rows whose last change has a later number than `after` of `lineage`: each once, at most
    /// `most` of them and [`MOST_CHANGES`]. Of another lineage, or none (""), it is all rows from the
    /// first on. A reader goes on with the lineage and the last `seq` that it was given.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn changes(&self, lineage: &str, after: u64, most: usize) -> Result<Changes, StoreError> {
        let most = most.min(MOST_CHANGES);
        match self {
            Self::Embedded(store) => store.changes(lineage, after, most).await,
            Self::Redis(store) => store.changes(lineage, after, most).await,
        }
    }

    /// Keeps a secret to be taken once, for so long.
    ///
    /// # Errors
    /// `Unavailable`, `Unknown`, `Full`, `Taken`, `TooLarge`.
    pub async fn put_once(&self, name: &str, value: &str, ttl: Duration) -> Result<(), StoreError> {
        check(name, value)?;
        match self {
            Self::Embedded(store) => store.put_once(name, value, ttl).await,
            Self::Redis(store) => store.put_once(name, value, ttl).await,
        }
    }

    /// Takes a secret: of all who ask, on all nodes, one gets it at most, and none after its time.
    ///
    /// # Errors
    /// `Unavailable`, or `Unknown`: then it may be gone.
    pub async fn take(&self, name: &str) -> Result<Option<String>, StoreError> {
        match self {
            Self::Embedded(store) => store.take(name).await,
            Self::Redis(store) => store.take(name).await,
        }
    }
}

// What is stored is nobody's business in a log.
impl std::fmt::Debug for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { name: _, revision, seq, value } = self;
        write!(f, "Row {{ revision: {revision}, seq: {seq}, value: {} bytes }}", value.len())
    }
}

fn check(name: &str, value: &str) -> Result<(), StoreError> {
    if name.len() > MOST_NAME || value.len() > MOST_VALUE { Err(StoreError::TooLarge) } else { Ok(()) }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
