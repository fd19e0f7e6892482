//! Random histories: in whatever order events come, and however often, every figure is the same.

use super::{
    super::{LegKey, TimeOnCalls},
    *,
};
use crate::event_set::shuffled;
use proptest::{collection::vec, prelude::*, sample::Index};
use std::collections::{BTreeMap, HashMap};

/// Times of events are so far apart at least, in milliseconds; small, so that stamps meet.
const STEP: Micros = 500;

/// Some legs of few telephones and numbers within some minutes.
pub(super) fn any_history() -> impl Strategy<Value = Vec<Story>> {
    let number =
        prop_oneof![Just("+3225550100"), Just("+3225550101"), Just("anonymous"), Just("200"), Just("201")];
    let leg = (0..4_u64, number, any::<bool>(), 0..120_u64, vec((0..4_u8, 0..30_u64), 1..5), any::<u8>());
    vec(leg, 1..12).prop_map(|legs| {
        let mut stories = Vec::new();
        for (nth, (extension, number, inbound, start, phases, more)) in legs.into_iter().enumerate() {
            let extension = (200 + extension).to_string();
            let story = if inbound { Story::inbound } else { Story::outbound };
            let mut story = story(&extension, &nth.to_string(), number);
            if more.is_multiple_of(8) && number.len() == 3 {
                story = story.transfer_of("+3225550100");
            }
            let mut at = start * STEP;
            if more % 16 != 1 {
                story = story.ring(at);
            }
            for (phase, after) in phases {
                at += after * STEP;
                story = match phase {
                    0 => story.answer(at),
                    1 => story.hold(at),
                    2 if more.is_multiple_of(8) => story.with("+3225550100").answer(at),
                    _ => story.hangup(at),
                };
            }
            if more % 32 == 2 && !story.events.is_empty() {
                story = story.expire();
            }
            stories.push(story);
        }
        stories
    })
}

/// Facts as they are after events came in that order, one fact for each event.
pub(super) fn arrived(stories: &[Story], events: &[(usize, Event)]) -> Facts {
    let mut legs: HashMap<usize, Leg> = HashMap::new();
    let mut facts = Facts::default();
    for (story, event) in events {
        let leg = legs.entry(*story).or_default();
        leg.add(event.clone());
        if let Some(fact) = LegFact::of(&stories[*story].key, leg, &RULES) {
            facts.take(Arc::new(fact));
        }
    }
    facts
}

pub(super) fn events(stories: &[Story]) -> Vec<(usize, Event)> {
    let events = stories.iter().enumerate();
    events.flat_map(|(nth, story)| story.events.iter().map(move |event| (nth, event.clone()))).collect()
}

type Everything = (Grouping, Figures, BTreeMap<Extension, TimeOnCalls>);

fn everything(facts: &Facts, now: Micros) -> Everything {
    let (grouping, legs) = (group_all(facts, now), all_facts(facts));
    let figures = figures_of(&grouping.conversations, now);
    let time = |leg: &Arc<LegFact>| {
        let own = tile_legs(&legs, &grouping, leg.key.extension.as_str());
        (leg.key.extension.clone(), TimeOnCalls::of(&own, day().from, now))
    };
    let times = legs.iter().map(time).collect();
    (grouping, figures, times)
}

proptest! {
    #[test]
    fn figures_are_the_same_in_any_order_of_events(
        stories in any_history(),
        order in vec(any::<Index>(), 60),
        now in 0..300_000_u64,
    ) {
        let events = events(&stories);
        let expected = everything(&arrived(&stories, &events), ms(now));
        let otherwise = arrived(&stories, &shuffled(&events, &order));
        prop_assert_eq!(everything(&otherwise, ms(now)), expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_duplicate_moves_no_figure(stories in any_history(), again in vec(any::<Index>(), 1..20)) {
        let mut events = events(&stories);
        let expected = everything(&arrived(&stories, &events), ms(200_000));
        let twice: Vec<_> = again.iter().map(|index| index.get(&events).clone()).collect();
        events.extend(twice);
        prop_assert_eq!(everything(&arrived(&stories, &events), ms(200_000)), expected);
    }

    #[test]
    fn from_each_leg_its_cluster_is_the_same(stories in any_history()) {
        let facts = arrived(&stories, &events(&stories));
        let keys = |cluster: &Cluster| {
            let mut keys: Vec<_> = cluster.legs.iter().map(|leg| leg.key.clone()).collect();
            keys.sort();
            keys
        };
        let clusters = facts.clusters();
        prop_assert_eq!(clusters.iter().map(|it| it.legs.len()).sum::<usize>(), facts.len());
        for cluster in &clusters {
            for leg in &cluster.legs {
                prop_assert_eq!(keys(&facts.cluster(&leg.key).unwrap()), keys(cluster));
            }
        }
    }

    #[test]
    fn what_a_change_touches_is_all_that_changes(stories in any_history(), order in vec(any::<Index>(), 60)) {
        let (mut facts, mut legs) = (Facts::default(), HashMap::<usize, Leg>::new());
        let mut kept: BTreeMap<LegKey, Conversation> = BTreeMap::new();
        for (story, event) in shuffled(&events(&stories), &order) {
            let leg = legs.entry(story).or_default();
            leg.add(event);
            let fact = LegFact::of(&stories[story].key, leg, &RULES).map(Arc::new);
            let Some(news) = fact.and_then(|fact| facts.take(fact)) else { continue };
            for cluster in facts.touched(&news) {
                for conversation in group(&cluster, &BoardRules::default(), ms(200_000)).conversations {
                    for leg in &conversation.legs {
                        kept.insert(leg.key.clone(), conversation.clone());
                    }
                }
            }
        }
        for conversation in group_all(&facts, ms(200_000)).conversations {
            for leg in &conversation.legs {
                prop_assert_eq!(&kept[&leg.key], &conversation);
            }
        }
    }

    #[test]
    fn offered_is_the_sum_of_its_outcomes(stories in any_history(), now in 0..300_000_u64) {
        let it = everything(&arrived(&stories, &events(&stories)), ms(now)).1.tenant;
        prop_assert_eq!(it.offered, it.answered + it.missed + it.short + it.unknown + it.open);
        prop_assert!(it.out >= it.reached + it.connected + it.no_answer);
        prop_assert_eq!(it.offered, it.withheld + it.callers.values().map(|times| u64::from(*times)).sum::<u64>());
        prop_assert!(it.within <= it.waits.count() && it.waits.count() + it.unknown_start == it.answered);
    }

    #[test]
    fn rang_is_the_sum_of_its_parts(stories in any_history(), now in 0..300_000_u64) {
        for it in everything(&arrived(&stories, &events(&stories)), ms(now)).1.extensions.into_values() {
            prop_assert_eq!(it.rang, it.took + it.passed + it.not_taken + it.brief + it.unknown + it.open);
            prop_assert!(it.missed <= it.not_taken && it.reached <= it.out);
        }
    }

    #[test]
    fn the_sum_of_first_takes_is_what_was_answered(stories in any_history(), now in 0..300_000_u64) {
        let figures = everything(&arrived(&stories, &events(&stories)), ms(now)).1;
        let first: u64 = figures.extensions.values().map(|it| it.took_first).sum();
        prop_assert_eq!(first, figures.tenant.answered);
    }

    #[test]
    fn each_leg_is_in_one_conversation(stories in any_history(), now in 0..300_000_u64) {
        let facts = arrived(&stories, &events(&stories));
        let mut conversations = group_all(&facts, ms(now)).conversations;
        let legs: Vec<_> = conversations.iter().flat_map(|it| &it.legs).map(|leg| leg.key.clone()).collect();
        let distinct: std::collections::BTreeSet<_> = legs.iter().collect();
        prop_assert_eq!((legs.len(), distinct.len()), (facts.len(), facts.len()));
        let before = conversations.clone();
        tell_among_themselves(&before, &mut conversations, ms(now));
        prop_assert_eq!(conversations, before, "what did not change replaces nothing");
    }

    #[test]
    fn nothing_changes_before_it_says_so(stories in any_history(), now in 0..200_u64, later in 0..120_u64) {
        let facts = arrived(&stories, &events(&stories));
        let at = |seconds: u64| group_all(&facts, ms(seconds * 1000));
        let (mut first, mut second) = (at(now), at(now + later));
        if first.again_at.is_none_or(|again| ms((now + later) * 1000) < again) {
            (first.again_at, second.again_at) = (None, None);
            prop_assert_eq!(first, second);
        }
    }
}
