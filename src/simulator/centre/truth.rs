//! What truly happened, as JSON, one line a call: also what no event tells. Times are the timestamps that a clock
//! without error would give, and durations are their differences, in microseconds.

use super::{
    clock::Clock,
    day::{At, Call, Day, Handover, HandoverEnd, Leg, State, Transfer, Who},
    deck::{After, Fate, Reception, Ringing, Sort},
};
use crate::simulator::phone::Direction;
use serde_json::{Value, json};

impl Day {
    /// The truth: first the centre, then its calls in the order in which they were planned.
    pub(crate) fn truth<'a>(&'a self, tenant: &'a str, clock: &'a Clock) -> impl Iterator<Item = Value> + 'a {
        let calls = (0..self.calls.len()).map(move |number| self.call(number, clock));
        std::iter::once(self.centre(tenant, clock)).chain(calls)
    }

    fn centre(&self, tenant: &str, clock: &Clock) -> Value {
        let member = |(at, member): (usize, &super::staff::Member)| {
            let group = self.staff.groups.iter().position(|group| group.contains(&(at as u16)));
            json!({
                "extension": member.extension, "name": member.name, "group": group.map(|group| group + 1),
                "integrated": member.is_integrated, "skew_us": skew(clock, member.skew),
            })
        };
        let members: Vec<_> = self.staff.members.iter().enumerate().map(member).collect();
        let (seed, begin) = (self.seed, clock.begin);
        json!({"tenant_id": tenant, "seed": seed, "begins_at": begin, "calls": self.calls.len(), "members": members})
    }

    fn call(&self, number: usize, clock: &Clock) -> Value {
        let call = &self.calls[number];
        let legs = &self.legs[call.legs.clone()];
        let stamp = |at: At| clock.stamp(at, 0);
        let time_of_caller = |state| -> u64 {
            let spans = legs.iter().flat_map(|leg| leg.spans_of_caller(state));
            spans.map(|(from, until)| stamp(until) - stamp(from)).sum()
        };
        let rang = legs.iter().filter(|leg| leg.direction == Direction::Inbound);
        let mut rang: Vec<_> = rang.map(|leg| self.extension(leg.member)).collect();
        rang.sort_unstable();
        rang.dedup();
        let answered_at = call.answered.map(|(_, at)| stamp(at));
        let waited_until = answered_at.unwrap_or(stamp(call.ended));
        let all = call.legs.clone().zip(legs);
        json!({
            "call": number,
            "kind": call.kind(),
            "from": self.true_number(call.from),
            "to": call.to.map(|to| self.true_number(to)),
            "withheld": matches!(call.from, Who::Outside { is_withheld: true, .. }),
            "began_at": stamp(call.began),
            "answered_at": answered_at,
            "ended_at": stamp(call.ended),
            "answered_by": call.answered.map(|(who, _)| self.true_number(who)),
            "rang": rang,
            "wait_us": waited_until - stamp(call.began),
            "talk_us": time_of_caller(State::Active),
            "hold_us": time_of_caller(State::Held),
            "transfers": call.transfers.iter().map(|handover| self.handover(handover, clock)).collect::<Vec<_>>(),
            "repeats": call.repeats,
            "phenomena": self.phenomena(call),
            "untold": self.untold(call),
            "legs": all.map(|(place, leg)| self.leg(place, leg, clock)).collect::<Vec<_>>(),
        })
    }

    fn leg(&self, place: usize, leg: &Leg, clock: &Clock) -> Value {
        let stamp = |at: Option<At>| at.map(|at| clock.stamp(at, 0));
        let time_in = |state| -> u64 {
            leg.spans(state).map(|(from, until)| clock.stamp(until, 0) - clock.stamp(from, 0)).sum()
        };
        let (is_told, member) = (self.is_told(leg), self.staff.member(leg.member));
        let ended = leg.at(State::Hangup);
        json!({
            "extension": member.extension,
            "id": is_told.then(|| self.leg_id(place, clock).to_string()),
            "direction": if leg.direction == Direction::Inbound { "in" } else { "out" },
            "remote": self.number(leg.customer()),
            "told": is_told,
            "skew_us": skew(clock, member.skew),
            "disturbed": self.disturbances(leg),
            "started_at": stamp(leg.at(State::Ringing)),
            "answered_at": stamp(leg.at(State::Active)),
            "ended_at": stamp(ended),
            "left_at": stamp(leg.left.or(ended)),
            "summary_at": stamp(leg.at(State::Summary)),
            "ring_us": time_in(State::Ringing),
            "talk_us": time_in(State::Active),
            "hold_us": time_in(State::Held),
        })
    }

    fn handover(&self, handover: &Handover, clock: &Clock) -> Value {
        let stamp = |at: Option<At>| at.map(|at| clock.stamp(at, 0));
        json!({
            "kind": if handover.kind == Transfer::Blind { "blind" } else { "attended" },
            "from": self.extension(handover.from),
            "to": self.extension(handover.to),
            "held_at": stamp(Some(handover.held)),
            "answered_at": stamp(handover.answered),
            "completed_at": stamp(handover.completed),
            "end": handover.end.word(),
        })
    }

    /// What befell the events of a leg, and of its phone's clock.
    fn disturbances(&self, leg: &Leg) -> Vec<&'static str> {
        let all = [
            (leg.disturbed.is_late, "late"),
            (leg.disturbed.is_twice, "duplicate"),
            (leg.disturbed.has_no_hangup, "no_hangup"),
            (self.staff.member(leg.member).skew != 0, "skewed"),
        ];
        words(&all)
    }

    /// What is to be seen in a call, by name.
    fn phenomena(&self, call: &Call) -> Vec<&'static str> {
        let legs = &self.legs[call.legs.clone()];
        let mut found = call.sort.words();
        found.extend(call.transfers.iter().map(Handover::words));
        let any = |is: &dyn Fn(&Leg) -> bool| legs.iter().any(is);
        found.extend(words(&[
            (call.repeats.is_some(), "repeat"),
            (matches!(call.from, Who::Outside { is_withheld: true, .. }), "withheld"),
            (any(&|leg| !self.is_told(leg)), "without_integration"),
            (any(&|leg| leg.at(State::Summary).is_some() && self.is_told(leg)), "summary"),
        ]));
        for word in ["late", "duplicate", "no_hangup", "skewed"] {
            if any(&|leg| self.is_told(leg) && self.disturbances(leg).contains(&word)) {
                found.push(word);
            }
        }
        found
    }

    /// What of a call no event can tell.
    fn untold(&self, call: &Call) -> Vec<&'static str> {
        let legs = &self.legs[call.legs.clone()];
        let is_unseen =
            |who: Who| matches!(who, Who::Member(member) if !self.staff.member(member).is_integrated);
        words(&[
            (legs.iter().all(|leg| !self.is_told(leg)), "call"),
            (matches!(call.from, Who::Outside { is_withheld: true, .. }), "caller"),
            (legs.iter().any(|leg| !self.is_told(leg)), "leg"),
            (call.answered.is_some_and(|(who, _)| is_unseen(who)), "answer"),
            (call.transfers.iter().any(|handover| is_unseen(Who::Member(handover.to))), "transfer"),
            (legs.iter().any(|leg| self.is_told(leg) && leg.disturbed.has_no_hangup), "hangup"),
        ])
    }

    fn extension(&self, member: u16) -> &str {
        &self.staff.member(member).extension
    }
}

impl Call {
    fn kind(&self) -> &'static str {
        match self.sort {
            Sort::Inbound(..) | Sort::Twins | Sort::Leaves => "inbound",
            Sort::Outbound(_) => "outbound",
            Sort::Internal(_) => "internal",
        }
    }
}

impl Sort {
    fn words(self) -> Vec<&'static str> {
        match self {
            Self::Inbound(ringing, fate) => {
                let mut found = vec![ringing.word()];
                match fate {
                    Fate::Taken(After::Hold) => found.push("hold"),
                    Fate::Taken(_) => {}
                    Fate::TakenUnseen => found.push("taken_without_integration"),
                    Fate::Missed => found.push("missed"),
                    Fate::Short => found.push("short"),
                }
                found
            }
            Self::Twins => vec!["two_callers_of_one_number"],
            Self::Outbound(Some(_)) => vec!["outbound_answered"],
            Self::Outbound(None) => vec!["outbound_unanswered"],
            Self::Internal(Reception::NotTaken) => vec!["internal_unanswered"],
            Self::Internal(_) => vec!["internal_answered"],
            Self::Leaves => vec!["left_in_queue"],
        }
    }
}

impl Ringing {
    fn word(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Group => "ring_group",
            Self::Staggered => "staggered_group",
            Self::Hunt => "hunt",
            Self::Retry => "retry",
        }
    }
}

impl Handover {
    fn words(&self) -> &'static str {
        match (self.kind, self.end) {
            (Transfer::Blind, HandoverEnd::Completed) => "blind_transfer",
            (Transfer::Blind, HandoverEnd::Returned) => "blind_transfer_returned",
            (Transfer::Blind, _) => "blind_transfer_unanswered",
            (Transfer::Attended, HandoverEnd::Completed) => "attended_transfer",
            (Transfer::Attended, HandoverEnd::Unanswered) => "attended_transfer_unanswered",
            (Transfer::Attended, _) => "attended_transfer_declined",
        }
    }
}

impl HandoverEnd {
    fn word(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Declined => "declined",
            Self::Unanswered => "unanswered",
            Self::Returned => "returned",
        }
    }
}

/// The words of what is so.
fn words(all: &[(bool, &'static str)]) -> Vec<&'static str> {
    all.iter().filter(|(is, _)| *is).map(|(_, word)| *word).collect()
}

/// How far a clock's timestamps are off, at the beginning of the day.
fn skew(clock: &Clock, by: i64) -> i64 {
    clock.stamps.offset(by, clock.speed)
}
