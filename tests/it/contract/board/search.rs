//! What is found by a text: in names, notes and summaries, of those whom one may see.

use super::{call, gateway, lately, post, rang, took};
use crate::support::{
    Gateway, Leg, Token,
    board::{ask, listed, read},
    directory,
    gateway::problem,
    new_tenant,
};
use serde_json::{Value, json};

/// Says something of a call, as its user.
async fn note(gateway: &Gateway, leg: &Leg, note: &str) {
    let mut client = gateway.agent(&leg.tenant, &leg.extension).await;
    let before = client.call(leg).unwrap()["version"].as_u64().unwrap();
    client.wrap_up(leg, None, note).await;
    client.version(leg, before + 1).await;
}

/// A query as it stands in an address.
fn by(text: &str) -> String {
    let (from, to) = lately();
    serde_urlencoded::to_string([("from", &*from.to_string()), ("to", &*to.to_string()), ("q", text)])
        .unwrap()
}

/// The last digits of the numbers that are found, the latest first.
async fn found(gateway: &Gateway, token: &Token, query: &str) -> String {
    let all = listed(gateway, token, query).await;
    all.iter().map(|it| it["number"].as_str().map_or('-', |number| number.chars().last().unwrap())).collect()
}

fn numbered(tenant: &str, extension: &str, nth: u64) -> Leg {
    call(tenant, extension, &format!("+3247000000{nth}"), 3000 - nth * 100)
}

/// Calls 1 to 5 of 200 and 6 of 300, each with another text of it.
async fn written(gateway: &Gateway) -> String {
    let tenant = new_tenant();
    let mut an = directory::row("300", &[]);
    an["name"] = json!("An De Smet");
    directory::replace(gateway, &tenant, &[an, directory::row("200", &[])]).await;
    let mut legs: Vec<Leg> = (1..=5).map(|nth| numbered(&tenant, "200", nth)).collect();
    legs.push(numbered(&tenant, "300", 6));
    legs[0] = legs[0].clone().with("caller_name", "Élodie Peeters");
    for leg in &legs {
        post(gateway, &took(leg, 0, 5, 20)).await;
    }
    note(gateway, &legs[1], "Wants an OFFERTE\nby \"Friday\"").await;
    // Too long for frames, and kept apart.
    let long = json!({"text": "x".repeat(40_000), "parts": [{"say": ["the Offerte of \"élodie\""]}]});
    post(gateway, &[legs[2].summary(60, long), legs[3].summary(60, json!("Nothing of note"))]).await;
    note(gateway, &legs[4], "offerte").await;
    note(gateway, &legs[4], "something else").await;
    tenant
}

#[tokio::test]
async fn a_text_is_found_in_names_notes_and_summaries_whatever_its_case() {
    let gateway = gateway().await;
    let tenant = written(&gateway).await;
    let boss = Token::supervisor(&tenant);
    let cases = [
        ("peeters", "1"),
        (" ÉLODIE ", "31"),
        ("offerte", "32"),
        ("\"friday\"", "2"),
        ("nothing OF", "4"),
        ("else", "5"),
        ("smet", "6"),
        ("e", "654321"),
        ("say", ""),
        ("\\n", ""),
        ("elsewhere", ""),
        ("", "654321"),
        (" ", "654321"),
    ];
    for (text, expected) in cases {
        assert_eq!(found(&gateway, &boss, &by(text)).await, expected, "{text:?}");
    }
    // With the rest of the question.
    assert_eq!(found(&gateway, &boss, &format!("{}&with=note", by("offerte"))).await, "2");
    assert_eq!(found(&gateway, &boss, &format!("{}&extension=300", by("offerte"))).await, "");
    // A server that was started since reads them from what is stored.
    let gateway = gateway.restart().await;
    for (text, expected) in cases {
        assert_eq!(found(&gateway, &boss, &by(text)).await, expected, "{text:?}");
    }
}

#[tokio::test]
async fn what_is_found_goes_on_page_by_page_and_is_a_table_too() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    for nth in 1..=9 {
        let name = if nth % 2 == 1 { "Jan Peeters" } else { "An" };
        post(&gateway, &rang(&numbered(&tenant, "200", nth).with("caller_name", name), 0, 20)).await;
    }
    let boss = Token::supervisor(&tenant);
    assert_eq!(found(&gateway, &boss, &format!("{}&limit=2", by("PEET"))).await, "97531");
    let first = read(&gateway, &boss, &format!("/v1/conversations?{}&limit=2", by("peet"))).await;
    let cursor = first["next"].as_str().unwrap();
    let other = ask(&gateway, &boss, &format!("/v1/conversations?{}&cursor={cursor}", by("an"))).await;
    assert!(problem(other, 422).await.contains("cursor"));
    let table = ask(&gateway, &boss, &format!("/v1/conversations.csv?{}", by("peet"))).await;
    let table = table.text().await.unwrap();
    assert_eq!((table.lines().count(), table.contains(",An,")), (6, false), "{table}");
}

#[tokio::test]
async fn nothing_is_found_in_what_others_wrote() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let row = |extension: &str, name: &str, group: &str| {
        let mut row = directory::row(extension, &[]);
        (row["name"], row["groups"]) = (json!(name), json!([group]));
        row
    };
    directory::replace(&gateway, &tenant, &[row("200", "Sofie", "sales"), row("300", "Karel", "support")])
        .await;
    // A conversation of both.
    let both = ["200", "300"].map(|extension| numbered(&tenant, extension, 1));
    post(&gateway, &[rang(&both[0], 0, 5).to_vec(), took(&both[1], 0, 5, 20).to_vec()].concat()).await;
    note(&gateway, &both[0], "a colleague answered").await;
    note(&gateway, &both[1], "wants to complain").await;
    post(&gateway, &[both[1].summary(60, json!({"text": "refund"}))]).await;
    let only_theirs = numbered(&tenant, "300", 2).with("caller_name", "Jan");
    post(&gateway, &took(&only_theirs, 0, 5, 20)).await;
    let (agent, other) = (Token::agent(&tenant, &["200"]), Token::agent(&tenant, &["300"]));
    let sales = Token::supervisor(&tenant).claim("groups", ["sales"]);
    let texts = ["colleague", "complain", "refund", "karel", "sofie", "jan"];
    let of = async |token: &Token| {
        let mut all = Vec::new();
        for text in texts {
            all.push(found(&gateway, token, &by(text)).await);
        }
        all
    };
    assert_eq!(of(&agent).await, ["1", "", "", "", "1", ""]);
    assert_eq!(of(&sales).await, ["1", "", "", "", "1", ""]);
    assert_eq!(of(&other).await, ["", "1", "1", "21", "", "2"]);
    for token in [Token::supervisor(&tenant), Token::service(&tenant)] {
        assert_eq!(of(&token).await, ["1", "1", "1", "21", "1", "2"]);
    }
    assert_eq!(of(&Token::supervisor(&new_tenant())).await, [""; 6]);
}

#[tokio::test]
async fn a_text_has_64_characters_at_most() {
    let gateway = gateway().await;
    let boss = Token::supervisor(&new_tenant());
    for path in ["conversations", "conversations.csv"] {
        let asked = async |length: usize| {
            ask(&gateway, &boss, &format!("/v1/{path}?{}", by(&"é".repeat(length)))).await
        };
        assert_eq!(asked(64).await.status(), 200);
        let told: Value = asked(65).await.json().await.unwrap();
        assert_eq!((&told["status"], &told["parameter"]), (&json!(422), &json!("q")), "{told}");
    }
    let twice = ask(&gateway, &boss, "/v1/conversations?q=a&q=b").await;
    assert!(problem(twice, 422).await.contains('q'));
}
