//! One tenant's items: its sequence, its users, and which item changed at which number.

use crate::{
    call::Rules,
    clock::Micros,
    engine::limits::Limits,
    event_set::Added,
    feed::Stream,
    id::{Extension, ItemKey, ItemName, Kind, TenantId},
    item::{Event, Item, ItemEvent, ItemSet},
};
use std::{
    collections::{BTreeMap, BinaryHeap, HashMap, HashSet},
    mem,
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
}

/// The versions of forgotten items, by the hash of their key: a client may still hold one, and
/// within an epoch its version must not go down if it comes back. Held for as long as items are kept at least,
/// and twice that at most.
#[derive(Default)]
struct Ghosts {
    young: HashMap<u64, u32>,
    old: HashMap<u64, u32>,
    turned_at: Micros,
}

/// A user's items, by kind.
type Shelves = [Shelf; Kind::ALL.len()];

/// A user's items of one kind.
#[derive(Default)]
struct Shelf {
    items: HashMap<ItemName, KeptItem>,
    /// Each item once, at its last change.
    by_seq: BTreeMap<u64, ItemName>,
    live: HashSet<ItemName>,
}

/// An item and where it stands in the store.
pub(super) struct KeptItem {
    set: ItemSet,
    seq: u64,
    /// When the last change came, by callpop's clock.
    pub(super) touched: Micros,
    /// The journal's rows that hold its events.
    rows: Vec<u64>,
}

impl KeptItem {
    /// One without events; so many are forgotten.
    pub(super) fn new(kind: Kind, forgotten: u32) -> Self {
        Self { set: ItemSet::after(kind, forgotten), seq: 0, touched: 0, rows: Vec::new() }
    }

    pub(super) fn add(&mut self, event: Event, touched: Micros, row: Option<u64>) {
        self.set.add(event);
        self.touched = self.touched.max(touched);
        self.rows.extend(row);
    }
}

impl Tenant {
    pub(super) fn seq(&self) -> u64 {
        self.seq
    }

    pub(super) fn item(&self, key: &ItemKey) -> Option<&ItemSet> {
        self.kept(key).map(|kept| &kept.set)
    }

    /// What adding an event would do.
    pub(super) fn check(&self, key: &ItemKey, event: &Event) -> Added {
        self.item(key).map_or(Added::New, |set| set.check(event))
    }

    /// The number of an item's latest change, and its row in the journal.
    pub(super) fn last_change(&self, key: &ItemKey) -> (u64, Option<u64>) {
        self.kept(key).map_or((0, None), |kept| (kept.seq, kept.rows.last().copied()))
    }

    /// Adds an event, which must be new, under the tenant's next number.
    pub(super) fn add(
        &mut self,
        key: &ItemKey,
        event: Event,
        now: Micros,
        row: Option<u64>,
    ) -> (u64, &ItemSet) {
        self.seq += 1;
        let shelf = &mut self.users.entry(key.extension.clone()).or_default()[key.kind.number()];
        let kept = shelf
            .items
            .entry(key.name.clone())
            .or_insert_with(|| KeptItem::new(key.kind, self.ghosts.version(key)));
        shelf.by_seq.remove(&kept.seq);
        shelf.by_seq.insert(self.seq, key.name.clone());
        kept.add(event, now, row);
        kept.seq = self.seq;
        note_live(&mut shelf.live, &key.name, kept.set.is_live());
        (self.seq, &kept.set)
    }

    /// Puts an item back as the journal knows it; to be called in the order of their last changes.
    pub(super) fn restore(&mut self, key: ItemKey, mut kept: KeptItem) {
        self.seq += 1;
        let shelf = &mut self.users.entry(key.extension).or_default()[key.kind.number()];
        note_live(&mut shelf.live, &key.name, kept.set.is_live());
        shelf.by_seq.insert(self.seq, key.name.clone());
        kept.seq = self.seq;
        shelf.items.insert(key.name, kept);
    }

    /// All live items and the recent ones beside them.
    pub(super) fn snapshot(&self, stream: &Stream, rules: &Rules, limits: &Limits) -> Vec<Item> {
        let mut items = Vec::new();
        for kind in stream.kinds() {
            let mut chosen = Vec::new();
            let most = limits.of(*kind);
            for (extension, shelf) in self.shelves_of(stream, *kind) {
                chosen.extend(shelf.live.iter().map(|name| (extension, name)));
                if let Stream::User { .. } = stream {
                    let recent = shelf.recent().take(most.recent_per_user);
                    chosen.extend(recent.map(|(_, name)| (extension, name)));
                }
            }
            if let Stream::Tenant { .. } = stream {
                chosen.extend(self.recent(*kind).take(most.recent_per_tenant));
            }
            items.extend(self.fold(stream, *kind, chosen.into_iter(), rules));
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
    ) -> Option<Vec<Item>> {
        if after < self.forgotten || after > self.seq {
            return None;
        }
        let mut items = Vec::new();
        for kind in stream.kinds() {
            let changed = self.shelves_of(stream, *kind).flat_map(|(extension, shelf)| {
                shelf.by_seq.range(after + 1..).map(move |(_, name)| (extension, shelf, name))
            });
            let most = limits.recent(stream, *kind);
            let is_recent = |(_, shelf, name): &(&Extension, &Shelf, &ItemName)| !shelf.live.contains(*name);
            if changed.clone().filter(is_recent).take(most + 1).count() > most {
                return None;
            }
            items.extend(self.fold(
                stream,
                *kind,
                changed.map(|(extension, _, name)| (extension, name)),
                rules,
            ));
        }
        Some(items)
    }

    /// What ends the live items that nothing was heard of for long.
    pub(super) fn silent(&self, tenant: &TenantId, now: Micros, limits: &Limits) -> Vec<ItemEvent> {
        let shelves = self.users.iter().flat_map(|(extension, shelves)| {
            shelves.iter().flat_map(move |shelf| shelf.live.iter().map(move |name| (extension, shelf, name)))
        });
        let silent = shelves.filter_map(|(extension, shelf, name)| {
            let kept =
                shelf.items.get(name).filter(|kept| is_past(kept.touched, limits.expire_after, now))?;
            let event = kept.set.expiry(limits.expire_after)?;
            Some(ItemEvent::new(tenant.clone(), extension.clone(), name.clone(), event))
        });
        silent.collect()
    }

    /// Takes out items that have been kept for long enough, until about `most` rows are to go; tells how many items,
    /// and their rows.
    pub(super) fn forget(&mut self, now: Micros, limits: &Limits, most: usize) -> (u64, Vec<u64>) {
        self.ghosts.turn(now, limits.longest());
        let (mut items, mut rows) = (0, Vec::new());
        for (extension, shelves) in &mut self.users {
            for (kind, shelf) in Kind::ALL.into_iter().zip(shelves) {
                for (seq, name) in shelf.past(now, limits.of(kind).keep) {
                    if rows.len() >= most {
                        return (items, rows);
                    }
                    shelf.by_seq.remove(&seq);
                    self.forgotten = self.forgotten.max(seq);
                    let Some(kept) = shelf.items.remove(&name) else { continue };
                    self.ghosts.young.insert(ghost(extension, kind, &name), kept.set.version());
                    rows.extend(kept.rows);
                    items += 1;
                }
            }
        }
        self.users.retain(|_, shelves| shelves.iter().any(|shelf| !shelf.items.is_empty()));
        (items, rows)
    }

    /// The users' items of a kind that are not live, the latest change first.
    fn recent(&self, kind: Kind) -> impl Iterator<Item = (&Extension, &ItemName)> {
        let mut users: Vec<_> = self
            .users
            .iter()
            .map(|(extension, shelves)| (extension, shelves[kind.number()].recent().peekable()))
            .collect();
        let mut latest: BinaryHeap<(u64, usize)> = users
            .iter_mut()
            .enumerate()
            .filter_map(|(at, (_, recent))| Some((recent.peek()?.0, at)))
            .collect();
        std::iter::from_fn(move || {
            let (_, at) = latest.pop()?;
            let (extension, recent) = &mut users[at];
            let (_, name) = recent.next()?;
            latest.extend(recent.peek().map(|(seq, _)| (*seq, at)));
            Some((*extension, name))
        })
    }

    fn shelves_of<'a>(
        &'a self,
        stream: &'a Stream,
        kind: Kind,
    ) -> impl Iterator<Item = (&'a Extension, &'a Shelf)> + Clone {
        let (some, all) = match stream {
            Stream::User { extensions, .. } => {
                (Some(extensions.iter().filter_map(|id| self.users.get_key_value(id))), None)
            }
            Stream::Tenant { .. } => (None, Some(self.users.iter())),
        };
        let users = some.into_iter().flatten().chain(all.into_iter().flatten());
        users.map(move |(extension, shelves)| (extension, &shelves[kind.number()]))
    }

    fn fold<'a>(
        &self,
        stream: &Stream,
        kind: Kind,
        items: impl Iterator<Item = (&'a Extension, &'a ItemName)>,
        rules: &Rules,
    ) -> Vec<Item> {
        let items = items.filter_map(|(extension, name)| {
            let (tenant, extension) = (stream.tenant().clone(), extension.clone());
            let key = ItemKey { tenant, extension, kind, name: name.clone() };
            self.item(&key)?.fold(&key, rules)
        });
        items.collect()
    }

    fn kept(&self, key: &ItemKey) -> Option<&KeptItem> {
        self.users.get(&key.extension)?[key.kind.number()].items.get(&key.name)
    }
}

impl Shelf {
    /// Items that are not live and their numbers, the latest change first; without those that say nothing yet.
    fn recent(&self) -> impl Iterator<Item = (u64, &ItemName)> {
        let shows = |name| self.items.get(name).is_some_and(|kept: &KeptItem| kept.set.makes_item());
        let ended = self.by_seq.iter().rev().filter(|(_, name)| !self.live.contains(*name));
        ended.filter(move |(_, name)| shows(*name)).map(|(seq, name)| (*seq, name))
    }

    /// Those of them whose last change is that long ago: they come first in the order of changes.
    fn past(&self, now: Micros, age: Duration) -> Vec<(u64, ItemName)> {
        let is_old =
            |name| self.items.get(name).is_some_and(|kept: &KeptItem| is_past(kept.touched, age, now));
        let old = self.by_seq.iter().take_while(|(_, name)| is_old(*name));
        old.filter(|(_, name)| !self.live.contains(*name)).map(|(seq, name)| (*seq, name.clone())).collect()
    }
}

impl Ghosts {
    fn version(&self, ItemKey { extension, kind, name, .. }: &ItemKey) -> u32 {
        if self.young.is_empty() && self.old.is_empty() {
            return 0;
        }
        let ghost = ghost(extension, *kind, name);
        self.young.get(&ghost).or_else(|| self.old.get(&ghost)).copied().unwrap_or_default()
    }

    fn turn(&mut self, now: Micros, age: Duration) {
        if is_past(self.turned_at, age, now) {
            self.old = mem::take(&mut self.young);
            self.turned_at = now;
        }
    }
}

fn ghost(extension: &Extension, kind: Kind, name: &ItemName) -> u64 {
    let kind = kind.number().to_string();
    let key = [extension.as_str(), name.source.as_str(), &kind, name.id.as_str()].join("\n");
    xxhash_rust::xxh3::xxh3_64(key.as_bytes())
}

fn is_past(at: Micros, age: Duration, now: Micros) -> bool {
    now.saturating_sub(at) >= u64::try_from(age.as_micros()).unwrap_or(u64::MAX)
}

fn note_live(live: &mut HashSet<ItemName>, name: &ItemName, is_live: bool) {
    if !is_live {
        live.remove(name);
    } else if !live.contains(name) {
        live.insert(name.clone());
    }
}
