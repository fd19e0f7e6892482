//! The write-ahead journal: one thread writes whatever has come since its last fsync as one
//! group, and one fsync serves all that wait for it.
//!
//! A write that fails is no end: the group is kept and written again once the store can be
//! opened again. Until then, and while a write hangs, nothing new is taken and nobody waits.

mod folder;
mod rows;

use super::super::{Archived, EngineError, EngineMetrics};
use crate::{clock::Micros, directory::Directory, id::TenantId, item::ItemEvent, tasks::Tasks};
use folder::Folder;
use parking_lot::{Condvar, Mutex, MutexGuard};
use rows::{Row, Rows};
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
use tokio::sync::{oneshot, watch};

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

/// What a row says.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Record {
    Event { received_at: Micros, event: ItemEvent },
    Archived(Archived),
    Directory { tenant: TenantId, directory: Arc<Directory> },
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
    metrics: Arc<EngineMetrics>,
}

/// What is to be written next by one fsync, and what is being written now.
struct Queue {
    rows: Vec<Row>,
    bytes: usize,
    /// The numbers of the rows that wait: from the first up to the next free one.
    first: u64,
    next: u64,
    progress: watch::Sender<Progress>,
    under_way: Option<UnderWay>,
    closing: bool,
}

/// The group that the thread writes now; it ends where the waiting rows begin.
struct UnderWay {
    since: Instant,
    first: u64,
    progress: watch::Sender<Progress>,
}

impl Journal {
    /// Opens or makes the journal in a folder, and hands every row to `read`.
    pub(crate) fn open(
        dir: &Path,
        metrics: Arc<EngineMetrics>,
        tasks: &Tasks,
        read: impl FnMut(u64, Record),
    ) -> Result<Self, EngineError> {
        let (store, folder, next) = Rows::open(dir, &metrics, read)?;
        let queue = Queue {
            rows: Vec::new(),
            bytes: 0,
            first: next,
            next,
            progress: watch::Sender::new(Progress::Waiting),
            under_way: None,
            closing: false,
        };
        let shared = Arc::new(Shared {
            queue: Mutex::new(queue),
            news: Condvar::new(),
            closed: Condvar::new(),
            in_trouble: AtomicBool::new(false),
            is_gone: AtomicBool::new(false),
            metrics,
        });
        let (end, ended) = oneshot::channel();
        let folder = Arc::new(folder);
        let (theirs, place) = (shared.clone(), folder.clone());
        // A disk that hangs may hold it up, and nothing else.
        let no_thread = |error| EngineError::CannotOpen(format!("no thread for the journal: {error}"));
        tasks.thread("journal folder", move || theirs.watch(&place)).map_err(no_thread)?;
        let theirs = shared.clone();
        let writer = move || {
            // Nobody may wait for the end.
            let _ = end.send(theirs.write_all(store, &folder));
        };
        let writer = tasks.thread("journal", writer).map_err(no_thread)?;
        Ok(Self { shared, writer, ended: Mutex::new(Some(ended)) })
    }

    /// Adds a row to the next group. Never waits for the disk.
    pub(crate) fn append(&self, record: Vec<u8>) -> Result<Written, EngineError> {
        if self.trouble().is_some() {
            return Err(EngineError::Unavailable("the disk does not take what is written"));
        }
        let mut queue = self.shared.queue.lock();
        if queue.rows.len() >= MAX_WAITING_ROWS || queue.bytes >= MAX_WAITING_BYTES {
            self.shared.metrics.journal_full.inc();
            return Err(EngineError::Unavailable("too much waits for the disk"));
        }
        let row = queue.next;
        queue.next += 1;
        queue.bytes += record.len();
        queue.rows.push(Row::Put(row, record));
        let durable = Durable(Some(queue.progress.subscribe()));
        drop(queue);
        self.shared.news.notify_one();
        Ok(Written { row: Some(row), durable })
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

    /// How many rows may be removed with the next group, so that events still find their place.
    pub(crate) fn room(&self) -> usize {
        let waiting = self.shared.queue.lock().rows.len();
        if self.trouble().is_some() { 0 } else { (MAX_WAITING_ROWS / 4).saturating_sub(waiting) }
    }

    /// Takes rows out with the next group. What a crash leaves behind is taken out by the retention after it.
    pub(crate) fn remove(&self, rows: impl IntoIterator<Item = u64>) {
        let mut rows = rows.into_iter().map(Row::Remove).peekable();
        if rows.peek().is_some() {
            self.shared.queue.lock().rows.extend(rows);
            self.shared.news.notify_one();
        }
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
            (Some(journal), Some(record)) => journal.append(record),
            _ => Ok(Written::default()),
        }
    }

    /// When a row is on the disk.
    pub(crate) fn durable(&self, row: Option<u64>) -> Durable {
        let pending = self.0.as_ref().zip(row).map(|(journal, row)| journal.durable(row));
        pending.unwrap_or_default()
    }

    /// Takes rows out with the next group.
    pub(crate) fn erase(&self, rows: impl IntoIterator<Item = u64>) {
        if let Some(journal) = &self.0 {
            journal.remove(rows);
        }
    }
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

impl Shared {
    /// The writer's thread; returns how many rows it could not write.
    fn write_all(&self, store: Rows, folder: &Folder) -> usize {
        let mut store = Some(store);
        let mut gather = false;
        while let Some(rows) = self.next_group(gather) {
            gather = rows.len() > 1;
            let began = Instant::now();
            while let Err(error) = Rows::write(&mut store, folder, &rows) {
                self.metrics.journal_errors.inc();
                if !self.in_trouble.swap(true, Ordering::Relaxed) {
                    tracing::error!(%error, "the journal cannot be written; webhooks are refused until it can");
                }
                // A disk that is broken must not hold up the end.
                if self.is_closed_within(RETRY) {
                    return rows.len();
                }
            }
            self.metrics.journal_groups.inc();
            self.metrics.journal_seconds.observe(began.elapsed().as_secs_f64());
            self.finish_group();
        }
        0
    }

    /// Looks now and then whether the folder is there, until the journal is closed.
    fn watch(&self, folder: &Folder) {
        while !self.is_closed_within(LOOK) {
            let is_gone = folder.is_gone();
            if self.is_gone.swap(is_gone, Ordering::Relaxed) == is_gone {
                continue;
            }
            match is_gone {
                true => tracing::error!("the journal's folder was removed; webhooks are refused"),
                false => tracing::info!("the journal's folder is there again"),
            }
        }
    }

    fn is_closed_within(&self, time: Duration) -> bool {
        let until = Instant::now() + time;
        let mut queue = self.queue.lock();
        while !queue.closing && !self.closed.wait_until(&mut queue, until).timed_out() {}
        queue.closing
    }

    /// Waits for rows, and where it should, a little longer for more; none once the journal is
    /// closed and empty.
    fn next_group(&self, gather: bool) -> Option<Vec<Row>> {
        let mut queue = self.queue.lock();
        while queue.rows.is_empty() {
            if queue.closing {
                return None;
            }
            self.news.wait(&mut queue);
        }
        if gather {
            MutexGuard::unlocked(&mut queue, || thread::sleep(GATHER));
        }
        queue.bytes = 0;
        let progress = mem::replace(&mut queue.progress, watch::Sender::new(Progress::Waiting));
        queue.under_way = Some(UnderWay { since: Instant::now(), first: queue.first, progress });
        queue.first = queue.next;
        Some(mem::take(&mut queue.rows))
    }

    fn finish_group(&self) {
        let mut queue = self.queue.lock();
        let group = queue.under_way.take();
        // What came while this group was late has a fair chance again.
        queue.progress.send_if_modified(|waiting| mem::replace(waiting, Progress::Waiting) == Progress::Late);
        drop(queue);
        if self.in_trouble.swap(false, Ordering::Relaxed) {
            tracing::info!("the journal is written again");
        }
        if let Some(group) = group {
            group.progress.send_replace(Progress::OnDisk);
        }
    }

    fn close(&self) {
        self.queue.lock().closing = true;
        self.news.notify_one();
        self.closed.notify_all();
    }
}
