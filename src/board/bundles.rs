//! The clusters that are over, each a bundle of bytes, and how they are found: by a leg, by a conversation, by time, and
//! by what a leg that comes may share with them. What an index says is looked up in the bundle itself, so it may be small
//! and say too much.

use super::{
    bundle::Bundle,
    conversation::{Conversation, ConversationId},
    fact::{LegFact, LegKey},
    facts::{bonds, lost_ahead, may_join},
    places::Places,
    rules::FARTHEST,
    window::{CELL, Window},
};
use crate::clock::Micros;
use hashbrown::DefaultHashBuilder;
use slab::Slab;
use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{BuildHasher, Hash},
};

/// A conversation that is longer stands among the long ones, too.
pub(super) const LONG: Micros = 3600 * super::SECOND;

/// Which bundle.
pub(super) type Nth = u32;

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Bundles {
    kept: Slab<Packed>,
    hasher: DefaultHashBuilder,
    by_leg: Places,
    by_conversation: Places,
    by_bond: Places,
    /// Those with a conversation that began in a quarter of an hour.
    by_cell: BTreeMap<Micros, Vec<Nth>>,
    long: BTreeSet<(Micros, Nth)>,
    legs: usize,
    /// None of them goes on later.
    until: Micros,
}

/// What a leg may be joined with.
#[derive(Debug, Default)]
pub(super) struct Touching {
    pub(super) bundles: BTreeSet<Nth>,
    /// It belongs to a crowd, of which each leg is by itself.
    pub(super) crowd: bool,
}

/// One of them.
#[derive(Debug)]
struct Packed {
    /// The first start, and the last moment of its legs.
    window: Window,
    bytes: Box<[u8]>,
}

impl Touching {
    pub(super) fn is_any(&self) -> bool {
        self.crowd || !self.bundles.is_empty()
    }
}

impl Bundles {
    /// Puts one in, with the conversations that it makes.
    pub(super) fn put<'a>(
        &mut self,
        bundle: &Bundle,
        conversations: impl IntoIterator<Item = &'a Conversation>,
    ) -> Nth {
        self.put_packed(bundle, bundle.pack(), conversations)
    }

    /// The same, of a bundle that is packed.
    pub(super) fn put_packed<'a>(
        &mut self,
        bundle: &Bundle,
        bytes: Box<[u8]>,
        conversations: impl IntoIterator<Item = &'a Conversation>,
    ) -> Nth {
        let legs = &bundle.legs;
        let from = legs.iter().map(|(fact, _)| fact.start).min().unwrap_or_default();
        let to = legs.iter().map(|(fact, _)| fact.reach).max().unwrap_or_default();
        let window = Window { from, to };
        let nth = self.kept.insert(Packed { window, bytes }) as Nth;
        self.legs += legs.len();
        self.until = self.until.max(to);
        for (fact, _) in legs {
            self.by_leg.put(self.tag(fact.key.id.as_str()), nth, window);
            for bond in bonds(fact) {
                self.by_bond.put(self.tag(&bond), nth, window);
            }
        }
        for conversation in conversations {
            self.by_conversation.put(self.tag(conversation.id), nth, window);
            let cell = self.by_cell.entry(cell_of(conversation.start)).or_default();
            if cell.last() != Some(&nth) {
                cell.push(nth);
            }
            if is_long(conversation) {
                self.long.insert((conversation.start, nth));
            }
        }
        nth
    }

    /// Takes one out, of these legs and conversations.
    pub(super) fn take<'a>(
        &mut self,
        nth: Nth,
        bundle: &Bundle,
        conversations: impl IntoIterator<Item = &'a Conversation>,
    ) {
        let legs = &bundle.legs;
        let window = self.kept.remove(nth as usize).window;
        self.legs -= legs.len();
        for (fact, _) in legs {
            self.by_leg.take(self.tag(fact.key.id.as_str()), nth, window);
            for bond in bonds(fact) {
                self.by_bond.take(self.tag(&bond), nth, window);
            }
        }
        for conversation in conversations {
            self.by_conversation.take(self.tag(conversation.id), nth, window);
            if let Some(cell) = self.by_cell.get_mut(&cell_of(conversation.start)) {
                cell.retain(|other| *other != nth);
                if cell.is_empty() {
                    self.by_cell.remove(&cell_of(conversation.start));
                }
            }
            self.long.remove(&(conversation.start, nth));
        }
    }

    /// How many legs are in them.
    pub(super) fn legs(&self) -> usize {
        self.legs
    }

    /// What is in one.
    pub(super) fn open(&self, nth: Nth) -> Bundle {
        self.kept.get(nth as usize).map(|packed| Bundle::unpack(&packed.bytes)).unwrap_or_default()
    }

    /// Every one, in no order.
    pub(super) fn all(&self) -> impl Iterator<Item = Nth> {
        self.kept.iter().map(|(nth, _)| nth as Nth)
    }

    /// The one with a leg, and the version that is known of that.
    pub(super) fn of_leg(&self, key: &LegKey) -> Option<(Nth, u32)> {
        self.of_leg_id(key.id.as_str()).find_map(|nth| {
            let Bundle { legs, .. } = self.open(nth);
            let (fact, _) = legs.iter().find(|(fact, _)| fact.key == *key)?;
            Some((nth, fact.version))
        })
    }

    /// Those that may have a leg of that id.
    pub(super) fn of_leg_id(&self, id: &str) -> impl Iterator<Item = Nth> {
        self.by_leg.of(self.tag(id), Window::EVER)
    }

    /// Those that may have a conversation.
    pub(super) fn of_conversation(&self, id: ConversationId) -> impl Iterator<Item = Nth> {
        self.by_conversation.of(self.tag(id), Window::EVER)
    }

    /// Those with a leg that a rule may join with this one.
    pub(super) fn touching(&self, fact: &LegFact) -> Touching {
        let mut touching = Touching::default();
        if fact.start > self.until.saturating_add(FARTHEST) {
            return touching;
        }
        let near =
            Window { from: fact.start.saturating_sub(FARTHEST), to: fact.until().saturating_add(FARTHEST) };
        for bond in bonds(fact) {
            let shares = |other: &LegFact| bonds(other).contains(&bond) && may_join(fact, other, &bond);
            for nth in self.by_bond.of(self.tag(&bond), near).filter(|nth| self.goes_on(*nth, near)) {
                let is_of_crowd = self.is_capped(nth);
                // All of a crowd are by themselves, so one of it is enough.
                if is_of_crowd && touching.crowd
                    || !self.open(nth).legs.iter().any(|(other, _)| shares(other))
                {
                    continue;
                }
                match is_of_crowd {
                    true => touching.crowd = true,
                    false => _ = touching.bundles.insert(nth),
                }
            }
        }
        touching
    }

    /// Whether there may be one that a leg could be joined with as it was, and cannot as it is.
    pub(super) fn parts_from(&self, before: &LegFact, fact: &LegFact) -> bool {
        let (was, is) = (bonds(before), bonds(fact));
        let is_same = was.iter().all(|bond| is.contains(bond));
        let Some(ahead) = lost_ahead(before, fact).filter(|_| is_same) else {
            return self.touching(before).is_any();
        };
        let begins_ahead = |nth: &Nth| {
            let of = self.kept.get(*nth as usize).map(|packed| packed.window.from);
            of.is_some_and(|from| (ahead.from..=ahead.to).contains(&from))
        };
        ahead.from <= self.until
            && was.iter().any(|bond| self.by_bond.of(self.tag(bond), ahead).any(|nth| begins_ahead(&nth)))
    }

    /// Those with a leg that may share something with this one, at whatever time.
    pub(super) fn sharing(&self, fact: &LegFact) -> BTreeSet<Nth> {
        bonds(fact).iter().flat_map(|bond| self.by_bond.of(self.tag(bond), Window::EVER)).collect()
    }

    /// The quarters of an hour in which conversations of a window began, in their order.
    pub(super) fn cells(&self, window: Window) -> impl Iterator<Item = Micros> {
        self.by_cell.range(cell_of(window.from)..window.to.max(cell_of(window.from))).map(|(cell, _)| *cell)
    }

    /// Those with a conversation that began in that quarter of an hour.
    pub(super) fn of_cell(&self, cell: Micros) -> &[Nth] {
        self.by_cell.get(&cell).map(Vec::as_slice).unwrap_or_default()
    }

    /// Those with a conversation that may have begun before a time and gone on then.
    pub(super) fn going_on(&self, at: Micros) -> BTreeSet<Nth> {
        if at >= self.until {
            return BTreeSet::new();
        }
        let lately = Window { from: at.saturating_sub(LONG), to: at };
        let lately = self.cells(lately).flat_map(|cell| self.of_cell(cell)).copied();
        let long = self.long.range(..(at, 0)).map(|(_, nth)| *nth);
        lately.chain(long).filter(|nth| self.goes_on(*nth, Window { from: at, to: at + 1 })).collect()
    }

    /// Those that were over before a time, as far as they began in a quarter of an hour before it.
    pub(super) fn over_before(&self, at: Micros) -> BTreeSet<Nth> {
        let old = self.by_cell.range(..cell_of(at)).flat_map(|(_, nths)| nths).copied();
        old.filter(|nth| self.kept.get(*nth as usize).is_some_and(|it| it.window.to < at)).collect()
    }

    fn is_capped(&self, nth: Nth) -> bool {
        self.kept.get(nth as usize).is_some_and(|packed| Bundle::is_capped(&packed.bytes))
    }

    /// Whether one may have legs, and so conversations, of a window.
    pub(super) fn goes_on(&self, nth: Nth, window: Window) -> bool {
        let of = self.kept.get(nth as usize).map(|packed| packed.window);
        of.is_some_and(|of| of.from <= window.to && window.from <= of.to)
    }

    fn tag(&self, of: impl Hash) -> u32 {
        self.hasher.hash_one(of) as u32
    }
}

/// The quarter of an hour of a time.
pub(super) fn cell_of(at: Micros) -> Micros {
    at - at % CELL
}

/// Whether it goes on, or went on for long.
pub(super) fn is_long(conversation: &Conversation) -> bool {
    conversation.end.is_none_or(|end| end.saturating_sub(conversation.start) > LONG)
}
