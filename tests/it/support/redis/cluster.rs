//! A cluster of three primaries, which share the slots evenly.

use super::{Aof, Server, rights};
use crate::support::eventually_within;
use futures_util::future::join_all;
use std::{ops::RangeInclusive, time::Duration};
use tokio::{sync::OnceCell, time::sleep};

/// The slots of each node.
pub const SLOTS: [RangeInclusive<u16>; 3] = [0..=5460, 5461..=10_922, 10_923..=16_383];
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Three nodes; the slots may have moved since.
pub struct Cluster {
    pub nodes: Vec<Server>,
}

/// The one cluster that all tests share which do not harm it.
pub async fn shared() -> &'static Cluster {
    static SHARED: OnceCell<Cluster> = OnceCell::const_new();
    let begin = async || {
        let cluster = Cluster::start(Aof::EverySecond).await;
        join_all(cluster.nodes.iter().map(rights::grant)).await;
        cluster
    };
    SHARED.get_or_init(begin).await
}

impl Cluster {
    /// Starts the nodes, and waits until each finds the cluster whole.
    pub async fn start(aof: Aof) -> Self {
        const OPTIONS: [&str; 6] = [
            "--cluster-enabled",
            "yes",
            "--cluster-node-timeout",
            "1000",
            "--auto-aof-rewrite-percentage",
            "0",
        ];
        let nodes = join_all((0..3).map(|_| Server::start_with(aof, &OPTIONS))).await;
        let cluster = Self { nodes };
        for (number, (node, slots)) in (1..).zip(cluster.nodes.iter().zip(SLOTS)) {
            let number: u32 = number;
            node.command(&["CLUSTER", "SET-CONFIG-EPOCH", &number.to_string()]).await;
            let (first, last) = (slots.start().to_string(), slots.end().to_string());
            node.command(&["CLUSTER", "ADDSLOTSRANGE", &first, &last]).await;
        }
        for node in &cluster.nodes[1..] {
            cluster.nodes[0].command(&["CLUSTER", "MEET", "127.0.0.1", &node.port.to_string()]).await;
        }
        cluster.whole().await;
        cluster
    }

    /// For `engine.redis_url`.
    pub fn url(&self) -> String {
        let urls: Vec<String> = self.nodes.iter().map(Server::url).collect();
        urls.join(",")
    }

    /// The same for the user with the documented rights, who must have been made.
    pub fn url_by_rights(&self) -> String {
        let urls: Vec<String> = self.nodes.iter().map(rights::url).collect();
        urls.join(",")
    }

    /// Waits until every node finds all slots served by three nodes.
    pub async fn whole(&self) {
        eventually_within(PATIENCE, "the cluster to be whole", async || {
            for node in &self.nodes {
                let info = node.try_command(&["CLUSTER", "INFO"]).await.ok()?;
                let says = |line: &str| info.as_str().is_some_and(|info| info.contains(line));
                (says("cluster_state:ok") && says("cluster_known_nodes:3")).then_some(())?;
            }
            Some(())
        })
        .await;
    }

    /// The slot of a key, or of a tenant's hash tag.
    pub async fn slot(&self, key: &str) -> u16 {
        let slot = self.nodes[0].command(&["CLUSTER", "KEYSLOT", key]).await;
        slot.as_u64().unwrap().try_into().unwrap()
    }

    /// The id by which the nodes know one of them.
    pub async fn id(&self, node: usize) -> String {
        self.nodes[node].command(&["CLUSTER", "MYID"]).await.as_str().unwrap().to_owned()
    }

    /// Moves a slot with its keys from one node to another, as `redis-cli --cluster reshard` does, with a pause
    /// after every ten keys: meanwhile the slot is served by two nodes, each a part.
    pub async fn migrate_slowly(&self, slot: u16, from: usize, to: usize, pause: Duration) {
        let (slot, from_id, to_id) = (slot.to_string(), self.id(from).await, self.id(to).await);
        let (from, to) = (&self.nodes[from], &self.nodes[to]);
        to.command(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &from_id]).await;
        from.command(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &to_id]).await;
        let port = to.port.to_string();
        loop {
            let keys = from.command(&["CLUSTER", "GETKEYSINSLOT", &slot, "10"]).await;
            let keys: Vec<&str> = keys.as_array().unwrap().iter().map(|key| key.as_str().unwrap()).collect();
            if keys.is_empty() {
                break;
            }
            let migrate = ["MIGRATE", "127.0.0.1", &port, "", "0", "5000", "KEYS"];
            from.command(&[&migrate, keys.as_slice()].concat()).await;
            sleep(pause).await;
        }
        for node in [to, from] {
            node.command(&["CLUSTER", "SETSLOT", &slot, "NODE", &to_id]).await;
        }
    }
}
