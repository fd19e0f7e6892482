//! What goes wrong between the exchange and whoever listens: events that come late, or twice, and hangups
//! that never come. What truly happened stays as it is.

use super::{
    day::{Day, Disturbed, Leg, State},
    deal::Deal,
    deck::{Deck, MISHAPS, Mishap},
};

/// Disturbs the events by the seed: always the same ones.
pub(super) fn disturb(day: &mut Day, seed: u64) {
    // The same chance as in the day itself would tie one to the other.
    let mut deal = Deal::of(seed ^ 0xD157_0B5E);
    let mut mishaps = Deck::new(&MISHAPS);
    let mut lost_owed = 0_u32;
    let Day { staff, legs, .. } = day;
    for leg in legs.iter_mut().filter(|leg| staff.member(leg.member).is_integrated) {
        match mishaps.draw(&mut deal).unwrap_or(Mishap::Nothing) {
            Mishap::Nothing => {}
            Mishap::Late => late(leg, &mut deal),
            Mishap::Twice => twice(leg, &mut deal),
            Mishap::NoHangup => lost_owed += 1,
        }
        if lost_owed > 0 && may_lose_its_hangup(leg) {
            lost_owed -= 1;
            lose_the_hangup(leg);
        }
    }
}

fn late(leg: &mut Leg, deal: &mut Deal) {
    let phase = deal.place(leg.phases.len());
    let phase = &mut leg.phases[phase];
    phase.sent += deal.mostly_short(2_000, 120_000);
    leg.disturbed.is_late = true;
}

fn twice(leg: &mut Leg, deal: &mut Deal) {
    let phase = deal.place(leg.phases.len());
    let phase = &mut leg.phases[phase];
    phase.again = Some(phase.sent + deal.mostly_short(50, 30_000));
    leg.disturbed.is_twice = true;
}

/// A summary would say that it is over; a consultation's hangup says something else than that. A leg suffers one
/// thing at most, so that each can be told by itself.
fn may_lose_its_hangup(leg: &Leg) -> bool {
    leg.is_of_caller && leg.at(State::Summary).is_none() && leg.disturbed == Disturbed::default()
}

fn lose_the_hangup(leg: &mut Leg) {
    for phase in leg.phases.iter_mut().filter(|phase| phase.state == State::Hangup) {
        (phase.is_lost, phase.again) = (true, None);
    }
    leg.disturbed.has_no_hangup = true;
}
