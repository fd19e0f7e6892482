//! How a call finds somebody: one phone, a group, a hunt, a colleague, or a number outside.

use super::{
    cast::Cast,
    day::{At, Call, State, Who},
    deck::{After, Fate, Reception, Ringing},
    shift::Shift,
};
use crate::simulator::phone::Direction;

/// How long after its predecessor the next phone of a staggered group rings.
const STAGGER: u64 = 10_000_000;
/// How long after it gave up the same phone is tried again.
const RETRY: u64 = 5_000_000;

impl Shift {
    /// Rings for an inbound call, and plays it to its end.
    pub(super) fn ring(&mut self, call: &mut Call, ringing: Ringing, fate: Fate, cast: &Cast) {
        let taken = match ringing {
            Ringing::Direct => self.ring_one(call, call.began, fate, cast.taker),
            Ringing::Group => self.ring_group(call, fate, cast),
            Ringing::Staggered => self.ring_staggered(call, fate, cast),
            Ringing::Hunt => self.hunt(call, fate, cast),
            Ringing::Retry => {
                let ended = self.ring_in_vain(cast.taker, call.from, call.began);
                self.ring_one(call, ended + RETRY, fate, cast.taker)
            }
        };
        match (taken, fate) {
            (Some((leg, at)), Fate::Taken(after)) => self.talk(call, leg, at, after, cast.target),
            (Some((leg, at)), _) => self.talk(call, leg, at, After::Talk, None),
            (None, _) => {}
        }
    }

    fn ring_one(&mut self, call: &mut Call, at: At, fate: Fate, member: u16) -> Option<(usize, At)> {
        let leg = self.leg(member, Direction::Inbound, call.from);
        self.say(leg, State::Ringing, at);
        self.settle(call, &[leg], leg, at, fate)
    }

    /// All phones ring at once, to within a few milliseconds.
    fn ring_group(&mut self, call: &mut Call, fate: Fate, cast: &Cast) -> Option<(usize, At)> {
        let at = call.began;
        let mut legs = Vec::new();
        for (place, member) in cast.ringing.iter().enumerate() {
            let leg = self.leg(*member, Direction::Inbound, call.from);
            // The first is the one from which the wait counts.
            let late = if place == 0 { 0 } else { self.deal.micros(200, 40_000) };
            self.say(leg, State::Ringing, at + late);
            legs.push(leg);
        }
        let taker = *legs.last()?;
        self.settle(call, &legs, taker, at, fate)
    }

    /// One phone more rings every ten seconds, beside the others.
    fn ring_staggered(&mut self, call: &mut Call, fate: Fate, cast: &Cast) -> Option<(usize, At)> {
        let mut order = cast.ringing.clone();
        self.deal.shuffle(&mut order);
        let mut legs = Vec::new();
        let (mut at, mut taker) = (call.began, None);
        for (place, member) in order.into_iter().enumerate() {
            at = call.began + STAGGER * place as u64;
            let leg = self.leg(member, Direction::Inbound, call.from);
            self.say(leg, State::Ringing, at);
            if member == cast.taker {
                taker = Some(leg);
            }
            legs.push(leg);
        }
        self.settle(call, &legs, taker?, at, fate)
    }

    /// One phone after the other.
    fn hunt(&mut self, call: &mut Call, fate: Fate, cast: &Cast) -> Option<(usize, At)> {
        let mut at = call.began;
        let (last, others) = cast.ringing.split_last()?;
        for member in others {
            at = self.ring_in_vain(*member, call.from, at) + self.deal.millis(100, 1_500);
        }
        self.ring_one(call, at, fate, *last)
    }

    /// A phone that rings until the centre gives it up.
    fn ring_in_vain(&mut self, member: u16, caller: Who, at: At) -> At {
        let leg = self.leg(member, Direction::Inbound, caller);
        self.say(leg, State::Ringing, at);
        let ended = at + self.deal.millis(12_000, 18_000);
        self.end(leg, ended);
        ended
    }

    /// Phones ring, all of them since `at`: one takes it, and the others stop a moment later; or all stop.
    fn settle(
        &mut self,
        call: &mut Call,
        legs: &[usize],
        taker: usize,
        at: At,
        fate: Fate,
    ) -> Option<(usize, At)> {
        match fate {
            Fate::Taken(_) | Fate::TakenUnseen => {
                let answered = at + self.deal.mostly_short(1_500, 28_000);
                self.answer(call, taker, answered);
                for leg in legs.iter().filter(|leg| **leg != taker) {
                    let ended = answered + self.deal.micros(10_000, 200_000);
                    self.end(*leg, ended);
                }
                Some((taker, answered))
            }
            Fate::Missed | Fate::Short => {
                let (least, most) = if fate == Fate::Short { (800, 4_700) } else { (8_000, 45_000) };
                call.ended = at + self.deal.millis(least, most);
                for leg in legs {
                    let late = self.deal.micros(0, 100_000);
                    self.end(*leg, call.ended + late);
                }
                None
            }
        }
    }

    /// A call to a number outside.
    pub(super) fn dial(&mut self, call: &mut Call, after: Option<After>, called: Who, cast: &Cast) {
        let leg = self.leg(cast.taker, Direction::Outbound, called);
        self.say(leg, State::Ringing, call.began);
        let rung = call.began + self.deal.millis(4_000, 30_000);
        match after {
            Some(after) => {
                self.say(leg, State::Active, rung);
                call.answered = Some((called, rung));
                self.talk(call, leg, rung, after, cast.target);
            }
            None => {
                self.end(leg, rung);
                call.ended = rung;
            }
        }
    }

    /// A call to a colleague: both phones answer and hang up at the same time, the caller's is told of first.
    pub(super) fn call_colleague(&mut self, call: &mut Call, reception: Reception, cast: &Cast) {
        let Some(to) = cast.target else { return };
        call.to = Some(Who::Member(to));
        let (outbound, inbound) = self.pair(cast.taker, to, None);
        self.say(outbound, State::Ringing, call.began);
        let rings = call.began + self.deal.millis(400, 500);
        self.say(inbound, State::Ringing, rings);
        let rung = rings + self.deal.millis(3_000, 20_000);
        call.ended = rung;
        if reception != Reception::NotTaken {
            self.say(outbound, State::Active, rung);
            self.answer(call, inbound, rung);
            call.ended = rung + self.deal.mostly_short(5_000, 120_000);
        }
        self.end(outbound, call.ended);
        self.end(inbound, call.ended);
    }
}
