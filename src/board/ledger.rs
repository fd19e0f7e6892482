//! A tenant's board as it stands: the facts of its legs, the conversations that they make, and what changed since
//! somebody asked last. Time is an argument.
//!
//! What goes on, or was over a moment ago, is **open**: facts and conversations as they are. A cluster that is over is
//! **put away**, as few bytes, and nothing that the board says changes by that. When a leg comes that may change it, it is
//! brought back first. A day has a hundred thousand legs, of which some hundred are open.

mod asked;
mod away;

use away::over_at;

use super::{
    BoardRules, PUT_AWAY, SECOND,
    bundle::Bundled,
    bundles::{Bundles, is_long},
    clamp::Clamp,
    conversation::{Conversation, ConversationId},
    fact::{ByLeg, LegFact, LegKey},
    facts::{Cluster, Facts, News},
    figures::Membership,
    group::{Grouping, group},
    names::Names,
    oddities::Oddities,
    own_legs::OwnLegs,
    prepared::Prepared,
    replaced::tell_replaced,
    totals::Totals,
    turn::Turn,
};
use crate::{clock::Micros, id::Extension};
use hashbrown::{HashMap, HashSet};
use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
    sync::Arc,
};

/// The board of one tenant.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    rules: BoardRules,
    /// The facts that are open.
    facts: Facts,
    /// To which conversation each of their legs belongs.
    places: HashMap<ByLeg, ConversationId>,
    /// Legs that are taken for over.
    clamps: HashMap<LegKey, Clamp>,
    /// The conversations that are open.
    conversations: HashMap<ConversationId, Arc<Conversation>>,
    by_start: BTreeSet<(Micros, ConversationId)>,
    /// Those that go on, and those that went on for long.
    long: BTreeSet<(Micros, ConversationId)>,
    /// The ids that conversations had before.
    replaced: HashMap<ConversationId, ConversationId>,
    /// What is over.
    bundles: Bundles,
    extensions: BTreeMap<Extension, OwnLegs>,
    names: Names,
    /// Legs that are said to go on in what was put away.
    ghosts: HashMap<LegKey, Ghost>,
    /// Legs that came and touch a crowd that was put away.
    crowded: HashSet<LegKey>,
    /// When time alone changes something of a leg.
    due: BTreeSet<(Micros, LegKey)>,
    /// When the cluster of a leg may be put away.
    over: BTreeSet<(Micros, LegKey)>,
    /// All was read once. Before that nobody relies on an id.
    all_read: bool,
    totals: Totals,
    oddities: Oddities,
    changed: Changed,
}

/// A leg that is said to go on, and is taken for over.
#[derive(Debug)]
struct Ghost {
    leg: Bundled,
    conversation: ConversationId,
}

/// What is not as it was.
#[derive(Debug, Default)]
pub(crate) struct Changed {
    pub(crate) extensions: BTreeSet<Extension>,
    /// Those that changed, and those that there are no more.
    pub(crate) conversations: HashSet<ConversationId>,
    /// Some extension has no leg any more.
    pub(crate) gone: bool,
}

impl Ledger {
    pub(crate) fn new(rules: BoardRules) -> Self {
        Self { rules, ..Self::default() }
    }

    pub(crate) fn rules(&self) -> &BoardRules {
        &self.rules
    }

    /// Takes the groups of extensions, by which figures are told apart.
    pub(crate) fn meet(&mut self, membership: Arc<Membership>) {
        self.totals.meet(membership);
    }

    /// All that there was is known: from now on whoever holds the id of a conversation is told of a new one.
    pub(crate) fn all_read(&mut self) {
        self.all_read = true;
    }

    /// Takes facts, those that are news.
    pub(crate) fn take(&mut self, prepared: Prepared, now: Micros) {
        let Prepared { over, mut others } = prepared;
        for over in over {
            if self.is_apart(&over.bundle) {
                self.take_over(over, now);
            } else {
                others.extend(over.bundle.legs.into_iter().map(|(fact, _)| fact));
            }
        }
        let mut news = News::default();
        for fact in others {
            let Some(parts) = self.bring_back_for(&fact, now) else { continue };
            let known = self.facts.get(&fact.key).cloned();
            let Some(touched) = self.facts.take(fact.clone()) else { continue };
            self.learn(known.as_deref(), Some(&fact));
            self.own(&fact.key.extension).put(known.as_ref(), &fact);
            self.changed.extensions.insert(fact.key.extension.clone());
            news.extend(touched);
            news.has_parted |= parts;
        }
        self.group_news(news, now);
        self.turn(now);
    }

    /// What time alone changes until now, once a second or so.
    pub(crate) fn turn(&mut self, now: Micros) {
        let mut legs = Vec::new();
        while self.due.first().is_some_and(|(at, _)| *at <= now) {
            let Some((_, leg)) = self.due.pop_first() else { break };
            self.changed.extensions.insert(leg.extension.clone());
            legs.push(leg);
        }
        self.group_news(News::of(legs), now);
        self.put_away(now);
    }

    /// Forgets conversations that were over before a time, with all that they are beside.
    pub(crate) fn forget(&mut self, before: Micros) {
        self.extensions.values_mut().for_each(|own| own.forget_times_before(before));
        for nth in self.bundles.over_before(before) {
            self.forget_bundle(nth);
        }
        let old: Vec<ConversationId> =
            self.by_start.range(..(before, ConversationId::default())).map(|(_, id)| *id).collect();
        for id in old {
            let Some(first) = self.conversations.get(&id).and_then(|it| it.legs.first()) else { continue };
            let Some(cluster) = self.facts.cluster(&first.key) else { continue };
            if cluster.legs.iter().all(|leg| leg.reach < before && !leg.is_live()) {
                cluster.legs.iter().for_each(|leg| self.remove(leg));
            }
        }
    }

    /// What changed since this was asked last.
    pub(crate) fn take_changed(&mut self) -> Changed {
        mem::take(&mut self.changed)
    }

    fn own(&mut self, extension: &Extension) -> &mut OwnLegs {
        self.extensions.entry(extension.clone()).or_default()
    }

    fn learn(&mut self, before: Option<&LegFact>, fact: Option<&LegFact>) {
        let renamed = self.names.learn(before, fact);
        self.changed.extensions.extend(renamed.into_iter().flatten());
    }

    /// Groups what news may have changed.
    fn group_news(&mut self, mut news: News, now: Micros) {
        let whole = match news.has_parted {
            true => self.bring_back_crowds(&mut news, now),
            false => HashSet::new(),
        };
        let touched = self.facts.touched(&news);
        let named: HashSet<LegKey> = news.legs.into_iter().collect();
        let is_of_crowd = |leg: &LegKey| self.is_capped(leg) || self.crowded.contains(leg);
        let mut clusters = Vec::with_capacity(touched.len());
        for cluster in touched {
            // Of a crowd those that are over were put away: the others are not to be taken for few.
            let is_whole = cluster.legs.iter().any(|leg| whole.contains(&leg.key));
            let of_crowd = || !is_whole && cluster.legs.iter().any(|leg| is_of_crowd(&leg.key));
            if !cluster.capped && !of_crowd() {
                clusters.push(cluster);
                continue;
            }
            // Each is by itself, and those of which nothing is new stay as they are.
            let is_new = |leg: &Arc<LegFact>| named.contains(&leg.key) || !self.is_capped(&leg.key);
            let new = cluster.legs.into_iter().filter(is_new);
            clusters.extend(new.map(|leg| Cluster { legs: vec![leg], capped: true }));
        }
        self.group(&clusters, now);
        self.crowded.clear();
    }

    /// Whether a leg is by itself since there are too many around it.
    fn is_capped(&self, leg: &LegKey) -> bool {
        let of = self.places.get(leg).and_then(|id| self.conversations.get(id));
        of.is_some_and(|conversation| conversation.capped)
    }

    /// Groups clusters anew. A conversation may have been of several that are one no more, so all are taken out before
    /// any is put back.
    fn group(&mut self, clusters: &[Cluster], now: Micros) {
        let mut taken: HashMap<ConversationId, Arc<Conversation>> = HashMap::new();
        let before: Vec<BTreeSet<ConversationId>> =
            clusters.iter().map(|cluster| self.ids(cluster)).collect();
        for id in before.iter().flatten() {
            taken.extend(self.drop_conversation(*id).map(|old| (*id, old)));
        }
        let groupings: Vec<Grouping> =
            clusters.iter().map(|cluster| group(cluster, &self.rules, now)).collect();
        let standing: HashSet<ConversationId> =
            groupings.iter().flat_map(|grouping| &grouping.conversations).map(|it| it.id).collect();
        for ((cluster, grouping), ids) in clusters.iter().zip(groupings).zip(before) {
            let before: Vec<_> = ids.iter().filter_map(|id| taken.get(id).cloned()).collect();
            self.take_in(cluster, grouping, &before, &standing, now);
        }
        for (id, old) in taken {
            if !self.conversations.contains_key(&id) {
                self.count(Turn::Goes, &old);
                self.changed.conversations.insert(id);
            }
        }
    }

    /// Takes what a cluster comes to, in the place of what its legs came to before.
    fn take_in(
        &mut self,
        cluster: &Cluster,
        mut grouping: Grouping,
        before: &[Arc<Conversation>],
        standing: &HashSet<ConversationId>,
        now: Micros,
    ) {
        if self.all_read {
            tell_replaced(before, &mut grouping.conversations, standing, now);
        }
        self.watch(cluster, &grouping, now);
        let clamps: HashMap<LegKey, Clamp> = grouping.clamps.into_iter().collect();
        for conversation in grouping.conversations {
            for leg in &conversation.legs {
                self.place(leg, conversation.id, clamps.get(&leg.key).copied());
            }
            self.put(conversation, before);
        }
    }

    /// The conversations of a cluster.
    fn ids(&self, cluster: &Cluster) -> BTreeSet<ConversationId> {
        cluster.legs.iter().filter_map(|leg| self.places.get(&leg.key).copied()).collect()
    }

    /// When to look at a cluster again though nothing comes.
    fn watch(&mut self, cluster: &Cluster, grouping: &Grouping, now: Micros) {
        let first = cluster.legs.iter().min_by_key(|leg| (leg.start, &leg.key));
        if let (Some(at), Some(first)) = (grouping.again_at, first) {
            self.due.insert((at, first.key.clone()));
        }
        for leg in cluster.legs.iter().filter(|leg| leg.is_live()) {
            let times = [leg.start, leg.reach + 1].map(|at| at.div_ceil(SECOND) * SECOND);
            self.due.extend(times.into_iter().filter(|at| *at > now).map(|at| (at, leg.key.clone())));
        }
        let is_ghost =
            |leg: &LegKey| grouping.clamps.iter().any(|(key, clamp)| clamp.is_ghost() && key == leg);
        if let (Some(at), Some(first)) = (over_at(&cluster.legs, is_ghost), first) {
            let told = grouping.conversations.iter().flat_map(|it| &it.replaces).map(|it| it.until);
            let at = told.chain([at + PUT_AWAY]).max().unwrap_or(at);
            self.over.insert((at, first.key.clone()));
        }
    }

    /// Puts a leg where it belongs.
    fn place(&mut self, leg: &Arc<LegFact>, conversation: ConversationId, clamp: Option<Clamp>) {
        // The key of an entry is the fact itself, of which there may be a later one.
        let was = self.places.remove(&leg.key);
        self.places.insert(ByLeg(leg.clone()), conversation);
        let clamped = match clamp {
            Some(clamp) => self.clamps.insert(leg.key.clone(), clamp),
            None => self.clamps.remove(&leg.key),
        };
        if clamped != clamp {
            self.own(&leg.key.extension).forget_times(leg.start);
        }
        if (was, clamped) != (Some(conversation), clamp) {
            self.changed.extensions.insert(leg.key.extension.clone());
        }
    }

    fn drop_conversation(&mut self, id: ConversationId) -> Option<Arc<Conversation>> {
        let old = self.conversations.remove(&id)?;
        self.by_start.remove(&(old.start, id));
        self.long.remove(&(old.start, id));
        old.replaces.iter().for_each(|replaced| _ = self.replaced.remove(&replaced.id));
        Some(old)
    }

    fn put(&mut self, conversation: Conversation, before: &[Arc<Conversation>]) {
        let was = before.iter().find(|old| old.id == conversation.id);
        if was.is_none_or(|old| **old != conversation) {
            if let Some(old) = was {
                self.count(Turn::Goes, old);
            }
            self.count(Turn::Comes, &conversation);
            self.changed.conversations.insert(conversation.id);
            self.changed.extensions.extend(conversation.legs.iter().map(|leg| leg.key.extension.clone()));
        }
        self.hold(Arc::new(conversation));
    }

    fn hold(&mut self, conversation: Arc<Conversation>) {
        let (id, start) = (conversation.id, conversation.start);
        if is_long(&conversation) {
            self.long.insert((start, id));
        }
        self.replaced.extend(conversation.replaces.iter().map(|replaced| (replaced.id, id)));
        self.by_start.insert((start, id));
        self.conversations.insert(id, conversation);
    }

    fn count(&mut self, turn: Turn, conversation: &Conversation) {
        self.totals.count(turn, conversation, &self.rules);
        self.oddities.count(turn, conversation);
    }

    fn remove(&mut self, leg: &Arc<LegFact>) {
        self.facts.remove(&leg.key);
        self.learn(Some(leg), None);
        self.clamps.remove(&leg.key);
        if let Some(conversation) = self.places.remove(&leg.key)
            && let Some(gone) = self.drop_conversation(conversation)
        {
            self.count(Turn::Goes, &gone);
        }
        let Some(own) = self.extensions.get_mut(&leg.key.extension) else { return };
        own.remove(leg);
        self.leave(&leg.key.extension);
    }

    /// An extension that has no leg any more is as if it had had none.
    fn leave(&mut self, extension: &Extension) {
        if self.extensions.get(extension).is_some_and(OwnLegs::is_empty) {
            self.extensions.remove(extension);
            self.changed.gone = true;
        }
    }
}
