//! The tile of an extension: in which state it is, and how long it was in which. Time figures are the integral of exactly
//! the state that the tile showed.

use super::{
    clamp::{Clamp, ClampRule},
    fact::{LegFact, LegKey, SpanState},
};
use crate::{call::Direction, clock::Micros};

/// A leg of the extension, and from when on the board takes it for over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TileLeg<'a> {
    pub(crate) fact: &'a LegFact,
    pub(crate) clamp: Option<Clamp>,
}

/// The states of a tile, the strongest last: of an extension's legs the strongest is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum TileState {
    #[default]
    NoCall,
    RingingOut,
    RingingIn,
    Held,
    Active,
}

/// What a tile shows at a time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tile {
    pub(crate) state: TileState,
    /// Since when; with no call, since the end of the last. None where there was none.
    pub(crate) since: Option<Micros>,
    /// The other side is an extension too.
    pub(crate) internal: bool,
    /// The leg whose state it is.
    pub(crate) leg: Option<LegKey>,
    /// How many legs are in any state.
    pub(crate) legs: usize,
    /// Nothing came of it for so long that it may be over.
    pub(crate) unconfirmed: bool,
    /// A leg is said to go on that the board takes for over.
    pub(crate) clamped: bool,
}

/// A stretch of a tile in one state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TileSpan {
    pub(crate) state: TileState,
    pub(crate) internal: bool,
    pub(crate) from: Micros,
    pub(crate) to: Micros,
}

/// How long a tile was in which state, in microseconds: a union over legs, so no moment counts twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TimeOnCalls {
    /// Active with the outside.
    pub(crate) talk: Micros,
    /// Active with a colleague.
    pub(crate) internal: Micros,
    pub(crate) hold: Micros,
    /// Ringing, in either direction.
    pub(crate) ringing: Micros,
}

/// A span of one of the legs, as a tile takes it.
#[derive(Clone, Copy)]
struct Stretch<'a> {
    state: TileState,
    from: Micros,
    to: Option<Micros>,
    internal: bool,
    leg: TileLeg<'a>,
}

impl<'a> TileLeg<'a> {
    /// Its spans, cut where the board takes it for over. A ghost is shown, unconfirmed, and counts in no time.
    fn stretches(self, shown: bool) -> impl Iterator<Item = Stretch<'a>> {
        let cut =
            self.clamp.filter(|clamp| !shown || clamp.why == ClampRule::ConsultTail).map(|clamp| clamp.at);
        self.fact.spans.iter().filter_map(move |span| {
            let state = match (span.state, self.fact.direction) {
                (SpanState::Active, _) => TileState::Active,
                (SpanState::Held, _) => TileState::Held,
                (SpanState::Ringing, Direction::Inbound) => TileState::RingingIn,
                (SpanState::Ringing, Direction::Outbound) => TileState::RingingOut,
            };
            let to = cut.into_iter().chain(span.to).min();
            let stretch = Stretch { state, from: span.from, to, internal: span.internal, leg: self };
            to.is_none_or(|to| span.from < to).then_some(stretch)
        })
    }

    /// When the last state ended that a tile shows of it.
    pub(super) fn last_end(self) -> Option<Micros> {
        self.stretches(true).filter_map(|stretch| stretch.to).max()
    }

    fn is_unconfirmed(self, at: Micros) -> bool {
        let is_ghost = self.clamp.is_some_and(|clamp| clamp.is_ghost());
        self.fact.is_live() && (is_ghost || self.fact.reach < at)
    }

    fn is_clamped(self, at: Micros) -> bool {
        let is_cut = |clamp: Clamp| clamp.why == ClampRule::ConsultTail && clamp.at <= at;
        self.clamp.is_some_and(is_cut) && self.fact.end.is_none_or(|end| at < end)
    }
}

impl Stretch<'_> {
    fn covers(&self, at: Micros) -> bool {
        self.from <= at && self.to.is_none_or(|to| at < to)
    }

    /// The strongest; of equals the later, and then in the order of legs.
    fn strength(&self) -> (TileState, Micros, &LegKey) {
        (self.state, self.from, &self.leg.fact.key)
    }
}

impl Tile {
    /// What the tile of an extension with these legs shows at a time.
    pub(crate) fn at(legs: &[TileLeg<'_>], at: Micros) -> Self {
        let all = || legs.iter().flat_map(|leg| leg.stretches(true));
        let standing = || all().filter(|stretch| stretch.covers(at));
        let clamped = legs.iter().any(|leg| leg.is_clamped(at));
        let Some(strongest) = standing().max_by(|one, other| one.strength().cmp(&other.strength())) else {
            let since = all().filter_map(|stretch| stretch.to).filter(|to| *to <= at).max();
            return Self { since, clamped, ..Self::default() };
        };
        Self {
            state: strongest.state,
            since: Some(strongest.from),
            internal: strongest.internal,
            leg: Some(strongest.leg.fact.key.clone()),
            // At one time a leg has one span.
            legs: standing().count(),
            unconfirmed: strongest.leg.is_unconfirmed(at),
            clamped,
        }
    }
}

/// Since when an extension with these legs is in the state of a time that counts; none where it is in none.
pub(crate) fn running_since(legs: &[TileLeg<'_>], at: Micros) -> Option<Micros> {
    let standing = legs.iter().flat_map(|leg| leg.stretches(false)).filter(|stretch| stretch.covers(at));
    let strongest = standing.max_by(|one, other| one.strength().cmp(&other.strength()));
    strongest.map(|stretch| stretch.from)
}

/// The states of an extension with these legs, one after the other, without the times of no call. What goes on ends at
/// `to`.
pub(crate) fn states(legs: &[TileLeg<'_>], from: Micros, to: Micros) -> Vec<TileSpan> {
    let mut coming: Vec<Stretch<'_>> = legs.iter().flat_map(|leg| leg.stretches(false)).collect();
    coming.retain(|stretch| stretch.from < to && stretch.to.is_none_or(|end| from < end));
    coming.sort_unstable_by_key(|stretch| stretch.from);
    let ends = coming.iter().map(|stretch| stretch.to.unwrap_or(to).min(to));
    let mut turns: Vec<Micros> = coming.iter().map(|stretch| stretch.from.max(from)).chain(ends).collect();
    turns.sort_unstable();
    turns.dedup();
    let (mut standing, mut next) = (Vec::<Stretch<'_>>::new(), 0);
    let mut states: Vec<TileSpan> = Vec::new();
    for turn in turns.windows(2) {
        standing.retain(|stretch| stretch.covers(turn[0]));
        while let Some(stretch) = coming.get(next).filter(|stretch| stretch.from <= turn[0]) {
            standing.extend(stretch.covers(turn[0]).then_some(*stretch));
            next += 1;
        }
        let strongest = standing.iter().max_by(|one, other| one.strength().cmp(&other.strength()));
        let Some(Stretch { state, internal, .. }) = strongest.copied() else { continue };
        match states.last_mut() {
            Some(last) if (last.state, last.internal, last.to) == (state, internal, turn[0]) => {
                last.to = turn[1]
            }
            _ => states.push(TileSpan { state, internal, from: turn[0], to: turn[1] }),
        }
    }
    states
}

impl TimeOnCalls {
    /// How long an extension with these legs was in which state from then until then.
    pub(crate) fn of(legs: &[TileLeg<'_>], from: Micros, to: Micros) -> Self {
        let mut time = Self::default();
        for span in states(legs, from, to) {
            *match (span.state, span.internal) {
                (TileState::Active, false) => &mut time.talk,
                (TileState::Active, true) => &mut time.internal,
                (TileState::Held, _) => &mut time.hold,
                (TileState::RingingIn | TileState::RingingOut | TileState::NoCall, _) => &mut time.ringing,
            } += span.to - span.from;
        }
        time
    }

    /// Adds that of another time.
    pub(crate) fn add(&mut self, other: &Self) {
        self.talk += other.talk;
        self.internal += other.internal;
        self.hold += other.hold;
        self.ringing += other.ringing;
    }

    /// `talk + internal + hold`.
    pub(crate) fn on_call(&self) -> Micros {
        self.talk + self.internal + self.hold
    }
}

impl TileState {
    /// As the frames name it: the direction stands beside it. None where there is no call.
    pub(crate) fn word(self) -> Option<&'static str> {
        match self {
            Self::NoCall => None,
            Self::RingingIn | Self::RingingOut => Some("ringing"),
            Self::Held => Some("held"),
            Self::Active => Some("active"),
        }
    }
}
