//! How much is looked at for one question with a text, whatever the engine.

use crate::support::{
    Engine, Leg, Token,
    board::{ask, read, since_hours},
    new_tenant, now,
};
use serde_json::{Value, json};

/// As `docs/board.md` says.
const MOST: u64 = 20_000;

#[tokio::test]
async fn a_text_is_not_looked_for_in_more_than_20_000_legs() {
    let gateway = Engine::Embedded.config().await.start().await;
    let tenant = new_tenant();
    let begins = now() - 3600 * 1_000_000;
    let leg = |nth: u64| {
        let number = format!("+3247{nth:07}");
        Leg::inbound(&tenant, "200").with("caller_number", number).starting_at(begins + nth * 1000)
    };
    let all: Vec<Value> = (0..=MOST).map(|nth| leg(nth).active(0)).collect();
    for some in all.chunks(500) {
        gateway.deliver(&json!(some)).await;
    }
    let (from, to) = since_hours(2);
    let boss = Token::supervisor(&tenant);
    let path = |from: u64, q: &str| format!("/v1/conversations?from={from}&to={to}&limit=1{q}");
    // It is there once it is counted, however long that takes.
    while read(&gateway, &boss, &path(from, "")).await["complete"] != 1.0 {}
    for list in ["conversations", "conversations.csv"] {
        let told = ask(&gateway, &boss, &format!("/v1/{list}?from={from}&to={to}&q=nobody")).await;
        let told: Value = told.json().await.unwrap();
        assert_eq!(
            (&told["status"], &told["type"]),
            (&json!(422), &json!("urn:callpop:problem:narrow")),
            "{told}"
        );
        assert!(told["detail"].as_str().unwrap().contains("from and to"), "{told}");
    }
    let narrower = read(&gateway, &boss, &path(begins + 1, "&q=nobody")).await;
    assert_eq!(narrower["items"], json!([]));
}
