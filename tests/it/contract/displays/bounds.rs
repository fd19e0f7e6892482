//! What screens and supervisors cannot do too often, and what a body may say.

use super::{boss, gateway};
use crate::support::{
    displays::{answer, as_user, asking_for_a_code, begin, code, ids, pair, revoke, said, sent, told},
    gateway::problem,
    new_tenant,
};
use futures_util::future::join_all;
use reqwest::header;
use serde_json::{Value, json};

#[tokio::test]
async fn whoever_guesses_codes_is_stopped() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let (guesser, colleague) = (boss(&tenant), boss(&tenant));
    let wrong = json!({"code": "AAAACCCC"});
    for _ in 0..5 {
        problem(answer(&gateway, &guesser, &wrong).await, 404).await;
    }
    let body = json!({"code": code(&gateway).await});
    for body in [&wrong, &body] {
        let stopped = answer(&gateway, &guesser, body).await;
        let wait: u64 = stopped.headers()[header::RETRY_AFTER].to_str().unwrap().parse().unwrap();
        assert!((1..=300).contains(&wait), "{wait}");
        problem(stopped, 429).await;
    }
    // A colleague is not, nor is who reads codes well.
    said(answer(&gateway, &colleague, &body).await, 201).await;
    for _ in 0..6 {
        let body = json!({"code": code(&gateway).await});
        said(answer(&gateway, &colleague, &body).await, 201).await;
    }
}

#[tokio::test]
async fn an_address_has_five_codes_a_minute() {
    let gateway = gateway().await;
    for _ in 0..5 {
        said(sent(asking_for_a_code(&gateway, "198.51.100.7")).await, 200).await;
    }
    let stopped = sent(asking_for_a_code(&gateway, "198.51.100.7")).await;
    let wait: u64 = stopped.headers()[header::RETRY_AFTER].to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    problem(stopped, 429).await;
    said(sent(asking_for_a_code(&gateway, "198.51.100.8")).await, 200).await;
    // Whoever has one address of IPv6 has its whole network.
    for nth in 0..5 {
        said(sent(asking_for_a_code(&gateway, &format!("2001:db8::{nth}"))).await, 200).await;
    }
    problem(sent(asking_for_a_code(&gateway, "2001:db8::ffff")).await, 429).await;
}

#[tokio::test]
async fn a_body_that_makes_no_sense_is_refused_and_the_code_stays_good() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let code = code(&gateway).await;
    let with = |field: &str, value: Value| {
        let mut body = json!({"code": code});
        body[field] = value;
        body.to_string()
    };
    let many: Vec<String> = (0..33).map(|nth| format!("g{nth}")).collect();
    for (body, status, says) in [
        ("{".to_owned(), 400, "JSON"),
        (String::new(), 400, "JSON"),
        ("[]".to_owned(), 422, "code"),
        ("{}".to_owned(), 422, "code"),
        (with("code", json!(7)), 422, "code"),
        (with("code", json!("")), 422, "code"),
        (with("code", json!("AAAACCC")), 422, "code"),
        (with("code", json!("AAAACCC0")), 422, "code"),
        (with("code", json!("A".repeat(1000))), 422, "code"),
        (with("name", json!(["Hal"])), 422, "name"),
        (with("name", json!("n".repeat(201))), 422, "name"),
        (with("name", json!("a\u{7}b")), 422, "name"),
        (with("groups", json!("verkoop")), 422, "groups"),
        (with("groups", json!([1])), 422, "groups"),
        (with("groups", json!([""])), 422, "groups"),
        (with("groups", json!(["a;b"])), 422, "groups"),
        (with("groups", json!(["g".repeat(65)])), 422, "groups"),
        (with("groups", json!(many)), 422, "groups"),
        (with("language", json!("de")), 422, "language"),
        (with("language", json!(1)), 422, "language"),
        (with("rules", json!("all")), 422, "nothing else"),
        (format!("{{\"code\":\"{code}\"{}}}", " ".repeat(64 * 1024)), 413, "64 KiB"),
    ] {
        let request = as_user(&gateway, "POST", "", &boss(&tenant));
        let request = request.header(header::CONTENT_TYPE, "application/json").body(body.clone());
        let detail = problem(sent(request).await, status).await;
        assert!(detail.contains(says), "{detail} for {body:.80}");
    }
    let plain = as_user(&gateway, "POST", "", &boss(&tenant)).body(with("language", json!("en")));
    problem(sent(plain).await, 415).await;
    assert_eq!(ids(&gateway, &tenant).await, [] as [String; 0]);
    said(answer(&gateway, &boss(&tenant), &json!({"code": code})).await, 201).await;
}

#[tokio::test]
async fn a_tenant_has_two_hundred_at_most() {
    let gateway = gateway().await;
    let (tenant, other) = (new_tenant(), new_tenant());
    for _ in 0..20 {
        join_all((0..10).map(|_| pair(&gateway, &tenant))).await;
    }
    let begun = begin(&gateway).await;
    let body = json!({"code": begun["code"]});
    let detail = problem(answer(&gateway, &boss(&tenant), &body).await, 409).await;
    assert!(detail.contains("revoke"), "{detail}");
    let all = ids(&gateway, &tenant).await;
    assert_eq!(all.len(), 200);
    pair(&gateway, &other).await;
    // With the same code, once there is room.
    assert_eq!(revoke(&gateway, &tenant, &all[7]).await.status(), 204);
    said(answer(&gateway, &boss(&tenant), &body).await, 201).await;
    told(&gateway, &begun).await;
    assert_eq!(ids(&gateway, &tenant).await.len(), 200);
}
