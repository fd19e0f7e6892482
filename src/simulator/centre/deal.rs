//! Chance, of which the same seed always makes the same. In whole numbers only: how a logarithm is rounded
//! differs between machines, and the events must not.

use rand::{RngExt, SeedableRng, rngs::StdRng, seq::SliceRandom};

/// A source of chance.
pub(super) struct Deal(StdRng);

impl Deal {
    pub(super) fn of(seed: u64) -> Self {
        Self(StdRng::seed_from_u64(seed))
    }

    /// A duration between two others, both possible.
    pub(super) fn micros(&mut self, least: u64, most: u64) -> u64 {
        self.0.random_range(least..=most)
    }

    /// The same, in milliseconds as one reads them; it is drawn to the microsecond.
    pub(super) fn millis(&mut self, least: u64, most: u64) -> u64 {
        self.micros(least * 1000, most * 1000)
    }

    /// The same, of which short ones are likelier than long ones.
    pub(super) fn mostly_short(&mut self, least: u64, most: u64) -> u64 {
        self.millis(least, most).min(self.millis(least, most))
    }

    /// Whether something happens that does so once in `times`.
    pub(super) fn one_in(&mut self, times: u32) -> bool {
        self.0.random_range(0..times) == 0
    }

    /// A place in a list that is not empty.
    pub(super) fn place(&mut self, length: usize) -> usize {
        // Not drawn as a `usize`, whose width is the machine's.
        self.0.random_range(0..length as u64) as usize
    }

    pub(super) fn shuffle<T>(&mut self, list: &mut [T]) {
        list.shuffle(&mut self.0);
    }
}
