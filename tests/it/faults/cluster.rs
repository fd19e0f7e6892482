//! A cluster moves slots about, and loses a primary for a while.

use super::stage::Stage;
use crate::support::{
    Leg,
    engine::on_redis,
    eventually_within, new_tenant,
    redis::{
        Aof, Cluster,
        cluster::{PATIENCE, SLOTS},
    },
};
use std::time::Duration;

/// A tenant's slot, and the node that begins with it.
async fn home(cluster: &Cluster, tenant: &str) -> (u16, usize) {
    let slot = cluster.slot(&format!("{{{tenant}}}")).await;
    (slot, SLOTS.iter().position(|slots| slots.contains(&slot)).expect("a node has it"))
}

#[tokio::test]
async fn cluster_slot_migration_converges() {
    let cluster = Cluster::start(Aof::EverySecond).await;
    let stage = Stage::on(&on_redis(cluster.url())).await;
    stage.load.flows(300).await;
    let (slot, first) = home(&cluster, stage.tenant()).await;
    let (second, third) = ((first + 1) % 3, (first + 2) % 3);
    for (from, to, pause_ms) in
        [(first, second, 0), (second, first, 0), (first, third, 50), (third, first, 50)]
    {
        cluster.migrate_slowly(slot, from, to, Duration::from_millis(pause_ms)).await;
        stage.load.flows(150).await;
    }
    stage.converges().await;
}

#[tokio::test]
async fn cluster_primary_restart_heals() {
    let mut cluster = Cluster::start(Aof::Always).await;
    let stage = Stage::on(&on_redis(cluster.url())).await;
    stage.load.flows(300).await;
    let (_, primary) = home(&cluster, stage.tenant()).await;
    for _ in 0..2 {
        cluster.nodes[primary].kill();
        stage.is_refused().await;
        cluster.nodes[primary].restart().await;
        cluster.whole().await;
        stage.load.flows(150).await;
    }
    stage.converges().await;
}

#[tokio::test]
async fn no_node_is_ready_while_its_cluster_serves_nobody() {
    // With "everysec" a slow disk may hold back what a killed server had acknowledged.
    let mut cluster = Cluster::start(Aof::Always).await;
    let stage = Stage::on(&on_redis(cluster.url())).await;
    for primary in 0..3 {
        stage.fleet.ready(200).await;
        cluster.nodes[primary].kill();
        stage.fleet.ready(503).await;
        cluster.nodes[primary].restart().await;
        cluster.whole().await;
    }
    stage.converges().await;
}

#[tokio::test]
async fn a_silent_call_expires_though_a_shard_lost_the_list_of_tenants() {
    let cluster = Cluster::start(Aof::EverySecond).await;
    let prefix = format!("shards-{}", new_tenant());
    let config = on_redis(cluster.url()).set("engine.redis_prefix", prefix.clone());
    let node = config.set("calls.expire_after", "3s").start().await;
    let of = async |key: &str| {
        let slot = cluster.slot(key).await;
        SLOTS.iter().position(|slots| slots.contains(&slot)).expect("a node has it")
    };
    // Whatever is beside the tenants' own keys is on one shard; this tenant is on another.
    let list = of(&format!("{prefix}:tenants")).await;
    let tenant = loop {
        let tenant = new_tenant();
        if of(&format!("{{{tenant}}}")).await != list {
            break tenant;
        }
    };
    let legs = [Leg::inbound(&tenant, "200"), Leg::inbound(&tenant, "210")];
    let mut client = node.supervisor(&tenant).await;
    node.deliver(&legs[0].ringing(0)).await;
    client.version(&legs[0], 1).await;
    cluster.nodes[list].command(&["FLUSHALL"]).await;
    node.deliver(&legs[1].ringing(0)).await;
    // The nodes write the list again once a minute.
    eventually_within(PATIENCE * 3, "both to expire", async || {
        let calls = node.supervisor(&tenant).await.calls;
        calls.values().all(|call| call["outcome"] == "expired").then_some(())
    })
    .await;
}
