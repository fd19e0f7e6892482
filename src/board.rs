//! What a wallboard shows, computed from facts. Pure: no I/O, no clock reads, nothing of an engine or a socket.
//!
//! ```text
//! a leg's events  ->  LegFact  ->  Facts  ->  conversations  ->  figures
//!                                        \->  tiles  ->  time on calls
//! ```
//!
//! A [`LegFact`] is a function of one leg's events, a [`Conversation`] one of the facts around it and of the time in
//! whole seconds, a figure one of the conversations and of the states that tiles showed. Nothing is counted up by an
//! event, so duplicates, late events and restarts cannot make two answers. All durations are microseconds until they
//! are shown; then they are whole milliseconds, cut off.

mod agents;
mod clamp;
mod cluster_leg;
mod conversation;
mod fact;
mod facts;
mod figures;
mod group;
mod handover;
mod intervals;
mod joins;
mod now;
mod outcome;
mod replaced;
mod rings;
mod rules;
mod shown;
mod tile;
mod waits;
mod window;

#[cfg(test)]
mod tests;

pub(crate) use agents::AgentTally;
pub(crate) use conversation::Conversation;
pub(crate) use fact::{LegFact, LegKey};
pub(crate) use facts::Facts;
pub(crate) use figures::{Figures, Membership};
pub(crate) use group::{Grouping, group};
pub(crate) use now::Now;
pub(crate) use replaced::tell_replaced;
pub(crate) use shown::ShownConversation;
pub(crate) use tile::{Tile, TileLeg, TimeOnCalls};
pub(crate) use window::{Hour, WindowName, Zone};

use crate::clock::Micros;

/// A second, in microseconds.
const SECOND: Micros = 1_000_000;

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
