//! The same lists as tables, for people with a spreadsheet.

use super::{call, config, gateway, lately, post, put_in_groups, rang, took};
use crate::support::{
    Gateway, Token,
    board::{QUARTER, ask, conversations, figures_of_tenant, listed},
    new_tenant,
};
use csv::{ReaderBuilder, StringRecord};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A row by the names of its columns.
type Line = BTreeMap<String, String>;

/// A table as a spreadsheet reads it.
async fn table(gateway: &Gateway, tenant: &str, path: &str, separator: u8) -> Vec<Line> {
    let answer = ask(gateway, &Token::supervisor(tenant), path).await;
    assert_eq!(answer.status(), 200, "{path}");
    let headers = answer.headers().clone();
    assert_eq!(headers["Content-Type"], "text/csv; charset=utf-8; header=present");
    assert_eq!(headers["Cache-Control"], "no-store");
    assert!(headers["Content-Disposition"].to_str().unwrap().starts_with("attachment; filename="));
    let bytes = answer.bytes().await.unwrap();
    let text = std::str::from_utf8(&bytes).unwrap().strip_prefix('\u{feff}').expect("a mark of UTF-8");
    assert!(text.ends_with("\r\n") && !text.replace("\r\n", "").contains('\n'), "{text}");
    let mut reader = ReaderBuilder::new().delimiter(separator).from_reader(text.as_bytes());
    let head: StringRecord = reader.headers().unwrap().clone();
    let line =
        |record: StringRecord| head.iter().map(str::to_owned).zip(record.iter().map(str::to_owned)).collect();
    reader.records().map(|record| line(record.unwrap())).collect()
}

fn cells<const N: usize>(line: &Line, names: [&str; N]) -> [String; N] {
    names.map(|name| line.get(name).unwrap_or_else(|| panic!("{name} in {line:?}")).clone())
}

#[tokio::test]
async fn a_table_says_what_the_list_says() {
    let gateway = config().await.set("board.time_zone", "Asia/Kathmandu").start().await;
    let (tenant, window) = (new_tenant(), lately());
    // In the quarter that begins then, so that the local time is known.
    let start = window.0 + QUARTER;
    let names = ["=HYPERLINK(\"http://x\")", "+1", "-1", "\tx", "De \"Smet\", Jan; An", "Jan = Piet"];
    for (nth, name) in names.iter().enumerate() {
        let leg = call(&tenant, "200", &format!("+3247000000{nth}"), 0).with("caller_name", *name);
        let leg = leg.starting_at(start + nth as u64 * 60_000_000);
        post(&gateway, &took(&leg, 0, 5, 20)).await;
    }
    let withheld = call(&tenant, "201", "anonymous", 0).starting_at(start + 600_000_000);
    post(&gateway, &rang(&withheld, 0, 30)).await;
    let (from, to) = window;
    let path = format!("/v1/conversations.csv?from={from}&to={to}");
    let listed = conversations(&gateway, &tenant, window).await;
    let lines = table(&gateway, &tenant, &path, b',').await;
    assert_eq!((listed.len(), lines.len()), (7, 7));
    let text = |value: &Value| match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    for (line, it) in lines.iter().zip(&listed) {
        for field in [
            "conversation_id",
            "kind",
            "outcome",
            "basis",
            "certainty",
            "number",
            "wait_ms",
            "talk_ms",
            "answered_by",
            "hops",
            "summary",
        ] {
            assert_eq!(line[field], text(&it[field]), "{field}");
        }
    }
    // A formula is a text, and a number is a number.
    let shown: Vec<&str> = lines[1..].iter().rev().map(|line| line["name"].as_str()).collect();
    let harmless = ["'=HYPERLINK(\"http://x\")", "'+1", "'-1"];
    assert_eq!(shown[..3], harmless);
    assert_eq!(shown[4..], names[4..]);
    assert!(!shown.iter().any(|name| name.starts_with(['=', '+', '-', '@', '\t'])), "{shown:?}");
    // It says when by the tenant's clock, with its offset, and by the world's.
    let first = lines.last().unwrap();
    let at = jiff::Timestamp::from_microsecond(start as i64).unwrap();
    let local = at.checked_add(jiff::SignedDuration::from_mins(345)).unwrap();
    let texts = [(local, "%Y-%m-%dT%H:%M:%S+05:45"), (at, "%Y-%m-%dT%H:%M:%S+00:00")];
    let expected = texts.map(|(at, form)| at.strftime(form).to_string());
    assert_eq!(cells(first, ["started_local", "started_utc"]), expected);
}

#[tokio::test]
async fn it_is_written_as_its_reader_writes() {
    let gateway = gateway().await;
    let (tenant, (from, to)) = (new_tenant(), lately());
    let leg = call(&tenant, "200", "+32470000001", 60).with("caller_name", "Smet, An; Jan");
    post(&gateway, &took(&leg, 0, 5, 20)).await;
    for (asked, separator, number) in [
        ("", b',', "+32470000001"),
        ("&lang=en", b',', "+32470000001"),
        ("&lang=nl", b';', "+32470000001"),
        ("&lang=fr&excel=1", b';', "=\"+32470000001\""),
        ("&excel=1", b',', "=\"+32470000001\""),
        ("&excel=0", b',', "+32470000001"),
    ] {
        let path = format!("/v1/conversations.csv?from={from}&to={to}{asked}");
        let lines = table(&gateway, &tenant, &path, separator).await;
        assert_eq!(lines.len(), 1);
        assert_eq!(cells(&lines[0], ["number", "name"]), [number, "Smet, An; Jan"], "{asked}");
    }
    // What is exported is what is shown: filtered.
    let path = format!("/v1/conversations.csv?from={from}&to={to}&outcome=missed");
    assert!(table(&gateway, &tenant, &path, b',').await.is_empty());
}

#[tokio::test]
async fn figures_are_a_table_of_quarters() {
    let gateway = gateway().await;
    let (tenant, window) = (new_tenant(), lately());
    put_in_groups(&gateway, &tenant, &[("200", &["=sales"])]).await;
    for nth in 0..6 {
        let leg = call(&tenant, "200", "+32470000001", 0).with("callee_number", "+3225550000");
        post(&gateway, &took(&leg.starting_at(window.0 + nth * QUARTER + 1), 0, 5, 20)).await;
    }
    let (from, to) = window;
    let path = |rest: &str| format!("/v1/figures.csv?from={from}&to={to}{rest}");
    let lines = table(&gateway, &tenant, &path("&by=tenant&step=15m&lang=nl"), b';').await;
    assert_eq!(lines.len(), 9);
    let offered: Vec<&str> = lines.iter().map(|line| line["offered"].as_str()).collect();
    assert_eq!(offered, ["1", "1", "1", "1", "1", "1", "0", "0", "0"]);
    assert_eq!(cells(&lines[8], ["by", "key", "service_level", "wait_mean_ms"]), ["tenant", "", "", ""]);
    assert_eq!(cells(&lines[0], ["service_level", "wait_mean_ms"]), ["1.0", "5000"]);
    assert!(lines.windows(2).all(|two| two[0]["to_utc"] == two[1]["from_utc"]));
    // As a whole it is one row.
    let whole = table(&gateway, &tenant, &path("&by=tenant"), b',').await;
    let values = figures_of_tenant(&gateway, &tenant, window).await;
    for (name, value) in values.as_object().unwrap() {
        let text = if value.is_null() { String::new() } else { value.to_string() };
        assert_eq!(whole[0][name], text, "{name}");
    }
    let of = async |by: &str| {
        table(&gateway, &tenant, &path(&format!("&by={by}&excel=1")), b',').await[0]["key"].clone()
    };
    assert_eq!(
        [of("group").await, of("line").await, of("extension").await],
        ["'=sales", "=\"+3225550000\"", "200"]
    );
    let empty = table(&gateway, &new_tenant(), &path("&by=extension"), b',').await;
    assert!(empty.is_empty());
    assert_eq!(json!(whole.len()), 1);
}

#[tokio::test]
async fn a_number_is_written_and_found_as_it_is_shown() {
    let gateway = gateway().await;
    let (tenant, window) = (new_tenant(), lately());
    // Of no plan: whether it is whole, nobody knows.
    for (nth, number) in ["+32470000001", "1234567890123"].into_iter().enumerate() {
        post(&gateway, &rang(&call(&tenant, "200", number, 60 + nth as u64), 0, 20)).await;
    }
    let (from, to) = window;
    let shown = conversations(&gateway, &tenant, window).await;
    let shown: Vec<&str> = shown.iter().map(|it| it["number"].as_str().unwrap()).collect();
    let query = format!("from={from}&to={to}");
    let lines =
        table(&gateway, &tenant, &format!("/v1/conversations.csv?{query}&excel=1"), b',').await.into_iter();
    let written: Vec<String> = lines.map(|line| line["number"].clone()).collect();
    assert_eq!(written, shown.iter().map(|number| format!("=\"{number}\"")).collect::<Vec<_>>());
    assert!(!shown.iter().any(|number| number.contains('?')), "{shown:?}");
    for number in shown {
        let query = format!("{query}&number={}", number.replace('+', "%2B"));
        let all = listed(&gateway, &Token::supervisor(&tenant), &query).await;
        assert_eq!(all.iter().map(|it| it["number"].as_str().unwrap()).collect::<Vec<_>>(), [number]);
    }
    let marked = format!("{query}&number=%3F1234567890123");
    assert!(listed(&gateway, &Token::supervisor(&tenant), &marked).await.is_empty());
}
