//! The facts of one tenant: a map in which the higher version wins, so that facts merge in any order; and the clusters in
//! it, the legs that the rules may join.

use super::{
    SECOND,
    fact::{ByLeg, LegFact, LegKey},
    rules::{FARTHEST, WITHHELD},
    window::Window,
};
use crate::{clock::Micros, id::SourceName};
use hashbrown::{HashMap, HashSet};
use std::{collections::BTreeSet, ops::Range, sync::Arc};

/// The most legs among which anything is inferred.
const MOST_LEGS: usize = 200;
/// The longest time within which anything is inferred.
const LONGEST: Micros = 12 * 3600 * SECOND;

/// The facts of a tenant.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    legs: HashSet<ByLeg>,
    /// The legs that share what rules join by, in the order of their starts.
    sharing: HashMap<Bond, Vec<Arc<LegFact>>>,
}

/// Legs that no rule joins with any other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cluster {
    pub(crate) legs: Vec<Arc<LegFact>>,
    /// They are too many, or last too long: each is a conversation of its own.
    pub(crate) capped: bool,
}

/// What two legs have in common by which a rule may join them. Those of two sources have nothing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Bond {
    /// An outside number, or the number that a transfer is about.
    Number(SourceName, Arc<str>),
    /// Two extensions, in their order.
    Pair(SourceName, Arc<str>, Arc<str>),
    /// That nobody knows the caller.
    Withheld(SourceName),
}

impl Cluster {
    /// These legs, which are all that there are of it.
    pub(super) fn of(legs: Vec<Arc<LegFact>>) -> Self {
        let start = legs.iter().map(|leg| leg.start).min().unwrap_or_default();
        let reach = legs.iter().map(|leg| leg.reach).max().unwrap_or_default();
        let capped = legs.len() > 1 && (legs.len() > MOST_LEGS || reach.saturating_sub(start) > LONGEST);
        Self { legs, capped }
    }
}

impl Facts {
    /// Takes a fact; gives what that may change, or nothing where it is not news.
    pub(crate) fn take(&mut self, fact: Arc<LegFact>) -> Option<News> {
        let before = self.get(&fact.key).cloned();
        if before.as_ref().is_some_and(|known| known.version >= fact.version) {
            return None;
        }
        let mut legs = vec![fact.key.clone()];
        let mut parted = Vec::new();
        if let Some(before) = &before {
            self.forget(before);
            parted = self.parted(before, &fact);
            legs.extend(parted.iter().cloned());
        }
        for bond in bonds(&fact) {
            let sharing = self.sharing.entry(bond).or_default();
            let at = sharing.partition_point(|leg| leg.start <= fact.start);
            if sharing.is_empty() {
                // Most numbers call once.
                sharing.reserve_exact(1);
            }
            sharing.insert(at, fact.clone());
        }
        self.legs.replace(ByLeg(fact));
        Some(News { legs, has_parted: !parted.is_empty() })
    }

    /// Whether it has this leg, or one that a rule may join with it.
    pub(super) fn touches(&self, fact: &LegFact) -> bool {
        let touches = |bond: &Bond| {
            let sharing = self.sharing.get(bond);
            sharing.is_some_and(|all| all.iter().any(|other| may_join(fact, other, bond)))
        };
        self.get(&fact.key).is_some() || bonds(fact).iter().any(touches)
    }

    pub(crate) fn len(&self) -> usize {
        self.legs.len()
    }

    pub(crate) fn get(&self, of: &LegKey) -> Option<&Arc<LegFact>> {
        self.legs.get(of).map(|found| &found.0)
    }

    /// Forgets a leg; whatever it is beside is as it was only where that is forgotten too.
    pub(crate) fn remove(&mut self, of: &LegKey) -> Option<Arc<LegFact>> {
        let ByLeg(fact) = self.legs.take(of)?;
        self.forget(&fact);
        Some(fact)
    }

    /// The cluster of a leg; none where it is not known. Legs of one cluster give the same, in whatever order.
    pub(crate) fn cluster(&self, of: &LegKey) -> Option<Cluster> {
        let of = self.get(of)?;
        let cluster = self.around(of);
        Some(if cluster.capped { Cluster { legs: vec![of.clone()], ..cluster } } else { cluster })
    }

    /// The cluster of a leg with all of its legs, also where they are too many.
    pub(super) fn whole(&self, of: &LegKey) -> Option<Cluster> {
        Some(self.around(self.get(of)?))
    }

    /// All clusters, by their first legs.
    pub(crate) fn clusters(&self) -> Vec<Cluster> {
        let sorted: BTreeSet<(Micros, &LegKey)> =
            self.legs.iter().map(|leg| (leg.0.start, &leg.0.key)).collect();
        self.clusters_of(sorted.into_iter().map(|(_, key)| key))
    }

    /// The clusters that are to be grouped again: all others are what they were.
    pub(crate) fn touched(&self, news: &News) -> Vec<Cluster> {
        self.clusters_of(&news.legs)
    }

    fn clusters_of<'a>(&self, keys: impl IntoIterator<Item = &'a LegKey>) -> Vec<Cluster> {
        let mut seen: HashSet<*const LegFact> = HashSet::new();
        let mut clusters = Vec::new();
        for of in keys.into_iter().filter_map(|key| self.get(key)) {
            if seen.contains(&Arc::as_ptr(of)) {
                continue;
            }
            let cluster = self.around(of);
            seen.extend(cluster.legs.iter().map(Arc::as_ptr));
            clusters.push(cluster);
        }
        clusters
    }

    /// Breadth first over what is shared.
    fn around(&self, of: &Arc<LegFact>) -> Cluster {
        let mut found: HashSet<*const LegFact> = HashSet::from([Arc::as_ptr(of)]);
        let mut legs = vec![of.clone()];
        let mut seen: HashMap<Bond, Vec<Range<usize>>> = HashMap::new();
        let mut at = 0;
        while let Some(leg) = legs.get(at).cloned() {
            for bond in bonds(&leg) {
                let Some(sharing) = self.sharing.get(&bond).filter(|sharing| sharing.len() > 1) else {
                    continue;
                };
                let mut add = |other: &Arc<LegFact>| {
                    if found.insert(Arc::as_ptr(other)) {
                        legs.push(other.clone());
                    }
                };
                if let Bond::Withheld(_) = bond {
                    near(sharing, &leg).filter(|other| may_join(&leg, other, &bond)).for_each(&mut add);
                    continue;
                }
                let place = place_of(sharing, &leg);
                let runs = seen.entry(bond).or_default();
                // What one leg of a run finds, each of them would.
                if !runs.iter().any(|run| run.contains(&place)) {
                    for run in run(sharing, place) {
                        sharing[run.clone()].iter().for_each(&mut add);
                        runs.push(run);
                    }
                }
            }
            at += 1;
        }
        Cluster::of(legs)
    }

    /// The legs that were near to a leg, and are no more as it is now.
    fn parted(&self, before: &LegFact, fact: &LegFact) -> Vec<LegKey> {
        let (still, ahead) = (bonds(fact), lost_ahead(before, fact));
        let mut parted = Vec::new();
        for bond in bonds(before) {
            let Some(sharing) = self.sharing.get(&bond) else { continue };
            let is_same = still.contains(&bond);
            let only_ahead = ahead.filter(|_| is_same && !matches!(bond, Bond::Withheld(_)));
            let first = only_ahead.map_or(0, |lost| sharing.partition_point(|other| other.start < lost.from));
            let last = before.until().saturating_add(FARTHEST);
            let near = sharing[first..].iter().take_while(|other| other.start <= last);
            let gone = near
                .filter(|other| may_join(before, other, &bond) && !(is_same && may_join(fact, other, &bond)));
            parted.extend(gone.map(|leg| leg.key.clone()));
        }
        parted
    }

    fn forget(&mut self, fact: &LegFact) {
        for bond in bonds(fact) {
            let Some(sharing) = self.sharing.get_mut(&bond) else { continue };
            let place = place_of(sharing, fact);
            if sharing.get(place).is_some_and(|leg| leg.key == fact.key) {
                sharing.remove(place);
            }
            if sharing.is_empty() {
                self.sharing.remove(&bond);
            }
        }
    }
}

/// Where a leg stands among those that share something, in the order of their starts.
fn place_of(sharing: &[Arc<LegFact>], fact: &LegFact) -> usize {
    let first = sharing.partition_point(|leg| leg.start < fact.start);
    let found = sharing[first..].iter().position(|leg| leg.key == fact.key);
    found.map_or(sharing.len(), |found| first + found)
}

/// The legs around a place of which each may be joined with another, of legs that share a number or a pair: those that
/// overlap, or nearly do; and whoever is transferred with those that still talk, with all that is between.
fn run(sharing: &[Arc<LegFact>], place: usize) -> Vec<Range<usize>> {
    let (mut runs, mut first, mut until) = (Vec::new(), 0, 0);
    for (nth, leg) in sharing.iter().enumerate() {
        if nth > 0 && leg.start > Micros::saturating_add(until, FARTHEST) {
            runs.push(first..nth);
            first = nth;
        }
        until = until.max(joined_until(leg));
    }
    runs.push(first..sharing.len());
    let mut found: Vec<Range<usize>> = runs.extract_if(.., |run| run.contains(&place)).collect();
    let has_transfers = !runs.is_empty() && sharing.iter().any(|leg| leg.transfer.is_some());
    let mut at = 0;
    while let Some(run) = found.get(at).cloned().filter(|_| has_transfers) {
        let joins = |other: &mut Range<usize>| {
            let (one, other) = (&sharing[run.clone()], &sharing[other.clone()]);
            is_transferred(one, other) || is_transferred(other, one)
        };
        found.extend(runs.extract_if(.., joins));
        at += 1;
    }
    found
}

/// Whether somebody who is transferred, on one of the legs, may come from one of the others.
fn is_transferred(to: &[Arc<LegFact>], from: &[Arc<LegFact>]) -> bool {
    let transferred = to.iter().filter(|leg| leg.transfer.is_some());
    transferred.into_iter().any(|to| from.iter().any(|from| overlap(from, to)))
}

/// Until when others may start that a rule joins with a leg: while it rings, and when it ends. Of one that is answered and
/// goes on that is not known yet.
fn joined_until(leg: &LegFact) -> Micros {
    let last = leg.spans.last().filter(|_| leg.is_live() && leg.answer.is_some());
    last.map_or(leg.reach, |span| span.from).max(leg.start)
}

/// When those began that a leg reached as it was, and reaches no more: mostly it ended, and others may be ahead. None
/// where it moved, so that any may be such.
pub(super) fn lost_ahead(before: &LegFact, fact: &LegFact) -> Option<Window> {
    let is_moved = fact.start > before.start || fact.transfer.is_some() != before.transfer.is_some();
    let from = joined_until(fact).saturating_add(FARTHEST).saturating_add(1);
    (!is_moved).then(|| Window { from, to: before.until().saturating_add(FARTHEST) })
}

/// The legs that start when this one may go on, or before it.
fn near<'a>(sharing: &'a [Arc<LegFact>], leg: &LegFact) -> impl Iterator<Item = &'a Arc<LegFact>> {
    let (from, to) = (leg.start.saturating_sub(LONGEST), leg.until().saturating_add(FARTHEST));
    let first = sharing.partition_point(|other| other.start < from);
    sharing[first..].iter().take_while(move |other| other.start <= to)
}

/// What facts that were news may change.
#[derive(Debug, Default)]
pub(crate) struct News {
    /// The legs, and those that they were beside before and are no more: they may be in another cluster now.
    pub(super) legs: Vec<LegKey>,
    /// There are such.
    pub(super) has_parted: bool,
}

impl News {
    /// That these legs may be in other clusters than they were, or that time alone may change what they are part of.
    pub(super) fn of(legs: Vec<LegKey>) -> Self {
        Self { legs, has_parted: false }
    }

    pub(crate) fn extend(&mut self, other: Self) {
        self.legs.extend(other.legs);
        self.has_parted |= other.has_parted;
    }
}

/// Whether two legs that share something are near enough in time for any rule.
pub(super) fn may_join(one: &LegFact, other: &LegFact, bond: &Bond) -> bool {
    if let Bond::Withheld(_) = bond {
        let is_near = |a: Micros, b: Micros| a.abs_diff(b) <= WITHHELD;
        return is_near(one.start, other.start)
            || is_near(one.reach, other.start)
            || is_near(other.reach, one.start);
    }
    overlap(one, other)
}

/// Whether two legs overlap, or nearly do. Whoever is transferred comes from a leg that goes on.
fn overlap(one: &LegFact, other: &LegFact) -> bool {
    let touches = |a: &LegFact, b: &LegFact| {
        let until = if b.transfer.is_some() { a.until() } else { joined_until(a) };
        b.start <= until.saturating_add(FARTHEST)
    };
    touches(one, other) && touches(other, one)
}

pub(super) fn bonds(fact: &LegFact) -> Vec<Bond> {
    let source = || fact.key.source.clone();
    let original = fact.transfer.as_ref().and_then(|transfer| transfer.original.clone());
    let numbers = [fact.number.clone(), original.filter(|original| fact.number.as_ref() != Some(original))];
    let mut bonds: Vec<Bond> =
        numbers.into_iter().flatten().map(|number| Bond::Number(source(), number)).collect();
    if let Some(peer) = &fact.peer {
        let own: Arc<str> = fact.key.extension.as_str().into();
        let (one, other) = if own <= *peer { (own, peer.clone()) } else { (peer.clone(), own) };
        bonds.push(Bond::Pair(source(), one, other));
    }
    if fact.external && fact.number.is_none() {
        bonds.push(Bond::Withheld(source()));
    }
    bonds
}
