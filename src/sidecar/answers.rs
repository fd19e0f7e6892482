//! The local journal of token responses: an answer of the token endpoint, sealed, is on this
//! disk before anything is read out of it, so that no crash and no lost database loses it.
//!
//! One file per attempt, complete or not there. It only keeps: what an entry means, and when
//! it is done with, is its user's to say. A file that it cannot read it leaves alone.

use super::{
    LATE,
    integration::Key,
    vault::{Sealed, VaultError},
};
use crate::{clock::Micros, files};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::{
    collections::HashSet,
    ffi::OsStr,
    fs::{self, File, OpenOptions, Permissions, TryLockError},
    io::{self, ErrorKind, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::{sync::Semaphore, task, time};
use uuid::Uuid;

/// So many entries are kept at most; an answer is forgotten seconds after it came, so only a
/// database that is away for long brings them near it.
pub(crate) const MAX_ENTRIES: usize = 10_000;
/// So many are written at once.
const MAX_WRITES: usize = 16;
/// The journal, within the folder of the sidecar.
pub(crate) const FOLDER: &str = "journal";
const KEPT: &str = "json";
const HALF_WRITTEN: &str = "tmp";

/// Why the journal does not open, or an answer is not kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AnswersError {
    #[error("the journal of token responses in {dir:?}: {error}")]
    CannotOpen { dir: PathBuf, error: io::Error },
    #[error("the journal of token responses in {dir:?}: another process uses it")]
    InUse { dir: PathBuf },
    /// Retrying is sound, with the same entry.
    #[error("cannot write the journal of token responses: {0}")]
    CannotWrite(io::Error),
    /// It may yet be written; retrying is sound, with the same entry.
    #[error("the disk of the journal of token responses has not written for {} s", LATE.as_secs())]
    Late,
    /// At the replay; every entry stays.
    #[error("the journal of token responses: {0}")]
    NoKey(VaultError),
    #[error("the journal of token responses is full: {MAX_ENTRIES} wait to be stored")]
    Full,
    /// Every request that is sent is an attempt of its own.
    #[error("the journal of token responses has another entry of attempt {0}")]
    Taken(Uuid),
}

/// A token endpoint's answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeptAnswer {
    /// Of the one request that it answers.
    pub(crate) attempt: Uuid,
    #[serde(flatten)]
    pub(crate) key: Key,
    pub(crate) consent: u64,
    pub(crate) generation: u64,
    /// By callpop's clock.
    pub(crate) received_at: Micros,
    /// The HTTP status.
    pub(crate) status: u16,
    /// The body as it came.
    pub(crate) body: Sealed,
}

/// What is in the journal.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    /// In the order in which they were received.
    pub(crate) entries: Vec<KeptAnswer>,
    /// How many files are no entries; each has been logged, and is still there.
    pub(crate) damaged: usize,
}

/// A journal that is open, for this process alone.
pub(crate) struct Answers {
    shared: Arc<Shared>,
    /// Bounds the threads that a slow disk holds.
    writes: Arc<Semaphore>,
}

struct Shared {
    dir: PathBuf,
    /// Attempts whose entry is kept or being written.
    attempts: Mutex<HashSet<Uuid>>,
    /// Its lock lasts as long as it is open.
    _lock: File,
}

impl Answers {
    /// Opens or makes the journal in a folder of its own, and removes what was being written when
    /// its last process ended. Blocks.
    pub(crate) fn open(dir: &Path) -> Result<Self, AnswersError> {
        let cannot = |error| AnswersError::CannotOpen { dir: dir.to_owned(), error };
        files::make_dir(dir).map_err(cannot)?;
        let mut private = OpenOptions::new();
        private.write(true).create(true).truncate(true).mode(0o600);
        let lock = private.open(dir.join("lock")).map_err(cannot)?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => AnswersError::InUse { dir: dir.to_owned() },
            TryLockError::Error(error) => cannot(error),
        })?;
        for path in files(dir, HALF_WRITTEN).map_err(cannot)? {
            fs::remove_file(path).map_err(cannot)?;
        }
        let attempts = files(dir, KEPT).map_err(cannot)?.iter().filter_map(|path| attempt_of(path)).collect();
        let shared = Shared { dir: dir.to_owned(), attempts: Mutex::new(attempts), _lock: lock };
        Ok(Self { shared: Arc::new(shared), writes: Arc::new(Semaphore::new(MAX_WRITES)) })
    }

    /// Keeps an answer: it is on the disk when this returns. The same entry again is kept once.
    ///
    /// A caller that goes away while others' entries are written has nothing kept; later, it does
    /// not stop the writing.
    pub(crate) async fn keep(&self, entry: &KeptAnswer) -> Result<(), AnswersError> {
        let mut place = self.shared.clone().reserve(entry.attempt)?;
        let entry = entry.clone();
        let work = async {
            let turn = self.writes.clone().acquire_owned().await;
            let write = move || {
                let _turn = turn;
                place.write(&entry)
            };
            match task::spawn_blocking(write).await {
                Ok(written) => written,
                Err(error) => Err(AnswersError::CannotWrite(error.into())),
            }
        };
        time::timeout(LATE, work).await.unwrap_or(Err(AnswersError::Late))
    }

    /// Removes an attempt's entry, if it has one. Where that fails, it is logged, and the entry is
    /// there again at the next start; so it may be after a crash.
    pub(crate) async fn forget(&self, attempt: Uuid) {
        let shared = self.shared.clone();
        let work = task::spawn_blocking(move || shared.remove(attempt));
        let done = match time::timeout(LATE, work).await {
            Ok(Ok(done)) => done,
            Ok(Err(error)) => Err(error.into()),
            Err(late) => Err(late.into()),
        };
        if let Err(error) = done {
            tracing::warn!(%attempt, %error, "an answer that is done with stays in the journal");
        }
    }

    /// Reads what is kept, for the replay at start. A file that is no entry is logged and counted,
    /// and stays where it is. Blocks.
    pub(crate) fn entries(&self) -> Result<Kept, AnswersError> {
        look(&self.shared.dir)
    }
}

/// Reads what is kept in a folder, which may be in use, or not there. Blocks.
pub(crate) fn look(dir: &Path) -> Result<Kept, AnswersError> {
    let paths = match files(dir, KEPT) {
        Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
        paths => paths.map_err(|error| AnswersError::CannotOpen { dir: dir.to_owned(), error })?,
    };
    let mut kept = Kept::default();
    for path in paths {
        match read(&path) {
            Ok(entry) => kept.entries.push(entry),
            // It is done with since.
            Err(_) if !path.exists() => {}
            Err(why) => {
                tracing::error!(?path, why, "a token response cannot be read; its file is left alone");
                kept.damaged += 1;
            }
        }
    }
    kept.entries.sort_by_key(|entry| (entry.received_at, entry.attempt));
    Ok(kept)
}

impl Shared {
    /// Takes one of the places for entries.
    fn reserve(self: Arc<Self>, attempt: Uuid) -> Result<Place, AnswersError> {
        let mut attempts = self.attempts.lock();
        if attempts.len() >= MAX_ENTRIES && !attempts.contains(&attempt) {
            return Err(AnswersError::Full);
        }
        let is_new = attempts.insert(attempt);
        drop(attempts);
        Ok(Place { shared: self, attempt, is_to_free: is_new })
    }

    fn path(&self, attempt: Uuid) -> PathBuf {
        self.dir.join(attempt.to_string()).with_extension(KEPT)
    }

    fn remove(&self, attempt: Uuid) -> io::Result<()> {
        match fs::remove_file(self.path(attempt)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => {
                self.attempts.lock().remove(&attempt);
                Ok(())
            }
        }
    }
}

/// A place for an entry; free again unless the entry came to be there.
struct Place {
    shared: Arc<Shared>,
    attempt: Uuid,
    is_to_free: bool,
}

impl Place {
    fn write(&mut self, entry: &KeptAnswer) -> Result<(), AnswersError> {
        let (dir, path) = (&self.shared.dir, self.shared.path(self.attempt));
        let text = serde_json::to_vec(entry).map_err(|error| AnswersError::CannotWrite(error.into()))?;
        let written = tempfile::Builder::new()
            .suffix(&format!(".{HALF_WRITTEN}"))
            .permissions(Permissions::from_mode(0o600))
            .tempfile_in(dir)
            .and_then(|mut file| {
                file.write_all(&text)?;
                file.as_file().sync_all()?;
                Ok(file)
            });
        match written.map_err(AnswersError::CannotWrite)?.persist_noclobber(&path) {
            Ok(_) => {}
            Err(error) if error.error.kind() != ErrorKind::AlreadyExists => {
                return Err(AnswersError::CannotWrite(error.error));
            }
            Err(_) if read(&path).as_ref() != Ok(entry) => return Err(AnswersError::Taken(self.attempt)),
            Err(_) => {}
        }
        self.is_to_free = false;
        self.shared.attempts.lock().insert(self.attempt);
        files::sync_dir(dir).map_err(AnswersError::CannotWrite)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.is_to_free {
            self.shared.attempts.lock().remove(&self.attempt);
        }
    }
}

/// The files of a folder with one ending.
fn files(dir: &Path, ending: &str) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for file in fs::read_dir(dir)? {
        let path = file?.path();
        if path.extension() == Some(OsStr::new(ending)) {
            files.push(path);
        }
    }
    Ok(files)
}

/// The attempt that a file's name says.
fn attempt_of(path: &Path) -> Option<Uuid> {
    path.file_stem()?.to_str()?.parse().ok()
}

/// An entry, or why it is none; the reason quotes nothing of it.
fn read(path: &Path) -> Result<KeptAnswer, String> {
    let text = fs::read(path).map_err(|error| error.to_string())?;
    let entry: KeptAnswer = serde_json::from_slice(&text).map_err(|error| {
        format!("no entry: {:?} error at line {}, column {}", error.classify(), error.line(), error.column())
    })?;
    if attempt_of(path) == Some(entry.attempt) {
        Ok(entry)
    } else {
        Err("it is of another attempt than its name".into())
    }
}

#[cfg(test)]
#[path = "answers/tests.rs"]
mod tests;
