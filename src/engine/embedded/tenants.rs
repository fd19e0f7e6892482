//! All tenants in memory, a lock for each. One of which nothing is left goes; if it comes again, it begins behind the
//! numbers of all that went, so that no client takes its changes for others.

use super::tenant::Tenant;
use crate::id::TenantId;
use dashmap::DashMap;
use hashbrown::DefaultHashBuilder;
use parking_lot::Mutex;
use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// So many are swept at once, at least: with very many tenants a round takes longer.
const AT_ONCE: usize = 4096;
/// In how many turns all of them are swept, at most.
const TURNS: usize = 16;

/// By their ids.
#[derive(Default)]
pub(super) struct Tenants {
    all: DashMap<TenantId, Arc<Mutex<Tenant>>, DefaultHashBuilder>,
    /// The highest number of those that went.
    floor: AtomicU64,
    round: Mutex<VecDeque<TenantId>>,
}

impl Tenants {
    /// One that there is.
    pub(super) fn seen(&self, id: &TenantId) -> Option<Arc<Mutex<Tenant>>> {
        self.all.get(id).map(|entry| entry.value().clone())
    }

    /// One that may be new.
    pub(super) fn of(&self, id: &TenantId) -> Arc<Mutex<Tenant>> {
        self.seen(id).unwrap_or_else(|| {
            let fresh = || Arc::new(Mutex::new(Tenant::after(self.floor())));
            self.all.entry(id.clone()).or_insert_with(fresh).clone()
        })
    }

    /// The number at which one stands of which nothing is known.
    pub(super) fn floor(&self) -> u64 {
        self.floor.load(Ordering::Acquire)
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// Those whose turn it is to be swept.
    pub(super) fn turn(&self) -> Vec<(TenantId, Arc<Mutex<Tenant>>)> {
        let mut round = self.round.lock();
        if round.is_empty() {
            round.extend(self.all.iter().map(|entry| entry.key().clone()));
        }
        let most = AT_ONCE.max(self.all.len() / TURNS);
        let turn = round.len().min(most);
        let turn: Vec<_> = round.drain(..turn).collect();
        turn.into_iter().filter_map(|id| self.seen(&id).map(|tenant| (id, tenant))).collect()
    }

    /// All of them, one after the other.
    pub(super) fn for_each(&self, mut visit: impl FnMut(&TenantId, &mut Tenant)) {
        let all: Vec<_> = self.all.iter().map(|entry| (entry.key().clone(), entry.value().clone())).collect();
        all.into_iter().for_each(|(id, tenant)| visit(&id, &mut tenant.lock()));
    }

    /// Lets one go of which nothing is left, and which nobody holds.
    pub(super) fn release(&self, id: &TenantId) {
        self.all.remove_if(id, |_, tenant| {
            // Whoever holds it got it from here, and none can while this looks.
            let is_unused = Arc::strong_count(tenant) == 1;
            let seq =
                tenant.try_lock().filter(|tenant| is_unused && tenant.is_empty()).map(|tenant| tenant.seq());
            seq.is_some_and(|seq| {
                self.floor.fetch_max(seq, Ordering::AcqRel);
                true
            })
        });
    }
}
