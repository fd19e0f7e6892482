//! The legs of one extension in the order of time, so that its tile and its figures look at those that they are about.

use super::{
    SECOND,
    fact::{ByLeg, LegFact, LegKey},
    window::Window,
};
use crate::clock::Micros;
use std::{collections::BTreeSet, sync::Arc};

/// A leg that went on for longer stands among the long ones, too.
const LONG: Micros = 3600 * SECOND;
/// So many legs that are over are asked for the end of the last: some may be cut, and then another is the last.
const LAST: usize = 8;
/// Later than any time.
const NEVER: Micros = Micros::MAX;

/// Which legs an extension has.
#[derive(Debug, Default)]
pub(crate) struct OwnLegs {
    by_start: BTreeSet<(Micros, ByLeg)>,
    /// By when their last state ended; those that go on come last.
    by_end: BTreeSet<(Micros, ByLeg)>,
    long: BTreeSet<(Micros, ByLeg)>,
}

impl OwnLegs {
    /// Takes a leg in the place of what was known of it.
    pub(super) fn put(&mut self, known: Option<&Arc<LegFact>>, leg: &Arc<LegFact>) {
        if let Some(known) = known {
            self.remove(known);
        }
        self.by_start.insert((leg.start, ByLeg(leg.clone())));
        self.by_end.insert((end(leg), ByLeg(leg.clone())));
        if is_long(leg) {
            self.long.insert((leg.start, ByLeg(leg.clone())));
        }
    }

    pub(super) fn remove(&mut self, leg: &Arc<LegFact>) {
        self.by_start.remove(&(leg.start, ByLeg(leg.clone())));
        self.by_end.remove(&(end(leg), ByLeg(leg.clone())));
        self.long.remove(&(leg.start, ByLeg(leg.clone())));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_start.is_empty()
    }

    /// Those that a tile is made of: all that end later, and the last before that.
    pub(super) fn at(&self, now: Micros) -> impl Iterator<Item = &LegKey> {
        let mut before = 0;
        let wanted = move |(end, _): &&(Micros, ByLeg)| {
            before += usize::from(*end <= now);
            before <= LAST
        };
        self.by_end.iter().rev().take_while(wanted).map(|(_, leg)| &leg.0.key)
    }

    /// Those that may have gone on in a window.
    pub(super) fn within(&self, window: Window) -> impl Iterator<Item = &LegKey> {
        let from = window.from.saturating_sub(LONG);
        let near = self.by_start.iter().rev();
        let near = near.skip_while(move |(at, _)| *at >= window.to).take_while(move |(at, _)| *at >= from);
        let long = self.long.iter().take_while(move |(at, _)| *at < from);
        near.chain(long).map(|(_, leg)| &leg.0.key)
    }
}

fn end(leg: &LegFact) -> Micros {
    leg.spans.last().map_or(leg.start, |span| span.to.unwrap_or(NEVER))
}

fn is_long(leg: &LegFact) -> bool {
    end(leg).saturating_sub(leg.start) > LONG
}
