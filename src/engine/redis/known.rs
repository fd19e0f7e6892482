//! The items that this node has delivered lately or read for a session, so that a published change need
//! only say what is new. Bounded; whoever finds an item missing here reads it from the store.

use super::stored::{Said, Stored};
use crate::{event_set::Added, id::ItemKey, item::ItemSet};
use hashbrown::HashMap;
use parking_lot::Mutex;
use std::{
    mem,
    sync::Arc,
    time::{Duration, Instant},
};

/// An item with more bytes of events is not held.
const MOST_OF_ITEM: usize = 16 * 1024;
/// A generation ends with so many bytes of events and keys, or after so long. What is asked for goes into the
/// next, what was not asked for during a whole one is dropped.
const MOST_BYTES: usize = 16 * 1024 * 1024;
const GENERATION: Duration = Duration::from_secs(15 * 60);
/// What an item takes beside its events, about.
const OVERHEAD: usize = 256;

/// The items of all tenants, each as it was in one epoch at one version.
#[derive(Default)]
pub(crate) struct Known(Mutex<Generations>);

#[derive(Default)]
struct Generations {
    young: HashMap<ItemKey, Remembered>,
    old: HashMap<ItemKey, Remembered>,
    /// Of the young.
    bytes: usize,
    began: Option<Instant>,
}

struct Remembered {
    epoch: Arc<str>,
    set: ItemSet,
    bytes: usize,
}

impl Known {
    /// Shows an item as a published change leaves it; none where that must be read.
    pub(crate) fn show<T>(
        &self,
        key: ItemKey,
        epoch: &Arc<str>,
        said: &Said<'_>,
        show: impl FnOnce(&ItemKey, &ItemSet) -> T,
    ) -> Option<T> {
        let mut generations = self.0.lock();
        let entry = if said.is_whole() {
            let Stored { set, bytes, .. } = said.whole()?;
            Remembered { epoch: epoch.clone(), set, bytes }
        } else {
            generations.take(&key)?.after(epoch, said)?
        };
        let shown = show(&key, &entry.set);
        generations.put(key, entry);
        Some(shown)
    }

    /// Holds an item as it was read from the store, unless it is known as it was later in the same epoch.
    pub(crate) fn hold(&self, key: &ItemKey, epoch: &Arc<str>, stored: &Stored) {
        let mut generations = self.0.lock();
        let entry = Remembered { epoch: epoch.clone(), set: stored.set.clone(), bytes: stored.bytes };
        let entry = match generations.take(key) {
            Some(ours) if ours.epoch == *epoch && ours.set.version() > entry.set.version() => ours,
            _ => entry,
        };
        generations.put(key.clone(), entry);
    }
}

impl Generations {
    fn take(&mut self, key: &ItemKey) -> Option<Remembered> {
        let young = self.young.remove(key).inspect(|entry| self.bytes -= entry.weight());
        young.or_else(|| self.old.remove(key))
    }

    fn put(&mut self, key: ItemKey, entry: Remembered) {
        if entry.bytes > MOST_OF_ITEM {
            return;
        }
        self.bytes += entry.weight();
        self.young.insert(key, entry);
        let began = *self.began.get_or_insert_with(Instant::now);
        if self.bytes > MOST_BYTES || began.elapsed() > GENERATION {
            self.old = mem::take(&mut self.young);
            (self.bytes, self.began) = (0, None);
        }
    }
}

impl Remembered {
    fn weight(&self) -> usize {
        self.bytes + OVERHEAD
    }

    /// With one more event, if it is the next of what is held.
    fn after(mut self, epoch: &Arc<str>, said: &Said<'_>) -> Option<Self> {
        let (version, event, bytes) = said.news()?;
        let is_next =
            self.epoch == *epoch && self.set.version() + 1 == version && self.set.len() + 1 == said.count;
        self.bytes += bytes;
        (is_next && self.set.add(event) == Added::New).then_some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        call::{self, What},
        id::{ItemName, Kind},
        item::Event,
    };

    fn key(leg: usize) -> ItemKey {
        let (tenant, extension) = ("t".try_into().unwrap(), "200".try_into().unwrap());
        ItemKey { tenant, extension, kind: Kind::Call, name: ItemName::of(&leg.to_string()) }
    }

    fn stored(versions: u32) -> Stored {
        let events = (0..versions).map(|at| event(at.into())).collect();
        Stored {
            seq: versions.into(),
            touched: 0,
            set: ItemSet::of(Kind::Call, events, versions),
            bytes: 100,
        }
    }

    fn event(at: u64) -> Event {
        Event::Call(call::Event::new(at, What::Expired { after: 0 }))
    }

    /// How many events the leg has after a change that says the one of that version only.
    fn events_after(known: &Known, leg: usize, epoch: &str, version: u32, count: usize) -> Option<usize> {
        let message = format!(
            "{epoch}\u{1e}0\u{1e}200\u{1e}telsmart\u{1e}0\u{1e}{leg}\u{1e}{count}\u{1e}1\u{1e}9:{version}:{}",
            event(version.into()).pack().unwrap()
        );
        let said = super::super::stored::Published::parse(message.as_bytes()).unwrap().next().unwrap();
        known.show(key(leg), &epoch.into(), &said, |_, set| set.len())
    }

    #[test]
    fn only_the_next_event_of_the_same_epoch_is_added_to_a_leg() {
        let known = Known::default();
        known.hold(&key(1), &"e".into(), &stored(3));
        assert_eq!(events_after(&known, 2, "e", 4, 4), None, "another leg");
        assert_eq!(events_after(&known, 1, "e", 4, 4), Some(4));
        assert_eq!(events_after(&known, 1, "e", 5, 5), Some(5));
        for (epoch, version, count) in [("f", 6, 6), ("e", 7, 6), ("e", 6, 7), ("e", 5, 6)] {
            known.hold(&key(1), &"e".into(), &stored(5));
            assert_eq!(events_after(&known, 1, epoch, version, count), None, "{epoch} {version} {count}");
        }
    }

    #[test]
    fn a_leg_that_was_forgotten_begins_again_with_its_first_event() {
        let known = Known::default();
        known.hold(&key(1), &"e".into(), &stored(3));
        assert_eq!(events_after(&known, 1, "e", 4, 1), Some(1));
        assert_eq!(events_after(&known, 1, "e", 5, 2), Some(2));
    }

    #[test]
    fn an_earlier_read_does_not_undo_what_was_delivered_since() {
        let known = Known::default();
        known.hold(&key(1), &"e".into(), &stored(4));
        known.hold(&key(1), &"e".into(), &stored(2));
        assert_eq!(events_after(&known, 1, "e", 5, 5), Some(5));
        known.hold(&key(1), &"f".into(), &stored(2));
        assert_eq!(events_after(&known, 1, "f", 3, 3), Some(3), "another epoch knows nothing of that");
    }

    #[test]
    fn it_does_not_grow_for_ever_and_keeps_what_is_asked_for() {
        let known = Known::default();
        let mut version = 1;
        known.hold(&key(0), &"e".into(), &stored(1));
        for leg in 1..300_000 {
            known.hold(&key(leg), &"e".into(), &stored(1));
            if leg % 1000 == 0 {
                version += 1;
                assert_eq!(events_after(&known, 0, "e", version, version as usize), Some(version as usize));
            }
        }
        let generations = known.0.lock();
        let most = MOST_BYTES / (OVERHEAD + 100) + 1;
        assert!(generations.young.len() <= most && generations.old.len() <= most);
        drop(generations);
        let large = Stored { bytes: MOST_OF_ITEM + 1, ..stored(1) };
        known.hold(&key(1), &"e".into(), &large);
        assert_eq!(events_after(&known, 1, "e", 2, 2), None);
    }
}
