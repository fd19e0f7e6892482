//! A histogram of waits. It can be added to another, and the time to answer within can be chosen afterwards.

use super::{SECOND, longest::Longest, packed::Pack};
use crate::clock::Micros;
use std::collections::BTreeMap;

/// So many buckets of a second each.
const FINE: usize = 60;
/// How many seconds the buckets after them have.
const COARSE: usize = 5;
/// So many of those, up to 300 s.
const COARSE_COUNT: usize = 48;
/// One more for what is above.
const BUCKETS: usize = FINE + COARSE_COUNT + 1;

/// How many waits were how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Waits {
    buckets: [u32; BUCKETS],
    longest: Longest,
    sum: Micros,
}

impl Default for Waits {
    fn default() -> Self {
        Self { buckets: [0; BUCKETS], longest: Longest::default(), sum: 0 }
    }
}

impl Waits {
    pub(crate) fn add(&mut self, wait: Micros) {
        self.buckets[bucket(wait)] += 1;
        self.longest.add(wait);
        self.sum += wait;
    }

    /// Takes away one that was added.
    pub(crate) fn take_away(&mut self, wait: Micros) {
        self.buckets[bucket(wait)] -= 1;
        self.longest.take_away(wait);
        self.sum -= wait;
    }

    /// Whether nobody knows any more which was the longest.
    pub(crate) fn is_lost(&self) -> bool {
        self.longest.is_lost()
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for (bucket, others) in self.buckets.iter_mut().zip(other.buckets) {
            *bucket += others;
        }
        self.longest.merge(&other.longest);
        self.sum += other.sum;
    }

    /// How many were not longer than that, as far as buckets tell: what is in one that ends later does not count.
    pub(crate) fn within(&self, limit: Micros) -> u64 {
        let is_within = |bucket: &usize| upper_edge(*bucket).is_some_and(|edge| edge <= limit);
        (0..BUCKETS).filter(is_within).map(|bucket| u64::from(self.buckets[bucket])).sum()
    }

    /// The buckets in which there are waits: the second at which each ends, none of the last, and how many.
    pub(crate) fn filled(&self) -> impl Iterator<Item = (Option<u64>, u32)> {
        let filled = self.buckets.iter().enumerate().filter(|(_, times)| **times > 0);
        filled.map(|(bucket, times)| (upper_edge(bucket).map(|edge| edge / SECOND), *times))
    }

    pub(crate) fn count(&self) -> u64 {
        self.buckets.iter().map(|bucket| u64::from(*bucket)).sum()
    }

    /// `sum of waits / count`, cut off; none of none.
    pub(crate) fn mean(&self) -> Option<Micros> {
        self.sum.checked_div(self.count())
    }

    pub(crate) fn longest(&self) -> Option<Micros> {
        self.longest.get()
    }

    /// The upper edge of the bucket in which the wait is that so many of a hundred are not longer than; above the last
    /// edge, the longest wait.
    pub(crate) fn percentile(&self, percent: u64) -> Option<Micros> {
        let rank = (self.count() * percent).div_ceil(100).max(1);
        let mut seen = 0;
        let bucket = self.buckets.iter().position(|bucket| {
            seen += u64::from(*bucket);
            seen >= rank
        })?;
        upper_edge(bucket).or(self.longest())
    }
}

impl Pack for Waits {
    fn pack(&self, to: &mut Vec<u8>) {
        let filled = self.buckets.iter().enumerate().filter(|(_, times)| **times > 0);
        let filled: BTreeMap<u32, u32> = filled.map(|(bucket, times)| (bucket as u32, *times)).collect();
        (filled, (self.longest(), self.sum)).pack(to);
    }

    fn unpack(from: &mut &[u8]) -> Option<Self> {
        let (filled, (longest, sum)): (BTreeMap<u32, u32>, (Option<Micros>, Micros)) = Pack::unpack(from)?;
        let mut waits = Self { sum, ..Self::default() };
        for (bucket, times) in filled {
            *waits.buckets.get_mut(bucket as usize)? = times;
        }
        waits.longest = Longest::of(longest, waits.count());
        Some(waits)
    }
}

fn bucket(wait: Micros) -> usize {
    let seconds = usize::try_from(wait / SECOND).unwrap_or(usize::MAX);
    if seconds < FINE { seconds } else { (FINE + (seconds - FINE) / COARSE).min(BUCKETS - 1) }
}

fn upper_edge(bucket: usize) -> Option<Micros> {
    let seconds = if bucket < FINE { bucket + 1 } else { FINE + (bucket + 1 - FINE) * COARSE };
    (bucket < BUCKETS - 1).then_some(seconds as Micros * SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ninety_of_a_hundred_waited_no_longer() {
        let mut waits = Waits::default();
        assert_eq!((waits.percentile(90), waits.mean(), waits.longest()), (None, None, None));
        for seconds in 0..100 {
            waits.add(seconds * SECOND);
        }
        assert_eq!((waits.percentile(90), waits.percentile(50)), (Some(90 * SECOND), Some(50 * SECOND)));
        assert_eq!(waits.mean(), Some(49_500_000));
        let mut long = Waits::default();
        long.add(299 * SECOND);
        assert_eq!(long.percentile(90), Some(300 * SECOND));
        long.add(4000 * SECOND);
        assert_eq!(long.percentile(90), Some(4000 * SECOND), "above the last edge it is the longest itself");
        waits.merge(&long);
        assert_eq!((waits.count(), waits.longest()), (102, Some(4000 * SECOND)));
    }
}
