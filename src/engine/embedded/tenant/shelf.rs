//! A user's items of one kind, and how each of them is held: warm, with its events, or settled, by its place on the disk.
//!
//! There may be a million of them, so an item is in one slot, which each index knows by its number of four bytes.

use super::is_past;
use crate::{
    clock::Micros,
    engine::embedded::series::Place,
    id::ItemName,
    item::{Event, ItemSet},
};
use hashbrown::{DefaultHashBuilder, HashSet, HashTable, hash_table::Entry};
use slab::Slab;
use std::{collections::BTreeMap, hash::BuildHasher, sync::LazyLock, time::Duration};

const SECOND: Micros = 1_000_000;

/// One for all shelves: most have a few items, and are to be small.
static HASHER: LazyLock<DefaultHashBuilder> = LazyLock::new(DefaultHashBuilder::default);

/// In the order of their changes, too.
#[derive(Default)]
pub(super) struct Shelf {
    slots: Slab<Slot>,
    by_name: HashTable<Nth>,
    /// Each item once, at its last change.
    by_seq: BTreeMap<u64, Nth>,
    live: HashSet<Nth>,
}

/// The number of a slot.
pub(super) type Nth = u32;

struct Slot {
    name: ItemName,
    kept: Kept,
}

/// How an item is held.
pub(super) enum Kept {
    Warm(Box<WarmItem>),
    Settled(SettledItem),
}

/// With its events, since they are wanted now.
pub(super) struct WarmItem {
    pub(super) set: ItemSet,
    pub(super) seq: u64,
    /// When the last change came, by callpop's clock.
    pub(super) touched: Micros,
    /// The first row of the journal that a restart needs for it; none beyond all of them.
    pub(super) needs: u64,
    /// The last of its rows in the journal.
    pub(super) through: u64,
    /// Where it stands on the disk as it was at that version.
    pub(super) settled: Option<(Place, u32)>,
}

/// Small, since there are many: what lists need, and where the rest is.
#[derive(Clone, Copy)]
pub(super) struct SettledItem {
    pub(super) place: Place,
    pub(super) version: u32,
    pub(super) seq: u64,
    /// In seconds.
    touched: u32,
    pub(super) shows: bool,
}

impl WarmItem {
    /// One without events; so many are forgotten.
    pub(super) fn new(set: ItemSet) -> Self {
        Self { set, seq: 0, touched: 0, needs: u64::MAX, through: 0, settled: None }
    }

    pub(super) fn add(&mut self, event: Event, touched: Micros, row: Option<u64>) {
        self.set.add(event);
        self.touched = self.touched.max(touched);
        if let Some(row) = row {
            (self.needs, self.through) = (self.needs.min(row), self.through.max(row));
        }
    }
}

impl SettledItem {
    pub(super) fn new(place: Place, version: u32, touched: Micros, shows: bool) -> Self {
        // Up, so that nothing is forgotten too soon.
        let touched = u32::try_from(touched.div_ceil(SECOND)).unwrap_or(u32::MAX);
        Self { place, version, seq: 0, touched, shows }
    }
}

impl Kept {
    /// Its events, where they are here.
    pub(super) fn warm(&self) -> Option<&ItemSet> {
        match self {
            Self::Warm(item) => Some(&item.set),
            Self::Settled(_) => None,
        }
    }

    pub(super) fn seq(&self) -> u64 {
        match self {
            Self::Warm(item) => item.seq,
            Self::Settled(item) => item.seq,
        }
    }

    pub(super) fn set_seq(&mut self, seq: u64) {
        match self {
            Self::Warm(item) => item.seq = seq,
            Self::Settled(item) => item.seq = seq,
        }
    }

    pub(super) fn version(&self) -> u32 {
        match self {
            Self::Warm(item) => item.set.version(),
            Self::Settled(item) => item.version,
        }
    }

    pub(super) fn touched(&self) -> Micros {
        match self {
            Self::Warm(item) => item.touched,
            Self::Settled(item) => Micros::from(item.touched) * SECOND,
        }
    }

    /// Where it stands on the disk, at its latest version or an earlier one.
    pub(super) fn place(&self) -> Option<Place> {
        match self {
            Self::Warm(item) => item.settled.map(|(place, _)| place),
            Self::Settled(item) => Some(item.place),
        }
    }

    fn shows(&self) -> bool {
        match self {
            Self::Warm(item) => item.set.makes_item(),
            Self::Settled(item) => item.shows,
        }
    }
}

impl Shelf {
    pub(super) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    pub(super) fn get(&self, name: &ItemName) -> Option<&Kept> {
        self.nth(name).map(|nth| &self.slots[nth as usize].kept)
    }

    pub(super) fn get_mut(&mut self, name: &ItemName) -> Option<&mut Kept> {
        self.nth(name).map(|nth| &mut self.slots[nth as usize].kept)
    }

    fn nth(&self, name: &ItemName) -> Option<Nth> {
        self.by_name.find(HASHER.hash_one(name), |nth| self.slots[*nth as usize].name == *name).copied()
    }

    /// The item of a number that the shelf gave.
    pub(super) fn at(&mut self, nth: Nth) -> &mut Kept {
        &mut self.slots[nth as usize].kept
    }

    /// An item, which is made where it is not there; and whether it was made.
    pub(super) fn get_or_make(&mut self, name: &ItemName, make: impl FnOnce() -> Kept) -> (Nth, bool) {
        let Self { slots, by_name, .. } = self;
        let hash_of = |nth: &Nth| HASHER.hash_one(&slots[*nth as usize].name);
        let entry = by_name.entry(HASHER.hash_one(name), |nth| slots[*nth as usize].name == *name, hash_of);
        match entry {
            Entry::Occupied(found) => (*found.get(), false),
            Entry::Vacant(place) => {
                // More than four billion do not fit into any memory.
                let nth = slots.vacant_key() as Nth;
                place.insert(nth);
                slots.insert(Slot { name: name.clone(), kept: make() });
                (nth, true)
            }
        }
    }

    /// Puts a settled item in the place of the one before.
    pub(super) fn put(&mut self, name: &ItemName, item: SettledItem) {
        let (nth, _) = self.get_or_make(name, || Kept::Settled(item));
        *self.at(nth) = Kept::Settled(item);
    }

    pub(super) fn remove(&mut self, name: &ItemName) -> Option<Kept> {
        let is_it = |nth: &Nth| self.slots[*nth as usize].name == *name;
        let (nth, _) = self.by_name.find_entry(HASHER.hash_one(name), is_it).ok()?.remove();
        let Slot { kept, .. } = self.slots.remove(nth as usize);
        self.by_seq.remove(&kept.seq());
        self.live.remove(&nth);
        Some(kept)
    }

    /// All items, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Nth, &Kept)> {
        self.slots.iter().map(|(nth, slot)| (nth as Nth, &slot.kept))
    }

    /// Gives an item the number of its last change, and notes whether it is live.
    pub(super) fn change(&mut self, nth: Nth, seq: u64, is_live: bool) {
        let kept = self.at(nth);
        let before = kept.seq();
        kept.set_seq(seq);
        self.by_seq.remove(&before);
        self.by_seq.insert(seq, nth);
        if is_live {
            self.live.insert(nth);
        } else {
            self.live.remove(&nth);
        }
    }

    /// Those that are live, in no order.
    pub(super) fn live(&self) -> impl Iterator<Item = (&ItemName, &Kept)> {
        self.live.iter().map(|nth| self.slot(nth))
    }

    /// Those that changed after a number, in the order of their changes, and whether they are live.
    pub(super) fn after(&self, seq: u64) -> impl Iterator<Item = (&ItemName, bool)> + Clone {
        self.by_seq.range(seq + 1..).map(|(_, nth)| (self.slot(nth).0, self.live.contains(nth)))
    }

    /// Those that changed last before a number, and those numbers, the latest change first.
    pub(super) fn before(&self, seq: u64) -> impl Iterator<Item = (u64, (&ItemName, &Kept))> {
        self.by_seq.range(..seq).rev().map(|(seq, nth)| (*seq, self.slot(nth)))
    }

    /// Items that are not live and their numbers, the latest change first; without those that say nothing yet.
    pub(super) fn recent(&self) -> impl Iterator<Item = (u64, &ItemName)> {
        let ended = self.by_seq.iter().rev().filter(|(_, nth)| !self.live.contains(*nth));
        let shown = ended.map(|(seq, nth)| (*seq, self.slot(nth))).filter(|(_, (_, kept))| kept.shows());
        shown.map(|(seq, (name, _))| (seq, name))
    }

    /// Those of them whose last change is that long ago: they come first in the order of changes.
    pub(super) fn past(&self, now: Micros, age: Duration, most: usize) -> Vec<(u64, ItemName)> {
        let all = self.by_seq.iter().map(|(seq, nth)| (*seq, nth, self.slot(nth)));
        let old = all.take_while(|(_, _, (_, kept))| is_past(kept.touched(), age, now));
        let ended = old.filter(|(_, nth, _)| !self.live.contains(*nth));
        ended.map(|(seq, _, (name, _))| (seq, name.clone())).take(most).collect()
    }

    fn slot(&self, nth: &Nth) -> (&ItemName, &Kept) {
        let Slot { name, kept } = &self.slots[*nth as usize];
        (name, kept)
    }
}
