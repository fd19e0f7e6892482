//! The budgets of docs/operations.md: every key and every metric that they name is there.

use crate::{
    sidecar::scene::with_sidecar,
    support::{Config, Gateway, Leg, Token, TokenServer, docs::page, new_tenant, redis},
};
use serde_json::json;
use std::collections::BTreeSet;

/// The rows of the tables, each of five cells.
fn rows() -> Vec<[String; 5]> {
    let page = page("operations.md");
    let section = page.split("\n## ").find(|section| section.starts_with("Budgets\n"));
    let lines = section.expect("there is a section of budgets").lines().filter(|line| line.starts_with('|'));
    let is_row = |line: &&str| !line.contains("| bound |") && !line.contains("| --- |");
    let cells = |line: &str| -> [String; 5] {
        let cells: Vec<String> =
            line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
        cells.try_into().unwrap_or_else(|_| panic!("not five cells: {line}"))
    };
    lines.filter(is_row).map(cells).collect()
}

/// What stands between backticks.
fn words(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

#[test]
fn every_budget_has_a_number_and_a_key_that_is_there() {
    let reference = page("configuration.md");
    let rows = rows();
    assert!(rows.len() > 60, "{}", rows.len());
    let mut seen = BTreeSet::new();
    for [what, bound, key, _, beyond] in &rows {
        assert!(seen.insert(what), "{what} stands there twice");
        assert!(!what.is_empty() && !beyond.is_empty(), "{what}: {bound}");
        if key != "fixed" {
            let keys = words(key);
            assert!(!keys.is_empty(), "{what}: {key}");
            for key in keys {
                assert!(reference.contains(&format!("\n| `{key}` |")), "{what}: there is no key {key}");
            }
        }
    }
}

#[tokio::test]
async fn every_metric_of_a_budget_is_there() {
    let telsmart = TokenServer::start("").await;
    let embedded = with_sidecar(Config::new(), &telsmart).start().await;
    let url = redis::shared().await.url().to_owned();
    let prefix = format!("{}:", new_tenant());
    let on_redis = Config::new().set("engine.kind", "redis").set("engine.redis_url", url);
    let on_redis = on_redis.set("engine.redis_prefix", prefix).start().await;
    let mut there = String::new();
    for gateway in [&embedded, &on_redis] {
        there += &metrics(gateway).await;
    }
    let mut missing = Vec::new();
    for [what, _, _, metric, beyond] in rows() {
        let named = [words(&metric), words(&beyond)].concat();
        for name in named.into_iter().filter(|name| name.starts_with("callpop_")) {
            let family = name.split('{').next().unwrap();
            let family = family.strip_suffix("_total").unwrap_or(family);
            let has_label = !name.contains('{') || there.lines().any(|line| line.starts_with(name));
            if !there.contains(&format!("# TYPE {family} ")) || !has_label {
                missing.push(format!("{what}: there is no {name}"));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

/// What a gateway counts that has had a webhook and a client.
async fn metrics(gateway: &Gateway) -> String {
    let tenant = new_tenant();
    let leg = Leg::inbound(&tenant, "200");
    gateway.deliver(&leg.ringing(0)).await;
    let mut client = gateway.stream(&Token::agent(&tenant, &["200"])).open().await;
    client.version(&leg, 1).await;
    // Counted as it is refused.
    client.send(&json!({"type": "painted", "leg_id": "none", "painted_at": 1})).await;
    client.assert_open().await;
    gateway.operator("/metrics").await.text().await.unwrap()
}
