//! The recorded calls of the provider, folded: the same call in whatever order their webhooks come.

use super::{PROVIDER, parse};
use crate::{
    call::{Call, Event, Leg, Rules},
    config::Source,
    event_set::shuffled,
    id::ItemKey,
    item::{self, ItemEvent},
    source::Received,
};
use proptest::{collection::vec, prelude::*, sample::Index};
use std::{collections::HashMap, time::Duration};

const RULES: Rules = Rules {
    ringing_stale_after: Duration::from_secs(180),
    active_stale_after: Duration::from_secs(4 * 3600),
};

const FIXTURES: [&str; 7] = [
    include_str!("../../../tests/fixtures/telsmart/1-answered-inbound.jsonl"),
    include_str!("../../../tests/fixtures/telsmart/2-answered-outbound.jsonl"),
    include_str!("../../../tests/fixtures/telsmart/3-held-and-resumed.jsonl"),
    include_str!("../../../tests/fixtures/telsmart/4-internal.jsonl"),
    include_str!("../../../tests/fixtures/telsmart/5-blind-transfer.jsonl"),
    include_str!("../../../tests/fixtures/telsmart/6-attended-transfer.jsonl"),
    include_str!("../../../tests/fixtures/telsmart/7-summary.jsonl"),
];

/// The events of every leg of the fixtures, in the order of their arrival.
fn fixtures() -> HashMap<ItemKey, Vec<Event>> {
    recorded(1..=FIXTURES.len())
}

/// The same of some of them, by the numbers of their files.
pub(crate) fn recorded(numbers: impl IntoIterator<Item = usize>) -> HashMap<ItemKey, Vec<Event>> {
    let mut legs: HashMap<ItemKey, Vec<Event>> = HashMap::new();
    for line in numbers.into_iter().flat_map(|number| FIXTURES[number - 1].lines()) {
        for received in parse(&Source::unguarded(PROVIDER.kind).unwrap(), line.as_bytes()).unwrap() {
            let Received::Item(ItemEvent { key, event: item::Event::Call(event) }) = received else {
                panic!("{received:?}")
            };
            legs.entry(key).or_default().push(event);
        }
    }
    legs
}

fn fold(key: &ItemKey, events: impl IntoIterator<Item = Event>) -> Call {
    let mut leg = Leg::default();
    for event in events {
        leg.add(event);
    }
    leg.fold(key, &RULES).unwrap()
}

proptest! {
    #[test]
    fn a_recorded_call_is_the_same_in_any_order(order in vec(any::<Index>(), 40)) {
        for (key, events) in fixtures() {
            let expected = fold(&key, events.clone());
            prop_assert_eq!(fold(&key, shuffled(&events, &order)), expected);
        }
    }
}

#[test]
fn the_attended_transfer_of_the_fixture_is_complete_when_the_caller_is_on_the_line() {
    let legs = fixtures();
    let (key, events) = legs.iter().find(|(key, _)| key.name.id.as_str().starts_with("1e651e94")).unwrap();
    let before = fold(key, events[..2].to_vec()).transfer.unwrap();
    assert_eq!((before.original_number.as_ref(), before.completed_at), ("+3228992675", None));
    assert_eq!(before.via.name.as_deref(), Some("John Doe"));
    let call = fold(key, events.clone());
    assert_eq!(call.transfer.unwrap().completed_at, Some(1_765_280_019_045_878));
    assert_eq!((call.remote.number.as_deref(), call.internal), (Some("+3228992675"), false));
}
