//! What most fault tests begin with: three nodes on one Redis, each by a link of its own, clients of every kind
//! on every node, and a load that flows; and what all end with: everybody holds the truth.

use crate::support::{
    Leg, eventually,
    fleet::{Fleet, on_redis},
    gateway::problem,
    load::{Load, Plan},
    new_tenant,
    proxy::Proxy,
    redis::{Aof, Server},
    truth::Truth,
    viewer::{View, Viewer},
};
use futures_util::future::join_all;
use std::time::{Duration, Instant};

/// A webhook that takes longer hangs: its own deadline is 6 s, and the machine may be busy.
pub const ANSWERED: Duration = Duration::from_secs(12);

/// Three nodes under load.
pub struct Scene {
    pub redis: Server,
    pub links: Vec<Proxy>,
    pub fleet: Fleet,
    pub viewers: Vec<Viewer>,
    pub load: Load,
}

/// What is left when the load has ended and everybody holds the truth.
pub struct Outcome {
    pub truth: Truth,
    /// Of every viewer.
    pub views: Vec<View>,
}

impl Scene {
    /// On a Redis that loses nothing that it has answered.
    pub async fn begin() -> Self {
        Self::on(Server::start(Aof::Always).await, &Plan::usual()).await
    }

    /// On that Redis, with that load.
    pub async fn on(redis: Server, plan: &Plan) -> Self {
        let links = join_all((0..3).map(|_| async { Proxy::to(&redis.address()).await })).await;
        let fleet = Fleet::start(links.iter().map(|link| on_redis(&link.url())).collect()).await;
        fleet.ready(200).await;
        let viewers = viewers(&fleet, plan).await;
        let load = Load::begin(plan, &fleet.addresses);
        load.flows(100).await;
        Self { redis, links, fleet, viewers, load }
    }

    /// Ends every fault of the links.
    pub fn heal(&self) {
        self.links.iter().for_each(Proxy::heal);
    }

    /// Lets the load flow on, and ends it; fails unless everybody holds the truth then.
    pub async fn end(self, what: &str) -> Outcome {
        self.end_as(what, |truth| truth).await
    }

    /// The same, where not all that was acked is true any more.
    pub async fn end_as(mut self, what: &str, so: impl FnOnce(Truth) -> Truth) -> Outcome {
        self.load.flows(100).await;
        let tally = self.load.tally.clone();
        let truth = so(self.load.end().await);
        let behind = truth.is_seen_by(&mut self.viewers).await;
        for node in self.fleet.nodes() {
            truth.is_told_by(node).await;
        }
        let views = join_all(self.viewers.iter_mut().map(Viewer::view)).await;
        let resyncs = self.fleet.metric("callpop_redis_resyncs_total").await;
        eprintln!("{what}: {tally}; {resyncs:.0} resyncs; viewers {behind:?} behind when the load ended");
        assert!(tally.slowest() < ANSWERED, "a webhook hung for {:?}", tally.slowest());
        Outcome { truth, views }
    }
}

impl Outcome {
    /// Fails unless every viewer lived through so many epochs.
    pub fn assert_epochs(&self, epochs: usize) {
        for view in &self.views {
            assert_eq!(view.epochs.len(), epochs, "{:?}", view.epochs);
        }
    }

    /// Fails where a client was cut off: those that are open stay open while Redis is away.
    pub fn assert_stayed(&self) {
        for view in &self.views {
            assert!(view.ends.is_empty(), "{:?}", view.ends);
        }
    }
}

/// A supervisor on every node for every tenant, and agents on two.
pub async fn viewers(fleet: &Fleet, plan: &Plan) -> Vec<Viewer> {
    let mut viewers = Vec::new();
    for (index, tenant) in plan.tenants.iter().enumerate() {
        for node in 0..3 {
            viewers.push(Viewer::supervisor(&fleet.addresses, node, tenant).await);
        }
        for (node, extension) in [(index, "200"), (index + 1, "200"), (index + 2, "210")] {
            viewers.push(Viewer::agent(&fleet.addresses, node % 3, tenant, extension).await);
        }
    }
    viewers
}

/// Fails unless the node says no to a webhook in time, and to a new client; its open clients stay.
pub async fn assert_refuses(fleet: &Fleet, node: usize) {
    let node = fleet.node(node);
    let began = Instant::now();
    let answer = node.post(&Leg::inbound(&new_tenant(), "200").ringing(0)).await;
    assert!(began.elapsed() < ANSWERED, "{:?}", began.elapsed());
    assert!(answer.headers().contains_key("retry-after"), "{answer:?}");
    problem(answer, 503).await;
    let token = crate::support::Token::agent(&new_tenant(), &["200"]);
    assert_eq!(node.stream(&token).refused().await, 4504);
}

/// Waits until a node's `/readyz` has that status; gives how long that took.
pub async fn readyz(fleet: &Fleet, node: usize, status: u16) -> Duration {
    let began = Instant::now();
    eventually(&format!("/readyz of node {node} to be {status}"), async || {
        (fleet.node(node).operator("/readyz").await.status() == status).then_some(())
    })
    .await;
    began.elapsed()
}
