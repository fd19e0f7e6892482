//! Everything that is counted. Names begin with `callpop_`, units are in the names, and no
//! label holds anything personal.

mod reach;
mod ringing;

pub use reach::{Counted, Reach, Standing};
pub use ringing::{Hop, Refused, Ringing};

use crate::{protocol::CloseCode, sidecar};
use parking_lot::Mutex;
use prometheus_client::{
    encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};
use std::{
    fmt,
    sync::{Arc, atomic::AtomicU64},
};

/// The words for the values of a label.
macro_rules! labels {
    ($label:ident { $($value:ident: $word:literal),+ $(,)? }) => {
        impl prometheus_client::encoding::EncodeLabelValue for $label {
            fn encode(
                &self,
                encoder: &mut prometheus_client::encoding::LabelValueEncoder<'_>,
            ) -> std::fmt::Result {
                std::fmt::Write::write_str(encoder, match self { $(Self::$value => $word),+ })
            }
        }
    };
}
use labels;

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
    /// Events for users whose integration is not active.
    pub inactive_users: Counter,
    /// Legs that were forgotten `keep_ended` after their end.
    pub forgotten: Counter,
    pub tenants: Gauge,
    /// From when a group is taken to the end of its fsync, with retries.
    pub journal_seconds: Histogram,
    pub journal_groups: Counter,
    pub journal_errors: Counter,
    /// Events that were refused since too many waited for the disk.
    pub journal_full: Counter,
    /// From a commit's request to Redis to its answer, with what was tried again.
    pub redis_commit_seconds: Histogram,
    /// From a commit, by the clock of the node that made it, to its message here.
    pub redis_publish_lag: Histogram,
    /// Reads of what was missed, by what gave it away.
    pub redis_resyncs: Family<Resync, Counter>,
    /// Since Redis was last seen to answer.
    pub redis_probe_age: Gauge<f64, AtomicU64>,
    pub redis_errors: Family<RedisFailure, Counter>,
    pub sessions: Gauge,
    /// Sessions that this node ended, by close code.
    pub closed: Family<Closed, Counter>,
    pub frames_sent: Counter,
    pub frames_received: Counter,
    /// Versions of a call that a slow reader never saw, since a later one took their place.
    pub conflated: Counter,
    /// Outboxes that overflowed; their sessions read the store instead.
    pub overflows: Counter,
    pub ringing: Ringing,
    pub reach: Arc<Reach>,
    pub sidecar: Arc<sidecar::metrics::Metrics>,
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

/// How it was noticed that changes were missed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Resync {
    pub cause: Cause,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// A published change has not the next number.
    Gap,
    /// The store is ahead, and nothing was published.
    Probe,
    /// The store lost or replaced its data.
    Epoch,
    /// A leg has too many events to be published.
    Large,
    /// A published change says only what is new of a leg that this node does not hold.
    Unknown,
}

/// What went wrong with Redis.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RedisFailure {
    pub kind: RedisError,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RedisError {
    /// No connection could be made.
    Connect,
    /// A connection broke.
    Connection,
    Timeout,
    /// The server is a replica, or has no primary.
    NotPrimary,
    /// The server could not do it just then.
    NotNow,
    Refused,
}

impl EncodeLabelValue for CloseCode {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        self.number().encode(encoder)
    }
}

labels!(Cause { Gap: "gap", Probe: "probe", Epoch: "epoch", Large: "large", Unknown: "unknown" });
labels!(RedisError {
    Connect: "connect",
    Connection: "connection",
    Timeout: "timeout",
    NotPrimary: "not_primary",
    NotNow: "not_now",
    Refused: "refused",
});

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
            inactive_users: Counter::default(),
            forgotten: Counter::default(),
            tenants: Gauge::default(),
            journal_seconds: Histogram::new(SECONDS),
            journal_groups: Counter::default(),
            journal_errors: Counter::default(),
            journal_full: Counter::default(),
            redis_commit_seconds: Histogram::new(SECONDS),
            redis_publish_lag: Histogram::new(SECONDS),
            redis_resyncs: Family::default(),
            redis_probe_age: Gauge::default(),
            redis_errors: Family::default(),
            sessions: Gauge::default(),
            closed: Family::default(),
            frames_sent: Counter::default(),
            frames_received: Counter::default(),
            conflated: Counter::default(),
            overflows: Counter::default(),
            ringing: Ringing::default(),
            reach: Arc::default(),
            sidecar: Arc::default(),
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

    /// Counts what went wrong with Redis.
    pub fn redis_error(&self, kind: RedisError) {
        self.redis_errors.get_or_create(&RedisFailure { kind }).inc();
    }

    fn name_redis(&self, r: &mut Registry) {
        let (seconds, text) = (Unit::Seconds, "One commit on Redis, with retries");
        r.register_with_unit("redis_commit_duration", text, seconds, self.redis_commit_seconds.clone());
        let (seconds, text) = (Unit::Seconds, "From a commit to its message here, by the nodes' clocks");
        r.register_with_unit("redis_publish_lag", text, seconds, self.redis_publish_lag.clone());
        let (seconds, text) = (Unit::Seconds, "Since Redis was last seen to answer");
        r.register_with_unit("redis_probe_age", text, seconds, self.redis_probe_age.clone());
        r.register("redis_resyncs", "Reads of missed changes, by cause", self.redis_resyncs.clone());
        r.register("redis_errors", "What went wrong with Redis, by kind", self.redis_errors.clone());
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
        let text = "Events for users whose integration is not active, not delivered";
        r.register("events_not_activated", text, self.inactive_users.clone());
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
        self.name_redis(&mut r);
        r.register("sessions", "WebSocket sessions", self.sessions.clone());
        r.register("sessions_closed", "Sessions that this node ended, by code", self.closed.clone());
        r.register("frames_sent", "Frames to clients", self.frames_sent.clone());
        r.register("frames_received", "Frames from clients", self.frames_received.clone());
        r.register("frames_conflated", "Versions replaced before they were sent", self.conflated.clone());
        r.register("outbox_overflows", "Outboxes that overflowed", self.overflows.clone());
        self.ringing.name(&mut r);
        self.reach.name(&mut r);
        self.sidecar.name(&mut r);
    }
}
