//! The audit log: what happened to which integration, one JSON line an event, each with the
//! hash of the line before it, so that no line can be changed, added or taken out unnoticed.
//!
//! It holds no token material: an event's words are fixed in the program. It grows by some
//! 370 bytes an event, and is never shortened.

mod chain;

pub(crate) use chain::{Verified, verify};

use super::{
    disk::{self, LATE},
    integration::Key,
};
use crate::{
    clock::Micros,
    id::{Extension, SourceName, TenantId},
};
use chain::Head;
use serde::Serialize;
use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::{sync::Mutex, task, time};

/// The log's name in its folder.
pub(crate) const FILE: &str = "audit.jsonl";
/// The longest line that is taken. An event has about 370 bytes; ids can make it 950.
const MAX_LINE: u64 = 4096;
/// The event that says that an unfinished line was cut off.
const TORN: &str = "torn_line_removed";

/// Why the log does not open, take an event, or verify.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuditError {
    #[error("the audit log {path:?}: {error}")]
    CannotOpen { path: PathBuf, error: io::Error },
    #[error("the audit log {path:?}: another process writes it")]
    InUse { path: PathBuf },
    /// The line's number is known where the log was read from its beginning.
    #[error(
        "the audit log is broken at {}: {why}; keep the file elsewhere, and a new one begins",
        line.map_or("its end".into(), |line| format!("line {line}"))
    )]
    Broken { line: Option<u64>, why: &'static str },
    /// The event is not in the log.
    #[error("cannot write the audit log: {0}")]
    CannotWrite(io::Error),
    /// The event may yet come to be in the log.
    #[error("the disk of the audit log has not written for {} s", LATE.as_secs())]
    Late,
}

/// Something that happened to an integration. Its words are the program's own, so that nothing
/// of a provider's answer can come into the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AuditEvent {
    /// By callpop's clock.
    pub(crate) at: Micros,
    pub(crate) key: Key,
    pub(crate) consent: u64,
    pub(crate) generation: u64,
    /// What happened, in snake case.
    pub(crate) event: &'static str,
    /// Why, in snake case, where that does not follow.
    pub(crate) cause: Option<&'static str>,
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

/// The log, open for this process alone.
pub(crate) struct Audit {
    writer: Arc<Mutex<Writer>>,
}

/// The file and where its chain ends.
struct Writer {
    file: File,
    /// So long is what is known to be whole.
    length: u64,
    head: Head,
    /// A write failed, so a part of a line may stand behind what is whole.
    may_be_torn: bool,
}

impl Audit {
    /// Opens or makes the log. A last line that a crash left unfinished is removed, and an event
    /// says so; only the end of the chain is checked. Blocks.
    pub(crate) fn open(path: &Path, now: Micros) -> Result<Self, AuditError> {
        let cannot = |error| AuditError::CannotOpen { path: path.to_owned(), error };
        let dir = path.parent().filter(|dir| *dir != Path::new("")).unwrap_or(Path::new("."));
        disk::make_dir(dir).map_err(cannot)?;
        let file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path);
        let mut file = file.map_err(cannot)?;
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => AuditError::InUse { path: path.to_owned() },
            TryLockError::Error(error) => cannot(error),
        })?;
        disk::sync_dir(dir).map_err(cannot)?;
        let all = file.metadata().map_err(cannot)?.len();
        let from = all.saturating_sub(2 * MAX_LINE);
        let mut tail = Vec::new();
        file.seek(SeekFrom::Start(from)).and_then(|_| file.read_to_end(&mut tail)).map_err(cannot)?;
        let (head, torn) =
            Head::of_tail(&tail, from == 0).map_err(|why| AuditError::Broken { line: None, why })?;
        let mut writer = Writer { file, length: all - torn, head, may_be_torn: torn > 0 };
        if torn > 0 {
            tracing::warn!(bytes = torn, "the last line of the audit log was not finished, and is removed");
            writer.write(now, None, TORN, None)?;
        }
        Ok(Self { writer: Arc::new(Mutex::new(writer)) })
    }

    /// Adds an event: it is on the disk when this returns. Where that fails, the log is as before.
    ///
    /// A caller that goes away while others' events are written adds nothing; later, it does not
    /// stop the writing.
    pub(crate) async fn note(&self, event: AuditEvent) -> Result<(), AuditError> {
        let work = async {
            let mut writer = self.writer.clone().lock_owned().await;
            let write = move || {
                let whose = Whose {
                    source: &event.key.source,
                    tenant_id: &event.key.tenant,
                    extension: &event.key.extension,
                    consent: event.consent,
                    generation: event.generation,
                };
                writer.write(event.at, Some(whose), event.event, event.cause)
            };
            match task::spawn_blocking(write).await {
                Ok(written) => written,
                Err(error) => Err(AuditError::CannotWrite(error.into())),
            }
        };
        time::timeout(LATE, work).await.unwrap_or(Err(AuditError::Late))
    }
}

impl Writer {
    fn write(
        &mut self,
        at: Micros,
        whose: Option<Whose<'_>>,
        event: &'static str,
        cause: Option<&'static str>,
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
}

#[cfg(test)]
#[path = "audit/tests.rs"]
mod tests;
