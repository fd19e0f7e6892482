//! For tests: events as the world may send them.

use proptest::sample::Index;

/// The events in another order, some of them twice.
pub(crate) fn shuffled<E: Clone>(events: &[E], order: &[Index]) -> Vec<E> {
    let mut arrivals = events.to_vec();
    arrivals.extend(order.iter().take(events.len()).map(|index| index.get(events).clone()));
    for (at, index) in order.iter().enumerate() {
        let other = index.index(arrivals.len());
        arrivals.swap(at % order.len() % other.max(1), other);
    }
    arrivals
}
