//! The log lines of requests that were refused: the first hour of every integration is exactly this.
//! The reason and the peer are told, never what was sent.

use crate::{http::Refused, log::Seldom};
use axum::{http::StatusCode, response::Response};
use std::{net::SocketAddr, time::Duration};

/// Between two lines about one reason.
const EVERY: Duration = Duration::from_secs(10);

/// Which refusals were logged lately.
pub(crate) struct Refusals(Seldom);

impl Default for Refusals {
    fn default() -> Self {
        Self(Seldom::new(EVERY))
    }
}

impl Refusals {
    /// Logs a response that refuses.
    pub(crate) fn note(&self, response: &Response, peer: SocketAddr) {
        let Some(Refused { kind, request_id }) = response.extensions().get() else { return };
        let status = response.status();
        let is_loud = status.is_client_error() && !is_everyday(status);
        match is_loud.then(|| self.0.may_say(kind)).flatten() {
            Some(unsaid) => {
                let status = status.as_u16();
                tracing::warn!(reason = kind, status, %peer, %request_id, unsaid, "refused a request");
            }
            None => {
                tracing::debug!(reason = kind, status = status.as_u16(), %peer, %request_id, "request refused")
            }
        }
    }
}

/// What asks for a path that is not there is mostly a scanner, and a service that asks for a token
/// of a user who has none is answered, not refused.
fn is_everyday(status: StatusCode) -> bool {
    matches!(status, StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED | StatusCode::CONFLICT)
}
