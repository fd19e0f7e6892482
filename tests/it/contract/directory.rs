//! The directory: who may read and write it, what it takes, and what a token without extensions sees by it.

mod sessions;

use super::{config, gateway};
use crate::support::{
    Token,
    directory::{CSV, JSON, boss, etag, get, get_csv, put, replace, request, row, rows, sent},
    gateway::problem,
    new_tenant,
};
use futures_util::future::join_all;
use reqwest::header;
use serde_json::{Value, json};

const HEAD: &str = "extension,name,groups,numbers,ids\n";

/// A problem with its members.
async fn refused(answer: reqwest::Response, status: u16) -> Value {
    let text = answer.text().await.unwrap();
    crate::support::gateway::problem_detail(&text, status);
    serde_json::from_str(&text).unwrap()
}

fn marie() -> Value {
    json!({
        "extension": "200", "name": "Peeters, \"Marie\"", "groups": ["sales", "north"],
        "numbers": ["+32470123456", "02 555 01 00"], "ids": ["sub:marie", "email:marie@example.com", "clinic:u-7"],
    })
}

#[tokio::test]
async fn supervisors_and_servers_read_and_write_it_and_nobody_else() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    for method in ["GET", "PUT"] {
        let nobody = gateway.request(method, "/v1/directory");
        problem(sent(nobody.header(header::CONTENT_TYPE, "what/ever").body("{")).await, 401).await;
        let bad =
            request(&gateway, method, &boss(&tenant).secret("another-secret-of-forty-characters-long!"));
        problem(sent(bad).await, 401).await;
        problem(sent(request(&gateway, method, &Token::agent(&tenant, &["200"]))).await, 403).await;
    }
    for token in [boss(&tenant), Token::service(&tenant)] {
        assert_eq!(sent(request(&gateway, "GET", &token)).await.status(), 200);
        let writing = request(&gateway, "PUT", &token).header(header::IF_MATCH, "*");
        let written = writing.header(header::CONTENT_TYPE, JSON).body(rows(&[marie()]));
        assert!(sent(written).await.status().is_success());
    }
    // Of one's own tenant.
    assert_eq!(get(&gateway, &new_tenant()).await.1, json!({"rows": []}));
}

#[tokio::test]
async fn one_that_was_never_written_is_empty_and_has_an_etag_to_begin_with() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let (nothing, all) = get(&gateway, &tenant).await;
    assert_eq!(all, json!({"rows": []}));
    assert_eq!(get_csv(&gateway, &tenant).await, (nothing.clone(), HEAD.to_owned()));
    let written = put(&gateway, &tenant, &nothing, JSON, &rows(&[marie()])).await;
    assert!(written.status().is_success());
    assert_ne!(etag(&written), nothing);
    // Empty again, it is as it was.
    assert_eq!(replace(&gateway, &tenant, &[]).await, nothing);
}

#[tokio::test]
async fn what_was_put_is_got_as_json_and_as_csv() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let all = [marie(), row("210", &[]), row("0 #*é", &["sub:a|b"])];
    let written = replace(&gateway, &tenant, &all).await;
    assert_eq!(get(&gateway, &tenant).await, (written.clone(), json!({"rows": all})));
    let csv = format!(
        "{HEAD}200,\"Peeters, \"\"Marie\"\"\",sales;north,+32470123456;02 555 01 00,sub:marie;email:marie@example.com;clinic:u-7\n\
         210,,,,\n0 #*é,,,,sub:a|b\n"
    );
    assert_eq!(get_csv(&gateway, &tenant).await, (written.clone(), csv.clone()));

    // The same by CSV, as Excel writes it, is the same directory.
    let other = new_tenant();
    let kind = "Text/CSV; charset=utf-8";
    let by_csv = put(&gateway, &other, "*", kind, &format!("\u{feff}{}", csv.replace('\n', "\r\n"))).await;
    assert!(by_csv.status().is_success());
    assert_eq!(etag(&by_csv), written);
    assert_eq!(get(&gateway, &other).await, (written, json!({"rows": all})));
}

#[tokio::test]
async fn the_answer_is_json_unless_csv_is_liked_better() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    for (accept, expected) in [
        ("text/csv", CSV),
        ("text/csv;q=0.9, */*;q=0.1", CSV),
        ("text/*", CSV),
        ("application/json, text/csv;q=0.5", JSON),
        ("*/*", JSON),
        ("text/html", JSON),
        ("text/csv;q=0", JSON),
    ] {
        let answer = sent(request(&gateway, "GET", &boss(&tenant)).header(header::ACCEPT, accept)).await;
        let kind = answer.headers()[header::CONTENT_TYPE].to_str().unwrap();
        assert!(kind.starts_with(expected), "{accept}: {kind}");
        let mut varies = answer.headers().get_all(header::VARY).into_iter();
        assert!(varies.any(|by| by.to_str().unwrap().contains("accept")), "{accept}");
    }
}

#[tokio::test]
async fn who_has_it_already_is_told_so() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let before = get(&gateway, &tenant).await.0;
    let written = replace(&gateway, &tenant, &[marie()]).await;
    for (tags, status) in [
        (written.clone(), 304),
        (format!("W/{written}"), 304),
        (format!("{before}, {written}"), 304),
        ("*".to_owned(), 304),
        (before, 200),
    ] {
        let answer =
            sent(request(&gateway, "GET", &boss(&tenant)).header(header::IF_NONE_MATCH, &tags)).await;
        assert_eq!(answer.status(), status, "{tags}");
        assert_eq!(etag(&answer), written);
        assert_eq!(answer.text().await.unwrap().is_empty(), status == 304);
    }
}

#[tokio::test]
async fn whoever_writes_must_know_what_is_replaced() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let nothing = get(&gateway, &tenant).await.0;
    let blind = request(&gateway, "PUT", &boss(&tenant)).header(header::CONTENT_TYPE, JSON);
    problem(sent(blind.body(rows(&[]))).await, 428).await;
    let first = replace(&gateway, &tenant, &[marie()]).await;
    let second = [row("210", &["sub:bob"])];
    for old in [nothing.as_str(), "\"none\"", &format!("W/{first}"), ""] {
        problem(put(&gateway, &tenant, old, JSON, &rows(&second)).await, 412).await;
        assert_eq!(get(&gateway, &tenant).await.0, first, "If-Match: {old}");
    }
    let several = format!("{nothing}, {first}");
    let written = put(&gateway, &tenant, &several, JSON, &rows(&second)).await;
    assert!(written.status().is_success());
    assert_eq!(get(&gateway, &tenant).await, (etag(&written), json!({"rows": second})));
    // Sent again, since the answer was lost: it is there.
    let again = put(&gateway, &tenant, &several, JSON, &rows(&second)).await;
    assert!(again.status().is_success());
    assert_eq!(etag(&again), etag(&written));
}

#[tokio::test]
async fn of_those_who_write_at_the_same_time_one_wins() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let mut standing = get(&gateway, &tenant).await.0;
    for round in 0..5 {
        let bodies: Vec<String> =
            (0..8).map(|nth| rows(&[row(&nth.to_string(), &[&format!("sub:{round}-{nth}")])])).collect();
        let puts = bodies.iter().map(|body| put(&gateway, &tenant, &standing, JSON, body));
        let answers = join_all(puts).await;
        let won: Vec<_> = answers.iter().filter(|answer| answer.status().is_success()).collect();
        assert_eq!(won.len(), 1, "{:?}", answers.iter().map(|it| it.status()).collect::<Vec<_>>());
        assert!(answers.iter().all(|it| it.status().is_success() || it.status() == 412));
        let (now, all) = get(&gateway, &tenant).await;
        assert_eq!(now, etag(won[0]));
        let winner = answers.iter().position(|answer| answer.status().is_success()).unwrap();
        assert_eq!(rows(all["rows"].as_array().unwrap()), bodies[winner]);
        standing = now;
    }
}

/// Bodies that are refused, each with the row and the column that is named.
fn bad_rows() -> Vec<(&'static str, String, u64, &'static str)> {
    let good = "200,Marie,sales,+32470123456,sub:marie\n";
    let csv = |bad: &str, row, column| (CSV, format!("{HEAD}{good}{bad}\n"), row, column);
    let json = |change: Value, row, column| {
        let mut bad = self::row("210", &[]);
        for (name, value) in change.as_object().unwrap() {
            bad[name] = value.clone();
        }
        (JSON, rows(&[self::row("200", &["sub:marie"]), bad]), row, column)
    };
    let many = |text: &str| {
        vec![text; 33].iter().enumerate().map(|(nth, it)| format!("{it}{nth}")).collect::<Vec<_>>()
    };
    vec![
        csv(",Bob,,,", 2, "extension"),
        csv("200,Bob,,,", 2, "extension"),
        csv(&format!("{},Bob,,,", "2".repeat(129)), 2, "extension"),
        csv(&format!("210,{},,,", "é".repeat(201)), 2, "name"),
        csv("210,\"a\u{7}b\",,,", 2, "name"),
        csv(&format!("210,,{},,", "g".repeat(65)), 2, "groups"),
        csv(&format!("210,,{},,", many("g").join(";")), 2, "groups"),
        csv("210,,,Reception,", 2, "numbers"),
        csv("210,,,+32;anonymous,", 2, "numbers"),
        csv(&format!("210,,,{},", many("+3247").join(";")), 2, "numbers"),
        csv("210,,,,bob", 2, "ids"),
        csv("210,,,,sub:", 2, "ids"),
        csv("210,,,,:bob", 2, "ids"),
        csv("210,,,,Clinic:bob", 2, "ids"),
        csv("210,,,,email:bob", 2, "ids"),
        csv("210,,,,sub:bob;sub:marie", 2, "ids"),
        csv(&format!("210,,,,sub:{}", "b".repeat(257)), 2, "ids"),
        csv(&format!("210,,,,{}", many("sub:b").join(";")), 2, "ids"),
        csv("210,Bob,,", 2, "ids"),
        csv("210", 2, "name"),
        csv("210,Bob,,,,more", 2, "ids"),
        json(json!({"extension": 210}), 2, "extension"),
        json(json!({"extension": null}), 2, "extension"),
        json(json!({"extension": "200"}), 2, "extension"),
        json(json!({"name": ["Bob"]}), 2, "name"),
        json(json!({"groups": "sales"}), 2, "groups"),
        json(json!({"groups": [7]}), 2, "groups"),
        json(json!({"groups": ["a;b"]}), 2, "groups"),
        json(json!({"numbers": [32470123456_u64]}), 2, "numbers"),
        json(json!({"ids": ["sub:marie"]}), 2, "ids"),
        json(json!({"ids": ["sub:a\nb"]}), 2, "ids"),
        json(json!({"phone": "+32470123456"}), 2, "phone"),
        (JSON, r#"{"rows":[{"name":"Bob"}]}"#.to_owned(), 1, "extension"),
    ]
}

#[tokio::test]
async fn a_bad_row_is_named_and_changes_nothing() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let before = replace(&gateway, &tenant, &[marie()]).await;
    for (kind, body, row, column) in bad_rows() {
        let answer = refused(put(&gateway, &tenant, "*", kind, &body).await, 422).await;
        assert_eq!((&answer["row"], &answer["column"]), (&json!(row), &json!(column)), "{answer} for {body}");
        // Only what stands where is told, not what it says.
        assert!(!answer["detail"].as_str().unwrap().contains("marie"), "{answer}");
    }
    assert_eq!(get(&gateway, &tenant).await, (before, json!({"rows": [marie()]})));
}

#[tokio::test]
async fn what_is_no_directory_is_refused_as_a_whole() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let before = replace(&gateway, &tenant, &[marie()]).await;
    let many: Vec<Value> = (0..5001).map(|nth| row(&nth.to_string(), &[])).collect();
    let lines: String = (0..5001).map(|nth| format!("{nth},,,,\n")).collect();
    for (kind, body, status) in [
        (JSON, "{".to_owned(), 400),
        (JSON, "[]".to_owned(), 422),
        (JSON, "{}".to_owned(), 422),
        (JSON, r#"{"rows":{}}"#.to_owned(), 422),
        (JSON, r#"{"rows":[7]}"#.to_owned(), 422),
        (JSON, r#"{"rows":[],"more":1}"#.to_owned(), 422),
        (CSV, String::new(), 422),
        (CSV, "extension;name;groups;numbers;ids\n".to_owned(), 422),
        (CSV, "extension,name,numbers,groups,ids\n".to_owned(), 422),
        (JSON, rows(&many), 413),
        (CSV, format!("{HEAD}{lines}"), 413),
        (JSON, " ".repeat(4 * 1024 * 1024 + 1), 413),
        (CSV, format!("{HEAD}{}", "\n".repeat(4 * 1024 * 1024)), 413),
        ("text/plain", rows(&[]), 415),
        ("", rows(&[]), 415),
    ] {
        let answer = put(&gateway, &tenant, "*", kind, &body).await;
        assert_eq!(answer.status(), status, "{kind:?} {:.60}", body);
        refused(answer, status).await;
    }
    assert_eq!(get(&gateway, &tenant).await.0, before);
}

#[tokio::test]
async fn a_large_one_is_taken_and_one_that_comes_in_pieces_has_the_same_bounds() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let wide = |nth: usize| {
        let mut wide = row(&format!("x{nth}"), &[&format!("sub:user-{nth}")]);
        wide["name"] = json!("n".repeat(200));
        wide["numbers"] = json!((0..26).map(|of| format!("+32{:09}", nth * 26 + of)).collect::<Vec<_>>());
        wide
    };
    let all: Vec<Value> = (0..5000).map(wide).collect();
    assert!(rows(&all).len() > 3 * 1024 * 1024);
    let written = replace(&gateway, &tenant, &all).await;
    assert_eq!(get(&gateway, &tenant).await, (written, json!({"rows": all})));
    let pieces =
        || futures_util::stream::iter((0..65).map(|_| Ok::<_, std::io::Error>(vec![b' '; 64 * 1024])));
    let endless = request(&gateway, "PUT", &boss(&tenant)).header(header::IF_MATCH, "*");
    let endless = endless.header(header::CONTENT_TYPE, JSON).body(reqwest::Body::wrap_stream(pieces()));
    problem(sent(endless).await, 413).await;
}

#[tokio::test]
async fn it_is_still_there_after_a_kill_and_what_it_replaced_is_not() {
    let config = config().await;
    let gateway = config.start().await;
    let tenant = new_tenant();
    for nth in 0..3 {
        replace(&gateway, &tenant, &[row(&nth.to_string(), &["sub:marie"])]).await;
    }
    let written = replace(&gateway, &tenant, &[marie(), row("210", &[])]).await;
    let gateway = gateway.restart_after_kill().await;
    let expected = (written, json!({"rows": [marie(), row("210", &[])]}));
    assert_eq!(get(&gateway, &tenant).await, expected);
    // Once more, since what the first start found too many it removed.
    let gateway = gateway.restart_after_kill().await;
    assert_eq!(get(&gateway, &tenant).await, expected);
    let emptied = replace(&gateway, &tenant, &[]).await;
    let gateway = gateway.restart_after_kill().await;
    assert_eq!(get(&gateway, &tenant).await, (emptied, json!({"rows": []})));
}
