//! What is counted of those who ask for names.

use crate::metrics::{RoomMetrics, labels};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};

/// Why a name was not asked for, or not found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Unasked {
    /// Its user asks too often.
    User,
    /// Too many ask at the same time.
    Node,
    /// The phonebook did not answer as it should.
    Phonebook,
}

labels!(Unasked { User: "user", Node: "node", Phonebook: "phonebook" });

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByCause {
    cause: Unasked,
}

/// Questions for names that were answered by 429 or 503, by why.
#[derive(Default)]
pub(crate) struct ContactMetrics(Family<ByCause, Counter>);

impl ContactMetrics {
    pub(super) fn count(&self, cause: Unasked) {
        self.0.get_or_create(&ByCause { cause }).inc();
    }
}

impl RoomMetrics for ContactMetrics {
    fn name(&self, r: &mut Registry) {
        for cause in [Unasked::User, Unasked::Node, Unasked::Phonebook] {
            drop(self.0.get_or_create(&ByCause { cause }));
        }
        r.register("contacts_refused", "Names that could not be asked for, by why", self.0.clone());
    }
}
