//! What a wallboard shows, computed from facts. Pure: no I/O, no clock reads, nothing of an engine or a socket.
//!
//! ```text
//! a leg's events  ->  LegFact  ->  Facts  ->  conversations  ->  figures
//!                                        \->  tiles  ->  time on calls
//! ```
//!
//! A [`LegFact`] is a function of one leg's events, a [`Conversation`] one of the facts around it and of the time in
//! whole seconds, a figure one of the conversations and of the states that tiles showed. No event counts anything up, so
//! duplicates, late events and restarts cannot make two answers: what totals keep is what counting anew would give. All durations are microseconds until they
//! are shown; then they are whole milliseconds, cut off.

mod agents;
mod alarms;
mod bundle;
mod bundles;
mod clamp;
mod cluster_leg;
mod conversation;
mod day;
mod fact;
mod facts;
mod figures;
mod group;
mod handover;
mod intervals;
mod joins;
mod ledger;
mod longest;
mod names;
mod now;
mod oddities;
mod outcome;
mod own_legs;
mod packed;
mod places;
mod prepared;
mod replaced;
mod rings;
mod rules;
mod shown;
mod tile;
mod times;
mod totals;
mod turn;
mod waits;
mod window;

#[cfg(test)]
mod tests;

pub(crate) use agents::{AgentTally, AgentValues};
pub(crate) use alarms::{Alarm, Alarms, tile_alarm};
pub(crate) use conversation::{Basis, Conversation, ConversationId};
pub(crate) use day::{DayFigures, DayKey, KnownDay, RolledUp, Sums, add_fresh, has_all, roll_up};
pub(crate) use fact::{LegFact, LegKey};
pub(crate) use facts::Facts;
pub(crate) use figures::{Figures, Membership, Tally, Values};
pub(crate) use group::{Grouping, group};
pub(crate) use ledger::Ledger;
pub(crate) use now::Now;
pub(crate) use oddities::Odd;
pub(crate) use outcome::{ConversationKind, ConversationOutcome};
pub(crate) use prepared::Prepared;
pub(crate) use replaced::tell_replaced;
pub(crate) use shown::ShownConversation;
pub(crate) use tile::{Tile, TileLeg, TimeOnCalls};
pub(crate) use window::{CELL, Hour, Window, WindowName, Zone};

use crate::clock::Micros;
use serde::de::{DeserializeOwned, IntoDeserializer, value::StrDeserializer};

/// A second, in microseconds.
const SECOND: Micros = 1_000_000;
/// So long after its last moment a cluster is put away: what belongs to it has come, mostly.
const PUT_AWAY: Micros = 30 * SECOND;
/// So long after its end a conversation is news to those who are told of all.
pub(crate) const LATELY: Micros = 15 * 60 * SECOND;

/// A value by the word that JSON has for it.
pub(crate) fn named<T: DeserializeOwned>(word: &str) -> Option<T> {
    let word: StrDeserializer<'_, serde::de::value::Error> = word.into_deserializer();
    T::deserialize(word).ok()
}

/// What a tenant agreed on, by which conversations and figures are read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BoardRules {
    /// Whoever is answered in this time was answered in time (`T` of the service level).
    pub(crate) answer_within: Micros,
    /// Whoever gives up sooner is no missed call.
    pub(crate) short: Micros,
    /// An outbound call that is talked for less reached nobody for certain.
    pub(crate) reached: Micros,
}

impl Default for BoardRules {
    fn default() -> Self {
        Self { answer_within: 20 * SECOND, short: 5 * SECOND, reached: 10 * SECOND }
    }
}
