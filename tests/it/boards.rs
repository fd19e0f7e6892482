//! The wallboard on several nodes of one Redis: each computes it, and they say the same.

use crate::support::{
    Board, Config, Engine, Gateway, Leg, Token,
    board::{conversations, figures, read, settled, since_hours},
    centre::{self, day, in_tenant},
    engine::on_redis,
    eventually, new_tenant, now,
    proxy::Proxy,
    redis::{Aof, Server},
};
use rand::{RngExt, rng, seq::SliceRandom};
use serde_json::{Value, json};
use std::time::Duration;

/// Without alarms, since each node tells since when it has raised one.
async fn config() -> Config {
    Engine::Redis.config().await.set("board.alarms", vec!["none"])
}

async fn three_nodes(config: &Config) -> [Gateway; 3] {
    [config.start().await, config.start().await, config.start().await]
}

/// All that REST says of a time.
async fn all(node: &Gateway, tenant: &str, (from, to): (u64, u64)) -> (Vec<Value>, Value) {
    let conversations = settled(conversations(node, tenant, (from, to)).await);
    let query = format!("from={from}&to={to}&by=tenant,line,extension");
    let rows = figures(node, tenant, &query).await.into_iter();
    (conversations, rows.map(|((by, key, _), values)| json!([by, key, values])).collect())
}

/// The centre's day in a tenant, in any order.
fn some_day(tenant: &str, window: (u64, u64)) -> Vec<Value> {
    let mut events = in_tenant(&day(9, 60, rng().random(), window.0), tenant);
    events.shuffle(&mut rng());
    events
}

#[tokio::test]
async fn three_nodes_say_the_same() {
    let nodes = three_nodes(&config().await).await;
    let (tenant, window) = (new_tenant(), since_hours(2));
    centre::name(&nodes[0], &tenant, 9).await;
    let mut boards = Vec::new();
    for node in &nodes {
        let mut board = Board::of_tenant(node, &tenant).await;
        board.want(&["today", "m60"], &["tenant", "line", "extension"]).await;
        boards.push(board);
    }
    let events = some_day(&tenant, window);
    // Each event comes to two of them.
    for (nth, some) in events.chunks(40).enumerate() {
        nodes[nth % 3].deliver(&json!(some)).await;
        nodes[(nth + 1) % 3].deliver(&json!(some)).await;
    }
    // Whoever asks is told what was committed anywhere.
    let told = all(&nodes[0], &tenant, window).await;
    assert!(told.0.len() > 40);
    for node in &nodes[1..] {
        assert_eq!(all(node, &tenant, window).await, told);
    }
    let live = Leg::inbound(&tenant, "999");
    for (node, event) in nodes.iter().zip([live.ringing(0), live.active(5), live.held(9)]) {
        node.deliver(&event).await;
    }
    for board in &mut boards {
        board.until("the last call", |board| board.tile("999")["since"] == live.at(9)).await;
    }
    let (first, others) = boards.split_first_mut().unwrap();
    for other in others {
        other.comes_to_show(first).await;
    }
    let id = |board: &Board| board.tile("999")["conversation"].as_str().unwrap().to_owned();
    assert!(boards.iter().all(|board| id(board) == id(&boards[0])), "a conversation has one name");
}

#[tokio::test]
async fn what_came_late_or_twice_is_told_by_every_node() {
    let nodes = three_nodes(&config().await).await;
    let (tenant, now) = (new_tenant(), now());
    let legs: Vec<Leg> = (0..3)
        .map(|nth| Leg::inbound(&tenant, "200").starting_at(now - (1000 - nth * 100) * 1_000_000))
        .collect();
    // Each event is late at one node, and comes once more to another.
    for (nth, leg) in legs.iter().enumerate() {
        nodes[nth].deliver(&json!(leg.whole())).await;
        nodes[(nth + 1) % 3].deliver(&json!(leg.whole())).await;
    }
    for node in &nodes {
        let mut board = Board::of_tenant(node, &tenant).await;
        let told = |board: &Board| {
            [&board.health["nodes"], &board.health["late"], &board.health["duplicate"]] == [3, 9, 9]
        };
        board.until("what all of them heard", told).await;
    }
}

#[tokio::test]
async fn a_node_that_joins_later_says_the_same() {
    let config = config().await;
    let [mut one, two] = [config.start().await, config.start().await];
    let (tenant, window) = (new_tenant(), since_hours(2));
    centre::name(&one, &tenant, 9).await;
    let early = Board::of_tenant(&one, &tenant).await;
    centre::post(&[&one, &two], &some_day(&tenant, window)).await;
    let told = all(&one, &tenant, window).await;
    drop(early);
    // Nothing that a node has computed is needed by another.
    one.stop().await;
    let late = config.start().await;
    let mut board = Board::of_tenant(&late, &tenant).await;
    assert_eq!(all(&late, &tenant, window).await, told);
    let mut other = Board::of_tenant(&two, &tenant).await;
    board.comes_to_show(&mut other).await;
    // It hears of what comes to the other.
    let leg = Leg::inbound(&tenant, "999");
    two.deliver(&leg.ringing(0)).await;
    board.until("news", |board| board.tile("999")["state"] == "ringing").await;
}

#[tokio::test]
async fn incomplete_figures_say_so() {
    const LEGS: u64 = 1600;
    let redis = Server::start(Aof::EverySecond).await;
    let link = Proxy::to(&redis.address()).await;
    let config = on_redis(redis.url());
    let (one, two) = (config.start().await, config.clone().set("engine.redis_url", link.url()).start().await);
    let (tenant, (from, to), begin) = (new_tenant(), since_hours(2), now() - 60_000_000);
    let leg = |nth: u64| {
        let number = format!("+3247{nth:07}");
        Leg::inbound(&tenant, "200").with("caller_number", number).starting_at(begin + nth * 1000)
    };
    let events: Vec<Value> = (0..LEGS).map(|nth| leg(nth).active(0)).collect();
    for some in events.chunks(400) {
        one.deliver(&json!(some)).await;
    }
    // Four parts of its calls are read one after the other, each by two questions: that takes longer than an answer
    // waits.
    link.delay(Duration::from_millis(300));
    let boss = Token::supervisor(&tenant);
    let mut board = Board::begin(two.stream(&boss).scope("tenant")).await;
    let is_part = |told: &Value| told["complete"].as_f64().unwrap() < 1.0;
    assert!(is_part(&board.head), "{}", board.head);
    let query = format!("from={from}&to={to}");
    let told = read(&two, &boss, &format!("/v1/figures?{query}")).await;
    let offered = told["rows"][0]["values"]["offered"].as_u64().unwrap();
    assert!(is_part(&told) && offered < LEGS, "{told}");
    // Who watches sees how far it is.
    board
        .until("some calls to be counted", |board| {
            let offered = board.figure("today", "tenant", "", "offered").as_u64();
            board.health["complete"] == 0.0 && offered.is_some_and(|offered| (1..LEGS).contains(&offered))
        })
        .await;
    link.heal();
    board.until("all calls to be counted", |board| !is_part(&board.head)).await;
    assert_eq!(board.figure("today", "tenant", "", "offered"), LEGS);
    let counted = Token::supervisor(&tenant).claim("sub", "another");
    let told = read(&two, &counted, &format!("/v1/figures?{query}")).await;
    assert_eq!((&told["complete"], &told["rows"][0]["values"]["offered"]), (&json!(1.0), &json!(LEGS)));
    board.until("the same of its feed", |board| board.health["complete"] == 1.0).await;
}

#[tokio::test]
async fn three_nodes_raise_and_clear_the_same_alarms() {
    let rules = vec!["ringing>=2@2", "hold_longest>=30s@1"];
    let nodes = three_nodes(&config().await.set("board.alarms", rules)).await;
    let tenant = new_tenant();
    let mut boards = Vec::new();
    for node in &nodes {
        boards.push(Board::of_tenant(node, &tenant).await);
    }
    // Since when, each node says by itself.
    let raised = |board: &Board| {
        let alarms = board.figure("now", "tenant", "", "alarms");
        let alarms = alarms.as_array().unwrap().iter().map(|it| json!([it["figure"], it["level"]]));
        alarms.collect::<Vec<_>>()
    };
    let begin = now() - 60_000_000;
    let call = |extension: &str| {
        let leg = Leg::inbound(&tenant, extension).with("caller_number", format!("+32470000{extension}"));
        leg.starting_at(begin)
    };
    let [held, rings] = [call("200"), call("201")];
    let steps = [
        (vec![held.ringing(0), rings.ringing(0)], vec![json!(["ringing", 2])], 0),
        (vec![held.active(5), held.held(10), rings.hangup(20)], vec![json!(["hold_longest", 1])], 1),
        (vec![held.hangup(50)], vec![], 0),
    ];
    for (events, expected, of_tile) in steps {
        for (nth, event) in events.iter().enumerate() {
            nodes[nth % 3].deliver(event).await;
        }
        for board in &mut boards {
            board.until("the alarms", |board| raised(board) == expected).await;
            board.until("the tile", |board| board.tile("200")["alarm"] == of_tile).await;
        }
    }
}

#[tokio::test]
async fn a_board_begins_anew_where_the_store_does() {
    let redis = Server::start(Aof::EverySecond).await;
    let node = on_redis(redis.url()).start().await;
    let tenant = new_tenant();
    let old = Leg::inbound(&tenant, "200");
    node.deliver(&json!(old.whole())).await;
    let mut board = Board::of_tenant(&node, &tenant).await;
    board.until("the call", |board| board.figure("today", "tenant", "", "answered") == 1).await;
    let epoch = board.head["epoch"].clone();
    redis.command(&["FLUSHALL"]).await;
    let new = Leg::inbound(&tenant, "201");
    node.deliver(&new.ringing(0)).await;
    let is_anew = |board: &Board| board.head["epoch"] != epoch && board.tile("201")["state"] == "ringing";
    board.until("the new epoch", is_anew).await;
    assert_eq!(board.tiles.len(), 1, "what was lost is not shown");
    board.until("its figures", |board| board.figure("today", "tenant", "", "offered") == 1).await;
    assert_eq!(board.figure("today", "tenant", "", "answered"), 0);
}

#[tokio::test]
async fn a_board_outlives_a_redis_that_is_away_for_a_while() {
    let mut redis = Server::start(Aof::Always).await;
    let node = on_redis(redis.url()).start().await;
    let tenant = new_tenant();
    let leg = Leg::inbound(&tenant, "200");
    node.deliver(&leg.ringing(0)).await;
    let mut board = Board::of_tenant(&node, &tenant).await;
    redis.kill();
    redis.restart().await;
    let answered = leg.active(5);
    eventually("the event to be taken", async || (node.post(&answered).await.status() == 204).then_some(()))
        .await;
    let again = eventually("the board again", async || {
        // It may have ended with the connection to Redis, as every session does then.
        let told = Token::supervisor(&tenant);
        let tile = read(&node, &told, "/v1/figures?by=extension").await;
        (tile["rows"].as_array().is_some_and(|rows| !rows.is_empty())).then_some(tile)
    })
    .await;
    assert_eq!(again["complete"], 1.0);
    board.until("the answer", |board| board.tile("200")["state"] == "active").await;
}

#[tokio::test]
async fn a_node_that_goes_tells_its_boards_to_come_again() {
    let config = config().await;
    let [mut one, two] = [config.start().await, config.start().await];
    let tenant = new_tenant();
    let leg = Leg::inbound(&tenant, "200");
    one.deliver(&leg.ringing(0)).await;
    let mut board = Board::of_tenant(&one, &tenant).await;
    let leaving =
        async { board.until("to be told", |board| board.frames.contains(&"reconnect".to_owned())).await };
    tokio::join!(leaving, one.stop());
    assert_eq!(board.closed().await, Some(4503));
    assert_eq!(Board::of_tenant(&two, &tenant).await.tile("200")["state"], "ringing");
}
