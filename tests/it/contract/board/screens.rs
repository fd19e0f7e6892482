//! What a display shows: a board on a wall, which strangers see, too.

use super::{call, config, post, put_in_groups};
use crate::support::{
    Board, Client, Gateway, Token,
    displays::{Paired, answer, begin, for_screens, pair, revoke, said, showing, told},
    new_tenant,
};
use serde_json::json;

async fn gateway() -> Gateway {
    for_screens(config().await).start().await
}

async fn board(gateway: &Gateway, display: &Paired) -> Board {
    Board::open(showing(gateway, &display.secret).scope("tenant")).await
}

#[tokio::test]
async fn a_display_never_receives_a_number() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let mut board = board(&gateway, &pair(&gateway, &tenant).await).await;
    board.want(&["today", "m60"], &["tenant", "group", "line", "extension"]).await;
    let named = call(&tenant, "200", "+32475123467", 60).with("caller_name", "Jan Peeters");
    let line = named.clone().with("callee_number", "+3221234567");
    // A number that is short may be a customer's all the same.
    let short = call(&tenant, "201", "123456", 60);
    post(&gateway, &[line.ringing(0), line.active(5)]).await;
    let over = call(&tenant, "200", "+32475123467", 120);
    post(&gateway, &[over.ringing(0), over.active(5), over.hangup(9), over.summary(20, "of a secret")]).await;
    post(&gateway, &[short.ringing(0), short.active(5)]).await;
    board.until("both tiles", |board| board.tiles.len() == 2).await;
    let tile = board.tile("200");
    assert_eq!((&tile["number"], &tile["party"]), (&json!("+3247•••••67"), &json!("J. P.")));
    board.until("the figures", |board| board.figure("m60", "tenant", "", "offered") == 2).await;

    // What a user may ask is not for a screen.
    let ask = |kind: &str| json!({"type": kind, "leg_id": over.id, "source": "telsmart", "extension": "200", "note": "x"});
    for kind in ["summary", "dismiss", "wrap_up"] {
        assert_eq!(board.error_for(&ask(kind)).await, "malformed_frame", "{kind}");
    }
    let conversation = board.tile("200")["conversation"].clone();
    let watch = json!({"type": "watch", "conversation": conversation});
    assert_eq!(board.error_for(&watch).await, "malformed_frame");
    board.until("the feed", |board| board.times("health") > 1).await;
    for secret in ["475123467", "123456", "Peeters", "21234567", "of a secret"] {
        assert!(!board.text.contains(secret), "{secret} in {}", board.text);
    }
    assert!(board.figures.keys().all(|(_, by, _)| by != "line" && by != "extension"));
}

#[tokio::test]
async fn a_display_of_a_group_sees_no_other() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    put_in_groups(&gateway, &tenant, &[("200", &["sales"]), ("300", &["support"])]).await;
    let begun = begin(&gateway).await;
    let body = json!({"code": begun["code"], "groups": ["sales"]});
    said(answer(&gateway, &Token::supervisor(&tenant), &body).await, 201).await;
    let mut board = board(&gateway, &told(&gateway, &begun).await).await;
    board.want(&["today"], &["tenant", "group", "extension"]).await;
    let legs = ["200", "300"].map(|extension| call(&tenant, extension, "+32475123467", 60));
    post(&gateway, &legs.map(|leg| leg.ringing(0))).await;
    board.until("the call", |board| board.tile("200")["state"] == "ringing").await;
    assert_eq!(board.tiles.keys().collect::<Vec<_>>(), ["200"]);
    board.until("its figures", |board| board.figure("today", "group", "sales", "offered") == 1).await;
    assert!(board.figures.keys().all(|(_, by, key)| by == "group" && key == "sales"));
}

#[tokio::test]
async fn a_revoked_display_is_closed_within_a_second() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let display = pair(&gateway, &tenant).await;
    let board = board(&gateway, &display).await;
    assert_eq!(revoke(&gateway, &tenant, &display.id).await.status(), 204);
    assert_eq!(board.closed().await, Some(4401));
    assert_eq!(
        showing(&gateway, &display.secret).scope("tenant").asking("view", "board").refused().await,
        4401
    );
}

#[tokio::test]
async fn whom_the_directory_gives_another_extension_sees_that_one() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let give = async |extension: &str| {
        let row =
            json!({"extension": extension, "name": "", "groups": [], "numbers": [], "ids": ["sub:marie"]});
        crate::support::directory::replace(&gateway, &tenant, &[row]).await;
    };
    give("200").await;
    let marie = crate::support::directory::user(&tenant, "marie");
    let mut board = Board::open(gateway.stream(&marie)).await;
    let mut beside: Client = gateway.stream(&marie).asking("want", "conversation").open().await;
    let [before, now] =
        ["200", "210"].map(|extension| call(&tenant, extension, &format!("+32475111{extension}"), 60));
    post(&gateway, &[before.ringing(0)]).await;
    board.until("their call", |board| board.tiles.contains_key("200")).await;
    assert_eq!(beside.next_of("conversation").await["conversation"]["number"], "+32475111200");
    give("210").await;
    board.until("the other one alone", |board| board.tiles.keys().eq(["210"])).await;
    post(&gateway, &[before.active(3), now.ringing(0)]).await;
    board.until("its call", |board| board.tile("210")["state"] == "ringing").await;
    assert_eq!(beside.next_of("conversation").await["conversation"]["number"], "+32475111210");
}

#[tokio::test]
async fn who_reads_is_told_how_every_conversation_ended() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let watch = gateway.stream(&Token::supervisor(&tenant)).scope("tenant").asking("want", "conversation");
    let mut client = watch.open().await;
    let calls: Vec<_> =
        (0..600).map(|nth| call(&tenant, &format!("{}", 200 + nth), &format!("+3247{nth:07}"), 60)).collect();
    for some in calls.chunks(100) {
        post(&gateway, &some.iter().map(|leg| leg.ringing(0)).collect::<Vec<_>>()).await;
    }
    for some in calls.chunks(100) {
        post(&gateway, &some.iter().map(|leg| leg.hangup(20)).collect::<Vec<_>>()).await;
    }
    let mut ended = std::collections::BTreeSet::new();
    while ended.len() < calls.len() {
        let told = client.next_of("conversation").await["conversation"].clone();
        if !told["ended_at"].is_null() {
            ended.insert(told["number"].as_str().unwrap().to_owned());
        }
    }
}
