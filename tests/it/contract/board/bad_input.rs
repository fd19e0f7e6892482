//! What makes no sense gets an error that says what to do, and changes nothing.

use super::{call, gateway, lately, post, put_in_groups, took};
use crate::support::{
    Token,
    board::{DAY, ask, conversations, figures_of_tenant},
    gateway::problem,
    new_tenant,
};
use reqwest::StatusCode;
use serde_json::Value;

/// A question, and the parameter that is wrong in it.
type Bad = (String, &'static str);

/// Of lists and figures.
fn bad_windows((from, to): (u64, u64)) -> Vec<Bad> {
    vec![
        (format!("from={to}&to={from}"), "from"),
        (format!("from={from}&to={from}"), "from"),
        (format!("from={from}"), "to"),
        (format!("to={to}"), "from"),
        ("from=x&to=y".to_owned(), "from"),
        (format!("from=-1&to={to}"), "from"),
        (format!("from=1.5&to={to}"), "from"),
        // In milliseconds; too far apart; years apart; in nanoseconds.
        (format!("from={}&to={to}", from / 1000), "to"),
        (format!("from={}&to={to}", to - 36 * DAY), "to"),
        (format!("from={}&to={to}", from - 3 * 365 * DAY), "to"),
        (format!("from={from}000&to={to}000"), "from"),
        (format!("from={from}&to=99999999999999999999999"), "to"),
        (format!("from={from}&to={to}&from={from}"), "from"),
    ]
}

fn bad_figures((from, to): (u64, u64)) -> Vec<Bad> {
    const OTHERS: [(&str, &str); 9] = [
        ("window=yesterday", "window"),
        ("window=M15", "window"),
        ("by=planet", "by"),
        ("by=tenant,,group", "by"),
        ("by=tenant&by=group", "by"),
        ("step=5m", "step"),
        ("within_ms=999", "within_ms"),
        ("within_ms=300001", "within_ms"),
        ("within_ms=2e4", "within_ms"),
    ];
    let mut bad = vec![
        (format!("from={}&to={to}", from + 1), "from"),
        (format!("from={from}&to={}", to - 60_000_000), "to"),
        (format!("window=m15&from={from}&to={to}"), "window"),
    ];
    bad.extend(OTHERS.map(|(query, parameter)| (query.to_owned(), parameter)));
    bad
}

const BAD_LISTS: [(&str, &str); 13] = [
    ("kind=sideways", "kind"),
    ("outcome=lost", "outcome"),
    ("outcome=missed,lost", "outcome"),
    ("outcome=,", "outcome"),
    ("basis=guessed", "basis"),
    ("with=love", "with"),
    ("group=no-such", "group"),
    ("extension=%00", "extension"),
    ("limit=0", "limit"),
    ("limit=201", "limit"),
    ("limit=-1", "limit"),
    ("limit=many", "limit"),
    ("cursor=x", "cursor"),
];
const BAD_TABLES: [(&str, &str); 2] = [("lang=de", "lang"), ("excel=yes", "excel")];
/// What is not known is not passed over.
const UNKNOWN: [&str; 5] = [
    "figures?zone=Mars/Base",
    "conversations?form=1",
    "conversations.csv?limit=5",
    "figures.csv?by=tenant&cursor=x",
    "figures?kind=inbound",
];

/// All of them, by the path.
fn all_bad(window: (u64, u64)) -> Vec<Bad> {
    let mut all = vec![("figures.csv?by=tenant,group".to_owned(), "by")];
    let mut add = |paths: &[&str], query: &str, parameter| {
        all.extend(paths.iter().map(|path| (format!("{path}{query}"), parameter)));
    };
    let both = ["figures?", "conversations?", "conversations.csv?", "figures.csv?by=tenant&"];
    bad_windows(window).iter().for_each(|(query, parameter)| add(&both, query, parameter));
    bad_figures(window).iter().for_each(|(query, parameter)| add(&both[..1], query, parameter));
    BAD_LISTS.iter().for_each(|(query, parameter)| add(&both[1..2], query, parameter));
    BAD_TABLES.iter().for_each(|(query, parameter)| add(&both[2..], query, parameter));
    all
}

#[tokio::test]
async fn every_bad_question_is_told_what_is_wrong_with_it() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    put_in_groups(&gateway, &tenant, &[("200", &["sales"])]).await;
    post(&gateway, &took(&call(&tenant, "200", "+32470000001", 60), 0, 5, 20)).await;
    let window = lately();
    let told = conversations(&gateway, &tenant, window).await;
    for (path, parameter) in all_bad(window) {
        let answer = ask(&gateway, &Token::supervisor(&tenant), &format!("/v1/{path}")).await;
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{path}: {text}");
        let problem: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(problem["parameter"], parameter, "{path}: {text}");
        assert!(problem["detail"].as_str().unwrap().len() > 10, "{path}: {text}");
    }
    for path in UNKNOWN {
        let answer = ask(&gateway, &Token::supervisor(&tenant), &format!("/v1/{path}")).await;
        let detail = problem(answer, 422).await;
        assert!(detail.contains("there is no parameter"), "{path}: {detail}");
    }
    problem(ask(&gateway, &Token::supervisor(&tenant), "/v1/figures?by=%FF%FE").await, 422).await;
    assert_eq!(conversations(&gateway, &tenant, window).await, told);
    assert_eq!(figures_of_tenant(&gateway, &tenant, window).await["offered"], 1);
}

#[tokio::test]
async fn who_asks_too_often_is_told_when_to_come_again() {
    let gateway = gateway().await;
    let (tenant, other) = (new_tenant(), new_tenant());
    let token = Token::supervisor(&tenant);
    let mut refused = None;
    for _ in 0..200 {
        let answer = ask(&gateway, &token, "/v1/figures").await;
        if answer.status() != 200 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("a bound");
    let wait: u64 = refused.headers()["Retry-After"].to_str().unwrap().parse().unwrap();
    assert!(wait >= 1);
    problem(refused, 429).await;
    // It is theirs alone.
    for token in [Token::supervisor(&tenant), Token::supervisor(&other)] {
        assert_eq!(ask(&gateway, &token, "/v1/figures").await.status(), 200);
    }
}

#[tokio::test]
async fn only_a_get_is_answered() {
    let gateway = gateway().await;
    let token = Token::supervisor(&new_tenant());
    for path in [
        "/v1/figures",
        "/v1/figures.csv",
        "/v1/conversations",
        "/v1/conversations.csv",
        "/v1/conversations/x",
    ] {
        for method in ["POST", "PUT", "DELETE"] {
            let answer = gateway.request(method, path).bearer_auth(token.mint()).send().await.unwrap();
            problem(answer, 405).await;
        }
    }
}
