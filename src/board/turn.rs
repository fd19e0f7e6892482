//! What is counted in is counted out again in the same way, before it changes.

use super::waits::Waits;
use crate::clock::Micros;
use std::collections::BTreeMap;

/// Whether a conversation comes to figures, or goes from them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    Comes,
    Goes,
}

impl Turn {
    pub(super) fn count(self, figure: &mut u64, by: u64) {
        match self {
            Self::Comes => *figure += by,
            Self::Goes => *figure -= by,
        }
    }

    pub(super) fn wait(self, waits: &mut Waits, wait: Micros) {
        match self {
            Self::Comes => waits.add(wait),
            Self::Goes => waits.take_away(wait),
        }
    }

    /// Counts how often something is there; what is not there any more has no entry.
    pub(super) fn times<K: Ord, V: Copy + Into<u64> + TryFrom<u64> + Default>(
        self,
        all: &mut BTreeMap<K, V>,
        key: K,
    ) {
        let known: u64 = all.get(&key).copied().unwrap_or_default().into();
        let mut times = known;
        self.count(&mut times, 1);
        match V::try_from(times) {
            Ok(_) if times == 0 => _ = all.remove(&key),
            Ok(times) => _ = all.insert(key, times),
            Err(_) => {}
        }
    }
}
