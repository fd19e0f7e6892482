//! What goes wrong with Redis.

use crate::metrics::{RoomMetrics, labels};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};

/// The metrics of all links of the process.
#[derive(Default)]
pub(crate) struct LinkMetrics {
    errors: Family<Failed, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Failed {
    kind: Trouble,
}

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Trouble {
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

labels!(Trouble {
    Connect: "connect",
    Connection: "connection",
    Timeout: "timeout",
    NotPrimary: "not_primary",
    NotNow: "not_now",
    Refused: "refused",
});

impl LinkMetrics {
    /// Counts one.
    pub(crate) fn count(&self, kind: Trouble) {
        self.errors.get_or_create(&Failed { kind }).inc();
    }
}

impl RoomMetrics for LinkMetrics {
    fn name(&self, r: &mut Registry) {
        r.register("redis_errors", "What went wrong with Redis, by kind", self.errors.clone());
    }
}
