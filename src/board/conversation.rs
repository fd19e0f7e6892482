//! A conversation: the legs that belong together, and what they say of it.

use super::{
    BoardRules, SECOND,
    clamp::{Clamps, earlier},
    cluster_leg::ClusterLeg,
    fact::{EndedBy, LegFact, LegKey, SpanState},
    handover::{Handover, handovers},
    joins::Joins,
    outcome::{ConversationKind, ConversationOutcome, Standings},
    replaced::Replaced,
    rings::RingSet,
    rules::{Certainty, Rule},
    times::Times,
};
use crate::{call::Direction, clock::Micros, id::Extension, id::SourceName};
use serde::{Deserialize, Serialize, Serializer};
use std::{fmt, sync::Arc};
use xxhash_rust::xxh3::Xxh3;

/// Which conversation it is: a hash of its first leg, the same on every node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(test, derive(ts_rs::TS), ts(type = "string"))]
pub(crate) struct ConversationId(u128);

/// Whether a conversation was seen or inferred.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) enum Basis {
    /// It is one leg, and its own hangup says how it went.
    Observed,
    Inferred,
}

/// A leg of which it is open whether it belongs here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Doubt {
    pub(crate) leg: LegKey,
    /// The conversations that it may belong to; this one first.
    pub(crate) candidates: Vec<ConversationId>,
}

/// What the legs of one cluster that belong together say. Durations are microseconds of what is finished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Conversation {
    pub(crate) id: ConversationId,
    pub(crate) source: SourceName,
    pub(crate) kind: ConversationKind,
    pub(crate) outcome: ConversationOutcome,
    pub(crate) basis: Basis,
    /// By which rules legs were joined, in their order.
    pub(crate) rules: Vec<Rule>,
    /// The least of those of its rules.
    pub(crate) certainty: Certainty,
    pub(crate) doubts: Vec<Doubt>,
    /// There were too many legs around it for any inference.
    pub(crate) capped: bool,
    pub(crate) number: Option<Arc<str>>,
    pub(crate) name: Option<Arc<str>>,
    /// The numbers that the caller dialled, where they are no extension's.
    pub(crate) lines: Vec<Arc<str>>,
    /// The least start of the legs that count: the customer's; within the tenant, the caller's.
    pub(crate) start: Micros,
    /// `start` is when it began to ring.
    pub(crate) rang: bool,
    /// The least answer of the legs that count.
    pub(crate) answer: Option<Micros>,
    /// The greatest end of the legs that count, once all of them ended.
    pub(crate) end: Option<Micros>,
    /// `answer - start`; not answered, `end - start`. None where either is not known.
    pub(crate) wait: Option<Micros>,
    /// The union of the active spans of the legs that count.
    pub(crate) talk: Micros,
    /// The union of their held spans, without `talk`.
    pub(crate) hold: Micros,
    /// `talk` and `hold` are all there was: it is over, and each leg hung up.
    pub(crate) timed: bool,
    /// With nobody for blind transfers, until they were answered.
    pub(crate) limbo: Option<Micros>,
    pub(crate) answered_by: Option<Extension>,
    /// Who talked, and how long, in the order of their answers.
    pub(crate) talked: Vec<(Extension, Micros)>,
    /// How often nobody answered and it rang on.
    pub(crate) hops: usize,
    pub(crate) handovers: Vec<Handover>,
    pub(crate) legs: Vec<Arc<LegFact>>,
    pub(crate) ring_sets: Vec<RingSet>,
    /// The ids that some of its legs had before.
    pub(crate) replaces: Vec<Replaced>,
    pub(crate) has_summary: bool,
    /// Somebody wrote of it.
    pub(crate) has_note: bool,
    /// It is open, and rings for longer than it was to be answered within.
    pub(super) late: bool,
    /// Some leg of it ended since nothing was heard of it any more.
    pub(crate) expired: bool,
    /// How long after its end somebody wrote of it: the soonest of what each of them said last.
    pub(crate) note_delay: Option<Micros>,
    /// A telephone rings for it, and nobody answered yet.
    pub(crate) ringing: bool,
    /// Since when the customer talks; none while nobody does.
    pub(crate) talking_since: Option<Micros>,
    /// Since when the customer is held, and talks to nobody.
    pub(crate) held_since: Option<Micros>,
}

/// A cluster whose legs are joined.
pub(super) struct Joined<'a> {
    pub(super) members: &'a [ClusterLeg<'a>],
    pub(super) joins: &'a Joins<'a>,
    pub(super) clamps: &'a Clamps,
    pub(super) rules: &'a BoardRules,
    /// In whole seconds.
    pub(super) now: Micros,
    pub(super) capped: bool,
}

impl ConversationId {
    pub(super) fn of(first: &LegFact) -> Self {
        let mut hash = Xxh3::new();
        hash.update(&first.start.to_le_bytes());
        for text in [first.key.extension.as_str(), first.key.id.as_str(), first.key.source.as_str()] {
            hash.update(&(text.len() as u64).to_le_bytes());
            hash.update(text.as_bytes());
        }
        Self(hash.digest128())
    }
}

impl ConversationId {
    /// As it is written.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let is_written = text.len() == 32 && text.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'));
        is_written.then(|| u128::from_str_radix(text, 16).ok()).flatten().map(Self)
    }
}

impl fmt::Display for ConversationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl Serialize for ConversationId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Joined<'_> {
    /// The conversation of these legs, which are sorted, and when time alone makes another of them.
    pub(super) fn conversation(&self, legs: &[usize]) -> (Conversation, Option<Micros>) {
        let first = self.members[legs[0]].fact;
        let kind = match (first.direct, first.direction) {
            (false, _) => ConversationKind::Internal,
            (true, Direction::Inbound) => ConversationKind::Inbound,
            (true, Direction::Outbound) => ConversationKind::Outbound,
        };
        let customers = self.customers(kind, legs);
        let there = customers.iter().filter(|leg| !self.clamps.is_ghost(**leg));
        let counted: Vec<&ClusterLeg<'_>> = there.map(|leg| &self.members[*leg]).collect();
        let all: Vec<&ClusterLeg<'_>> = legs.iter().map(|leg| &self.members[*leg]).collect();
        // Within the tenant, both sides talked.
        let talkers = if kind == ConversationKind::Internal { &all } else { &counted };
        let times = Times::of(kind, &counted, talkers, self.now);
        let facts: Vec<&LegFact> = counted.iter().map(|member| &**member.fact).collect();
        // A telephone whose end was lost began to ring like the others.
        let (start, rang) =
            opening(kind, &customers.iter().map(|leg| &**self.members[*leg].fact).collect::<Vec<_>>());
        let answer = facts.iter().filter_map(|leg| kind.answer(leg)).min();
        let standings = Standings { kind, legs: &facts, start, rang, answer, talked: times.talked_until_now };
        let outcome = standings.outcome(self.rules, self.now);
        let end = standings.end();
        let (rules, certainty) = self.inferred(legs);
        let is_seen = legs.len() == 1 && (first.is_live() || first.hangup().is_some());
        let conversation = Conversation {
            id: ConversationId::of(first),
            source: first.key.source.clone(),
            kind,
            outcome,
            basis: if is_seen { Basis::Observed } else { Basis::Inferred },
            rules,
            certainty: match certainty {
                // Each leg is one of its own, and it may well be that they belong together.
                _ if self.capped => Certainty::Low,
                Some(certainty) => certainty,
                None if is_seen => Certainty::High,
                None => Certainty::Medium,
            },
            doubts: Vec::new(),
            capped: self.capped,
            number: facts.iter().find_map(|leg| leg.number.clone()),
            name: facts.iter().find_map(|leg| leg.name.clone()),
            lines: lines(&facts),
            start,
            rang,
            answer,
            end,
            wait: wait(&standings, answer, end),
            talk: times.talk,
            hold: times.hold,
            timed: answer.is_some() && facts.iter().all(|leg| leg.hangup().is_some()),
            limbo: None,
            answered_by: answerer(kind, &facts),
            talked: times.talked,
            hops: 0,
            handovers: handovers(self.members, self.joins, legs),
            legs: legs.iter().map(|leg| self.members[*leg].fact.clone()).collect(),
            ring_sets: Vec::new(),
            replaces: Vec::new(),
            has_summary: legs.iter().any(|leg| self.members[*leg].fact.has_summary),
            has_note: legs.iter().any(|leg| self.members[*leg].fact.wrap_up.is_some()),
            late: false,
            expired: legs.iter().any(|leg| self.members[*leg].fact.ended_by == Some(EndedBy::Expired)),
            note_delay: end.and_then(|end| note_delay(&facts, end)),
            ringing: !standings.is_answered() && counted.iter().any(|it| is_ringing(it.fact)),
            talking_since: times.talking_since,
            held_since: times.held_since,
        };
        let late_at = conversation.late_at(self.rules.answer_within);
        let late = late_at.is_some_and(|at| at <= self.now);
        let again_at = earlier(standings.again_at(self.rules, self.now), late_at.filter(|at| *at > self.now));
        (self.with_rings(Conversation { late, ..conversation }, legs), again_at)
    }

    /// The customer's legs; within the tenant, the caller's.
    fn customers(&self, kind: ConversationKind, legs: &[usize]) -> Vec<usize> {
        let find =
            |is: &dyn Fn(&LegFact) -> bool| legs.iter().copied().find(|leg| is(self.members[*leg].fact));
        if kind == ConversationKind::Internal {
            let callers = find(&|leg| leg.direction == Direction::Outbound && !leg.direct);
            return callers.or(legs.first().copied()).into_iter().collect();
        }
        legs.iter().copied().filter(|leg| self.members[*leg].is_customers()).collect()
    }

    /// The rules that were used, and the least certainty of them.
    fn inferred(&self, legs: &[usize]) -> (Vec<Rule>, Option<Certainty>) {
        let root = self.joins.root(legs[0]);
        let taken = || self.joins.taken.iter().filter(|edge| self.joins.root(edge.a()) == root);
        let mut rules: Vec<Rule> = taken().map(|edge| edge.rule).collect();
        rules.sort_unstable();
        rules.dedup();
        (rules, taken().map(|edge| edge.certainty).min())
    }

    fn with_rings(&self, conversation: Conversation, legs: &[usize]) -> Conversation {
        let mut ring_sets = Vec::new();
        for root in legs.iter().filter(|leg| self.joins.rings.root(**leg) == **leg) {
            let rang: Vec<usize> =
                legs.iter().copied().filter(|leg| self.joins.rings.root(*leg) == *root).collect();
            let entered = self.joins.entries.get(root).map(|entry| entry.rule);
            ring_sets.extend(RingSet::of(self.members, &rang, self.clamps, entered, self.rules.short));
        }
        let limbo = conversation.handovers.iter().filter_map(|handover| handover.limbo);
        Conversation {
            hops: ring_sets.iter().filter(|set| set.entered == Some(Rule::Hop)).count(),
            limbo: limbo.reduce(|one, other| one + other),
            ring_sets,
            ..conversation
        }
    }
}

impl Conversation {
    /// Whether it is open where some leg of it belongs.
    pub(crate) fn is_ambiguous(&self) -> bool {
        !self.doubts.is_empty()
    }

    /// Whether it is known how long was talked, and held: so far, where it goes on.
    pub(crate) fn has_durations(&self) -> bool {
        self.timed || self.end.is_none() || self.answered_by.is_none()
    }

    /// From when on it is open and rings for too long; none where it never does.
    fn late_at(&self, answer_within: Micros) -> Option<Micros> {
        let at = self.start.saturating_add(answer_within).saturating_add(1);
        let rings = self.outcome == ConversationOutcome::Open && self.rang;
        (rings && self.end.is_none_or(|end| at <= end)).then_some(at)
    }

    /// Whether it is open at a time, in whole seconds, and rang for longer than that.
    pub(super) fn is_late(&self, answer_within: Micros, now: Micros) -> bool {
        self.late_at(answer_within).is_some_and(|at| at <= now - now % SECOND)
    }

    /// Whether nobody knows how it went.
    pub(crate) fn is_unknown(&self) -> bool {
        self.outcome == ConversationOutcome::Unknown
    }

    /// Whether it had ended by a time.
    pub(crate) fn is_over(&self, at: Micros) -> bool {
        self.end.is_some_and(|end| end <= at)
    }
}

fn is_ringing(fact: &LegFact) -> bool {
    fact.is_live() && fact.spans.last().is_some_and(|span| span.state == SpanState::Ringing)
}

/// The least start, and whether that leg rang then.
fn opening(kind: ConversationKind, legs: &[&LegFact]) -> (Micros, bool) {
    let start = |leg: &&LegFact| match kind {
        ConversationKind::Internal => leg.start,
        _ => leg.outside_start().unwrap_or(leg.start),
    };
    let first = legs.iter().min_by_key(|leg| start(leg));
    first.map_or((0, false), |leg| (start(leg), leg.rang && start(leg) == leg.start))
}

/// Who answered first; of a call that only a summary says was answered, whose summary that is.
fn answerer(kind: ConversationKind, legs: &[&LegFact]) -> Option<Extension> {
    let answered = legs.iter().filter(|leg| kind.answer(leg).is_some() || leg.is_answered());
    let first = answered.min_by_key(|leg| kind.answer(leg).unwrap_or(Micros::MAX))?;
    // The caller's leg counts within the tenant, and the other side answers it.
    if kind == ConversationKind::Internal && first.direction == Direction::Outbound {
        return first.peer.as_deref().and_then(|peer| Extension::try_from(peer).ok());
    }
    Some(first.key.extension.clone())
}

fn wait(standings: &Standings<'_>, answer: Option<Micros>, end: Option<Micros>) -> Option<Micros> {
    let until = if standings.is_answered() { answer } else { end };
    until.filter(|_| standings.rang).map(|until| until.saturating_sub(standings.start))
}

fn note_delay(legs: &[&LegFact], end: Micros) -> Option<Micros> {
    let notes = legs.iter().filter_map(|leg| leg.wrap_up.as_ref());
    notes.filter_map(|note| note.at.checked_sub(end)).min()
}

fn lines(legs: &[&LegFact]) -> Vec<Arc<str>> {
    let mut lines: Vec<Arc<str>> = legs.iter().filter_map(|leg| leg.line.clone()).collect();
    lines.sort_unstable();
    lines.dedup();
    lines
}
