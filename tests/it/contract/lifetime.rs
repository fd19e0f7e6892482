//! How long calls live: staleness, expiry, retention, and how many a snapshot holds.

use super::config;
use crate::support::{Leg, eventually, new_tenant, now, oracle};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// The calls of a snapshot, as they came.
async fn snapshot(gateway: &crate::support::Gateway, tenant: &str, scope: &str) -> Vec<String> {
    let client = match scope {
        "tenant" => gateway.supervisor(tenant).await,
        _ => gateway.agent(tenant, "200").await,
    };
    let id = |call: &Value| call["leg_id"].as_str().unwrap().to_owned();
    client.first["calls"].as_array().unwrap().iter().map(id).collect()
}

#[tokio::test]
async fn a_live_call_is_stale_after_the_configured_time() {
    let config = config().await.set("calls.ringing_stale_after", "10s").set("calls.active_stale_after", "2m");
    let gateway = config.start().await;
    let leg = Leg::inbound(&new_tenant(), "200");
    let mut client = gateway.agent(&leg.tenant, "200").await;
    let cases = [
        (leg.ringing(0), json!(leg.at(10))),
        (leg.active(5), json!(leg.at(125))),
        (leg.held(7), json!(leg.at(127))),
        (leg.held(8), json!(leg.at(127))),
        (leg.hangup(9), Value::Null),
    ];
    for (version, (event, stale_at)) in (1..).zip(cases) {
        gateway.deliver(&event).await;
        assert_eq!(client.version(&leg, version).await["stale_at"], stale_at, "after {event}");
    }
}

#[tokio::test]
async fn a_call_without_news_expires_and_a_later_event_brings_it_back() {
    let gateway = config().await.set("calls.expire_after", "2s").start().await;
    let leg = Leg::inbound(&new_tenant(), "200").starting_at(now() - 1_000_000);
    let mut client = gateway.agent(&leg.tenant, "200").await;
    gateway.deliver(&leg.ringing(0)).await;
    client.version(&leg, 1).await;
    let expired = client.version(&leg, 2).await;
    let mut expected = oracle::call(&[leg.ringing(0)]);
    expected["version"] = json!(2);
    expected["state"] = json!("ended");
    expected["outcome"] = json!("expired");
    expected["stale_at"] = Value::Null;
    for field in ["since", "ended_at"] {
        expected[field] = json!(leg.at(2));
    }
    expected["updated_at"] = expired["updated_at"].clone();
    assert_eq!(expired, expected, "the wait for news counts as nothing");

    let seconds = (now() - leg.start) / 1_000_000 + 1;
    gateway.deliver(&leg.active(seconds)).await;
    let back = client.version(&leg, 3).await;
    assert_eq!((&back["state"], &back["outcome"]), (&json!("active"), &Value::Null));
    assert_eq!((&back["ended_at"], &back["since"]), (&Value::Null, &json!(leg.at(seconds))));
    gateway.deliver(&leg.hangup(seconds + 1)).await;
    let ended = client.until_call(&leg, |call| call["outcome"] == "answered").await;
    assert_eq!((&ended["ended_at"], &ended["talk_ms"]), (&json!(leg.at(seconds + 1)), &json!(1000)));
}

#[tokio::test]
async fn an_event_from_before_the_expiry_brings_the_call_back_too() {
    let gateway = config().await.set("calls.expire_after", "1s").start().await;
    let leg = Leg::inbound(&new_tenant(), "200");
    let mut client = gateway.agent(&leg.tenant, "200").await;
    gateway.deliver(&leg.ringing(0)).await;
    client.until_call(&leg, |call| call["outcome"] == "expired").await;
    let late = leg.clone().starting_at(now()).active(0);
    gateway.deliver(&late).await;
    assert_eq!(client.version(&leg, 3).await["state"], "active");
    gateway.deliver(&leg.hangup(30)).await;
    let call = client.until_call(&leg, |call| call["ended_at"] == leg.at(30)).await;
    assert_eq!(call["outcome"], "missed", "what came after the hangup does not count");
}

#[tokio::test]
async fn an_ended_call_does_not_expire() {
    let gateway = config().await.set("calls.expire_after", "1s").start().await;
    let tenant = new_tenant();
    let mut client = gateway.agent(&tenant, "200").await;
    let (ended, quiet) = (Leg::inbound(&tenant, "200"), Leg::inbound(&tenant, "200"));
    gateway.deliver_each(&[ended.ringing(0), ended.hangup(1), quiet.ringing(2)]).await;
    client.until_call(&quiet, |call| call["outcome"] == "expired").await;
    assert_eq!(client.call(&ended), Some(&oracle::call(&[ended.ringing(0), ended.hangup(1)])));
}

#[tokio::test]
async fn ended_calls_and_their_summaries_are_forgotten_after_keep_ended() {
    let gateway = config().await.set("calls.keep_ended", "1s").start().await;
    let tenant = new_tenant();
    let (gone, live) = (Leg::inbound(&tenant, "200"), Leg::inbound(&tenant, "200"));
    gateway.deliver_each(&gone.whole()).await;
    gateway.deliver_each(&[gone.summary(30, json!({})), live.ringing(0)]).await;
    for scope in ["user", "tenant"] {
        eventually("the ended call to be forgotten", async || {
            (snapshot(&gateway, &tenant, scope).await == [live.id.clone()]).then_some(())
        })
        .await;
    }
    let gateway = gateway.restart().await;
    assert_eq!(snapshot(&gateway, &tenant, "user").await, [live.id]);
}

#[tokio::test]
async fn a_snapshot_holds_all_live_calls_and_the_recent_ended_ones_newest_first() {
    let config = config().await.set("calls.recent_per_user", 3).set("calls.recent_per_tenant", 4);
    let gateway = config.start().await;
    let tenant = new_tenant();
    let start = now() - 600_000_000;
    let mut ids = Vec::new();
    for number in 0..12 {
        let leg = Leg::inbound(&tenant, "200").starting_at(start + number * 30_000_000);
        gateway.deliver_each(if number < 7 { leg.whole() } else { vec![leg.ringing(0)] }.as_slice()).await;
        ids.insert(0, leg.id);
    }
    let (live, ended) = ids.split_at(5);
    for (scope, recent) in [("user", 3), ("tenant", 4)] {
        assert_eq!(
            snapshot(&gateway, &tenant, scope).await,
            [live, &ended[..recent]].concat(),
            "scope {scope}"
        );
    }
    let gateway = gateway.restart().await;
    assert_eq!(snapshot(&gateway, &tenant, "user").await, [live, &ended[..3]].concat());
}

#[tokio::test]
async fn the_bound_of_recent_calls_is_for_each_user() {
    let gateway = config().await.set("calls.recent_per_user", 2).start().await;
    let tenant = new_tenant();
    for extension in ["200", "210", "210", "210"] {
        gateway.deliver_each(&Leg::inbound(&tenant, extension).whole()).await;
    }
    assert_eq!(snapshot(&gateway, &tenant, "user").await.len(), 1);
    assert_eq!(gateway.agent(&tenant, "210").await.calls.len(), 2);
    assert_eq!(snapshot(&gateway, &tenant, "tenant").await.len(), 4);
}

#[tokio::test]
async fn a_forgotten_call_does_not_come_back_with_a_lower_version() {
    let gateway = config().await.set("calls.keep_ended", "1s").start().await;
    let tenant = new_tenant();
    let mut client = gateway.agent(&tenant, "200").await;
    let (gone, last) = (Leg::inbound(&tenant, "200"), Leg::inbound(&tenant, "200"));
    gateway.deliver_each(&gone.whole()).await;
    client.version(&gone, 3).await;
    eventually("the ended call to be forgotten", async || {
        snapshot(&gateway, &tenant, "user").await.is_empty().then_some(())
    })
    .await;
    gateway.deliver_each(&[gone.summary(60, json!({})), last.ringing(0)]).await;
    // The client fails where a version goes down within an epoch.
    client.version(&last, 1).await;
}

#[tokio::test]
async fn a_call_with_constant_news_stays() {
    let config = config().await.set("calls.keep_ended", "1s").set("calls.expire_after", "2s");
    let gateway = config.start().await;
    let tenant = new_tenant();
    let mut client = gateway.agent(&tenant, "200").await;
    let leg = Leg::inbound(&tenant, "200").starting_at(now());
    let mut news = Vec::new();
    let begun = Instant::now();
    // Longer than a silent call would be held in all, and never silent.
    while begun.elapsed() < Duration::from_secs(8) {
        let second = news.len() as u64;
        news.push(if second.is_multiple_of(2) { leg.active(second) } else { leg.held(second) });
        gateway.deliver(&news[news.len() - 1]).await;
        client.version(&leg, second + 1).await;
        sleep(Duration::from_millis(100)).await;
    }
    let call = oracle::call(&news);
    assert_eq!(client.call(&leg), Some(&call));
    assert_eq!(gateway.agent(&tenant, "200").await.call(&leg), Some(&call));
    assert_eq!(gateway.supervisor(&tenant).await.call(&leg), Some(&call));
    let client = client.reconnect().await;
    assert_eq!((client.first_kind(), client.call(&leg)), ("resumed", Some(&call)));
}
