//! A ledger that saw events one by one, at times of its own, says the same as one look at all of them: what was put away
//! is counted as before, and what comes late brings it back.

use super::{
    super::{Ledger, Odd, Tile, TimeOnCalls, WindowName, Zone, tile::running_since},
    orders::{any_history, arrived, events},
    *,
};
use crate::event_set::shuffled;
use proptest::{collection::vec, prelude::*, sample::Index};
use std::collections::{BTreeSet, HashMap};

const EVER: Window = Window { from: 0, to: Micros::MAX };

fn membership() -> Arc<Membership> {
    let groups = |names: &[&str]| names.iter().map(|name| (*name).into()).collect();
    Arc::new([(extension("200"), groups(&["sales"])), (extension("201"), groups(&["sales", "help"]))].into())
}

fn ledger() -> Ledger {
    let mut ledger = Ledger::new(BoardRules::default());
    ledger.all_read();
    ledger.meet(membership());
    ledger
}

/// Delivers events in their order, each so many seconds after the one before, and asks for figures now and then; gives
/// the time after the last.
fn deliver(ledger: &mut Ledger, stories: &[Story], events: &[(usize, Event)], pauses: &[u64]) -> Micros {
    let (mut legs, mut now) = (HashMap::<usize, Leg>::new(), T0);
    for (nth, (story, event)) in events.iter().enumerate() {
        now += pauses[nth % pauses.len()] * SECOND;
        ledger.turn(now);
        let leg = legs.entry(*story).or_default();
        leg.add(event.clone());
        take(ledger, LegFact::of(&stories[*story].key, leg, &RULES), now);
        if nth.is_multiple_of(3) {
            ask(ledger, now);
        }
    }
    now
}

fn ask(ledger: &mut Ledger, now: Micros) -> Vec<Figures> {
    WindowName::ALL.map(|name| ledger.figures(name, name.at(now, &Zone::utc())).clone()).to_vec()
}

fn without_former_ids(
    conversations: impl IntoIterator<Item = impl std::borrow::Borrow<Conversation>>,
) -> Vec<Conversation> {
    let plain = |it: Conversation| Conversation { replaces: Vec::new(), ..it };
    let mut all: Vec<_> = conversations.into_iter().map(|it| plain(it.borrow().clone())).collect();
    all.sort_by_key(|it| (it.start, it.id));
    all
}

fn check(ledger: &mut Ledger, facts: &Facts, now: Micros) -> Result<(), TestCaseError> {
    ledger.turn(now);
    let (grouping, legs) = (group_all(facts, now), all_facts(facts));
    let expected = without_former_ids(&grouping.conversations);
    prop_assert_eq!(without_former_ids(ledger.within(EVER)), expected.clone());
    prop_assert_eq!(ledger.len(), legs.len());
    prop_assert_eq!(ledger.legs().count(), legs.len());
    for (name, figures) in WindowName::ALL.into_iter().zip(ask(ledger, now)) {
        let window = name.at(now, &Zone::utc());
        let anew = Figures::of(&expected, window, &membership(), ledger.rules(), now);
        prop_assert_eq!(figures, anew, "{:?}", name);
    }
    for conversation in &expected {
        prop_assert!(ledger.conversation(conversation.id).is_some());
        for leg in &conversation.legs {
            prop_assert_eq!(ledger.of_leg(&leg.key).map(|it| it.id), Some(conversation.id));
            prop_assert!(ledger.of_leg_id(leg.key.id.as_str()).iter().any(|it| it.id == conversation.id));
        }
    }
    for at in [T0, T0 + 30 * SECOND, now] {
        let going_on = |it: &&Conversation| it.start < at && !it.is_over(at);
        let expected: BTreeSet<_> = expected.iter().filter(going_on).map(|it| it.id).collect();
        prop_assert_eq!(ledger.going_on(at).map(|it| it.id).collect::<BTreeSet<_>>(), expected);
    }
    let odd = |is: fn(&Odd) -> bool| ledger.odd(EVER).filter(|odd| is(odd)).count();
    let of = |is: fn(&Conversation) -> bool| expected.iter().filter(|it| is(it)).count();
    prop_assert_eq!(odd(|odd| odd.unknown), of(Conversation::is_unknown));
    prop_assert_eq!(odd(|odd| odd.ambiguous), of(Conversation::is_ambiguous));
    prop_assert_eq!(odd(|odd| odd.expired), of(|it| it.expired));
    for name in ["200", "201", "202", "203"] {
        let (own, of) = (tile_legs(&legs, &grouping, name), extension(name));
        prop_assert_eq!(ledger.tile(&of, now), Tile::at(&own, now));
        prop_assert_eq!(ledger.has_had(&of), !own.is_empty());
        for at in [T0, T0 + 30 * SECOND, now] {
            let is_of =
                |it: &&Conversation| it.legs.iter().any(|leg| leg.key.extension == of) && !it.is_over(at);
            let expected: BTreeSet<_> = expected.iter().filter(is_of).map(|it| it.id).collect();
            let since = ledger.since(std::slice::from_ref(&of), at);
            prop_assert_eq!(since.iter().map(|it| it.id).collect::<BTreeSet<_>>(), expected);
        }
        let until = running_since(&own, now).unwrap_or(now);
        for window in [Window { from: T0 - CELL, to: now }, Window { from: T0 + MINUTE, to: T0 + 3 * MINUTE }]
        {
            let to = until.min(window.to).max(window.from);
            prop_assert_eq!(ledger.time(&of, window, now), TimeOnCalls::of(&own, window.from, to));
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn what_is_put_away_is_said_as_before(
        stories in any_history(),
        order in vec(any::<Index>(), 60),
        pauses in vec(0..90_u64, 1..8),
        later in 0..1200_u64,
    ) {
        let events = shuffled(&events(&stories), &order);
        let mut ledger = ledger();
        let now = deliver(&mut ledger, &stories, &events, &pauses) + later * SECOND;
        check(&mut ledger, &arrived(&stories, &events), now)?;
        // All that is known comes again, as when everything is read anew.
        let facts = all_facts(&arrived(&stories, &events));
        take(&mut ledger, facts.iter().map(|fact| (**fact).clone()), now + SECOND);
        check(&mut ledger, &arrived(&stories, &events), now + SECOND)?;
    }

    #[test]
    fn what_is_read_at_once_is_the_same(stories in any_history(), order in vec(any::<Index>(), 60), page in 1..6_usize, later in 0..1200_u64) {
        let facts = arrived(&stories, &events(&stories));
        let mut ledger = ledger();
        let now = T0 + later * SECOND;
        ask(&mut ledger, now);
        for some in shuffled(&all_facts(&facts), &order).chunks(page) {
            take(&mut ledger, some.iter().map(|fact| (**fact).clone()), now);
        }
        check(&mut ledger, &facts, now)?;
    }

    #[test]
    fn what_is_forgotten_leaves_nothing(stories in any_history(), later in 0..1200_u64) {
        let mut ledger = ledger();
        let events = events(&stories);
        let now = deliver(&mut ledger, &stories, &events, &[5]) + later * SECOND;
        ledger.turn(now);
        let is_old = |it: &Conversation| it.legs.iter().all(|leg| !leg.is_live() && leg.reach < T0 + 40 * SECOND);
        let old: Vec<_> = ledger.within(EVER).filter(|it| is_old(it)).collect();
        let (before, legs) = (ledger.len(), ledger.legs().count());
        prop_assert_eq!(before, legs);
        ledger.forget(T0 + 40 * SECOND);
        // What is forgotten was old, whatever else stays for what it is beside.
        let gone = before - ledger.len();
        prop_assert!(gone <= old.iter().map(|it| it.legs.len()).sum::<usize>());
        prop_assert_eq!(ledger.legs().count(), ledger.len());
        ledger.forget(Micros::MAX);
        let live = ledger.legs().filter(|leg| leg.is_live()).count();
        prop_assert!(ledger.len() == 0 || live > 0);
    }
}

/// Calls of one number, each of which begins before the one before it has ended.
fn crowd(count: u64, from: Micros, id: &str) -> Vec<Story> {
    let call = |nth: u64| {
        let at = from + nth * 4000;
        let story = Story::inbound(&(200 + nth % 4).to_string(), &format!("{id}{nth}"), CALLER);
        if nth.is_multiple_of(3) {
            story.ring(at).hangup(at + 7000)
        } else {
            story.ring(at).answer(at + 2000).hangup(at + 9000)
        }
    };
    (0..count).map(call).collect()
}

#[test]
fn a_crowd_stays_a_crowd_when_most_of_it_was_put_away() {
    let stories = crowd(260, 0, "c");
    let mut in_order = events(&stories);
    in_order.sort_by_key(|(story, event)| (event.at, *story));
    let facts = arrived(&stories, &in_order);
    assert!(facts.clusters().iter().all(|cluster| cluster.capped));
    let mut stayed = ledger();
    let now = deliver(&mut stayed, &stories, &in_order, &[1, 2]);
    check(&mut stayed, &facts, now).unwrap();
    check(&mut stayed, &facts, now + 600 * SECOND).unwrap();
    // Read anew, the latest first.
    let mut anew = ledger();
    let mut all = all_facts(&facts);
    all.sort_by_key(|fact| std::cmp::Reverse(fact.reach));
    for some in all.chunks(50) {
        take(&mut anew, some.iter().map(|fact| (**fact).clone()), now + 600 * SECOND);
    }
    check(&mut anew, &facts, now + 600 * SECOND).unwrap();
}

#[test]
fn a_crowd_that_parts_is_none() {
    let mut stories = crowd(120, 0, "a");
    stories.extend(crowd(120, 620_000, "b"));
    // Nobody knew for long that it had ended.
    let bridge = Story::inbound("203", "bridge", CALLER).ring(470_000);
    let ended = bridge.clone().hangup(475_000);
    let mut all = events(&stories);
    all.sort_by_key(|(story, event)| (event.at, *story));
    let nth = stories.len();
    stories.push(ended.clone());
    all.splice(60..60, bridge.events.iter().map(|event| (nth, event.clone())));
    let before = arrived(&stories, &all);
    assert!(before.clusters().iter().all(|cluster| cluster.capped));
    let mut ledger = ledger();
    let mut legs = HashMap::new();
    let now = deliver(&mut ledger, &stories, &all, &[3]);
    check(&mut ledger, &before, now).unwrap();
    all.push((nth, ended.events[1].clone()));
    let after = arrived(&stories, &all);
    assert!(after.clusters().iter().all(|cluster| !cluster.capped));
    let leg: &mut Leg = legs.entry(nth).or_default();
    ended.events.iter().for_each(|event| _ = leg.add(event.clone()));
    // By then all of it was put away.
    let now = now + 20 * MINUTE;
    check(&mut ledger, &before, now).unwrap();
    take(&mut ledger, LegFact::of(&ended.key, leg, &RULES), now);
    check(&mut ledger, &after, now).unwrap();
}

#[test]
fn a_call_of_two_hours_is_as_long_for_who_reads_it_later() {
    let long = |extension: &str, at: Micros| {
        let id = format!("long-{at}");
        Story::inbound(extension, &id, CALLER).ring(at).answer(at + 5000).hangup(at + 7_200_000)
    };
    let stories = [long("200", 0), long("201", 20_000_000)];
    let facts = facts(&stories);
    let mut ledger = ledger();
    let now = T0 + 10 * 60 * MINUTE;
    take(&mut ledger, stories.iter().map(Story::fact), now);
    check(&mut ledger, &facts, now).unwrap();
    for cell in (Window { from: T0 - CELL, to: T0 + 3 * 4 * CELL }).cells() {
        let own = tile_legs(&all_facts(&facts), &group_all(&facts, now), "200").len();
        let time = ledger.time(&extension("200"), cell, now);
        let to = cell.to.min(ms(7_200_000)).max(cell.from);
        let talked = to.saturating_sub(cell.from.max(ms(5000)));
        assert_eq!((own, time.talk), (1, talked), "{cell:?}");
    }
}

#[test]
fn a_clock_that_goes_back_counts_nothing_twice() {
    let stories = crowd(40, 0, "a");
    let mut ledger = ledger();
    let mut now = T0 + 5 * MINUTE;
    take(&mut ledger, stories.iter().map(Story::fact), now);
    for minutes in [5, 1, 3, 2, 8] {
        ask(&mut ledger, T0 + minutes * MINUTE);
        now = now.max(T0 + minutes * MINUTE);
    }
    check(&mut ledger, &facts(&stories), now).unwrap();
}
