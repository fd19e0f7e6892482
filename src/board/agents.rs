//! The figures of an extension: how it stands in the ring sets it was in, and what else it had part in.

use super::{
    conversation::Conversation,
    figures::{share, shown},
    handover::HandoverResult,
    outcome::{ConversationKind, ConversationOutcome},
    rings::RingStand,
    tile::TimeOnCalls,
    turn::Turn,
    window::Window,
};
use crate::{call::Direction, id::Extension};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// What an extension's conversations add up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct AgentTally {
    /// Ring sets that it was in: `took + passed + not_taken + brief + unknown + open`.
    pub(crate) rang: u64,
    pub(crate) took: u64,
    pub(crate) passed: u64,
    pub(crate) not_taken: u64,
    pub(crate) brief: u64,
    pub(crate) unknown: u64,
    pub(crate) open: u64,
    /// `not_taken` in a conversation that was missed.
    pub(crate) missed: u64,
    /// Inbound conversations that it answered first. Over all extensions they are what the tenant answered; `took` is
    /// more, since who is transferred is taken again.
    pub(crate) took_first: u64,
    /// Callers who were handed over to it.
    pub(crate) received: u64,
    /// Outbound conversations with a leg of its own, and those of them that reached somebody.
    pub(crate) out: u64,
    pub(crate) reached: u64,
    /// Conversations within the tenant with a leg of its own.
    pub(crate) internal: u64,
}

/// An extension's figures as they are shown: durations in whole milliseconds, cut off.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct AgentValues {
    #[serde(flatten)]
    pub(crate) tally: AgentTally,
    /// `talk + internal + hold`, each by the state that the tile showed.
    pub(crate) on_call_ms: u64,
    pub(crate) talk_ms: u64,
    pub(crate) hold_ms: u64,
    pub(crate) internal_ms: u64,
    pub(crate) ringing_ms: u64,
    /// `on_call / window`, where that has no end that is ahead. No occupancy: nobody knows the shift.
    pub(crate) on_call_share: Option<f64>,
}

impl AgentValues {
    /// The names of its values, in their order.
    pub(crate) const COLUMNS: [&'static str; 19] = [
        "rang",
        "took",
        "passed",
        "not_taken",
        "brief",
        "unknown",
        "open",
        "missed",
        "took_first",
        "received",
        "out",
        "reached",
        "internal",
        "on_call_ms",
        "talk_ms",
        "hold_ms",
        "internal_ms",
        "ringing_ms",
        "on_call_share",
    ];

    /// The values in that order.
    pub(crate) fn row(&self) -> ([u64; 18], Option<f64>) {
        let mut tally = self.tally;
        let mut row = [0; 18];
        for (value, count) in row.iter_mut().zip(tally.counts()) {
            *value = *count;
        }
        let times = [self.on_call_ms, self.talk_ms, self.hold_ms, self.internal_ms, self.ringing_ms];
        row[13..].copy_from_slice(&times);
        (row, self.on_call_share)
    }
}

impl AgentTally {
    /// Counts a conversation for each extension that had part in it, in or out.
    pub(super) fn take_all(turn: Turn, all: &mut BTreeMap<Extension, Self>, conversation: &Conversation) {
        let is_missed = conversation.outcome == ConversationOutcome::Missed;
        for (extension, stand) in conversation.ring_sets.iter().flat_map(|set| &set.members) {
            of(all, turn, extension, |tally| tally.take_ring(turn, *stand, is_missed));
        }
        let is_completed = |result| result == Some(HandoverResult::Completed);
        for handover in conversation.handovers.iter().filter(|it| is_completed(it.result)) {
            of(all, turn, &handover.to, |tally| turn.count(&mut tally.received, 1));
        }
        match conversation.kind {
            ConversationKind::Inbound => {
                if let Some(extension) = &conversation.answered_by {
                    of(all, turn, extension, |tally| turn.count(&mut tally.took_first, 1));
                }
            }
            ConversationKind::Outbound => {
                for extension in own(conversation, Some(Direction::Outbound)) {
                    let is_reached = conversation.outcome == ConversationOutcome::Reached;
                    of(all, turn, extension, |tally| {
                        turn.count(&mut tally.out, 1);
                        turn.count(&mut tally.reached, u64::from(is_reached));
                    });
                }
            }
            ConversationKind::Internal => {
                for extension in own(conversation, None) {
                    of(all, turn, extension, |tally| turn.count(&mut tally.internal, 1));
                }
            }
        }
    }

    fn take_ring(&mut self, turn: Turn, stand: RingStand, is_missed: bool) {
        turn.count(&mut self.rang, 1);
        let part = match stand {
            RingStand::Took => &mut self.took,
            RingStand::Passed => &mut self.passed,
            RingStand::NotTaken => &mut self.not_taken,
            RingStand::Brief => &mut self.brief,
            RingStand::Unknown => &mut self.unknown,
            RingStand::Open => &mut self.open,
        };
        turn.count(part, 1);
        turn.count(&mut self.missed, u64::from(is_missed && stand == RingStand::NotTaken));
    }

    pub(super) fn merge(&mut self, other: &Self) {
        let mut other = *other;
        for (ours, others) in self.counts().into_iter().zip(other.counts()) {
            *ours += *others;
        }
    }

    fn counts(&mut self) -> [&mut u64; 13] {
        [
            &mut self.rang,
            &mut self.took,
            &mut self.passed,
            &mut self.not_taken,
            &mut self.brief,
            &mut self.unknown,
            &mut self.open,
            &mut self.missed,
            &mut self.took_first,
            &mut self.received,
            &mut self.out,
            &mut self.reached,
            &mut self.internal,
        ]
    }

    /// The tally as it is shown, with how long the extension was in which state; with its share of the window where
    /// that is a rolling one.
    pub(crate) fn values(&self, time: &TimeOnCalls, rolling: Option<Window>) -> AgentValues {
        AgentValues {
            tally: *self,
            on_call_ms: shown(time.on_call()),
            talk_ms: shown(time.talk),
            hold_ms: shown(time.hold),
            internal_ms: shown(time.internal),
            ringing_ms: shown(time.ringing),
            on_call_share: rolling.and_then(|window| share(time.on_call(), window.to - window.from)),
        }
    }
}

/// Counts in the tally of an extension; one of nothing is not there.
fn of(
    all: &mut BTreeMap<Extension, AgentTally>,
    turn: Turn,
    extension: &Extension,
    count: impl FnOnce(&mut AgentTally),
) {
    if let Some(tally) = all.get_mut(extension) {
        count(tally);
        if turn == Turn::Goes && *tally == AgentTally::default() {
            all.remove(extension);
        }
    } else {
        count(all.entry(extension.clone()).or_default());
    }
}

/// The extensions with legs of a direction, each once.
fn own(conversation: &Conversation, direction: Option<Direction>) -> BTreeSet<&Extension> {
    let legs = conversation.legs.iter();
    let legs = legs.filter(|leg| direction.is_none_or(|wanted| leg.direct && leg.direction == wanted));
    legs.map(|leg| &leg.key.extension).collect()
}
