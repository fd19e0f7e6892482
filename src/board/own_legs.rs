//! The legs of one extension in the order of time, so that its tile and its figures look at those that they are about.

use super::{
    SECOND,
    bundle::{Bundled, tile_leg},
    bundles::{LONG, Nth},
    fact::{ByLeg, LegFact, LegKey},
    tile::TimeOnCalls,
    window::{CELL, Window},
};
use crate::clock::Micros;
use parking_lot::Mutex;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

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
    /// The bundles with other legs of it, by the second in which the last state of such a leg ended.
    bundled: Vec<(u32, Nth)>,
    /// Of those, the ones with a leg that went on for long.
    long_bundled: Vec<Nth>,
    /// When the last state of the bundled legs ended, as its tile shows it.
    pub(super) last_end: Option<Micros>,
    /// How long it was in which state in a quarter of an hour that is over, as far as somebody asked.
    pub(super) times: Mutex<BTreeMap<Micros, TimeOnCalls>>,
}

impl OwnLegs {
    /// Takes a leg in the place of what was known of it.
    pub(super) fn put(&mut self, known: Option<&Arc<LegFact>>, leg: &Arc<LegFact>) {
        if let Some(known) = known {
            self.remove(known);
        }
        self.put_in_order(leg);
        self.forget_times(leg.start);
    }

    pub(super) fn remove(&mut self, leg: &Arc<LegFact>) {
        self.take_out(leg);
        self.forget_times(leg.start);
    }

    fn put_in_order(&mut self, leg: &Arc<LegFact>) {
        self.by_start.insert((leg.start, ByLeg(leg.clone())));
        self.by_end.insert((end(leg), ByLeg(leg.clone())));
        if is_long(leg) {
            self.long.insert((leg.start, ByLeg(leg.clone())));
        }
    }

    fn take_out(&mut self, leg: &Arc<LegFact>) {
        self.by_start.remove(&(leg.start, ByLeg(leg.clone())));
        self.by_end.remove(&(end(leg), ByLeg(leg.clone())));
        self.long.remove(&(leg.start, ByLeg(leg.clone())));
    }

    /// From then on it may have been in other states than it seemed.
    pub(super) fn forget_times(&mut self, since: Micros) {
        self.times.get_mut().retain(|cell, _| cell + CELL <= since);
    }

    /// Nobody asks for what was before that.
    pub(super) fn forget_times_before(&mut self, before: Micros) {
        self.times.get_mut().retain(|cell, _| *cell >= before);
    }

    /// A leg is in a bundle from now on.
    pub(super) fn put_away(&mut self, bundled: &Bundled, nth: Nth) {
        let (fact, _) = bundled;
        self.take_out(fact);
        let place = (second(fact), nth);
        let at = self.bundled.partition_point(|other| *other < place);
        self.bundled.insert(at, place);
        if is_long(fact) {
            self.long_bundled.push(nth);
        }
        self.last_end = self.last_end.max(tile_leg(bundled).last_end());
    }

    /// A leg is in no bundle any more. True where it may have been the last of them: when that ended is to be found anew.
    pub(super) fn bring_back(&mut self, bundled: &Bundled, nth: Nth) -> bool {
        self.forget_bundled(bundled, nth);
        self.put_in_order(&bundled.0);
        tile_leg(bundled).last_end() == self.last_end
    }

    /// A leg in a bundle is known no more.
    pub(super) fn forget_bundled(&mut self, (fact, _): &Bundled, nth: Nth) {
        if let Ok(at) = self.bundled.binary_search(&(second(fact), nth)) {
            self.bundled.remove(at);
        }
        if is_long(fact)
            && let Some(at) = self.long_bundled.iter().position(|other| *other == nth)
        {
            self.long_bundled.remove(at);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_start.is_empty() && self.bundled.is_empty()
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

    /// The bundles with legs that may have gone on in a window, each once.
    pub(super) fn bundled_within(&self, window: Window) -> BTreeSet<Nth> {
        let first = self.bundled.partition_point(|(end, _)| Micros::from(*end) * SECOND < window.from);
        let last = window.to.saturating_add(LONG + SECOND);
        let near = self.bundled[first..].iter().take_while(|(end, _)| Micros::from(*end) * SECOND <= last);
        near.map(|(_, nth)| *nth).chain(self.long_bundled.iter().copied()).collect()
    }

    /// The bundles with the legs that ended last.
    pub(super) fn last_bundled(&self) -> impl Iterator<Item = Nth> {
        self.bundled.iter().rev().take(LAST).map(|(_, nth)| *nth)
    }
}

fn end(leg: &LegFact) -> Micros {
    leg.spans.last().map_or(leg.start, |span| span.to.unwrap_or(NEVER))
}

/// The second in which its last state was over.
fn second(leg: &LegFact) -> u32 {
    u32::try_from(end(leg).div_ceil(SECOND)).unwrap_or(u32::MAX)
}

fn is_long(leg: &LegFact) -> bool {
    end(leg).saturating_sub(leg.start) > LONG
}
