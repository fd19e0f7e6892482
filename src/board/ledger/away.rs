//! What is over is put away, and brought back where a leg comes that may change it.

use super::{
    super::{
        LATELY, PUT_AWAY,
        bundle::{Bundle, tile_leg},
        bundles::Nth,
        conversation::{Conversation, ConversationId},
        fact::{ByLeg, LegFact, LegKey},
        facts::{Cluster, News},
        group::group,
        prepared::Over,
        turn::Turn,
    },
    Ghost, Ledger,
};
use crate::{clock::Micros, id::Extension};
use hashbrown::HashSet;
use std::{collections::BTreeSet, sync::Arc};

/// So many bundles of one caller are looked at again for one leg.
const MOST_BROUGHT_BACK: usize = 1000;

impl Ledger {
    /// Puts away what is over since long enough.
    pub(super) fn put_away(&mut self, now: Micros) {
        while self.over.first().is_some_and(|(at, _)| *at <= now) {
            let Some((_, leg)) = self.over.pop_first() else { break };
            let Some(cluster) = self.together(&leg) else { continue };
            // Another leg came meanwhile, and it has a time of its own.
            let is_ghost = |leg: &LegKey| self.clamps.get(leg).is_some_and(|clamp| clamp.is_ghost());
            if over_at(&cluster.legs, is_ghost).is_none_or(|at| at + PUT_AWAY > now) {
                continue;
            }
            let ids = self.ids(&cluster);
            let is_told =
                |id: &ConversationId| self.conversations.get(id).is_some_and(|it| !it.replaces.is_empty());
            if ids.iter().any(is_told) {
                self.group(&[cluster], now);
            } else {
                self.bundle(cluster, ids);
            }
        }
    }

    /// What is put away together: the cluster of a leg; of a crowd the leg alone.
    fn together(&self, leg: &LegKey) -> Option<Cluster> {
        match self.is_capped(leg) {
            true => Some(Cluster { legs: vec![self.facts.get(leg)?.clone()], capped: true }),
            false => self.facts.whole(leg),
        }
    }

    fn bundle(&mut self, cluster: Cluster, ids: BTreeSet<ConversationId>) {
        let clamp = |leg: Arc<LegFact>| {
            let clamp = self.clamps.remove(&leg.key);
            (leg, clamp)
        };
        let bundle = Bundle { legs: cluster.legs.into_iter().map(clamp).collect(), capped: cluster.capped };
        let conversations: Vec<Arc<Conversation>> =
            ids.into_iter().filter_map(|id| self.drop_conversation(id)).collect();
        let nth = self.bundles.put(&bundle, conversations.iter().map(|it| &**it));
        for leg in &bundle.legs {
            self.facts.remove(&leg.0.key);
            let place = self.places.remove(&leg.0.key);
            match place.filter(|_| leg.0.is_live()) {
                // Its tile shows it still.
                Some(conversation) => {
                    let ghost = Ghost { leg: leg.clone(), conversation };
                    self.ghosts.insert(leg.0.key.clone(), ghost);
                }
                None => self.own(&leg.0.key.extension).put_away(leg, nth),
            }
        }
    }

    /// Whether nothing is known of these legs, and of what a rule may join them with.
    pub(super) fn is_apart(&self, bundle: &Bundle) -> bool {
        bundle.legs.iter().all(|(fact, _)| {
            let is_new = !self.facts.touches(fact) && self.bundles.of_leg(&fact.key).is_none();
            is_new && !self.bundles.touching(fact).is_any()
        })
    }

    /// Takes a cluster that was never open.
    pub(super) fn take_over(&mut self, Over { bundle, bytes, conversations }: Over, now: Micros) {
        let nth = self.bundles.put_packed(&bundle, bytes, &conversations);
        for leg in &bundle.legs {
            self.learn(None, Some(&leg.0));
            self.changed.extensions.insert(leg.0.key.extension.clone());
            let own = self.own(&leg.0.key.extension);
            own.forget_times(leg.0.start);
            own.put_away(leg, nth);
        }
        for conversation in &conversations {
            self.count(Turn::Comes, conversation);
            if !conversation.is_over(now.saturating_sub(LATELY)) {
                self.changed.conversations.insert(conversation.id);
            }
        }
    }

    /// Brings back what a fact may change. None where the fact is no news; else, whether it may part from a crowd.
    pub(super) fn bring_back_for(&mut self, fact: &LegFact, now: Micros) -> Option<bool> {
        if self.facts.get(&fact.key).is_none()
            && let Some((nth, version)) = self.bundles.of_leg(&fact.key)
        {
            if version >= fact.version {
                return None;
            }
            self.bring_back(nth, now);
        }
        let known = self.facts.get(&fact.key);
        if known.is_some_and(|known| known.version >= fact.version) {
            return None;
        }
        let parts =
            known.is_some_and(|known| self.is_capped(&fact.key) && self.bundles.parts_from(known, fact));
        let touching = self.bundles.touching(fact);
        for nth in touching.bundles {
            self.bring_back(nth, now);
        }
        if touching.crowd {
            self.crowded.insert(fact.key.clone());
        }
        Some(parts)
    }

    /// Gives the legs that are open again.
    fn bring_back(&mut self, nth: Nth, now: Micros) -> Vec<LegKey> {
        let bundle = self.bundles.open(nth);
        let cluster = bundle.cluster();
        let grouping = group(&cluster, &self.rules, now);
        self.bundles.take(nth, &bundle, &grouping.conversations);
        for leg in &bundle.legs {
            self.facts.take(leg.0.clone());
            let is_ghost = self.ghosts.remove(&leg.0.key).is_some();
            if !is_ghost && self.own(&leg.0.key.extension).bring_back(leg, nth) {
                self.find_last_end(&leg.0.key.extension);
            }
            if let Some(clamp) = leg.1 {
                self.clamps.insert(leg.0.key.clone(), clamp);
            }
        }
        self.watch(&cluster, &grouping, now);
        for conversation in grouping.conversations {
            let places = conversation.legs.iter().map(|leg| (ByLeg(leg.clone()), conversation.id));
            self.places.extend(places);
            self.hold(Arc::new(conversation));
        }
        bundle.legs.into_iter().map(|(fact, _)| fact.key.clone()).collect()
    }

    pub(super) fn forget_bundle(&mut self, nth: Nth) {
        let bundle = self.bundles.open(nth);
        if bundle.legs.iter().any(|(fact, _)| fact.is_live()) {
            return;
        }
        let conversations = group(&bundle.cluster(), &self.rules, Micros::MAX).conversations;
        self.bundles.take(nth, &bundle, &conversations);
        conversations.iter().for_each(|gone| self.count(Turn::Goes, gone));
        for leg in &bundle.legs {
            self.learn(Some(&leg.0), None);
            self.own(&leg.0.key.extension).forget_bundled(leg, nth);
            self.leave(&leg.0.key.extension);
        }
    }

    /// Legs parted that were near to each other: if they were a crowd, it may be one no more, and all of it is looked at
    /// again, unless that is too much. Gives legs of which all is open that may be around them.
    pub(super) fn bring_back_crowds(&mut self, news: &mut News, now: Micros) -> HashSet<LegKey> {
        let crowded =
            news.legs.iter().filter(|leg| self.is_capped(leg)).filter_map(|leg| self.facts.get(leg));
        let crowded: Vec<Arc<LegFact>> = crowded.cloned().collect();
        let mut whole = HashSet::new();
        for leg in crowded {
            let sharing = self.bundles.sharing(&leg);
            if sharing.len() > MOST_BROUGHT_BACK {
                continue;
            }
            whole.insert(leg.key.clone());
            for nth in sharing {
                let back = self.bring_back(nth, now);
                whole.extend(back.iter().cloned());
                news.extend(News::of(back));
            }
        }
        whole
    }

    /// When the last state of the bundled legs of an extension ended.
    fn find_last_end(&mut self, extension: &Extension) {
        let Some(own) = self.extensions.get(extension) else { return };
        let last: BTreeSet<Nth> = own.last_bundled().collect();
        let legs = last.into_iter().flat_map(|nth| self.bundles.open(nth).legs);
        let own_legs = legs.filter(|(fact, _)| fact.key.extension == *extension);
        let last_end = own_legs.filter_map(|leg| tile_leg(&leg).last_end()).max();
        self.own(extension).last_end = last_end;
    }
}

/// The last moment of legs; none where one goes on, and is not taken for over.
pub(super) fn over_at(legs: &[Arc<LegFact>], is_ghost: impl Fn(&LegKey) -> bool) -> Option<Micros> {
    let is_over = legs.iter().all(|leg| !leg.is_live() || is_ghost(&leg.key));
    legs.iter().map(|leg| leg.until()).max().filter(|_| is_over)
}
