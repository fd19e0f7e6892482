//! What webhooks and their events are counted by.

use crate::{
    id::SourceName,
    metrics::{RoomMetrics, SECONDS},
};
use axum::http::StatusCode;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, histogram::Histogram},
    registry::{Registry, Unit},
};

/// The metrics of webhooks.
pub(crate) struct WebhookMetrics {
    /// Requests by their reply.
    requests: Family<Reply, Counter>,
    /// From a request's head to its reply; a slow sender's body is in it.
    pub(crate) seconds: Histogram,
    /// Events of unknown states.
    pub(crate) unknown_states: Counter,
    /// Events for users whose integration is not active.
    pub(crate) inactive_users: Counter,
}

/// A reply, and to whom.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reply {
    source: SourceName,
    status: u16,
}

impl WebhookMetrics {
    /// Those to a source that had that status.
    pub(crate) fn replies(&self, source: &SourceName, status: StatusCode) -> Counter {
        let reply = Reply { source: source.clone(), status: status.as_u16() };
        self.requests.get_or_create(&reply).clone()
    }
}

impl Default for WebhookMetrics {
    fn default() -> Self {
        Self {
            requests: Family::default(),
            seconds: Histogram::new(SECONDS),
            unknown_states: Counter::default(),
            inactive_users: Counter::default(),
        }
    }
}

impl RoomMetrics for WebhookMetrics {
    fn name(&self, r: &mut Registry) {
        r.register("webhook_requests", "Webhook requests by reply", self.requests.clone());
        let name = "webhook_duration";
        r.register_with_unit(name, "From request to reply", Unit::Seconds, self.seconds.clone());
        r.register("events_unknown_state", "Events of unknown states, archived", self.unknown_states.clone());
        let text = "Events for users whose integration is not active, not delivered";
        r.register("events_not_activated", text, self.inactive_users.clone());
    }
}
