//! A replica takes over, by Sentinel or by hand, with and without the loss of writes.

use super::stage::Stage;
use crate::support::{
    Config, Leg,
    engine::on_redis,
    eventually, eventually_within,
    load::Acked,
    new_tenant, oracle,
    process::{callpop, run},
    redis::{
        Aof, Sentinels, Server,
        sentinel::{MASTER, PATIENCE},
    },
};
use std::{cell::Cell, time::Instant};

/// Nothing is acked that one server alone has, also when that is the only one for a while.
fn on(set: &Sentinels) -> Config {
    on_redis(set.url()).set("engine.redis_master", MASTER).set("engine.redis_wait_replicas", 1)
}

/// Waits until the server follows another.
async fn is_replica(server: &Server) {
    eventually_within(PATIENCE, "the old primary to follow the new one", async || {
        (server.try_command(&["ROLE"]).await.ok()?[0] == "slave").then_some(())
    })
    .await;
}

#[tokio::test]
async fn sentinel_failover_converges() {
    let mut set = Sentinels::start(Aof::EverySecond).await;
    let stage = Stage::on(&on(&set)).await;
    stage.load.flows(300).await;
    let mut primary = 0;
    for _ in 0..2 {
        set.servers[primary].kill();
        let next = set.failed_over(primary).await;
        stage.load.flows(300).await;
        set.servers[primary].restart().await;
        is_replica(&set.servers[primary]).await;
        set.whole().await;
        primary = next;
    }
    stage.load.flows(150).await;
    stage.converges().await;
}

#[tokio::test]
async fn a_primary_that_wakes_up_after_its_failover_takes_nothing_along() {
    let set = Sentinels::start(Aof::EverySecond).await;
    let stage = Stage::on(&on(&set)).await;
    stage.load.flows(300).await;
    set.servers[0].pause();
    set.failed_over(0).await;
    stage.load.flows(300).await;
    set.servers[0].unpause();
    is_replica(&set.servers[0]).await;
    stage.load.flows(300).await;
    stage.converges().await;
}

/// Lets the replica have all that was acked until now, and then nothing more. Gives the time of either.
async fn hold_back(primary: &Server, replica: &Server) -> (Instant, Instant) {
    let until = Instant::now();
    let offset = |info: Option<String>| info.unwrap().parse::<u64>().unwrap();
    let written = offset(primary.info("master_repl_offset").await);
    eventually("the replica to follow", async || {
        (offset(replica.info("slave_repl_offset").await) >= written).then_some(())
    })
    .await;
    replica.command(&["CONFIG", "SET", "masterauth", "a-password-that-the-primary-does-not-know"]).await;
    primary.command(&["CLIENT", "KILL", "TYPE", "replica"]).await;
    eventually("the replica to be held back", async || {
        (replica.info("master_link_status").await? == "down").then_some(())
    })
    .await;
    (until, Instant::now())
}

/// A failover by hand, since sentinels on a busy machine may fail over twice, and then nobody can say what is lost.
#[tokio::test]
async fn failover_with_lost_writes_changes_epoch() {
    let mut primary = Server::start(Aof::EverySecond).await;
    let port = primary.port.to_string();
    let replica = Server::start_with(Aof::EverySecond, &["--replicaof", &format!("127.0.0.1 {port}")]).await;
    eventually_within(PATIENCE, "the replica to follow", async || {
        (replica.info("master_link_status").await? == "up").then_some(())
    })
    .await;
    let config = on_redis(format!("{},{}", primary.url(), replica.url()));
    let stage = Stage::on(&config.set("engine.redis_wait_replicas", 0)).await;
    stage.load.flows(300).await;
    let (replicated, held_back) = hold_back(&primary, &replica).await;
    stage.load.flows(150).await;
    let killed = Instant::now();
    primary.kill();
    replica.command(&["REPLICAOF", "NO", "ONE"]).await;
    stage.load.flows(300).await;

    let (lost, doubtful) = (Cell::new(0), Cell::new(0));
    let survives = |event: &Acked| {
        if event.acked < replicated || event.sent > killed {
            Some(true)
        } else if event.sent > held_back && event.acked < killed {
            lost.update(|lost| lost + 1);
            Some(false)
        } else {
            doubtful.update(|doubtful| doubtful + 1);
            None
        }
    };
    let epochs = stage.converges_to(survives).await;
    eprintln!("{lost:?} events lost, of {doubtful:?} nobody can say");
    assert!(lost.get() >= 100, "hardly anything was lost: {lost:?}");
    assert!(epochs.iter().all(|epochs| *epochs >= 2), "{epochs:?}");
}

#[tokio::test]
async fn sentinel_set_needs_no_name_when_there_is_only_one() {
    let mut set = Sentinels::start(Aof::EverySecond).await;
    let config = on(&set).without("engine.redis_master");
    let stage = Stage::on(&config).await;
    stage.load.flows(150).await;
    set.servers[0].kill();
    set.failed_over(0).await;
    stage.load.flows(150).await;
    stage.converges().await;

    // Where they know two, it has to be said which.
    let other = Server::start(Aof::EverySecond).await;
    for sentinel in &set.sentinels {
        let watch = ["SENTINEL", "MONITOR", "another", "127.0.0.1", &other.port.to_string(), "2"];
        sentinel.command(&watch).await;
    }
    let output = run(callpop().arg("serve").arg("--config").arg(config.write()));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "{said}");
    for named in ["engine.redis_master", MASTER, "another"] {
        assert!(said.contains(named), "{named} is not named: {said}");
    }
    let config = config.set("engine.redis_master", "another").set("engine.redis_wait_replicas", 0);
    let node = config.start().await;
    let leg = Leg::inbound(&new_tenant(), "200");
    node.deliver(&leg.ringing(0)).await;
    assert_eq!(node.agent(&leg.tenant, "200").await.call(&leg), Some(&oracle::call(&[leg.ringing(0)])));
    assert_ne!(other.command(&["DBSIZE"]).await, 0);
}

#[tokio::test]
async fn a_failover_by_hand_converges() {
    let set = Sentinels::start(Aof::EverySecond).await;
    let stage = Stage::on(&on(&set).set("engine.redis_wait_replicas", 2)).await;
    stage.load.flows(300).await;
    let mut primary = 0;
    for _ in 0..2 {
        set.sentinels[0].command(&["SENTINEL", "FAILOVER", MASTER]).await;
        let next = set.failed_over(primary).await;
        is_replica(&set.servers[primary]).await;
        set.whole().await;
        stage.load.flows(300).await;
        primary = next;
    }
    stage.converges().await;
}
