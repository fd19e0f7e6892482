//! Connections that have shown neither a token nor a secret, by where they come from, in the order in which
//! they are to go: who waits before whose request is under way, and of those who has done so for longest.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, HashMap},
    net::IpAddr,
};

/// Where a connection comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Group {
    /// To a private listener.
    Private,
    /// From a trusted proxy, which has not said yet for whom.
    Proxy,
    /// From an address, or a network whose addresses are one client's.
    Network(IpAddr),
}

/// When a connection is to go among those of its group; the first go first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    /// A request of it is under way.
    pub(super) is_busy: bool,
    /// Since when it waits, or its request is under way, in milliseconds.
    pub(super) since: u64,
    pub(super) id: u64,
}

/// All strangers.
#[derive(Default)]
pub(super) struct Strangers {
    groups: HashMap<Group, BTreeSet<Rank>>,
    /// The groups of the public listener: the last is the largest, and of the largest the one whose first has
    /// waited for longest, so that one who comes alone is not the one to go.
    order: BTreeSet<(usize, Reverse<Rank>, Group)>,
}

impl Strangers {
    pub(super) fn insert(&mut self, group: Group, rank: Rank) {
        self.change(group, |ranks| _ = ranks.insert(rank));
    }

    pub(super) fn remove(&mut self, group: Group, rank: &Rank) {
        self.change(group, |ranks| _ = ranks.remove(rank));
    }

    fn change(&mut self, group: Group, change: impl FnOnce(&mut BTreeSet<Rank>)) {
        let ranks = self.groups.entry(group).or_default();
        if let Some(key) = key(group, ranks) {
            self.order.remove(&key);
        }
        change(ranks);
        match key(group, ranks) {
            Some(key) if group != Group::Private => _ = self.order.insert(key),
            Some(_) => {}
            None => _ = self.groups.remove(&group),
        }
    }

    /// How many a group has.
    pub(super) fn count(&self, group: Group) -> usize {
        self.groups.get(&group).map_or(0, BTreeSet::len)
    }

    /// Who is to go first of a group.
    pub(super) fn first_of(&self, group: Group) -> Option<Rank> {
        self.groups.get(&group)?.first().copied()
    }

    /// Who is to go first of the largest group.
    pub(super) fn first(&self) -> Option<Rank> {
        self.order.last().map(|(_, Reverse(rank), _)| *rank)
    }
}

fn key(group: Group, ranks: &BTreeSet<Rank>) -> Option<(usize, Reverse<Rank>, Group)> {
    Some((ranks.len(), Reverse(*ranks.first()?), group))
}
