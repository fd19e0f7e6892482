//! What an operator does with a store: look whether it is whole, and keep what is whole of one that is not. For copying it
//! while it is written see `backup`.

use super::{
    folder::{self, Folder},
    journal::Record,
    series::{
        self, Checked, SeriesError, SeriesName,
        bytes::{FileHead, Group},
        file_path, files_of,
        manifest::{FileEnd, Listed, Manifest},
        mark::{Mark, Reach},
        scan::{self, Damage, Ends},
    },
    settled::SettledRow,
};
use crate::{clock::now, files};
use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};
use uuid::Uuid;

/// A group of a file that is written anew.
const GROUP_BYTES: usize = 1024 * 1024;

/// What was found in a store.
#[derive(Default)]
pub(crate) struct Verdict {
    pub(crate) series: Vec<SeriesVerdict>,
    /// By the names of files.
    pub(crate) damage: Vec<(String, Damage)>,
}

/// What was found in one of its series.
pub(crate) struct SeriesVerdict {
    pub(crate) name: SeriesName,
    pub(crate) files: usize,
    pub(crate) rows: u64,
    /// How many of the rows say nothing that this version understands.
    pub(crate) strange: u64,
}

/// What was done about damage.
pub(crate) struct Repaired {
    /// How many rows are lost.
    pub(crate) lost: u64,
    /// Where the files are now that were replaced.
    pub(crate) aside: PathBuf,
}

/// Reads all of a store, and changes nothing. A gateway may be writing it.
pub(crate) fn verify(dir: &Path) -> Result<Verdict, SeriesError> {
    let store = folder::store_of(dir).map_err(|error| SeriesError::Io(folder::MARKER.to_owned(), error))?;
    let mut verdict = Verdict::default();
    for name in SeriesName::ALL {
        let (mut rows, mut strange) = (0, 0);
        let Checked { manifest, damage, .. } = series::check(&dir.join(name.folder()), name, store, |row| {
            rows += 1;
            strange += u64::from(!is_understood(name, row.says));
        })?;
        let files = manifest.map_or(0, |manifest| manifest.files.len());
        verdict.series.push(SeriesVerdict { name, files, rows, strange });
        verdict.damage.extend(damage);
    }
    Ok(verdict)
}

fn is_understood(name: SeriesName, says: &[u8]) -> bool {
    match name {
        SeriesName::Events => serde_json::from_slice::<Record>(says).is_ok(),
        SeriesName::Items => {
            SettledRow::decode(says).is_some_and(|row| row.is_forgotten() || row.set().is_some())
        }
    }
}

/// Keeps what is whole, and moves the rest aside; none where all is whole. No gateway may be running.
pub(crate) fn repair(dir: &Path) -> Result<Option<Repaired>, SeriesError> {
    let io = |error| SeriesError::Io(dir.display().to_string(), error);
    let aside = dir.join(format!("cut-{}", now()));
    let marker_is_lost = folder::store_of(dir).is_err();
    if marker_is_lost {
        mend_marker(dir, &aside).map_err(io)?;
    }
    let folder = Folder::open_existing(dir).map_err(io)?;
    let mut lost = None;
    for name in SeriesName::ALL {
        let checked = series::check(&dir.join(name.folder()), name, folder.store(), |_| {})?;
        if !checked.damage.is_empty() {
            let rows = scan::lost(&checked.damage);
            Mending { dir, name, store: folder.store(), aside: &aside }.mend(checked.manifest).map_err(io)?;
            *lost.get_or_insert(0) += rows;
        }
    }
    Ok(lost.or(marker_is_lost.then_some(0)).map(|lost| Repaired { lost, aside }))
}

/// The files of rows know which store they are of.
fn mend_marker(dir: &Path, aside: &Path) -> io::Result<()> {
    let mut heads = SeriesName::ALL.iter().flat_map(|name| {
        let folder = dir.join(name.folder());
        let numbers = files_of(&folder).unwrap_or_default();
        numbers
            .into_iter()
            .filter_map(move |number| FileHead::decode(&fs::read(file_path(&folder, number)).ok()?))
    });
    let no_store =
        || io::Error::new(io::ErrorKind::InvalidData, "there is no store, nor a file of one that is whole");
    let head = heads.next().ok_or_else(no_store)?;
    files::make_dir(aside)?;
    let marker = dir.join(folder::MARKER);
    if marker.exists() {
        fs::rename(&marker, aside.join(folder::MARKER))?;
    }
    files::replace(&marker, &folder::marker(head.store)?)
}

/// A series that is written anew as far as it is damaged.
struct Mending<'a> {
    dir: &'a Path,
    name: SeriesName,
    store: Uuid,
    aside: &'a Path,
}

/// A file as it is to be.
struct MendedFile {
    listed: Listed,
    /// None where it can stay as it is.
    bytes: Option<Vec<u8>>,
}

impl Mending<'_> {
    fn mend(&self, manifest: Option<Manifest>) -> io::Result<()> {
        let (old, fresh) =
            (self.dir.join(self.name.folder()), self.dir.join("unfinished").join(self.name.folder()));
        files::remove(&fresh)?;
        files::make_dir(&fresh)?;
        let known = manifest.map(|manifest| manifest.files).unwrap_or_default();
        let mut numbers: BTreeSet<u32> = known.iter().map(|file| file.number).collect();
        if let Ok(there) = files_of(&old) {
            // What is older than all that is listed was to go.
            numbers.extend(
                there.into_iter().filter(|number| known.first().is_none_or(|first| *number > first.number)),
            );
        }
        if numbers.is_empty() {
            numbers.insert(1);
        }
        let last = numbers.last().copied().unwrap_or(1);
        let mut next = None;
        let (mut listed, mut end) = (Vec::new(), FileEnd { bytes: 0, next: 1 });
        for number in numbers {
            let found = known.iter().find(|file| file.number == number);
            let mended = self.mend_file(&old, number, found, next, number == last)?;
            match mended.bytes {
                Some(bytes) => files::replace(&file_path(&fresh, number), &bytes)?,
                None => fs::hard_link(file_path(&old, number), file_path(&fresh, number))?,
            }
            end = mended.listed.end.unwrap_or(end);
            next = Some(end.next);
            let end = mended.listed.end.filter(|_| number != last);
            listed.push(Listed { end, ..mended.listed });
        }
        Manifest::new(self.store, self.name, listed).write(&fresh)?;
        let reach = Reach { next: end.next, number: last, bytes: end.bytes };
        Mark::create(&fresh, reach, self.name.seed(self.store))?;
        files::make_dir(self.aside)?;
        if old.exists() {
            fs::rename(&old, self.aside.join(self.name.folder()))?;
        }
        fs::rename(&fresh, &old)?;
        files::sync_dir(self.dir)
    }

    /// One file, of which the rows before `next` stand in the one before.
    fn mend_file(
        &self,
        old: &Path,
        number: u32,
        known: Option<&Listed>,
        next: Option<u64>,
        is_last: bool,
    ) -> io::Result<MendedFile> {
        let bytes = fs::read(file_path(old, number)).unwrap_or_default();
        let its = FileHead::decode(&bytes)
            .filter(|head| (head.store, head.series, head.number) == (self.store, self.name, number));
        let first = next.or(known.map(|file| file.first)).or(its.map(|head| head.first)).unwrap_or(1);
        let head = FileHead { store: self.store, series: self.name, number, first };
        let ends = match known.and_then(|file| file.end) {
            Some(end) => Ends::At(end),
            None => Ends::Behind(FileEnd { bytes: 0, next: 0 }),
        };
        let mut rows = Vec::new();
        let scanned = scan::scan(&bytes, &head, ends, |row| rows.push((row.number, row.says.to_vec())));
        let since = known.map_or_else(now, |file| file.since);
        let is_whole = its == Some(head) && scanned.damage.is_empty() && (scanned.torn == 0 || is_last);
        if is_whole {
            let end = FileEnd { bytes: scanned.end, next: scanned.next };
            return Ok(MendedFile { listed: Listed { number, first, since, end: Some(end) }, bytes: None });
        }
        let to = match ends {
            Ends::At(end) => end.next,
            Ends::Behind(_) => 0,
        };
        let (bytes, next) = compose(&head, rows, to);
        let end = FileEnd { bytes: bytes.len() as u64, next };
        Ok(MendedFile { listed: Listed { number, first, since, end: Some(end) }, bytes: Some(bytes) })
    }
}

/// A file of these rows. A group without rows says where numbers were given up; the next file begins at `to`, or behind
/// the last row.
fn compose(head: &FileHead, rows: Vec<(u64, Vec<u8>)>, to: u64) -> (Vec<u8>, u64) {
    let (mut file, seed, mut next) = (head.encode().to_vec(), head.seed(), head.first);
    let mut group = Group::default();
    let mut flush = |group: &mut Group, first: u64| file.extend(std::mem::take(group).finish(first, seed));
    for (number, says) in rows.into_iter().filter(|(number, _)| *number >= head.first) {
        let first = next - group.rows() as u64;
        if number > next || group.len() >= GROUP_BYTES {
            if group.rows() > 0 {
                flush(&mut group, first);
            }
            if number > next {
                flush(&mut group, number);
            }
        }
        group.push(&says);
        next = number + 1;
    }
    if group.rows() > 0 {
        let first = next - group.rows() as u64;
        flush(&mut group, first);
    }
    if to > next {
        flush(&mut group, to);
        next = to;
    }
    (file, next)
}

impl Verdict {
    /// How many rows cannot be read.
    pub(crate) fn lost(&self) -> u64 {
        scan::lost(&self.damage)
    }
}
