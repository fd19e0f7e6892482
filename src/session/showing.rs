//! How a session is shown what it reads for itself, and how it writes: nothing that takes long outlives the session's
//! token or the node.

use super::{
    Resume, Session,
    end::End,
    opening::{NoOpening, Ready, Since},
};
use crate::{
    clock::now,
    feed::{Feed, Stream},
    protocol::{Frame, ServerFrame, State},
};
use futures_util::FutureExt;
use std::{
    pin::{Pin, pin},
    time::{Duration, Instant},
};
use tokio::time::{sleep, sleep_until};

/// What is being written when the node is told to end is finished, if that takes no longer.
const DRAINING: Duration = Duration::from_secs(2);

impl Session {
    /// What changed since the client left off, or all, as soon as its turn comes, unless the session is over first.
    pub(super) async fn look(&self, resume: Option<Resume>) -> Result<Result<Ready, NoOpening>, End> {
        // Who follows the directory may have streamed anything.
        let same = |from: &&Resume| match &from.stream {
            Some(stream) => *stream == self.stream.name(),
            None => self.following.is_none(),
        };
        let since = resume.as_ref().filter(same).map(|from| (&*from.epoch, from.seq));
        self.read(&self.stream, since).await
    }

    pub(super) async fn read(
        &self,
        stream: &Stream,
        since: Since<'_>,
    ) -> Result<Result<Ready, NoOpening>, End> {
        let read = pin!(self.sessions.openings.read(&self.gateway().engine, &self.identity, stream, since));
        self.unless_over(read).await
    }

    pub(super) async fn show(&mut self, Ready { opening, shares }: Ready) -> Result<(), End> {
        (self.epoch, self.delivered) = (opening.position.epoch.clone(), opening.position.seq);
        // The newest come first, and are to be remembered.
        for call in opening.ringing.iter().rev() {
            self.receipts.on_sent(call, false, now());
        }
        let stream = self.stream.name();
        let state = self.state(&stream);
        let own = if opening.is_resumed { ServerFrame::Resumed(state) } else { ServerFrame::Snapshot(state) };
        let parts = [own.encode_before_lists(), opening.listing.clone()];
        self.sessions.metrics.frames_sent.inc();
        let (end, feed) = (self.pulse.end(), &self.sessions.gateway.feed);
        let sent = pin!(self.socket.send_parts(parts));
        unless_over(end, feed, sent).await??;
        // Until here it was on its way.
        drop((opening, shares));
        Ok(())
    }

    /// What is of this session alone.
    fn state<'a>(&'a self, stream: &'a str) -> State<'a> {
        State {
            epoch: &self.epoch,
            seq: self.delivered,
            stream,
            server_time: now(),
            session_id: self.id,
            heartbeat_ms: self.gateway().config.sessions.heartbeat.as_millis() as u64,
            token_expires_at: self.identity.expires_at,
            extensions: self.seen(),
            dispositions: &self.gateway().config.calls.dispositions,
            calls: Vec::new(),
            notices: Vec::new(),
        }
    }

    pub(super) async fn send(&mut self, frames: &[Frame]) -> Result<(), End> {
        self.sessions.metrics.frames_sent.inc_by(frames.len() as u64);
        let (end, feed) = (self.pulse.end(), &self.sessions.gateway.feed);
        let sent = pin!(self.socket.send(frames));
        Ok(unless_over(end, feed, sent).await??)
    }

    /// Does something that may take long, unless the session is over first.
    pub(super) async fn unless_over<T>(&self, doing: Pin<&mut impl Future<Output = T>>) -> Result<T, End> {
        unless_over(self.pulse.end(), &self.sessions.gateway.feed, doing).await
    }
}

/// Does something until the token or the node ends. Pinned where it is asked for: what is handed over by value would be
/// in the session twice.
async fn unless_over<T>(
    token_ends: Instant,
    feed: &Feed,
    mut doing: Pin<&mut impl Future<Output = T>>,
) -> Result<T, End> {
    // Mostly it is done at once. What waits for the rest is large, and is not to make every idle session larger.
    if let Some(done) = doing.as_mut().now_or_never() {
        return Ok(done);
    }
    let drained = async {
        feed.drained().await;
        sleep(DRAINING).await;
    };
    let waiting = async move {
        tokio::select! {
            biased;
            done = doing => Ok(done),
            () = sleep_until(token_ends.into()) => Err(End::token_expired()),
            () = drained => Err(End::draining()),
        }
    };
    Box::pin(waiting).await
}
