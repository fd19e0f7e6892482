//! What conversations add up to.

use super::{
    super::{Now, ShownConversation, Tile, outcome::ConversationOutcome, tile::TileState},
    *,
};

fn rang(extension: &str, at: Micros) -> Story {
    Story::inbound(extension, &format!("{extension}-{at}"), CALLER).ring(at)
}

fn from(number: &str, extension: &str, at: Micros) -> Story {
    Story::inbound(extension, &format!("{number}-{at}"), number).ring(at)
}

/// A hunt over two groups of telephones, the first of which nobody takes.
fn hunt() -> Vec<Story> {
    vec![
        rang("200", 0).hangup(15_000),
        rang("201", 0).hangup(15_010),
        rang("202", 12_000).hangup(15_000),
        rang("203", 15_300).answer(19_000).hangup(60_000),
        rang("204", 15_300).hangup(19_010),
    ]
}

#[test]
fn a_hunt_says_who_did_not_take_it() {
    let figures = figures_of(&grouped(&hunt(), ms(100_000)), ms(100_000));
    let stands = |name| {
        let it = figures.extensions[&extension(name)];
        (it.took, it.passed, it.not_taken, it.brief, it.missed)
    };
    assert_eq!(stands("200"), (0, 0, 1, 0, 0), "the conversation was answered, so it was no missed call");
    assert_eq!((stands("201"), stands("202")), ((0, 0, 1, 0, 0), (0, 0, 0, 1, 0)));
    assert_eq!((stands("203"), stands("204")), ((1, 0, 0, 0, 0), (0, 1, 0, 0, 0)));
    let missed = grouped(&hunt()[..3], ms(100_000));
    let figures = figures_of(&missed, ms(100_000));
    assert_eq!((figures.tenant.missed, figures.extensions[&extension("200")].missed), (1, 1));
    assert_eq!(figures.extensions[&extension("202")].missed, 0);
}

#[test]
fn no_calls_have_no_service_level() {
    let none = figures_of(&[], ms(0)).tenant.values();
    assert_eq!((none.service_level, none.missed_share, none.wait_mean_ms), (None, None, None));
    let shown = serde_json::to_value(&none).unwrap();
    assert_eq!((&shown["service_level"], &shown["offered"]), (&serde_json::Value::Null, &0.into()));
    let short = figures_of(&grouped(&[rang("200", 0).hangup(3000)], ms(60_000)), ms(60_000)).tenant;
    assert_eq!((short.short, short.values().service_level), (1, None), "who gave up at once is in no share");
}

#[test]
fn a_call_that_rings_too_long_is_late_at_once() {
    let stories = [rang("200", 0).answer(5000).hangup(9000), from("+3225550100", "201", 10_000)];
    let level = |now| figures_of(&grouped(&stories, now), now).tenant.values().service_level;
    assert_eq!(level(ms(30_000)), Some(1.0), "it rang for exactly as long as it may");
    assert_eq!(level(ms(31_000)), Some(0.5), "in whole seconds");
    let mut missed = stories.to_vec();
    missed[1] = missed[1].clone().hangup(50_000);
    let level = |now| figures_of(&grouped(&missed, now), now).tenant.values().service_level;
    assert_eq!((level(ms(51_000)), level(ms(60_000))), (Some(0.5), Some(0.5)), "its end changes nothing");
}

#[test]
fn a_miss_is_open_for_a_moment() {
    let stories = [rang("200", 0).hangup(20_000)];
    let at = |now| {
        let grouping = group_all(&facts(&stories), now);
        (grouping.conversations[0].outcome, grouping.again_at)
    };
    assert_eq!(at(ms(25_900)), (ConversationOutcome::Open, Some(ms(26_000))), "it may ring on elsewhere");
    assert_eq!(at(ms(26_000)), (ConversationOutcome::Missed, None));
}

#[test]
fn an_expired_call_is_unknown_until_it_is_not() {
    let expired = rang("200", 0).expire();
    let later = ms(50_000_000);
    let outcome = |story: &Story| figures_of(&grouped(std::slice::from_ref(story), later), later);
    let unknown = outcome(&expired);
    assert_eq!((unknown.tenant.unknown, unknown.tenant.offered), (1, 1));
    assert_eq!(unknown.extensions[&extension("200")].unknown, 1);
    let taken_back = outcome(&expired.clone().answer(4000).hangup(44_000_000));
    assert_eq!((taken_back.tenant.answered, taken_back.tenant.unknown), (1, 0));
    let active = outcome(&rang("200", 0).answer(5000).expire());
    assert_eq!((active.tenant.answered, active.tenant.timed), (1, 0), "nobody knows how long it was talked");
}

#[test]
fn a_call_first_seen_in_the_middle_has_no_wait() {
    let answered = Story::inbound("200", "a", CALLER).answer(5000).hangup(20_000);
    let ended = Story::inbound("201", "b", "+3225550100").hangup(20_000);
    let tally = figures_of(&grouped(&[answered, ended], ms(100_000)), ms(100_000)).tenant;
    assert_eq!((tally.answered, tally.unknown, tally.unknown_start), (1, 1, 1));
    assert_eq!((tally.values().service_level, tally.talk), (None, 15_000_000));
}

#[test]
fn outbound_calls_are_reached_or_not() {
    let call = |extension: &str, number: &str| Story::outbound(extension, number, number).ring(0);
    let stories = [
        call("200", "+3225550100").answer(3000).hangup(13_000),
        call("200", "+3225550101").answer(3000).hangup(12_900),
        call("201", "+3225550102").hangup(30_000),
        call("201", "210").answer(4000).hangup(9000),
    ];
    let figures = figures_of(&grouped(&stories, ms(100_000)), ms(100_000));
    let it = &figures.tenant;
    assert_eq!((it.out, it.reached, it.connected, it.no_answer, it.offered), (3, 1, 1, 1, 0));
    assert_eq!((it.internal, it.internal_talk), (1, 5_000_000));
    let own = figures.extensions[&extension("200")];
    assert_eq!((own.out, own.reached, figures.extensions[&extension("201")].internal), (2, 1, 1));
    let live = [call("200", "+3225550100").answer(3000)];
    let grouping = group_all(&facts(&live), ms(8000));
    assert_eq!(grouping.conversations[0].outcome, ConversationOutcome::Connected);
    assert_eq!(grouping.again_at, Some(ms(13_000)));
    assert_eq!(group_all(&facts(&live), ms(13_000)).conversations[0].outcome, ConversationOutcome::Reached);
}

#[test]
fn a_group_counts_a_call_once() {
    let groups = |names: &[&str]| names.iter().map(|name| Arc::from(*name)).collect();
    let membership: Membership = [
        (extension("200"), groups(&["desk"])),
        (extension("201"), groups(&["desk", "sales"])),
        (extension("203"), groups(&["sales"])),
    ]
    .into();
    let mut stories = hunt();
    stories.push(from("+3225550100", "200", 70_000).on_line("+3225550199").answer(72_000).hangup(80_000));
    let calls = grouped(&stories, ms(100_000));
    let figures = Figures::of(&calls, day(), &membership, &BoardRules::default(), ms(100_000));
    assert_eq!((figures.groups["desk"].offered, figures.groups["sales"].offered), (2, 1));
    assert_eq!((figures.tenant.offered, figures.lines["+3225550199"].answered), (2, 1));
    assert_eq!(figures.tenant.values().callers, 2);
}

#[test]
fn who_calls_twice_is_one_caller() {
    let mut stories = vec![rang("200", 0).hangup(9000), rang("200", 60_000).hangup(70_000)];
    stories.push(Story::inbound("200", "w", "anonymous").ring(100_000).hangup(110_000));
    let values = figures_of(&grouped(&stories, ms(200_000)), ms(200_000)).tenant.values();
    assert_eq!((values.offered, values.callers, values.repeat_callers, values.withheld), (3, 1, 1, 1));
}

#[test]
fn a_note_after_the_call_has_its_delay() {
    let call = |nth: u64| from(&format!("+322555010{nth}"), "200", nth * 100_000);
    let answered = |nth: u64| call(nth).answer(nth * 100_000 + 5000).hangup(nth * 100_000 + 20_000);
    let stories = [
        answered(0).wrap_up(30_000),
        answered(1).wrap_up(110_000),
        answered(2).wrap_up(260_000),
        answered(3).wrap_up(325_000),
        call(4).hangup(420_000).wrap_up(421_000),
    ];
    let calls = grouped(&stories, ms(600_000));
    let values = figures_of(&calls, ms(600_000)).tenant.values();
    assert_eq!(values.note_delay_median_ms, Some(10_000), "one was written during its call, one was missed");
    assert_eq!(figures_of(&calls[1..2], ms(600_000)).tenant.values().note_delay_median_ms, None);
}

#[test]
fn what_has_no_end_has_no_durations() {
    let tenant = "t".try_into().unwrap();
    let later = ms(50_000_000);
    let talk = |story: Story| {
        let call = single(&[story], later);
        serde_json::to_value(ShownConversation::of(&call, &tenant, None, None)).unwrap()["talk_ms"].clone()
    };
    assert_eq!(talk(rang("200", 0).answer(5000).hold(9000).hangup(10_000)), 4000);
    assert_eq!(talk(rang("200", 0).answer(5000).hold(9000).expire()), serde_json::Value::Null);
    assert_eq!(talk(rang("200", 0).answer(5000).hold(9000)), 4000, "so far");
    assert_eq!(talk(rang("200", 0).hangup(9000)), 0);
}

#[test]
fn now_counts_callers_and_extensions() {
    let stories = [
        rang("200", 10_000),
        rang("201", 10_000),
        from("+3225550100", "202", 0).answer(4000).hold(9000),
        from("+3225550101", "203", 1000).answer(6000),
        Story::outbound("204", "i", "203").ring(11_000),
    ];
    let now = ms(20_000);
    let facts = facts(&stories);
    let (grouping, legs) = (group_all(&facts, now), all_facts(&facts));
    let tile = |extension| Tile::at(&tile_legs(&legs, &grouping, extension), now);
    let tiles = ["200", "201", "202", "203", "204"].map(tile);
    let it = Now::of(&grouping.conversations, &tiles);
    assert_eq!((it.ringing, it.ringing_since), (1, Some(ms(10_000))), "a group of telephones is one caller");
    assert_eq!((it.on_call, it.on_hold, it.unconfirmed), (1, 1, 0));
    assert_eq!((it.held_since, it.talking_since), (Some(ms(9000)), Some(ms(6000))));
    assert_eq!((tiles[0].state, tiles[4].state), (TileState::RingingIn, TileState::RingingOut));
    let stale = ms(400_000);
    let unconfirmed = Tile::at(&tile_legs(&legs, &group_all(&facts, stale), "200"), stale);
    assert_eq!(
        (unconfirmed.state, unconfirmed.unconfirmed),
        (TileState::RingingIn, true),
        "it keeps its state"
    );
}
