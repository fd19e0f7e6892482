//! Refreshes that wait: held until someone releases them, or for a late answer. There are at most
//! so many, and none is left when the simulator stops.

use axum::response::Response;
use parking_lot::Mutex;
use std::{sync::Arc, time::Duration};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio_util::sync::CancellationToken;

/// How many refreshes may wait at the same time.
const MAX_WAITING: usize = 256;

pub(crate) struct Holds {
    held: Mutex<Vec<Held>>,
    room: Arc<Semaphore>,
    stopped: CancellationToken,
}

/// A refresh that is held open.
pub(crate) struct Held {
    pub(crate) token: String,
    answer: oneshot::Sender<Response>,
    /// Kept until the release: a client that goes away does not make room.
    _room: OwnedSemaphorePermit,
}

/// Why a refresh did not wait to its end.
pub(crate) enum NotWaited {
    Full,
    Stopped,
}

impl Holds {
    /// All waiting ends once `stopped` is cancelled.
    pub(crate) fn new(stopped: CancellationToken) -> Self {
        Self { held: Mutex::default(), room: Semaphore::new(MAX_WAITING).into(), stopped }
    }

    /// Waits for the answer to the refresh with this token.
    pub(crate) async fn hold(&self, token: String) -> Result<Response, NotWaited> {
        let room = self.room.clone().try_acquire_owned().map_err(|_| NotWaited::Full)?;
        let (answer, answered) = oneshot::channel();
        self.held.lock().push(Held { token, answer, _room: room });
        tokio::select! {
            Ok(answer) = answered => Ok(answer),
            () = self.stopped.cancelled() => Err(NotWaited::Stopped),
            else => Err(NotWaited::Stopped),
        }
    }

    /// Waits for so long.
    pub(crate) async fn late(&self, wait: Duration) -> Result<(), NotWaited> {
        let _room = self.room.try_acquire().map_err(|_| NotWaited::Full)?;
        tokio::select! {
            () = tokio::time::sleep(wait) => Ok(()),
            () = self.stopped.cancelled() => Err(NotWaited::Stopped),
        }
    }

    /// Everything that is held, oldest first, to be answered now.
    pub(crate) fn take(&self) -> Vec<Held> {
        std::mem::take(&mut self.held.lock())
    }

    /// How many are held; those whose client went away count until they are released.
    pub(crate) fn count(&self) -> usize {
        self.held.lock().len()
    }
}

impl Held {
    /// False when the client has gone away.
    pub(crate) fn answer(self, response: Response) -> bool {
        self.answer.send(response).is_ok()
    }
}
