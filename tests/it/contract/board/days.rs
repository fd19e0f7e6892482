//! Which day, and which hour of it, a call is of: by the clock on the tenant's wall.

use super::{call, config, gateway, lately, of, post, timeless_gateway, took};
use crate::support::{
    Board, Token,
    board::{DAY, QUARTER, ask, conversations, figures, figures_of_tenant, read, rows, today},
    new_tenant,
};
use serde_json::{Value, json};

const HOUR: u64 = 4 * QUARTER;

fn micros(utc: &str) -> u64 {
    let at: jiff::Timestamp = utc.parse().unwrap();
    u64::try_from(at.as_microsecond()).unwrap()
}

#[tokio::test]
async fn the_day_of_the_clock_change_has_23_and_25_hours() {
    let gateway = timeless_gateway().await;
    let tenant = new_tenant();
    let boss = || Token::supervisor(&tenant);
    // The hours before and after the clocks change, in Brussels.
    let spring =
        (micros("2026-03-28T23:00:00Z"), micros("2026-03-29T22:00:00Z"), micros("2026-03-29T01:00:00Z"));
    let autumn =
        (micros("2026-10-24T22:00:00Z"), micros("2026-10-25T23:00:00Z"), micros("2026-10-25T01:00:00Z"));
    for (nth, (_, _, change)) in [spring, autumn].into_iter().enumerate() {
        for (minutes, extension) in [(-30_i64, "200"), (30, "201")] {
            let start = change.saturating_add_signed(minutes * 60_000_000);
            let leg = call(&tenant, extension, &format!("+324700000{nth}{minutes}"), 0).starting_at(start);
            post(&gateway, &took(&leg, 0, 5, 20)).await;
        }
    }
    for ((from, to, change), hours, before, after) in [
        (spring, 23, "2026-03-29T01:00:00+01:00", "2026-03-29T03:00:00+02:00"),
        (autumn, 25, "2026-10-25T02:00:00+02:00", "2026-10-25T02:00:00+01:00"),
    ] {
        let day = figures(&gateway, &tenant, &format!("from={from}&to={to}&step=1d")).await;
        assert_eq!((day.len(), (to - from) / HOUR), (1, hours), "one day");
        assert_eq!(day.values().next().unwrap()["answered"], 2);
        let parts = figures(&gateway, &tenant, &format!("from={from}&to={to}&step=1h")).await;
        let offered = |at: u64| parts[&("tenant".to_owned(), String::new(), at)]["offered"].clone();
        assert_eq!(
            (parts.len() as u64, offered(change - HOUR), offered(change)),
            (hours, json!(1), json!(1))
        );
        let path = format!("/v1/figures.csv?from={from}&to={to}&by=tenant&step=1h");
        let table = ask(&gateway, &boss(), &path).await.text().await.unwrap();
        let locals: Vec<&str> = table.lines().skip(1).map(|line| line.split(',').nth(2).unwrap()).collect();
        let at = ((change - from) / HOUR) as usize;
        assert_eq!((locals.len() as u64, locals[at - 1], locals[at]), (hours, before, after));
    }
    // Three days around it are three, of which that one is short.
    let (from, to, _) = spring;
    let path = format!("/v1/figures?from={}&to={}&step=1d", from - DAY, to + DAY);
    let answer = read(&gateway, &boss(), &path).await;
    let lengths: Vec<u64> = answer["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["to"].as_u64().unwrap() - row["from"].as_u64().unwrap()) / HOUR)
        .collect();
    assert_eq!((lengths, &answer["time_zone"]), (vec![24, 23, 24], &json!("Europe/Brussels")));
}

#[tokio::test]
async fn a_call_over_midnight_belongs_to_its_start() {
    let gateway = config().await.set("board.time_zone", "UTC").start().await;
    let tenant = new_tenant();
    let midnight = today();
    let leg = call(&tenant, "200", "+32470000001", 0).starting_at(midnight - 60_000_000);
    post(&gateway, &[leg.ringing(0), leg.active(10), leg.held(40), leg.active(80), leg.hangup(200)]).await;
    let query = format!("from={}&to={}&step=1d&by=tenant,extension", midnight - DAY, midnight + DAY);
    let days = figures(&gateway, &tenant, &query).await;
    let of_day = |by: &str, key: &str, day: u64| days[&(by.to_owned(), key.to_owned(), day)].clone();
    let counts = ["offered", "answered", "carried", "talk_mean_ms"];
    assert_eq!(json!(of(&of_day("tenant", "", midnight - DAY), counts)), json!([1, 1, 0, 150_000]));
    assert_eq!(json!(of(&of_day("tenant", "", midnight), counts)), json!([0, 0, 1, null]));
    // Time is of the day in which it passed.
    let times = ["took", "talk_ms", "hold_ms", "ringing_ms"];
    assert_eq!(
        json!(of(&of_day("extension", "200", midnight - DAY), times)),
        json!([1, 30_000, 20_000, 10_000])
    );
    assert_eq!(json!(of(&of_day("extension", "200", midnight), times)), json!([0, 120_000, 20_000, 0]));
    let board = Board::of_tenant(&gateway, &tenant).await;
    assert_eq!(board.head["day"]["from"], midnight);
    assert_eq!(board.figure("today", "tenant", "", "carried"), 1);
}

#[tokio::test]
async fn kathmandu_has_days_too() {
    let (tenant, elsewhere) = (new_tenant(), new_tenant());
    let zones = vec![format!("{tenant}=Asia/Kathmandu")];
    let gateway = config().await.set("board.time_zone", "UTC").set("board.time_zones", zones).start().await;
    let board = Board::of_tenant(&gateway, &tenant).await;
    let from = board.head["day"]["from"].as_u64().unwrap();
    // A quarter past six in the evening, by the world's clock.
    assert_eq!((from % DAY, board.head["time_zone"].as_str()), (18 * HOUR + QUARTER, Some("Asia/Kathmandu")));
    assert_eq!(Board::of_tenant(&gateway, &elsewhere).await.head["time_zone"], "UTC");
    let yesterday = from - DAY;
    for (nth, start) in [yesterday - 1_000_000, yesterday, from - 1_000_000, from].into_iter().enumerate() {
        let leg = call(&tenant, "200", &format!("+3247000000{nth}"), 0).starting_at(start);
        post(&gateway, &[leg.ringing(0), leg.active(0), leg.hangup(1)]).await;
    }
    let query = format!("from={}&to={}&step=1d", yesterday - DAY, from + DAY);
    let days = figures(&gateway, &tenant, &query).await;
    let offered: Vec<&Value> = days.values().map(|values| &values["offered"]).collect();
    assert_eq!(offered, [1, 2, 1]);
    // The same time is cut elsewhere by another clock.
    let days = figures(&gateway, &elsewhere, &query).await;
    assert_eq!(days.len(), 4);
    let path = format!("/v1/figures?from={yesterday}&to={from}&step=1h");
    let hours = read(&gateway, &Token::supervisor(&tenant), &path).await;
    assert_eq!(rows(&hours).len(), 24);
}

#[tokio::test]
async fn the_last_minutes_are_minutes() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    for (nth, minutes) in [2, 12, 25, 50, 90].into_iter().enumerate() {
        let leg = call(&tenant, "200", &format!("+3247000000{nth}"), minutes * 60);
        post(&gateway, &took(&leg, 0, 5, 35)).await;
    }
    let mut board = Board::of_tenant(&gateway, &tenant).await;
    board.want(&["m60", "m15", "m30"], &["tenant", "extension"]).await;
    for (window, count) in [("m15", 2), ("m30", 3), ("m60", 4)] {
        assert_eq!(board.figure(window, "tenant", "", "answered"), count, "{window}");
        let asked = figures(&gateway, &tenant, &format!("window={window}&by=tenant,extension")).await;
        assert_eq!(asked[&("tenant".to_owned(), String::new(), 0)]["answered"], count, "{window}");
        let phone = &asked[&("extension".to_owned(), "200".to_owned(), 0)];
        assert_eq!(phone["on_call_ms"], count * 30_000);
        assert!(phone["on_call_share"].as_f64().is_some_and(|share| share > 0.0 && share < 1.0), "{phone}");
    }
    assert_eq!(figures_of_tenant(&gateway, &tenant, lately()).await["answered"], 5);
}

#[tokio::test]
async fn a_clock_that_jumps_a_day_moves_one_call_and_no_other() {
    let gateway = config().await.set("board.time_zone", "UTC").start().await;
    let tenant = new_tenant();
    let good = call(&tenant, "200", "+32470000001", 60);
    post(&gateway, &took(&good, 0, 5, 20)).await;
    let before = figures_of_tenant(&gateway, &tenant, lately()).await;
    // It rings today by one clock, and is answered tomorrow and ends yesterday by others.
    let mad = call(&tenant, "201", "+32470000002", 120);
    let at = |leg: &crate::support::Leg, state: &str, at: u64| leg.clone().starting_at(at).event(state, 0);
    let ahead = call(&tenant, "202", "+32470000003", 0);
    let ahead = ahead.clone().starting_at(ahead.start + DAY);
    post(
        &gateway,
        &[
            at(&mad, "RINGING", mad.start),
            at(&mad, "ACTIVE", mad.start + DAY),
            at(&mad, "HANGUP", mad.start - DAY),
        ],
    )
    .await;
    post(&gateway, &took(&ahead, 0, 5, 20)).await;
    let week = (mad.start - 2 * DAY, mad.start + 3 * DAY);
    let told = conversations(&gateway, &tenant, week).await;
    assert_eq!(told.len(), 3, "{told:?}");
    let numbers: Vec<&str> = told.iter().map(|it| it["number"].as_str().unwrap()).collect();
    assert!(
        ["+32470000001", "+32470000002", "+32470000003"].iter().all(|it| numbers.contains(it)),
        "{told:?}"
    );
    let is_good = |it: &&Value| it["number"] == "+32470000001";
    assert_eq!(told.iter().find(is_good).unwrap()["talk_ms"], 15_000);
    let after = figures_of_tenant(&gateway, &tenant, lately()).await;
    assert!(after["offered"].as_u64().unwrap() - before["offered"].as_u64().unwrap() <= 1);
    let board = Board::of_tenant(&gateway, &tenant).await;
    assert_eq!(board.tiles.len(), 3);
}
