//! For tests: names of legs, and events as the world may send them.

use super::{Event, LegName};
use proptest::sample::Index;

/// The events in another order, some of them twice.
pub(crate) fn shuffled(events: &[Event], order: &[Index]) -> Vec<Event> {
    let mut arrivals = events.to_vec();
    arrivals.extend(order.iter().take(events.len()).map(|index| index.get(events).clone()));
    for (at, index) in order.iter().enumerate() {
        let other = index.index(arrivals.len());
        arrivals.swap(at % order.len() % other.max(1), other);
    }
    arrivals
}

impl LegName {
    /// A leg of the usual source.
    pub(crate) fn of(id: &str) -> Self {
        Self { source: "telsmart".try_into().unwrap(), id: id.try_into().unwrap() }
    }
}
