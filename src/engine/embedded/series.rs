//! A series of rows on disk: files that are only ever appended to, and removed whole. A row has a number, one more than
//! the one before. What is appended is durable when that returns; whatever was durable is there at the next start, or
//! the start says what is not.
//!
//! ```text
//! bytes    what the files look like         manifest which files there are
//! scan     reads one, and finds damage      mark     how far they were known to be durable
//! check    reads all of a series
//! ```

pub(crate) mod bytes;
mod check;
pub(crate) mod manifest;
pub(crate) mod mark;
pub(crate) mod scan;

use crate::{
    clock::{Micros, now},
    files,
};
use bytes::{FILE_HEAD, FileHead, Group};
pub(crate) use check::{Checked, SeriesError, check, first_row};
use manifest::{FileEnd, Listed, Manifest};
use mark::{Mark, Reach};
use parking_lot::RwLock;
use scan::{Row, Scanned};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::Arc,
};
use uuid::Uuid;

/// How the names of files of rows end.
pub(crate) const ROWS: &str = "rows";

/// Which series of a store it is; also the name of its folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SeriesName {
    /// What came, in the order in which it came.
    Events,
    /// Items whose events stand together.
    Items,
}

/// Where a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) file: u32,
    pub(crate) at: u32,
    pub(crate) bytes: u32,
}

/// An open series. One at a time may append.
pub(crate) struct Series {
    dir: PathBuf,
    store: Uuid,
    name: SeriesName,
    /// What is durable, for whoever reads.
    shared: Arc<RwLock<Shared>>,
    /// Of the file that is written: itself, its seed, and where the next group goes.
    file: Arc<File>,
    seed: u64,
    reach: Reach,
    mark: Mark,
    file_bytes: u64,
}

/// A file is closed when it is that old, so that what is forgotten does not stay in it for long.
const FILE_AGE: Micros = 24 * 60 * 60 * 1_000_000;

/// Reads rows of a series that is open elsewhere.
#[derive(Clone)]
pub(crate) struct Reader(Arc<RwLock<Shared>>);

/// The files of a series.
#[derive(Default)]
struct Shared {
    /// Oldest first; the last is the one that is written.
    listed: Vec<Listed>,
    open: BTreeMap<u32, Arc<File>>,
    reach: Reach,
}

/// A series at an instant; its files can be read even if they are removed meanwhile.
#[derive(Clone)]
pub(crate) struct Still {
    pub(crate) listed: Vec<Listed>,
    pub(crate) files: BTreeMap<u32, Arc<File>>,
    pub(crate) reach: Reach,
}

impl SeriesName {
    /// All of a store.
    pub(crate) const ALL: [Self; 2] = [Self::Events, Self::Items];

    /// Its folder within the store's.
    pub(crate) fn folder(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Items => "items",
        }
    }

    /// The name of one of its files within the store.
    pub(crate) fn path_of(self, file: &str) -> String {
        format!("{}/{file}", self.folder())
    }

    /// Goes into the checksums of what there is one of in a series of a store.
    pub(crate) fn seed(self, store: Uuid) -> u64 {
        FileHead { store, series: self, number: 0, first: 0 }.seed()
    }

    pub(crate) fn tag(self) -> [u8; 8] {
        match self {
            Self::Events => *b"events  ",
            Self::Items => *b"items   ",
        }
    }
}

impl Series {
    /// Makes one, empty, in a folder of its own.
    pub(crate) fn create(store_dir: &Path, name: SeriesName, store: Uuid) -> io::Result<()> {
        let dir = store_dir.join(name.folder());
        files::make_dir(&dir)?;
        begin_file(&dir, FileHead { store, series: name, number: 1, first: 1 })?;
        Mark::create(&dir, Reach { next: 1, number: 1, bytes: FILE_HEAD as u64 }, name.seed(store))?;
        Manifest::new(store, name, vec![Listed { number: 1, first: 1, since: now(), end: None }]).write(&dir)
    }

    /// Opens it and hands every row to `visit`. Nothing is changed where it is damaged.
    pub(crate) fn open(
        store_dir: &Path,
        name: SeriesName,
        store: Uuid,
        file_bytes: u64,
        visit: impl FnMut(Row),
    ) -> Result<Self, SeriesError> {
        let dir = store_dir.join(name.folder());
        let Checked { manifest, mark, last, damage } = check(&dir, name, store, visit)?;
        let (Some(manifest), Some(mark), true) = (manifest, mark, damage.is_empty()) else {
            return Err(SeriesError::Damaged(damage));
        };
        let io = |error| SeriesError::Io(name.folder().to_owned(), error);
        let number = manifest.files.last().map_or(1, |file| file.number);
        let reach = Reach { next: last.next, number, bytes: last.end };
        let mut series = Self {
            shared: Arc::new(RwLock::new(Shared { listed: manifest.files, reach, ..Shared::default() })),
            file: Arc::new(File::open(file_path(&dir, number)).map_err(io)?),
            seed: 0,
            dir,
            store,
            name,
            reach,
            mark,
            file_bytes,
        };
        series.clean_up(&last).map_err(io)?;
        Ok(series)
    }

    /// Appends rows; durable when this returns. After an error it may be tried again: the rows take the same place.
    pub(crate) fn append(&mut self, group: &mut Group) -> io::Result<Place> {
        let since = self.shared.read().listed.last().map_or(0, |file| file.since);
        let is_over = self.reach.bytes >= self.file_bytes || now().saturating_sub(since) >= FILE_AGE;
        if is_over && self.reach.bytes > FILE_HEAD as u64 {
            self.roll()?;
        }
        let Reach { next, number, bytes } = self.reach;
        self.file.write_all_at(group.finish(next, self.seed), bytes)?;
        self.file.sync_data()?;
        self.reach.bytes += group.len() as u64;
        self.reach.next += group.rows() as u64;
        self.shared.write().reach = self.reach;
        if let Err(error) = self.mark.set(self.reach) {
            // The rows are durable; a start only knows less well how far they went.
            tracing::warn!(%error, "a mark of the store could not be written");
        }
        Ok(Place { file: number, at: bytes as u32, bytes: group.len() as u32 })
    }

    /// The number of the next row.
    pub(crate) fn next(&self) -> u64 {
        self.reach.next
    }

    /// The number of the first row of the newest files, so many of them.
    pub(crate) fn first_of_last(&self, files: usize) -> u64 {
        let listed = &self.shared.read().listed;
        listed[listed.len().saturating_sub(files)..].first().map_or(0, |file| file.first)
    }

    pub(crate) fn reader(&self) -> Reader {
        Reader(self.shared.clone())
    }

    /// Removes files that are not written any more. A crash may leave some of them, and the next start removes those.
    pub(crate) fn remove(&mut self, is_useless: impl Fn(&Listed) -> bool) -> io::Result<()> {
        let listed = self.shared.read().listed.clone();
        let (gone, kept): (Vec<_>, Vec<_>) =
            listed.into_iter().partition(|file| file.end.is_some() && is_useless(file));
        if gone.is_empty() {
            return Ok(());
        }
        Manifest::new(self.store, self.name, kept.clone()).write(&self.dir)?;
        self.shared.write().listed = kept;
        for file in gone {
            self.shared.write().open.remove(&file.number);
            files::remove(&file_path(&self.dir, file.number))?;
        }
        Ok(())
    }

    /// Makes the mark durable, as at the end.
    pub(crate) fn settle_mark(&self) -> io::Result<()> {
        self.mark.sync()
    }

    /// Closes the file that is written, and begins the next.
    fn roll(&mut self) -> io::Result<()> {
        let Reach { next, number, bytes } = self.reach;
        let head = FileHead { store: self.store, series: self.name, number: number + 1, first: next };
        let file = Arc::new(begin_file(&self.dir, head)?);
        let mut listed = self.shared.read().listed.clone();
        if let Some(last) = listed.last_mut() {
            last.end = Some(FileEnd { bytes, next });
        }
        listed.push(Listed { number: head.number, first: next, since: now(), end: None });
        Manifest::new(self.store, self.name, listed.clone()).write(&self.dir)?;
        self.reach = Reach { next, number: head.number, bytes: FILE_HEAD as u64 };
        let mut shared = self.shared.write();
        (shared.listed, shared.reach) = (listed, self.reach);
        shared.open.insert(head.number, file.clone());
        drop(shared);
        (self.file, self.seed) = (file, head.seed());
        self.mark.set(self.reach)?;
        self.mark.sync()
    }

    /// Opens the files, and removes what a crash left.
    fn clean_up(&mut self, last: &Scanned) -> io::Result<()> {
        let mut shared = self.shared.write();
        for number in unlisted(&self.dir, &shared.listed)? {
            files::remove(&file_path(&self.dir, number))?;
        }
        for file in shared.listed.clone() {
            let opened = OpenOptions::new().read(true).write(true).open(file_path(&self.dir, file.number))?;
            shared.open.insert(file.number, Arc::new(opened));
        }
        if let Some(file) = shared.open.get(&self.reach.number) {
            self.file = file.clone();
        }
        let first = shared.listed.last().map_or(1, |file| file.first);
        drop(shared);
        if last.torn > 0 {
            let series = self.name.folder();
            tracing::info!(
                series,
                bytes = last.torn,
                "a write that was not finished, and not promised, is left out"
            );
            self.file.set_len(last.end)?;
        }
        let head = FileHead { store: self.store, series: self.name, number: self.reach.number, first };
        self.seed = head.seed();
        self.mark.set(self.reach)?;
        self.mark.sync()
    }
}

impl Reader {
    /// What a row says.
    pub(crate) fn read(&self, place: Place) -> io::Result<Vec<u8>> {
        let gone = || io::Error::new(io::ErrorKind::NotFound, "the file was removed");
        let file = self.0.read().open.get(&place.file).cloned().ok_or_else(gone)?;
        let mut row = vec![0; place.bytes as usize];
        file.read_exact_at(&mut row, u64::from(place.at))?;
        match bytes::row(&row) {
            Some(says) => Ok(says.to_vec()),
            None => {
                let what = format!("{} is damaged at byte {}", file_name(place.file), place.at);
                Err(io::Error::new(io::ErrorKind::InvalidData, what))
            }
        }
    }

    /// How many bytes its files have.
    pub(crate) fn bytes(&self) -> u64 {
        let shared = self.0.read();
        let closed: u64 = shared.listed.iter().filter_map(|file| file.end).map(|end| end.bytes).sum();
        closed + shared.reach.bytes
    }

    /// The series as it is now.
    pub(crate) fn still(&self) -> Still {
        let shared = self.0.read();
        Still { listed: shared.listed.clone(), files: shared.open.clone(), reach: shared.reach }
    }
}

/// Makes a file of rows, empty and durable.
fn begin_file(dir: &Path, head: FileHead) -> io::Result<File> {
    let path = file_path(dir, head.number);
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(path)?;
    file.write_all_at(&head.encode(), 0)?;
    file.sync_all()?;
    files::sync_dir(dir)?;
    Ok(file)
}

/// Files of rows that a manifest does not list.
fn unlisted(dir: &Path, listed: &[Listed]) -> io::Result<Vec<u32>> {
    let numbers = files_of(dir)?;
    Ok(numbers.into_iter().filter(|number| listed.iter().all(|file| file.number != *number)).collect())
}

/// The numbers of the files of rows in a folder.
pub(crate) fn files_of(dir: &Path) -> io::Result<Vec<u32>> {
    let entries = fs::read_dir(dir)?.collect::<io::Result<Vec<_>>>()?;
    let paths = entries.into_iter().map(|entry| entry.path());
    let rows = paths.filter(|path| path.extension().is_some_and(|end| end == ROWS));
    Ok(rows.filter_map(|path| path.file_stem()?.to_str()?.parse().ok()).collect())
}

pub(crate) fn file_name(number: u32) -> String {
    format!("{number:010}.{ROWS}")
}

pub(crate) fn file_path(dir: &Path, number: u32) -> PathBuf {
    dir.join(file_name(number))
}
