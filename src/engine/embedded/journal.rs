//! The write-ahead journal: one thread writes whatever has come since its last fsync as one
//! group, and one fsync serves all that wait for it.
//!
//! A write that fails is no end: the group is kept and written again once the store can be
//! opened again; until then nothing new is taken, and whoever waits runs into a deadline.

mod store;

use super::super::{Archived, EngineError};
use crate::{
    call::{CallEvent, Micros},
    metrics::Metrics,
};
use parking_lot::{Condvar, Mutex};
use serde::{Deserialize, Serialize};
use std::{
    mem,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};
use store::{Row, Store};
use tokio::{sync::watch, time::timeout};

/// So much may wait for the disk; more is refused.
const MAX_WAITING_ROWS: usize = 16 * 1024;
const MAX_WAITING_BYTES: usize = 64 * 1024 * 1024;
/// How long a webhook waits for the disk before it is told to come again.
const COMMIT_DEADLINE: Duration = Duration::from_secs(5);
/// How long after a failed write the next try is.
const RETRY: Duration = Duration::from_secs(1);

/// What a row says.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Record {
    Event { received_at: Micros, event: CallEvent },
    Archived(Archived),
}

/// When something is on the disk. The default is: at once.
#[derive(Clone, Default)]
pub struct Durable(Option<watch::Receiver<bool>>);

/// Where something was written, and when it is durable.
#[derive(Clone, Default)]
pub struct Written {
    pub row: Option<u64>,
    pub durable: Durable,
}

/// The journal of one process.
pub struct Journal {
    shared: Arc<Shared>,
    writer: Mutex<Option<thread::JoinHandle<()>>>,
}

struct Shared {
    group: Mutex<Group>,
    /// Something came, or the journal is to close.
    news: Condvar,
    in_trouble: AtomicBool,
    metrics: Arc<Metrics>,
}

/// What is to be written next, by one fsync.
struct Group {
    rows: Vec<Row>,
    bytes: usize,
    next: u64,
    done: watch::Sender<bool>,
    closing: bool,
}

impl Journal {
    /// Opens or makes the journal in a folder, and hands every row to `read`.
    pub fn open(
        dir: &Path,
        metrics: Arc<Metrics>,
        read: impl FnMut(u64, Record),
    ) -> Result<Self, EngineError> {
        let (store, next) = Store::open(dir, read)?;
        let group =
            Group { rows: Vec::new(), bytes: 0, next, done: watch::Sender::new(false), closing: false };
        let shared = Arc::new(Shared {
            group: Mutex::new(group),
            news: Condvar::new(),
            in_trouble: AtomicBool::new(false),
            metrics,
        });
        let (theirs, dir) = (shared.clone(), dir.to_owned());
        let writer =
            thread::Builder::new().name("journal".into()).spawn(move || theirs.write_all(store, &dir));
        let writer =
            writer.map_err(|error| EngineError::CannotOpen(format!("no thread for the journal: {error}")))?;
        Ok(Self { shared, writer: Mutex::new(Some(writer)) })
    }

    /// Adds a row to the next group. Never waits for the disk.
    pub fn append(&self, record: Vec<u8>) -> Result<Written, EngineError> {
        if self.trouble().is_some() {
            return Err(EngineError::Unavailable("the disk does not take what is written"));
        }
        let mut group = self.shared.group.lock();
        if group.rows.len() >= MAX_WAITING_ROWS || group.bytes >= MAX_WAITING_BYTES {
            self.shared.metrics.journal_full.inc();
            return Err(EngineError::Unavailable("too much waits for the disk"));
        }
        let row = group.next;
        group.next += 1;
        group.bytes += record.len();
        group.rows.push(Row::Put(row, record));
        let durable = Durable(Some(group.done.subscribe()));
        drop(group);
        self.shared.news.notify_one();
        Ok(Written { row: Some(row), durable })
    }

    /// How many rows may be removed with the next group, so that events still find their place.
    pub fn room(&self) -> usize {
        let waiting = self.shared.group.lock().rows.len();
        if self.trouble().is_some() { 0 } else { (MAX_WAITING_ROWS / 4).saturating_sub(waiting) }
    }

    /// Takes rows out with the next group. What a crash leaves behind is taken out by the retention after it.
    pub fn remove(&self, rows: impl IntoIterator<Item = u64>) {
        self.shared.group.lock().rows.extend(rows.into_iter().map(Row::Remove));
        self.shared.news.notify_one();
    }

    /// Why nothing is taken now, if so.
    pub fn trouble(&self) -> Option<&'static str> {
        self.shared.in_trouble.load(Ordering::Relaxed).then_some("the journal cannot be written")
    }

    /// Writes what waits, and ends the thread.
    pub async fn close(&self) {
        self.shared.group.lock().closing = true;
        self.shared.news.notify_one();
        let writer = self.writer.lock().take();
        if let Some(writer) = writer {
            let _ = tokio::task::spawn_blocking(move || writer.join()).await;
        }
    }
}

impl Record {
    /// The row's bytes.
    pub fn encode(&self) -> Vec<u8> {
        // Records hold texts, numbers and JSON that was parsed before: they always encode.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

impl Durable {
    /// Waits for the disk; not for ever.
    pub async fn wait(self) -> Result<(), EngineError> {
        let Some(mut done) = self.0 else { return Ok(()) };
        match timeout(COMMIT_DEADLINE, done.wait_for(|done| *done)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) => Err(EngineError::Unavailable("the journal is closed")),
            Err(_) => Err(EngineError::Unavailable("the disk takes too long")),
        }
    }
}

impl Shared {
    /// The writer's thread.
    fn write_all(&self, store: Store, dir: &Path) {
        let mut store = Some(store);
        while let Some((rows, done)) = self.next_group() {
            let began = Instant::now();
            while let Err(error) = Store::write(&mut store, dir, &rows) {
                self.metrics.journal_errors.inc();
                if !self.in_trouble.swap(true, Ordering::Relaxed) {
                    tracing::error!(%error, "the journal cannot be written; webhooks are refused until it can");
                }
                if self.wait_to_retry() {
                    return;
                }
            }
            if self.in_trouble.swap(false, Ordering::Relaxed) {
                tracing::info!("the journal is written again");
            }
            self.metrics.journal_groups.inc();
            self.metrics.journal_seconds.observe(began.elapsed().as_secs_f64());
            done.send_replace(true);
        }
    }

    /// Waits for rows; none once the journal is closed and empty.
    fn next_group(&self) -> Option<(Vec<Row>, watch::Sender<bool>)> {
        let mut group = self.group.lock();
        while group.rows.is_empty() {
            if group.closing {
                return None;
            }
            self.news.wait(&mut group);
        }
        group.bytes = 0;
        let done = mem::replace(&mut group.done, watch::Sender::new(false));
        Some((mem::take(&mut group.rows), done))
    }

    /// True where the journal is closed meanwhile: a disk that is broken must not hold up the end.
    fn wait_to_retry(&self) -> bool {
        let mut group = self.group.lock();
        if !group.closing {
            self.news.wait_for(&mut group, RETRY);
        }
        group.closing
    }
}
