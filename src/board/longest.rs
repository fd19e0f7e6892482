//! The longest of some waits, of which any may be taken away again: the longest few are kept, so that the next one is
//! known when the longest goes.

use crate::clock::Micros;

/// So many are kept.
const KEPT: usize = 8;

/// The longest waits, the longest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Longest {
    some: Vec<Micros>,
    /// There are others, none of which is longer than the last of these.
    more: bool,
}

impl Longest {
    /// The longest of so many, of which no other is known.
    pub(super) fn of(longest: Option<Micros>, count: u64) -> Self {
        Self { some: longest.into_iter().collect(), more: count > 1 }
    }

    pub(super) fn get(&self) -> Option<Micros> {
        self.some.first().copied()
    }

    /// All that were kept were taken away, and there are others.
    pub(super) fn is_lost(&self) -> bool {
        self.more && self.some.is_empty()
    }

    pub(super) fn add(&mut self, wait: Micros) {
        // One that is shorter than those left out may be, is left out, too.
        if self.more && self.some.last().is_none_or(|last| wait < *last) {
            return;
        }
        let at = self.some.partition_point(|longer| *longer > wait);
        self.some.insert(at, wait);
        self.cut();
    }

    /// Takes away one that was added.
    pub(super) fn take_away(&mut self, wait: Micros) {
        if let Some(at) = self.some.iter().position(|kept| *kept == wait) {
            self.some.remove(at);
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        let floor = |of: &Self| if of.more { of.some.last().copied().unwrap_or(Micros::MAX) } else { 0 };
        let floor = floor(self).max(floor(other));
        self.some.extend(&other.some);
        self.some.sort_unstable_by(|one, other| other.cmp(one));
        self.some.retain(|wait| *wait >= floor);
        self.more |= other.more;
        self.cut();
    }

    fn cut(&mut self) {
        self.more |= self.some.len() > KEPT;
        self.some.truncate(KEPT);
    }
}

/// Which ones are kept beside the longest depends on their order.
impl PartialEq for Longest {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

impl Eq for Longest {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection::vec, prelude::*};

    proptest! {
        #[test]
        fn it_is_right_or_lost(steps in vec((any::<bool>(), 0..40_u64), 1..200)) {
            let (mut longest, mut all) = (Longest::default(), Vec::new());
            for (goes, wait) in steps {
                if goes && !all.is_empty() {
                    let gone = all.remove(wait as usize % all.len());
                    longest.take_away(gone);
                } else {
                    all.push(wait);
                    longest.add(wait);
                }
                if longest.is_lost() {
                    return Ok(());
                }
                prop_assert_eq!(longest.get(), all.iter().copied().max());
            }
        }

        #[test]
        fn two_together_are_right_or_lost(one in vec(0..99_u64, 0..20), other in vec(0..99_u64, 0..20), gone in 0..9_usize) {
            let of = |waits: &[u64]| {
                let mut longest = Longest::default();
                waits.iter().for_each(|wait| longest.add(*wait));
                longest
            };
            let mut both = of(&one);
            both.merge(&of(&other));
            let mut all = [one, other].concat();
            all.sort_unstable_by(|one, other| other.cmp(one));
            for wait in all.iter().take(gone) {
                both.take_away(*wait);
            }
            if !both.is_lost() {
                prop_assert_eq!(both.get(), all.get(gone.min(all.len())).copied());
            }
        }
    }
}
