//! What is counted of those who write.

use crate::metrics::{RoomMetrics, labels};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};

/// How a directory that came by HTTP fared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Fate {
    Stored,
    /// It is no directory, or its writer may not write it.
    Refused,
    /// Another one was there than its writer knew.
    Outdated,
    /// The engine could not store it.
    Unavailable,
}

labels!(Fate { Stored: "stored", Refused: "refused", Outdated: "outdated", Unavailable: "unavailable" });

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByFate {
    result: Fate,
}

/// Directories that were written, by how that went.
#[derive(Default)]
pub(crate) struct WriteMetrics(Family<ByFate, Counter>);

impl WriteMetrics {
    pub(super) fn count(&self, result: Fate) {
        self.0.get_or_create(&ByFate { result }).inc();
    }
}

impl RoomMetrics for WriteMetrics {
    fn name(&self, r: &mut Registry) {
        for result in [Fate::Stored, Fate::Refused, Fate::Outdated, Fate::Unavailable] {
            drop(self.0.get_or_create(&ByFate { result }));
        }
        r.register(
            "directory_writes",
            "Directories that came by HTTP, by what became of them",
            self.0.clone(),
        );
    }
}
