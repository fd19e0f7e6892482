//! Three nodes on several servers, which the test itself holds, a steady load on them, and viewers of every kind.

use super::scene::viewers;
use crate::support::{
    Config, eventually,
    fleet::Fleet,
    load::{Acked, Load, Plan},
    viewer::Viewer,
};
use std::sync::atomic::Ordering::Relaxed;

pub struct Stage {
    pub fleet: Fleet,
    pub load: Load,
    plan: Plan,
    viewers: Vec<Viewer>,
}

impl Stage {
    /// Sets all of it up.
    pub async fn on(config: &Config) -> Self {
        let config =
            config.clone().set("calls.recent_per_user", 100_000).set("calls.recent_per_tenant", 100_000);
        let fleet = Fleet::start((0..3).map(|_| config.elsewhere()).collect()).await;
        let plan = Plan::usual();
        let viewers = viewers(&fleet, &plan).await;
        let load = Load::begin(&plan, &fleet.addresses);
        Self { fleet, load, plan, viewers }
    }

    /// One that the load has calls for.
    pub fn tenant(&self) -> &str {
        &self.plan.tenants[0]
    }

    /// Waits until events are refused.
    pub async fn is_refused(&self) {
        let before = self.load.tally.refused.load(Relaxed);
        eventually("events to be refused", async || {
            (self.load.tally.refused.load(Relaxed) > before).then_some(())
        })
        .await;
    }

    /// Ends the load; every viewer and every node must come to show all that was acked. Gives how many epochs
    /// each viewer has seen.
    pub async fn converges(self) -> Vec<usize> {
        self.converges_to(|_| Some(true)).await
    }

    /// Ends the load; every viewer and every node must come to show what was acked and is still held.
    pub async fn converges_to(self, is_held: impl Fn(&Acked) -> Option<bool>) -> Vec<usize> {
        let Self { fleet, load, mut viewers, .. } = self;
        let tally = load.tally.clone();
        let truth = load.end().await.of_held(is_held);
        let behind = truth.is_seen_by(&mut viewers).await;
        for node in fleet.nodes() {
            truth.is_told_by(node).await;
        }
        fleet.ready(200).await;
        let mut epochs = Vec::new();
        for viewer in &mut viewers {
            epochs.push(viewer.look(|view| view.epochs.len()).await);
        }
        let view = viewers[0].view().await;
        eprintln!(
            "{tally}; viewers {behind:?} behind after {epochs:?} epochs: {:?} {:?}",
            view.frames, view.ends
        );
        epochs
    }
}
