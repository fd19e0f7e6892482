//! Much of one thing: it is drawn whole.

use super::{call, gateway, lately, post, put_in_groups, rang, took};
use crate::support::{
    Board, Leg, Token,
    board::{conversations, figures_of_tenant, listed},
    new_tenant,
};
use serde_json::{Value, json};

#[tokio::test]
async fn three_hundred_legs_of_one_number_are_each_drawn() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let events: Vec<Value> = (0..300_u64)
        .flat_map(|nth| {
            rang(&call(&tenant, &(1000 + nth % 40).to_string(), "+32470000001", 3000 - nth * 7), 0, 20)
        })
        .collect();
    for some in events.chunks(100) {
        post(&gateway, some).await;
    }
    let told = conversations(&gateway, &tenant, lately()).await;
    // They are too many for any inference: each is one of its own, and says so.
    assert_eq!(told.len(), 300);
    assert!(told.iter().all(|it| it["capped"] == true && it["rules"] == json!([])), "{}", told[0]);
    let ids: std::collections::BTreeSet<&str> =
        told.iter().map(|it| it["conversation_id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 300);
    assert_eq!(figures_of_tenant(&gateway, &tenant, lately()).await["missed"], 300);
    // Another caller is none of them.
    let other = ["200", "201"].map(|it| call(&tenant, it, "+32470000002", 60));
    post(&gateway, &[took(&other[0], 0, 5, 20).to_vec(), rang(&other[1], 0, 5).to_vec()].concat()).await;
    let told = conversations(&gateway, &tenant, lately()).await;
    assert_eq!(told.iter().filter(|it| it["rules"] == json!(["ring_group"])).count(), 1);
}

#[tokio::test]
async fn a_leg_that_changes_its_number_a_hundred_times_is_one_leg() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let mut board = Board::of_tenant(&gateway, &tenant).await;
    let leg = call(&tenant, "200", "+32470000000", 300);
    let numbered = |nth: u64| leg.clone().with("caller_number", format!("+324701{nth:05}"));
    let mut events: Vec<Value> = (0..100).map(|nth| numbered(nth).active(5 + nth)).collect();
    events.push(leg.ringing(0));
    events.push(numbered(99).hangup(120));
    // Others, each of which shares a number with it for a while.
    for nth in [3, 50, 99] {
        let other = call(&tenant, "201", &format!("+324701{nth:05}"), 290 - nth);
        events.extend(rang(&other, 0, 4));
    }
    for some in events.chunks(20) {
        post(&gateway, some).await;
    }
    board
        .until("its end", |board| board.tile("200")["state"] == Value::Null && !board.tile("200").is_null())
        .await;
    let token = Token::supervisor(&tenant);
    let (from, to) = lately();
    let own = listed(&gateway, &token, &format!("from={from}&to={to}&extension=200")).await;
    assert_eq!(own.len(), 1, "{own:?}");
    assert_eq!((&own[0]["outcome"], &own[0]["wait_ms"]), (&json!("answered"), &json!(5000)));
    let all = conversations(&gateway, &tenant, lately()).await;
    let legs: usize = all.iter().map(|it| it["legs"].as_array().unwrap().len()).sum();
    assert_eq!(legs, 4, "{all:?}");
    let values = figures_of_tenant(&gateway, &tenant, lately()).await;
    assert_eq!(values["offered"], all.len());
}

#[tokio::test]
async fn a_tenant_of_two_thousand_extensions_is_drawn_whole() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let extensions: Vec<String> = (1000..3000).map(|number: u32| number.to_string()).collect();
    let groups: Vec<(&str, &[&str])> = extensions.iter().map(|it| (it.as_str(), &["all"][..])).collect();
    put_in_groups(&gateway, &tenant, &groups).await;
    let mut board = Board::of_tenant(&gateway, &tenant).await;
    board.want(&["today"], &["tenant", "group", "extension"]).await;
    assert_eq!(board.tiles.len(), 2000);
    let boards = board.times("board");
    let legs: Vec<Leg> = extensions
        .iter()
        .enumerate()
        .map(|(nth, it)| call(&tenant, it, &format!("+3247{nth:07}"), 60))
        .collect();
    for some in legs.chunks(250) {
        let events: Vec<Value> = some.iter().flat_map(|leg| [leg.ringing(0), leg.active(5)]).collect();
        post(&gateway, &events).await;
    }
    let is_shown = |board: &Board| {
        let active = board.tiles.values().filter(|tile| tile["state"] == "active").count();
        active == 2000 && board.figure("now", "group", "all", "on_call") == 2000
    };
    board.until("all to talk", is_shown).await;
    assert_eq!(board.times("board"), boards, "it was told of changes only");
    let late = Board::of_tenant(&gateway, &tenant).await;
    assert_eq!(late.tiles, board.tiles);
    // There is more than one page of them, and every one is on some page.
    assert_eq!(conversations(&gateway, &tenant, lately()).await.len(), 2000);
}

#[tokio::test]
async fn a_slow_reader_is_told_how_it_stands_and_not_how_it_came_so() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    // Long rows, so that the system does not hold all of them for whoever does not read.
    let extensions: Vec<String> = (1000..1300).map(|number: u32| number.to_string()).collect();
    let groups: Vec<String> = (0..30).map(|nth| format!("{nth:060}")).collect();
    let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
    let all: Vec<(&str, &[&str])> = extensions.iter().map(|it| (it.as_str(), &groups[..])).collect();
    put_in_groups(&gateway, &tenant, &all).await;
    let slow = gateway.stream(&Token::supervisor(&tenant)).scope("tenant").receive_buffer(2048);
    let (mut slow, mut quick) = (Board::open(slow).await, Board::of_tenant(&gateway, &tenant).await);
    let number = |nth: usize| format!("+3247{nth:07}");
    let legs = extensions.iter().enumerate().map(|(nth, it)| call(&tenant, it, &number(nth), 200));
    let legs: Vec<Leg> = legs.collect();
    for seconds in 0..20 {
        let state = if seconds % 2 == 0 { "ACTIVE" } else { "HELD" };
        let events: Vec<Value> = legs.iter().map(|leg| leg.event(state, seconds)).collect();
        for some in events.chunks(150) {
            post(&gateway, some).await;
        }
        // Who reads is told each of them.
        let is_told =
            |board: &Board| legs.iter().all(|leg| board.tile(&leg.extension)["since"] == leg.at(seconds));
        quick.until("the next state", is_told).await;
    }
    let is_last = |board: &Board| legs.iter().all(|leg| board.tile(&leg.extension)["since"] == leg.at(19));
    slow.until("the last state", is_last).await;
    assert!(
        slow.times("tiles") < quick.times("tiles"),
        "{} and {}",
        slow.times("tiles"),
        quick.times("tiles")
    );
    slow.comes_to_show(&mut quick).await;
}
