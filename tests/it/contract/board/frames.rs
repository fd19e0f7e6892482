//! What a board is sent, and when.

use super::{call, config, gateway, of, post, put_in_groups, rang, took};
use crate::support::{Board, Leg, Token, board::ask, directory, gateway::problem, new_tenant, now};
use serde_json::{Value, json};

#[tokio::test]
async fn a_board_says_by_which_rules_it_is_read() {
    let config = config()
        .await
        .set("board.answer_within", "30s")
        .set("board.short", "3s")
        .set("board.alarms", vec!["none"]);
    let gateway = config.set("board.time_zone", "Asia/Tokyo").start().await;
    let tenant = new_tenant();
    put_in_groups(&gateway, &tenant, &[("200", &["sales"]), ("201", &[])]).await;
    let board = Board::of_tenant(&gateway, &tenant).await;
    let head = &board.head;
    let rules = json!({"answer_within_ms": 30_000, "short_ms": 3000, "reached_ms": 10_000, "alarms": []});
    assert_eq!(head["rules"], rules);
    assert_eq!((&head["time_zone"], &head["complete"]), (&json!("Asia/Tokyo"), &json!(1.0)));
    for field in ["epoch", "build", "directory_rev"] {
        assert!(head[field].as_str().is_some_and(|text| !text.is_empty()), "{field} in {head}");
    }
    let [from, to, at] =
        [&head["day"]["from"], &head["day"]["to"], &head["at"]].map(|it| it.as_u64().unwrap());
    // Midnight there is three in the afternoon here.
    assert_eq!((from % 86_400_000_000, to - from), (54_000_000_000, 86_400_000_000));
    assert!(from <= at && at < to && at.abs_diff(now()) < 60_000_000, "{head}");
    // Everybody of the directory has a tile.
    let expected = json!(["200", null, ["sales"], null, null, 0, null, false, false, false]);
    let fields = [
        "extension",
        "name",
        "groups",
        "state",
        "since",
        "legs",
        "conversation",
        "internal",
        "unconfirmed",
        "clamped",
    ];
    assert_eq!(json!(of(board.tile("200"), fields)), expected);
    assert_eq!(board.tiles.keys().collect::<Vec<_>>(), ["200", "201"]);
}

#[tokio::test]
async fn a_tile_follows_its_phone() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let mut board = Board::of_tenant(&gateway, &tenant).await;
    let leg = call(&tenant, "200", "+32470000001", 60).with("caller_name", "Jan Peeters");
    let fields = ["state", "since", "direction", "internal", "number", "party", "legs"];
    let states = [
        (leg.ringing(0), "ringing", 0),
        (leg.active(5), "active", 5),
        (leg.held(20), "held", 20),
        (leg.active(30), "active", 30),
    ];
    for (event, state, since) in states {
        post(&gateway, &[event]).await;
        board.until(state, |board| board.tile("200")["since"] == leg.at(since)).await;
        let expected = json!([state, leg.at(since), "inbound", false, "+32470000001", "Jan Peeters", 1]);
        assert_eq!(json!(of(board.tile("200"), fields)), expected);
    }
    post(&gateway, &[leg.hangup(40)]).await;
    board.until("its end", |board| board.tile("200")["state"] == Value::Null).await;
    assert_eq!(json!(of(board.tile("200"), fields)), json!([null, leg.at(40), null, false, null, null, 0]));
    // Between colleagues the other side is one of them.
    let out = Leg::outbound(&tenant, "200").with("callee_number", "201").with("callee_name", "An");
    post(&gateway, &[out.ringing(0), out.active(1)]).await;
    board.until("the next call", |board| board.tile("200")["state"] == "active").await;
    let expected = json!(["active", out.at(1), "outbound", true, "201", "An", 1]);
    assert_eq!(json!(of(board.tile("200"), fields)), expected);
}

#[tokio::test]
async fn a_quiet_board_sends_nothing_but_its_feed() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    // That somebody talks is no news either.
    let [talking, over] = ["200", "201"].map(|it| call(&tenant, it, "+32470000001", 60));
    post(&gateway, &[rang(&over, 0, 30).to_vec(), vec![talking.ringing(0), talking.active(40)]].concat())
        .await;
    let mut board = Board::of_tenant(&gateway, &tenant).await;
    board.want(&["today", "m60"], &["tenant", "group", "extension"]).await;
    let health = |board: &Board| board.times("health");
    // What came before is told by the first of them.
    board.until("how it is fed", |board| health(board) > 0).await;
    let before = board.frames.len();
    board.until("how it is fed, again", |board| health(board) > 2).await;
    assert_eq!(board.frames[before..], ["health", "health"]);
    assert_eq!(json!(of(&board.health, ["unconfirmed", "complete", "ahead"])), json!([0, 1.0, 0]));
}

#[tokio::test]
async fn its_feed_says_what_is_not_sure() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    put_in_groups(&gateway, &tenant, &[("200", &[]), ("201", &[]), ("202", &[])]).await;
    let mut board = Board::of_tenant(&gateway, &tenant).await;
    let ahead = call(&tenant, "200", "+32470000001", 0);
    let ahead = ahead.clone().starting_at(ahead.start + 3600 * 1_000_000);
    let [half, silent] = ["200", "201"].map(|it| call(&tenant, it, "+32470000002", 2000));
    post(&gateway, &[ahead.ringing(0), half.active(4), half.hangup(8), silent.ringing(100)]).await;
    let fed = |board: &Board| board.health["last_event_at"].is_u64() && board.health["ahead"] == 1;
    board.until("how it is fed", fed).await;
    let fields = ["extensions", "connected", "unknown_start", "unconfirmed", "expired", "unknown"];
    assert_eq!(json!(of(&board.health, fields)), json!([3, 2, 1, 1, 0, 0]), "{}", board.health);
    assert!(board.health["lag"]["p95_ms"].as_u64().unwrap() >= 1_000_000, "{}", board.health);
}

#[tokio::test]
async fn its_feed_says_what_came_late_or_twice_or_in_another_order() {
    const ODD: [&str; 3] = ["late", "duplicate", "out_of_order"];
    let gateway = gateway().await;
    let tenant = new_tenant();
    let mut board = Board::of_tenant(&gateway, &tenant).await;
    board.until("how many nodes there are", |board| board.health["nodes"] == 1).await;
    assert_eq!(json!(of(&board.health, ODD)), json!([0, 0, 0]));
    assert_eq!(board.health["skew_ms"], Value::Null);
    let leg = call(&tenant, "200", "+32470000001", 30);
    for event in [leg.active(5), leg.ringing(0), leg.hangup(9)] {
        post(&gateway, std::slice::from_ref(&event)).await;
        // Each is heard by itself.
        board.until("it", |board| shows(board, &leg, &event)).await;
    }
    post(&gateway, &[leg.hangup(9), leg.ringing(0)]).await;
    let old = call(&tenant, "201", "+32470000002", 2000);
    post(&gateway, &took(&old, 0, 5, 20)).await;
    let told = |board: &Board| json!(of(&board.health, ODD)) == json!([3, 2, 1]);
    board.until("what was out of the ordinary", told).await;
    // What its user says of a call is no event of the provider's, however long ago the call was.
    let lag = board.health["lag"].clone();
    let mut agent = gateway.agent(&tenant, "201").await;
    agent.wrap_up(&old, Some("Resolved"), "").await;
    agent.dismiss(&old).await;
    agent.version(&old, 5).await;
    let before = board.times("health");
    board.until("how it is fed, later", |board| board.times("health") > before + 2).await;
    assert_eq!((json!(of(&board.health, ODD)), &board.health["lag"]), (json!([3, 2, 1]), &lag));
    assert!(board.health["skew_ms"].as_i64().is_some_and(|skew| skew > 10_000), "{}", board.health);
    // A clock that is ahead is seen by one event.
    let ahead = call(&tenant, "202", "+32470000003", 0);
    post(&gateway, &[ahead.ringing(50)]).await;
    board.until("the skew", |board| board.health["skew_ms"].as_i64().unwrap() < -20_000).await;
}

/// Whether a board shows an event of a leg as the latest of which it was told, or one before that.
fn shows(board: &Board, leg: &Leg, event: &Value) -> bool {
    let tile = board.tile(&leg.extension);
    match event["state"].as_str().unwrap() {
        "HANGUP" => tile["since"] == leg.at(9),
        // That it rang before is told by how long the customer waited.
        "RINGING" => board.figure("today", "tenant", "", "wait_mean_ms") == 5000,
        _ => tile["since"] == leg.at(5),
    }
}

#[tokio::test]
async fn a_client_asks_for_the_figures_that_it_shows() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    put_in_groups(&gateway, &tenant, &[("200", &["sales"])]).await;
    let leg = call(&tenant, "200", "+32470000001", 60).with("callee_number", "+3225550000");
    post(&gateway, &took(&leg, 0, 5, 20)).await;
    let mut board = Board::of_tenant(&gateway, &tenant).await;
    let shown = |board: &Board| {
        let keys = board.figures.keys().map(|(window, by, key)| format!("{window} {by} {key}"));
        keys.collect::<Vec<_>>()
    };
    assert_eq!(shown(&board), ["now tenant ", "today tenant "]);
    board.want(&["m60", "today", "m60"], &["line", "group", "extension", "tenant"]).await;
    // Those of extensions are of the first window.
    let expected = [
        "m60 extension 200",
        "m60 group sales",
        "m60 line +3225550000",
        "m60 tenant ",
        "now group sales",
        "now tenant ",
        "today group sales",
        "today line +3225550000",
        "today tenant ",
    ];
    assert_eq!(shown(&board), expected);
    assert_eq!(board.figure("m60", "line", "+3225550000", "answered"), 1);
    assert_eq!(board.figure("m60", "extension", "200", "on_call_ms"), 15_000);
    let bad = [
        json!({"type": "board", "windows": ["m5"], "by": ["tenant"]}),
        json!({"type": "board", "windows": ["today"], "by": ["planet"]}),
        json!({"type": "board", "windows": [], "by": ["tenant"]}),
        json!({"type": "board", "windows": ["today"], "by": []}),
        json!({"type": "board"}),
        json!({"type": "watch"}),
        json!({"type": "watch", "conversation": 7}),
    ];
    for frame in bad {
        assert_eq!(board.error_for(&frame).await, "malformed_frame", "{frame}");
    }
    assert_eq!(shown(&board), expected);
    // Who is shown calls is told so.
    let mut client = gateway.supervisor(&tenant).await;
    for frame in [
        json!({"type": "board", "windows": ["today"], "by": ["tenant"]}),
        json!({"type": "watch", "conversation": "x"}),
    ] {
        client.send(&frame).await;
        assert_eq!(client.next_of("error").await["code"], "malformed_frame");
    }
}

#[tokio::test]
async fn a_board_follows_the_directory() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    put_in_groups(&gateway, &tenant, &[("200", &["sales"])]).await;
    let mut board = Board::of_tenant(&gateway, &tenant).await;
    // It is by which the directory is known over HTTP.
    let rev = async || Value::from(directory::get(&gateway, &tenant).await.0.trim_matches('"'));
    let before = board.head["directory_rev"].clone();
    assert_eq!(before, rev().await);
    put_in_groups(&gateway, &tenant, &[("200", &["support"]), ("201", &[])]).await;
    board.until("another directory", |board| board.head["directory_rev"] != before).await;
    assert_eq!(board.head["directory_rev"], rev().await);
    assert_eq!(board.tiles.keys().collect::<Vec<_>>(), ["200", "201"]);
    assert_eq!(board.tile("200")["groups"], json!(["support"]));
}

#[tokio::test]
async fn an_alarm_is_raised_by_the_server_and_cleared() {
    let rules = vec!["ringing>=2@2", "hold_longest>=30s@1"];
    let gateway = config().await.set("board.alarms", rules).start().await;
    let tenant = new_tenant();
    put_in_groups(&gateway, &tenant, &[("200", &["sales"]), ("201", &["support"])]).await;
    let mut boards = [Board::of_tenant(&gateway, &tenant).await, Board::of_tenant(&gateway, &tenant).await];
    for board in &mut boards {
        board.want(&["today"], &["tenant", "group"]).await;
    }
    // As figure and level; nothing where there is no row.
    let raised = |board: &Board, by: &str, key: &str| {
        let alarms = board.figure("now", by, key, "alarms");
        let alarms = alarms.as_array().unwrap().iter().map(|it| json!(of(it, ["figure", "level"])));
        alarms.collect::<Vec<_>>()
    };
    let [one, two] = ["200", "201"].map(|it| call(&tenant, it, &format!("+32470000{it}"), 60));
    post(&gateway, &[one.ringing(0), two.ringing(0)]).await;
    for board in &mut boards {
        board.until("an alarm", |board| raised(board, "tenant", "") == [json!(["ringing", 2])]).await;
        assert!(raised(board, "group", "sales").is_empty(), "only one rings there");
    }
    post(&gateway, &[one.active(5), one.held(10), two.hangup(20)]).await;
    for board in &mut boards {
        let held = [json!(["hold_longest", 1])];
        board.until("the other alarm", |board| raised(board, "tenant", "") == held).await;
        board.until("it in its group", |board| raised(board, "group", "sales") == held).await;
        board.until("the tile", |board| board.tile("200")["alarm"] == 1).await;
        assert!(raised(board, "group", "support").is_empty());
    }
    post(&gateway, &[one.hangup(50)]).await;
    for board in &mut boards {
        board
            .until("none", |board| raised(board, "tenant", "").is_empty() && board.tile("200")["alarm"] == 0)
            .await;
    }
}

#[tokio::test]
async fn names_that_calls_teach_are_the_same_whoever_heard_what() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let call = |name: &str| {
        Leg::outbound(&tenant, "200").named("leg").with("callee_number", "201").with("callee_name", name)
    };
    let mut early = Board::of_tenant(&gateway, &tenant).await;
    let last = call("An");
    post(&gateway, &[last.active(5), call("").starting_at(last.start).hangup(9)]).await;
    let other = Leg::inbound(&tenant, "201");
    post(&gateway, &[other.ringing(0)]).await;
    early.until("a name", |board| board.tile("201")["name"] == "An").await;
    // What came late says that the telephone showed no name at first.
    post(&gateway, &[call("").starting_at(last.start).ringing(0), other.hangup(3)]).await;
    early.until("its end", |board| board.tile("201")["state"] == Value::Null).await;
    let gateway = gateway.restart().await;
    assert_eq!(Board::of_tenant(&gateway, &tenant).await.tile("201")["name"], early.tile("201")["name"]);
}

#[tokio::test]
async fn another_view_is_refused() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let stream = |token: Token| gateway.stream(&token);
    let boss = || Token::supervisor(&tenant);
    assert_eq!(stream(boss()).asking("view", "wall").refused().await, 4400);
    assert_eq!(stream(boss()).asking("view", "board").scope("planet").refused().await, 4400);
    assert_eq!(
        stream(Token::agent(&tenant, &["200"])).scope("tenant").asking("view", "board").refused().await,
        4403
    );
    assert_eq!(stream(Token::service(&tenant)).asking("view", "board").refused().await, 4403);
    assert_eq!(stream(boss()).asking("view", "calls").open().await.first_kind(), "snapshot");
}

#[tokio::test]
async fn where_there_is_no_board_nobody_misses_a_call() {
    let gateway = config().await.set("board.enabled", false).start().await;
    let tenant = new_tenant();
    let boss = Token::supervisor(&tenant);
    let board = gateway.stream(&boss).scope("tenant").asking("view", "board");
    assert_eq!(board.refused().await, 4403);
    for path in ["conversations", "conversations.csv", "conversations/x", "figures", "figures.csv?by=tenant"]
    {
        let detail = problem(ask(&gateway, &boss, &format!("/v1/{path}")).await, 404).await;
        assert!(detail.contains("board.enabled"), "{detail}");
    }
    let mut client = gateway.stream(&boss).scope("tenant").asking("want", "conversation").open().await;
    let leg = call(&tenant, "200", "+32470000001", 60);
    post(&gateway, &took(&leg, 0, 5, 20)).await;
    client.version(&leg, 3).await;
    client.assert_open().await;
    assert_eq!(gateway.metric("callpop_boards").await, 0.0);
}
