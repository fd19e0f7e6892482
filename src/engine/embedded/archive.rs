//! Events of unknown states, kept for operators: the latest, within bounds.

use crate::engine::{Archived, MAX_ARCHIVED, MAX_ARCHIVED_BYTES};
use std::collections::VecDeque;

/// Oldest first, each with its row in the journal.
#[derive(Default)]
pub(crate) struct Archive {
    kept: VecDeque<(Option<u64>, Archived)>,
    bytes: usize,
}

impl Archive {
    /// The row of an event that says the same, which a provider sends twice; the inner is none where nothing is written.
    pub(crate) fn known(&self, archived: &Archived) -> Option<Option<u64>> {
        let says_the_same = |kept: &Archived| kept.raw == archived.raw && kept.source == archived.source;
        self.kept.iter().find(|(_, kept)| says_the_same(kept)).map(|(row, _)| *row)
    }

    /// Adds an event; the oldest go for it where there are too many.
    pub(crate) fn push(&mut self, row: Option<u64>, archived: Archived) {
        self.bytes += archived.raw.len();
        self.kept.push_back((row, archived));
        while self.kept.len() > MAX_ARCHIVED || self.bytes > MAX_ARCHIVED_BYTES {
            let Some((_, oldest)) = self.kept.pop_front() else { break };
            self.bytes -= oldest.raw.len();
        }
    }

    /// Puts them into the order in which they came: some were written anew.
    pub(crate) fn sort(&mut self) {
        self.kept.make_contiguous().sort_by_key(|(_, archived)| archived.received_at);
    }

    /// Those that stand before a row of the journal, with their rows.
    pub(crate) fn before(&mut self, row: u64) -> impl Iterator<Item = (&mut Option<u64>, &Archived)> {
        let old = self.kept.iter_mut().filter(move |(its, _)| its.is_some_and(|its| its < row));
        old.map(|(row, archived)| (row, &*archived))
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Archived> {
        self.kept.iter().map(|(_, archived)| archived)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archived(raw: &str) -> Archived {
        Archived {
            received_at: 1,
            source: "telsmart".try_into().unwrap(),
            state: "PARKED".into(),
            raw: raw.into(),
        }
    }

    #[test]
    fn the_oldest_go_when_there_are_too_many() {
        let mut archive = Archive::default();
        for row in 0..MAX_ARCHIVED as u64 {
            archive.push(Some(row), archived(&row.to_string()));
        }
        assert_eq!(archive.iter().count(), MAX_ARCHIVED);
        archive.push(Some(1000), archived("one more"));
        assert_eq!((archive.iter().count(), archive.known(&archived("0"))), (MAX_ARCHIVED, None));
        archive.push(Some(1001), archived(&"x".repeat(MAX_ARCHIVED_BYTES)));
        assert_eq!(archive.iter().count(), 1);
    }

    #[test]
    fn what_is_kept_is_known() {
        let mut archive = Archive::default();
        archive.push(Some(7), archived("{}"));
        assert_eq!((archive.known(&archived("{}")), archive.known(&archived("{ }"))), (Some(Some(7)), None));
    }
}
