//! Everything that is counted. Names begin with `callpop_`, units are in the names, and no
//! label holds anything personal.

use crate::protocol::CloseCode;
use parking_lot::Mutex;
use prometheus_client::{
    encoding::{EncodeLabelSet, EncodeLabelValue, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};

/// The process's metrics.
pub struct Metrics {
    registry: Mutex<Registry>,
    /// Webhook requests by their reply.
    pub webhooks: Family<Reply, Counter>,
    /// From a request's head to its reply; a slow sender's body is in it.
    pub webhook_seconds: Histogram,
    /// Events that changed a call.
    pub committed: Counter,
    /// Events that were known.
    pub duplicates: Counter,
    /// Events that a full leg did not take.
    pub full_legs: Counter,
    /// Events of unknown states.
    pub unknown_states: Counter,
    /// Legs that were forgotten `keep_ended` after their end.
    pub forgotten: Counter,
    pub tenants: Gauge,
    /// From when a group is taken to the end of its fsync, with retries.
    pub journal_seconds: Histogram,
    pub journal_groups: Counter,
    pub journal_errors: Counter,
    /// Events that were refused since too many waited for the disk.
    pub journal_full: Counter,
    pub sessions: Gauge,
    /// Sessions that this node ended, by close code.
    pub closed: Family<Closed, Counter>,
    pub frames_sent: Counter,
    pub frames_received: Counter,
    /// Versions of a call that a slow reader never saw, since a later one took their place.
    pub conflated: Counter,
    /// Outboxes that overflowed; their sessions read the store instead.
    pub overflows: Counter,
}

/// The status of a reply.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Reply {
    pub status: u16,
}

/// Why a session was closed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Closed {
    pub code: CloseCode,
}

impl EncodeLabelValue for CloseCode {
    fn encode(
        &self,
        encoder: &mut prometheus_client::encoding::LabelValueEncoder<'_>,
    ) -> Result<(), std::fmt::Error> {
        self.number().encode(encoder)
    }
}

/// 100 microseconds to 6.5 seconds.
const SECONDS: [f64; 9] = [0.0001, 0.0004, 0.0016, 0.0064, 0.0256, 0.1024, 0.4096, 1.6384, 6.5536];

impl Default for Metrics {
    fn default() -> Self {
        let metrics = Self {
            registry: Mutex::new(Registry::with_prefix("callpop")),
            webhooks: Family::default(),
            webhook_seconds: Histogram::new(SECONDS),
            committed: Counter::default(),
            duplicates: Counter::default(),
            full_legs: Counter::default(),
            unknown_states: Counter::default(),
            forgotten: Counter::default(),
            tenants: Gauge::default(),
            journal_seconds: Histogram::new(SECONDS),
            journal_groups: Counter::default(),
            journal_errors: Counter::default(),
            journal_full: Counter::default(),
            sessions: Gauge::default(),
            closed: Family::default(),
            frames_sent: Counter::default(),
            frames_received: Counter::default(),
            conflated: Counter::default(),
            overflows: Counter::default(),
        };
        metrics.name();
        metrics
    }
}

impl Metrics {
    /// The Prometheus text.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = encode(&mut text, &self.registry.lock());
        text
    }

    fn name(&self) {
        let mut r = self.registry.lock();
        r.register("webhook_requests", "Webhook requests by reply", self.webhooks.clone());
        let name = "webhook_duration";
        r.register_with_unit(name, "From request to reply", Unit::Seconds, self.webhook_seconds.clone());
        r.register("events_committed", "Events that changed a call", self.committed.clone());
        r.register("events_duplicate", "Events that were known", self.duplicates.clone());
        r.register("events_refused_full_leg", "Events that a full leg did not take", self.full_legs.clone());
        r.register("events_unknown_state", "Events of unknown states, archived", self.unknown_states.clone());
        r.register("legs_forgotten", "Legs past calls.keep_ended", self.forgotten.clone());
        r.register("tenants", "Tenants in memory", self.tenants.clone());
        let name = "journal_group_duration";
        r.register_with_unit(
            name,
            "One group commit with its fsync",
            Unit::Seconds,
            self.journal_seconds.clone(),
        );
        r.register("journal_groups", "Group commits", self.journal_groups.clone());
        r.register("journal_errors", "Group commits that failed", self.journal_errors.clone());
        r.register("journal_refused", "Events refused for a full journal queue", self.journal_full.clone());
        r.register("sessions", "WebSocket sessions", self.sessions.clone());
        r.register("sessions_closed", "Sessions that this node ended, by code", self.closed.clone());
        r.register("frames_sent", "Frames to clients", self.frames_sent.clone());
        r.register("frames_received", "Frames from clients", self.frames_received.clone());
        r.register("frames_conflated", "Versions replaced before they were sent", self.conflated.clone());
        r.register("outbox_overflows", "Outboxes that overflowed", self.overflows.clone());
    }
}
