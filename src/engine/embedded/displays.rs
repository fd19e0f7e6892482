//! Displays in memory, each with its row in the journal, of which a later one counts in place of an earlier: one that is
//! gone has a row that says so.

use super::{
    journal::{Disk, Record, Written},
    pairings::Pairings,
};
use crate::{
    clock::Micros,
    display::{Display, MOST_OF_TENANT},
    engine::{DisplayKey, EngineError, Receipt},
    id::TenantId,
};
use parking_lot::Mutex;
use std::{collections::HashMap, time::Duration};
use uuid::Uuid;

/// All that there are.
pub(crate) struct DisplayJournal {
    kept: Mutex<HashMap<TenantId, HashMap<Uuid, KeptDisplay>>>,
    pub(in crate::engine) pairings: Pairings,
    disk: Disk,
    unused: Duration,
}

/// A display and its row, where anything is written.
struct KeptDisplay {
    display: Display,
    row: Option<u64>,
}

/// What the journal's rows say of displays.
#[derive(Default)]
pub(crate) struct FoundDisplays(HashMap<TenantId, HashMap<Uuid, KeptDisplay>>);

impl FoundDisplays {
    /// Takes a row, a later one in place of an earlier.
    pub(super) fn read(&mut self, row: u64, tenant: TenantId, id: Uuid, display: Option<Display>) {
        match display {
            Some(display) => {
                let kept = KeptDisplay { display, row: Some(row) };
                self.0.entry(tenant).or_default().insert(id, kept);
            }
            None => {
                let of_tenant = self.0.get_mut(&tenant);
                of_tenant.map(|of_tenant| of_tenant.remove(&id));
            }
        }
    }
}

impl DisplayJournal {
    pub(in crate::engine) fn new(found: FoundDisplays, disk: Disk, unused: Duration) -> Self {
        Self { kept: Mutex::new(found.0), pairings: Pairings::default(), disk, unused }
    }

    pub(in crate::engine) fn get(&self, tenant: &TenantId, id: Uuid) -> Option<Display> {
        self.kept.lock().get(tenant)?.get(&id).map(|kept| kept.display.clone())
    }

    pub(in crate::engine) fn list(&self, tenant: &TenantId) -> Vec<Display> {
        let kept = self.kept.lock();
        kept.get(tenant).into_iter().flat_map(HashMap::values).map(|kept| kept.display.clone()).collect()
    }

    pub(in crate::engine) fn gone(&self, some: Vec<DisplayKey>) -> Vec<DisplayKey> {
        let kept = self.kept.lock();
        let is_there = |(tenant, id): &DisplayKey| kept.get(tenant).is_some_and(|all| all.contains_key(id));
        some.into_iter().filter(|key| !is_there(key)).collect()
    }

    pub(in crate::engine) fn add(
        &self,
        tenant: &TenantId,
        display: &Display,
    ) -> Result<Option<Receipt>, EngineError> {
        let mut kept = self.kept.lock();
        if kept.get(tenant).is_some_and(|all| all.len() >= MOST_OF_TENANT) {
            return Ok(None);
        }
        let Written { row, durable } = self.write(tenant, display.id, Some(display))?;
        let display = KeptDisplay { display: display.clone(), row };
        kept.entry(tenant.clone()).or_default().insert(display.display.id, display);
        Ok(Some(Receipt::Journal(durable)))
    }

    pub(in crate::engine) fn see(&self, tenant: &TenantId, id: Uuid, at: Micros) -> Result<(), EngineError> {
        let mut kept = self.kept.lock();
        let Some(known) = kept.get_mut(tenant).and_then(|all| all.get_mut(&id)) else { return Ok(()) };
        let seen =
            Display { last_seen_at: known.display.last_seen_at.max(Some(at)), ..known.display.clone() };
        known.row = self.write(tenant, id, Some(&seen))?.row;
        known.display = seen;
        Ok(())
    }

    pub(in crate::engine) fn remove(
        &self,
        tenant: &TenantId,
        id: Uuid,
    ) -> Result<Option<Receipt>, EngineError> {
        let mut kept = self.kept.lock();
        let Some(all) = kept.get_mut(tenant).filter(|all| all.contains_key(&id)) else { return Ok(None) };
        let durable = self.write(tenant, id, None)?.durable;
        all.remove(&id);
        if all.is_empty() {
            kept.remove(tenant);
        }
        Ok(Some(Receipt::Journal(durable)))
    }

    /// Lets those go that were not used for so long.
    pub(super) fn forget_unused(&self, now: Micros) {
        let mut kept = self.kept.lock();
        for (tenant, all) in kept.iter_mut() {
            // What cannot be written now is still there at the next turn.
            all.retain(|id, kept| {
                !kept.display.is_unused(now, self.unused) || self.write(tenant, *id, None).is_err()
            });
        }
        kept.retain(|_, all| !all.is_empty());
    }

    /// Writes anew those that stand before a row of the journal. One that is gone needs no row: what stood before that
    /// goes first.
    pub(super) fn rewrite(&self, before: u64) -> Result<(), EngineError> {
        for (tenant, all) in self.kept.lock().iter_mut() {
            for (id, kept) in all.iter_mut().filter(|(_, kept)| kept.row.is_some_and(|row| row < before)) {
                kept.row = self.write(tenant, *id, Some(&kept.display))?.row;
            }
        }
        Ok(())
    }

    fn write(&self, tenant: &TenantId, id: Uuid, display: Option<&Display>) -> Result<Written, EngineError> {
        let record = || Record::Display { tenant: tenant.clone(), id, display: display.cloned() };
        self.disk.write(self.disk.encode(record))
    }
}
