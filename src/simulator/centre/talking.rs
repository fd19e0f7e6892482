//! How an answered call goes on: talk, hold, and transfers of both kinds. Which leg says what when is as in the
//! provider's recordings.

use super::{
    day::{At, Call, Handover, HandoverEnd, State, Transfer},
    deck::{After, Reception},
    shift::Shift,
};
use crate::simulator::phone::Direction;

/// How long after the end of a blind transfer's first leg the second rings: least and most, in microseconds.
const BLIND_GAP: (u64, u64) = (200_000, 200_400);
/// How long before the receiver has the caller the first leg of an attended transfer ends.
const HANDED_BEFORE: (u64, u64) = (10_000, 30_000);
/// How long the leg of a consultation goes on after the receiver has hung up.
const TAIL: (u64, u64) = (2_500_000, 3_000_000);

impl Shift {
    /// Goes on from the answer to the end.
    pub(super) fn talk(&mut self, call: &mut Call, leg: usize, at: At, after: After, target: Option<u16>) {
        call.ended = match (after, target) {
            (After::Blind(reception), Some(to)) => self.blind(call, leg, at, reception, to),
            (After::Attended(reception), Some(to)) => self.attended(call, leg, at, reception, to),
            (After::Hold, _) => self.hold(leg, at),
            _ => self.talk_to_the_end(leg, at),
        };
    }

    fn talk_to_the_end(&mut self, leg: usize, at: At) -> At {
        let ended = at + self.deal.mostly_short(8_000, 240_000);
        self.end(leg, ended);
        ended
    }

    /// Once or twice on hold.
    fn hold(&mut self, leg: usize, at: At) -> At {
        let mut at = at;
        let times = self.deal.micros(1, 2);
        for _ in 0..times {
            at += self.deal.mostly_short(3_000, 90_000);
            self.say(leg, State::Held, at);
            at += self.deal.mostly_short(4_000, 90_000);
            self.say(leg, State::Active, at);
        }
        self.talk_to_the_end(leg, at)
    }

    fn blind(&mut self, call: &mut Call, leg: usize, at: At, reception: Reception, to: u16) -> At {
        let (from, caller) = (self.legs[leg].member, self.legs[leg].remote);
        let held = at + self.deal.mostly_short(3_000, 90_000);
        self.say(leg, State::Held, held);
        let left = held + self.deal.millis(2_000, 8_000);
        self.end(leg, left);
        let rings = left + self.deal.micros(BLIND_GAP.0, BLIND_GAP.1);
        let receiver = self.leg(to, Direction::Inbound, caller);
        self.say(receiver, State::Ringing, rings);
        let rung = rings + self.deal.millis(4_000, 20_000);
        let mut handover = Handover {
            kind: Transfer::Blind,
            from,
            to,
            held,
            answered: Some(rung),
            completed: Some(rung),
            end: HandoverEnd::Completed,
        };
        let ended = match reception {
            Reception::Taken | Reception::TakenUnseen => {
                self.answer(call, receiver, rung);
                self.talk_to_the_end(receiver, rung)
            }
            Reception::NotTaken | Reception::Back => {
                (handover.answered, handover.completed) = (None, None);
                self.end(receiver, rung);
                if reception == Reception::NotTaken {
                    handover.end = HandoverEnd::Unanswered;
                    rung
                } else {
                    handover.end = HandoverEnd::Returned;
                    let rings = rung + self.deal.millis(200, 1_000);
                    let again = self.leg(from, Direction::Inbound, caller);
                    self.say(again, State::Ringing, rings);
                    let answered = rings + self.deal.millis(2_000, 9_000);
                    self.answer(call, again, answered);
                    self.talk_to_the_end(again, answered)
                }
            }
        };
        call.transfers.push(handover);
        // A colleague who was to have it is asked nothing else before it is over.
        self.keep(to, rung);
        ended
    }

    fn attended(&mut self, call: &mut Call, leg: usize, at: At, reception: Reception, to: u16) -> At {
        let (from, caller) = (self.legs[leg].member, self.legs[leg].remote);
        let held = at + self.deal.mostly_short(3_000, 90_000);
        self.say(leg, State::Held, held);
        let (outbound, inbound) = self.pair(from, to, Some(caller));
        let dialled = held + self.deal.millis(1_500, 5_000);
        self.say(outbound, State::Ringing, dialled);
        let rings = dialled + self.deal.millis(400, 550);
        self.say(inbound, State::Ringing, rings);
        let rung = rings + self.deal.millis(3_000, 18_000);
        let mut handover = Handover {
            kind: Transfer::Attended,
            from,
            to,
            held,
            answered: Some(rung),
            completed: None,
            end: HandoverEnd::Declined,
        };
        if reception == Reception::NotTaken {
            (handover.answered, handover.end) = (None, HandoverEnd::Unanswered);
            call.transfers.push(handover);
            return self.back(leg, outbound, inbound, rung);
        }
        // Who answers a consultation is told of first.
        self.say(inbound, State::Active, rung);
        self.say(outbound, State::Active, rung);
        let consulted = rung + self.deal.millis(4_000, 20_000);
        if reception == Reception::Back {
            call.transfers.push(handover);
            return self.back(leg, outbound, inbound, consulted);
        }
        (handover.completed, handover.end) = (Some(consulted), HandoverEnd::Completed);
        call.transfers.push(handover);
        self.hand_over(leg, outbound, inbound, consulted)
    }

    /// The colleagues hang up, and the caller is taken from hold again.
    fn back(&mut self, leg: usize, outbound: usize, inbound: usize, at: At) -> At {
        self.end(outbound, at);
        self.end(inbound, at);
        let resumed = at + self.deal.millis(300, 2_000);
        self.say(leg, State::Active, resumed);
        self.talk_to_the_end(leg, resumed)
    }

    /// The receiver's leg goes on with the caller. The first leg ends a moment earlier and is told of later; that
    /// of the consultation ends when all is over, though nobody is on it any more.
    fn hand_over(&mut self, leg: usize, outbound: usize, inbound: usize, at: At) -> At {
        let since = self.legs[inbound].phases.len();
        if let Some(announced) = &mut self.legs[inbound].announced {
            announced.since = Some(since);
        }
        self.say(inbound, State::Active, at);
        let left = at - self.deal.micros(HANDED_BEFORE.0, HANDED_BEFORE.1);
        self.say_later(leg, State::Hangup, left, at);
        let from = self.legs[leg].member;
        self.keep(from, at);
        let ended = at + self.deal.mostly_short(8_000, 240_000);
        let tail = ended + self.deal.micros(TAIL.0, TAIL.1);
        self.say(outbound, State::Hangup, tail);
        self.legs[outbound].left = Some(at);
        self.say_later(inbound, State::Hangup, ended, tail);
        self.keep(self.legs[inbound].member, ended);
        ended
    }
}
