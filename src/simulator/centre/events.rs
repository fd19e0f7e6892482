//! A day's events as the provider posts them, in the order in which they come.

use super::{
    clock::Clock,
    day::{Announced, At, Day, Phase, State, Who},
    staff::name,
};
use crate::simulator::{
    phone::{self, Ended, LegState, Party},
    webhook::Webhook,
};
use uuid::Uuid;

/// How the provider calls somebody who shows no number.
pub(super) const WITHHELD: &str = "anonymous";
/// So many numbers are outside.
const NUMBERS: u64 = 100_000_000;
/// From one caller's number to the next one's. It shares no factor with that, so no two callers have one number.
const STRIDE: u64 = 48_271_009;
/// The numbers that a seed has for itself.
const CALLERS: u64 = 1_000_003;

/// An event that is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    sent: At,
    order: u32,
    leg: u32,
    phase: u16,
    /// Whether it was sent before.
    pub(crate) is_copy: bool,
}

impl Day {
    /// Everything that is sent, in this order. No event is of a phone without integration.
    pub(crate) fn events(&self) -> Vec<Event> {
        let mut events = Vec::new();
        for (at, leg) in self.legs.iter().enumerate().filter(|(_, leg)| self.is_told(leg)) {
            for (place, phase) in leg.phases.iter().enumerate().filter(|(_, phase)| !phase.is_lost) {
                let (leg, order) = (at as u32, phase.order);
                let event = |sent, is_copy| Event { sent, order, leg, phase: place as u16, is_copy };
                events.push(event(phase.sent, false));
                events.extend(phase.again.map(|sent| event(sent, true)));
            }
        }
        events.sort_unstable_by_key(|event| (event.sent, event.order, event.is_copy));
        events
    }

    /// An event's JSON; the tenant and the clock are the play's.
    pub(crate) fn webhook(&self, event: Event, tenant: &str, clock: &Clock) -> Webhook {
        let leg = &self.legs[event.leg as usize];
        let phase = &leg.phases[usize::from(event.phase)];
        let stamp = |at| clock.stamp(at, self.staff.member(leg.member).skew);
        let written = self.written(event.leg as usize, usize::from(event.phase), clock);
        let at = stamp(phase.at);
        if phase.state != State::Summary {
            return written.webhook(tenant, phase.word(), at);
        }
        let ended_at = stamp(leg.at(State::Hangup).unwrap_or(phase.at));
        let answered_at = written.answered_at.unwrap_or(ended_at);
        Ended { leg: written, answered_at, ended_at }.webhook(tenant, at)
    }

    /// When it happened, and when it is sent.
    pub(crate) fn times(&self, event: Event) -> (At, At) {
        (self.legs[event.leg as usize].phases[usize::from(event.phase)].at, event.sent)
    }

    /// The leg as it is at one of its phases.
    fn written(&self, place: usize, phase: usize, clock: &Clock) -> phone::Leg {
        let leg = &self.legs[place];
        let member = self.staff.member(leg.member);
        let local = Party::new(&member.extension, Some(&member.name));
        let (remote, transfer_of) = match leg.announced {
            Some(Announced { caller, since: Some(since) }) if phase >= since => (self.party(caller), None),
            Some(Announced { caller, .. }) => (self.party(leg.remote), Some(self.number(caller))),
            None => (self.party(leg.remote), None),
        };
        let (caller, callee) = match leg.direction {
            phone::Direction::Inbound => (remote, local),
            phone::Direction::Outbound => (local, remote),
        };
        let until_now = &leg.phases[..=phase];
        let answer = until_now.iter().find(|phase| phase.state == State::Active);
        phone::Leg {
            id: self.leg_id(place, clock).to_string(),
            extension: member.extension.clone(),
            direction: leg.direction,
            state: LegState::Ringing,
            caller,
            callee,
            peer: None,
            consults_for: None,
            transfer_of,
            answered_at: answer.map(|answer| clock.stamp(answer.at, member.skew)),
            holds: until_now.iter().filter(|phase| phase.state == State::Held).count() as u32,
        }
    }

    /// The id of a leg. A day that begins at another time is another day, and its legs are other legs.
    pub(super) fn leg_id(&self, place: usize, clock: &Clock) -> Uuid {
        let day = [self.seed, clock.begin, self.staff.members.len() as u64, place as u64];
        let bytes: Vec<u8> = day.iter().flat_map(|part| part.to_le_bytes()).collect();
        uuid::Builder::from_random_bytes(xxhash_rust::xxh3::xxh3_128(&bytes).to_le_bytes()).into_uuid()
    }

    fn party(&self, who: Who) -> Party {
        Party { number: self.number(who), name: self.name(who) }
    }

    /// The number that is shown.
    pub(super) fn number(&self, who: Who) -> String {
        match who {
            Who::Outside { is_withheld: true, .. } => WITHHELD.to_owned(),
            _ => self.true_number(who),
        }
    }

    /// The number, though it may be withheld.
    pub(super) fn true_number(&self, who: Who) -> String {
        match who {
            Who::Member(member) => self.staff.member(member).extension.clone(),
            Who::Outside { caller, .. } => {
                let count = self.seed.wrapping_mul(CALLERS).wrapping_add(u64::from(caller)) % NUMBERS;
                format!("+324{:08}", count * STRIDE % NUMBERS)
            }
        }
    }

    /// The name, where the exchange knows one: of colleagues, and of every fifth caller.
    fn name(&self, who: Who) -> Option<String> {
        match who {
            Who::Member(member) => Some(self.staff.member(member).name.clone()),
            Who::Outside { caller, is_withheld: false } if caller.is_multiple_of(5) => {
                Some(name(caller as usize / 5 + 7))
            }
            Who::Outside { .. } => None,
        }
    }
}

impl Phase {
    fn word(&self) -> &'static str {
        match self.state {
            State::Ringing => "RINGING",
            State::Active => "ACTIVE",
            State::Held => "HELD",
            State::Hangup => "HANGUP",
            State::Summary => "SUMMARY_REPORTING",
        }
    }
}
