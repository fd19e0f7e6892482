//! The rows on disk: fjall, keyed by a number that only grows, so that writing is appending.

use super::folder::Folder;
use super::{
    super::super::{EngineError, EngineMetrics},
    Record,
};
use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};
use std::{io, path::Path};

/// Few and small: the journal's rows are read at start only.
const CACHE_BYTES: u64 = 8 << 20;
const MEMTABLE_BYTES: u64 = 16 << 20;
const MAX_LOG_BYTES: u64 = 128 << 20;

/// What happens to a row.
pub(crate) enum Row {
    Put(u64, Vec<u8>),
    Remove(u64),
}

/// An open store.
pub(crate) struct Rows {
    database: Database,
    keyspace: Keyspace,
}

impl Rows {
    /// Opens or makes it, hands every row to `read`, and tells the next free number. A row that cannot be read
    /// keeps its place: the version that wrote it may be installed again.
    pub(crate) fn open(
        dir: &Path,
        metrics: &EngineMetrics,
        mut read: impl FnMut(u64, Record),
    ) -> Result<(Self, Folder, u64), EngineError> {
        let cannot = |what: &dyn std::fmt::Display| {
            EngineError::CannotOpen(format!("engine.data_dir = {:?}: {what}", dir.display().to_string()))
        };
        let make = |dir: &Path| Self::reopen(dir).map(drop).map_err(io::Error::other);
        let folder = Folder::open(dir, make).map_err(|error| cannot(&error))?;
        let store = Self::reopen(dir).map_err(|error| match error {
            fjall::Error::Locked => cannot(&"another process uses it"),
            error => cannot(&error),
        })?;
        let mut next = 1;
        for row in store.keyspace.iter() {
            let (key, value) = row.into_inner().map_err(|error| cannot(&error))?;
            let number =
                <[u8; 8]>::try_from(&*key).map(u64::from_be_bytes).map_err(|error| cannot(&error))?;
            match serde_json::from_slice(&value) {
                Ok(record) => read(number, record),
                Err(_) => metrics.on_unreadable(&number.to_string()),
            }
            next = number + 1;
        }
        Ok((store, folder, next))
    }

    /// Writes rows as one group, durable when this returns. A store that failed once is of no
    /// use again: it is dropped, and the next call opens it anew.
    pub(crate) fn write(slot: &mut Option<Self>, folder: &Folder, rows: &[Row]) -> fjall::Result<()> {
        let gone = || io::Error::other("the folder of the journal was removed");
        if folder.is_gone() {
            return Err(gone().into());
        }
        let store = match slot.take() {
            Some(store) => store,
            None => Self::reopen(folder.path())?,
        };
        let mut batch = store.database.batch().durability(Some(PersistMode::SyncData));
        for row in rows {
            match row {
                Row::Put(number, record) => {
                    batch.insert(&store.keyspace, number.to_be_bytes(), record.as_slice())
                }
                Row::Remove(number) => batch.remove(&store.keyspace, number.to_be_bytes()),
            }
        }
        batch.commit()?;
        *slot = Some(store);
        if folder.is_gone() { Err(gone().into()) } else { Ok(()) }
    }

    fn reopen(dir: &Path) -> fjall::Result<Self> {
        let database = Database::builder(dir)
            .worker_threads(1)
            .cache_size(CACHE_BYTES)
            .max_journaling_size(MAX_LOG_BYTES)
            .open()?;
        let options = || KeyspaceCreateOptions::default().max_memtable_size(MEMTABLE_BYTES);
        let keyspace = database.keyspace("rows", options)?;
        Ok(Self { database, keyspace })
    }
}
