use super::{
    super::event::{MAX_PHASES, MAX_WRAP_UPS},
    *,
};
use crate::{
    call::{Content, Numbers},
    event_set::{SetEvent, shuffled},
    id::{ItemName, Kind},
    number::Plan,
};
use proptest::{collection::vec, prelude::*, sample::Index};

const RULES: Rules = Rules {
    ringing_stale_after: Duration::from_secs(180),
    active_stale_after: Duration::from_secs(4 * 3600),
};

fn key() -> ItemKey {
    let (tenant, extension) = ("t".try_into().unwrap(), "200".try_into().unwrap());
    ItemKey { tenant, extension, kind: Kind::Call, name: ItemName::of("l") }
}

fn sides(number: &str, name: &str) -> Arc<Sides> {
    let party = |number, name| Party::new(number, name, &Plan::default());
    let (remote, local) = (party(number, name), party("200", "John Doe"));
    let direction = Direction::Inbound;
    let sides =
        Sides { direction, internal: false, remote, local, transfer_of: None, numbers: Numbers::default() };
    sides.numbered(&Plan::default()).into()
}

fn phase(at: Micros, phase: Phase) -> Event {
    Event::new(at, What::Phase { phase, sides: sides("+3228992675", "") })
}

fn summary(at: Micros) -> Event {
    let content = Content::new(serde_json::value::to_raw_value(&[at]).unwrap());
    Event::new(at, What::Summary { sides: sides("+3228992675", ""), language: "en-GB".into(), content })
}

fn fold(events: impl IntoIterator<Item = Event>) -> Call {
    let mut leg = Leg::default();
    for event in events {
        leg.add(event);
    }
    let call = leg.fold(&key(), &RULES).unwrap();
    assert_eq!(call.is_live(), leg.is_live());
    call
}

fn any_event() -> impl Strategy<Value = Event> {
    // Few timestamps, numbers and names, so that ties and duplicates are common.
    let party = (prop_oneof!["", "\\+3228992675", "210"], prop_oneof!["", "Ann", "Bob"]);
    let sides = (party, prop::option::of(Just("+3228992675")), any::<bool>());
    let sides = sides.prop_map(|((number, name), transfer_of, inbound)| {
        let direction = if inbound { Direction::Inbound } else { Direction::Outbound };
        let plan = Plan::default();
        let (remote, local) = (Party::new(&number, &name, &plan), Party::new("200", "John Doe", &plan));
        let (internal, transfer_of) = (number == "210", transfer_of.map(Into::into));
        let sides = Sides { direction, internal, remote, local, transfer_of, numbers: Numbers::default() };
        Arc::new(sides.numbered(&plan))
    });
    let what = (0..8, sides, 0..6_u64).prop_map(|(kind, sides, value)| match kind {
        0 => What::Phase { phase: Phase::Ringing, sides },
        1 => What::Phase { phase: Phase::Active, sides },
        2 => What::Phase { phase: Phase::Held, sides },
        3 => What::Phase { phase: Phase::Hangup, sides },
        4 => What::Summary {
            sides,
            language: "nl-BE".into(),
            content: Content::new(serde_json::value::to_raw_value(&value).unwrap()),
        },
        5 => What::Expired { after: value * 1_000_000 },
        6 => What::WrapUp {
            disposition: (value % 2 == 0).then(|| "Resolved".into()),
            note: if value < 2 { "".into() } else { value.to_string().into() },
            by: "agent".into(),
        },
        _ => What::Dismissed { summary: (value > 1).then_some(value * 1_000_000) },
    });
    (0..6_u64, what).prop_map(|(at, what)| match what {
        // When somebody closed what was closed already is nothing that a store keeps.
        What::Dismissed { summary } => Event::new(summary.unwrap_or(3), what),
        what => Event::new(at * 1_000_000, what),
    })
}

proptest! {
    #[test]
    fn any_order_any_duplication_gives_the_same_call(
        generated in vec(any_event(), 1..12),
        order in vec(any::<Index>(), 40),
    ) {
        let mut in_order = Leg::default();
        for event in &generated {
            in_order.add(event.clone());
        }
        let mut otherwise = Leg::default();
        let mut version = 0;
        for event in shuffled(&generated, &order) {
            let added = otherwise.add(event);
            let grown = otherwise.events().len();
            prop_assert_eq!(grown, version + usize::from(added == Added::New));
            version = grown;
        }
        let (expected, call) = (in_order.fold(&key(), &RULES), otherwise.fold(&key(), &RULES));
        prop_assert_eq!(&call, &expected);
        if let Some(call) = call {
            prop_assert_eq!(call.is_live(), otherwise.is_live());
            prop_assert_eq!(call.version as usize, otherwise.events().len());
        }
    }

    #[test]
    fn hangup_is_final(events in vec(any_event(), 0..12), at in 0..6_u64) {
        let mut leg = Leg::default();
        leg.add(phase(at * 1_000_000, Phase::Hangup));
        for event in events {
            leg.add(event);
            let call = leg.fold(&key(), &RULES).unwrap();
            prop_assert_eq!(call.state, CallState::Ended);
            prop_assert!(call.ended_at.unwrap() <= at * 1_000_000);
            prop_assert_ne!(call.outcome, Some(Outcome::Expired));
        }
    }

    #[test]
    fn an_answered_call_never_rings_again(events in vec(any_event(), 0..12), at in 0..6_u64) {
        let mut leg = Leg::default();
        leg.add(phase(at * 1_000_000, Phase::Active));
        for event in events {
            leg.add(event);
            let call = leg.fold(&key(), &RULES).unwrap();
            prop_assert_ne!(call.state, CallState::Ringing);
        }
    }

    #[test]
    fn ringing_after_an_answer_counts_in_the_version_only(
        events in vec(any_event(), 0..12),
        at in 0..6_u64,
        later in 6..9_u64,
    ) {
        let answered = [phase(at * 1_000_000, Phase::Active)].into_iter().chain(events);
        let call = fold(answered.clone());
        let expected = Call { version: call.version + 1, updated_at: later * 1_000_000, ..call };
        prop_assert_eq!(fold(answered.chain([phase(later * 1_000_000, Phase::Ringing)])), expected);
    }
}

#[test]
fn a_call_that_is_answered_before_it_rings_has_not_rung() {
    let [active, ringing, held, hangup] =
        [(5, Phase::Active), (5_005, Phase::Ringing), (6_000, Phase::Held), (60_000, Phase::Hangup)]
            .map(|(millis, is)| phase(millis * 1000, is));
    for events in [[active.clone(), ringing.clone()], [ringing.clone(), active.clone()]] {
        let call = fold(events);
        assert_eq!((call.state, call.since, call.started_at), (CallState::Active, 5000, 5000));
        assert_eq!((call.answered_at, call.ring_ms, call.version), (Some(5000), 0, 2));
    }
    let call = fold([active, ringing, held, hangup]);
    assert_eq!((call.ring_ms, call.talk_ms, call.hold_ms), (0, 5995, 54_000));
}

#[test]
fn ringing_does_not_take_back_how_an_answered_call_ended() {
    let summarised = fold([phase(1, Phase::Active), summary(9), phase(10, Phase::Ringing)]);
    assert_eq!((summarised.state, summarised.ended_at), (CallState::Ended, Some(9)));
    let mut leg = Leg::default();
    leg.add(phase(1_000_000, Phase::Active));
    leg.add(leg.expiry(Duration::from_secs(60)).unwrap());
    leg.add(phase(2_000_000, Phase::Ringing));
    assert_eq!(leg.fold(&key(), &RULES).unwrap().outcome, Some(Outcome::Expired));
}

#[test]
fn time_is_counted_by_state_and_the_running_state_counts_on() {
    let [ringing, active, held, resumed, hangup] = [
        (0, Phase::Ringing),
        (5, Phase::Active),
        (15, Phase::Held),
        (18, Phase::Active),
        (30, Phase::Hangup),
    ]
    .map(|(second, is)| phase(second * 1_000_000, is));
    let call = fold([ringing.clone(), active.clone(), held.clone()]);
    assert_eq!((call.state, call.since), (CallState::Held, 15_000_000));
    assert_eq!((call.ring_ms, call.talk_ms, call.hold_ms), (5000, 10_000, 0));
    assert_eq!(call.stale_at, Some(15_000_000 + 4 * 3_600_000_000));
    let call = fold([ringing, active, held, resumed, hangup]);
    assert_eq!((call.ring_ms, call.talk_ms, call.hold_ms), (5000, 22_000, 3000));
    assert_eq!(
        (call.outcome, call.answered_at, call.stale_at),
        (Some(Outcome::Answered), Some(5_000_000), None)
    );
}

#[test]
fn a_second_active_does_not_restart_the_timer() {
    let call = fold([phase(0, Phase::Ringing), phase(5, Phase::Active), phase(9, Phase::Active)]);
    assert_eq!((call.since, call.version), (5, 3));
}

#[test]
fn who_was_never_active_missed_it_or_had_no_answer() {
    let ends = |direction| {
        let sides = Arc::new(Sides { direction, ..(*sides("+3228992675", "")).clone() });
        [Phase::Ringing, Phase::Hangup]
            .map(|phase| Event::new(phase as u64, What::Phase { phase, sides: sides.clone() }))
    };
    assert_eq!(fold(ends(Direction::Inbound)).outcome, Some(Outcome::Missed));
    assert_eq!(fold(ends(Direction::Outbound)).outcome, Some(Outcome::NoAnswer));
}

#[test]
fn a_name_once_known_for_a_number_stays() {
    let named =
        |at, name| Event::new(at, What::Phase { phase: Phase::Active, sides: sides("+3228992675", name) });
    let call = fold([named(1, ""), named(2, "Ann"), named(3, ""), phase(4, Phase::Hangup), summary(5)]);
    assert_eq!(call.remote.name.as_deref(), Some("Ann"));
}

#[test]
fn a_summary_is_taken_after_the_end_and_alone_it_is_an_ended_call() {
    let call = fold([
        phase(1, Phase::Ringing),
        phase(2, Phase::Active),
        phase(3, Phase::Hangup),
        summary(9),
        summary(7),
    ]);
    assert_eq!((call.ended_at, call.updated_at), (Some(3), 9));
    assert_eq!(call.summary.unwrap().reported_at, 9);
    let alone = fold([summary(9)]);
    assert_eq!(
        (alone.state, alone.outcome, alone.started_at),
        (CallState::Ended, Some(Outcome::Answered), 9)
    );
}

#[test]
fn a_lost_hangup_ends_with_the_summary() {
    let call = fold([phase(1_000_000, Phase::Ringing), phase(2_000_000, Phase::Active), summary(9_000_000)]);
    assert_eq!((call.state, call.ended_at, call.talk_ms), (CallState::Ended, Some(9_000_000), 0));
    let back = fold([phase(1, Phase::Active), summary(9), phase(10, Phase::Held)]);
    assert_eq!(back.state, CallState::Held);
}

#[test]
fn an_expired_call_comes_back_with_a_real_event() {
    let after = Duration::from_secs(43_200);
    let mut leg = Leg::default();
    leg.add(phase(1_000_000, Phase::Ringing));
    leg.add(leg.expiry(after).unwrap());
    let call = leg.fold(&key(), &RULES).unwrap();
    assert_eq!((call.outcome, call.ended_at), (Some(Outcome::Expired), Some(43_201_000_000)));
    assert_eq!(call.ring_ms, 0);
    leg.add(phase(2_000_000, Phase::Active));
    assert_eq!(leg.fold(&key(), &RULES).unwrap().state, CallState::Active);
    leg.add(leg.expiry(after).unwrap());
    leg.add(phase(1_500_000, Phase::Hangup));
    assert_eq!(leg.fold(&key(), &RULES).unwrap().outcome, Some(Outcome::Missed));
}

#[test]
fn a_full_leg_still_takes_its_end() {
    let mut leg = Leg::default();
    for at in 0..MAX_PHASES as u64 {
        assert_eq!(leg.add(phase(at, Phase::Held)), Added::New);
    }
    assert_eq!(leg.add(phase(9999, Phase::Active)), Added::Full);
    assert_eq!(leg.add(phase(3, Phase::Held)), Added::Known);
    assert_eq!(leg.add(phase(10_000, Phase::Hangup)), Added::New);
    assert_eq!(leg.fold(&key(), &RULES).unwrap().state, CallState::Ended);
}

fn wrap_up(at: Micros, disposition: Option<&str>, note: &str) -> Event {
    let disposition = disposition.map(Into::into);
    Event::new(at, What::WrapUp { disposition, note: note.into(), by: "agent".into() })
}

#[test]
fn the_latest_wrap_up_counts_and_nothing_said_takes_it_back() {
    let rings = || [phase(1, Phase::Ringing), phase(2, Phase::Hangup)];
    let call = fold(rings().into_iter().chain([wrap_up(9, Some("Resolved"), "b"), wrap_up(7, None, "a")]));
    assert_eq!((call.updated_at, call.ended_at, call.version), (2, Some(2), 4));
    let said = call.wrap_up.unwrap();
    assert_eq!(
        (said.disposition.as_deref(), &*said.note, said.at, &*said.by),
        (Some("Resolved"), "b", 9, "agent")
    );
    let back = fold(rings().into_iter().chain([wrap_up(7, None, "a"), wrap_up(9, None, "")]));
    assert_eq!(back.wrap_up, None);
    assert!(fold([phase(1, Phase::Ringing), wrap_up(9, None, "a")]).is_live());
}

#[test]
fn wrap_ups_have_a_bound_of_their_own_and_leave_room_for_the_rest() {
    let mut leg = Leg::default();
    for at in 0..MAX_PHASES as u64 {
        leg.add(phase(at, Phase::Held));
    }
    for at in 0..MAX_WRAP_UPS as u64 {
        assert_eq!(leg.add(wrap_up(at, None, "x")), Added::New);
    }
    assert_eq!(leg.add(wrap_up(9999, None, "x")), Added::Full);
    assert_eq!(leg.add(wrap_up(3, None, "x")), Added::Known);
    for event in [summary(9000), dismissed(9001, Some(9000)), phase(9002, Phase::Hangup)] {
        assert_eq!(leg.add(event), Added::New);
    }
}

fn dismissed(at: Micros, summary: Option<Micros>) -> Event {
    Event::new(at, What::Dismissed { summary })
}

#[test]
fn a_popup_is_closed_once_and_its_summary_once_more() {
    let mut leg = Leg::default();
    leg.add(phase(1, Phase::Ringing));
    let closed = |leg: &Leg| leg.fold(&key(), &RULES).unwrap().summary_seen;
    leg.add(leg.dismissal(5, Some(1)));
    assert_eq!(leg.dismissal(6, Some(2)).at, 5, "it was said already");
    assert_eq!(leg.add(dismissed(6, None)), Added::Known);
    leg.add(summary(9));
    assert!(!closed(&leg));
    assert_eq!(leg.dismissal(10, Some(2)).at, 5, "the summary came unseen");
    leg.add(leg.dismissal(10, Some(3)));
    assert!(closed(&leg));
    assert_eq!(leg.dismissal(11, None).at, 10);
    assert_eq!(leg.fold(&key(), &RULES).unwrap().dismissed_at, Some(10));
}

#[test]
fn what_a_dismissal_saw_does_not_depend_on_clocks() {
    // The provider's clock is ahead of ours: the summary bears a later time than the dismissal of it.
    let call = fold([phase(1, Phase::Hangup), summary(900), dismissed(5, Some(900))]);
    assert!(call.summary_seen);
    // And behind: the summary bears an earlier time than a dismissal that came before it.
    let call = fold([phase(1, Phase::Hangup), dismissed(900, None), summary(5)]);
    assert!(!call.summary_seen);
    // One that corrects the one which was seen is news.
    let call = fold([phase(1, Phase::Hangup), summary(5), dismissed(6, Some(5)), summary(7)]);
    assert!(!call.summary_seen);
}

proptest! {
    #[test]
    fn a_full_set_is_bounded_and_ends(events in vec(any_event(), 1..40), order in vec(any::<Index>(), 40)) {
        let mut leg = Leg::default();
        for at in 0..MAX_PHASES as u64 - 5 {
            leg.add(phase(at, Phase::Held));
        }
        for event in shuffled(&events, &order) {
            let room = event.manner().room;
            if leg.add(event) == Added::New {
                prop_assert!(leg.events().len() <= room);
            }
        }
        let version = leg.version();
        prop_assert_eq!(leg.add(phase(9_000_000_000, Phase::Hangup)), Added::New);
        prop_assert_eq!(leg.version(), version + 1);
        prop_assert_eq!(leg.fold(&key(), &RULES).unwrap().state, CallState::Ended);
    }

    #[test]
    fn closing_what_is_shown_closes_it(events in vec(any_event(), 1..12), now in 0..9_u64) {
        let mut leg = Leg::default();
        leg.add(phase(1, Phase::Ringing));
        for event in events {
            leg.add(event);
        }
        let dismissal = leg.dismissal(now, Some(leg.version()));
        leg.add(dismissal);
        let call = leg.fold(&key(), &RULES).unwrap();
        prop_assert!(call.dismissed_at.is_some() && call.summary_seen == call.summary.is_some());
        prop_assert_eq!(leg.check(&leg.dismissal(now + 1, None)), Added::Known);
    }
}
