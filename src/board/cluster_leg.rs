//! The legs of a cluster as the rules see them: what each comparison would compute again is computed once.

use super::{
    fact::{LegFact, SpanState},
    intervals::{Interval, union},
};
use crate::{
    call::Direction,
    clock::Micros,
    id::{Extension, SourceName},
};
use hashbrown::HashMap;
use std::sync::Arc;

/// A leg of a cluster.
pub(super) struct ClusterLeg<'a> {
    pub(super) fact: &'a Arc<LegFact>,
    /// Which of the cluster's extensions it is of.
    extension: usize,
    /// Which of the cluster's outside numbers is its own, of its source; none where it is nobody's.
    pub(super) number: Option<usize>,
    /// It rang for somebody outside from its beginning.
    pub(super) rings: bool,
    /// When it stopped ringing: its answer, or its hangup. None while it rings, and where that is not known.
    pub(super) ring_end: Option<Micros>,
    /// Its hangup, where nobody had answered.
    pub(super) unanswered_end: Option<Micros>,
    /// Its hangup, where somebody had talked with the outside until then.
    pub(super) answered_end: Option<Micros>,
    /// From when until when somebody outside talked or was held, without end while that goes on.
    pub(super) talk: Option<Interval>,
}

impl<'a> ClusterLeg<'a> {
    fn of(fact: &'a Arc<LegFact>, extension: usize, number: Option<usize>) -> Self {
        let hangup = fact.hangup();
        let is_answered = fact.is_answered();
        let ends_outside = fact.spans.last().is_some_and(|span| !span.internal);
        let until = if fact.is_live() { fact.reach } else { fact.end.unwrap_or(fact.reach) };
        Self {
            rings: fact.rang && fact.direct && fact.direction == Direction::Inbound,
            ring_end: fact.answer.or(hangup),
            unanswered_end: hangup.filter(|_| !is_answered),
            answered_end: hangup.filter(|_| is_answered && ends_outside),
            talk: fact.outside_answer().map(|answer| (answer, until)),
            extension,
            number,
            fact,
        }
    }

    /// All legs of a cluster, in their order.
    pub(super) fn all(facts: impl Iterator<Item = &'a Arc<LegFact>>) -> Vec<Self> {
        let mut extensions: HashMap<&Extension, usize> = HashMap::new();
        let mut numbers: HashMap<(&SourceName, &str), usize> = HashMap::new();
        let mut legs: Vec<Self> = facts
            .map(|fact| {
                let next = numbers.len();
                let number = fact.number.as_deref();
                let number = number.map(|it| *numbers.entry((&fact.key.source, it)).or_insert(next));
                let next = extensions.len();
                let extension = *extensions.entry(&fact.key.extension).or_insert(next);
                Self::of(fact, extension, number)
            })
            .collect();
        legs.sort_unstable_by(|one, other| {
            (one.fact.start, &one.fact.key).cmp(&(other.fact.start, &other.fact.key))
        });
        legs
    }

    /// Whether its outside number is the other's, of the same source; the withheld ones are each nobody's.
    pub(super) fn has_number_of(&self, other: &Self) -> bool {
        self.number.is_some() && self.number == other.number
    }

    /// Whether both callers withheld their number.
    pub(super) fn is_withheld_like(&self, other: &Self) -> bool {
        self.is_withheld() && other.is_withheld() && self.is_beside(other)
    }

    pub(super) fn is_withheld(&self) -> bool {
        self.fact.external && self.fact.number.is_none()
    }

    pub(super) fn is_elsewhere_than(&self, other: &Self) -> bool {
        self.extension != other.extension
    }

    fn is_beside(&self, other: &Self) -> bool {
        self.fact.key.source == other.fact.key.source
    }

    /// Whether it is somebody outside who talks here.
    pub(super) fn is_customers(&self) -> bool {
        self.fact.external && self.fact.outside_start().is_some()
    }

    /// Its stretches in a state, with a colleague or with the outside; what goes on ends now.
    pub(super) fn stretches(&self, state: SpanState, internal: bool, now: Option<Micros>) -> Vec<Interval> {
        let wanted = self.fact.spans.iter().filter(|span| (span.state, span.internal) == (state, internal));
        union(wanted.filter_map(|span| Some((span.from, span.to.or(now)?))).collect())
    }
}
