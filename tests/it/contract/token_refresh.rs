//! Tokens end while the stream stays open.

use super::{config, gateway};
use crate::support::{Leg, Token, new_tenant};
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

fn frame(token: &str) -> serde_json::Value {
    json!({"type": "token", "token": token})
}

#[tokio::test]
async fn a_token_that_is_not_renewed_ends_the_session_with_4401() {
    let gateway = gateway().await;
    let token = Token::agent(&new_tenant(), &["200"]).expiring_in(2);
    let mut client = gateway.stream(&token).open().await;
    let in_ms = client.next_of("token_expiring").await["in_ms"].as_u64().unwrap();
    assert!(in_ms <= 2000, "{in_ms}");
    assert_eq!(client.closed().await, 4401);
    let late = crate::support::now() / 1_000_000 - token.exp();
    assert!(late < 5, "{late} s too late");
}

#[tokio::test]
async fn a_fresh_token_in_band_keeps_the_session() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let old = Token::agent(&tenant, &["200"]).expiring_in(2);
    let fresh = old.clone().expiring_in(1000);
    let mut client = gateway.stream(&old).open().await;
    client.next_of("token_expiring").await;
    client.send(&frame(&fresh.mint())).await;
    assert_eq!(client.next_of("token_accepted").await["token_expires_at"], fresh.exp());
    crate::support::eventually("the old token's end", async || {
        (crate::support::now() / 1_000_000 > old.exp()).then_some(())
    })
    .await;
    client.assert_open().await;
    let leg = Leg::inbound(&tenant, "200");
    gateway.deliver(&leg.ringing(0)).await;
    client.version(&leg, 1).await;
}

#[tokio::test]
async fn a_token_of_another_user_is_refused_and_the_connection_stays() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let mine = Token::agent(&tenant, &["200"]).claim("sub", "ann");
    let mut client = gateway.stream(&mine).open().await;
    let refused = [
        ("another user's", mine.clone().claim("sub", "bob").mint()),
        ("another tenant's", mine.clone().claim("tenant_id", new_tenant()).mint()),
        ("expired", mine.clone().expiring_in(-100).mint()),
        ("without exp", mine.clone().without("exp").mint()),
        ("by another secret", mine.clone().secret("another-secret-of-forty-characters-long!").mint()),
        ("unsigned", mine.mint_unsigned()),
        ("nonsense", "nonsense".to_owned()),
    ];
    for (what, token) in refused {
        let code = client.error_for(Message::text(frame(&token).to_string())).await;
        assert_eq!(code, "token_refused", "{what}");
    }
    client.assert_open().await;
    client.send(&frame(&mine.mint())).await;
    client.next_of("token_accepted").await;
}

#[tokio::test]
async fn a_refused_token_does_not_prolong_the_session() {
    let gateway = gateway().await;
    let token = Token::agent(&new_tenant(), &["200"]).expiring_in(2);
    let mut client = gateway.stream(&token).open().await;
    let others = token.clone().claim("sub", "another").expiring_in(1000).mint();
    let code = client.error_for(Message::text(frame(&others).to_string())).await;
    assert_eq!(code, "token_refused");
    assert_eq!(client.closed().await, 4401);
}

#[tokio::test]
async fn a_fresh_token_cannot_widen_what_is_seen() {
    let gateway = config().await.start().await;
    let tenant = new_tenant();
    let token = Token::agent(&tenant, &["200"]);
    let mut client = gateway.stream(&token).open().await;
    client.send(&frame(&token.clone().claim("role", "supervisor").mint())).await;
    client.next_of_any(&["token_accepted", "error"]).await;
    let (mine, others) = (Leg::inbound(&tenant, "200"), Leg::inbound(&tenant, "210"));
    gateway.deliver_each(&[others.ringing(0), mine.ringing(0)]).await;
    client.version(&mine, 1).await;
    assert_eq!(client.calls.len(), 1, "a user's stream holds the user's calls");
}

#[tokio::test]
async fn the_order_of_extensions_makes_no_other_user() {
    let gateway = gateway().await;
    let token = Token::agent(&new_tenant(), &["200", "210"]);
    let mut client = gateway.stream(&token).open().await;
    client.send(&frame(&token.claim("extensions", ["210", "200"]).mint())).await;
    let answer = client.next_of_any(&["token_accepted", "error"]).await;
    assert_eq!(answer["type"], "token_accepted", "{answer}");
}
