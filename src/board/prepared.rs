//! Legs as a ledger takes them. Most of many are of calls that are over for long, and touch nothing that is known: these
//! are grouped and packed here, which needs no ledger and so keeps nobody waiting for one.

use super::{
    BoardRules, PUT_AWAY,
    bundle::Bundle,
    conversation::Conversation,
    fact::{LegFact, LegKey},
    facts::{Cluster, Facts},
    group::group,
};
use crate::clock::Micros;
use hashbrown::HashMap;
use std::sync::Arc;

/// Some legs.
#[derive(Debug, Default)]
pub(crate) struct Prepared {
    pub(super) over: Vec<Over>,
    pub(super) others: Vec<Arc<LegFact>>,
}

/// A cluster that is over since long enough to be put away, if nothing that is known touches it.
#[derive(Debug)]
pub(super) struct Over {
    pub(super) bundle: Bundle,
    pub(super) bytes: Box<[u8]>,
    pub(super) conversations: Vec<Conversation>,
}

impl Prepared {
    /// Prepares facts, no two of which are of one leg.
    pub(crate) fn of(facts: impl IntoIterator<Item = LegFact>, rules: &BoardRules, now: Micros) -> Self {
        let facts: Vec<Arc<LegFact>> = facts.into_iter().map(Arc::new).collect();
        let is_over = |leg: &Arc<LegFact>| !leg.is_live() && leg.until() + PUT_AWAY <= now;
        // Of one leg, which comes late, some cluster is known, mostly.
        if facts.iter().filter(|leg| is_over(leg)).count() < 2 {
            return Self { over: Vec::new(), others: facts };
        }
        let mut all = Facts::default();
        facts.into_iter().for_each(|fact| _ = all.take(fact));
        let mut prepared = Self::default();
        for cluster in all.clusters() {
            if cluster.capped || !cluster.legs.iter().all(&is_over) {
                prepared.others.extend(cluster.legs);
            } else {
                prepared.over.push(Over::of(cluster, rules, now));
            }
        }
        prepared
    }

    /// How many legs they are.
    pub(crate) fn len(&self) -> usize {
        self.others.len() + self.over.iter().map(|over| over.bundle.legs.len()).sum::<usize>()
    }
}

impl Over {
    fn of(cluster: Cluster, rules: &BoardRules, now: Micros) -> Self {
        let grouping = group(&cluster, rules, now);
        let clamps: HashMap<LegKey, _> = grouping.clamps.into_iter().collect();
        let legs = cluster.legs.into_iter().map(|leg| {
            let clamp = clamps.get(&leg.key).copied();
            (leg, clamp)
        });
        let bundle = Bundle { legs: legs.collect(), capped: false };
        Self { bytes: bundle.pack(), bundle, conversations: grouping.conversations }
    }
}
