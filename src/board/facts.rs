//! The facts of one tenant: a map in which the higher version wins, so that facts merge in any order; and the clusters in
//! it, the legs that the rules may join.

use super::{
    SECOND,
    fact::{ByLeg, LegFact, LegKey},
    rules::{FARTHEST, WITHHELD},
};
use crate::{clock::Micros, id::SourceName};
use hashbrown::{HashMap, HashSet};
use std::{collections::BTreeSet, sync::Arc};

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
enum Bond {
    /// An outside number, or the number that a transfer is about.
    Number(SourceName, Arc<str>),
    /// Two extensions, in their order.
    Pair(SourceName, Arc<str>, Arc<str>),
    /// That nobody knows the caller.
    Withheld(SourceName),
}

impl Facts {
    /// Takes a fact; gives what that may change, or nothing where it is not news.
    pub(crate) fn take(&mut self, fact: Arc<LegFact>) -> Option<News> {
        let before = self.get(&fact.key).cloned();
        if before.as_ref().is_some_and(|known| known.version >= fact.version) {
            return None;
        }
        let mut legs = vec![fact.key.clone()];
        if let Some(before) = &before {
            let beside = self.neighbours(before).into_iter().map(|leg| leg.key.clone());
            legs.extend(beside.filter(|key| *key != fact.key));
            self.forget(before);
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
        Some(News { legs })
    }

    pub(crate) fn len(&self) -> usize {
        self.legs.len()
    }

    /// The version of the fact that is known of a leg, from which on nothing is news.
    pub(crate) fn version(&self, of: &LegKey) -> u32 {
        self.get(of).map_or(0, |fact| fact.version)
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
        let (legs, capped) = self.around(of, MOST_LEGS);
        Some(if capped { Cluster { legs: vec![of.clone()], capped } } else { Cluster { legs, capped } })
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
            let (legs, capped) = self.around(of, usize::MAX);
            seen.extend(legs.iter().map(Arc::as_ptr));
            clusters.push(Cluster { legs, capped });
        }
        clusters
    }

    /// Breadth first over what is shared, until there are more legs than that; whether they are too many, or too long.
    fn around(&self, of: &Arc<LegFact>, most: usize) -> (Vec<Arc<LegFact>>, bool) {
        let mut found: HashSet<*const LegFact> = HashSet::from([Arc::as_ptr(of)]);
        let mut legs = vec![of.clone()];
        let mut at = 0;
        while let Some(leg) = legs.get(at).cloned().filter(|_| legs.len() <= most) {
            for other in self.neighbours(&leg) {
                if found.insert(Arc::as_ptr(other)) {
                    legs.push(other.clone());
                }
            }
            at += 1;
        }
        let start = legs.iter().map(|leg| leg.start).min().unwrap_or_default();
        let reach = legs.iter().map(|leg| leg.reach).max().unwrap_or_default();
        let capped = legs.len() > 1 && (legs.len() > MOST_LEGS || reach - start > LONGEST);
        (legs, capped)
    }

    fn neighbours<'a>(&'a self, leg: &LegFact) -> Vec<&'a Arc<LegFact>> {
        let near = leg.start.saturating_sub(LONGEST)..=leg.reach.max(leg.start) + FARTHEST;
        let mut neighbours = Vec::new();
        for bond in bonds(leg) {
            let Some(sharing) = self.sharing.get(&bond) else { continue };
            let first = sharing.partition_point(|other| other.start < *near.start());
            let others = sharing[first..].iter().take_while(|other| other.start <= *near.end());
            neighbours.extend(others.filter(|other| may_join(leg, other, &bond)));
        }
        neighbours
    }

    fn forget(&mut self, fact: &LegFact) {
        for bond in bonds(fact) {
            let Some(sharing) = self.sharing.get_mut(&bond) else { continue };
            let first = sharing.partition_point(|leg| leg.start < fact.start);
            let found = sharing[first..].iter().position(|leg| leg.key == fact.key);
            if let Some(found) = found {
                sharing.remove(first + found);
            }
            if sharing.is_empty() {
                self.sharing.remove(&bond);
            }
        }
    }
}

/// What facts that were news may change.
#[derive(Debug, Default)]
pub(crate) struct News {
    /// The legs, and those that they were beside before: they may be in another cluster now.
    legs: Vec<LegKey>,
}

impl News {
    /// That time alone may change what this leg is part of.
    pub(crate) fn of(leg: LegKey) -> Self {
        Self { legs: vec![leg] }
    }

    pub(crate) fn extend(&mut self, other: Self) {
        self.legs.extend(other.legs);
    }
}

/// Whether two legs that share something are near enough in time for any rule.
fn may_join(one: &LegFact, other: &LegFact, bond: &Bond) -> bool {
    if let Bond::Withheld(_) = bond {
        let is_near = |a: Micros, b: Micros| a.abs_diff(b) <= WITHHELD;
        return is_near(one.start, other.start)
            || is_near(one.reach, other.start)
            || is_near(other.reach, one.start);
    }
    let touches = |a: &LegFact, b: &LegFact| b.start <= a.reach.max(a.start) + FARTHEST;
    touches(one, other) && touches(other, one)
}

fn bonds(fact: &LegFact) -> Vec<Bond> {
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
