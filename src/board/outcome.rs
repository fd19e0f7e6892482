//! How a conversation went, by its legs and the time.

use super::{
    BoardRules,
    clamp::earlier,
    fact::{EndedBy, LegFact},
    rules::FARTHEST,
};
use crate::clock::Micros;
use serde::{Deserialize, Serialize};

/// Who called whom, by the first leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) enum ConversationKind {
    Inbound,
    Outbound,
    /// Within the tenant.
    Internal,
}

impl ConversationKind {
    /// When a leg was answered, as far as this counts for such a conversation.
    pub(super) fn answer(self, leg: &LegFact) -> Option<Micros> {
        if self == Self::Internal { leg.answer } else { leg.outside_answer() }
    }
}

/// How a conversation went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) enum ConversationOutcome {
    /// It rings, or stopped so lately that it may ring on elsewhere.
    Open,
    /// Somebody answered, also where it goes on.
    Answered,
    /// Inbound, and nobody answered.
    Missed,
    /// The same, given up before anybody could be blamed.
    Short,
    /// Outbound, and talked for long enough. It may have been a machine.
    Reached,
    /// Outbound, and answered for a moment.
    Connected,
    /// Not inbound, and not answered.
    NoAnswer,
    /// What is known does not say.
    Unknown,
}

/// What the legs that count say together.
pub(super) struct Standings<'a> {
    pub(super) kind: ConversationKind,
    /// They are those of the customer; within the tenant, the caller's.
    pub(super) legs: &'a [&'a LegFact],
    pub(super) start: Micros,
    /// When it rang is known.
    pub(super) rang: bool,
    pub(super) answer: Option<Micros>,
    /// How long it was talked until now.
    pub(super) talked: Micros,
}

impl Standings<'_> {
    pub(super) fn is_live(&self) -> bool {
        self.legs.iter().any(|leg| leg.is_live())
    }

    /// When all of it was over.
    pub(super) fn end(&self) -> Option<Micros> {
        let last = self.legs.iter().filter_map(|leg| leg.end).max();
        last.filter(|_| !self.is_live())
    }

    pub(super) fn is_answered(&self) -> bool {
        self.answer.is_some() || self.legs.iter().any(|leg| leg.is_answered())
    }

    /// The outcome, in whole seconds of `now`.
    pub(super) fn outcome(&self, rules: &BoardRules, now: Micros) -> ConversationOutcome {
        let outbound = self.kind == ConversationKind::Outbound;
        if self.is_answered() {
            return match outbound {
                true if self.talked >= rules.reached => ConversationOutcome::Reached,
                true => ConversationOutcome::Connected,
                false => ConversationOutcome::Answered,
            };
        }
        let Some(end) = self.end() else { return ConversationOutcome::Open };
        if !self.rang || self.legs.iter().any(|leg| leg.ended_by == Some(EndedBy::Expired)) {
            return ConversationOutcome::Unknown;
        }
        match self.kind {
            _ if now < end + FARTHEST => ConversationOutcome::Open,
            ConversationKind::Inbound if end - self.start >= rules.short => ConversationOutcome::Missed,
            ConversationKind::Inbound => ConversationOutcome::Short,
            _ => ConversationOutcome::NoAnswer,
        }
    }

    /// When time alone makes another outcome.
    pub(super) fn again_at(&self, rules: &BoardRules, now: Micros) -> Option<Micros> {
        let is_talking = self.is_live() && self.answer.is_some() && self.kind == ConversationKind::Outbound;
        let reached = is_talking.then(|| now + rules.reached.saturating_sub(self.talked));
        let settled = self.end().map(|end| end + FARTHEST).filter(|_| !self.is_answered());
        earlier(reached.filter(|at| *at > now), settled.filter(|at| *at > now))
    }
}
