//! Reads all of a series, and changes nothing: what a start believes, and what an operator is told.

use super::{
    SeriesName,
    bytes::{FILE_HEAD, FileHead},
    file_name, file_path,
    manifest::{self, FileEnd, Listed, Manifest},
    mark::{self, Mark, Reach},
    scan::{self, Damage, Ends, Row, Scanned},
    unlisted,
};
use std::{fmt, fs, io, path::Path};
use uuid::Uuid;

/// Why a series is not opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SeriesError {
    #[error("{0}: {1}")]
    Io(String, #[source] io::Error),
    #[error("{}", describe(.0))]
    Damaged(Vec<(String, Damage)>),
}

/// The number of the first row of a series; of one whose manifest cannot be read, none is before it.
pub(crate) fn first_row(store_dir: &Path, name: SeriesName) -> io::Result<u64> {
    let manifest = Manifest::read(&store_dir.join(name.folder()))?;
    Ok(manifest.ok().and_then(|manifest| manifest.files.first().map(|file| file.first)).unwrap_or_default())
}

/// What a series' folder holds.
pub(crate) struct Checked {
    pub(crate) manifest: Option<Manifest>,
    pub(super) mark: Option<Mark>,
    /// The file that is written.
    pub(super) last: Scanned,
    /// By the names of files.
    pub(crate) damage: Vec<(String, Damage)>,
}

/// A series that is being read.
struct Reading<'a> {
    dir: &'a Path,
    name: SeriesName,
    store: Uuid,
    found: Checked,
}

/// Reads all of a series and changes nothing; hands every row that is whole to `visit`.
pub(crate) fn check(
    dir: &Path,
    name: SeriesName,
    store: Uuid,
    mut visit: impl FnMut(Row),
) -> Result<Checked, SeriesError> {
    let found = Checked { manifest: None, mark: None, last: Scanned::default(), damage: Vec::new() };
    let mut reading = Reading { dir, name, store, found };
    if let Some(manifest) = reading.manifest()? {
        let reach = reading.mark()?;
        let mut next = manifest.files.first().map_or(1, |file| file.first);
        for file in &manifest.files {
            if file.first != next {
                reading.damaged(&file_name(file.number), "the manifest lists it with other rows");
            }
            next = reading.file(file, reach, &mut visit)?;
        }
        reading.others(&manifest, reach)?;
        reading.found.manifest = Some(manifest);
    }
    Ok(reading.found)
}

impl Reading<'_> {
    fn manifest(&mut self) -> Result<Option<Manifest>, SeriesError> {
        let read = Manifest::read(self.dir).map_err(|error| self.io(manifest::FILE, error))?;
        let read = match read {
            Ok(manifest) if manifest.store != self.store || manifest.series != self.name => {
                Err("it is of another store")
            }
            other => other,
        };
        Ok(read.map_err(|what| self.damaged(manifest::FILE, what)).ok())
    }

    fn mark(&mut self) -> Result<Reach, SeriesError> {
        let reach = match Mark::open(self.dir, self.name.seed(self.store)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err("it is missing"),
            Err(error) => return Err(self.io(mark::FILE, error)),
            Ok((mark, reach)) => {
                self.found.mark = Some(mark);
                reach.ok_or("it is damaged")
            }
        };
        Ok(reach.map_err(|what| self.damaged(mark::FILE, what)).unwrap_or_default())
    }

    /// Reads a file; tells the number of the row after its last.
    fn file(&mut self, file: &Listed, reach: Reach, visit: &mut impl FnMut(Row)) -> Result<u64, SeriesError> {
        let head = FileHead { store: self.store, series: self.name, number: file.number, first: file.first };
        let ends = match file.end {
            Some(end) => Ends::At(end),
            None if reach.number == file.number => {
                Ends::Behind(FileEnd { bytes: reach.bytes, next: reach.next })
            }
            None => Ends::Behind(FileEnd { bytes: FILE_HEAD as u64, next: file.first }),
        };
        let mut scanned = match fs::read(file_path(self.dir, file.number)) {
            Ok(bytes) => scan::scan(&bytes, &head, ends, visit),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let next = file.end.map_or(reach.next, |end| end.next).max(file.first);
                let damage = vec![Damage { at: 0, rows: file.first..next, what: "it is missing" }];
                Scanned { next, damage, ..Scanned::default() }
            }
            Err(error) => return Err(self.io(&file_name(file.number), error)),
        };
        let label = self.label(&file_name(file.number));
        self.found.damage.extend(scanned.damage.drain(..).map(|damage| (label.clone(), damage)));
        self.found.last = scanned;
        Ok(self.found.last.next)
    }

    /// Looks for what the manifest should list.
    fn others(&mut self, manifest: &Manifest, reach: Reach) -> Result<(), SeriesError> {
        let last = manifest.files.last().map_or(0, |file| file.number);
        if reach.number > last {
            self.damaged(manifest::FILE, "it is older than the rows beside it");
        }
        let others = unlisted(self.dir, &manifest.files).map_err(|error| self.io(".", error))?;
        for number in others.into_iter().filter(|number| *number > last) {
            let holds_rows =
                fs::metadata(file_path(self.dir, number)).is_ok_and(|file| file.len() > FILE_HEAD as u64);
            if holds_rows {
                self.damaged(&file_name(number), "the manifest does not list it");
            }
        }
        Ok(())
    }

    /// Notes damage for which no rows are known to be lost.
    fn damaged(&mut self, file: &str, what: &'static str) {
        let label = self.label(file);
        self.found.damage.push((label, Damage { at: 0, rows: 0..0, what }));
    }

    fn io(&self, file: &str, error: io::Error) -> SeriesError {
        SeriesError::Io(self.label(file), error)
    }

    fn label(&self, file: &str) -> String {
        self.name.path_of(file)
    }
}

/// What is damaged, where, and how much of it.
fn describe(damage: &[(String, Damage)]) -> String {
    let lost = scan::lost(damage);
    let first = damage.first().map(|(file, damage)| format!("{file}: {damage}")).unwrap_or_default();
    let others = match damage.len() {
        0 | 1 => String::new(),
        more => format!(" ({} more places)", more - 1),
    };
    format!("{first}{others}; {lost} stored rows cannot be read")
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.at {
            0 => f.write_str(self.what),
            at => write!(f, "at byte {at}: {}", self.what),
        }
    }
}
