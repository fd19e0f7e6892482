use super::*;
use crate::simulator::{
    pace::{Speed, Stamps},
    webhook::{Micros, Webhook},
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const BEGIN: Micros = 1_800_000_000_000_000;
const CLOCK: Clock = Clock { begin: BEGIN, speed: Speed::REAL, stamps: Stamps::Recorded };

/// A day with so much in it that everything occurs.
fn day(seed: u64) -> Day {
    Day::of(24, Extent::Calls(400), seed)
}

fn webhooks(day: &Day, clock: &Clock) -> Vec<Webhook> {
    day.events().into_iter().map(|event| day.webhook(event, "t", clock)).collect()
}

fn bytes(day: &Day) -> (Vec<String>, Vec<String>) {
    let events = webhooks(day, &CLOCK).iter().map(Webhook::to_json).collect();
    (events, day.truth("t", &CLOCK).map(|line| line.to_string()).collect())
}

/// The truth of every call.
fn calls(day: &Day) -> Vec<Value> {
    day.truth("t", &CLOCK).skip(1).collect()
}

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect()
}

fn list(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap()
}

#[test]
fn the_same_seed_plays_the_same_day() {
    assert_eq!(bytes(&day(7)), bytes(&day(7)));
    assert_ne!(bytes(&day(7)).0, bytes(&day(8)).0);
}

/// Another release must not change what a seed plays without anybody noticing.
#[test]
fn a_seed_plays_what_it_always_played() {
    let (events, truth) = bytes(&Day::of(12, Extent::Calls(64), 1));
    let digest = |lines: &[String]| format!("{:016x}", xxhash_rust::xxh3::xxh3_64(lines.concat().as_bytes()));
    assert_eq!([digest(&events), digest(&truth)], ["a2bb4c978db23a2d", "12a2cd11f64e63cb"]);
}

#[test]
fn every_phenomenon_is_played() {
    let calls = calls(&day(1));
    let played: BTreeSet<_> = calls.iter().flat_map(|call| texts(&call["phenomena"])).collect();
    let all = [
        "attended_transfer",
        "attended_transfer_declined",
        "attended_transfer_unanswered",
        "blind_transfer",
        "blind_transfer_returned",
        "blind_transfer_unanswered",
        "direct",
        "duplicate",
        "hold",
        "hunt",
        "internal_answered",
        "internal_unanswered",
        "late",
        "left_in_queue",
        "missed",
        "no_hangup",
        "outbound_answered",
        "outbound_unanswered",
        "repeat",
        "retry",
        "ring_group",
        "short",
        "skewed",
        "staggered_group",
        "summary",
        "taken_without_integration",
        "two_callers_of_one_number",
        "withheld",
        "without_integration",
    ];
    assert_eq!(played.into_iter().collect::<Vec<_>>(), all);
    let untold: BTreeSet<_> = calls.iter().flat_map(|call| texts(&call["untold"])).collect();
    let all = ["answer", "call", "caller", "hangup", "leg", "transfer"];
    assert_eq!(untold.into_iter().collect::<Vec<_>>(), all);
}

#[test]
fn even_the_smallest_centre_plays_every_kind_of_call() {
    let smallest = calls(&Day::of(FEWEST, Extent::Calls(80), 3));
    let played: BTreeSet<_> = smallest.iter().flat_map(|call| texts(&call["phenomena"])).collect();
    for kind in
        ["attended_transfer", "blind_transfer_returned", "hunt", "two_callers_of_one_number", "repeat"]
    {
        assert!(played.contains(kind), "{kind} is not in {played:?}");
    }
}

#[test]
fn nobody_is_in_two_calls_at_once() {
    let mut by_phone: BTreeMap<String, BTreeMap<u64, (u64, u64)>> = BTreeMap::new();
    for call in calls(&day(1)) {
        // Within one call a phone may consult while its caller is on hold.
        let mut spans: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
        for leg in list(&call["legs"]) {
            let (from, until) = (leg["started_at"].as_u64().unwrap(), leg["left_at"].as_u64().unwrap());
            let span = spans.entry(leg["extension"].as_str().unwrap()).or_insert((from, until));
            *span = (span.0.min(from), span.1.max(until));
        }
        for (phone, (from, until)) in spans {
            let number = call["call"].as_u64().unwrap();
            by_phone.entry(phone.to_owned()).or_default().insert(from, (until, number));
        }
    }
    assert_eq!(by_phone.len(), 24);
    for (phone, spans) in by_phone {
        let spans: Vec<_> = spans.into_iter().collect();
        for pair in spans.windows(2) {
            let ((_, (until, call)), (from, (_, next))) = (pair[0], pair[1]);
            assert!(until < from, "{phone} is in {call} and {next}");
        }
    }
}

/// What the events of a leg say by themselves.
#[derive(Debug, Default, PartialEq)]
struct Said {
    started_at: Option<u64>,
    answered_at: Option<u64>,
    ended_at: Option<u64>,
    summary_at: Option<u64>,
    ring_us: u64,
    talk_us: u64,
    hold_us: u64,
}

fn said(events: &[&Webhook]) -> Said {
    let mut events: Vec<_> =
        events.iter().map(|event| (event.timestamp().unwrap(), event.text("state"))).collect();
    events.sort_unstable();
    events.dedup();
    let first = |state| events.iter().find(|event| event.1 == state).map(|event| event.0);
    let time_in = |state| {
        let pairs = events.windows(2).filter(|pair| pair[0].1 == state);
        pairs.map(|pair| pair[1].0 - pair[0].0).sum()
    };
    Said {
        started_at: first("RINGING"),
        answered_at: first("ACTIVE"),
        ended_at: first("HANGUP"),
        summary_at: first("SUMMARY_REPORTING"),
        ring_us: time_in("RINGING"),
        talk_us: time_in("ACTIVE"),
        hold_us: time_in("HELD"),
    }
}

#[test]
fn the_truth_is_what_events_say_that_nothing_befell() {
    let day = day(1);
    let webhooks = webhooks(&day, &CLOCK);
    let mut by_leg: BTreeMap<&str, Vec<&Webhook>> = BTreeMap::new();
    for webhook in &webhooks {
        by_leg.entry(webhook.leg_id()).or_default().push(webhook);
    }
    let mut compared = 0;
    for leg in calls(&day).iter().flat_map(|call| list(&call["legs"]).clone()) {
        let Some(id) = leg["id"].as_str() else {
            assert_eq!(leg["told"], false);
            continue;
        };
        let events = by_leg.remove(id).unwrap();
        let disturbed = texts(&leg["disturbed"]);
        let skew = leg["skew_us"].as_i64().unwrap();
        let at = |field: &str| leg[field].as_u64().map(|at| at.saturating_add_signed(skew));
        let time = |field: &str| leg[field].as_u64().unwrap();
        let mut truth = Said {
            started_at: at("started_at"),
            answered_at: at("answered_at"),
            ended_at: at("ended_at"),
            summary_at: at("summary_at"),
            ring_us: time("ring_us"),
            talk_us: time("talk_us"),
            hold_us: time("hold_us"),
        };
        let said = said(&events);
        if disturbed.contains(&"no_hangup") {
            assert_eq!(said.ended_at, None);
            truth = Said { ended_at: None, ..truth };
            assert_eq!((said.started_at, said.answered_at), (truth.started_at, truth.answered_at));
            continue;
        }
        assert_eq!(said, truth, "{leg}");
        assert_eq!(disturbed.contains(&"skewed"), skew != 0);
        compared += 1;
    }
    assert!(by_leg.is_empty(), "of these the truth says nothing: {by_leg:?}");
    assert!(compared > 400, "{compared}");
}

#[test]
fn a_caller_waits_talks_and_is_on_hold_for_as_long_as_the_legs_say() {
    for call in calls(&day(1)) {
        let at = |field: &str| call[field].as_u64().unwrap();
        let lasted = at("ended_at") - at("began_at");
        assert!(at("wait_us") + at("talk_us") + at("hold_us") <= lasted, "{call}");
        match call["answered_at"].as_u64() {
            Some(answered) => assert_eq!(at("wait_us"), answered - at("began_at")),
            None => assert_eq!((at("wait_us"), at("talk_us")), (lasted, 0), "{call}"),
        }
        // Without a transfer the caller is always in one of the three.
        if list(&call["transfers"]).is_empty() && call["kind"] != "internal" {
            assert_eq!(at("wait_us") + at("talk_us") + at("hold_us"), lasted, "{call}");
        }
        assert_eq!(call["answered_at"].is_null(), call["answered_by"].is_null());
    }
}

/// Events without what differs from call to call: numbers, names and legs are counted in the order in which they
/// come, and a timestamp is its rank.
fn shape(events: &[Webhook]) -> Vec<String> {
    let stamps: BTreeSet<_> = events.iter().map(|event| event.timestamp().unwrap()).collect();
    let mut seen: Vec<String> = Vec::new();
    let mut symbol = |text: &str| {
        let known = seen.iter().position(|other| other == text);
        known.unwrap_or_else(|| {
            seen.push(text.to_owned());
            seen.len() - 1
        })
    };
    let mut shape = |event: &Webhook| {
        let mut line = format!("{} {}", event.text("direction"), event.text("state"));
        let fields = ["id", "user_extension", "caller_number", "caller_name", "callee_number", "callee_name"];
        for field in fields.into_iter().chain(["transfer_caller_number"]) {
            let text = event.text(field);
            line += &if text.is_empty() { " -".to_owned() } else { format!(" {}", symbol(text)) };
        }
        let rank = stamps.iter().position(|stamp| Some(*stamp) == event.timestamp()).unwrap();
        format!("{line} at {rank}")
    };
    events.iter().map(&mut shape).collect()
}

#[test]
fn legs_look_as_recorded() {
    let day = Day::of(60, Extent::Calls(1500), 1);
    let webhooks = webhooks(&day, &CLOCK);
    let mut of_leg: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (place, webhook) in webhooks.iter().enumerate() {
        of_leg.entry(webhook.leg_id()).or_default().push(place);
    }
    let truth = calls(&day);
    for (fixture, phenomena) in [
        (include_str!("../../../tests/fixtures/telsmart/1-answered-inbound.jsonl"), vec!["direct"]),
        (
            include_str!("../../../tests/fixtures/telsmart/2-answered-outbound.jsonl"),
            vec!["outbound_answered"],
        ),
        (include_str!("../../../tests/fixtures/telsmart/3-held-and-resumed.jsonl"), vec!["direct", "hold"]),
        (include_str!("../../../tests/fixtures/telsmart/4-internal.jsonl"), vec!["internal_answered"]),
        (
            include_str!("../../../tests/fixtures/telsmart/5-blind-transfer.jsonl"),
            vec!["direct", "blind_transfer"],
        ),
        (
            include_str!("../../../tests/fixtures/telsmart/6-attended-transfer.jsonl"),
            vec!["direct", "attended_transfer"],
        ),
    ] {
        let recorded: Vec<_> =
            fixture.lines().map(|line| Webhook::new(serde_json::from_str(line).unwrap())).collect();
        let recorded = shape(&recorded);
        let of_call = |call: &Value| {
            let ids = list(&call["legs"]).iter().filter_map(|leg| leg["id"].as_str());
            let mut places: Vec<_> = ids.flat_map(|id| of_leg[id].clone()).collect();
            places.sort_unstable();
            shape(&places.iter().map(|place| webhooks[*place].clone()).collect::<Vec<_>>())
        };
        let alike = truth.iter().filter(|call| texts(&call["phenomena"]) == phenomena);
        // Some callers have names, and some calls are held twice, which the recorded ones are not.
        let shapes: Vec<_> = alike.map(of_call).collect();
        assert!(!shapes.is_empty(), "{phenomena:?}");
        assert!(shapes.contains(&recorded), "{phenomena:?}: {:#?}\nis not {recorded:#?}", shapes[0]);
    }
}

#[test]
fn members_without_integration_and_withheld_numbers_are_in_no_event() {
    let day = day(1);
    let truth: Vec<_> = day.truth("t", &CLOCK).collect();
    let silent: Vec<_> =
        list(&truth[0]["members"]).iter().filter(|member| member["integrated"] == false).collect();
    assert!(!silent.is_empty());
    let webhooks = webhooks(&day, &CLOCK);
    for webhook in &webhooks {
        assert!(silent.iter().all(|member| member["extension"] != webhook.text("user_extension")));
    }
    let withheld: Vec<_> = truth[1..].iter().filter(|call| call["withheld"] == true).collect();
    assert!(!withheld.is_empty());
    let all: String = webhooks.iter().map(Webhook::to_json).collect();
    assert!(withheld.iter().all(|call| !all.contains(call["from"].as_str().unwrap())));
}

#[test]
fn two_callers_of_one_number_talk_at_the_same_time() {
    let calls = calls(&day(1));
    let twins: Vec<_> = calls
        .iter()
        .filter(|call| texts(&call["phenomena"]).contains(&"two_callers_of_one_number"))
        .collect();
    assert!(twins.len() >= 2);
    for pair in twins.chunks_exact(2) {
        assert_eq!(pair[0]["from"], pair[1]["from"]);
        assert_ne!(pair[0]["answered_by"], pair[1]["answered_by"]);
        let at = |call: usize, field: &str| pair[call][field].as_u64().unwrap();
        let both = at(0, "ended_at").min(at(1, "ended_at")) - at(0, "answered_at").max(at(1, "answered_at"));
        assert!(both > 2_000_000, "{both}");
    }
}

#[test]
fn whoever_calls_again_was_not_answered_before() {
    let calls = calls(&day(1));
    let repeats: Vec<_> = calls.iter().filter(|call| !call["repeats"].is_null()).collect();
    assert!(repeats.len() > 5, "{}", repeats.len());
    for call in repeats {
        let before = &calls[call["repeats"].as_u64().unwrap() as usize];
        assert_eq!(before["from"], call["from"]);
        assert!(before["answered_at"].is_null());
        let gap = call["began_at"].as_u64().unwrap() - before["ended_at"].as_u64().unwrap();
        assert!(gap >= 12_000_000, "{gap}");
    }
}

#[test]
fn as_many_calls_as_asked_for_or_as_begin_in_time() {
    for count in [1, 2, 63, 64, 65] {
        assert_eq!(calls(&Day::of(6, Extent::Calls(count), 5)).len(), count as usize);
    }
    let hour = Day::of(60, Extent::Lasts(3_600_000_000), 5);
    // Each of the 60 is called ten times an hour.
    assert!((500..700).contains(&calls(&hour).len()), "{}", calls(&hour).len());
}

#[test]
fn a_day_that_begins_at_another_time_has_other_legs() {
    let day = day(1);
    let ids = |begin| {
        let clock = Clock { begin, ..CLOCK };
        webhooks(&day, &clock).iter().map(|event| event.leg_id().to_owned()).collect::<BTreeSet<_>>()
    };
    assert!(ids(BEGIN).is_disjoint(&ids(BEGIN + 1)));
    assert_eq!(ids(BEGIN), ids(BEGIN));
}

#[test]
fn no_event_is_stamped_later_than_it_is_sent() {
    let day = day(1);
    let events = day.events();
    for (speed, stamps) in [
        ("0", Stamps::Recorded),
        ("0.5", Stamps::Recorded),
        ("60", Stamps::Recorded),
        ("60", Stamps::Scaled),
        ("1", Stamps::Scaled),
    ] {
        let times = events.iter().map(|event| day.times(*event));
        let clock = Clock::of_now(times, speed.parse().unwrap(), stamps, BEGIN);
        let mut latest = 0;
        for event in &events {
            let (at, sent) = day.times(*event);
            let stamp = clock.stamp(at, 0);
            let sent = BEGIN + clock.sends(sent).as_micros() as Micros;
            assert!(stamp <= sent + 1, "at speed {speed}: {stamp} is sent at {sent}");
            latest = latest.max(stamp);
        }
        // And they are no older than they must be.
        assert!(speed != "0" || latest == BEGIN, "{latest}");
    }
}

#[test]
fn scaled_stamps_are_when_the_events_are_sent() {
    let day = day(1);
    let events = day.events();
    let times = events.iter().map(|event| day.times(*event));
    let clock = Clock::of_now(times, "60".parse().unwrap(), Stamps::Scaled, BEGIN);
    assert_eq!(clock.begin, BEGIN);
    let on_time = events.iter().map(|event| day.times(*event)).filter(|(at, sent)| at == sent);
    let mut count = 0;
    for (at, sent) in on_time {
        assert_eq!(clock.stamp(at, 0), BEGIN + clock.sends(sent).as_micros() as Micros);
        count += 1;
    }
    assert!(count > 1000, "{count}");
}
