//! A board is there for as long as the token of whoever watches it.

use super::{call, gateway, post};
use crate::support::{Board, Token, eventually, new_tenant, now};
use serde_json::json;

#[tokio::test]
async fn a_board_whose_token_ends_is_closed_as_other_sessions_are() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let (boss, agent) = (Token::supervisor(&tenant), Token::agent(&tenant, &["200"]));
    for (token, scope) in [(boss, "tenant"), (agent, "user")] {
        let token = token.expiring_in(2);
        let mut board = Board::open(gateway.stream(&token).scope(scope)).await;
        board.until("a warning", |board| board.times("token_expiring") == 1).await;
        assert_eq!(board.closed().await, Some(4401));
        let late = now() / 1_000_000 - token.exp();
        assert!(late < 5, "{late} s too late");
    }
}

#[tokio::test]
async fn a_board_goes_on_with_a_fresh_token() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let old = Token::supervisor(&tenant).expiring_in(2);
    let mut board = Board::open(gateway.stream(&old).scope("tenant")).await;
    board.until("a warning", |board| board.times("token_expiring") == 1).await;
    board.send(&json!({"type": "token", "token": old.clone().expiring_in(1000).mint()})).await;
    board.until("it to be taken", |board| board.times("token_accepted") == 1).await;
    eventually("the old token's end", async || (now() / 1_000_000 > old.exp()).then_some(())).await;
    let leg = call(&tenant, "200", "+32470000001", 5);
    post(&gateway, &[leg.ringing(0)]).await;
    board.until("a call after that", |board| board.tile("200")["state"] == "ringing").await;
    assert_eq!(board.times("board"), 1);
}
