//! What is wrong with a process that works all the same: said beside the reasons in `/readyz`, and counted.
//! Any room that knows the metrics can raise a warning and lower it again; each has a place of its own,
//! so there are never many.

use crate::metrics::RoomMetrics;
use parking_lot::Mutex;
use prometheus_client::{metrics::gauge::Gauge, registry::Registry};
use std::collections::BTreeMap;

/// The warnings of a process.
#[derive(Default)]
pub(crate) struct Warnings {
    /// Of the configuration, as `callpop check` has them: they stay until a restart.
    configured: Mutex<Vec<String>>,
    raised: Mutex<BTreeMap<&'static str, String>>,
    count: Gauge,
}

impl Warnings {
    /// Takes what was found when the configuration was read.
    pub(crate) fn configure(&self, found: impl Iterator<Item = String>) {
        *self.configured.lock() = found.collect();
    }

    /// Says what is wrong about something, until it is lowered. The text goes to operators: nothing personal is in it.
    pub(crate) fn raise(&self, about: &'static str, text: String) {
        self.raised.lock().insert(about, text);
    }

    /// Nothing is wrong about it any more.
    pub(crate) fn lower(&self, about: &'static str) {
        self.raised.lock().remove(about);
    }

    /// All that is wrong, with what rooms know without having raised it.
    pub(crate) fn all(&self, known: impl Iterator<Item = String>) -> Vec<String> {
        let configured = self.configured.lock().clone();
        let raised: Vec<String> = self.raised.lock().values().cloned().collect();
        let all: Vec<String> = configured.into_iter().chain(raised).chain(known).collect();
        self.count.set(all.len() as i64);
        all
    }
}

impl RoomMetrics for Warnings {
    fn name(&self, r: &mut Registry) {
        r.register("warnings", "What /readyz warns of", self.count.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_is_there_once_until_it_is_lowered() {
        let warnings = Warnings::default();
        warnings.configure(["a: is odd".to_owned()].into_iter());
        warnings.raise("file", "bad".to_owned());
        warnings.raise("file", "worse".to_owned());
        assert_eq!(warnings.all(["old".to_owned()].into_iter()), ["a: is odd", "worse", "old"]);
        warnings.lower("file");
        assert_eq!(warnings.all(std::iter::empty()), ["a: is odd"]);
        assert_eq!(warnings.count.get(), 1);
    }
}
