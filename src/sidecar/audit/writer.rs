//! The files of the log: the one that is written, and those that were full.

use super::{AuditError, AuditEvent, MAX_LINE, chain::Head};
use crate::{
    clock::Micros,
    files,
    id::{Extension, SourceName, TenantId},
};
use serde::Serialize;
use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// Who has it locked writes the log.
const LOCK: &str = "audit.lock";
/// A file with so many bytes is full.
const MAX_BYTES: u64 = 16 << 20;
/// Full files that are kept.
const KEPT: usize = 64;
/// The event that says that an unfinished line was cut off.
const TORN: &str = "torn_line_removed";

/// The file and where its chain ends.
pub(super) struct Writer {
    path: PathBuf,
    pub(super) file: File,
    /// So long is what is known to be whole.
    length: u64,
    /// A file with so many bytes is full.
    pub(super) most: u64,
    head: Head,
    /// A write failed, so a part of a line may stand behind what is whole.
    may_be_torn: bool,
    _lock: File,
}

/// What a line says, in the order of its fields; `hash` follows as the last.
#[derive(Serialize)]
struct Line<'a> {
    n: u64,
    at: Micros,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    whose: Option<Whose<'a>>,
    event: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<&'a str>,
    prev: &'a str,
}

#[derive(Serialize)]
struct Whose<'a> {
    source: &'a SourceName,
    tenant_id: &'a TenantId,
    extension: &'a Extension,
    consent: u64,
    generation: u64,
}

impl Writer {
    pub(super) fn open(path: &Path, now: Micros) -> Result<Self, AuditError> {
        let cannot = |error| AuditError::CannotOpen { path: path.to_owned(), error };
        let dir = folder_of(path);
        files::make_dir(dir).map_err(cannot)?;
        let lock = private().append(true).create(true).open(dir.join(LOCK)).map_err(cannot)?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => AuditError::InUse { path: path.to_owned() },
            TryLockError::Error(error) => cannot(error),
        })?;
        let file = begin(path).map_err(cannot)?;
        let end = End::of(&file, path)?;
        let (head, length) = match end.length {
            // No line was finished since the last file was put aside.
            0 => (last_of(path)?, 0),
            length => (end.head, length),
        };
        let torn = end.torn;
        let (path, may_be_torn) = (path.to_owned(), torn > 0);
        let mut writer = Self { path, file, length, most: MAX_BYTES, head, may_be_torn, _lock: lock };
        if torn > 0 {
            tracing::warn!(bytes = torn, "the last line of the audit log was not finished, and is removed");
            writer.write_line(now, None, TORN, None)?;
        }
        Ok(writer)
    }

    /// Adds an event: it is on the disk when this returns. Where that fails, the log is as before.
    pub(super) fn write(&mut self, event: &AuditEvent) -> Result<(), AuditError> {
        let AuditEvent { at, key, consent, generation, event, cause } = event;
        let whose = Whose {
            source: &key.source,
            tenant_id: &key.tenant,
            extension: &key.extension,
            consent: *consent,
            generation: *generation,
        };
        self.write_line(*at, Some(whose), event, *cause)?;
        if self.length >= self.most
            && let Err(error) = self.put_aside()
        {
            // The file grows on; it is tried again after the next event.
            tracing::error!(%error, "the full audit log cannot be put aside");
        }
        Ok(())
    }

    fn write_line(
        &mut self,
        at: Micros,
        whose: Option<Whose<'_>>,
        event: &str,
        cause: Option<&str>,
    ) -> Result<(), AuditError> {
        let line = Line { n: self.head.n + 1, at, whose, event, cause, prev: &self.head.hash };
        let open = serde_json::to_string(&line).map_err(|error| AuditError::CannotWrite(error.into()))?;
        let (line, head) = self.head.next(open);
        self.append(line.as_bytes()).map_err(AuditError::CannotWrite)?;
        self.head = head;
        Ok(())
    }

    /// Writes behind what is whole.
    fn append(&mut self, line: &[u8]) -> io::Result<()> {
        if self.may_be_torn {
            self.file.set_len(self.length)?;
        }
        self.may_be_torn = true;
        self.file.write_all(line)?;
        self.file.sync_data()?;
        self.may_be_torn = false;
        self.length += line.len() as u64;
        Ok(())
    }

    /// Begins a new file. A crash in between leaves none, and the next start begins it.
    fn put_aside(&mut self) -> io::Result<()> {
        let dir = folder_of(&self.path);
        match fs::rename(&self.path, dir.join(format!("audit-{:012}.jsonl", self.head.n))) {
            // It is aside already, and a new one could not be made then.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            renamed => renamed?,
        }
        self.file = growing().open(&self.path)?;
        self.length = 0;
        files::sync_dir(dir)?;
        let full = full_files(&self.path)?;
        for oldest in full.iter().take(full.len().saturating_sub(KEPT)) {
            // One that cannot be removed now is the oldest the next time, too.
            let _ = fs::remove_file(oldest);
        }
        Ok(())
    }
}

/// Where a file's chain ends, and what stands behind that.
struct End {
    head: Head,
    length: u64,
    torn: u64,
}

impl End {
    fn of(mut file: &File, path: &Path) -> Result<Self, AuditError> {
        let cannot = |error| AuditError::CannotOpen { path: path.to_owned(), error };
        let all = file.metadata().map_err(cannot)?.len();
        let from = all.saturating_sub(2 * MAX_LINE);
        let mut tail = Vec::new();
        file.seek(SeekFrom::Start(from)).and_then(|_| file.read_to_end(&mut tail)).map_err(cannot)?;
        let (head, torn) = Head::of_tail(&tail, from == 0).map_err(|why| AuditError::Broken {
            file: path.to_owned(),
            line: None,
            why,
        })?;
        Ok(Self { head, length: all - torn, torn })
    }
}

/// Where the chain ends that the full files hold; its beginning where there are none.
fn last_of(path: &Path) -> Result<Head, AuditError> {
    let cannot = |error| AuditError::CannotOpen { path: path.to_owned(), error };
    for last in full_files(path).map_err(cannot)?.iter().rev() {
        let end = End::of(&File::open(last).map_err(cannot)?, last)?;
        if end.length > 0 {
            return Ok(end.head);
        }
    }
    Ok(Head::default())
}

/// The files that were full, the oldest first.
pub(super) fn full_files(path: &Path) -> io::Result<Vec<PathBuf>> {
    let is_full = |name: &str| {
        let number = name.strip_prefix("audit-").and_then(|rest| rest.strip_suffix(".jsonl"));
        number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let mut full = Vec::new();
    for file in fs::read_dir(folder_of(path))? {
        let file = file?;
        if file.file_name().to_str().is_some_and(is_full) {
            full.push(file.path());
        }
    }
    full.sort();
    Ok(full)
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|dir| *dir != Path::new("")).unwrap_or(Path::new("."))
}

/// The file to write, which is made durable where it is new.
fn begin(path: &Path) -> io::Result<File> {
    let file = growing().open(path)?;
    files::sync_dir(folder_of(path))?;
    Ok(file)
}

/// How a file of the log is opened to be written.
fn growing() -> OpenOptions {
    let mut options = private();
    options.read(true).append(true).create(true);
    options
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(0o600);
    options
}
