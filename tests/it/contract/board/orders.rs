//! Figures are sums over what the events come to: in whatever order they came, however often, before or after a restart.

use super::{call, config, gateway, lately, post, rang, took};
use crate::support::{
    Board, Gateway,
    board::{DAY, conversations, figures, settled, today},
    centre::{self, day, in_tenant},
    new_tenant,
};
use rand::{RngExt, rng, seq::SliceRandom};
use serde_json::Value;

/// All that REST says of a time, but who and what is only a name.
async fn all_figures(gateway: &Gateway, tenant: &str, (from, to): (u64, u64)) -> Value {
    let query = format!("from={from}&to={to}&by=tenant,group,line,extension");
    let rows = figures(gateway, tenant, &query).await.into_iter();
    rows.map(|((by, key, _), values)| serde_json::json!([by, key, values])).collect()
}

async fn all(gateway: &Gateway, tenant: &str, window: (u64, u64)) -> (Vec<Value>, Value) {
    let conversations = settled(conversations(gateway, tenant, window).await);
    (conversations, all_figures(gateway, tenant, window).await)
}

/// Each at least once, in any order.
fn disorder(events: &[Value]) -> Vec<Value> {
    let mut events = events.to_vec();
    for _ in 0..rng().random_range(0..events.len() / 2) {
        let again = events[rng().random_range(0..events.len())].clone();
        events.push(again);
    }
    events.shuffle(&mut rng());
    events
}

/// A centre's day of some fifty calls, and the time in which they all are.
fn some_day() -> (Vec<Value>, (u64, u64)) {
    let window = lately();
    (day(9, 50, rng().random(), window.0), window)
}

#[tokio::test]
async fn figures_are_the_same_in_any_order_of_events() {
    let gateway = gateway().await;
    for _ in 0..3 {
        let (events, window) = some_day();
        let tenant = new_tenant();
        centre::post(&[&gateway], &in_tenant(&events, &tenant)).await;
        let told = all(&gateway, &tenant, window).await;
        assert!(told.0.len() >= 40, "{} conversations", told.0.len());
        for _ in 0..6 {
            let tenant = new_tenant();
            centre::post(&[&gateway], &in_tenant(&disorder(&events), &tenant)).await;
            assert_eq!(all(&gateway, &tenant, window).await, told);
        }
    }
}

#[tokio::test]
async fn a_duplicate_moves_no_figure() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let (events, window) = some_day();
    let events = in_tenant(&events, &tenant);
    centre::post(&[&gateway], &events).await;
    let told = all(&gateway, &tenant, window).await;
    let mut board = Board::of_tenant(&gateway, &tenant).await;
    centre::post(&[&gateway], &disorder(&events)).await;
    centre::post(&[&gateway], &events).await;
    assert_eq!(all(&gateway, &tenant, window).await, told);
    // Nothing was told before this, so nothing had changed.
    let (tiles, figures) = (board.tiles.clone(), board.figures.clone());
    let last = call(&tenant, "999", "+32470000001", 30);
    post(&gateway, &[last.ringing(0)]).await;
    board.until("the last call", |board| !board.tile("999").is_null()).await;
    let seen = board.tiles.iter().filter(|(extension, _)| *extension != "999");
    assert!(seen.eq(tiles.iter()), "another tile");
    assert!(board.figures.len() >= figures.len());
}

#[tokio::test]
async fn a_late_event_moves_its_day_and_no_other() {
    let config = config().await.set("board.time_zone", "UTC");
    let gateway = config.start().await;
    let tenant = new_tenant();
    let today = today();
    let legs: Vec<_> = (0..6)
        .map(|days| call(&tenant, "200", "+32470000001", 0).starting_at(today - days * DAY + 1_000_000))
        .collect();
    for leg in &legs {
        post(&gateway, &rang(leg, 0, 30)).await;
    }
    let query = format!("from={}&to={}&by=tenant,extension&step=1d", today - 5 * DAY, today + DAY);
    let before = figures(&gateway, &tenant, &query).await;
    let missed = before.values().filter(|values| values["offered"] == 1 && values["missed"] == 1);
    assert_eq!((before.len(), missed.count()), (12, 6));
    // Of a day that boards hold, and of one that they do not.
    for days in [1, 4] {
        post(&gateway, &[legs[days].active(10)]).await;
    }
    let after = figures(&gateway, &tenant, &query).await;
    for (key, values) in &after {
        let is_moved = [today - DAY, today - 4 * DAY].contains(&key.2);
        assert_eq!(*values != before[key], is_moved, "{key:?}: {values}");
        if key.0 == "tenant" {
            assert_eq!((values["answered"] == 1, values["missed"] == 1), (is_moved, !is_moved), "{values}");
        }
    }
}

#[tokio::test]
async fn a_restarted_server_says_the_same_figures() {
    // An alarm is raised a moment after a node has begun.
    let gateway = config().await.set("board.alarms", vec!["none"]).start().await;
    let tenant = new_tenant();
    centre::name(&gateway, &tenant, 9).await;
    let (events, window) = some_day();
    centre::post(&[&gateway], &in_tenant(&events, &tenant)).await;
    let told = all(&gateway, &tenant, window).await;
    let board = Board::of_tenant(&gateway, &tenant).await;
    let gateway = gateway.restart().await;
    assert_eq!(all(&gateway, &tenant, window).await, told);
    let again = Board::of_tenant(&gateway, &tenant).await;
    assert_eq!((&again.tiles, &again.figures), (&board.tiles, &board.figures));
    let gateway = gateway.restart_after_kill().await;
    assert_eq!(all(&gateway, &tenant, window).await, told);
}

#[tokio::test]
async fn one_who_joins_late_sees_what_one_who_stayed_sees() {
    // Since when an alarm is raised is when this board saw it.
    let gateway = config().await.set("board.alarms", vec!["none"]).start().await;
    let tenant = new_tenant();
    let mut early = Board::of_tenant(&gateway, &tenant).await;
    early.want(&["today", "m60"], &["tenant", "group", "line", "extension"]).await;
    let boards = early.times("board");
    let events = in_tenant(&some_day().0, &tenant);
    for some in events.chunks(60) {
        post(&gateway, some).await;
        early.next().await;
    }
    let live = call(&tenant, "999", "+32470000001", 30);
    post(&gateway, &[live.ringing(0), live.active(4)]).await;
    early.until("the last call", |board| board.tile("999")["since"] == live.at(4)).await;
    let mut late = Board::of_tenant(&gateway, &tenant).await;
    late.want(&["today", "m60"], &["tenant", "group", "line", "extension"]).await;
    early.comes_to_show(&mut late).await;
    assert_eq!(early.tile("999")["since"], live.at(4));
    assert_eq!(early.times("board"), boards, "it was told of changes only");
}

#[tokio::test]
async fn the_figures_of_frames_are_those_of_requests() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let events = in_tenant(&some_day().0, &tenant);
    centre::post(&[&gateway], &events).await;
    let one = call(&tenant, "200", "+32470000001", 60);
    post(&gateway, &took(&one, 0, 5, 20)).await;
    let mut board = Board::of_tenant(&gateway, &tenant).await;
    board.want(&["today"], &["tenant", "line", "extension"]).await;
    let asked = figures(&gateway, &tenant, "window=today&by=tenant,line,extension").await;
    assert!(asked.len() > 5);
    for ((by, key, _), values) in asked {
        let shown = &board.figures[&("today".to_owned(), by, key)];
        assert_eq!(*shown, values);
    }
}
