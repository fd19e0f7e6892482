//! Several nodes on one Redis, each of which can die, drain and come back, on another port each time.

use super::{Client, Config, Gateway, Token, eventually, soon};
use futures_util::future::join_all;
use rustix::process::Signal;
use serde_json::Value;
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

/// Where the nodes listen; none for one that does not run.
#[derive(Clone, Default)]
pub struct Addresses(Arc<Mutex<Vec<Option<SocketAddr>>>>);

impl Addresses {
    /// The address of a running node: the one that is asked for, or else the next one.
    pub fn at_or_after(&self, node: usize) -> Option<SocketAddr> {
        let addresses = self.0.lock().unwrap();
        let count = addresses.len();
        (node..node + count).find_map(|node| addresses[node % count])
    }

    /// The addresses of all that run.
    pub fn running(&self) -> Vec<SocketAddr> {
        self.0.lock().unwrap().iter().flatten().copied().collect()
    }

    fn set(&self, node: usize, address: Option<SocketAddr>) {
        let mut addresses = self.0.lock().unwrap();
        if addresses.len() <= node {
            addresses.resize(node + 1, None);
        }
        addresses[node] = address;
    }
}

/// Running nodes, each by its own configuration.
pub struct Fleet {
    configs: Vec<Config>,
    nodes: Vec<Option<Gateway>>,
    pub addresses: Addresses,
}

/// A node's configuration on a Redis, with a snapshot that holds all that a test may send.
pub fn on_redis(url: &str) -> Config {
    Config::new()
        .set("engine.kind", "redis")
        .set("engine.redis_url", url)
        .set("calls.recent_per_user", 100_000)
        .set("calls.recent_per_tenant", 100_000)
        .set("shutdown.spread", "500ms")
}

impl Fleet {
    /// So many nodes on one Redis.
    pub async fn on(url: &str, nodes: usize) -> Self {
        Self::start((0..nodes).map(|_| on_redis(url)).collect()).await
    }

    /// A node by each configuration, which must not be clones of each other.
    pub async fn start(configs: Vec<Config>) -> Self {
        let nodes = join_all(configs.iter().map(Config::start)).await;
        let addresses = Addresses::default();
        for (index, node) in nodes.iter().enumerate() {
            addresses.set(index, Some(node.public));
        }
        Self { configs, nodes: nodes.into_iter().map(Some).collect(), addresses }
    }

    /// A node that runs.
    pub fn node(&self, index: usize) -> &Gateway {
        self.nodes[index].as_ref().expect("it runs")
    }

    /// All nodes that run.
    pub fn nodes(&self) -> impl Iterator<Item = &Gateway> {
        self.nodes.iter().flatten()
    }

    /// Ends a node as a power cut would.
    pub fn kill(&mut self, index: usize) {
        self.nodes[index].as_mut().expect("it runs").process.kill();
        self.addresses.set(index, None);
        self.nodes[index] = None;
    }

    /// Ends a node in good order; as a load balancer does, nobody sends it anything new once it is not ready.
    pub async fn stop(&mut self, index: usize) {
        let node = self.nodes[index].as_mut().expect("it runs");
        node.process.signal(Signal::TERM);
        eventually("the node to be out of rotation", async || match node.try_operator("/readyz").await {
            Some(answer) if answer.status() == 200 => None,
            _ => Some(()),
        })
        .await;
        self.addresses.set(index, None);
        let status = node.process.exit().await;
        assert_eq!(status.code(), Some(0), "it does not stop in good order");
        self.nodes[index] = None;
    }

    /// Starts a node that does not run.
    pub async fn revive(&mut self, index: usize) {
        assert!(self.nodes[index].is_none(), "it runs");
        let node = self.configs[index].start().await;
        self.addresses.set(index, Some(node.public));
        self.nodes[index] = Some(node);
    }

    /// Waits until every running node answers `/readyz` with that status.
    pub async fn ready(&self, status: u16) {
        for node in self.nodes() {
            eventually(&format!("/readyz to be {status}"), async || {
                (node.operator("/readyz").await.status() == status).then_some(())
            })
            .await;
        }
    }

    /// Posts the same events to all nodes at once; all must take them.
    pub async fn deliver_to_all(&self, events: &Value) {
        soon("all nodes", join_all(self.nodes().map(|node| node.deliver(events)))).await;
    }

    /// A supervisor on every node, by one token.
    pub async fn supervisors(&self, tenant: &str) -> Vec<Client> {
        let token = Token::supervisor(tenant);
        join_all(self.nodes().map(|node| node.stream(&token).scope("tenant").open())).await
    }

    /// The sum of a metric over the running nodes.
    pub async fn metric(&self, name: &str) -> f64 {
        join_all(self.nodes().map(|node| node.metric(name))).await.into_iter().sum()
    }
}
