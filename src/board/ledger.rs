//! A tenant's board as it stands: the facts of its legs, the conversations that they make, and what changed since
//! somebody asked last. Time is an argument, and nothing is counted up.

use super::{
    BoardRules, SECOND,
    clamp::Clamp,
    conversation::{Conversation, ConversationId},
    fact::{ByLeg, LegFact, LegKey},
    facts::{Cluster, Facts, News},
    group::group,
    outcome::ConversationOutcome,
    own_legs::OwnLegs,
    replaced::tell_replaced,
    tile::{Tile, TileLeg, TimeOnCalls, running_since},
    window::Window,
};
use crate::{clock::Micros, id::Extension};
use hashbrown::{HashMap, HashSet};
use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
    sync::Arc,
};

/// Conversations are found by their start; one that is longer than this stands among the long ones, too.
const LONG: Micros = 3600 * SECOND;

/// The board of one tenant.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    rules: BoardRules,
    facts: Facts,
    /// To which conversation each leg belongs.
    places: HashMap<ByLeg, ConversationId>,
    /// Legs that are taken for over.
    clamps: HashMap<LegKey, Clamp>,
    conversations: HashMap<ConversationId, Arc<Conversation>>,
    by_start: BTreeSet<(Micros, ConversationId)>,
    /// Those that go on, and those that went on for long.
    long: BTreeSet<(Micros, ConversationId)>,
    /// The ids that conversations had before.
    replaced: HashMap<ConversationId, ConversationId>,
    extensions: BTreeMap<Extension, OwnLegs>,
    /// What the legs that are known showed of each extension.
    names: BTreeMap<Extension, BTreeSet<LearnedName>>,
    /// When time alone changes something of a leg.
    due: BTreeSet<(Micros, LegKey)>,
    changed: Changed,
}

/// A name that a leg showed of a colleague's extension. Of several the last counts, the same one on every node.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct LearnedName {
    at: Micros,
    name: Arc<str>,
    leg: LegKey,
}

/// What is not as it was.
#[derive(Debug, Default)]
pub(crate) struct Changed {
    pub(crate) extensions: BTreeSet<Extension>,
    /// Those that changed, and those that there are no more.
    pub(crate) conversations: HashSet<ConversationId>,
    /// Some extension has no leg any more.
    pub(crate) gone: bool,
    /// The starts of conversations that are other than they were, before and now.
    pub(crate) starts: BTreeSet<Micros>,
}

impl Ledger {
    pub(crate) fn new(rules: BoardRules) -> Self {
        Self { rules, ..Self::default() }
    }

    pub(crate) fn rules(&self) -> &BoardRules {
        &self.rules
    }

    /// How many legs it knows.
    pub(crate) fn len(&self) -> usize {
        self.facts.len()
    }

    /// Takes facts, those that are news.
    pub(crate) fn take(&mut self, facts: impl IntoIterator<Item = LegFact>, now: Micros) {
        let mut news = News::default();
        for fact in facts {
            let fact = Arc::new(fact);
            let known = self.facts.get(&fact.key).cloned();
            let Some(touched) = self.facts.take(fact.clone()) else { continue };
            self.learn(known.as_deref(), Some(&fact));
            self.own(&fact.key.extension).put(known.as_ref(), &fact);
            self.changed.extensions.insert(fact.key.extension.clone());
            news.extend(touched);
        }
        self.group(&self.facts.touched(&news), now);
    }

    /// What time alone changes until now, once a second or so.
    pub(crate) fn turn(&mut self, now: Micros) {
        let mut news = News::default();
        while self.due.first().is_some_and(|(at, _)| *at <= now) {
            let Some((_, leg)) = self.due.pop_first() else { break };
            self.changed.extensions.insert(leg.extension.clone());
            if let Some(conversation) = self.of_leg(&leg) {
                self.changed.starts.insert(conversation.start);
            }
            news.extend(News::of(leg));
        }
        self.group(&self.facts.touched(&news), now);
    }

    /// Forgets conversations that were over before a time, with all that they are beside.
    pub(crate) fn forget(&mut self, before: Micros) {
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

    /// A conversation by its id, or by one that it had before.
    pub(crate) fn conversation(&self, id: ConversationId) -> Option<&Arc<Conversation>> {
        self.conversations.get(&id).or_else(|| self.conversations.get(self.replaced.get(&id)?))
    }

    /// The conversation of a leg.
    pub(crate) fn of_leg(&self, leg: &LegKey) -> Option<&Arc<Conversation>> {
        self.conversations.get(self.places.get(leg)?)
    }

    /// The conversations of legs with that id, of whichever extensions.
    pub(crate) fn of_leg_id<'a>(&'a self, id: &'a str) -> impl Iterator<Item = &'a Arc<Conversation>> {
        let named = self.places.iter().filter(move |(leg, _)| leg.0.key.id.as_str() == id);
        named.filter_map(|(_, of)| self.conversations.get(of))
    }

    /// The fact of a leg.
    pub(crate) fn fact(&self, leg: &LegKey) -> Option<&Arc<LegFact>> {
        self.facts.get(leg)
    }

    /// All legs that it knows, in no order.
    pub(crate) fn legs(&self) -> impl Iterator<Item = &LegKey> {
        self.places.keys().map(|leg| &leg.0.key)
    }

    /// The conversations that began in a window, in the order of their starts.
    pub(crate) fn within(&self, window: Window) -> impl DoubleEndedIterator<Item = &Arc<Conversation>> {
        let none = ConversationId::default();
        let range = self.by_start.range((window.from, none)..(window.to.max(window.from), none));
        range.filter_map(|(_, id)| self.conversations.get(id))
    }

    /// The conversations that began before a time and were not over then.
    pub(crate) fn going_on(&self, at: Micros) -> impl Iterator<Item = &Arc<Conversation>> {
        let none = ConversationId::default();
        let lately = self.by_start.range((at.saturating_sub(LONG), none)..(at, none));
        let long = self.long.range(..(at.saturating_sub(LONG), none));
        let all = lately.chain(long).filter_map(|(_, id)| self.conversations.get(id));
        all.filter(move |it| !it.is_over(at))
    }

    /// The extensions that had a leg, in their order.
    pub(crate) fn extensions(&self) -> impl Iterator<Item = &Extension> {
        self.extensions.keys()
    }

    /// Whether an extension had a leg.
    pub(crate) fn has_had(&self, extension: &Extension) -> bool {
        self.extensions.contains_key(extension)
    }

    /// What the tile of an extension shows.
    pub(crate) fn tile(&self, of: &Extension, now: Micros) -> Tile {
        let legs = self.extensions.get(of).into_iter().flat_map(|own| own.at(now));
        Tile::at(&self.tile_legs(legs), now)
    }

    /// How long an extension was in which state in a window, without what goes on now: that is the tile's to say.
    pub(crate) fn time(&self, of: &Extension, window: Window, now: Micros) -> TimeOnCalls {
        let Some(own) = self.extensions.get(of) else { return TimeOnCalls::default() };
        let until = running_since(&self.tile_legs(own.at(now)), now).unwrap_or(now).min(window.to);
        TimeOnCalls::of(&self.tile_legs(own.within(window)), window.from, until.max(window.from))
    }

    /// The name that was shown last of an extension, where one was.
    pub(crate) fn name(&self, of: &Extension) -> Option<&Arc<str>> {
        Some(&self.names.get(of)?.last()?.name)
    }

    /// The names that were shown last of extensions.
    pub(crate) fn names(&self) -> impl Iterator<Item = (&Extension, &Arc<str>)> {
        self.names.iter().filter_map(|(extension, learned)| Some((extension, &learned.last()?.name)))
    }

    fn tile_legs<'a>(&'a self, legs: impl Iterator<Item = &'a LegKey>) -> Vec<TileLeg<'a>> {
        let leg = |key: &LegKey| {
            let clamp = self.clamps.get(key).copied();
            Some(TileLeg { fact: self.facts.get(key)?, clamp })
        };
        legs.filter_map(leg).collect()
    }

    fn own(&mut self, extension: &Extension) -> &mut OwnLegs {
        self.extensions.entry(extension.clone()).or_default()
    }

    /// Learns what a leg shows now, and forgets what it showed before: nobody who comes later could know it.
    fn learn(&mut self, before: Option<&LegFact>, fact: Option<&LegFact>) {
        let (old, new) = (before.and_then(learned), fact.and_then(learned));
        if old == new {
            return;
        }
        if let Some((of, name)) = old {
            if let Some(known) = self.names.get_mut(&of) {
                known.remove(&name);
            }
            self.changed.extensions.insert(of);
        }
        if let Some((of, name)) = new {
            self.names.entry(of.clone()).or_default().insert(name);
            self.changed.extensions.insert(of);
        }
    }

    fn group(&mut self, clusters: &[Cluster], now: Micros) {
        for cluster in clusters {
            self.group_one(cluster, now);
        }
    }

    fn group_one(&mut self, cluster: &Cluster, now: Micros) {
        let mut grouping = group(cluster, &self.rules, now);
        let before = self.take_out(cluster);
        tell_replaced(&before, &mut grouping.conversations, now);
        let clamps: HashMap<LegKey, Clamp> = grouping.clamps.into_iter().collect();
        for conversation in grouping.conversations {
            for leg in &conversation.legs {
                self.place(leg, conversation.id, clamps.get(&leg.key).copied());
            }
            self.put(conversation, &before);
        }
        let gone = before.iter().filter(|old| !self.conversations.contains_key(&old.id));
        for old in gone {
            self.changed.conversations.insert(old.id);
            self.changed.starts.insert(old.start);
        }
        let first = cluster.legs.iter().min_by_key(|leg| (leg.start, &leg.key));
        if let (Some(at), Some(first)) = (grouping.again_at, first) {
            self.due.insert((at, first.key.clone()));
        }
        for leg in cluster.legs.iter().filter(|leg| leg.is_live()) {
            let times = [leg.start, leg.reach + 1].map(|at| at.div_ceil(SECOND) * SECOND);
            self.due.extend(times.into_iter().filter(|at| *at > now).map(|at| (at, leg.key.clone())));
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
        if (was, clamped) != (Some(conversation), clamp) {
            self.changed.extensions.insert(leg.key.extension.clone());
        }
    }

    /// The conversations of these legs, as they were.
    fn take_out(&mut self, cluster: &Cluster) -> Vec<Arc<Conversation>> {
        let places = cluster.legs.iter().filter_map(|leg| self.places.get(&leg.key));
        let ids: BTreeSet<ConversationId> = places.copied().collect();
        ids.into_iter().filter_map(|id| self.drop_conversation(id)).collect()
    }

    fn drop_conversation(&mut self, id: ConversationId) -> Option<Arc<Conversation>> {
        let old = self.conversations.remove(&id)?;
        self.by_start.remove(&(old.start, id));
        self.long.remove(&(old.start, id));
        old.replaces.iter().for_each(|replaced| _ = self.replaced.remove(&replaced.id));
        Some(old)
    }

    fn put(&mut self, conversation: Conversation, before: &[Arc<Conversation>]) {
        let (id, start) = (conversation.id, conversation.start);
        let was = before.iter().find(|old| old.id == id);
        if was.is_none_or(|old| **old != conversation) {
            self.changed.conversations.insert(id);
            self.changed.starts.extend([Some(start), was.map(|old| old.start)].into_iter().flatten());
            self.changed.extensions.extend(conversation.legs.iter().map(|leg| leg.key.extension.clone()));
        }
        let is_long = conversation.end.is_none_or(|end| end.saturating_sub(start) > LONG);
        if is_long {
            self.long.insert((start, id));
        }
        self.turns_late(&conversation);
        self.replaced.extend(conversation.replaces.iter().map(|replaced| (replaced.id, id)));
        self.by_start.insert((start, id));
        self.conversations.insert(id, Arc::new(conversation));
    }

    /// Whoever rings for too long counts against the service level from then on, and not from the next event.
    fn turns_late(&mut self, conversation: &Conversation) {
        let is_open = conversation.outcome == ConversationOutcome::Open && conversation.rang;
        if let Some(first) = conversation.legs.first().filter(|_| is_open) {
            let at = conversation.start + self.rules.answer_within + 1;
            self.due.insert((at.div_ceil(SECOND) * SECOND, first.key.clone()));
        }
    }

    fn remove(&mut self, leg: &Arc<LegFact>) {
        self.facts.remove(&leg.key);
        self.learn(Some(leg), None);
        self.clamps.remove(&leg.key);
        if let Some(conversation) = self.places.remove(&leg.key) {
            self.drop_conversation(conversation);
        }
        let Some(own) = self.extensions.get_mut(&leg.key.extension) else { return };
        own.remove(leg);
        if own.is_empty() {
            self.extensions.remove(&leg.key.extension);
            self.changed.gone = true;
        }
    }
}

/// Of whom a leg shows which name.
fn learned(fact: &LegFact) -> Option<(Extension, LearnedName)> {
    let peer = Extension::try_from(fact.peer.as_deref()?).ok()?;
    let name = fact.peer_name.clone()?;
    Some((peer, LearnedName { at: fact.start, name, leg: fact.key.clone() }))
}
