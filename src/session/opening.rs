//! What a session is shown at its beginning, and whenever it must read for itself: a snapshot, or what changed since.
//! A snapshot is encoded once for all who ask for the same stream at the same number, and is forgotten with the last of
//! them. How much is on its way at the same time is bounded (`room`).

use super::{
    end::{Cause, End},
    in_use::{Hold, InUse},
    metrics::SessionMetrics,
    room::{Claim, Crowded, Room, Shares, TURN},
};
use crate::{
    auth::Identity,
    call::{Call, CallState},
    engine::{Engine, EngineError, Position, View},
    feed::Stream,
    id::{Extension, TenantId},
    protocol::CloseCode,
};
use bytes::Bytes;
use serde::Serialize;
use std::sync::{Arc, Weak};
use tokio::{
    sync::{Mutex, Semaphore},
    task::yield_now,
    time::timeout,
};

/// Reads and encodings at the same time, by weight: how much one of them may hold meanwhile.
const MOST_WEIGHT: u32 = 128;
const OF_TENANT: u32 = 16;
/// So much is encoded before others have their turn on this thread.
const AT_ONCE: usize = 256 * 1024;

/// The openings of one node.
pub(super) struct Openings {
    room: Arc<Room>,
    /// Of each stream the snapshot that was encoded last, while somebody reads it. Who asks meanwhile waits for it.
    latest: InUse<StreamKey, Latest>,
    turns: Semaphore,
    metrics: Arc<SessionMetrics>,
}

type Latest = Mutex<Weak<Opening>>;

/// Exactly what is streamed.
#[derive(Clone, PartialEq, Eq, Hash)]
enum StreamKey {
    User(TenantId, Arc<[Extension]>),
    Tenant(TenantId, usize, Option<Arc<[Extension]>>),
}

/// The items of a stream as they stood at one number, encoded for all who are to see them.
pub(super) struct Opening {
    pub(super) position: Position,
    /// It is what changed, and not all.
    pub(super) is_resumed: bool,
    /// The lists of calls and notices, as they stand at the end of a frame.
    pub(super) listing: Bytes,
    /// The calls that ring, the newest first.
    pub(super) ringing: Vec<Call>,
    _claim: Claim,
    /// So that others find it.
    hold: Option<Hold<StreamKey, Latest>>,
    metrics: Arc<SessionMetrics>,
}

/// An opening that may be written now.
pub(super) struct Ready {
    pub(super) opening: Arc<Opening>,
    pub(super) shares: Shares,
}

/// Why there is none.
#[derive(Debug)]
pub(super) enum NoOpening {
    Engine(EngineError),
    Crowded,
}

/// From where a client resumes.
pub(super) type Since<'a> = Option<(&'a str, u64)>;

impl Openings {
    pub(super) fn new(room: Arc<Room>, metrics: Arc<SessionMetrics>) -> Self {
        Self { room, latest: InUse::default(), turns: Semaphore::new(MOST_WEIGHT as usize), metrics }
    }

    /// Waits for the turn of a reader, and reads what changed of a stream, or all of it where that cannot be told.
    pub(super) async fn read(
        &self,
        engine: &Engine,
        reader: &Identity,
        stream: &Stream,
        since: Since<'_>,
    ) -> Result<Ready, NoOpening> {
        timeout(TURN, self.read_at_last(engine, reader, stream, since))
            .await
            .map_err(|_| NoOpening::Crowded)?
    }

    async fn read_at_last(
        &self,
        engine: &Engine,
        reader: &Identity,
        stream: &Stream,
        since: Since<'_>,
    ) -> Result<Ready, NoOpening> {
        let mut shares = self.room.shares(reader);
        loop {
            let resumed = match since {
                Some(since) => self.encode(engine, stream, Some(since)).await?.map(Arc::new),
                None => None,
            };
            let opening = match resumed {
                Some(opening) => opening,
                None => self.whole(engine, stream).await?,
            };
            let bytes = opening.listing.len();
            if shares.try_take(bytes) {
                return Ok(Ready { opening, shares });
            }
            // Who waits for their own share holds nothing of the node's.
            drop(opening);
            self.metrics.turns_waited.inc();
            shares.take(bytes).await;
        }
    }

    /// All of a stream: as another session has just read it, if nothing changed since.
    async fn whole(&self, engine: &Engine, stream: &Stream) -> Result<Arc<Opening>, EngineError> {
        let hold = self.latest.hold(StreamKey::of(stream), Latest::default);
        let latest = hold.value.clone();
        let mut latest = latest.lock().await;
        let known =
            latest.upgrade().filter(|known| engine.position(stream.tenant()) == Some(known.position.clone()));
        if let Some(known) = known {
            self.metrics.snapshots_shared.inc();
            return Ok(known);
        }
        let opening = self.encode(engine, stream, None).await?;
        let mut opening = opening.ok_or(EngineError::Unavailable("it has no snapshot"))?;
        opening.hold = Some(hold);
        let opening = Arc::new(opening);
        *latest = Arc::downgrade(&opening);
        Ok(opening)
    }

    /// Reads and encodes, again where it had to wait for the node's budget: nothing is held while it waits. None where
    /// it can no longer be told what changed since.
    async fn encode(
        &self,
        engine: &Engine,
        stream: &Stream,
        since: Since<'_>,
    ) -> Result<Option<Opening>, EngineError> {
        let mut claim = self.room.of_node();
        loop {
            let turn = self.turns.acquire_many(weight(stream)).await;
            let view = match since {
                Some((epoch, seq)) => engine.changes(stream, epoch, seq).await?,
                None => Some(engine.snapshot(stream).await?),
            };
            let Some(view) = view else { return Ok(None) };
            let listing = list(&view).await;
            drop(turn);
            let bytes = listing.len();
            if claim.try_take(bytes) {
                self.metrics.encoded(bytes);
                let View { epoch, seq, calls, .. } = view;
                let ringing = calls.into_iter().filter(|call| call.state == CallState::Ringing).collect();
                return Ok(Some(Opening {
                    position: Position { epoch, seq },
                    is_resumed: since.is_some(),
                    listing,
                    ringing,
                    _claim: claim,
                    hold: None,
                    metrics: self.metrics.clone(),
                }));
            }
            drop((view, listing));
            self.metrics.turns_waited.inc();
            claim.take(bytes).await;
        }
    }
}

/// The lists of a view, as they stand at the end of a frame.
async fn list(view: &View) -> Bytes {
    let mut json = Vec::new();
    json.extend_from_slice(b"\"calls\":[");
    list_items(&mut json, &view.calls).await;
    json.extend_from_slice(b"],\"notices\":[");
    list_items(&mut json, &view.notices).await;
    json.extend_from_slice(b"]}");
    json.shrink_to_fit();
    json.into()
}

async fn list_items(json: &mut Vec<u8>, items: &[impl Serialize]) {
    let mut next = json.len() + AT_ONCE;
    for (nth, item) in items.iter().enumerate() {
        if nth > 0 {
            json.push(b',');
        }
        // Items always encode, as frames do.
        let _ = serde_json::to_writer(&mut *json, item);
        if json.len() >= next {
            next = json.len() + AT_ONCE;
            yield_now().await;
        }
    }
}

/// How much a stream may hold while it is read, about.
fn weight(stream: &Stream) -> u32 {
    match stream {
        Stream::User { extensions, .. } => (extensions.len() as u32).clamp(1, OF_TENANT),
        Stream::Tenant { .. } => OF_TENANT,
    }
}

impl StreamKey {
    fn of(stream: &Stream) -> Self {
        match stream {
            Stream::User { tenant, extensions } => Self::User(tenant.clone(), extensions.clone()),
            Stream::Tenant { tenant, kinds, only, .. } => {
                Self::Tenant(tenant.clone(), kinds.len(), only.clone())
            }
        }
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        self.metrics.forgotten(self.listing.len());
    }
}

impl From<EngineError> for NoOpening {
    fn from(error: EngineError) -> Self {
        Self::Engine(error)
    }
}

impl From<Crowded> for End {
    fn from(_: Crowded) -> Self {
        Self::close(Cause::Crowded, CloseCode::Internal, "too much is on its way to slow clients")
    }
}

impl From<NoOpening> for End {
    fn from(why: NoOpening) -> Self {
        match why {
            NoOpening::Engine(error) => error.into(),
            NoOpening::Crowded => Crowded.into(),
        }
    }
}
