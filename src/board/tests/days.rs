//! Closed days: what is stored of one says the same as its legs, and nothing that comes or goes makes it less.

use super::{
    super::{DayFigures, DayKey, KnownDay, Ledger, RolledUp, Sums, TimeOnCalls, Zone, roll_up},
    *,
};

const LATER: Micros = T0 + 100 * 3600 * SECOND;

/// A day of calls, every twelve minutes from ten hours before `T0` on: answered, missed, short, internal and outbound ones.
fn stories(of: &str) -> Vec<Story> {
    let at = |nth: usize| nth as u64 * 12 * 60_000;
    let story = |nth: usize| {
        let (id, number) = (format!("{of}{nth}"), format!("+32255501{:02}", nth % 7));
        let inbound = |extension| Story::inbound(extension, &id, &number).on_line("+3221112233");
        match nth % 5 {
            0 => inbound("200")
                .ring(at(nth))
                .answer(at(nth) + 21_000)
                .hold(at(nth) + 90_000)
                .hangup(at(nth) + 99_000),
            1 => inbound("201")
                .ring(at(nth))
                .answer(at(nth) + 4_500)
                .hangup(at(nth) + 20 * 60_000)
                .wrap_up(at(nth) + 1_300_000),
            2 => inbound("200").ring(at(nth)).hangup(at(nth) + 30_000),
            3 => Story::outbound("202", &id, &number)
                .ring(at(nth))
                .answer(at(nth) + 9_000)
                .hangup(at(nth) + 40_000),
            _ => inbound("201").ring(at(nth)).hangup(at(nth) + 2_000),
        }
    };
    (0..60).map(story).collect()
}

fn ledger_of(stories: &[Story]) -> Ledger {
    let mut ledger = Ledger::new(BoardRules::default());
    take(&mut ledger, stories.iter().map(Story::fact), LATER);
    ledger
}

fn membership() -> Membership {
    [("200", "sales"), ("201", "sales"), ("202", "service")]
        .map(|(name, group)| (extension(name), vec![group.into()]))
        .into()
}

fn rolled(ledger: &Ledger, day: Window, known: Option<KnownDay>) -> Option<RolledUp> {
    roll_up(ledger, day, &membership(), known, DayKey::new([7; 16]), LATER)
}

/// As it is known after it was stored.
fn stored(rolled: &RolledUp) -> KnownDay {
    let (calls, people) = (rolled.figures.calls_to_bytes(), rolled.figures.people_to_bytes());
    let figures = DayFigures::of_bytes(&calls, Some(&people)).unwrap();
    assert_eq!(figures, rolled.figures);
    let key = DayKey::of_bytes(&rolled.key.to_bytes());
    assert_eq!(key.as_ref(), Some(&rolled.key));
    KnownDay { figures, key }
}

/// What is shown of a window by legs, in the form of what is shown by cells.
fn by_legs(ledger: &Ledger, window: Window) -> Sums {
    let conversations = ledger.going_on(window.from).chain(ledger.within(window));
    let figures = Figures::of(conversations, window, &membership(), ledger.rules(), LATER);
    let times = ledger.extensions().map(|it| (it.clone(), ledger.time(it, window, LATER)));
    Sums { figures, times: times.filter(|(_, time)| *time != TimeOnCalls::default()).collect() }
}

/// All values that are shown.
fn shown(sums: &Sums) -> serde_json::Value {
    let Sums { figures, times } = sums;
    let values = |tallies: &std::collections::BTreeMap<Arc<str>, super::super::Tally>| {
        let shown = tallies.iter().map(|(name, tally)| (name.to_string(), tally.values()));
        serde_json::to_value(shown.collect::<std::collections::BTreeMap<_, _>>()).unwrap()
    };
    let people = figures.extensions.iter().map(|(name, tally)| {
        let time = times.get(name).copied().unwrap_or_default();
        serde_json::json!([name.as_str(), tally.values(&time, None)])
    });
    let people: Vec<_> = people.collect();
    serde_json::json!([figures.tenant.values(), values(&figures.groups), values(&figures.lines), people])
}

fn windows(day: Window) -> Vec<Window> {
    let cells: Vec<Window> = day.cells().collect();
    let some = [1, 4, 7, cells.len()].into_iter().flat_map(|step| {
        cells
            .chunks(step)
            .map(|some| Window { from: some[0].from, to: some[some.len() - 1].to })
            .collect::<Vec<_>>()
    });
    some.collect()
}

#[test]
fn a_stored_day_says_of_every_window_what_its_legs_say() {
    for zone in ["Europe/Brussels", "Asia/Kathmandu", "UTC"] {
        let ledger = ledger_of(&stories("a"));
        let day = Zone::named(zone).unwrap().day(T0 + 5 * 60 * MINUTE);
        let figures = stored(&rolled(&ledger, day, None).unwrap()).figures;
        let within = BoardRules::default().answer_within;
        for window in windows(day) {
            let (cells, legs) = (figures.within(window, within), by_legs(&ledger, window));
            assert_eq!(shown(&cells), shown(&legs), "{zone} {window:?}");
            assert_eq!(cells.times, legs.times, "{zone} {window:?}");
        }
    }
}

#[test]
fn days_of_23_and_25_hours_are_stored_whole() {
    let brussels = Zone::named("Europe/Brussels").unwrap();
    for (noon, cells) in [("2026-03-29T10:00:00Z", 92), ("2026-10-25T11:00:00Z", 100)] {
        let noon: jiff::Timestamp = noon.parse().unwrap();
        let day = brussels.day(noon.as_microsecond().try_into().unwrap());
        let shift = day.from.checked_sub(T0).unwrap() / 1000;
        let story = |nth: u64| {
            let at = shift + nth * 15 * 60_000;
            Story::inbound("200", &nth.to_string(), CALLER).ring(at).answer(at + 5000).hangup(at + 60_000)
        };
        let stories: Vec<Story> = (0..cells).map(story).collect();
        let mut ledger = Ledger::new(BoardRules::default());
        take(&mut ledger, stories.iter().map(Story::fact), day.to + LATER);
        let key = DayKey::new([1; 16]);
        let rolled = roll_up(&ledger, day, &Membership::new(), None, key, day.to + LATER).unwrap();
        assert_eq!(rolled.figures.within(day, 20 * SECOND).figures.tenant.answered, cells);
    }
}

#[test]
fn a_day_stays_as_it_is_where_nothing_changed() {
    let ledger = ledger_of(&stories("a"));
    let first = rolled(&ledger, day(), None).unwrap();
    assert!(rolled(&ledger, day(), Some(stored(&first))).is_none());
    // Some legs are gone, or all of them.
    for left in [30, 0] {
        let fewer = ledger_of(&stories("a")[..left]);
        assert!(rolled(&fewer, day(), Some(stored(&first))).is_none());
    }
    // And without its key nothing is added.
    let sealed = KnownDay { key: None, ..stored(&first) };
    assert!(rolled(&ledger_of(&stories("b")), day(), Some(sealed)).is_none());
    assert!(rolled(&ledger_of(&[]), day(), None).is_none(), "a day without calls is not stored");
}

#[test]
fn a_late_call_is_in_it_whatever_has_gone() {
    // It is carried into another quarter.
    let late = Story::inbound("203", "late", "+3225559999").ring(890_000).hangup(920_000);
    let all = stories("a");
    let first = stored(&rolled(&ledger_of(&all), day(), None).unwrap());
    let whole = [all.clone(), vec![late.clone()]].concat();
    let expected = ledger_of(&whole);
    for left in [all.len(), 20, 0] {
        let some = [&all[..left], std::slice::from_ref(&late)].concat();
        let second = rolled(&ledger_of(&some), day(), Some(first.clone())).unwrap();
        for window in windows(day()) {
            let (sums, expected) = (second.figures.within(window, 20 * SECOND), by_legs(&expected, window));
            assert_eq!((shown(&sums), &sums.times), (shown(&expected), &expected.times), "{left} are left");
        }
        assert!(rolled(&ledger_of(&some), day(), Some(stored(&second))).is_none(), "and only once");
    }
}

#[test]
fn what_goes_on_is_added_when_it_is_over() {
    let first = stored(&rolled(&ledger_of(&stories("a")), day(), None).unwrap());
    let live = Story::inbound("203", "live", CALLER).ring(5000);
    let answered = live.clone().answer(9000);
    let count = |story: &Story, now: Micros| {
        let mut ledger = Ledger::new(BoardRules::default());
        take(&mut ledger, [story.fact()], now);
        let rolled = roll_up(&ledger, day(), &membership(), Some(first.clone()), DayKey::new([7; 16]), now);
        rolled.map(|it| it.figures.within(day(), 20 * SECOND).figures.tenant.answered)
    };
    let answered_before = first.figures.within(day(), 20 * SECOND).figures.tenant.answered;
    assert_eq!((count(&live, ms(6000)), count(&answered, ms(10_000))), (None, None));
    assert_eq!(count(&answered.hangup(12_000), ms(60_000)), Some(answered_before + 1));
}

#[test]
fn another_time_to_answer_within_counts_whole_buckets() {
    let waits = [1500, 2000, 2500, 70_000, 400_000];
    let stories: Vec<Story> = (0..)
        .zip(waits)
        .map(|(nth, wait)| {
            let at = nth * 600_000;
            Story::inbound("200", &nth.to_string(), CALLER)
                .ring(at)
                .answer(at + wait)
                .hangup(at + wait + 10_000)
        })
        .collect();
    let figures = rolled(&ledger_of(&stories), day(), None).unwrap().figures;
    let within = |seconds| figures.within(day(), seconds * SECOND).figures.tenant.within;
    assert_eq!((within(20), within(2), within(3), within(75), within(300)), (3, 1, 3, 4, 4));
}

#[test]
fn nobody_can_tell_who_called() {
    let first = rolled(&ledger_of(&stories("a")), day(), None).unwrap();
    let callers = first.figures.within(day(), 20 * SECOND).figures.tenant.callers;
    assert_eq!(callers.len(), 7);
    assert!(callers.keys().all(|caller| !caller.contains("+32") && !caller.contains("5550")), "{callers:?}");
}

#[test]
fn damaged_bytes_are_nothing() {
    let first = rolled(&ledger_of(&stories("a")), day(), None).unwrap();
    let calls = first.figures.calls_to_bytes();
    for bytes in [&calls[..calls.len() / 2], &[], &[1], &[2, 0], &[&[9], &calls[1..]].concat()] {
        assert_eq!(DayFigures::of_bytes(bytes, None), None);
    }
    assert!(DayFigures::of_bytes(&calls, None).is_some());
    assert_eq!(DayKey::of_bytes(&calls[..9]), None);
}
