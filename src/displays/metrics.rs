//! What is counted of pairings.

use crate::metrics::{RoomMetrics, labels};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};

/// What becomes of a pairing. Those that were started at this node either were answered, at whichever, or expired.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Fate {
    /// A screen has a code.
    Started,
    /// A supervisor entered it at this node.
    Answered,
    /// Nobody entered it in time.
    Expired,
    /// A supervisor entered one that is unknown.
    WrongCode,
}

labels!(Fate { Started: "started", Answered: "answered", Expired: "expired", WrongCode: "wrong_code" });

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByFate {
    result: Fate,
}

/// Pairings, by what became of them, and looks that failed.
#[derive(Default)]
pub(crate) struct DisplayMetrics {
    pairings: Family<ByFate, Counter>,
    /// Looks whether the displays that are connected here still exist.
    pub(super) failed_looks: Counter,
}

impl DisplayMetrics {
    pub(super) fn count(&self, result: Fate) {
        self.pairings.get_or_create(&ByFate { result }).inc();
    }
}

impl RoomMetrics for DisplayMetrics {
    fn name(&self, r: &mut Registry) {
        for result in [Fate::Started, Fate::Answered, Fate::Expired, Fate::WrongCode] {
            drop(self.pairings.get_or_create(&ByFate { result }));
        }
        let text = "Pairings of displays, by what became of them";
        r.register("display_pairings", text, self.pairings.clone());
        let text = "Looks whether connected displays were revoked that failed; they stay";
        r.register("display_looks_failed", text, self.failed_looks.clone());
    }
}
