//! What slow readers cost.

use crate::metrics::RoomMetrics;
use prometheus_client::{metrics::counter::Counter, registry::Registry};

/// The metrics of the feed.
#[derive(Default)]
pub(crate) struct FeedMetrics {
    /// Versions of a call that a slow reader never saw, since a later one took their place.
    pub(crate) conflated: Counter,
    /// Outboxes that overflowed; their sessions read the store instead.
    pub(crate) overflows: Counter,
}

impl RoomMetrics for FeedMetrics {
    fn name(&self, r: &mut Registry) {
        r.register("frames_conflated", "Versions replaced before they were sent", self.conflated.clone());
        r.register("outbox_overflows", "Outboxes that overflowed", self.overflows.clone());
    }
}
