//! Lists of conversations: what is asked for, and page by page.

use super::{call, gateway, lately, post, put_in_groups, rang, took};
use crate::support::{
    Gateway, Leg, Token,
    board::{ask, conversations, listed, read, since_hours},
    config::Config,
    gateway::problem,
    new_tenant, now,
};
use serde_json::{Value, json};

const OPEN: &str = "+32470000009";

/// Calls of every kind, each known by its number, and the time in which they are.
async fn many_kinds(gateway: &Gateway) -> (String, (u64, u64)) {
    let tenant = new_tenant();
    put_in_groups(gateway, &tenant, &[("200", &["sales"]), ("300", &["support"])]).await;
    let window = lately();
    let of =
        |extension: &str, nth: u64, ago: u64| call(&tenant, extension, &format!("+3247000000{nth}"), ago);
    let answered = of("200", 1, 3000);
    post(
        gateway,
        &[took(&answered, 0, 5, 20).to_vec(), vec![answered.summary(60, json!({"text": "x"}))]].concat(),
    )
    .await;
    post(gateway, &rang(&of("300", 2, 2800), 0, 30)).await;
    post(gateway, &rang(&of("200", 3, 2600), 0, 2)).await;
    let blind = [of("200", 4, 2400), of("300", 4, 2380)];
    post(gateway, &[blind[0].ringing(0), blind[0].active(4), blind[0].held(15), blind[0].hangup(20)]).await;
    post(gateway, &took(&blind[1], 0, 6, 30)).await;
    let out = Leg::outbound(&tenant, "200")
        .with("callee_number", "+32470000005")
        .starting_at(now() - 2_000_000_000);
    post(gateway, &[out.ringing(0), out.active(9), out.hangup(30)]).await;
    let inside =
        Leg::outbound(&tenant, "200").with("callee_number", "300").starting_at(now() - 1_800_000_000);
    post(gateway, &[inside.ringing(0), inside.active(9), inside.hangup(30)]).await;
    post(gateway, &[call(&tenant, "300", OPEN, 4).ringing(0)]).await;
    (tenant, window)
}

/// The last digits of the numbers, the latest first.
fn which(all: &[Value]) -> String {
    all.iter().map(|it| it["number"].as_str().map_or('-', |number| number.chars().last().unwrap())).collect()
}

#[tokio::test]
async fn a_list_has_what_is_asked_for() {
    let gateway = gateway().await;
    let (tenant, (from, to)) = many_kinds(&gateway).await;
    for (asked, expected) in [
        ("", "9-54321"),
        ("&kind=inbound", "94321"),
        ("&kind=outbound", "5"),
        ("&kind=internal", "-"),
        ("&outcome=answered", "-41"),
        ("&outcome=missed,short", "32"),
        ("&outcome=reached&kind=outbound", "5"),
        ("&outcome=open", "9"),
        ("&outcome=unknown", ""),
        ("&basis=inferred", "4"),
        ("&extension=300", "942"),
        ("&extension=999", ""),
        ("&group=sales", "-5431"),
        ("&group=support&kind=inbound", "942"),
        ("&number=%2B32470000002", "2"),
        ("&number=%2B3247000000", ""),
        ("&with=summary", "1"),
        ("&with=transfer", "4"),
        ("&with=transfer,summary", ""),
        ("&with=note", ""),
        ("&kind=&group=", "9-54321"),
    ] {
        let token = Token::supervisor(&tenant);
        let found = listed(&gateway, &token, &format!("from={from}&to={to}{asked}")).await;
        assert_eq!(which(&found), expected, "{asked}");
    }
    // What began at the end is not in it, what began at the beginning is.
    let all = conversations(&gateway, &tenant, (from, to)).await;
    let starts: Vec<u64> = all.iter().map(|it| it["started_at"].as_u64().unwrap()).collect();
    assert_eq!(which(&conversations(&gateway, &tenant, (starts[5], starts[3])).await), "32");
    // Where nobody says of when, it is of today.
    let today = read(&gateway, &Token::supervisor(&tenant), "/v1/conversations").await;
    let is_some = today["items"].as_array().unwrap().iter().all(|it| all.contains(it));
    assert!(is_some && today["next"] == Value::Null && today["as_of"].as_u64().unwrap() <= now(), "{today}");
}

#[tokio::test]
async fn a_cursor_goes_on_where_it_was_whatever_comes_between() {
    let gateway = gateway().await;
    let (tenant, window) = (new_tenant(), since_hours(2));
    let (from, to) = window;
    let number = |nth: u64| format!("+324700{nth:05}");
    for nth in 0..25 {
        post(&gateway, &rang(&call(&tenant, "200", &number(nth), 4000 - nth * 100), 0, 20)).await;
    }
    let token = Token::supervisor(&tenant);
    let page = async |cursor: &str| {
        let path = format!("/v1/conversations?from={from}&to={to}&limit=7{cursor}");
        read(&gateway, &token.clone().claim("sub", new_tenant()), &path).await
    };
    let (mut seen, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let told = page(&cursor).await;
        assert!(told["items"].as_array().unwrap().len() <= 7);
        seen.extend(
            told["items"].as_array().unwrap().iter().map(|it| it["number"].as_str().unwrap().to_owned()),
        );
        pages += 1;
        // A newer one, and one at a place that was told already: both are for who begins anew.
        let between = [
            call(&tenant, "201", &number(100 + pages), 60 - pages),
            call(&tenant, "201", &number(200 + pages), 1650 - pages),
        ];
        post(&gateway, &between.iter().flat_map(|leg| rang(leg, 0, 20)).collect::<Vec<_>>()).await;
        match told["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let expected: Vec<String> = (0..25).rev().map(number).collect();
    assert_eq!((seen, pages), (expected, 4));
    let all = conversations(&gateway, &tenant, window).await;
    assert_eq!(all.len(), 33);
}

#[tokio::test]
async fn a_cursor_is_good_for_its_question_only() {
    let gateway = gateway().await;
    let (tenant, (from, to)) = many_kinds(&gateway).await;
    let ask = async |query: &str| {
        ask(&gateway, &Token::supervisor(&tenant), &format!("/v1/conversations?{query}")).await
    };
    let window = format!("from={from}&to={to}");
    let first: Value = ask(&format!("{window}&limit=2")).await.json().await.unwrap();
    let cursor = first["next"].as_str().unwrap();
    let rest: Value = ask(&format!("{window}&limit=200&cursor={cursor}")).await.json().await.unwrap();
    assert_eq!((which(rest["items"].as_array().unwrap()).as_str(), &rest["next"]), ("54321", &Value::Null));
    for other in [
        format!("{window}&kind=inbound&cursor={cursor}"),
        format!("from={}&to={to}&cursor={cursor}", from + 1),
        format!("cursor={cursor}"),
        format!("{window}&cursor=x"),
        format!("{window}&cursor=%00"),
        format!("{window}&cursor={}", "A".repeat(4000)),
    ] {
        problem(ask(&other).await, 422).await;
    }
    for nth in (0..cursor.len()).step_by(5) {
        let other = if cursor.as_bytes()[nth] == b'A' { "B" } else { "A" };
        let mut changed = cursor.to_owned();
        changed.replace_range(nth..=nth, other);
        let detail = problem(ask(&format!("{window}&cursor={changed}")).await, 422).await;
        assert!(detail.contains("cursor"), "{detail}");
    }
    // Of another tenant it is another question.
    let (elsewhere, path) =
        (Token::supervisor(&new_tenant()), format!("/v1/conversations?{window}&cursor={cursor}"));
    problem(crate::support::board::ask(&gateway, &elsewhere, &path).await, 422).await;
}

#[tokio::test]
async fn what_is_older_than_boards_are_is_read_from_what_is_kept() {
    const HOUR: u64 = 3_600_000_000;
    let gateway = gateway().await;
    let tenant = new_tenant();
    let (now, boss) = (now(), Token::supervisor(&tenant));
    let mut legs = Vec::new();
    for (nth, hours) in [1, 30, 47, 60, 100, 140].into_iter().enumerate() {
        let leg = call(&tenant, "200", &format!("+3247000000{nth}"), 0).starting_at(now - hours * HOUR);
        post(&gateway, &took(&leg, 0, 5, 20)).await;
        legs.push(leg);
    }
    assert_eq!(which(&conversations(&gateway, &tenant, (now - 150 * HOUR, now)).await), "012345");
    assert_eq!(which(&conversations(&gateway, &tenant, (now - 110 * HOUR, now - 50 * HOUR)).await), "34");
    let gateway = gateway.restart().await;
    assert_eq!(which(&conversations(&gateway, &tenant, (now - 150 * HOUR, now)).await), "012345");
    for leg in &legs {
        let told = read(&gateway, &boss, &format!("/v1/conversations/{}", leg.id)).await;
        assert_eq!(told["started_at"], leg.start);
    }
    assert_eq!(which(&conversations(&gateway, &tenant, (now - 46 * HOUR, now)).await), "01");
}

#[tokio::test]
async fn pages_of_other_origins_may_ask_where_they_are_let_in() {
    const FRIEND: &str = "https://crm.example";
    let config: Config = super::config().await.set("auth.allowed_origins", vec![FRIEND]);
    let gateway = config.start().await;
    for path in ["/v1/conversations", "/v1/figures", "/v1/conversations.csv", "/v1/conversations/x"] {
        for (origin, is_let_in) in [(FRIEND, true), ("https://elsewhere.example", false)] {
            let preflight = gateway.request("OPTIONS", path).header("Origin", origin);
            let preflight = preflight.header("Access-Control-Request-Method", "GET");
            let answer =
                preflight.header("Access-Control-Request-Headers", "authorization").send().await.unwrap();
            let allowed = answer.headers().get("Access-Control-Allow-Origin").map(|it| it.to_str().unwrap());
            assert_eq!(allowed, is_let_in.then_some(FRIEND), "{path}");
            // A problem can be read, too.
            let answer = gateway.request("GET", path).header("Origin", origin).send().await.unwrap();
            let allowed = answer.headers().get("Access-Control-Allow-Origin").map(|it| it.to_str().unwrap());
            assert_eq!((answer.status().as_u16(), allowed), (401, is_let_in.then_some(FRIEND)), "{path}");
        }
    }
}
