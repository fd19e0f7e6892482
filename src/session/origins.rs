//! The web pages that may connect.

use axum::http::{HeaderMap, header};

/// Their origins; none: only pages of the host that they connect to.
pub(crate) struct Origins(Vec<String>);

impl Origins {
    /// As configured.
    pub(crate) fn new(allowed: Vec<String>) -> Self {
        Self(allowed)
    }

    /// Whether a handshake may go on: what is no browser has no origin, and a browser's must be
    /// listed, or where none is, be that of the host it connects to.
    pub(crate) fn allow(&self, headers: &HeaderMap) -> bool {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let Some(origin) = headers.get(header::ORIGIN) else { return true };
        let Ok(origin) = origin.to_str() else { return false };
        if !self.0.is_empty() {
            return self.0.iter().any(|allowed| allowed.eq_ignore_ascii_case(origin));
        }
        let host = origin.split_once("://").map(|(_, host)| host);
        host.is_some_and(|host| text(header::HOST).is_some_and(|ours| ours.eq_ignore_ascii_case(host)))
    }
}
