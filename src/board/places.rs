//! In which bundles something may be: by a short hash of it, so that a place takes a few bytes. What many share, such as
//! the number of a busy caller, is found by time.

use super::{bundles::Nth, window::Window};
use crate::clock::Micros;
use hashbrown::{HashMap, HashTable};
use std::collections::BTreeSet;

/// What more share is a crowd.
const FEW: usize = 8;

/// Places by hash.
#[derive(Debug, Default)]
pub(super) struct Places {
    few: HashTable<(u32, Nth)>,
    crowds: HashMap<u32, Crowd>,
}

/// The places of what many share, in the order of their beginnings.
#[derive(Debug, Default)]
struct Crowd {
    by_start: BTreeSet<(Micros, Nth)>,
    /// None of them is longer.
    longest: Micros,
}

impl Places {
    /// Says that something is in a bundle, which is of that time. To say it twice is to say it once.
    pub(super) fn put(&mut self, tag: u32, nth: Nth, window: Window) {
        let hash = spread(tag);
        let is_of = |place: &&(u32, Nth)| place.0 == tag;
        if let Some(crowd) = self.crowds.get_mut(&tag) {
            crowd.put(nth, window);
        } else if self.few.iter_hash(hash).filter(is_of).any(|place| place.1 == nth) {
            // It says so already.
        } else if self.few.iter_hash(hash).filter(is_of).count() < FEW {
            self.few.insert_unique(hash, (tag, nth), |place| spread(place.0));
        } else {
            let mut crowd = Crowd::default();
            while let Ok(found) = self.few.find_entry(hash, |place| place.0 == tag) {
                // When they began, nobody knows any more: each is looked at.
                crowd.put(found.remove().0.1, Window { from: 0, to: 0 });
            }
            crowd.put(nth, window);
            self.crowds.insert(tag, crowd);
        }
    }

    /// Says that it is there no more.
    pub(super) fn take(&mut self, tag: u32, nth: Nth, window: Window) {
        if let Some(crowd) = self.crowds.get_mut(&tag) {
            crowd.by_start.remove(&(window.from, nth));
            crowd.by_start.remove(&(0, nth));
            if crowd.by_start.is_empty() {
                self.crowds.remove(&tag);
            }
        } else if let Ok(found) = self.few.find_entry(spread(tag), |place| *place == (tag, nth)) {
            found.remove();
        }
    }

    /// Where it may be, as far as that goes on in a window; others may be among them.
    pub(super) fn of(&self, tag: u32, window: Window) -> impl Iterator<Item = Nth> {
        let few = self.few.iter_hash(spread(tag)).filter(move |place| place.0 == tag).map(|place| place.1);
        let crowd = self.crowds.get(&tag).into_iter().flat_map(move |crowd| crowd.of(window));
        few.chain(crowd)
    }
}

impl Crowd {
    fn put(&mut self, nth: Nth, window: Window) {
        self.by_start.insert((window.from, nth));
        self.longest = self.longest.max(window.to - window.from);
    }

    fn of(&self, window: Window) -> impl Iterator<Item = Nth> {
        let first = window.from.saturating_sub(self.longest);
        let near = self.by_start.range((first.max(1), 0)..=(window.to, Nth::MAX));
        let unknown = self.by_start.range(..(1, 0));
        unknown.chain(near).map(|(_, nth)| *nth)
    }
}

/// Over all bits, as a table wants it.
fn spread(tag: u32) -> u64 {
    u64::from(tag).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}
