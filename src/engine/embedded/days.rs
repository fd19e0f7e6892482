//! Closed days in memory, each with its row in the journal, of which a later one counts in place of an earlier: one that
//! is gone has a row that says so.

use super::journal::{Disk, Record};
use crate::{
    board::Window,
    clock::Micros,
    engine::{DayList, DayPart, EngineError, ListedDay, StoredDay},
    id::TenantId,
};
use parking_lot::Mutex;
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

/// All that there are.
pub(crate) struct DayJournal {
    kept: Mutex<HashMap<TenantId, Days>>,
    disk: Disk,
}

/// Those of a tenant.
#[derive(Default)]
struct Days {
    rolled_up: Noted,
    /// By the beginning of each.
    all: BTreeMap<Micros, KeptDay>,
}

/// Up to when changes are in them, and the row that says so.
#[derive(Default)]
struct Noted {
    at: Micros,
    row: Option<u64>,
}

/// A day and its row, where anything is written.
struct KeptDay {
    window: Window,
    day: Arc<StoredDay>,
    row: Option<u64>,
}

/// What the journal's rows say of days.
#[derive(Default)]
pub(crate) struct FoundDays(HashMap<TenantId, Days>);

impl FoundDays {
    /// Takes a row, a later one in place of an earlier.
    pub(super) fn read(&mut self, row: u64, tenant: TenantId, window: Window, day: Option<Arc<StoredDay>>) {
        let all = &mut self.0.entry(tenant).or_default().all;
        match day {
            Some(day) => _ = all.insert(window.from, KeptDay { window, day, row: Some(row) }),
            None => _ = all.remove(&window.from),
        }
    }

    /// Takes a row that says how far they go.
    pub(super) fn note(&mut self, row: u64, tenant: TenantId, at: Micros) {
        self.0.entry(tenant).or_default().rolled_up = Noted { at, row: Some(row) };
    }
}

impl DayJournal {
    pub(in crate::engine) fn new(found: FoundDays, disk: Disk) -> Self {
        Self { kept: Mutex::new(found.0), disk }
    }

    pub(in crate::engine) fn tenants(&self) -> Vec<TenantId> {
        self.kept.lock().keys().cloned().collect()
    }

    pub(in crate::engine) fn list(&self, tenant: &TenantId) -> DayList {
        let kept = self.kept.lock();
        let Some(days) = kept.get(tenant) else { return DayList::default() };
        let listed = |KeptDay { window, day, .. }: &KeptDay| ListedDay {
            window: *window,
            at: day.at,
            has_people: day.people.is_some(),
            has_key: day.key.is_some(),
        };
        let all = days.all.iter().map(|(from, kept)| (*from, listed(kept))).collect();
        DayList { rolled_up: days.rolled_up.at, days: all }
    }

    pub(in crate::engine) fn read(&self, tenant: &TenantId, days: &[Window]) -> Vec<(Window, StoredDay)> {
        let kept = self.kept.lock();
        let Some(of_tenant) = kept.get(tenant) else { return Vec::new() };
        let found =
            days.iter().filter_map(|day| of_tenant.all.get(&day.from).filter(|kept| kept.window == *day));
        found.map(|kept| (kept.window, (*kept.day).clone())).collect()
    }

    pub(in crate::engine) fn put(
        &self,
        tenant: &TenantId,
        window: Window,
        expected: Option<Micros>,
        day: &StoredDay,
    ) -> Result<bool, EngineError> {
        let mut kept = self.kept.lock();
        let known = kept.get(tenant).and_then(|days| days.all.get(&window.from));
        if known.map(|known| known.day.at) != expected {
            return Ok(false);
        }
        let day = Arc::new(day.clone());
        let row = self.write(tenant, window, Some(day.clone()))?;
        kept.entry(tenant.clone()).or_default().all.insert(window.from, KeptDay { window, day, row });
        Ok(true)
    }

    pub(in crate::engine) fn note(&self, tenant: &TenantId, rolled_up: Micros) -> Result<(), EngineError> {
        let mut kept = self.kept.lock();
        // Of whom no day is stored, nothing is to stay.
        let Some(days) = kept.get_mut(tenant) else { return Ok(()) };
        days.rolled_up = Noted { at: rolled_up, row: self.write_note(tenant, rolled_up)? };
        Ok(())
    }

    pub(in crate::engine) fn forget(
        &self,
        tenant: &TenantId,
        some: &[(Window, DayPart)],
    ) -> Result<(), EngineError> {
        let mut kept = self.kept.lock();
        let Some(days) = kept.get_mut(tenant) else { return Ok(()) };
        for (window, part) in some {
            let Some(known) = days.all.get_mut(&window.from) else { continue };
            let mut rest = (*known.day).clone();
            match part {
                DayPart::Key => rest.key = None,
                DayPart::People => rest.people = None,
                DayPart::Calls => {
                    self.write(tenant, *window, None)?;
                    days.all.remove(&window.from);
                    continue;
                }
            }
            let rest = Arc::new(rest);
            known.row = self.write(tenant, *window, Some(rest.clone()))?;
            known.day = rest;
        }
        if days.all.is_empty() {
            kept.remove(tenant);
        }
        Ok(())
    }

    /// Writes anew those that stand before a row of the journal. One that is gone needs no row: what stood before that
    /// goes first.
    pub(super) fn rewrite(&self, before: u64) -> Result<(), EngineError> {
        let is_old = |row: Option<u64>| row.is_some_and(|row| row < before);
        for (tenant, days) in self.kept.lock().iter_mut() {
            if is_old(days.rolled_up.row) {
                days.rolled_up.row = self.write_note(tenant, days.rolled_up.at)?;
            }
            for kept in days.all.values_mut().filter(|kept| is_old(kept.row)) {
                kept.row = self.write(tenant, kept.window, Some(kept.day.clone()))?;
            }
        }
        Ok(())
    }

    fn write(
        &self,
        tenant: &TenantId,
        Window { from, to }: Window,
        day: Option<Arc<StoredDay>>,
    ) -> Result<Option<u64>, EngineError> {
        let record = || Record::Day { tenant: tenant.clone(), from, to, day };
        Ok(self.disk.write(self.disk.encode(record))?.row)
    }

    fn write_note(&self, tenant: &TenantId, at: Micros) -> Result<Option<u64>, EngineError> {
        let record = || Record::RolledUp { tenant: tenant.clone(), at };
        Ok(self.disk.write(self.disk.encode(record))?.row)
    }
}
