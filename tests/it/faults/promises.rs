//! What a node asks of its Redis before it starts, how it reaches it by TLS, and what it tells operators of it.

use super::scene::{assert_refuses, readyz};
use crate::support::{
    Config, Leg, eventually,
    fleet::{Fleet, on_redis},
    new_tenant, oracle,
    process::{callpop, run},
    proxy::Proxy,
    redis::{self, Aof, Server, tls::TlsServer},
};
use std::process::Output;

/// A start that must not succeed.
fn refused(config: &Config) -> (i32, String) {
    let Output { status, stderr, stdout } = run(callpop().arg("serve").arg("--config").arg(config.write()));
    assert!(stdout.is_empty(), "{stdout:?}");
    (status.code().unwrap(), String::from_utf8(stderr).unwrap())
}

#[tokio::test]
async fn fsync_refuses_a_redis_without_aof() {
    let redis = Server::start(Aof::Off).await;
    let (code, said) = refused(&on_redis(&redis.url()));
    assert_eq!(code, 1, "{said}");
    for remedy in ["appendonly", "redis_require_aof", "durability"] {
        assert!(said.contains(remedy), "{remedy} is no part of: {said}");
    }
    for config in [
        on_redis(&redis.url()).set("engine.redis_require_aof", false),
        on_redis(&redis.url()).set("engine.durability", "memory"),
    ] {
        let leg = Leg::inbound(&new_tenant(), "200");
        let gateway = config.start().await;
        gateway.deliver(&leg.ringing(0)).await;
        assert!(gateway.agent(&leg.tenant, "200").await.call(&leg).is_some());
    }
}

#[tokio::test]
async fn a_password_is_given_and_never_shown() {
    const PASSWORD: &str = "open-sesame-0123";
    let redis = Server::start(Aof::EverySecond).await;
    redis.command(&["CONFIG", "SET", "requirepass", PASSWORD]).await;
    let url = |password: &str| redis.url().replace("//", &format!("//:{password}@"));
    let fleet = Fleet::start(vec![on_redis(&url(PASSWORD)).set("log.filter", "debug")]).await;
    fleet.node(0).deliver(&Leg::inbound(&new_tenant(), "200").ringing(0)).await;
    assert!(!fleet.node(0).process.log().contains(PASSWORD), "{}", fleet.node(0).process.log());
    for wrong in [redis.url(), url("open-barley-0123")] {
        let (code, said) = refused(&on_redis(&wrong));
        assert_eq!(code, 1, "{said}");
        assert!(!said.contains("open-barley-0123"), "{said}");
    }
}

#[tokio::test]
async fn redis_is_reached_by_tls() {
    let redis = TlsServer::start(Aof::EverySecond).await;
    let config = on_redis(&redis.url()).set("engine.redis_ca_file", redis.ca_file.as_str());
    let fleet = Fleet::start(vec![config, on_redis(&redis.server.url())]).await;
    let leg = Leg::inbound(&new_tenant(), "200");
    let mut clients =
        [fleet.node(0).agent(&leg.tenant, "200").await, fleet.node(1).agent(&leg.tenant, "200").await];
    fleet.node(0).deliver(&leg.ringing(0)).await;
    fleet.node(1).deliver(&leg.hangup(5)).await;
    for client in &mut clients {
        assert_eq!(client.version(&leg, 2).await, oracle::call(&[leg.ringing(0), leg.hangup(5)]));
    }
}

#[tokio::test]
async fn a_redis_of_an_unknown_authority_is_not_believed() {
    let redis = TlsServer::start(Aof::EverySecond).await;
    let other = TlsServer::start(Aof::EverySecond).await;
    for config in
        [on_redis(&redis.url()), on_redis(&redis.url()).set("engine.redis_ca_file", other.ca_file.as_str())]
    {
        // As with a Redis that is away: it may be mended without a restart of every node.
        let fleet = Fleet::start(vec![config]).await;
        readyz(&fleet, 0, 503).await;
        assert_refuses(&fleet, 0).await;
        let said = fleet.node(0).process.log().to_lowercase();
        assert!(said.contains("certificate"), "{said}");
    }
}

#[tokio::test]
async fn readyz_and_metrics_tell_of_redis() {
    let redis = redis::shared().await;
    let links = [Proxy::to(&redis.address()).await, Proxy::to(&redis.address()).await];
    let fleet = Fleet::start(links.iter().map(|link| on_redis(&link.url())).collect()).await;
    let node = fleet.node(0);
    let leg = Leg::inbound(&new_tenant(), "200");
    let mut client = node.agent(&leg.tenant, "200").await;
    node.deliver(&leg.ringing(0)).await;
    client.version(&leg, 1).await;
    assert_eq!(node.metric("callpop_redis_commit_duration_seconds_count").await, 1.0);
    eventually("the lag of what was published", async || {
        (node.metric("callpop_redis_publish_lag_seconds_count").await == 1.0).then_some(())
    })
    .await;
    assert_eq!(node.metric("callpop_redis_resyncs_total").await, 0.0);
    assert!(node.metric("callpop_redis_probe_age_seconds").await < 3.0);

    // A message is lost; the probe finds it, and says so.
    links[0].swallow_subscribers();
    fleet.node(1).deliver(&leg.hangup(5)).await;
    client.version(&leg, 2).await;
    assert_eq!(resyncs(&fleet, "probe").await, 1);
    links[0].heal();
}

#[tokio::test]
async fn readyz_and_metrics_tell_that_redis_is_lost() {
    let redis = redis::shared().await;
    let link = Proxy::to(&redis.address()).await;
    let fleet = Fleet::start(vec![on_redis(&link.url()), on_redis(&redis.url())]).await;
    let node = fleet.node(0);
    let tenant = new_tenant();
    let mut client = node.agent(&tenant, "200").await;
    link.cut();
    readyz(&fleet, 0, 503).await;
    let answer: serde_json::Value = node.operator("/readyz").await.json().await.unwrap();
    assert_eq!(answer["ready"], false);
    assert!(answer["reasons"].to_string().contains("Redis"), "{answer}");
    assert!(node.metric("callpop_redis_errors_total").await > 0.0);
    assert_eq!(node.operator("/healthz").await.status(), 200, "it lives");
    assert_eq!(fleet.node(1).operator("/readyz").await.status(), 200);
    eventually("the probe to be old", async || {
        (node.metric("callpop_redis_probe_age_seconds").await > 2.0).then_some(())
    })
    .await;
    client.assert_open().await;
    link.heal();
    readyz(&fleet, 0, 200).await;
    let other = Leg::inbound(&tenant, "200");
    fleet.node(1).deliver(&other.ringing(0)).await;
    client.version(&other, 1).await;
}

#[tokio::test]
async fn the_primary_is_found_behind_its_replica() {
    let primary = Server::start(Aof::EverySecond).await;
    let follow = format!("127.0.0.1 {}", primary.port);
    let replica = Server::start_with(Aof::EverySecond, &["--replicaof", &follow]).await;
    let fleet = Fleet::start(vec![on_redis(&format!("{},{}", replica.url(), primary.url()))]).await;
    let leg = Leg::inbound(&new_tenant(), "200");
    eventually("the replica to follow", async || {
        (replica.info("master_link_status").await? == "up").then_some(())
    })
    .await;
    eventually("the primary to take an event", async || {
        (fleet.node(0).post(&leg.ringing(0)).await.status() == 204).then_some(())
    })
    .await;
    let expected = oracle::call(&[leg.ringing(0)]);
    assert_eq!(fleet.node(0).agent(&leg.tenant, "200").await.call(&leg), Some(&expected));
    readyz(&fleet, 0, 200).await;
}

/// How many resyncs of that cause the first node counted.
async fn resyncs(fleet: &Fleet, cause: &str) -> u64 {
    let text = fleet.node(0).operator("/metrics").await.text().await.unwrap();
    let line = format!("callpop_redis_resyncs_total{{cause=\"{cause}\"}} ");
    text.lines().find_map(|sample| sample.strip_prefix(&line)).map_or(0, |count| count.parse().unwrap())
}
