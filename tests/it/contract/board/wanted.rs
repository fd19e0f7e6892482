//! `want=conversation`: who is shown calls is told, beside them, what became of each.

use super::{call, gateway, of, post, rang, took};
use crate::support::{Client, Token, connect::Connect, new_tenant, soon};
use serde_json::{Value, json};

/// Reads until a conversation comes that is what it should be.
async fn told(client: &mut Client, is_it: impl Fn(&Value) -> bool) -> Value {
    let reading = async {
        loop {
            let frame = client.next_of("conversation").await;
            if is_it(&frame["conversation"]) {
                return frame["conversation"].clone();
            }
        }
    };
    soon("a conversation", reading).await
}

fn wanting(connect: Connect) -> Connect {
    connect.asking("want", "conversation")
}

#[tokio::test]
async fn whose_phone_stopped_is_told_who_answered() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let agent = Token::agent(&tenant, &["201"]);
    let mut client = wanting(gateway.stream(&agent)).open().await;
    assert_eq!(client.first_kind(), "snapshot");
    let [taker, passed] = ["200", "201"].map(|it| call(&tenant, it, "+32470000001", 60));
    post(&gateway, &[taker.ringing(0), passed.ringing(0)]).await;
    let rings = told(&mut client, |it| it["legs"].as_array().unwrap().len() == 2).await;
    assert_eq!(json!(of(&rings, ["outcome", "answered_by"])), json!(["open", null]));
    post(&gateway, &[taker.active(6), passed.hangup(6)]).await;
    let it = told(&mut client, |it| it["answered_by"] == "200").await;
    let fields = ["outcome", "basis", "rules", "certainty", "number"];
    let expected = json!(["answered", "inferred", ["ring_group"], "high", "+32470000001"]);
    assert_eq!(json!(of(&it, fields)), expected);
    assert_eq!(client.call(&passed).unwrap()["outcome"], "missed", "the call is what its events say");
    assert!(client.call(&taker).is_none(), "a colleague's call is not theirs");

    // A conversation of others is not told, nor what is over long since.
    let other = call(&tenant, "300", "+32470000002", 60);
    let old = call(&tenant, "201", "+32470000003", 4000);
    post(&gateway, &[took(&other, 0, 5, 20).to_vec(), rang(&old, 0, 30).to_vec()].concat()).await;
    let last = call(&tenant, "201", "+32470000004", 60);
    post(&gateway, &rang(&last, 0, 30)).await;
    let it = told(&mut client, |it| !["+32470000001"].contains(&it["number"].as_str().unwrap())).await;
    assert_eq!(it["number"], "+32470000004");

    // Who comes later is told what was a moment ago.
    let mut again = wanting(gateway.stream(&agent)).open().await;
    let mut numbers = Vec::new();
    for _ in 0..2 {
        numbers.push(told(&mut again, |_| true).await["number"].as_str().unwrap().to_owned());
    }
    numbers.sort();
    assert_eq!(numbers, ["+32470000001", "+32470000004"]);
}

#[tokio::test]
async fn who_does_not_want_them_is_not_told() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let agent = Token::agent(&tenant, &["200"]);
    let mut wants = wanting(gateway.stream(&agent)).open().await;
    let mut plain = gateway.stream(&agent).open().await;
    let mut newer = gateway.stream(&agent).asking("want", "weather").open().await;
    let leg = call(&tenant, "200", "+32470000001", 60);
    post(&gateway, &took(&leg, 0, 5, 20)).await;
    told(&mut wants, |it| it["outcome"] == "answered").await;
    for client in [&mut plain, &mut newer] {
        let mut kinds = std::collections::BTreeSet::new();
        client.send(&json!({"type": "tick", "t0": 1})).await;
        while !kinds.contains("tock") || client.call(&leg).is_none_or(|call| call["version"] != 3) {
            kinds.insert(client.next().await["type"].as_str().unwrap().to_owned());
        }
        assert_eq!(kinds.into_iter().collect::<Vec<_>>(), ["call", "tock"]);
    }
}

#[tokio::test]
async fn among_other_words_it_is_found_and_a_board_has_it_too() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let boss = Token::supervisor(&tenant);
    let leg = call(&tenant, "200", "+32470000001", 60);
    post(&gateway, &took(&leg, 0, 5, 20)).await;
    let mut client =
        gateway.stream(&boss).scope("tenant").asking("want", "callbacks,conversation").open().await;
    told(&mut client, |it| it["answered_by"] == "200").await;
    let board = gateway.stream(&boss).scope("tenant").asking("want", "conversation");
    let mut board = crate::support::Board::open(board).await;
    board.until("the conversation", |board| board.conversations.len() == 1).await;
}
