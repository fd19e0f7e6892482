//! How many bytes of what clients read whole, snapshots and long summaries, are on their way at the same time: a budget
//! of the node, and of that a share for each tenant and for each user. Who is over it waits for their turn, which comes
//! as others have read theirs, and is told to come again where that takes too long.
//!
//! What is encoded once for many counts once for the node. Of a share it counts for each who reads it, so that nobody
//! who reads slowly uses up what another one began.

use super::{
    in_use::{Hold, InUse},
    metrics::SessionMetrics,
};
use crate::{auth::Identity, id::TenantId};
use std::{sync::Arc, time::Duration};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes on their way: of the node, of one tenant, and of one `sub`. What alone is larger than that has all of it.
const OF_NODE: u32 = 32 * 1024 * 1024;
const OF_TENANT: u32 = 16 * 1024 * 1024;
const OF_USER: u32 = 8 * 1024 * 1024;
/// Longer nobody waits for their turn.
pub(super) const TURN: Duration = Duration::from_secs(15);

/// The turn did not come.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("too much is on its way to slow clients")]
pub(super) struct Crowded;

/// The budgets of one node.
pub(super) struct Room {
    node: Arc<Semaphore>,
    /// Of those who read something now.
    shares: InUse<Whose, Semaphore>,
    metrics: Arc<SessionMetrics>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) enum Whose {
    Tenant(TenantId),
    User(TenantId, Arc<str>),
}

/// A part of one budget, until it is dropped.
pub(super) struct Claim {
    budget: Arc<Semaphore>,
    most: u32,
    held: Option<OwnedSemaphorePermit>,
}

/// The shares of one reader, of their own and of a tenant.
pub(super) struct Shares([(Claim, Hold<Whose, Semaphore>); 2]);

/// All of the budgets, for something that is read by one client.
pub(super) struct Place {
    _shares: Shares,
    _node: Claim,
}

impl Room {
    pub(super) fn new(metrics: Arc<SessionMetrics>) -> Self {
        Self { node: Arc::new(Semaphore::new(OF_NODE as usize)), shares: InUse::default(), metrics }
    }

    /// The shares of a reader; nothing is taken of them yet.
    pub(super) fn shares(&self, reader: &Identity) -> Shares {
        let Identity { tenant, sub, .. } = reader;
        let of_user = self.share(Whose::User(tenant.clone(), sub.clone()), OF_USER);
        Shares([of_user, self.share(Whose::Tenant(tenant.clone()), OF_TENANT)])
    }

    fn share(&self, whose: Whose, most: u32) -> (Claim, Hold<Whose, Semaphore>) {
        let hold = self.shares.hold(whose, || Semaphore::new(most as usize));
        (Claim { budget: hold.value.clone(), most, held: None }, hold)
    }

    /// A part of what the node has; nothing of it is taken yet.
    pub(super) fn of_node(&self) -> Claim {
        Claim { budget: self.node.clone(), most: OF_NODE, held: None }
    }

    /// Waits for the turn of so many bytes that one client reads.
    pub(super) async fn place(&self, reader: &Identity, bytes: usize) -> Result<Place, Crowded> {
        let wait = async {
            let (mut shares, mut node) = (self.shares(reader), self.of_node());
            if !shares.try_take(bytes) || !node.try_take(bytes) {
                self.metrics.turns_waited.inc();
                shares.take(bytes).await;
                node.take(bytes).await;
            }
            Place { _shares: shares, _node: node }
        };
        tokio::time::timeout(TURN, wait).await.map_err(|_| Crowded)
    }
}

impl Shares {
    /// Takes as much of each, if it is free now.
    pub(super) fn try_take(&mut self, bytes: usize) -> bool {
        self.0.iter_mut().all(|(claim, _)| claim.try_take(bytes))
    }

    /// Waits until as much of each is free. Always in one order, so that no two wait for each other.
    pub(super) async fn take(&mut self, bytes: usize) {
        for (claim, _) in &mut self.0 {
            claim.held = None;
        }
        for (claim, _) in &mut self.0 {
            claim.take(bytes).await;
        }
    }
}

impl Claim {
    /// Has as much at least, if what is missing of it is free now.
    pub(super) fn try_take(&mut self, bytes: usize) -> bool {
        let missing = self.wanted(bytes).saturating_sub(self.has());
        if missing == 0 {
            return true;
        }
        let Ok(more) = self.budget.clone().try_acquire_many_owned(missing) else { return false };
        match &mut self.held {
            Some(held) => held.merge(more),
            none => *none = Some(more),
        }
        true
    }

    /// Waits until as much is free, holding nothing meanwhile.
    pub(super) async fn take(&mut self, bytes: usize) {
        self.held = None;
        // Nobody closes it.
        self.held = self.budget.clone().acquire_many_owned(self.wanted(bytes)).await.ok();
    }

    fn wanted(&self, bytes: usize) -> u32 {
        u32::try_from(bytes).unwrap_or(u32::MAX).min(self.most)
    }

    fn has(&self) -> u32 {
        self.held.as_ref().map_or(0, |held| held.num_permits() as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    fn claim(budget: &Arc<Semaphore>) -> Claim {
        Claim { budget: budget.clone(), most: 10, held: None }
    }

    #[test]
    fn what_is_larger_than_the_budget_has_all_of_it() {
        let budget = Arc::new(Semaphore::new(10));
        let (mut large, mut other) = (claim(&budget), claim(&budget));
        assert!(large.try_take(1_000_000) && large.try_take(1_000_000));
        assert!(!other.try_take(1) && other.try_take(0));
        drop(large);
        assert!(other.try_take(1));
    }

    #[test]
    fn a_claim_takes_only_what_it_misses() {
        let budget = Arc::new(Semaphore::new(10));
        let (mut one, mut other) = (claim(&budget), claim(&budget));
        assert!(one.try_take(6) && one.try_take(8) && one.try_take(3));
        assert_eq!(budget.available_permits(), 2);
        assert!(!other.try_take(3) && other.try_take(2));
    }

    #[tokio::test]
    async fn who_waits_comes_next() {
        let budget = Arc::new(Semaphore::new(10));
        let (mut first, mut second) = (claim(&budget), claim(&budget));
        assert!(first.try_take(7));
        let waiting = second.take(5);
        tokio::pin!(waiting);
        assert!(waiting.as_mut().now_or_never().is_none());
        drop(first);
        waiting.await;
        assert_eq!(budget.available_permits(), 5);
    }
}
