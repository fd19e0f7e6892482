//! The bounded set of events that every item is, and what it needs to know of an event: numbers, and nothing of what the
//! event says.

#[cfg(test)]
mod for_tests;

#[cfg(test)]
pub(crate) use for_tests::shuffled;

use crate::clock::Micros;
use std::fmt;

/// Which event it is, and its place among the others: two events of one identity are one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Identity {
    pub(crate) at: Micros,
    /// Of what it says: in this order at the same time.
    pub(crate) rank: u32,
    /// Of all that it says.
    pub(crate) digest: u64,
}

/// As text, for a store of which it is the key.
impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, rank, digest } = self;
        write!(f, "{at}:{rank}:{digest:016x}")
    }
}

/// How a store is to take an event, in numbers: it does not know what the event says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Manner {
    /// How many events an item may hold for this one to be added.
    pub(crate) room: usize,
    /// How many of them may be of its rank.
    pub(crate) alike: usize,
    pub(crate) effect: Effect,
    /// Whether it says what the item is, so that there is something to show.
    pub(crate) shows: bool,
}

/// What an event does to whether its item is live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    Nothing,
    /// It is, unless it has ended for good.
    Lives,
    /// It is not, until an event comes by which it lives.
    Rests,
    EndsForGood,
}

/// What a set needs to know of an event.
pub(crate) trait SetEvent {
    fn identity(&self) -> Identity;
    fn manner(&self) -> Manner;
    /// Takes what it says as well as its neighbour from there, so that a set holds it once.
    fn share(&mut self, _neighbour: &Self) {}
}

/// What adding an event did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Added {
    /// It was not known; the version went up by one.
    New,
    /// It was known; nothing changed.
    Known,
    /// The item holds as many events as it may; nothing changed.
    Full,
}

/// The distinct events of one item, in the order of their identities: whatever order they arrived in, and however
/// often, it is the same set. It only grows, up to the room that its events have.
#[derive(Clone, Debug)]
pub(crate) struct EventSet<E> {
    events: Vec<E>,
    /// How many events were forgotten before these.
    forgotten: u32,
}

impl<E> Default for EventSet<E> {
    fn default() -> Self {
        Self { events: Vec::new(), forgotten: 0 }
    }
}

impl<E: SetEvent> EventSet<E> {
    /// A set of which so many events are forgotten: its version goes on from there.
    pub(crate) fn after(forgotten: u32) -> Self {
        Self { forgotten, ..Self::default() }
    }

    /// A set as it was stored: the events that are kept of it, and its version.
    pub(crate) fn of(mut events: Vec<E>, version: u32) -> Self {
        events.sort_unstable_by_key(SetEvent::identity);
        events.dedup_by_key(|event| event.identity());
        let forgotten = version.saturating_sub(events.len() as u32);
        Self { events, forgotten }
    }

    /// How many distinct events there were.
    pub(crate) fn version(&self) -> u32 {
        self.forgotten + self.events.len() as u32
    }

    /// The events in their order.
    pub(crate) fn events(&self) -> &[E] {
        &self.events
    }

    /// Changes something of an event that is no part of which event it is.
    pub(crate) fn alter(&mut self, which: Identity, alter: impl FnOnce(&mut E)) {
        if let Ok(at) = self.events.binary_search_by_key(&which, SetEvent::identity) {
            alter(&mut self.events[at]);
        }
    }

    /// What adding an event would do.
    pub(crate) fn check(&self, event: &E) -> Added {
        match self.place(event) {
            Ok(_) => Added::Known,
            Err(_) if self.has_room(event) => Added::New,
            Err(_) => Added::Full,
        }
    }

    /// Adds an event if it is new.
    pub(crate) fn add(&mut self, mut event: E) -> Added {
        let Err(at) = self.place(&event) else { return Added::Known };
        if !self.has_room(&event) {
            return Added::Full;
        }
        if let Some(neighbour) = self.events.get(at.saturating_sub(1)) {
            event.share(neighbour);
        }
        self.events.insert(at, event);
        Added::New
    }

    fn place(&self, event: &E) -> Result<usize, usize> {
        self.events.binary_search_by_key(&event.identity(), SetEvent::identity)
    }

    fn has_room(&self, event: &E) -> bool {
        let Manner { room, alike, .. } = event.manner();
        let rank = event.identity().rank;
        let count_alike = || self.events.iter().filter(|other| other.identity().rank == rank).count();
        self.events.len() < room && (self.events.len() < alike || count_alike() < alike)
    }
}
