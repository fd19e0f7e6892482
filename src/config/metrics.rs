//! What is read again while the process runs.

use crate::metrics::{RoomMetrics, labels};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Outcome {
    Done,
    Refused,
}

labels!(Outcome { Done: "done", Refused: "refused" });

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reload {
    key: &'static str,
    result: Outcome,
}

/// Files that were read again, by the key that names them.
#[derive(Default)]
pub(crate) struct ReloadMetrics(Family<Reload, Counter>);

impl ReloadMetrics {
    /// Counts one, which was taken or refused.
    pub(crate) fn count(&self, key: &'static str, is_taken: bool) {
        let result = if is_taken { Outcome::Done } else { Outcome::Refused };
        self.0.get_or_create(&Reload { key, result }).inc();
    }
}

impl RoomMetrics for ReloadMetrics {
    fn name(&self, r: &mut Registry) {
        r.register("config_reloads", "Files that were read again, by key and result", self.0.clone());
    }
}
