//! A failover that a node learns of one connection after the other.

use crate::support::{
    Leg, eventually,
    fleet::{Fleet, on_redis},
    new_tenant,
    proxy::Proxy,
    redis::{Aof, Server},
};
use std::time::Duration;
use tokio::time::sleep;

/// A primary with two replicas.
struct Servers {
    old: Server,
    new: Server,
    replica: Server,
}

impl Servers {
    async fn start() -> Self {
        let old = Server::start(Aof::Always).await;
        let follow = format!("127.0.0.1 {}", old.port);
        let new = Server::start_with(Aof::Always, &["--replicaof", &follow]).await;
        let replica = Server::start_with(Aof::Always, &["--replicaof", &follow]).await;
        let servers = Self { old, new, replica };
        servers.are_in_step().await;
        servers
    }

    /// Waits until both replicas have all.
    async fn are_in_step(&self) {
        eventually("the replicas to have all", async || {
            let offset = format!("state=online,offset={},", self.old.info("master_repl_offset").await?);
            let both = [self.old.info("slave0").await?, self.old.info("slave1").await?];
            both.iter().all(|replica| replica.contains(&offset)).then_some(())
        })
        .await;
    }

    /// Makes `new` the primary of `replica`; `old` knows nothing of it.
    async fn promote(&self) {
        self.are_in_step().await;
        self.new.command(&["REPLICAOF", "NO", "ONE"]).await;
        self.replica.command(&["REPLICAOF", "127.0.0.1", &self.new.port.to_string()]).await;
        eventually("the replica to follow", async || {
            self.new.info("slave0").await?.contains("state=online").then_some(())
        })
        .await;
    }

    /// Ends the connections to `old` on which a node waits for replicas.
    async fn end_confirmations(&self) {
        let clients = self.old.command(&["CLIENT", "LIST"]).await;
        let waiting = clients.as_str().unwrap().lines().filter(|line| line.contains(" cmd=wait "));
        let ids: Vec<&str> = waiting.map(|line| line.split(['=', ' ']).nth(1).unwrap()).collect();
        assert!(!ids.is_empty(), "no connection waits for replicas: {clients}");
        for id in ids {
            self.old.command(&["CLIENT", "KILL", "ID", id]).await;
        }
    }
}

/// The new primary cannot vouch for what the old one has committed.
#[tokio::test]
async fn an_ack_comes_from_the_server_that_committed() {
    let servers = Servers::start().await;
    let link = Proxy::to(&servers.old.address()).await;
    let fleet = Fleet::start(vec![on_redis(&link.url()).set("engine.redis_wait_replicas", 1)]).await;
    let node = fleet.node(0);
    let (before, after) = (Leg::inbound(&new_tenant(), "200"), Leg::inbound(&new_tenant(), "200"));
    node.deliver(&before.ringing(0)).await;
    servers.promote().await;
    link.retarget(&servers.new.address());
    servers.end_confirmations().await;
    let mut was_acked = false;
    for _ in 0..10 {
        was_acked |= node.post(&after.ringing(0)).await.status() == 204;
        sleep(Duration::from_millis(50)).await;
    }

    servers.old.command(&["REPLICAOF", "127.0.0.1", &servers.new.port.to_string()]).await;
    for (leg, was_acked) in [(&before, true), (&after, was_acked)] {
        eventually("the new primary to take events", async || {
            (node.post(&leg.hangup(5)).await.status() == 204).then_some(())
        })
        .await;
        let call = node.agent(&leg.tenant, "200").await.call(leg).unwrap().clone();
        let versions = if was_acked { 2..=2 } else { 1..=2 };
        assert!(versions.contains(&call["version"].as_u64().unwrap()), "an acked event is lost: {call}");
    }
    eprintln!("an_ack_comes_from_the_server_that_committed: acked before it was demoted: {was_acked}");
}
