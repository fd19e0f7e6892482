//! The store of one machine: an SQLite file, which several processes may have open. Every step is
//! one transaction, and done when it is on the disk.
//!
//! One connection, and one step at a time: whatever is asked after a step that came too late is
//! done after it.

mod file;

pub(crate) use file::NAME;

use super::{Changes, MOST_CALLS, MOST_SECRETS, Row, StoreError, Swap, TOO_MANY, millis};
use crate::clock;
use rusqlite::{
    Connection, OptionalExtension, Params, Transaction, TransactionBehavior::Deferred,
    TransactionBehavior::Immediate, params,
};
use std::{path::Path, sync::Arc, time::Duration};
use tokio::{
    sync::{Mutex, Semaphore},
    task::spawn_blocking,
    time::{Instant, timeout_at},
};
use uuid::Uuid;

/// The longest that a call takes: longer than another process may hold the file.
const DEADLINE: Duration = Duration::from_secs(5);

const LATE: &str = "the disk is too slow";
const BROKEN: &str = "the disk, or what is on it";

/// The file `sidecar.db`.
pub struct Embedded {
    connection: Arc<Mutex<Connection>>,
    calls: Semaphore,
}

/// Why a step was not done.
enum SqliteFailure {
    /// It was rolled back, or never began.
    Undone(rusqlite::Error),
    /// It failed at its very end.
    Unknown(rusqlite::Error),
    Refused(StoreError),
}

type Step<T> = Result<T, SqliteFailure>;

impl Embedded {
    pub(crate) async fn open(dir: &Path) -> Result<Self, StoreError> {
        let dir = dir.to_owned();
        let opened = spawn_blocking(move || file::open(&dir)).await;
        let connection = opened.unwrap_or_else(|error| Err(StoreError::CannotOpen(error.to_string())))?;
        Ok(Self { connection: Arc::new(Mutex::new(connection)), calls: Semaphore::new(MOST_CALLS) })
    }

    pub(crate) async fn get(&self, name: &str) -> Result<Option<Row>, StoreError> {
        let name = name.to_owned();
        self.read(move |connection| Ok(row(connection, name)?)).await
    }

    pub(crate) async fn swap(&self, name: &str, was: u64, value: &str) -> Result<Swap, StoreError> {
        let (name, value) = (name.to_owned(), value.to_owned());
        self.run(move |connection| {
            let step = connection.transaction_with_behavior(Immediate)?;
            let stands = row(&step, name.clone())?;
            if stands.as_ref().map_or(0, |row| row.revision) != was {
                return Ok(Swap::Lost(stands));
            }
            let seq = one(&step, "UPDATE head SET seq = seq + 1 RETURNING seq", [])?;
            let row = Row { name, revision: was + 1, seq, value };
            step.prepare(
                "INSERT INTO rows (name, revision, seq, value) VALUES (?1, ?2, ?3, ?4) \
                 ON CONFLICT (name) DO UPDATE SET revision = ?2, seq = ?3, value = ?4",
            )?
            .execute(params![row.name, row.revision, row.seq, row.value])?;
            commit(step)?;
            Ok(Swap::Done(row))
        })
        .await
    }

    pub(crate) async fn changes(
        &self,
        lineage: &str,
        after: u64,
        most: usize,
    ) -> Result<Changes, StoreError> {
        let of = lineage.to_owned();
        self.read(move |connection| {
            let step = connection.transaction_with_behavior(Deferred)?;
            let (mut lineage, seq): (String, u64) = step
                .prepare("SELECT lineage, seq FROM head")?
                .query_one([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            let step = if of == lineage && after > seq {
                // The file is an older one than the reader has seen.
                drop(step);
                let step = connection.transaction_with_behavior(Immediate)?;
                lineage = one(&step, "UPDATE head SET lineage = ?1 RETURNING lineage", [new_line()])?;
                step
            } else {
                step
            };
            let after = if of == lineage { after } else { 0 };
            let rows = step
                .prepare("SELECT name, revision, seq, value FROM rows WHERE seq > ?1 ORDER BY seq LIMIT ?2")?
                .query_map(params![after, most], to_row)?
                .collect::<Result<_, _>>()?;
            commit(step)?;
            Ok(Changes { lineage, rows })
        })
        .await
    }

    pub(crate) async fn put_once(&self, name: &str, value: &str, ttl: Duration) -> Result<(), StoreError> {
        let (name, value) = (name.to_owned(), value.to_owned());
        self.run(move |connection| {
            let step = connection.transaction_with_behavior(Immediate)?;
            let now = now();
            step.prepare("DELETE FROM secrets WHERE expires <= ?1")?.execute([now])?;
            if one::<usize>(&step, "SELECT count(*) FROM secrets", [])? >= MOST_SECRETS {
                return Err(SqliteFailure::Refused(StoreError::Full));
            }
            let put = step
                .prepare("INSERT OR IGNORE INTO secrets (name, value, expires) VALUES (?1, ?2, ?3)")?
                .execute(params![name, value, now.saturating_add(millis(ttl)).min(i64::MAX as u64)])?;
            if put == 0 {
                return Err(SqliteFailure::Refused(StoreError::Taken));
            }
            commit(step)
        })
        .await
    }

    pub(crate) async fn take(&self, name: &str) -> Result<Option<String>, StoreError> {
        let name = name.to_owned();
        self.run(move |connection| {
            let step = connection.transaction_with_behavior(Immediate)?;
            let secret: Option<String> = step
                .prepare("SELECT value FROM secrets WHERE name = ?1 AND expires > ?2")?
                .query_one(params![name, now()], |row| row.get(0))
                .optional()?
                .flatten();
            if secret.is_some() {
                // The name stays taken until its time is over.
                step.prepare("UPDATE secrets SET value = NULL WHERE name = ?1")?.execute([name])?;
                commit(step)?;
            }
            Ok(secret)
        })
        .await
    }

    /// A step that writes nothing that anyone waits for.
    async fn read<T: Send + 'static>(
        &self,
        step: impl FnOnce(&mut Connection) -> Step<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.run(step).await.map_err(|error| match error {
            StoreError::Unknown(why) => StoreError::Unavailable(why),
            error => error,
        })
    }

    async fn run<T: Send + 'static>(
        &self,
        step: impl FnOnce(&mut Connection) -> Step<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let _place = self.calls.try_acquire().map_err(|_| TOO_MANY)?;
        let end = Instant::now() + DEADLINE;
        let turn = timeout_at(end, self.connection.clone().lock_owned()).await;
        let mut connection = turn.map_err(|_| StoreError::Unavailable(LATE))?;
        match timeout_at(end, spawn_blocking(move || step(&mut connection))).await {
            Ok(Ok(outcome)) => outcome.map_err(SqliteFailure::tell),
            Ok(Err(_)) => Err(StoreError::Unknown("a step broke off")),
            Err(_) => Err(StoreError::Unknown(LATE)),
        }
    }
}

impl SqliteFailure {
    /// Says in the log what the caller need not know.
    fn tell(self) -> StoreError {
        match self {
            Self::Refused(error) => error,
            Self::Undone(error) if is_busy(&error) => {
                StoreError::Unavailable("another process holds the file for too long")
            }
            Self::Undone(error) => {
                tracing::error!(%error, "sidecar.db cannot be used");
                StoreError::Unavailable(BROKEN)
            }
            Self::Unknown(error) => {
                tracing::error!(%error, "sidecar.db cannot be written");
                StoreError::Unknown(BROKEN)
            }
        }
    }
}

impl From<rusqlite::Error> for SqliteFailure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Undone(error)
    }
}

fn commit(step: Transaction<'_>) -> Step<()> {
    step.commit().map_err(|error| {
        if is_busy(&error) { SqliteFailure::Undone(error) } else { SqliteFailure::Unknown(error) }
    })
}

fn row(connection: &Connection, name: String) -> rusqlite::Result<Option<Row>> {
    connection
        .prepare("SELECT name, revision, seq, value FROM rows WHERE name = ?1")?
        .query_one([name], to_row)
        .optional()
}

fn to_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    Ok(Row { name: row.get(0)?, revision: row.get(1)?, seq: row.get(2)?, value: row.get(3)? })
}

/// The only value of the only row.
fn one<T: rusqlite::types::FromSql>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
) -> rusqlite::Result<T> {
    connection.prepare(sql)?.query_one(params, |row| row.get(0))
}

fn is_busy(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{DatabaseBusy, DatabaseLocked};
    matches!(error.sqlite_error_code(), Some(DatabaseBusy | DatabaseLocked))
}

fn new_line() -> String {
    Uuid::new_v4().simple().to_string()
}

/// In milliseconds, by the machine's clock: several processes share the file.
fn now() -> u64 {
    clock::now() / 1000
}
