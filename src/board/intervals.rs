//! Arithmetic of stretches of time, from and to, in microseconds.

use crate::clock::Micros;

/// From, and to without it.
pub(super) type Interval = (Micros, Micros);

/// The same time as sorted stretches that do not touch.
pub(super) fn union(mut intervals: Vec<Interval>) -> Vec<Interval> {
    intervals.retain(|(from, to)| from < to);
    intervals.sort_unstable();
    let mut united: Vec<Interval> = Vec::with_capacity(intervals.len());
    for (from, to) in intervals {
        match united.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => united.push((from, to)),
        }
    }
    united
}

/// How long they are together; they must not overlap.
pub(super) fn total(united: &[Interval]) -> Micros {
    united.iter().map(|(from, to)| to - from).sum()
}

/// How long both last; each must be a union.
pub(super) fn shared(one: &[Interval], other: &[Interval]) -> Micros {
    let (mut i, mut j, mut sum) = (0, 0, 0);
    while let (Some(a), Some(b)) = (one.get(i), other.get(j)) {
        sum += a.1.min(b.1).saturating_sub(a.0.max(b.0));
        if a.1 <= b.1 { i += 1 } else { j += 1 }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_overlaps_counts_once() {
        let united = union(vec![(5, 9), (0, 3), (2, 4), (4, 5), (20, 20)]);
        assert_eq!(united, [(0, 9)]);
        assert_eq!(total(&united), 9);
        assert_eq!(shared(&united, &[(1, 2), (8, 30)]), 2);
        assert_eq!(shared(&united, &[]), 0);
    }
}
