//! One tenant's items: its sequence, its users, and which item changed at which number.

mod ghosts;
mod page;
mod settling;
mod shelf;

use super::series::Place;
use crate::{
    call::Rules,
    clock::{Micros, micros},
    engine::limits::Limits,
    event_set::Added,
    feed::Stream,
    id::{Extension, ItemKey, ItemName, Kind, TenantId},
    item::{Event, Item, ItemEvent, ItemSet},
};
use ghosts::Ghosts;
use hashbrown::HashMap;
pub(super) use page::Paged;
pub(super) use settling::Horizon;
use settling::Waiting;
use shelf::{Kept, Shelf, WarmItem};
use std::{
    collections::{BinaryHeap, VecDeque},
    time::Duration,
};

/// Everything of one tenant.
#[derive(Default)]
pub(super) struct Tenant {
    seq: u64,
    /// The highest number among the changes that were forgotten.
    forgotten: u64,
    users: HashMap<Extension, Shelves>,
    ghosts: Ghosts,
    /// The warm items that have rows in the journal.
    warm: VecDeque<Waiting>,
}

/// A user's items, by kind.
type Shelves = [Shelf; Kind::ALL.len()];

/// What a list has of an item.
pub(super) enum Listed {
    Item(Box<Item>),
    /// It is to be read there.
    Settled(ItemKey, Place),
}

/// An item that was forgotten.
pub(super) struct Forgotten {
    pub(super) key: ItemKey,
    pub(super) place: Option<Place>,
}

impl Tenant {
    /// One that begins behind a number.
    pub(super) fn after(seq: u64) -> Self {
        Self { seq, forgotten: seq, ..Self::default() }
    }

    pub(super) fn seq(&self) -> u64 {
        self.seq
    }

    /// Whether there is nothing of it.
    pub(super) fn is_empty(&self) -> bool {
        self.users.is_empty() && self.ghosts.is_empty()
    }

    /// An item that is warm.
    pub(super) fn item(&self, key: &ItemKey) -> Option<&ItemSet> {
        self.kept(key)?.warm()
    }

    /// What adding an event would do; of a settled item, where that has to be read first.
    pub(super) fn check(&self, key: &ItemKey, event: &Event) -> Result<Added, Place> {
        match self.kept(key) {
            None => Ok(Added::New),
            Some(Kept::Warm(item)) => Ok(item.set.check(event)),
            Some(Kept::Settled(item)) => Err(item.place),
        }
    }

    /// The number of an item's latest change, and its row in the journal.
    pub(super) fn last_change(&self, key: &ItemKey) -> (u64, Option<u64>) {
        match self.kept(key) {
            Some(Kept::Warm(item)) => (item.seq, (item.needs != u64::MAX).then_some(item.through)),
            other => (other.map_or(0, Kept::seq), None),
        }
    }

    /// Adds an event, which must be new, under the tenant's next number.
    pub(super) fn add(
        &mut self,
        key: &ItemKey,
        event: Event,
        now: Micros,
        row: Option<u64>,
    ) -> (u64, Option<&ItemSet>) {
        self.seq += 1;
        let shelf = &mut self.users.entry(key.extension.clone()).or_default()[key.kind.number()];
        let (nth, is_new) = shelf.get_or_make(&key.name, || {
            let set = ItemSet::after(key.kind, self.ghosts.version(key));
            Kept::Warm(Box::new(WarmItem::new(set)))
        });
        let Kept::Warm(item) = shelf.at(nth) else { return (self.seq, None) };
        item.add(event, now, row);
        let is_live = item.set.is_live();
        shelf.change(nth, self.seq, is_live);
        if is_new && row.is_some() {
            self.warm.push_back(Waiting::new(key));
        }
        (self.seq, shelf.at(nth).warm())
    }

    /// All live items and the recent ones beside them.
    pub(super) fn snapshot(&self, stream: &Stream, rules: &Rules, limits: &Limits) -> Vec<Listed> {
        let mut items = Vec::new();
        for kind in stream.kinds() {
            let mut chosen = Vec::new();
            let most = limits.of(*kind);
            for (extension, shelf) in self.shelves_of(stream, *kind) {
                chosen.extend(shelf.live().map(|(name, _)| (extension, name)));
                if let Stream::User { .. } = stream {
                    let recent = shelf.recent().take(most.recent_per_user);
                    chosen.extend(recent.map(|(_, name)| (extension, name)));
                }
            }
            if let Stream::Tenant { .. } = stream {
                chosen.extend(recent(self.shelves_of(stream, *kind)).take(most.recent_per_tenant));
            }
            items.extend(self.list(stream, *kind, chosen.into_iter(), rules));
        }
        items
    }

    /// The items that changed after a number; none where some of that is forgotten, or where it
    /// is more than a snapshot would hold.
    pub(super) fn changes(
        &self,
        stream: &Stream,
        after: u64,
        rules: &Rules,
        limits: &Limits,
    ) -> Option<Vec<Listed>> {
        if after < self.forgotten || after > self.seq {
            return None;
        }
        let mut items = Vec::new();
        for kind in stream.kinds() {
            let changed = self.shelves_of(stream, *kind).flat_map(|(extension, shelf)| {
                shelf.after(after).map(move |(name, is_live)| (extension, name, is_live))
            });
            let most = limits.recent(stream, *kind);
            if changed.clone().filter(|(.., is_live)| !is_live).take(most + 1).count() > most {
                return None;
            }
            let changed = changed.map(|(extension, name, _)| (extension, name));
            items.extend(self.list(stream, *kind, changed, rules));
        }
        Some(items)
    }

    /// What ends the live items that nothing was heard of for long.
    pub(super) fn silent(&self, tenant: &TenantId, now: Micros, limits: &Limits) -> Vec<ItemEvent> {
        let shelves = self.users.iter().flat_map(|(extension, shelves)| {
            shelves.iter().flat_map(Shelf::live).map(move |(name, kept)| (extension, name, kept))
        });
        let silent = shelves.filter_map(|(extension, name, kept)| {
            let Kept::Warm(item) = kept else { return None };
            let event = item.set.expiry(limits.expire_after)?;
            let is_silent = is_past(item.touched, limits.expire_after, now);
            is_silent.then(|| ItemEvent::new(tenant.clone(), extension.clone(), name.clone(), event))
        });
        silent.collect()
    }

    /// Takes out items that have been kept for long enough, so many at most.
    pub(super) fn forget(
        &mut self,
        id: &TenantId,
        now: Micros,
        limits: &Limits,
        most: usize,
    ) -> Vec<Forgotten> {
        self.ghosts.turn(now, limits.longest());
        let mut forgotten = Vec::new();
        for (extension, shelves) in &mut self.users {
            for (kind, shelf) in Kind::ALL.into_iter().zip(shelves) {
                for (seq, name) in shelf.past(now, limits.of(kind).keep, most - forgotten.len()) {
                    self.forgotten = self.forgotten.max(seq);
                    let Some(kept) = shelf.remove(&name) else { continue };
                    self.ghosts.add(extension, kind, &name, kept.version());
                    let (tenant, extension) = (id.clone(), extension.clone());
                    let key = ItemKey { tenant, extension, kind, name };
                    forgotten.push(Forgotten { key, place: kept.place() });
                }
            }
        }
        self.users.retain(|_, shelves| !shelves.iter().all(Shelf::is_empty));
        forgotten
    }

    fn shelves_of<'a>(
        &'a self,
        stream: &'a Stream,
        kind: Kind,
    ) -> impl Iterator<Item = (&'a Extension, &'a Shelf)> + Clone {
        let (some, all) = match stream.only() {
            Some(only) => (Some(only.iter().filter_map(|id| self.users.get_key_value(id))), None),
            None => (None, Some(self.users.iter())),
        };
        let users = some.into_iter().flatten().chain(all.into_iter().flatten());
        users.map(move |(extension, shelves)| (extension, &shelves[kind.number()]))
    }

    fn list<'a>(
        &self,
        stream: &Stream,
        kind: Kind,
        items: impl Iterator<Item = (&'a Extension, &'a ItemName)>,
        rules: &Rules,
    ) -> Vec<Listed> {
        let items = items.filter_map(|(extension, name)| {
            let (tenant, extension) = (stream.tenant().clone(), extension.clone());
            let key = ItemKey { tenant, extension, kind, name: name.clone() };
            match self.kept(&key)? {
                Kept::Warm(item) => item.set.fold(&key, rules).map(|item| Listed::Item(Box::new(item))),
                Kept::Settled(item) => Some(Listed::Settled(key, item.place)),
            }
        });
        items.collect()
    }

    fn kept(&self, key: &ItemKey) -> Option<&Kept> {
        self.users.get(&key.extension)?[key.kind.number()].get(&key.name)
    }
}

/// What users have, each of it the latest first, in one order.
fn latest_first<'a, T>(
    users: impl Iterator<Item = (&'a Extension, impl Iterator<Item = (u64, T)>)>,
) -> impl Iterator<Item = (&'a Extension, u64, T)> {
    let mut users: Vec<_> = users.map(|(extension, theirs)| (extension, theirs.peekable())).collect();
    let latest = users.iter_mut().enumerate().filter_map(|(at, (_, theirs))| Some((theirs.peek()?.0, at)));
    let mut latest: BinaryHeap<(u64, usize)> = latest.collect();
    std::iter::from_fn(move || {
        let (_, at) = latest.pop()?;
        let (extension, theirs) = &mut users[at];
        let (seq, it) = theirs.next()?;
        latest.extend(theirs.peek().map(|(seq, _)| (*seq, at)));
        Some((*extension, seq, it))
    })
}

fn is_past(at: Micros, age: Duration, now: Micros) -> bool {
    now.saturating_sub(at) >= micros(age)
}

/// The items of some users that are not live, the latest change first.
fn recent<'a>(
    users: impl Iterator<Item = (&'a Extension, &'a Shelf)>,
) -> impl Iterator<Item = (&'a Extension, &'a ItemName)> {
    latest_first(users.map(|(extension, shelf)| (extension, shelf.recent())))
        .map(|(extension, _, name)| (extension, name))
}
