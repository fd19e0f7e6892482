//! How a session ends, and why: whoever looks after a gateway is told, and so is the client, where it
//! can still be told.

use crate::{engine::EngineError, log::Seldom, metrics::labels, protocol::CloseCode};
use std::{io, net::SocketAddr, time::Duration};
use uuid::Uuid;

/// Between two lines about one cause.
const EVERY: Duration = Duration::from_secs(1);

/// Why a session is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Cause {
    /// The client said goodbye.
    Client,
    /// The connection broke.
    Lost,
    /// The client took nothing for `sessions.write_timeout`, or too little for longer.
    WriteTimeout,
    /// Nothing came from the client for two heartbeats.
    Silent,
    /// The token ended.
    TokenExpired,
    /// The display was revoked.
    Revoked,
    /// The client broke the protocol.
    Malformed,
    TooManyFrames,
    /// The engine could not be read.
    Engine,
    /// The turn to read did not come: too much was on its way.
    Crowded,
    /// The node goes away.
    Draining,
    /// There never was one: the handshake was refused.
    Refused,
}

impl Cause {
    pub(crate) const ALL: [Self; 12] = [
        Self::Client,
        Self::Lost,
        Self::WriteTimeout,
        Self::Silent,
        Self::TokenExpired,
        Self::Revoked,
        Self::Malformed,
        Self::TooManyFrames,
        Self::Engine,
        Self::Crowded,
        Self::Draining,
        Self::Refused,
    ];
}

labels!(Cause {
    Client: "client",
    Lost: "lost",
    WriteTimeout: "write_timeout",
    Silent: "silent",
    TokenExpired: "token_expired",
    Revoked: "revoked",
    Malformed: "malformed",
    TooManyFrames: "too_many_frames",
    Engine: "engine",
    Crowded: "crowded",
    Draining: "draining",
    Refused: "refused",
});

/// The end of a session.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) cause: Cause,
    /// What the client is told, where it can be told.
    pub(crate) goodbye: Option<(CloseCode, &'static str)>,
}

impl End {
    /// There is nobody to be told.
    pub(crate) fn gone(cause: Cause) -> Self {
        Self { cause, goodbye: None }
    }

    /// We say goodbye.
    pub(crate) fn close(cause: Cause, code: CloseCode, reason: &'static str) -> Self {
        Self { cause, goodbye: Some((code, reason)) }
    }
}

impl End {
    /// Of a session whose token has ended.
    pub(crate) fn token_expired() -> Self {
        Self::close(Cause::TokenExpired, CloseCode::Unauthorized, "the token has expired")
    }

    /// Of a display that was revoked.
    pub(crate) fn revoked() -> Self {
        Self::close(Cause::Revoked, CloseCode::Unauthorized, "the display was revoked: pair it again")
    }

    /// Of every session, where the node ends.
    pub(crate) fn draining() -> Self {
        Self::close(Cause::Draining, CloseCode::Draining, "the node is going away")
    }
}

impl From<EngineError> for End {
    fn from(_: EngineError) -> Self {
        Self::close(Cause::Engine, CloseCode::EngineLost, "the engine cannot be read")
    }
}

impl From<io::Error> for End {
    fn from(error: io::Error) -> Self {
        Self::gone(if error.kind() == io::ErrorKind::TimedOut { Cause::WriteTimeout } else { Cause::Lost })
    }
}

/// What is known of a handshake that is refused. Nothing of it is verified.
pub(crate) struct Handshake {
    pub(crate) peer: Option<SocketAddr>,
    pub(crate) origin: Option<String>,
    /// The id of the key that the token names.
    pub(crate) key: Option<String>,
}

/// The log lines about endings and refused handshakes.
pub(crate) struct Endings {
    ended: Seldom,
    refused: Seldom,
}

impl Default for Endings {
    fn default() -> Self {
        Self { ended: Seldom::new(EVERY), refused: Seldom::new(EVERY) }
    }
}

impl Endings {
    /// Logs the end of a session.
    pub(crate) fn on_end(&self, session: Uuid, peer: Option<SocketAddr>, end: &End) {
        let cause = end.cause.word();
        let peer = peer.map(tracing::field::display);
        match self.ended.may_say(cause) {
            Some(unsaid) => tracing::info!(%session, cause, peer, unsaid, "a session ended"),
            None => tracing::debug!(%session, cause, peer, "session ends"),
        }
    }

    /// Logs a handshake that was refused.
    pub(crate) fn on_refused(&self, word: &'static str, reason: &str, seen: impl FnOnce() -> Handshake) {
        if let Some(unsaid) = self.refused.may_say(word) {
            let Handshake { peer, origin, key } = seen();
            let peer = peer.map(tracing::field::display);
            tracing::warn!(reason, peer, origin, key, unsaid, "a WebSocket was refused");
        }
    }
}
