//! The audit log: what happened to which integration, one JSON line an event, each with the
//! hash of the line before it, so that no line can be changed, added or taken out unnoticed.
//!
//! It holds no token material: an event's words are fixed in the program. It grows by some
//! 370 bytes an event. A file that is full is put aside and the chain goes on in a new one; the
//! oldest of too many go, before they fill the disk that calls need, too.
//!
//! One thread writes, in the order in which events were noted. A disk that hangs holds up that
//! thread and nobody else.

mod chain;
mod writer;

pub(crate) use chain::{Verified, verify};

use super::{LATE, integration::Key};
use crate::{clock::Micros, tasks::Tasks};
use parking_lot::Mutex;
use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    time::Duration,
};
use tokio::{
    sync::oneshot,
    time::{sleep, timeout},
};
use writer::{Writer, full_files};

/// The log's name in its folder.
pub(crate) const FILE: &str = "audit.jsonl";
/// The longest line that is taken. An event has about 370 bytes; ids can make it 950.
const MAX_LINE: u64 = 4096;
/// Events that wait for the disk; one more is not in the log.
const MOST_WAITING: usize = 4096;
/// What goes on whether or not its event is written waits so long for the disk, which is mostly enough.
const SOON: Duration = Duration::from_millis(250);
/// Between looks whether there is room again.
const ROOM: Duration = Duration::from_millis(10);

/// Why the log does not open, take an event, or verify.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuditError {
    #[error("the audit log {path:?}: {error}")]
    CannotOpen { path: PathBuf, error: io::Error },
    #[error("the audit log {path:?}: another process writes it")]
    InUse { path: PathBuf },
    /// The line's number is known where the log was read from its beginning.
    #[error(
        "the audit log is broken at {} of {file:?}: {why}; keep the file elsewhere, and put an empty one in its place",
        line.map_or("the end".into(), |line| format!("line {line}"))
    )]
    Broken { file: PathBuf, line: Option<u64>, why: &'static str },
    /// The event is not in the log.
    #[error("cannot write the audit log: {0}")]
    CannotWrite(io::Error),
    #[error("too many events wait for the disk of the audit log")]
    TooMany,
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

/// The log, open for this process alone. What was noted is written also where this is dropped.
pub(crate) struct Audit {
    waiting: SyncSender<WaitingEvent>,
    /// A write takes longer than anybody waits for it.
    is_slow: Arc<AtomicBool>,
    #[cfg(test)]
    writer: Arc<Mutex<Writer>>,
}

/// An event, and who may want to know what became of it; without one, only who waits for all before it.
struct WaitingEvent {
    event: Option<AuditEvent>,
    answer: oneshot::Sender<Result<(), AuditError>>,
}

impl Audit {
    /// Opens or makes the log, and starts to write. A last line that a crash left unfinished is removed, and
    /// an event says so; only the end of the chain is checked. `on_loss` hears of each event that is not in
    /// the log. Blocks.
    pub(crate) fn open(
        path: &Path,
        now: Micros,
        tasks: &Tasks,
        on_loss: impl Fn(&AuditError) + Send + 'static,
    ) -> Result<Self, AuditError> {
        let writer = Arc::new(Mutex::new(Writer::open(path, now)?));
        let is_slow = Arc::<AtomicBool>::default();
        let (waiting, queue) = sync_channel(MOST_WAITING);
        let (theirs, slow) = (writer.clone(), is_slow.clone());
        let started = tasks.thread("audit", move || write_all(&queue, &theirs, &slow, on_loss));
        started.map_err(|error| AuditError::CannotOpen { path: path.to_owned(), error })?;
        Ok(Self {
            waiting,
            is_slow,
            #[cfg(test)]
            writer,
        })
    }

    /// Adds an event: it is on the disk when this returns. Where that fails, the log is as before.
    pub(crate) async fn note(&self, event: AuditEvent) -> Result<(), AuditError> {
        self.answered(self.send(Some(event))?, LATE).await
    }

    /// The same for who goes on in any case: waits for a moment, and not at all where the disk is known to be slow.
    ///
    /// # Errors
    /// The event finds no place. Of what cannot be written later `on_loss` hears.
    pub(crate) async fn note_soon(&self, event: AuditEvent) -> Result<(), AuditError> {
        let answer = self.send(Some(event))?;
        let is_slow = self.is_slow.load(Ordering::Relaxed);
        if !is_slow && matches!(self.answered(answer, SOON).await, Err(AuditError::Late)) {
            self.is_slow.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Waits until everything that was noted is written, but not for ever.
    pub(crate) async fn flush(&self) {
        let written = async {
            let answer = loop {
                match self.send(None) {
                    Ok(answer) => break answer,
                    // As many as may wait do; the disk makes room.
                    Err(AuditError::TooMany) => sleep(ROOM).await,
                    Err(_) => return,
                }
            };
            // What was lost has been told.
            let _ = answer.await;
        };
        // What is late then may yet be written.
        let _ = timeout(LATE, written).await;
    }

    fn send(
        &self,
        event: Option<AuditEvent>,
    ) -> Result<oneshot::Receiver<Result<(), AuditError>>, AuditError> {
        let (answer, answered) = oneshot::channel();
        match self.waiting.try_send(WaitingEvent { event, answer }) {
            Ok(()) => Ok(answered),
            Err(TrySendError::Full(_)) => Err(AuditError::TooMany),
            Err(TrySendError::Disconnected(_)) => {
                Err(AuditError::CannotWrite(io::Error::other("its thread has ended")))
            }
        }
    }

    async fn answered(
        &self,
        answer: oneshot::Receiver<Result<(), AuditError>>,
        patience: Duration,
    ) -> Result<(), AuditError> {
        match timeout(patience, answer).await {
            Ok(Ok(written)) => written,
            _ => Err(AuditError::Late),
        }
    }
}

/// Whether there is a log, be it empty.
pub(crate) fn exists(path: &Path) -> io::Result<bool> {
    Ok(path.try_exists()? || !full_files(path)?.is_empty())
}

/// The writer's thread; it ends when nobody can note anything any more.
fn write_all(
    queue: &Receiver<WaitingEvent>,
    writer: &Mutex<Writer>,
    is_slow: &AtomicBool,
    on_loss: impl Fn(&AuditError),
) {
    for WaitingEvent { event, answer } in queue {
        let written = event.map_or(Ok(()), |event| writer.lock().write(&event));
        if let Err(error) = &written {
            on_loss(error);
        }
        is_slow.store(false, Ordering::Relaxed);
        // Whoever noted it may have gone on.
        let _ = answer.send(written);
    }
}

#[cfg(test)]
#[path = "audit/tests.rs"]
mod tests;
