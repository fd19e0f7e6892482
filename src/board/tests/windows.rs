//! Days of every length, and what belongs to which.

use super::{
    super::{TimeOnCalls, WindowName, Zone},
    *,
};

const HOUR: Micros = 60 * MINUTE;

fn zone(name: &str) -> Zone {
    Zone::named(name).unwrap()
}

/// A time of UTC.
fn utc(text: &str) -> Micros {
    let at: jiff::Timestamp = text.parse().unwrap();
    at.as_microsecond().try_into().unwrap()
}

#[test]
fn the_day_of_the_clock_change_has_23_and_25_hours() {
    let brussels = zone("Europe/Brussels");
    for (noon, hours, cells) in [
        ("2026-03-29T10:00:00Z", 23, 92),
        ("2026-03-30T10:00:00Z", 24, 96),
        ("2026-10-25T11:00:00Z", 25, 100),
    ] {
        let day = brussels.day(utc(noon));
        assert_eq!((day.to - day.from, day.cells().count()), (hours * HOUR, cells), "{noon}");
        assert!(day.cells().all(|cell| cell.from % CELL == 0 && cell.to - cell.from == CELL));
        assert_eq!(brussels.hours(day).len() as u64, hours);
        assert_eq!(brussels.day(day.to - 1), day);
        assert_eq!(brussels.day(day.to).from, day.to);
    }
    let autumn = brussels.hours(brussels.day(utc("2026-10-25T11:00:00Z")));
    let labels: Vec<&str> = autumn[1..5].iter().map(|hour| &*hour.label).collect();
    assert_eq!(labels, ["01:00 +02", "02:00 +02", "02:00 +01", "03:00 +01"]);
    assert_eq!(autumn[3].from - autumn[2].from, HOUR);
    let spring = brussels.hours(brussels.day(utc("2026-03-29T10:00:00Z")));
    assert_eq!((&*spring[1].label, &*spring[2].label), ("01:00 +01", "03:00 +02"));
}

#[test]
fn kathmandu_has_days_too() {
    let kathmandu = zone("Asia/Kathmandu");
    let day = kathmandu.day(utc("2026-06-01T12:00:00Z"));
    assert_eq!((day.from, day.to), (utc("2026-05-31T18:15:00Z"), utc("2026-06-01T18:15:00Z")));
    assert_eq!((day.cells().count(), kathmandu.hours(day).len()), (96, 24));
    assert_eq!(kathmandu.hours(day)[9].label, "09:00 +05:45");
    // A clock that is changed by half an hour.
    assert_eq!(zone("Australia/Lord_Howe").day(utc("2026-10-03T20:00:00Z")).cells().count(), 94);
    assert_eq!(Zone::named("Europe/Atlantis"), None);
}

#[test]
fn a_call_over_midnight_belongs_to_its_start() {
    let brussels = zone("Europe/Brussels");
    let midnight = utc("2025-12-08T23:00:00Z");
    let before = (midnight - T0) / 1000;
    let call = Story::inbound("200", "m", CALLER)
        .ring(before - 20_000)
        .answer(before - 10_000)
        .hangup(before + 30_000);
    let (now, facts) = (midnight + HOUR, facts(&[call]));
    let grouping = group_all(&facts, now);
    let figures =
        |day| Figures::of(&grouping.conversations, day, &Membership::new(), &BoardRules::default(), now);
    let (yesterday, today) = (brussels.day(midnight - 1), brussels.day(midnight));
    assert_eq!((yesterday.to, today.from), (midnight, midnight));
    let (first, second) = (figures(yesterday).tenant, figures(today).tenant);
    assert_eq!((first.offered, first.talk, first.carried), (1, 40_000_000, 0));
    assert_eq!((second.offered, second.talk, second.carried), (0, 0, 1));
    // Time belongs to the clock.
    let legs = all_facts(&facts);
    let own = tile_legs(&legs, &grouping, "200");
    let time = |day: Window| TimeOnCalls::of(&own, day.from, day.to).talk;
    assert_eq!((time(yesterday), time(today)), (10_000_000, 30_000_000));
}

#[test]
fn rolling_windows_begin_and_end_at_minutes() {
    let now = T0 + 30 * SECOND;
    let brussels = zone("Europe/Brussels");
    let window = |name: WindowName| name.at(now, &brussels);
    let m15 = window(WindowName::M15);
    assert_eq!((m15.from, m15.to), (T0 - 15 * MINUTE, T0 + MINUTE));
    assert!(m15.holds(now + 20 * SECOND), "a clock that is ahead counts in its own minute");
    assert!(!m15.holds(T0 + MINUTE));
    assert_eq!(window(WindowName::M60).from, T0 - 60 * MINUTE);
    assert_eq!((window(WindowName::M30).from, window(WindowName::Today).to), (T0 - 30 * MINUTE, T0 + MINUTE));
    assert_eq!(window(WindowName::Today).from, brussels.day(now).from);
}

#[test]
fn cells_add_up_to_their_window() {
    let number = |nth| format!("+3225550{nth:03}");
    let call = |nth: u64| Story::inbound("200", &nth.to_string(), &number(nth)).ring(nth * 400_000);
    let stories: Vec<Story> = (0..40)
        .map(|nth| call(nth).answer(nth * 400_000 + nth * 1000).hangup(nth * 400_000 + 90_000))
        .collect();
    let (now, calls) = (ms(40 * 400_000), grouped(&stories, ms(40 * 400_000)));
    let of = |window| Figures::of(&calls, window, &Membership::new(), &BoardRules::default(), now);
    let mut sum = Figures::default();
    for cell in day().cells() {
        let mut cell = of(cell);
        // What a cell carries from the one before it began in another.
        cell.tenant.carried = 0;
        sum.merge(&cell);
    }
    assert_eq!(sum, of(day()));
    assert_eq!(sum.tenant.offered, 40);
}
