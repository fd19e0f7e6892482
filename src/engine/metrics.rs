//! What the engines count; both have the same names, so that a dashboard needs not know which it is.

use crate::{
    id::ItemId,
    metrics::{RoomMetrics, SECONDS, labels},
};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};
use std::{io, sync::atomic::AtomicU64};

/// The metrics of either engine.
pub(crate) struct EngineMetrics {
    /// Events that changed an item.
    pub(crate) committed: Counter,
    /// Events that were known.
    pub(crate) duplicates: Counter,
    /// Events that a full item did not take.
    pub(crate) full_items: Counter,
    /// Stored rows that could not be read, each time that was tried; they stay where they are.
    pub(crate) unreadable: Counter,
    /// Items that were forgotten, after as long as they are kept.
    pub(crate) forgotten: Counter,
    pub(crate) tenants: Gauge,
    /// Ended items that are on the disk, and not in memory.
    pub(crate) store_items: Gauge,
    store_bytes: Family<OfSeries, Gauge>,
    /// From when a group is taken to the end of its fsync, with retries.
    pub(crate) journal_seconds: Histogram,
    pub(crate) journal_groups: Counter,
    pub(crate) journal_errors: Counter,
    /// Events that were refused since too many waited for the disk.
    pub(crate) journal_full: Counter,
    /// From a commit's request to Redis to its answer, with what was tried again.
    pub(crate) redis_commit_seconds: Histogram,
    /// From a commit, by the clock of the node that made it, to its message here.
    pub(crate) redis_publish_lag: Histogram,
    /// Since Redis was last seen to answer.
    pub(crate) redis_probe_age: Gauge<f64, AtomicU64>,
    /// Reads of what was missed, by what gave it away.
    redis_resyncs: Family<Resync, Counter>,
    /// Ended items that became one value in Redis, and those that had their events back since something happened to them.
    pub(crate) redis_settled: Counter,
    pub(crate) redis_warmed: Counter,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Resync {
    cause: Missed,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfSeries {
    series: &'static str,
}

/// How it was noticed that changes were missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Missed {
    /// A published change has not the next number.
    Gap,
    /// The store is ahead, and nothing was published.
    Probe,
    /// The store lost or replaced its data.
    Epoch,
    /// An item has too many bytes of events to be published.
    Large,
    /// A published change says only what is new of an item that this node does not hold.
    Unknown,
}

labels!(Missed { Gap: "gap", Probe: "probe", Epoch: "epoch", Large: "large", Unknown: "unknown" });

impl Default for EngineMetrics {
    fn default() -> Self {
        Self {
            committed: Counter::default(),
            duplicates: Counter::default(),
            full_items: Counter::default(),
            unreadable: Counter::default(),
            forgotten: Counter::default(),
            tenants: Gauge::default(),
            store_items: Gauge::default(),
            store_bytes: Family::default(),
            journal_seconds: Histogram::new(SECONDS),
            journal_groups: Counter::default(),
            journal_errors: Counter::default(),
            journal_full: Counter::default(),
            redis_commit_seconds: Histogram::new(SECONDS),
            redis_publish_lag: Histogram::new(SECONDS),
            redis_probe_age: Gauge::default(),
            redis_resyncs: Family::default(),
            redis_settled: Counter::default(),
            redis_warmed: Counter::default(),
        }
    }
}

impl EngineMetrics {
    /// Counts a read of what was missed.
    pub(crate) fn resync(&self, cause: Missed) {
        self.redis_resyncs.get_or_create(&Resync { cause }).inc();
    }

    /// A stored row says nothing that is understood: it was written by another version, or by somebody else.
    pub(crate) fn on_unreadable(&self, row: &str) {
        self.unreadable.inc();
        tracing::error!(row, "a stored row cannot be read; it is left out, and stays where it is");
    }

    /// A stored item was whole at start, and cannot be read now.
    pub(crate) fn on_damaged(&self, item: &ItemId, error: &io::Error) {
        self.unreadable.inc();
        tracing::error!(%item, %error, "a stored item cannot be read; it is left out");
    }

    /// How many bytes a series of the store has on the disk.
    pub(crate) fn set_store_bytes(&self, series: &'static str, bytes: u64) {
        self.store_bytes.get_or_create(&OfSeries { series }).set(bytes as i64);
    }

    fn name_journal(&self, r: &mut Registry) {
        let (name, text) = ("journal_group_duration", "One group commit with its fsync");
        r.register_with_unit(name, text, Unit::Seconds, self.journal_seconds.clone());
        r.register("store_items", "Ended items that are on the disk only", self.store_items.clone());
        let (unit, text) = (Unit::Bytes, "The files of the store");
        r.register_with_unit("store", text, unit, self.store_bytes.clone());
        r.register("journal_groups", "Group commits", self.journal_groups.clone());
        r.register("journal_errors", "Group commits that failed", self.journal_errors.clone());
        r.register("journal_refused", "Events refused for a full journal queue", self.journal_full.clone());
    }

    fn name_redis(&self, r: &mut Registry) {
        let (seconds, text) = (Unit::Seconds, "One commit on Redis, with retries");
        r.register_with_unit("redis_commit_duration", text, seconds, self.redis_commit_seconds.clone());
        let (seconds, text) = (Unit::Seconds, "From a commit to its message here, by the nodes' clocks");
        r.register_with_unit("redis_publish_lag", text, seconds, self.redis_publish_lag.clone());
        let (seconds, text) = (Unit::Seconds, "Since Redis was last seen to answer");
        r.register_with_unit("redis_probe_age", text, seconds, self.redis_probe_age.clone());
        r.register("redis_resyncs", "Reads of missed changes, by cause", self.redis_resyncs.clone());
        r.register("redis_settled", "Ended items that became one value", self.redis_settled.clone());
        r.register("redis_warmed", "Of these, those that got their events back", self.redis_warmed.clone());
    }
}

impl RoomMetrics for EngineMetrics {
    fn name(&self, r: &mut Registry) {
        r.register("events_committed", "Events that changed a call", self.committed.clone());
        r.register("events_duplicate", "Events that were known", self.duplicates.clone());
        r.register(
            "events_refused_full_item",
            "Events that a full item did not take",
            self.full_items.clone(),
        );
        r.register("stored_rows_unreadable", "Times a stored row was left out", self.unreadable.clone());
        r.register("items_forgotten", "Items past calls.keep_ended or notices.keep", self.forgotten.clone());
        r.register("tenants", "Tenants in memory", self.tenants.clone());
        self.name_journal(r);
        self.name_redis(r);
    }
}
