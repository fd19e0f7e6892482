//! A cluster moves slots about, and loses a primary for a while.

use super::stage::Stage;
use crate::support::{
    engine::on_redis,
    redis::{Aof, Cluster, cluster::SLOTS},
};

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
    for (from, to) in [(first, second), (second, first), (first, third), (third, first)] {
        cluster.migrate(slot, from, to).await;
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
        stage.fleet.ready(503).await;
        cluster.nodes[primary].restart().await;
        cluster.whole().await;
        stage.load.flows(150).await;
        stage.fleet.ready(200).await;
    }
    stage.converges().await;
}
