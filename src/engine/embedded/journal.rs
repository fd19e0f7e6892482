//! The write-ahead journal: one thread writes whatever has come since its last fsync as one
//! group, and one fsync serves all that wait for it.
//!
//! A write that fails is no end: the group is kept and written again once the store can be
//! opened again. Until then, and while a write hangs, nothing new is taken and nobody waits.

mod writer;

use super::{
    super::{Archived, EngineError, EngineMetrics, StoredDay},
    folder::Folder,
    series::{Reader, Series, bytes::Group},
};
use crate::{
    clock::Micros, directory::Directory, display::Display, id::TenantId, item::ItemEvent, tasks::Tasks,
};
use parking_lot::{Condvar, Mutex};
use serde::{Deserialize, Serialize};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};
use tokio::sync::{oneshot, watch};
use uuid::Uuid;

/// So much may wait for the disk beside what is being written; more is refused.
const MAX_WAITING_ROWS: usize = 16 * 1024;
const MAX_WAITING_BYTES: usize = 64 * 1024 * 1024;
/// Where several wait for one fsync, so long others may join them: larger groups cost less, for
/// each event and for the disk, and the wait is shorter than an fsync.
const GATHER: Duration = Duration::from_micros(250);
/// A group that is not written after this long is late: whoever waits for it is told to come again.
const LATE: Duration = Duration::from_secs(5);
/// How often the folder is looked for.
const LOOK: Duration = Duration::from_millis(500);
/// How long after a failed write the next try is.
const RETRY: Duration = Duration::from_secs(1);
/// What is still needed of older files than the newest few is written anew, and they are removed.
const FILES_KEPT: usize = 3;

/// What a row says.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Record {
    Event {
        received_at: Micros,
        event: ItemEvent,
    },
    Archived(Archived),
    Directory {
        tenant: TenantId,
        directory: Arc<Directory>,
    },
    /// None: it is gone.
    Display {
        tenant: TenantId,
        id: Uuid,
        display: Option<Display>,
    },
    /// A closed day from then until then. None: it is gone.
    Day {
        tenant: TenantId,
        from: Micros,
        to: Micros,
        day: Option<Arc<StoredDay>>,
    },
    /// Up to when changes are in a tenant's days.
    RolledUp {
        tenant: TenantId,
        at: Micros,
    },
}

/// When something is on the disk. The default is: it is.
#[derive(Clone, Default)]
pub(crate) struct Durable(Option<watch::Receiver<Progress>>);

/// How far a group is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    Waiting,
    /// It may still be written, but nobody should wait for it.
    Late,
    OnDisk,
}

/// Where a record went; nowhere, where nothing is written.
#[derive(Default)]
pub(crate) struct Written {
    pub(crate) row: Option<u64>,
    pub(crate) durable: Durable,
}

/// The journal of one process. Its thread ends with it.
pub(crate) struct Journal {
    shared: Arc<Shared>,
    writer: thread::JoinHandle<()>,
    store: Uuid,
    reader: Reader,
    /// Tells, at the thread's end, how many rows it could not write.
    ended: Mutex<Option<oneshot::Receiver<usize>>>,
}

struct Shared {
    queue: Mutex<Queue>,
    /// Something came, or the journal is to close.
    news: Condvar,
    closed: Condvar,
    in_trouble: AtomicBool,
    /// Whether the folder was there when it was looked for last.
    is_gone: AtomicBool,
    /// The first row of the files that are to stay.
    recent: AtomicU64,
    /// The first row that there is.
    first: AtomicU64,
    /// Rows that nobody could read: their files stay.
    unread: Vec<u64>,
    metrics: Arc<EngineMetrics>,
}

/// What is to be written next by one fsync, and what is being written now.
struct Queue {
    group: Group,
    /// The number of the first row of that group.
    first: u64,
    progress: watch::Sender<Progress>,
    under_way: Option<UnderWay>,
    cut: Option<Cut>,
    closing: bool,
}

/// Rows before `useful` may go, once those before `after` are written.
struct Cut {
    useful: u64,
    after: u64,
}

/// The group that the thread writes now; it ends where the waiting rows begin.
struct UnderWay {
    since: Instant,
    first: u64,
    progress: watch::Sender<Progress>,
}

impl Journal {
    /// Writes behind what a series holds; `unread` are the rows that nobody understood.
    pub(crate) fn new(
        series: Series,
        folder: Arc<Folder>,
        unread: Vec<u64>,
        metrics: Arc<EngineMetrics>,
        tasks: &Tasks,
    ) -> Result<Self, EngineError> {
        let queue = Queue {
            group: Group::default(),
            first: series.next(),
            progress: watch::Sender::new(Progress::Waiting),
            under_way: None,
            cut: None,
            closing: false,
        };
        let shared = Arc::new(Shared {
            queue: Mutex::new(queue),
            news: Condvar::new(),
            closed: Condvar::new(),
            in_trouble: AtomicBool::new(false),
            is_gone: AtomicBool::new(false),
            recent: AtomicU64::new(recent(&series)),
            first: AtomicU64::new(first(&series)),
            unread,
            metrics,
        });
        let (store, reader) = (folder.store(), series.reader());
        let (end, ended) = oneshot::channel();
        let (theirs, place) = (shared.clone(), folder.clone());
        // A disk that hangs may hold it up, and nothing else.
        let no_thread = |error| EngineError::CannotOpen(format!("no thread for the journal: {error}"));
        tasks.thread("journal folder", move || theirs.watch(&place)).map_err(no_thread)?;
        let theirs = shared.clone();
        let writer = move || {
            // Nobody may wait for the end.
            let _ = end.send(theirs.write_all(series, &folder));
        };
        let writer = tasks.thread("journal", writer).map_err(no_thread)?;
        Ok(Self { shared, writer, store, reader, ended: Mutex::new(Some(ended)) })
    }

    /// Which store it is of.
    pub(crate) fn store(&self) -> Uuid {
        self.store
    }

    pub(crate) fn reader(&self) -> &Reader {
        &self.reader
    }

    /// Adds a row to the next group. Never waits for the disk.
    pub(crate) fn append(&self, record: &[u8]) -> Result<Written, EngineError> {
        if self.trouble().is_some() {
            return Err(EngineError::Unavailable("the disk does not take what is written"));
        }
        let mut queue = self.shared.queue.lock();
        if queue.group.rows() >= MAX_WAITING_ROWS || queue.group.len() >= MAX_WAITING_BYTES {
            self.shared.metrics.journal_full.inc();
            return Err(EngineError::Unavailable("too much waits for the disk"));
        }
        let row = queue.first + queue.group.rows() as u64;
        queue.group.push(record);
        let durable = Durable(Some(queue.progress.subscribe()));
        drop(queue);
        self.shared.news.notify_one();
        Ok(Written { row: Some(row), durable })
    }

    /// The first row of the files that are to stay: what is needed of those before it is to be written anew.
    pub(crate) fn recent(&self) -> u64 {
        self.shared.recent.load(Ordering::Relaxed)
    }

    /// The last row that was appended.
    pub(crate) fn last(&self) -> u64 {
        let queue = self.shared.queue.lock();
        (queue.first + queue.group.rows() as u64).saturating_sub(1)
    }

    /// The first row that there is.
    pub(crate) fn first(&self) -> u64 {
        self.shared.first.load(Ordering::Relaxed)
    }

    /// Rows before this one are of no use any more, once all that was appended before is on the disk.
    pub(crate) fn cut(&self, useful: u64) {
        let mut queue = self.shared.queue.lock();
        let after = queue.first + queue.group.rows() as u64;
        queue.cut = Some(Cut { useful, after });
        drop(queue);
        self.shared.news.notify_one();
    }

    /// When a row, which was appended before, is on the disk.
    pub(crate) fn durable(&self, row: u64) -> Durable {
        let queue = self.shared.queue.lock();
        let group = match &queue.under_way {
            _ if row >= queue.first => Some(&queue.progress),
            Some(group) if row >= group.first => Some(&group.progress),
            _ => None,
        };
        Durable(group.map(watch::Sender::subscribe))
    }

    /// Tells whoever waits for a write that hangs; to be called now and then.
    pub(crate) fn spot_delay(&self) {
        let queue = self.shared.queue.lock();
        let Some(group) = queue.under_way.as_ref().filter(|group| group.since.elapsed() > LATE) else {
            return;
        };
        if !self.shared.in_trouble.swap(true, Ordering::Relaxed) {
            tracing::error!("the journal's disk hangs; webhooks are refused until it goes on");
        }
        group.progress.send_replace(Progress::Late);
        queue.progress.send_replace(Progress::Late);
    }

    /// Why nothing is taken now, if so.
    pub(crate) fn trouble(&self) -> Option<&'static str> {
        if self.shared.is_gone.load(Ordering::Relaxed) {
            return Some("the journal's folder was removed");
        }
        let in_trouble = self.shared.in_trouble.load(Ordering::Relaxed) || self.writer.is_finished();
        in_trouble.then_some("the journal cannot be written")
    }

    /// Writes what waits, and ends the thread.
    pub(crate) async fn close(&self) -> Result<(), EngineError> {
        self.shared.close();
        let ended = self.ended.lock().take();
        let Some(ended) = ended else { return Ok(()) };
        match ended.await {
            Ok(0) => Ok(()),
            _ => Err(EngineError::Unavailable("the journal was closed with rows that it could not write")),
        }
    }
}

/// The journal, or none where what is stored is in memory only: there everything is as durable as it was promised.
#[derive(Clone, Default)]
pub(crate) struct Disk(pub(crate) Option<Arc<Journal>>);

impl Disk {
    /// A row's bytes, which cost nothing where there is no journal.
    pub(crate) fn encode(&self, record: impl FnOnce() -> Record) -> Option<Vec<u8>> {
        self.0.as_ref().map(|_| record().encode())
    }

    /// Adds what was encoded to the next group.
    pub(crate) fn write(&self, record: Option<Vec<u8>>) -> Result<Written, EngineError> {
        match (&self.0, record) {
            (Some(journal), Some(record)) => journal.append(&record),
            _ => Ok(Written::default()),
        }
    }

    /// When a row is on the disk.
    pub(crate) fn durable(&self, row: Option<u64>) -> Durable {
        let pending = self.0.as_ref().zip(row).map(|(journal, row)| journal.durable(row));
        pending.unwrap_or_default()
    }
}

fn recent(series: &Series) -> u64 {
    series.first_of_last(FILES_KEPT)
}

fn first(series: &Series) -> u64 {
    series.first_of_last(usize::MAX)
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.shared.close();
    }
}

impl Record {
    /// The row's bytes.
    pub(crate) fn encode(&self) -> Vec<u8> {
        // Records hold texts, numbers and JSON that was parsed before: they always encode.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

impl Durable {
    /// Waits for the disk; not for ever, since a group that is late says so.
    pub(crate) async fn wait(self) -> Result<(), EngineError> {
        let Some(mut progress) = self.0 else { return Ok(()) };
        match progress.wait_for(|progress| *progress != Progress::Waiting).await.as_deref() {
            Ok(Progress::OnDisk) => Ok(()),
            Ok(_) => Err(EngineError::Unavailable("the disk takes too long")),
            Err(_) => Err(EngineError::Unavailable("the journal is closed")),
        }
    }
}
