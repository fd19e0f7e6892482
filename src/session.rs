//! One task per WebSocket: one select loop over what waits in the outbox, what the client
//! sends, and the time. It ends with a close code, never with an HTTP error.

mod acts;
mod assigned;
mod command;
mod end;
mod handshake;
mod in_use;
mod meter;
mod metrics;
mod opening;
mod origins;
mod reach;
mod receipts;
mod room;
mod seats;
mod showing;
mod socket;
mod state;
mod summary;
mod watching;

pub(crate) use handshake::stream;

use crate::{
    auth::Identity,
    call::{Call, CallState},
    clock::now,
    displays::DisplayPass,
    feed::{Change, FeedMetrics, Following, Outbox, Registration, Stream},
    gateway::{Gateway, Hop},
    item::Item,
    protocol::{CloseCode, Frame, ServerFrame},
};
use acts::Acts;
use end::{Cause, End, Endings};
use metrics::SessionMetrics;
use opening::Openings;
use origins::Origins;
use reach::{Counted, Standing};
use receipts::Receipts;
use room::Room;
use seats::{Seat, Seats};
use socket::{Incoming, Socket};
use state::{Due, Pulse};
use std::{
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::time::{sleep, sleep_until};
use tokio_util::task::TaskTracker;
use uuid::Uuid;
use watching::{View, Watching};

/// After so many heartbeats what a client told of itself is no longer believed.
const STALE_BEATS: u32 = 3;

/// What the sessions of a node share.
pub(crate) struct Sessions {
    gateway: Arc<Gateway>,
    metrics: Arc<SessionMetrics>,
    outboxes: Arc<FeedMetrics>,
    endings: Endings,
    origins: Origins,
    seats: Arc<Seats>,
    room: Arc<Room>,
    openings: Openings,
    running: TaskTracker,
}

impl Sessions {
    /// Those of a node; there is none yet.
    pub(crate) fn new(gateway: Arc<Gateway>) -> Self {
        let metrics: Arc<SessionMetrics> = gateway.metrics.of();
        let room = Arc::new(Room::new(metrics.clone()));
        Self {
            openings: Openings::new(room.clone(), metrics.clone()),
            room,
            metrics,
            outboxes: gateway.metrics.of(),
            endings: Endings::default(),
            origins: Origins::new(gateway.config.auth.allowed_origins.clone()),
            seats: Arc::new(Seats::new(&gateway.config.sessions)),
            running: TaskTracker::new(),
            gateway,
        }
    }

    /// How many there are now.
    pub(crate) fn count(&self) -> usize {
        self.running.len()
    }

    /// Waits until all have ended; there are to be no more.
    pub(crate) async fn ended(&self) {
        self.running.close();
        self.running.wait().await;
    }
}

/// Where a client left off.
pub(crate) struct Resume {
    epoch: Arc<str>,
    seq: u64,
    /// What it streamed, where it says so.
    stream: Option<String>,
}

/// One connection of one user.
pub(crate) struct Session {
    sessions: Arc<Sessions>,
    id: Uuid,
    identity: Identity,
    stream: Stream,
    outbox: Arc<Outbox>,
    /// What it wants to be shown.
    view: View,
    /// Of a display: without it there is no session.
    pass: Option<Arc<DisplayPass>>,
    watching: Option<Box<Watching>>,
    /// What it hears; none before it begins.
    listening: Option<Registration>,
    /// Where what it sees is what the directory gives.
    following: Option<Box<Following>>,
    socket: Socket,
    epoch: Arc<str>,
    /// The highest number that was delivered, or that the last view included.
    delivered: u64,
    pulse: Pulse,
    receipts: Receipts,
    acts: Acts,
    reach: Counted,
    /// When the client last told whether it can alert its user.
    beat: Instant,
    seat: Seat,
}

impl Session {
    /// Begins a session whose client is known.
    fn new(
        sessions: Arc<Sessions>,
        socket: Socket,
        (identity, pass): (Identity, Option<DisplayPass>),
        (stream, view): (Stream, View),
        seat: Seat,
    ) -> Self {
        let now = Instant::now();
        let limits = &sessions.gateway.config.sessions;
        Self {
            id: Uuid::new_v4(),
            stream,
            outbox: Arc::new(Outbox::new(sessions.outboxes.clone())),
            view,
            pass: pass.map(Arc::new),
            watching: None,
            listening: None,
            following: None,
            socket,
            epoch: Arc::default(),
            delivered: 0,
            pulse: Pulse::new(limits.heartbeat, now, life(identity.expires_at)),
            receipts: Receipts::default(),
            acts: Acts::default(),
            reach: Counted::new(sessions.metrics.reach.clone()),
            beat: now,
            identity,
            sessions,
            seat,
        }
    }

    /// Runs until either side ends it.
    pub(crate) async fn run(mut self, resume: Option<Resume>) {
        let counted = self.sessions.metrics.session();
        tracing::debug!(session = %self.id, tenant = %self.identity.tenant, "session begins");
        let end = self.serve(resume).await;
        drop((self.listening, self.following, self.watching, self.reach));
        drop(counted);
        let (sessions, peer) = (self.sessions.clone(), self.socket.peer());
        sessions.metrics.end(end.cause);
        sessions.endings.on_end(self.id, peer, &end);
        if let Some((code, reason)) = end.goodbye {
            sessions.metrics.close(code);
            // Who is told to come again finds the seat free.
            drop(self.seat);
            // Large, and the last that is done.
            Box::pin(self.socket.close(code, reason)).await;
        }
    }

    fn gateway(&self) -> &Gateway {
        &self.sessions.gateway
    }

    async fn serve(&mut self, resume: Option<Resume>) -> End {
        // Large, and over soon: it is not to make every idle session larger.
        if let Err(end) = Box::pin(self.begin(resume)).await {
            return end;
        }
        let mut timer = pin!(sleep_until(self.pulse.next().into()));
        loop {
            // In this order nothing starves: frames are budgeted, and the time comes seldom.
            let went = tokio::select! {
                biased;
                incoming = self.socket.receive() => self.on_incoming(incoming).await,
                () = &mut timer => self.on_time().await,
                (act, durable) = self.acts.next() => self.on_act(act, durable).await,
                () = self.outbox.ready() => self.on_outbox().await,
                news = Self::watched(&mut self.watching) => Box::pin(self.on_watched(news)).await,
            };
            if let Err(end) = went {
                return end;
            }
            let next = self.pulse.next().into();
            // A timer that is early only looks and is wound again: cheaper than to wind it at each frame.
            if timer.deadline() > next || timer.is_elapsed() {
                timer.as_mut().reset(next);
            }
        }
    }

    /// Says what changed since the client left off, or everything where that cannot be told.
    async fn begin(&mut self, resume: Option<Resume>) -> Result<(), End> {
        if !self.view.board {
            self.listen().await?;
            let ready = self.look(resume).await??;
            self.show(ready).await?;
        }
        self.watch().await
    }

    async fn on_outbox(&mut self) -> Result<(), End> {
        let mut taken = self.outbox.take();
        if taken.reassigned {
            // Rare, and large.
            Box::pin(self.reassign(&mut taken)).await?;
        }
        if taken.overflowed {
            // What the outbox could not hold is read as after a reconnect.
            let stream = Some(self.stream.name());
            let seen = Resume { epoch: self.epoch.clone(), seq: self.delivered, stream };
            match Box::pin(self.look(Some(seen))).await? {
                Ok(ready) => Box::pin(self.show(ready)).await?,
                Err(_) => {
                    // The client has what it has, and hears of the rest when the engine is back.
                    self.outbox.overflow();
                    sleep(self.gateway().pause()).await;
                }
            }
        }
        let delivered = self.delivered;
        let calls = taken.changes.iter().filter(|change| change.seq > delivered);
        let calls = calls.map(|change| change.frame().clone());
        let news: Vec<Frame> = calls.chain(taken.asides.into_iter().map(|(_, _, aside)| aside)).collect();
        self.delivered = taken.changes.last().map_or(self.delivered, |last| last.seq.max(self.delivered));
        self.send(&news).await?;
        self.on_sent(taken.changes.iter().filter(|change| change.seq > delivered));
        if taken.draining {
            let after_ms = self.gateway().reconnect_after_ms();
            self.send(&[ServerFrame::Reconnect { after_ms }.encode()]).await?;
            return Err(End::draining());
        }
        Ok(())
    }

    /// Changes are written to the socket: those that ring are measured.
    fn on_sent<'a>(&mut self, changes: impl Iterator<Item = &'a Arc<Change>>) {
        for change in changes {
            let Change {
                item: Item::Call(call @ Call { state: CallState::Ringing, .. }), committed_at, ..
            } = &**change
            else {
                continue;
            };
            let now = now();
            let is_first = self.receipts.on_sent(call, committed_at.is_some(), now);
            if let (true, Some(committed_at)) = (is_first, *committed_at) {
                self.gateway().ringing.pass(Hop::Send, committed_at, now);
            }
        }
    }

    async fn on_incoming(&mut self, incoming: Incoming) -> Result<(), End> {
        let now = Instant::now();
        let text = match incoming {
            Incoming::Closed => return Err(End::gone(Cause::Client)),
            Incoming::Lost => return Err(End::gone(Cause::Lost)),
            Incoming::Refused(why) => return Err(End::close(Cause::Malformed, CloseCode::Malformed, why)),
            Incoming::TooMany => {
                return Err(End::close(Cause::TooManyFrames, CloseCode::TooManyFrames, "too many frames"));
            }
            Incoming::Text(text) => Some(text),
            Incoming::SignOfLife => None,
        };
        self.pulse.on_sign_of_life(now);
        self.sessions.metrics.frames_received.inc();
        match text {
            // Rare, and large: it is not to make every idle session larger.
            Some(text) => Box::pin(self.on_frame(&text)).await,
            None => Ok(()),
        }
    }

    async fn on_time(&mut self) -> Result<(), End> {
        // The timer comes once a heartbeat at least, so this is noticed before a fourth is over.
        let is_told = matches!(self.reach.standing(), Standing::Told { .. });
        if is_told && self.beat.elapsed() > STALE_BEATS * self.gateway().config.sessions.heartbeat {
            self.reach.set(Standing::Stale);
        }
        while let Some(due) = self.pulse.on_time(Instant::now()) {
            match due {
                Due::Ping => self.socket.ping().await?,
                Due::Silent => return Err(End::gone(Cause::Silent)),
                Due::TokenExpiring { in_ms } => {
                    self.send(&[ServerFrame::TokenExpiring { in_ms }.encode()]).await?
                }
                Due::TokenExpired => {
                    return Err(End::token_expired());
                }
            }
        }
        Ok(())
    }
}

/// How long a token that ends at `expires_at`, in seconds since 1970, lives from now.
fn life(expires_at: u64) -> Duration {
    Duration::from_secs(expires_at).saturating_sub(Duration::from_micros(now()))
}
