//! The folder of a store: that its first start is all or nothing, whatever kills it; that one process has it, and nobody
//! else can read it; and that it is still there.

use super::series::{
    ROWS, Series, SeriesName,
    bytes::{FILE_HEAD, checked, with_check},
    file_path, files_of, manifest, mark,
};
use crate::files;
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File, Permissions, TryLockError},
    io,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};
use uuid::Uuid;

/// Which store it is. It is moved in last: where it is missing, there is no store.
pub(crate) const MARKER: &str = "store";
/// A store is made in here, and moved out when it is whole.
const UNFINISHED: &str = "unfinished";
/// What marked a store of the version before this one.
const MARKER_BEFORE: &str = "version";
/// For its owner alone.
const MODE: u32 = 0o700;

/// A folder that has a store.
pub(crate) struct Folder {
    path: PathBuf,
    store: Uuid,
    /// Which file its marker is: device and number.
    marker: (u64, u64),
    /// Held as long as this is there.
    _lock: File,
}

/// What the marker says: one line of JSON, and its checksum on another.
#[derive(Serialize, Deserialize)]
struct Marker {
    version: u32,
    store: Uuid,
}

impl Folder {
    /// The folder; a store is made in it where there is none yet.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        files::make_dir(path)?;
        let lock = lock(path)?;
        let is_made = path.join(MARKER).try_exists()?;
        // What others keep in there too is theirs to close.
        if is_made || fs::read_dir(path)?.next().is_none() {
            keep_private(path);
        }
        if !is_made {
            clear(path)?;
            begin(path)?;
        }
        // It may have been killed after the last move.
        files::remove(&path.join(UNFINISHED))?;
        Ok(Self { path: path.to_owned(), store: store_of(path)?, marker: identity(path)?, _lock: lock })
    }

    /// The folder of a store that there is.
    pub(crate) fn open_existing(path: &Path) -> io::Result<Self> {
        let lock = lock(path)?;
        Ok(Self { path: path.to_owned(), store: store_of(path)?, marker: identity(path)?, _lock: lock })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Which store is in it.
    pub(crate) fn store(&self) -> Uuid {
        self.store
    }

    /// Whether the store was removed or replaced: then what is written goes nowhere.
    pub(crate) fn is_gone(&self) -> bool {
        identity(&self.path).ok() != Some(self.marker)
    }

    /// An error where it was.
    pub(crate) fn is_there(&self) -> io::Result<()> {
        if self.is_gone() { Err(io::Error::other("the folder of the store was removed")) } else { Ok(()) }
    }
}

/// Which store is in a folder.
pub(crate) fn store_of(path: &Path) -> io::Result<Uuid> {
    let text = fs::read(path.join(MARKER))?;
    let damaged =
        |what: &str| io::Error::new(io::ErrorKind::InvalidData, format!("the file {MARKER} {what}"));
    let json = checked(&text).ok_or_else(|| damaged("is damaged"))?;
    let marker: Marker =
        serde_json::from_slice(json).map_err(|_| damaged("is of another version of callpop"))?;
    if marker.version != 1 {
        return Err(damaged("is of another version of callpop"));
    }
    Ok(marker.store)
}

/// The bytes of a store's marker.
pub(crate) fn marker(store: Uuid) -> io::Result<Vec<u8>> {
    Ok(with_check(serde_json::to_vec(&Marker { version: 1, store })?))
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let found = fs::metadata(path.join(MARKER))?;
    Ok((found.dev(), found.ino()))
}

fn lock(path: &Path) -> io::Result<File> {
    let folder = File::open(path)?;
    match folder.try_lock() {
        Err(TryLockError::WouldBlock) => Err(io::Error::other("another process uses it")),
        // Some file systems lock no folders.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(folder),
    }
}

/// The folder may have been made by others, as systemd does. What is in it is for nobody else on the machine.
fn keep_private(path: &Path) {
    let is_open = fs::metadata(path).is_ok_and(|found| found.permissions().mode() & !MODE & 0o777 != 0);
    if !is_open {
        return;
    }
    let folder = path.display();
    match fs::set_permissions(path, Permissions::from_mode(MODE)) {
        Ok(()) => tracing::warn!(%folder, "others could read the folder of the data; now they cannot"),
        Err(error) => tracing::warn!(%folder, %error, "others may read the folder of the data"),
    }
}

/// Removes what a first start left that was killed. What holds anything is never taken for that.
fn clear(path: &Path) -> io::Result<()> {
    let refuse = |why: String| Err(io::Error::new(io::ErrorKind::InvalidData, why));
    if path.join(MARKER_BEFORE).try_exists()? {
        return refuse(
            "its store is of an earlier version of callpop; take another folder, or that version".into(),
        );
    }
    let folders = SeriesName::ALL.map(|series| path.join(series.folder()));
    for folder in folders.iter().filter(|folder| folder.exists()) {
        if holds_rows(folder)? || !is_ours(folder)? {
            let why = "is missing beside data; restore the whole folder from a backup";
            return refuse(format!("the file {MARKER} {why}"));
        }
    }
    folders.iter().try_for_each(|folder| files::remove(folder))?;
    files::remove(&path.join(UNFINISHED))
}

fn holds_rows(folder: &Path) -> io::Result<bool> {
    let files = files_of(folder)?;
    let mut sizes = files.into_iter().map(|number| fs::metadata(file_path(folder, number)));
    sizes.try_fold(false, |holds, file| Ok(holds || file?.len() > FILE_HEAD as u64))
}

/// Whether all in a folder of rows is what a store puts there.
fn is_ours(folder: &Path) -> io::Result<bool> {
    let entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    let of_store = |name: &Path| {
        let stem = name.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        [manifest::FILE, mark::FILE].contains(&stem) || name.extension().is_some_and(|end| end == ROWS)
    };
    Ok(entries.iter().all(|entry| of_store(Path::new(&entry.file_name()))))
}

/// Makes a store aside, and moves it in, its marker last.
fn begin(path: &Path) -> io::Result<()> {
    let (aside, store) = (path.join(UNFINISHED), Uuid::new_v4());
    files::make_dir(&aside)?;
    for series in SeriesName::ALL {
        Series::create(&aside, series, store)?;
        fs::rename(aside.join(series.folder()), path.join(series.folder()))?;
    }
    files::sync_dir(path)?;
    files::replace(&aside.join(MARKER), &marker(store)?)?;
    fs::rename(aside.join(MARKER), path.join(MARKER))?;
    files::sync_dir(path)?;
    // The folder that this one is in may be closed to us.
    let _ = path.canonicalize().map(|path| path.parent().map(files::sync_dir));
    Ok(())
}
