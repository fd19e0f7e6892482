//! Opens `sidecar.db`, for its owner only: makes it where it is missing, and refuses what is
//! damaged, of another version, or not ours.

use super::{StoreError, is_busy, new_line, one};
use crate::{
    files::{make_dir, sync_dir},
    sidecar::answers,
};
use rusqlite::{Connection, ErrorCode, TransactionBehavior::Immediate};
use std::{
    fs::{OpenOptions, Permissions},
    io,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
    thread,
    time::{Duration, Instant},
};

pub(crate) const NAME: &str = "sidecar.db";
/// How long another process may hold the file.
const BUSY: Duration = Duration::from_secs(2);
/// How long several that open at the same time may get in each other's way.
const OPEN: Duration = Duration::from_secs(10);
/// "call", by which SQLite files are told apart.
const APPLICATION: i32 = 0x6361_6c6c;
const SCHEMA: i32 = 3;
const TABLES: &str = "
    CREATE TABLE head (lineage TEXT NOT NULL, seq INTEGER NOT NULL) STRICT;
    CREATE TABLE rows (
        name TEXT PRIMARY KEY, revision INTEGER NOT NULL, seq INTEGER NOT NULL UNIQUE, value TEXT NOT NULL
    ) STRICT;
    CREATE TABLE secrets (name TEXT PRIMARY KEY, value TEXT, expires INTEGER NOT NULL) STRICT;
    CREATE INDEX secrets_by_time ON secrets (expires);
";

/// Why it cannot be used.
#[derive(Debug, thiserror::Error)]
enum FileTrouble {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("{0}")]
    Sqlite(#[from] rusqlite::Error),
    #[error(
        "it is missing or empty, and {0} beside it knows integrations; put it back from a backup, and run \
         `callpop vault restore --mark-suspect`. To begin without any, move {0} elsewhere. Nothing was changed"
    )]
    Lost(String),
    #[error("it is damaged ({0}); restore it from a backup. Nothing was changed")]
    Damaged(String),
    #[error("it is not a file of callpop. Nothing was changed")]
    Strange,
    #[error("its schema is of version {0}, and this callpop knows version {SCHEMA}. Nothing was changed")]
    Version(i32),
}

pub(crate) fn open(dir: &Path) -> Result<Connection, StoreError> {
    let path = dir.join(NAME);
    let end = Instant::now() + OPEN;
    loop {
        match try_open(dir, &path) {
            Ok(connection) => return Ok(connection),
            Err(FileTrouble::Sqlite(error)) if is_busy(&error) && Instant::now() < end => {
                thread::sleep(Duration::from_millis(20));
            }
            Err(why) => {
                return Err(StoreError::CannotOpen(format!("{} cannot be opened: {why}", path.display())));
            }
        }
    }
}

fn try_open(dir: &Path, path: &Path) -> Result<Connection, FileTrouble> {
    make_dir(dir)?;
    if path.metadata().map_or(0, |file| file.len()) == 0 {
        check_lost(dir)?;
    }
    make(dir, path)?;
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(BUSY)?;
    check(&connection).map_err(FileTrouble::of_damage)?;
    let mode: String = connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if !mode.eq_ignore_ascii_case("wal") {
        return Err(io::Error::other("the file system cannot share it between processes").into());
    }
    connection.pragma_update(None, "synchronous", "FULL")?;
    // What is deleted is overwritten.
    connection.pragma_update(None, "secure_delete", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    let step = connection.transaction_with_behavior(Immediate)?;
    match one(&step, "PRAGMA user_version", [])? {
        SCHEMA => {}
        0 => {
            step.execute_batch(TABLES)?;
            step.execute("INSERT INTO head (lineage, seq) VALUES (?1, 0)", [new_line()])?;
            step.pragma_update(None, "application_id", APPLICATION)?;
            step.pragma_update(None, "user_version", SCHEMA)?;
        }
        other => return Err(FileTrouble::Version(other)),
    }
    step.commit()?;
    Ok(connection)
}

/// Refuses to begin anew where what integrations left behind is still there.
fn check_lost(dir: &Path) -> Result<(), FileTrouble> {
    for beside in [dir.to_owned(), dir.join(answers::FOLDER)] {
        let Ok(entries) = beside.read_dir() else { continue };
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let knows = name.ends_with(".json") || name.starts_with("audit") && name.ends_with(".jsonl");
            if knows && entry.metadata()?.len() > 0 {
                return Err(FileTrouble::Lost(entry.path().display().to_string()));
            }
        }
    }
    Ok(())
}

/// Makes the file before SQLite does, so that nobody else can ever read it: the files beside it
/// have its permissions.
fn make(dir: &Path, path: &Path) -> Result<(), FileTrouble> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(file) => {
            file.sync_all()?;
            Ok(sync_dir(dir)?)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let mode = path.metadata()?.permissions().mode();
            if mode & 0o077 != 0 {
                std::fs::set_permissions(path, Permissions::from_mode(0o600))?;
            }
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

/// Refuses what is not a sound file of ours, before anything is written to it.
fn check(connection: &Connection) -> Result<(), FileTrouble> {
    let tables: u32 = one(connection, "SELECT count(*) FROM sqlite_schema", [])?;
    let application: i32 = one(connection, "PRAGMA application_id", [])?;
    if tables > 0 && application != APPLICATION {
        return Err(FileTrouble::Strange);
    }
    let version: i32 = one(connection, "PRAGMA user_version", [])?;
    if !(0..=SCHEMA).contains(&version) {
        return Err(FileTrouble::Version(version));
    }
    let says: String = one(connection, "PRAGMA integrity_check(1)", [])?;
    if says == "ok" { Ok(()) } else { Err(FileTrouble::Damaged(says)) }
}

impl FileTrouble {
    fn of_damage(self) -> Self {
        match self {
            Self::Sqlite(error) => match error.sqlite_error_code() {
                Some(ErrorCode::NotADatabase) => Self::Strange,
                Some(ErrorCode::DatabaseCorrupt) => Self::Damaged(error.to_string()),
                _ => Self::Sqlite(error),
            },
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_commit_is_on_the_disk_and_what_is_deleted_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let connection = open(folder.path()).unwrap();
        assert_eq!(one::<String>(&connection, "PRAGMA journal_mode", []).unwrap(), "wal");
        let full = 2;
        assert_eq!(one::<i32>(&connection, "PRAGMA synchronous", []).unwrap(), full);
        assert_eq!(one::<i32>(&connection, "PRAGMA secure_delete", []).unwrap(), 1);
    }
}
