//! The recorded calls. Their figures were computed from the recordings by hand.

use super::{
    super::{ShownConversation, Tile, TimeOnCalls, clamp::ClampRule, tile::TileState},
    *,
};
use crate::{
    board::{
        handover::HandoverResult,
        outcome::{ConversationKind, ConversationOutcome},
        rules::{Certainty, Rule},
    },
    source::telsmart::legs,
};

/// Long after all of them.
const LATER: Micros = 1_765_300_000 * SECOND;
const BLIND_END: Micros = 1_765_200_580_127_319;
const COMPLETED: Micros = 1_765_280_019_045_878;

/// The facts of some of the fixtures, from the events of their lines.
pub(super) fn recorded(fixtures: impl IntoIterator<Item = usize>) -> Facts {
    let mut facts = Facts::default();
    for (key, events) in legs::recorded(fixtures) {
        facts.take(Arc::new(fact(&key, events)));
    }
    facts
}

fn conversations(fixture: usize) -> Vec<Conversation> {
    group_all(&recorded([fixture]), LATER).conversations
}

fn one(fixture: usize) -> Conversation {
    let [conversation] = <[Conversation; 1]>::try_from(conversations(fixture)).unwrap();
    conversation
}

fn talked(conversation: &Conversation) -> Vec<(&str, Micros)> {
    conversation.talked.iter().map(|(extension, talk)| (extension.as_str(), talk / 1000)).collect()
}

#[test]
fn the_fixtures_group_as_the_table_says() {
    let of = |it: &Conversation| (it.kind, it.outcome, it.wait.map(|wait| wait / 1000), it.talk / 1000);
    let (inbound, answered) = (ConversationKind::Inbound, ConversationOutcome::Answered);
    let outbound = (ConversationKind::Outbound, ConversationOutcome::Reached);
    assert_eq!(of(&one(1)), (inbound, answered, Some(9520), 24_199));
    assert_eq!(of(&one(2)), (outbound.0, outbound.1, Some(19_079), 11_720));
    let held = one(3);
    assert_eq!((of(&held), held.hold / 1000), ((inbound, answered, Some(16_560), 24_799), 12_140));

    let internal = one(4);
    assert_eq!(of(&internal), (ConversationKind::Internal, answered, Some(6120), 8900));
    assert_eq!((internal.legs.len(), &*internal.rules), (2, &[Rule::Pair][..]));
    assert_eq!(internal.certainty, Certainty::High, "their stamps are equal");
    assert_eq!(internal.answered_by, Some(extension("200")));

    let blind = one(5);
    assert_eq!(of(&blind), (inbound, answered, Some(6300), 5779 + 5181));
    assert_eq!((&*blind.rules, blind.certainty), (&[Rule::Blind][..], Certainty::High));
    assert_eq!(talked(&blind), [("200", 5779), ("210", 5180)]);
    assert_eq!(blind.limbo.unwrap() / 1000, 19_600);
    assert_eq!((blind.answered_by, blind.end), (Some(extension("200")), Some(BLIND_END)));
    let [handover] = &*blind.handovers else { panic!() };
    assert_eq!((handover.to.as_str(), handover.result), ("210", Some(HandoverResult::Completed)));

    let attended = one(6);
    assert_eq!(of(&attended), (inbound, answered, Some(5500), 14_759));
    assert_eq!((attended.legs.len(), &*attended.rules), (3, &[Rule::Pair, Rule::Attended][..]));
    assert_eq!(talked(&attended), [("200", 2419), ("210", 12_339)]);
    let [handover] = &*attended.handovers else { panic!() };
    assert_eq!((handover.at, handover.result), (COMPLETED, Some(HandoverResult::Completed)));

    let both = group_all(&recorded([1, 7]), LATER).conversations;
    let [summarised] = &*both else { panic!("{both:?}") };
    assert!(summarised.has_summary);
    assert_eq!(of(summarised), of(&one(1)), "a summary joins its leg and moves no time");
}

#[test]
fn all_fixtures_together_group_as_each_alone() {
    let together = group_all(&recorded(1..=7), LATER).conversations;
    let mut apart: Vec<Conversation> = [vec![1, 7], vec![2], vec![3], vec![4], vec![5], vec![6]]
        .into_iter()
        .flat_map(|fixtures| group_all(&recorded(fixtures), LATER).conversations)
        .collect();
    apart.sort_by_key(|conversation| conversation.start);
    assert_eq!(together, apart);
}

#[test]
fn time_on_calls_is_the_union_of_legs() {
    let facts = recorded([6]);
    let (grouping, legs) = (group_all(&facts, LATER), all_facts(&facts));
    let own = tile_legs(&legs, &grouping, "200");
    let time = TimeOnCalls::of(&own, 0, LATER);
    assert_eq!((time.talk, time.internal, time.hold), (2_419_991, 8_300_014, 9_919_989));
    assert_eq!(time.on_call(), 20_639_994);
    // One leg after the other, and without the cut, would be more than twice as long.
    let each = own.iter().map(|leg| TimeOnCalls::of(&[TileLeg { clamp: None, ..*leg }], 0, LATER).on_call());
    assert_eq!(each.sum::<Micros>() / 1000, 44_060);
    let receiver = TimeOnCalls::of(&tile_legs(&legs, &grouping, "210"), 0, LATER);
    assert_eq!((receiver.talk / 1000, receiver.internal), (12_339, 8_300_014));
}

#[test]
fn a_consult_tail_is_cut_at_the_transfer() {
    let facts = recorded([6]);
    let (grouping, legs) = (group_all(&facts, LATER), all_facts(&facts));
    let [(key, clamp)] = &*grouping.clamps else { panic!("{:?}", grouping.clamps) };
    assert_eq!((key.extension.as_str(), clamp.why, clamp.at), ("200", ClampRule::ConsultTail, COMPLETED));
    let tail = legs.iter().find(|leg| leg.key == *key).unwrap();
    assert_eq!((tail.end.unwrap() - clamp.at) / 1000, 15_139);

    let own = tile_legs(&legs, &grouping, "200");
    let before = Tile::at(&own, COMPLETED - 1);
    assert_eq!((before.state, before.internal, before.clamped), (TileState::Active, true, false));
    let after = Tile::at(&own, COMPLETED + SECOND);
    assert_eq!((after.state, after.since, after.clamped), (TileState::NoCall, Some(COMPLETED), true));
    assert!(!Tile::at(&own, tail.end.unwrap()).clamped, "now its events say so too");
    let receiver = Tile::at(&tile_legs(&legs, &grouping, "210"), COMPLETED);
    assert_eq!((receiver.state, receiver.internal, receiver.legs), (TileState::Active, false, 1));
}

#[test]
fn a_conversation_is_shown_as_the_contract_says() {
    let (attended, tenant) = (one(6), "t".try_into().unwrap());
    let mut shown = serde_json::to_value(ShownConversation::of(
        &attended,
        &tenant,
        attended.number.as_deref(),
        attended.name.as_deref(),
    ))
    .unwrap();
    let id = shown["conversation_id"].take();
    assert_eq!(id.as_str().unwrap().len(), 32);
    let legs = shown["legs"].take();
    assert_eq!(
        legs[0],
        serde_json::json!({"extension": "200", "leg_id": "74f93e37-3659-4323-b11d-2b8256a4f984"})
    );
    let expected = serde_json::json!({
        "conversation_id": null, "tenant_id": "t", "source": "telsmart", "kind": "inbound",
        "outcome": "answered", "basis": "inferred", "rules": ["pair", "attended"], "certainty": "high",
        "ambiguous": false, "number": "+3228992675", "name": null, "started_at": 1_765_279_992_905_872_u64,
        "answered_at": 1_765_279_998_405_884_u64, "ended_at": 1_765_280_031_385_872_u64, "wait_ms": 5500,
        "talk_ms": 14759, "hold_ms": 18200, "limbo_ms": null, "answered_by": "200",
        "talked": [{"extension": "200", "talk_ms": 2419}, {"extension": "210", "talk_ms": 12339}], "hops": 0,
        "transfers": [{"kind": "attended", "from": "200", "to": "210", "at": COMPLETED, "result": "completed"}],
        "legs": null, "replaces": [], "summary": false,
    });
    assert_eq!(shown, expected);
}
