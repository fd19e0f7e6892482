//! Tenants' directories in memory, each with its row in the journal, of which a later one counts in place of an earlier.

use super::journal::{Disk, Record, Written};
use crate::{
    directory::{Directory, Expected},
    engine::{EngineError, PutDirectory, Receipt},
    feed::Feed,
    id::TenantId,
};
use parking_lot::Mutex;
use std::{collections::HashMap, sync::Arc};

/// All that were written.
pub(crate) struct DirectoryJournal {
    kept: Mutex<HashMap<TenantId, KeptDirectory>>,
    disk: Disk,
    feed: Arc<Feed>,
    nothing: Arc<Directory>,
}

/// A directory and its row, where anything is written.
pub(super) struct KeptDirectory {
    directory: Arc<Directory>,
    row: Option<u64>,
}

/// What the journal's rows say of directories.
#[derive(Default)]
pub(crate) struct FoundDirectories(HashMap<TenantId, KeptDirectory>);

impl FoundDirectories {
    /// Takes a row, a later one in place of an earlier.
    pub(super) fn read(&mut self, row: u64, tenant: TenantId, directory: Arc<Directory>) {
        self.0.insert(tenant, KeptDirectory { directory, row: Some(row) });
    }
}

impl DirectoryJournal {
    pub(crate) fn new(found: FoundDirectories, disk: Disk, feed: Arc<Feed>) -> Self {
        Self { kept: Mutex::new(found.0), disk, feed, nothing: Arc::default() }
    }

    pub(crate) fn get(&self, tenant: &TenantId) -> Arc<Directory> {
        self.kept.lock().get(tenant).map_or_else(|| self.nothing.clone(), |kept| kept.directory.clone())
    }

    /// Writes anew those that stand before a row of the journal.
    pub(super) fn rewrite(&self, before: u64) -> Result<(), EngineError> {
        for (tenant, kept) in self.kept.lock().iter_mut() {
            if kept.row.is_some_and(|row| row < before) {
                let record = Record::Directory { tenant: tenant.clone(), directory: kept.directory.clone() };
                kept.row = self.disk.write(self.disk.encode(|| record))?.row;
            }
        }
        Ok(())
    }

    pub(crate) fn put(
        &self,
        tenant: &TenantId,
        expected: &Expected,
        fresh: Directory,
    ) -> Result<PutDirectory, EngineError> {
        let fresh = Arc::new(fresh);
        let record = || Record::Directory { tenant: tenant.clone(), directory: fresh.clone() };
        let record = self.disk.encode(record);
        let mut all = self.kept.lock();
        let old = all.get(tenant).map_or(&self.nothing, |kept| &kept.directory).clone();
        let old_row = all.get(tenant).and_then(|kept| kept.row);
        if old.etag() == fresh.etag() {
            return Ok(PutDirectory::Done(Receipt::Journal(self.disk.durable(old_row))));
        }
        if !expected.is_met(old.etag()) {
            return Ok(PutDirectory::Other);
        }
        let Written { row, durable } = self.disk.write(record)?;
        all.insert(tenant.clone(), KeptDirectory { directory: fresh.clone(), row });
        drop(all);
        self.feed.reassign(tenant, |sub| old.extensions_of(sub) != fresh.extensions_of(sub));
        Ok(PutDirectory::Done(Receipt::Journal(durable)))
    }
}
