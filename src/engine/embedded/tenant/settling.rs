//! How items of a tenant go to the disk and come back: those that nothing happened to for a while are settled, and one to
//! which something happens again is warm again.

use super::{
    Tenant, is_past,
    shelf::{Kept, SettledItem, Shelf, WarmItem},
};
use crate::{
    clock::{Micros, micros},
    engine::embedded::{
        series::Place,
        settled::{Batch, Head, Settled},
    },
    id::{Extension, ItemKey, ItemName, Kind, TenantId},
    item::{Event, ItemSet},
};
use std::{mem, time::Duration};

/// A warm item, and when it is looked at next. Every warm item that has rows in the journal stands in the queue once,
/// or is being written.
pub(super) struct Waiting {
    due: Micros,
    extension: Extension,
    kind: Kind,
    name: ItemName,
}

/// What is to be settled.
#[derive(Clone, Copy)]
pub(crate) struct Horizon {
    pub(crate) now: Micros,
    /// An item that has ended is, so long after its last change: a summary mostly comes before that.
    pub(crate) settle_after: Duration,
    /// What is needed of the rows before this one is to be written elsewhere.
    pub(crate) recent: u64,
    /// Whether there are such rows.
    pub(crate) is_behind: bool,
}

impl Waiting {
    /// An item that has just become warm: it is looked at the next time.
    pub(super) fn new(ItemKey { extension, kind, name, .. }: &ItemKey) -> Self {
        Self { due: 0, extension: extension.clone(), kind: *kind, name: name.clone() }
    }
}

impl Horizon {
    fn is_quiet(&self, item: &WarmItem) -> bool {
        is_past(item.touched, self.settle_after, self.now) && !item.set.is_live()
    }
}

impl Tenant {
    /// Puts what is to be settled into a batch; tells whether all that has to be is in it.
    pub(crate) fn settle(&mut self, id: &TenantId, horizon: Horizon, batch: &mut Batch) -> bool {
        for _ in 0..self.warm.len() {
            let Some(waiting) = self.warm.front() else { break };
            if waiting.due > horizon.now && !horizon.is_behind {
                break;
            }
            if batch.is_full() {
                return false;
            }
            let Some(waiting) = self.warm.pop_front() else { break };
            if let Some(waiting) = self.settle_one(id, waiting, horizon, batch) {
                self.warm.push_back(waiting);
            }
        }
        true
    }

    /// Gives back what is to wait on.
    fn settle_one(
        &mut self,
        id: &TenantId,
        mut waiting: Waiting,
        horizon: Horizon,
        batch: &mut Batch,
    ) -> Option<Waiting> {
        let shelf = &mut self.users.get_mut(&waiting.extension)?[waiting.kind.number()];
        let kept = shelf.get_mut(&waiting.name)?;
        let Kept::Warm(item) = kept else { return None };
        let is_old = item.needs < horizon.recent;
        let is_quiet = horizon.is_quiet(item);
        if !is_old && !is_quiet {
            let since = if item.set.is_live() { horizon.now } else { item.touched };
            waiting.due = since + micros(horizon.settle_after);
            return Some(waiting);
        }
        if let Some((place, version)) = item.settled
            && version == item.set.version()
            && is_quiet
        {
            *kept = Kept::Settled(item.cooled(place));
            return None;
        }
        let key = ItemKey {
            tenant: id.clone(),
            extension: waiting.extension.clone(),
            kind: waiting.kind,
            name: waiting.name.clone(),
        };
        let head = Head::new(key, &item.set, item.touched, item.through);
        // Events that were read as JSON can be written as JSON; an item of which one cannot stays warm.
        batch.settle(head, &item.set).is_err().then_some(waiting)
    }

    /// Takes note that an item stands on the disk. Gives the place that is of no use for it.
    pub(crate) fn on_settled(&mut self, settled: &Settled, horizon: Horizon) -> Option<Place> {
        let place = settled.place?;
        let key = &settled.key;
        let shelf = self.users.get_mut(&key.extension).map(|shelves| &mut shelves[key.kind.number()]);
        let Some(kept) = shelf.and_then(|shelf| shelf.get_mut(&key.name)) else { return Some(place) };
        match kept {
            Kept::Warm(item) => {
                let old = item.settled.replace((place, settled.version)).map(|(place, _)| place);
                // What came meanwhile has later rows.
                let is_whole = item.set.version() == settled.version;
                item.needs = if is_whole { u64::MAX } else { settled.through + 1 };
                if is_whole && horizon.is_quiet(item) {
                    *kept = Kept::Settled(item.cooled(place));
                } else {
                    self.warm.push_back(Waiting::new(key));
                }
                old
            }
            // It was written anew, so that the file of its old place can go.
            Kept::Settled(item) if item.version == settled.version => {
                Some(mem::replace(&mut item.place, place))
            }
            Kept::Settled(_) => Some(place),
        }
    }

    /// The first row of the journal that a restart needs; none beyond all of them. What is being written counts once that
    /// is noted.
    pub(crate) fn needs(&self) -> u64 {
        let needs = self.warm.iter().filter_map(|waiting| {
            let shelf = &self.users.get(&waiting.extension)?[waiting.kind.number()];
            match shelf.get(&waiting.name)? {
                Kept::Warm(item) => Some(item.needs),
                Kept::Settled(_) => None,
            }
        });
        needs.min().unwrap_or(u64::MAX)
    }

    /// Where an item stands on the disk, if that is the only place.
    pub(crate) fn place(&self, key: &ItemKey) -> Option<Place> {
        match self.kept(key)? {
            Kept::Settled(item) => Some(item.place),
            Kept::Warm(_) => None,
        }
    }

    /// Takes back into memory what was read at a place, if it still stands there.
    pub(crate) fn warm(&mut self, key: &ItemKey, place: Place, head: &Head, set: ItemSet) {
        let shelf = self.users.get_mut(&key.extension).map(|shelves| &mut shelves[key.kind.number()]);
        let Some(kept) = shelf.and_then(|shelf| shelf.get_mut(&key.name)) else { return };
        let Kept::Settled(item) = kept else { return };
        if item.place != place {
            return;
        }
        let mut warm = WarmItem::new(set);
        (warm.seq, warm.touched, warm.through) = (item.seq, head.touched, head.through);
        warm.settled = Some((place, item.version));
        *kept = Kept::Warm(Box::new(warm));
        self.warm.push_back(Waiting::new(key));
    }

    /// Takes note of a row of a settled item, at start, in the order of the rows.
    pub(crate) fn find_settled(&mut self, head: Head, place: Place) {
        let shelf = &mut self.users.entry(head.key.extension).or_default()[head.key.kind.number()];
        if head.is_forgotten {
            shelf.remove(&head.key.name);
        } else {
            let item = SettledItem::new(place, head.version, head.touched, head.shows);
            shelf.put(&head.key.name, item);
        }
    }

    /// Takes note of a row of the journal, at start; the item is warm, or not known yet.
    pub(crate) fn find_event(&mut self, key: &ItemKey, event: Event, touched: Micros, row: u64) {
        let shelf = &mut self.users.entry(key.extension.clone()).or_default()[key.kind.number()];
        let make = || Kept::Warm(Box::new(WarmItem::new(ItemSet::after(key.kind, 0))));
        let (nth, is_new) = shelf.get_or_make(&key.name, make);
        if let Kept::Warm(item) = shelf.at(nth) {
            item.add(event, touched, Some(row));
        }
        if is_new {
            self.warm.push_back(Waiting::new(key));
        }
    }

    /// Gives all items their numbers, at start, in the order of their last changes.
    pub(crate) fn number(&mut self) {
        let mut order = Vec::new();
        for (extension, shelves) in &self.users {
            for (kind, shelf) in shelves.iter().enumerate() {
                order.extend(shelf.iter().map(|(nth, kept)| (kept.touched(), extension.clone(), kind, nth)));
            }
        }
        order.sort_by_key(|(touched, ..)| *touched);
        for (_, extension, kind, nth) in order {
            self.seq += 1;
            let Some(shelves) = self.users.get_mut(&extension) else { continue };
            let is_live = matches!(shelves[kind].at(nth), Kept::Warm(item) if item.set.is_live());
            shelves[kind].change(nth, self.seq, is_live);
        }
        self.users.retain(|_, shelves| !shelves.iter().all(Shelf::is_empty));
    }

    /// The places of all items.
    pub(crate) fn places(&self) -> impl Iterator<Item = Place> {
        self.users.values().flatten().flat_map(Shelf::iter).filter_map(|(_, kept)| kept.place())
    }
}

impl WarmItem {
    fn cooled(&self, place: Place) -> SettledItem {
        let mut item = SettledItem::new(place, self.set.version(), self.touched, self.set.makes_item());
        item.seq = self.seq;
        item
    }
}
