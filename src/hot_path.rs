//! The hot path of an event without its I/O: parse what came, fold the leg, encode the frame; and what a board
//! computes of it. For its benchmark, which has no process to ask.

mod board;

pub use board::BoardLegs;

use crate::{
    call::Rules,
    config::Source,
    id::ItemKey,
    item::{Item, ItemEvent, ItemSet},
    protocol::ServerFrame,
    source::{Received, telsmart},
};
use std::time::Duration;

const RULES: Rules =
    Rules { ringing_stale_after: Duration::from_secs(180), active_stale_after: Duration::from_secs(14_400) };

/// Events of one leg, as a provider sent them.
pub struct Parsed {
    key: ItemKey,
    events: Vec<ItemEvent>,
}

/// A leg that took its events.
pub struct TakenLeg<'a> {
    key: &'a ItemKey,
    leg: ItemSet,
}

/// The call that a leg folds to.
pub struct Folded(Item);

/// Parses one body; gives how many events are in it.
pub fn parse(body: &str) -> usize {
    parse_as_telsmart(body).map_or(0, |events| events.len())
}

fn parse_as_telsmart(body: &str) -> Option<Vec<Received>> {
    telsmart::parse(&Source::unguarded(telsmart::PROVIDER.kind)?, body.as_bytes()).ok()
}

impl Parsed {
    /// Parses bodies, a line each, of which all are about one leg; none where there is no event.
    pub fn lines(bodies: &str) -> Option<Self> {
        let parsed = bodies.lines().filter_map(parse_as_telsmart).flatten();
        let events = parsed.filter_map(|received| match received {
            Received::Item(event) => Some(event),
            Received::Unknown(_) => None,
        });
        let events: Vec<ItemEvent> = events.collect();
        Some(Self { key: events.first()?.key.clone(), events })
    }

    /// Adds the events to a leg.
    pub fn take(&self) -> TakenLeg<'_> {
        let mut leg = ItemSet::after(self.key.kind, 0);
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
        match &self.0 {
            Item::Call(call) => ServerFrame::Call { seq: 1, call },
            Item::Notice(notice) => ServerFrame::Notice { seq: 1, notice },
        }
        .encode()
        .as_bytes()
        .len()
    }
}
