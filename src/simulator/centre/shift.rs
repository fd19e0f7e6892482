//! Plans a day: who calls when, and who is free to answer. One call after the other is played to its end, and
//! keeps the phones that it needs until then, so that nobody is in two calls at once.

use super::{
    cast::Cast,
    day::{Announced, At, Call, Day, Disturbed, Leg, Phase, State, Who},
    deal::Deal,
    deck::{After, Deck, Fate, Ringing, SORTS, Sort},
    staff::Staff,
};
use crate::simulator::phone::Direction;
use std::{cmp::Reverse, collections::BinaryHeap};

/// So often each phone is called, about; calls of one phone are a few minutes long.
const CALL_EVERY: u64 = 360_000_000;
/// How long a phone is left alone after a call.
const REST: u64 = 3_000_000;
/// When nobody is free whom a call needs, it comes so much later.
const LATER: u64 = 5_000_000;

/// How much is planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    Calls(u32),
    /// Calls that begin within so many microseconds.
    Lasts(u64),
}

/// A day that is being planned.
pub(super) struct Shift {
    pub(super) staff: Staff,
    pub(super) deal: Deal,
    calls: Vec<Call>,
    pub(super) legs: Vec<Leg>,
    free_from: Vec<At>,
    /// When who calls again whose call nobody took.
    redials: BinaryHeap<Reverse<(At, u32)>>,
    sorts: Deck<Sort>,
    summaries: Deck<bool>,
    withheld: Deck<bool>,
    callers: u32,
    missed: u32,
    said: u32,
}

/// The mean time between two calls, in microseconds.
pub(super) fn gap(extensions: u16) -> u64 {
    CALL_EVERY / u64::from(extensions)
}

impl Day {
    /// The day of a seed: always the same one.
    pub(crate) fn plan(extensions: u16, extent: Extent, seed: u64) -> Self {
        let mut shift = Shift::new(extensions, seed);
        let mut next = 0;
        while let Some(left) = extent.left(shift.calls.len(), next) {
            if let Some(&Reverse((at, missed))) = shift.redials.peek().filter(|Reverse((at, _))| *at <= next)
            {
                shift.redials.pop();
                shift.call_again(missed, at);
                continue;
            }
            let sort = shift.draw(left);
            shift.play(sort, next);
            next += shift.deal.micros(0, 2 * gap(extensions));
        }
        let Shift { staff, calls, legs, .. } = shift;
        Self { staff, calls, legs, seed }
    }
}

impl Extent {
    /// How many more calls there may be; none when it is over.
    fn left(self, calls: usize, next: At) -> Option<usize> {
        match self {
            Self::Calls(most) => (most as usize).checked_sub(calls).filter(|left| *left > 0),
            Self::Lasts(until) => (next < until).then_some(usize::MAX),
        }
    }
}

impl Shift {
    fn new(extensions: u16, seed: u64) -> Self {
        let mut deal = Deal::of(seed);
        let staff = Staff::of(extensions, &mut deal);
        Self {
            free_from: vec![0; staff.members.len()],
            staff,
            deal,
            calls: Vec::new(),
            legs: Vec::new(),
            redials: BinaryHeap::new(),
            sorts: Deck::new(&SORTS),
            summaries: Deck::new(&[(1, true), (2, false)]),
            withheld: Deck::new(&[(1, true), (11, false)]),
            callers: 0,
            missed: 0,
            said: 0,
        }
    }

    /// The next kind of call, of at most so many conversations.
    fn draw(&mut self, left: usize) -> Sort {
        loop {
            let drawn = self.sorts.draw(&mut self.deal);
            if let Some(sort) = drawn.filter(|sort| *sort != Sort::Twins || left > 1) {
                return sort;
            }
        }
    }

    /// Plays a call that is due, as soon as those are free whom it needs.
    fn play(&mut self, sort: Sort, due: At) {
        match sort {
            Sort::Inbound(..) | Sort::Leaves => {
                let is_withheld = self.withheld.draw(&mut self.deal).unwrap_or_default();
                let caller = self.caller(is_withheld);
                self.play_inbound(sort, caller, None, due);
            }
            Sort::Twins => self.play_twins(due),
            Sort::Outbound(after) => {
                let (cast, at) = self.cast(sort, due);
                let called = self.caller(false);
                let mut call = Call::new(sort, Who::Member(cast.taker), at, self.legs.len());
                call.to = Some(called);
                self.dial(&mut call, after, called, &cast);
                self.finish(call);
            }
            Sort::Internal(reception) => {
                let (cast, at) = self.cast(sort, due);
                let mut call = Call::new(sort, Who::Member(cast.taker), at, self.legs.len());
                self.call_colleague(&mut call, reception, &cast);
                self.finish(call);
            }
        }
    }

    fn play_inbound(&mut self, sort: Sort, caller: Who, repeats: Option<u32>, due: At) {
        let (cast, at) = self.cast(sort, due);
        let mut call = Call { repeats, ..Call::new(sort, caller, at, self.legs.len()) };
        match sort {
            Sort::Inbound(ringing, fate) => self.ring(&mut call, ringing, fate, &cast),
            _ => call.ended = at + self.deal.millis(5_000, 90_000),
        }
        self.finish(call);
    }

    /// Two callers of one number, who both talk for a while at the same time.
    fn play_twins(&mut self, due: At) {
        let (cast, at) = self.cast(Sort::Twins, due);
        let caller = self.caller(false);
        let second = at + self.deal.millis(1_000, 8_000);
        for (began, member) in [(at, Some(cast.taker)), (second, cast.target)] {
            let mut call = Call::new(Sort::Twins, caller, began, self.legs.len());
            let Some(member) = member else { continue };
            let leg = self.leg(member, Direction::Inbound, caller);
            self.say(leg, State::Ringing, began);
            let answered = began + self.deal.millis(3_000, 9_000);
            self.answer(&mut call, leg, answered);
            call.ended = answered + self.deal.millis(40_000, 120_000);
            self.end(leg, call.ended);
            self.finish(call);
        }
    }

    /// Somebody whose call nobody took calls again.
    fn call_again(&mut self, missed: u32, at: At) {
        let Call { sort, from, .. } = self.calls[missed as usize];
        let Sort::Inbound(ringing, _) = sort else { return };
        // Whoever gave up at once now waits; every third time in vain.
        let fate = if self.deal.one_in(3) { Fate::Missed } else { Fate::Taken(After::Talk) };
        let ringing = if ringing == Ringing::Retry { Ringing::Direct } else { ringing };
        self.play_inbound(Sort::Inbound(ringing, fate), from, Some(missed), at);
    }

    fn finish(&mut self, mut call: Call) {
        call.legs.end = self.legs.len();
        for leg in call.legs.clone() {
            self.summarise(leg);
        }
        let is_known = matches!(call.from, Who::Outside { is_withheld: false, .. });
        if let Sort::Inbound(_, Fate::Missed | Fate::Short) = call.sort
            && is_known
        {
            // Every second one calls again, after the few seconds in which it would be the same call.
            self.missed += 1;
            if self.missed.is_multiple_of(2) {
                let at = call.ended + self.deal.mostly_short(12_000, 300_000);
                self.redials.push(Reverse((at, self.calls.len() as u32)));
            }
        }
        self.calls.push(call);
    }

    /// Some of the answered legs have a summary, minutes later.
    fn summarise(&mut self, leg: usize) {
        let (end, is_answered) = {
            let leg = &self.legs[leg];
            (leg.at(State::Hangup), leg.spans_of_caller(State::Active).next().is_some())
        };
        let is_outside = !matches!(self.legs[leg].customer(), Who::Member(_));
        let Some(end) = end.filter(|_| is_answered && is_outside) else { return };
        if self.summaries.draw(&mut self.deal) == Some(true) {
            let at = end + self.deal.millis(60_000, 300_000);
            self.say(leg, State::Summary, at);
        }
    }

    /// Those whom a call needs, and when they are free.
    fn cast(&mut self, sort: Sort, due: At) -> (Cast, At) {
        let mut at = due;
        loop {
            match Cast::of(sort, &self.staff, &mut self.deal, |member| {
                self.free_from[usize::from(member)] <= at
            }) {
                Some(cast) => return (cast, at),
                None => at += LATER,
            }
        }
    }

    fn caller(&mut self, is_withheld: bool) -> Who {
        self.callers += 1;
        Who::Outside { caller: self.callers, is_withheld }
    }

    pub(super) fn leg(&mut self, member: u16, direction: Direction, remote: Who) -> usize {
        let (phases, disturbed) = (Vec::new(), Disturbed::default());
        self.legs.push(Leg {
            member,
            direction,
            remote,
            announced: None,
            is_of_caller: true,
            phases,
            left: None,
            disturbed,
        });
        self.legs.len() - 1
    }

    /// The two legs of a call to a colleague: the caller's, and the colleague's.
    pub(super) fn pair(&mut self, from: u16, to: u16, about: Option<Who>) -> (usize, usize) {
        let outbound = self.leg(from, Direction::Outbound, Who::Member(to));
        let inbound = self.leg(to, Direction::Inbound, Who::Member(from));
        // The talk of two colleagues is counted once; a consultation is no talk of the caller's.
        self.legs[outbound].is_of_caller = about.is_none();
        self.legs[inbound].is_of_caller = false;
        self.legs[inbound].announced = about.map(|caller| Announced { caller, since: None });
        (outbound, inbound)
    }

    pub(super) fn say(&mut self, leg: usize, state: State, at: At) {
        self.say_later(leg, state, at, at);
    }

    /// An event that is sent later than it is stamped.
    pub(super) fn say_later(&mut self, leg: usize, state: State, at: At, sent: At) {
        let order = self.said;
        self.said += 1;
        self.legs[leg].phases.push(Phase { state, at, sent, again: None, order, is_lost: false });
    }

    pub(super) fn answer(&mut self, call: &mut Call, leg: usize, at: At) {
        self.say(leg, State::Active, at);
        call.answered.get_or_insert((Who::Member(self.legs[leg].member), at));
    }

    pub(super) fn end(&mut self, leg: usize, at: At) {
        self.say(leg, State::Hangup, at);
        self.keep(self.legs[leg].member, at);
    }

    /// The phone is in this call until then.
    pub(super) fn keep(&mut self, member: u16, until: At) {
        let free_from = &mut self.free_from[usize::from(member)];
        *free_from = (*free_from).max(until + REST);
    }
}

impl Call {
    fn new(sort: Sort, from: Who, began: At, legs: usize) -> Self {
        Self {
            sort,
            from,
            to: None,
            began,
            ended: began,
            answered: None,
            transfers: Vec::new(),
            repeats: None,
            legs: legs..legs,
        }
    }
}
