//! The folder of the rows: that its first start is all or nothing, whatever kills it; that one process has it, and nobody
//! else can read it; and that it is still there.

use std::{
    fs::{self, DirBuilder, File, Permissions, TryLockError},
    io::{self, Read},
    os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// Without this file the store opens nothing, and takes the folder for a new one.
const MARKER: &str = "version";
/// A store is made in here, and moved out when it is whole.
const UNFINISHED: &str = "unfinished";
const LOCK: &str = "lock";
const TABLES: &str = "keyspaces";
/// How the names of the store's logs end.
const LOG: &str = "jnl";
/// For its owner alone.
const MODE: u32 = 0o700;

/// A folder that has a store.
pub(crate) struct Folder {
    path: PathBuf,
    /// Which file its marker is: device and number.
    marker: (u64, u64),
    /// Held as long as this is there: the store's own lock is made with the store.
    _lock: File,
}

impl Folder {
    /// The folder, in which `make` makes the store where there is none yet.
    pub(crate) fn open(path: &Path, make: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(MODE).create(path)?;
        let lock = lock(path)?;
        let is_made = path.join(MARKER).try_exists()?;
        // What others keep in there too is theirs to close.
        if is_made || fs::read_dir(path)?.next().is_none() {
            keep_private(path);
        }
        if !is_made {
            clear(path)?;
            begin(path, make)?;
        }
        // It may have been killed after the last move.
        remove(&path.join(UNFINISHED))?;
        Ok(Self { path: path.to_owned(), marker: identity(path)?, _lock: lock })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the store was removed or replaced: then what is written goes nowhere.
    pub(crate) fn is_gone(&self) -> bool {
        identity(&self.path).ok() != Some(self.marker)
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let found = fs::metadata(path.join(MARKER))?;
    Ok((found.dev(), found.ino()))
}

fn lock(path: &Path) -> io::Result<File> {
    let folder = File::open(path)?;
    match folder.try_lock() {
        Err(TryLockError::WouldBlock) => Err(io::Error::other("another process uses it")),
        // Some file systems lock no folders; the store's own lock is one more.
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
    let was_killed = path.join(UNFINISHED).try_exists()?;
    if has_written_log(path)? || !was_killed && has_file_below(&path.join(TABLES))? {
        let why = format!("the file {MARKER} is missing beside data; restore the whole folder from a backup");
        return Err(io::Error::new(io::ErrorKind::InvalidData, why));
    }
    for log in logs(path)? {
        remove(&log)?;
    }
    // Nothing else of that name is the store's.
    if fs::metadata(path.join(LOCK)).is_ok_and(|found| found.is_file() && found.len() == 0) {
        remove(&path.join(LOCK))?;
    }
    if was_killed {
        remove(&path.join(TABLES))?;
    }
    remove(&path.join(UNFINISHED))
}

fn logs(path: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(path)?.collect::<io::Result<Vec<_>>>()?;
    let paths = entries.into_iter().map(|entry| entry.path());
    Ok(paths.filter(|path| path.extension().is_some_and(|end| end == LOG)).collect())
}

/// A log is made of zeros.
fn has_written_log(path: &Path) -> io::Result<bool> {
    let mut bytes = vec![0; 64 * 1024];
    for log in logs(path)? {
        let mut log = File::open(log)?;
        while let read @ 1.. = log.read(&mut bytes)? {
            if bytes[..read].iter().any(|byte| *byte != 0) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

fn has_file_below(path: &Path) -> io::Result<bool> {
    if !path.try_exists()? {
        return Ok(false);
    }
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if !entry.file_type()?.is_dir() || has_file_below(&entry.path())? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Makes a store aside, and moves it in, its marker last.
fn begin(path: &Path, make: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
    let aside = path.join(UNFINISHED);
    make(&aside)?;
    for entry in fs::read_dir(&aside)? {
        let name = entry?.file_name();
        if name != MARKER {
            fs::rename(aside.join(&name), path.join(&name))?;
        }
    }
    sync(path)?;
    fs::rename(aside.join(MARKER), path.join(MARKER))?;
    sync(path)?;
    // The folder that this one is in may be closed to us.
    let _ = path.canonicalize().map(|path| path.parent().map(sync));
    Ok(())
}

fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn remove(path: &Path) -> io::Result<()> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    removed.or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })
}
