//! The hot path of an event without its I/O: parse what came, fold the leg, encode the frame. For
//! its benchmark, which has no process to ask.

use crate::{
    call::{Call, CallEvent, Leg, LegKey, Rules},
    config::Source,
    protocol::ServerFrame,
    source::{Received, telsmart},
};
use std::time::Duration;

const RULES: Rules =
    Rules { ringing_stale_after: Duration::from_secs(180), active_stale_after: Duration::from_secs(14_400) };

/// Events of one leg, as a provider sent them.
pub struct Parsed {
    key: LegKey,
    events: Vec<CallEvent>,
}

/// A leg that took its events.
pub struct TakenLeg<'a> {
    key: &'a LegKey,
    leg: Leg,
}

/// The call that a leg folds to.
pub struct Folded(Call);

/// Parses one body; gives how many events are in it.
pub fn parse(body: &str) -> usize {
    parse_as_telsmart(body).map_or(0, |events| events.len())
}

fn parse_as_telsmart(body: &str) -> Option<Vec<Received>> {
    telsmart::parse(&Source::telsmart()?, body.as_bytes()).ok()
}

impl Parsed {
    /// Parses bodies, a line each, of which all are about one leg; none where there is no event.
    pub fn lines(bodies: &str) -> Option<Self> {
        let parsed = bodies.lines().filter_map(parse_as_telsmart).flatten();
        let events = parsed.filter_map(|received| match received {
            Received::Call(event) => Some(event),
            Received::Unknown(_) => None,
        });
        let events: Vec<CallEvent> = events.collect();
        Some(Self { key: events.first()?.key(), events })
    }

    /// Adds the events to a leg.
    pub fn take(&self) -> TakenLeg<'_> {
        let mut leg = Leg::default();
        for event in &self.events {
            leg.add(event.event.clone());
        }
        TakenLeg { key: &self.key, leg }
    }
}

impl TakenLeg<'_> {
    /// Folds the leg.
    pub fn fold(&self) -> Option<Folded> {
        self.leg.fold(self.key, &RULES).map(Folded)
    }
}

impl Folded {
    /// Encodes the call's frame; gives its length.
    pub fn encode(&self) -> usize {
        ServerFrame::Call { seq: 1, call: &self.0 }.encode().as_bytes().len()
    }
}
