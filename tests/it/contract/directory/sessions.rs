//! What a token without extensions sees: what the directory gives its `sub`, now and whenever that changes.

use super::super::{config, gateway};
use crate::support::{
    Client, Gateway, Leg, Token,
    directory::{assign, boss, get, replace, request, row, sent, user},
    eventually, new_tenant,
};
use reqwest::header;
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

/// What a state frame says that the session sees.
fn sees(state: &Value) -> Vec<&str> {
    state["extensions"].as_array().expect("extensions").iter().map(|it| it.as_str().unwrap()).collect()
}

/// Reads until the session sees those extensions; gives the frame that says so.
async fn until_sees(client: &mut Client, extensions: &[&str]) -> Value {
    loop {
        let frame = client.next_of_any(&["snapshot", "resumed"]).await;
        if sees(&frame) == extensions {
            assert_eq!(frame["type"], "snapshot");
            return frame;
        }
    }
}

async fn dismissal(client: &mut Client, leg: &Leg) -> String {
    let frame = json!({"type": "dismiss", "leg_id": leg.id}).to_string();
    client.error_for(Message::text(frame)).await
}

/// Shows that whatever was sent before has arrived, by a call on an extension that the client sees.
async fn settle(gateway: &Gateway, client: &mut Client, tenant: &str, extension: &str) {
    let last = Leg::inbound(tenant, extension);
    gateway.deliver(&last.ringing(0)).await;
    client.version(&last, 1).await;
}

#[tokio::test]
async fn it_sees_what_the_directory_gives_its_sub() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let [mine, other] = ["200", "210"].map(|extension| Leg::inbound(&tenant, extension));
    gateway.deliver_each(&[mine.ringing(0), other.ringing(0)]).await;
    assign(&gateway, &tenant, &[("ann", "200"), ("bob", "210")]).await;
    let mut ann = gateway.stream(&user(&tenant, "ann")).open().await;
    assert_eq!((ann.first_kind(), sees(&ann.first)), ("snapshot", vec!["200"]));
    assert_eq!(ann.calls.len(), 1);
    gateway.deliver_each(&[other.active(1), mine.active(1)]).await;
    ann.version(&mine, 2).await;
    ann.dismiss(&mine).await;
    ann.version(&mine, 3).await;
    ann.wrap_up(&mine, None, "called back").await;
    ann.version(&mine, 4).await;
    assert_eq!(dismissal(&mut ann, &other).await, "unknown_call");
    assert_eq!(ann.calls.len(), 1);
}

#[tokio::test]
async fn every_state_frame_says_what_the_session_sees() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let named = gateway.stream(&Token::agent(&tenant, &["210", "200"])).open().await;
    assert_eq!(sees(&named.first), ["200", "210"]);
    let whole = gateway.supervisor(&tenant).await;
    assert!(sees(&whole.first).is_empty());
    let mut named = named.reconnect().await;
    assert_eq!((named.first_kind(), sees(&named.first)), ("resumed", vec!["200", "210"]));
    named.assert_open().await;
}

#[tokio::test]
async fn who_is_given_nothing_sees_nothing_and_learns_later() {
    let gateway = gateway().await;
    let (tenant, elsewhere) = (new_tenant(), new_tenant());
    let leg = Leg::inbound(&tenant, "200");
    gateway.deliver(&leg.ringing(0)).await;
    assign(&gateway, &elsewhere, &[("ann", "200")]).await;
    let mut ann = gateway.stream(&user(&tenant, "ann")).open().await;
    assert_eq!((sees(&ann.first), ann.calls.len()), (vec![], 0), "a live call of somebody else");
    assert_eq!(dismissal(&mut ann, &leg).await, "unknown_call");
    gateway.deliver(&leg.active(1)).await;
    ann.assert_open().await;
    assert_eq!(ann.calls.len(), 0);
    assign(&gateway, &tenant, &[("ann", "200")]).await;
    until_sees(&mut ann, &["200"]).await;
    ann.version(&leg, 2).await;
    gateway.deliver(&leg.hangup(2)).await;
    ann.version(&leg, 3).await;
}

#[tokio::test]
async fn a_running_session_follows_the_directory() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let [old, new] = ["200", "210"].map(|extension| Leg::inbound(&tenant, extension));
    gateway.deliver_each(&[old.ringing(0), new.ringing(0)]).await;
    assign(&gateway, &tenant, &[("ann", "200")]).await;
    let mut ann = gateway.stream(&user(&tenant, "ann")).open().await;
    assert!(ann.call(&old).is_some() && ann.call(&new).is_none());
    let stream = ann.first["stream"].clone();

    assign(&gateway, &tenant, &[("ann", "210")]).await;
    let moved = until_sees(&mut ann, &["210"]).await;
    assert_ne!(moved["stream"], stream);
    assert!(ann.call(&old).is_none() && ann.call(&new).is_some());
    gateway.deliver_each(&[old.active(1), new.active(1)]).await;
    ann.version(&new, 2).await;
    ann.dismiss(&new).await;
    ann.version(&new, 3).await;
    assert_eq!(dismissal(&mut ann, &old).await, "unknown_call");
    assert!(ann.call(&old).is_none());

    // Taken away.
    assign(&gateway, &tenant, &[("bob", "210")]).await;
    until_sees(&mut ann, &[]).await;
    assert!(ann.calls.is_empty());
    assert_eq!(dismissal(&mut ann, &new).await, "unknown_call");
    gateway.deliver(&new.hangup(2)).await;
    ann.assert_open().await;
    assert!(ann.calls.is_empty());
}

#[tokio::test]
async fn resume_is_answered_for_the_stream_that_was_left() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    assign(&gateway, &tenant, &[("ann", "200")]).await;
    let token = user(&tenant, "ann");
    let mut ann = gateway.stream(&token).open().await;
    let before = ann.first.clone();
    assign(&gateway, &tenant, &[("ann", "210")]).await;
    let moved = until_sees(&mut ann, &["210"]).await;
    settle(&gateway, &mut ann, &tenant, "210").await;
    drop(ann);
    let answers = [(&moved, "resumed"), (&before, "snapshot")];
    for (left, expected) in answers {
        let first = gateway.stream(&token).resume_stream(left).first_frame().await;
        assert_eq!((first["type"].as_str().unwrap(), sees(&first)), (expected, vec!["210"]));
        assert_eq!(first["calls"].as_array().unwrap().len(), 1);
    }
    // Who does not say what was streamed may have streamed anything.
    let epoch = moved["epoch"].as_str().unwrap();
    let unsaid = gateway.stream(&token).resume(epoch, moved["seq"].as_u64().unwrap()).first_frame().await;
    assert_eq!(unsaid["type"], "snapshot");
}

#[tokio::test]
async fn a_token_with_extensions_is_not_touched() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    assign(&gateway, &tenant, &[("ann", "210")]).await;
    let token = Token::agent(&tenant, &["200"]).claim("sub", "ann");
    let mut ann = gateway.stream(&token).open().await;
    assert_eq!(sees(&ann.first), ["200"]);
    let mut follower = gateway.stream(&user(&tenant, "bob")).open().await;
    assign(&gateway, &tenant, &[("ann", "220"), ("bob", "230")]).await;
    until_sees(&mut follower, &["230"]).await;
    let leg = Leg::inbound(&tenant, "200");
    gateway.deliver(&leg.ringing(0)).await;
    assert_eq!(ann.next().await["type"], "call", "no snapshot came before it");
}

#[tokio::test]
async fn what_does_not_touch_the_user_says_nothing_to_the_user() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    assign(&gateway, &tenant, &[("ann", "200")]).await;
    let mut ann = gateway.stream(&user(&tenant, "ann")).open().await;
    let mut bob = gateway.stream(&user(&tenant, "bob")).open().await;
    assign(&gateway, &tenant, &[("ann", "200"), ("bob", "210")]).await;
    until_sees(&mut bob, &["210"]).await;
    let leg = Leg::inbound(&tenant, "200");
    gateway.deliver(&leg.ringing(0)).await;
    assert_eq!(ann.next().await["type"], "call");
}

#[tokio::test]
async fn such_a_token_can_be_renewed() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    assign(&gateway, &tenant, &[("ann", "200")]).await;
    let token = user(&tenant, "ann");
    let mut ann = gateway.stream(&token).open().await;
    let fresh = token.clone().expiring_in(5000);
    ann.send(&json!({"type": "token", "token": fresh.mint()})).await;
    assert_eq!(ann.next_of("token_accepted").await["token_expires_at"], fresh.exp());
    settle(&gateway, &mut ann, &tenant, "200").await;
    let named = token.claim("extensions", ["200"]).mint();
    let frame = json!({"type": "token", "token": named}).to_string();
    assert_eq!(ann.error_for(Message::text(frame)).await, "token_refused");
}

#[tokio::test]
async fn the_same_sub_of_another_tenant_is_somebody_else() {
    let gateway = gateway().await;
    let tenants = [new_tenant(), new_tenant()];
    assign(&gateway, &tenants[0], &[("ann", "200")]).await;
    assign(&gateway, &tenants[1], &[("ann", "210")]).await;
    let mut anns = [
        gateway.stream(&user(&tenants[0], "ann")).open().await,
        gateway.stream(&user(&tenants[1], "ann")).open().await,
    ];
    assert_eq!((sees(&anns[0].first), sees(&anns[1].first)), (vec!["200"], vec!["210"]));
    for tenant in &tenants {
        for extension in ["200", "210"] {
            gateway.deliver(&Leg::inbound(tenant, extension).ringing(0)).await;
        }
    }
    // What one tenant writes moves nobody of the other.
    assign(&gateway, &tenants[1], &[("ann", "220")]).await;
    until_sees(&mut anns[1], &["220"]).await;
    assert!(anns[1].calls.is_empty());
    settle(&gateway, &mut anns[0], &tenants[0], "200").await;
    assert_eq!(anns[0].calls.len(), 2);
    assert!(
        anns[0].calls.values().all(|call| call["tenant_id"] == *tenants[0] && call["extension"] == "200")
    );
    // A supervisor of one writes the directory of that one, whatever it says.
    let body = json!({"tenant_id": tenants[0], "rows": []}).to_string();
    let put = request(&gateway, "PUT", &boss(&tenants[1])).header(header::IF_MATCH, "*");
    assert_eq!(sent(put.header(header::CONTENT_TYPE, "application/json").body(body)).await.status(), 422);
    assert_eq!(get(&gateway, &tenants[0]).await.1["rows"][0]["extension"], "200");
}

#[tokio::test]
async fn only_an_id_of_kind_sub_is_a_sub() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let all =
        [row("200", &["email:ann@example.com", "clinic:ann"]), row("210", &["sub:email:ann@example.com"])];
    replace(&gateway, &tenant, &all).await;
    for (sub, extensions) in [
        ("ann", vec![]),
        ("ann@example.com", vec![]),
        ("email:ann@example.com", vec!["210"]),
        ("ANN", vec![]),
    ] {
        let client = gateway.stream(&user(&tenant, sub)).open().await;
        assert_eq!(sees(&client.first), extensions, "{sub}");
    }
}

#[tokio::test]
async fn nothing_is_missed_while_a_session_moves() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    assign(&gateway, &tenant, &[("ann", "200")]).await;
    let mut ann = gateway.stream(&user(&tenant, "ann")).open().await;
    let legs: Vec<Leg> =
        (0..30).map(|nth| Leg::inbound(&tenant, if nth % 2 == 0 { "200" } else { "210" })).collect();
    let calls = async {
        for leg in &legs {
            gateway.deliver_each(&[leg.ringing(0), leg.active(1)]).await;
        }
    };
    let moves = async {
        for extension in ["210", "200", "210"] {
            assign(&gateway, &tenant, &[("ann", extension)]).await;
        }
    };
    tokio::join!(calls, moves);
    let sees_all = |client: &Client| {
        let mine = |leg: &&Leg| leg.extension == "210";
        legs.iter().filter(mine).all(|leg| client.call(leg).is_some_and(|call| call["version"] == 2))
    };
    ann.until("all calls of the new extension", sees_all).await;
    settle(&gateway, &mut ann, &tenant, "210").await;
    assert!(ann.calls.values().all(|call| call["extension"] == "210"), "{:?}", ann.calls.keys());
}

#[tokio::test]
async fn who_sees_nothing_is_told_to_go_when_the_node_drains() {
    let mut gateway = config().await.set("shutdown.spread", "0s").start().await;
    let mut ann = gateway.stream(&user(&new_tenant(), "ann")).open().await;
    gateway.process.signal(Signal::TERM);
    ann.next_of("reconnect").await;
    assert_eq!(ann.closed().await, 4503);
    assert_eq!(gateway.process.exit().await.code(), Some(0));
}

#[tokio::test]
async fn a_seat_is_the_users_with_or_without_extensions() {
    let gateway = config().await.set("sessions.max_per_user", 1).start().await;
    let tenant = new_tenant();
    let first = gateway.stream(&user(&tenant, "ann")).open().await;
    assert_eq!(gateway.stream(&user(&tenant, "ann")).refused().await, 4409);
    drop(first);
    eventually("a free seat", async || gateway.stream(&user(&tenant, "ann")).is_let_in().await.then_some(()))
        .await;
}
