//! What places count.

use crate::metrics::{RoomMetrics, labels};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

/// The metrics of places.
#[derive(Default)]
pub(crate) struct PlaceMetrics {
    pub(super) places: Gauge,
    pub(super) taken: Gauge,
    pub(super) accept_failures: Counter,
    closed: Family<Closed, Counter>,
}

/// Why a connection had to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Cause {
    /// It waited for too long, while places were scarce.
    Idle,
    /// It had waited for longest of its address, which had more than its share.
    Share,
    /// It had waited for longest of those who have shown nothing.
    Longest,
    /// It had shown something, but nobody else was left to go.
    Known,
    /// It came when there was no place, and nobody to go.
    NoRoom,
}

labels!(Cause { Idle: "idle", Share: "share", Longest: "longest", Known: "known", NoRoom: "no_room" });

const CAUSES: [Cause; 5] = [Cause::Idle, Cause::Share, Cause::Longest, Cause::Known, Cause::NoRoom];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Closed {
    cause: Cause,
}

impl PlaceMetrics {
    pub(super) fn closed(&self, cause: Cause, count: u64) {
        self.closed.get_or_create(&Closed { cause }).inc_by(count);
    }
}

impl RoomMetrics for PlaceMetrics {
    fn name(&self, r: &mut Registry) {
        r.register("places", "Connections that there is room for", self.places.clone());
        r.register("places_taken", "Connections, WebSockets too", self.taken.clone());
        r.register("accept_failures", "Connections that could not be accepted", self.accept_failures.clone());
        // From the start, so that the first of each is seen as a change.
        for cause in CAUSES {
            self.closed(cause, 0);
        }
        let text = "Connections that were closed to make room, by cause";
        r.register("connections_closed_for_room", text, self.closed.clone());
    }
}
