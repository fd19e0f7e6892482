//! The folder of the rows: that its first start is all or nothing, whatever kills it; that it is for nobody else; and
//! that it is still there.

use std::{
    fs::{self, DirBuilder, File, Permissions},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// What the store writes last when it is made; without it there is none.
const MARKER: &str = "version";
/// A store is made in here, and moved out when it is whole.
const UNFINISHED: &str = "unfinished";
/// All that a store consists of beside its marker.
const PARTS: [&str; 3] = ["lock", "0.jnl", "keyspaces"];
/// For its owner alone.
const MODE: u32 = 0o700;

/// A folder that has a store.
pub(crate) struct Folder {
    path: PathBuf,
    /// Which file its marker is: device and number.
    marker: (u64, u64),
}

impl Folder {
    /// The folder, in which `make` makes the store where there is none yet.
    pub(crate) fn open(path: &Path, make: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(MODE).create(path)?;
        keep_private(path)?;
        if !path.join(MARKER).try_exists()? {
            clear(path)?;
            begin(path, make)?;
        }
        // It may have been killed after the last move.
        remove(&path.join(UNFINISHED))?;
        Ok(Self { path: path.to_owned(), marker: identity(path)? })
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

/// The folder may have been made by others, as systemd does. What is in it is for nobody else on the machine.
fn keep_private(path: &Path) -> io::Result<()> {
    let mode = fs::metadata(path)?.permissions().mode();
    if mode & !MODE & 0o777 == 0 {
        return Ok(());
    }
    tracing::warn!(folder = %path.display(), "others could read the folder of the data; now they cannot");
    fs::set_permissions(path, Permissions::from_mode(MODE))
}

/// Removes what a first start left that was killed. A store that holds anything is never taken for that.
fn clear(path: &Path) -> io::Result<()> {
    let was_killed = path.join(UNFINISHED).try_exists()? || !holds_anything(path)?;
    if !was_killed {
        let why = format!("the file {MARKER} is missing beside data; restore the whole folder from a backup");
        return Err(io::Error::new(io::ErrorKind::InvalidData, why));
    }
    for part in PARTS {
        remove(&path.join(part))?;
    }
    remove(&path.join(UNFINISHED))
}

/// Whether there are tables, or a log that anything was written to.
fn holds_anything(path: &Path) -> io::Result<bool> {
    Ok(has_file_below(&path.join("keyspaces"))? || is_written(&path.join(PARTS[1]))?)
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

/// Whether a log has other bytes than those that it was given when it was made.
fn is_written(log: &Path) -> io::Result<bool> {
    if !log.try_exists()? {
        return Ok(false);
    }
    let (mut log, mut bytes) = (File::open(log)?, vec![0; 64 * 1024]);
    loop {
        match io::Read::read(&mut log, &mut bytes)? {
            0 => return Ok(false),
            read if bytes[..read].iter().any(|byte| *byte != 0) => return Ok(true),
            _ => {}
        }
    }
}

/// Makes a store aside, and moves it in, its marker last.
fn begin(path: &Path, make: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
    let aside = path.join(UNFINISHED);
    make(&aside)?;
    for part in PARTS {
        fs::rename(aside.join(part), path.join(part))?;
    }
    sync(path)?;
    fs::rename(aside.join(MARKER), path.join(MARKER))?;
    sync(path)
}

fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn remove(path: &Path) -> io::Result<()> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    removed.or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })
}
