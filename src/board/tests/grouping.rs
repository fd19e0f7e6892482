//! Which legs belong together. Times are in milliseconds.

use super::{
    super::{
        clamp::ClampRule,
        conversation::Basis,
        facts::Cluster,
        handover::{HandoverKind, HandoverResult},
        outcome::{ConversationKind, ConversationOutcome},
        rings::RingStand,
        rules::{Certainty, Rule},
    },
    *,
};

fn rang(extension: &str, at: Micros) -> Story {
    Story::inbound(extension, &format!("{extension}-{at}"), CALLER).ring(at)
}

/// Four telephones ring together, and 202 answers.
fn ring_group() -> Vec<Story> {
    vec![
        rang("200", 0).hangup(7050),
        rang("201", 20).hangup(7040),
        rang("202", 10).answer(7000).hangup(60_000),
        rang("203", 400).hangup(7900),
    ]
}

#[test]
fn a_ring_group_is_one_call() {
    let call = single(&ring_group(), ms(100_000));
    assert_eq!((call.outcome, call.wait), (ConversationOutcome::Answered, Some(7_000_000)));
    assert_eq!((&*call.rules, call.certainty), (&[Rule::RingGroup][..], Certainty::High));
    assert_eq!((call.basis, call.answered_by), (Basis::Inferred, Some(extension("202"))));
    let [set] = &*call.ring_sets else { panic!("{:?}", call.ring_sets) };
    let stands: Vec<_> = set.members.iter().map(|(extension, stand)| (extension.as_str(), *stand)).collect();
    let passed = |extension| (extension, RingStand::Passed);
    assert_eq!(stands, [passed("200"), ("202", RingStand::Took), passed("201"), passed("203")]);
}

#[test]
fn a_group_that_rings_one_after_the_other_is_one_call() {
    let call = single(
        &[rang("200", 0).hangup(25_300), rang("201", 10_000).answer(25_000).hangup(60_000)],
        ms(100_000),
    );
    assert_eq!((call.certainty, call.wait), (Certainty::Medium, Some(25_000_000)));
}

#[test]
fn nobody_of_a_ring_group_answered() {
    let call = single(&[rang("200", 0).hangup(20_000), rang("201", 0).hangup(20_010)], ms(100_000));
    assert_eq!((call.outcome, call.wait), (ConversationOutcome::Missed, Some(20_010_000)));
}

#[test]
fn two_callers_of_one_number_stay_two() {
    let callers = [
        rang("200", 0).answer(5000).hangup(60_000),
        rang("201", 500).answer(6000).hangup(70_000),
        rang("202", 30_000).answer(33_000).hangup(50_000),
    ];
    assert_eq!(extensions(&grouped(&callers, ms(100_000))), [["200"], ["201"], ["202"]]);
    // Within two seconds it may be one who was taken twice.
    let taken_twice =
        [rang("200", 0).answer(5000).hangup(7000), rang("201", 500).answer(5500).hangup(60_000)];
    assert_eq!(extensions(&grouped(&taken_twice, ms(100_000))), [["200", "201"]]);
}

#[test]
fn withheld_callers_are_not_joined() {
    let anonymous = |extension, at| Story::inbound(extension, extension, "anonymous").ring(at);
    let apart = [anonymous("200", 0).hangup(10_000), anonymous("201", 700).hangup(10_000)];
    assert_eq!(extensions(&grouped(&apart, ms(100_000))), [["200"], ["201"]]);
    let hunted = [anonymous("200", 0).hangup(10_000), anonymous("201", 10_100).answer(12_000).hangup(20_000)];
    assert_eq!(extensions(&grouped(&hunted, ms(100_000))), [["200"], ["201"]], "no hop");
    let ends_apart = [anonymous("200", 0).hangup(10_000), anonymous("201", 0).hangup(10_600)];
    assert_eq!(extensions(&grouped(&ends_apart, ms(100_000))), [["200"], ["201"]]);

    let together =
        single(&[anonymous("200", 0).hangup(10_000), anonymous("201", 300).hangup(10_400)], ms(100_000));
    assert_eq!((together.certainty, together.number), (Certainty::Low, None));
    let held = anonymous("200", 0).answer(3000).hold(8000).hangup(10_000);
    let handed = single(&[held, anonymous("201", 10_300).answer(12_000).hangup(20_000)], ms(100_000));
    assert_eq!((&*handed.rules, handed.certainty), (&[Rule::Blind][..], Certainty::Low));
}

#[test]
fn an_ambiguous_leg_says_who_it_may_be() {
    let stories = [
        rang("200", 0).answer(10_000).hangup(60_000),
        rang("201", 0).answer(10_060).hangup(60_000),
        rang("202", 0).hangup(10_030),
    ];
    let calls = grouped(&stories, ms(100_000));
    assert_eq!(calls.len(), 2);
    let with = |extension: &str| {
        calls.iter().find(|call| call.legs.iter().any(|leg| leg.key.extension.as_str() == extension)).unwrap()
    };
    let doubtful = with("202");
    let other = calls.iter().find(|call| call.id != doubtful.id).unwrap();
    let [doubt] = &*doubtful.doubts else { panic!("{:?}", doubtful.doubts) };
    assert_eq!(doubt.leg.extension.as_str(), "202");
    assert_eq!(doubt.candidates, [doubtful.id, other.id]);
    assert_eq!((doubtful.certainty, other.is_ambiguous()), (Certainty::Low, false));
}

#[test]
fn what_is_clearly_nearer_is_not_ambiguous() {
    let stories = [
        rang("200", 0).answer(10_000).hangup(60_000),
        rang("201", 0).answer(20_000).hangup(60_000),
        rang("202", 0).hangup(10_030),
    ];
    let calls = grouped(&stories, ms(100_000));
    assert_eq!(extensions(&calls), [vec!["200", "202"], vec!["201"]]);
    assert!(calls.iter().all(|call| !call.is_ambiguous()));
}

#[test]
fn a_hunt_goes_on_until_somebody_answers() {
    let hunt = [
        rang("200", 0).hangup(15_000),
        rang("201", 15_200).hangup(30_200),
        rang("202", 30_400).answer(34_000).hangup(80_000),
    ];
    let call = single(&hunt, ms(100_000));
    assert_eq!((call.hops, call.wait, call.certainty), (2, Some(34_000_000), Certainty::Medium));
    assert_eq!(call.rules, [Rule::Hop]);
    let retried = [rang("200", 0).hangup(15_000), rang("200", 20_000).answer(22_000).hangup(30_000)];
    assert_eq!(single(&retried, ms(100_000)).hops, 1, "a queue that tries the same telephone again");
}

#[test]
fn who_calls_again_later_is_another_call() {
    let again = [rang("200", 0).hangup(15_000), rang("200", 25_000).hangup(40_000)];
    assert_eq!(grouped(&again, ms(100_000)).len(), 2);
}

#[test]
fn a_colleagues_answer_is_no_hop() {
    let mut stories = ring_group();
    stories.push(rang("205", 9000).answer(12_000).hangup(15_000));
    assert_eq!(grouped(&stories, ms(100_000)).len(), 2, "205 is another caller of that number");
}

#[test]
fn a_blind_transfer_that_nobody_took_comes_back() {
    let stories = [
        rang("200", 0).answer(5000).hold(10_000).hangup(11_000),
        rang("210", 11_200).hangup(31_200),
        rang("200", 31_500).answer(33_000).hangup(50_000),
    ];
    let call = single(&stories, ms(100_000));
    let [handover] = &*call.handovers else { panic!("{:?}", call.handovers) };
    assert_eq!((handover.kind, handover.result), (HandoverKind::Blind, Some(HandoverResult::Unanswered)));
    assert_eq!((handover.to.as_str(), call.limbo, call.hops), ("210", None, 1));
    assert_eq!(call.rules, [Rule::Hop, Rule::Blind]);
}

#[test]
fn without_a_hold_a_transfer_is_a_guess() {
    let stories =
        [rang("200", 0).answer(5000).hangup(11_000), rang("210", 12_500).answer(15_000).hangup(20_000)];
    let call = single(&stories, ms(100_000));
    assert_eq!((&*call.rules, call.certainty), (&[Rule::Blind][..], Certainty::Low));
}

/// 200 has the caller, and asks 210, who is put through at 30 s or never.
fn consultation(completed: bool, end: Micros) -> Vec<Story> {
    let receiver = Story::inbound("210", "r", "200").transfer_of(CALLER).ring(12_500).answer(16_000);
    let receiver = if completed { receiver.with(CALLER).answer(30_000) } else { receiver };
    vec![
        rang("200", 0).answer(5000).hold(10_000).hangup(end),
        Story::outbound("200", "c", "210").ring(12_000).answer(16_000).hangup(40_000),
        receiver.hangup(60_000),
    ]
}

#[test]
fn who_was_only_asked_has_no_part_in_the_talk() {
    let call = single(&consultation(false, 50_000), ms(100_000));
    let [handover] = &*call.handovers else { panic!() };
    assert_eq!((handover.result, handover.at), (Some(HandoverResult::Consulted), ms(12_500)));
    assert_eq!((call.talked.len(), call.talk), (1, 5_000_000));
}

#[test]
fn a_conference_is_not_cut() {
    let cut = group_all(&facts(&consultation(true, 31_000)), ms(100_000)).clamps;
    assert!(matches!(&*cut, [(_, clamp)] if clamp.why == ClampRule::ConsultTail && clamp.at == ms(30_000)));
    let conference = consultation(true, 55_000);
    let grouping = group_all(&facts(&conference), ms(100_000));
    assert_eq!((grouping.clamps.len(), grouping.conversations.len()), (0, 1));
    let still_there =
        [conference[1].clone(), conference[2].clone(), rang("200", 0).answer(5000).hold(10_000)];
    assert_eq!(group_all(&facts(&still_there), ms(100_000)).clamps, [], "the external leg lives");
}

#[test]
fn a_pair_without_one_side_is_a_conversation() {
    let alone = Story::outbound("200", "a", "210").ring(0).answer(5000).hangup(9000);
    let call = single(&[alone], ms(100_000));
    assert_eq!((call.kind, call.basis), (ConversationKind::Internal, Basis::Observed));
    assert_eq!((call.talk, call.answered_by), (4_000_000, Some(extension("210"))));
}

#[test]
fn a_ghost_does_not_keep_a_ring_group_open() {
    let mut stories = ring_group();
    stories.push(rang("204", 100));
    let early = group_all(&facts(&stories), ms(9000));
    assert_eq!((early.clamps.len(), early.again_at), (0, Some(ms(11_000))), "it may stop yet");
    let later = group_all(&facts(&stories), ms(100_000));
    assert!(matches!(&*later.clamps, [(key, clamp)] if key.extension.as_str() == "204"
        && clamp.why == ClampRule::Ghost && clamp.at == ms(7000)));
    let [call] = &*later.conversations else { panic!() };
    assert_eq!((call.end, call.ringing), (Some(ms(60_000)), false));

    let unanswered = [rang("200", 0).hangup(20_000), rang("201", 0).hangup(20_010), rang("202", 100)];
    let call = single(&unanswered, ms(40_000));
    assert_eq!((call.outcome, call.wait), (ConversationOutcome::Missed, Some(20_010_000)));
    let [only, ghost] = [rang("200", 0).hangup(20_000), rang("202", 100)];
    assert_eq!(
        single(&[only, ghost], ms(40_000)).outcome,
        ConversationOutcome::Open,
        "one alone does not say it"
    );
    let expired = [rang("200", 0).hangup(20_000), rang("201", 0).hangup(20_010), rang("202", 100).expire()];
    assert_eq!(single(&expired, ms(20_000_000_000)).outcome, ConversationOutcome::Missed);
}

#[test]
fn legs_of_two_sources_are_never_joined() {
    let other = rang("201", 0).hangup(20_000).of_source("clinic");
    assert_eq!(grouped(&[rang("200", 0).hangup(20_000), other], ms(100_000)).len(), 2);
}

#[test]
fn a_changed_id_is_told() {
    let (late, known) = (rang("200", 0).hangup(15_000), rang("201", 15_200).answer(20_000).hangup(40_000));
    let before = grouped(std::slice::from_ref(&known), ms(100_000));
    let mut after = grouped(&[late, known.clone()], ms(100_000));
    assert_ne!(before[0].id, after[0].id);
    tell_among_themselves(&before, &mut after, ms(100_000));
    assert_eq!(after[0].replaces.iter().map(|it| it.id).collect::<Vec<_>>(), [before[0].id]);

    let mut again = after.clone();
    tell_among_themselves(&after, &mut again, ms(200_000));
    assert_eq!(again[0].replaces, after[0].replaces, "it is told on, and no longer for that");
    tell_among_themselves(&after, &mut again, ms(100_000) + 10 * MINUTE);
    assert_eq!(again[0].replaces, []);
    let mut same = before.clone();
    tell_among_themselves(&before, &mut same, ms(100_000));
    assert_eq!(same[0].replaces, []);
}

/// Legs of one number that all ring and talk in each other's time: the most that there is to compare.
fn crowd(legs: u64) -> Vec<Story> {
    let story = |nth: u64| {
        let leg = Story::inbound(&(1000 + nth).to_string(), &nth.to_string(), CALLER).ring(nth * 10);
        if nth.is_multiple_of(10) {
            leg.answer(9000 + nth).hangup(90_000 + nth)
        } else {
            leg.hangup(9000 + nth)
        }
    };
    (0..legs).map(story).collect()
}

#[test]
fn a_hundred_legs_of_one_number_group_in_time() {
    let facts = facts(&crowd(200));
    let [cluster] = <[Cluster; 1]>::try_from(facts.clusters()).unwrap();
    let grouping = group(&cluster, &BoardRules::default(), ms(200_000));
    assert_eq!(grouping.steps, 200 * 199 / 2, "each pair once");
    assert_eq!(grouping.conversations.iter().map(|it| it.legs.len()).sum::<usize>(), 200);
    // A number that calls all day is compared with what is near only.
    let all_day: Vec<Story> =
        (0..500).map(|nth| rang("200", nth * 60_000).hangup(nth * 60_000 + 30_000)).collect();
    assert_eq!(group_all(&super::facts(&all_day), ms(100_000_000)).steps, 0);
}

#[test]
fn where_there_are_too_many_nothing_is_inferred() {
    let facts = facts(&crowd(201));
    let [cluster] = <[Cluster; 1]>::try_from(facts.clusters()).unwrap();
    assert!(cluster.capped);
    let grouping = group(&cluster, &BoardRules::default(), ms(200_000));
    assert_eq!((grouping.steps, grouping.conversations.len()), (0, 201));
    let own = facts.cluster(&cluster.legs[7].key).unwrap();
    assert_eq!((own.legs.len(), own.capped), (1, true), "from one leg it looks the same");
    let alone = group(&own, &BoardRules::default(), ms(200_000));
    assert!(grouping.conversations.contains(&alone.conversations[0]));
}
