//! Items whose events stand together in one row on disk, so that memory holds their place only. One thread writes what
//! the sweep gives it; whoever reads does so by place.
//!
//! A row outlives its item until its file goes. What is forgotten gets a row that says so, or a restart by which items
//! are kept longer would find it again.

mod row;

use super::{
    folder::Folder,
    series::{Place, Reader, Series, bytes::Group, manifest::Listed},
};
use crate::{
    engine::{EngineError, EngineMetrics},
    id::ItemKey,
    item::ItemSet,
    tasks::Tasks,
};
use parking_lot::{Condvar, Mutex};
pub(crate) use row::{Head, SettledRow};
use std::{
    collections::{BTreeMap, HashMap},
    io, mem,
    sync::Arc,
    time::{Duration, Instant},
};

/// The most that is written at once.
const MOST_ROWS: usize = 8192;
const MOST_BYTES: usize = 8 * 1024 * 1024;
/// How long after a failed write the next try is.
const RETRY: Duration = Duration::from_secs(1);

/// An item that stands on the disk now.
pub(crate) struct Settled {
    pub(crate) key: ItemKey,
    pub(crate) version: u32,
    /// The last row of the journal that it stands for.
    pub(crate) through: u64,
    /// None for what says that an item is forgotten.
    pub(crate) place: Option<Place>,
}

/// The rows that wait for the thread.
#[derive(Default)]
pub(crate) struct Batch {
    group: Group,
    items: Vec<Settled>,
    /// Where each begins in the group, and its bytes.
    rows: Vec<(usize, usize)>,
    /// The last row of the journal that any of them stands for.
    through: u64,
}

/// The settled items of one process. Its thread ends with it.
pub(crate) struct SettledItems {
    shared: Arc<Shared>,
    reader: Reader,
}

struct Shared {
    work: Mutex<Work>,
    news: Condvar,
    metrics: Arc<EngineMetrics>,
}

#[derive(Default)]
struct Work {
    batch: Option<Batch>,
    is_busy: bool,
    done: Vec<Settled>,
    files: BTreeMap<u32, FileUse>,
    /// Files that may go.
    useless: bool,
    closing: bool,
}

/// What is known of a file.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct FileUse {
    /// How many of its rows are the places of items.
    pub(crate) live: u32,
    /// The last row of the journal that any of its rows stands for.
    pub(crate) through: u64,
    /// Whether it has a row that nobody understood: then it stays.
    pub(crate) is_strange: bool,
}

impl Batch {
    pub(crate) fn is_full(&self) -> bool {
        self.group.rows() >= MOST_ROWS || self.group.len() >= MOST_BYTES
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Adds an item as it stands.
    pub(crate) fn settle(&mut self, head: Head, set: &ItemSet) -> serde_json::Result<()> {
        let says = head.encode(Some(set))?;
        self.push(head, &says);
        Ok(())
    }

    /// Adds that an item is forgotten.
    pub(crate) fn forget(&mut self, key: ItemKey, through: u64) {
        let head = Head::forgotten(key, through);
        if let Ok(says) = head.encode(None) {
            self.push(head, &says);
        }
    }

    fn push(&mut self, head: Head, says: &[u8]) {
        self.rows.push(self.group.push(says));
        self.through = self.through.max(head.through);
        let place = (!head.is_forgotten).then_some(Place { file: 0, at: 0, bytes: 0 });
        self.items.push(Settled { key: head.key, version: head.version, through: head.through, place });
    }
}

impl SettledItems {
    /// Writes behind what a series holds.
    pub(crate) fn new(
        series: Series,
        folder: Arc<Folder>,
        files: BTreeMap<u32, FileUse>,
        metrics: Arc<EngineMetrics>,
        tasks: &Tasks,
    ) -> Result<Self, EngineError> {
        let reader = series.reader();
        let work = Work { files, ..Work::default() };
        let shared = Arc::new(Shared { work: Mutex::new(work), news: Condvar::new(), metrics });
        let theirs = shared.clone();
        let no_thread =
            |error| EngineError::CannotOpen(format!("no thread for items that have ended: {error}"));
        tasks.thread("settled items", move || theirs.write_all(series, &folder)).map_err(no_thread)?;
        Ok(Self { shared, reader })
    }

    pub(crate) fn reader(&self) -> &Reader {
        &self.reader
    }

    /// What has been written since this was asked last.
    pub(crate) fn take_done(&self) -> Vec<Settled> {
        mem::take(&mut self.shared.work.lock().done)
    }

    /// Whether a batch may be given: none waits or is written, and what was written has been taken.
    pub(crate) fn is_idle(&self) -> bool {
        let work = self.shared.work.lock();
        !work.is_busy && work.batch.is_none() && work.done.is_empty() && !work.closing
    }

    /// Gives the thread what it is to write; only while it is idle.
    pub(crate) fn write(&self, batch: Batch) {
        if !batch.is_empty() {
            self.shared.work.lock().batch = Some(batch);
            self.shared.news.notify_one();
        }
    }

    /// Places that are of no use any more.
    pub(crate) fn release(&self, places: impl IntoIterator<Item = Place>) {
        let mut places = places.into_iter().peekable();
        if places.peek().is_none() {
            return;
        }
        let mut work = self.shared.work.lock();
        for place in places {
            if let Some(file) = work.files.get_mut(&place.file) {
                file.live = file.live.saturating_sub(1);
            }
        }
    }

    /// How many items have their place there.
    pub(crate) fn len(&self) -> u64 {
        self.shared.work.lock().files.values().map(|file| u64::from(file.live)).sum()
    }

    /// Removes the oldest files that are of no use, if the journal begins at that row.
    pub(crate) fn remove_useless(&self, journal_first: u64) {
        let mut work = self.shared.work.lock();
        let oldest = work.files.iter().next().map(|(_, file)| *file);
        let is_useless =
            oldest.is_some_and(|file| file.live == 0 && !file.is_strange && file.through < journal_first);
        if work.files.len() > 1 && is_useless && !work.useless {
            work.useless = true;
            self.shared.news.notify_one();
        }
    }

    /// Ends the thread, once it has written what it was given.
    pub(crate) fn close(&self) {
        self.shared.work.lock().closing = true;
        self.shared.news.notify_one();
    }
}

impl Drop for SettledItems {
    fn drop(&mut self) {
        self.close();
    }
}

/// What the thread is to do next.
enum Task {
    Write(Batch),
    Remove(u32),
}

impl Shared {
    fn write_all(&self, mut series: Series, folder: &Folder) {
        while let Some(task) = self.next_task() {
            match task {
                Task::Write(batch) => {
                    if !self.write(&mut series, folder, batch) {
                        return;
                    }
                }
                Task::Remove(number) => {
                    if let Err(error) = series.remove(|file: &Listed| file.number == number) {
                        tracing::warn!(%error, "a file of ended items that is of no use could not be removed");
                    }
                }
            }
        }
        if let Err(error) = series.settle_mark() {
            tracing::warn!(%error, "the mark of the ended items could not be made durable");
        }
    }

    /// Writes a batch, again and again until the disk takes it; false where it is to end before.
    fn write(&self, series: &mut Series, folder: &Folder, mut batch: Batch) -> bool {
        let mut is_first = true;
        let place = loop {
            match folder.is_there().and_then(|()| series.append(&mut batch.group)) {
                Ok(place) => break place,
                Err(error) => {
                    self.metrics.journal_errors.inc();
                    if mem::take(&mut is_first) {
                        tracing::error!(%error, "items that have ended cannot be written; they stay in memory");
                    }
                    if self.is_closed_within(RETRY) {
                        return false;
                    }
                }
            }
        };
        let mut work = self.work.lock();
        work.is_busy = false;
        let file = work.files.entry(place.file).or_default();
        for (item, (at, bytes)) in batch.items.iter_mut().zip(&batch.rows) {
            if let Some(its) = &mut item.place {
                file.live += 1;
                // A file has less than 4 GiB.
                *its = Place { file: place.file, at: place.at + *at as u32, bytes: *bytes as u32 };
            }
        }
        file.through = file.through.max(batch.through);
        work.done.append(&mut batch.items);
        true
    }

    fn next_task(&self) -> Option<Task> {
        let mut work = self.work.lock();
        loop {
            if let Some(batch) = work.batch.take() {
                work.is_busy = true;
                return Some(Task::Write(batch));
            }
            if mem::take(&mut work.useless)
                && let Some((number, _)) = work.files.pop_first()
            {
                return Some(Task::Remove(number));
            }
            if work.closing {
                return None;
            }
            self.news.wait(&mut work);
        }
    }

    fn is_closed_within(&self, time: Duration) -> bool {
        let until = Instant::now() + time;
        let mut work = self.work.lock();
        while !work.closing && !self.news.wait_until(&mut work, until).timed_out() {}
        work.closing
    }
}

/// Reads an item by its place.
pub(crate) fn read(reader: &Reader, place: Place) -> io::Result<(Head, ItemSet)> {
    let says = reader.read(place)?;
    SettledRow::decode(&says)
        .and_then(|row| row.set())
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "another version of callpop wrote it"))
}

/// How many rows of each file are of use, from the places of all items.
pub(crate) fn count(files: &mut BTreeMap<u32, FileUse>, places: impl Iterator<Item = Place>) {
    let mut live: HashMap<u32, u32> = HashMap::new();
    places.for_each(|place| *live.entry(place.file).or_default() += 1);
    files.iter_mut().for_each(|(number, file)| file.live = live.get(number).copied().unwrap_or_default());
}
