//! The rules by which two legs belong to one conversation: each gives candidates, with how near and how certain they
//! are. Which of them are taken is in `joins.rs`.

use super::{SECOND, cluster_leg::ClusterLeg};
use crate::{call::Direction, clock::Micros};
use serde::Serialize;

/// Why two legs belong together. In this order they are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) enum Rule {
    /// The two sides of a call within the tenant.
    Pair,
    /// A receiver's leg and the leg that it was handed over from.
    Attended,
    /// Telephones that rang together for one caller.
    RingGroup,
    /// Nobody answered here, and it went on to ring there.
    Hop,
    /// A caller who was answered here and then rang there.
    Blind,
}

/// How sure it is that an inference is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) enum Certainty {
    Low,
    Medium,
    High,
}

/// A candidate: `b` belongs to `a`, or the other way round.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edge {
    pub(super) rule: Rule,
    /// Taken after the others of its rule.
    pub(super) later: bool,
    /// How far it is from what the rule expects, in microseconds.
    pub(super) near: Micros,
    a: u16,
    b: u16,
    pub(super) certainty: Certainty,
}

/// No rule joins legs with more between the end of one and the start of the other.
pub(super) const FARTHEST: Micros = 6 * SECOND;
/// Stamps of one moment differ by so much at most.
const MOMENT: Micros = SECOND;
/// The latest start of the called side of a pair, and where most of them are.
const PAIR: (Micros, Micros) = (5 * SECOND, SECOND / 2);
/// How long after its transferor's leg a receiver's may start.
const HANDOVER: Micros = 2 * SECOND;
/// Telephones of a ring group start to ring within it.
pub(super) const TOGETHER: Micros = 3 * SECOND;
/// Of callers who withhold their number, that is how close stamps must be.
pub(super) const WITHHELD: Micros = SECOND / 2;

impl Edge {
    /// A crowd has tens of thousands of them, which are sorted: legs are small numbers, since a cluster has few.
    fn new(
        rule: Rule,
        later: bool,
        (near, certainty): (Micros, Certainty),
        legs: (usize, usize),
    ) -> Option<Self> {
        let (a, b) = (u16::try_from(legs.0).ok()?, u16::try_from(legs.1).ok()?);
        Some(Self { rule, later, near, a, b, certainty })
    }

    /// The caller's leg of a pair, the transferor's of a transfer, the earlier of a hop.
    pub(super) fn a(&self) -> usize {
        self.a.into()
    }

    pub(super) fn b(&self) -> usize {
        self.b.into()
    }

    /// The order in which candidates are taken.
    pub(super) fn order(&self) -> (Rule, bool, Micros, u16, u16) {
        (self.rule, self.later, self.near, self.a, self.b)
    }
}

/// All candidates among members that are sorted by start, in no order, and how many pairs of legs were compared for it.
pub(super) fn candidates(members: &[ClusterLeg<'_>]) -> (Vec<Edge>, usize) {
    let (mut edges, mut steps) = (Vec::new(), 0);
    for (i, one) in members.iter().enumerate() {
        let last = one.fact.until().saturating_add(FARTHEST);
        for (j, other) in members.iter().enumerate().skip(i + 1) {
            if other.fact.start > last {
                break;
            }
            steps += 1;
            compare(members, i, j, &mut edges);
            compare(members, j, i, &mut edges);
            if one.has_number_of(other) || one.is_withheld_like(other) {
                edges.extend(
                    ring_group(one, other).and_then(|found| Edge::new(Rule::RingGroup, false, found, (i, j))),
                );
            }
        }
    }
    (edges, steps)
}

/// The rules in which it matters which of two legs is which.
fn compare(members: &[ClusterLeg<'_>], i: usize, j: usize, edges: &mut Vec<Edge>) {
    let (a, b) = (&members[i], &members[j]);
    let mut add = |rule, later, found| edges.extend(Edge::new(rule, later, found, (i, j)));
    if a.fact.peer.is_some() && b.fact.peer.is_some() {
        pair(a, b).into_iter().for_each(|found| add(Rule::Pair, false, found));
    }
    if b.fact.transfer.is_some() {
        attended(a, b).into_iter().for_each(|found| add(Rule::Attended, false, found));
    }
    if b.rings && (a.unanswered_end.is_some() || a.answered_end.is_some()) {
        hop(a, b, i < j).into_iter().for_each(|found| add(Rule::Hop, false, found));
        blind(a, b).into_iter().for_each(|found| add(Rule::Blind, !a.fact.held_at_end, found));
    }
}

type Near = Option<(Micros, Certainty)>;

/// `a` calls `b` within the tenant: -1 s <= `b.start - a.start` <= 5 s, and answers within a second where both have one.
fn pair(a: &ClusterLeg<'_>, b: &ClusterLeg<'_>) -> Near {
    let (caller, called) = (a.fact, b.fact);
    let is_call = (caller.direction, called.direction) == (Direction::Outbound, Direction::Inbound);
    if !is_call || caller.direct || called.direct || caller.key.source != called.key.source {
        return None;
    }
    let names = |peer: &Option<_>, extension: &str| peer.as_deref() == Some(extension);
    if !names(&caller.peer, called.key.extension.as_str())
        || !names(&called.peer, caller.key.extension.as_str())
    {
        return None;
    }
    let (latest, usual) = PAIR;
    let is_in_time = called.start + MOMENT >= caller.start && called.start <= caller.start + latest;
    let answers = caller.answer.zip(called.answer);
    if !is_in_time || answers.is_some_and(|(one, other)| one.abs_diff(other) > MOMENT) {
        return None;
    }
    let has_one_end = caller.hangup().zip(called.hangup()).is_some_and(|(one, other)| one == other);
    let is_high = answers.is_some_and(|(one, other)| one == other) || has_one_end;
    let near = called.start.abs_diff(caller.start + usual);
    Some((near, if is_high { Certainty::High } else { Certainty::Medium }))
}

/// `b` was told of a transfer from the extension of `a`, of the caller who is on `a`. The latest `a` is nearest.
fn attended(a: &ClusterLeg<'_>, b: &ClusterLeg<'_>) -> Near {
    let (from, receiver) = (a.fact, b.fact);
    let transfer = receiver.transfer.as_ref()?;
    let original = transfer.original.as_ref()?;
    let is_it = from.number.as_ref() == Some(original)
        && transfer.via.as_deref() == Some(from.key.extension.as_str())
        && a.is_elsewhere_than(b)
        && from.key.source == receiver.key.source;
    let is_in_time = from.start <= receiver.start && receiver.start <= from.reach + HANDOVER;
    (is_it && is_in_time).then(|| (receiver.start - from.start, Certainty::High))
}

/// Both ring for one caller at the same time, and start within 3 s, or one stops without an answer within a second of
/// the other's end of ringing. What agrees is nearer than what is not known yet.
fn ring_group(a: &ClusterLeg<'_>, b: &ClusterLeg<'_>) -> Near {
    if !a.rings || !b.rings || !a.is_elsewhere_than(b) || !is_overlapping(a, b) {
        return None;
    }
    let starts = a.fact.start.abs_diff(b.fact.start);
    let ends = a.ring_end.zip(b.ring_end).map(|(one, other)| one.abs_diff(other));
    if a.is_withheld() {
        let is_close = starts <= WITHHELD && ends.is_some_and(|ends| ends <= WITHHELD);
        return is_close.then(|| (starts + ends.unwrap_or_default(), Certainty::Low));
    }
    let has_unanswered = a.unanswered_end.is_some() || b.unanswered_end.is_some();
    let is_one_end = has_unanswered && ends.is_some_and(|ends| ends <= MOMENT);
    let near = starts.min(TOGETHER) + ends.map_or(MOMENT, |ends| ends.min(MOMENT));
    match (starts <= TOGETHER, is_one_end) {
        (true, true) => Some((near, Certainty::High)),
        (true, false) | (false, true) => Some((near, Certainty::Medium)),
        (false, false) => None,
    }
}

fn is_overlapping(a: &ClusterLeg<'_>, b: &ClusterLeg<'_>) -> bool {
    let starts = a.fact.start.max(b.fact.start);
    let ends = a.ring_end.unwrap_or(Micros::MAX).min(b.ring_end.unwrap_or(Micros::MAX));
    starts < ends || a.fact.start == b.fact.start
}

/// Nobody answered `a`, and -1 s to 6 s after its end the same caller rings at `b`.
fn hop(a: &ClusterLeg<'_>, b: &ClusterLeg<'_>, a_is_first: bool) -> Near {
    let end = a.unanswered_end?;
    let start = b.fact.start;
    let is_in_time = start + MOMENT >= end && start <= end + FARTHEST;
    (a_is_first && a.rings && a.has_number_of(b) && is_in_time)
        .then(|| (start.abs_diff(end), Certainty::Medium))
}

/// Somebody talked with the caller on `a`, and -1 s to 2 s after its end the same caller rings elsewhere, at `b`.
fn blind(a: &ClusterLeg<'_>, b: &ClusterLeg<'_>) -> Near {
    let end = a.answered_end?;
    let start = b.fact.start;
    let (gap, held) = (start.abs_diff(end), a.fact.held_at_end);
    let is_in_time = start + MOMENT >= end && start <= end + HANDOVER;
    if !is_in_time || !a.is_elsewhere_than(b) {
        return None;
    }
    if a.has_number_of(b) {
        return Some((gap, if held { Certainty::High } else { Certainty::Low }));
    }
    (a.is_withheld_like(b) && held && gap <= WITHHELD).then_some((gap, Certainty::Low))
}
