//! The legs that this node has delivered lately or read for a session, so that a published change need
//! only say what is new. Bounded; whoever finds a leg missing here reads it from the store.

use super::stored::{Said, Stored};
use crate::call::{Added, Leg, LegKey};
use parking_lot::Mutex;
use std::{
    collections::HashMap,
    mem,
    sync::Arc,
    time::{Duration, Instant},
};

/// A leg with more bytes of events is not held.
const MOST_OF_LEG: usize = 16 * 1024;
/// A generation ends with so many bytes of events and keys, or after so long. What is asked for goes into the
/// next, what was not asked for during a whole one is dropped.
const MOST_BYTES: usize = 16 * 1024 * 1024;
const GENERATION: Duration = Duration::from_secs(15 * 60);
/// What a leg takes beside its events, about.
const OVERHEAD: usize = 256;

/// The legs of all tenants, each as it was in one epoch at one version.
#[derive(Default)]
pub(crate) struct Known(Mutex<Generations>);

#[derive(Default)]
struct Generations {
    young: HashMap<LegKey, Remembered>,
    old: HashMap<LegKey, Remembered>,
    /// Of the young.
    bytes: usize,
    began: Option<Instant>,
}

struct Remembered {
    epoch: Arc<str>,
    leg: Leg,
    bytes: usize,
}

impl Known {
    /// Shows a leg as a published change leaves it; none where that must be read.
    pub(crate) fn show<T>(
        &self,
        key: LegKey,
        epoch: &Arc<str>,
        said: &Said<'_>,
        show: impl FnOnce(&LegKey, &Leg) -> T,
    ) -> Option<T> {
        let mut generations = self.0.lock();
        let entry = if said.is_whole() {
            let Stored { leg, bytes, .. } = said.whole()?;
            Remembered { epoch: epoch.clone(), leg, bytes }
        } else {
            generations.take(&key)?.after(epoch, said)?
        };
        let shown = show(&key, &entry.leg);
        generations.put(key, entry);
        Some(shown)
    }

    /// Holds a leg as it was read from the store, unless it is known as it was later in the same epoch.
    pub(crate) fn hold(&self, key: &LegKey, epoch: &Arc<str>, stored: &Stored) {
        let mut generations = self.0.lock();
        let entry = Remembered { epoch: epoch.clone(), leg: stored.leg.clone(), bytes: stored.bytes };
        let entry = match generations.take(key) {
            Some(ours) if ours.epoch == *epoch && ours.leg.version() > entry.leg.version() => ours,
            _ => entry,
        };
        generations.put(key.clone(), entry);
    }
}

impl Generations {
    fn take(&mut self, key: &LegKey) -> Option<Remembered> {
        let young = self.young.remove(key).inspect(|entry| self.bytes -= entry.weight());
        young.or_else(|| self.old.remove(key))
    }

    fn put(&mut self, key: LegKey, entry: Remembered) {
        if entry.bytes > MOST_OF_LEG {
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
        let is_next = self.epoch == *epoch
            && self.leg.version() + 1 == version
            && self.leg.events().len() + 1 == said.count;
        self.bytes += bytes;
        (is_next && self.leg.add(event) == Added::New).then_some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::packed::Pack, *};
    use crate::call::{Event, LegName, What};

    fn key(leg: usize) -> LegKey {
        let leg = LegName::of(&leg.to_string());
        LegKey { tenant: "t".try_into().unwrap(), extension: "200".try_into().unwrap(), leg }
    }

    fn stored(versions: u32) -> Stored {
        let events: Vec<Event> =
            (0..versions).map(|at| Event::new(at.into(), What::Expired { after: 0 })).collect();
        Stored { seq: versions.into(), leg: Leg::of(events, versions), bytes: 100 }
    }

    /// How many events the leg has after a change that says the one of that version only.
    fn events_after(known: &Known, leg: usize, epoch: &str, version: u32, count: usize) -> Option<usize> {
        let event = Event::new(version.into(), What::Expired { after: 0 });
        let message = format!(
            "{epoch}\u{1e}0\u{1e}200\u{1e}telsmart\u{1e}{leg}\u{1e}{count}\u{1e}1\u{1e}9:{version}:{}",
            serde_json::to_string(&Pack(&event)).unwrap()
        );
        let said = super::super::stored::Published::parse(message.as_bytes()).unwrap().next().unwrap();
        known.show(key(leg), &epoch.into(), &said, |_, leg| leg.events().len())
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
        let large = Stored { bytes: MOST_OF_LEG + 1, ..stored(1) };
        known.hold(&key(1), &"e".into(), &large);
        assert_eq!(events_after(&known, 1, "e", 2, 2), None);
    }
}
