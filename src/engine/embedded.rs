//! The engine in memory, beside a journal on disk. Listeners hear of a change before it is
//! durable; whoever commits waits for that. A restart rebuilds memory from the journal and
//! begins a new epoch.

mod archive;
mod directory;
mod journal;
mod tenant;

use super::{Archived, Committed, EngineError, EngineMetrics, Receipt, View};
use crate::{
    call::Rules,
    clock::{Micros, now},
    config::{Config, Durability},
    engine::limits::Limits,
    event_set::Added,
    feed::{Change, Feed, Stream},
    id::{ItemKey, TenantId},
    item::{Item, ItemEvent, ItemSet},
    source::Unknown,
    tasks::Tasks,
};
use archive::Archive;
use dashmap::DashMap;
use directory::FoundDirectories;
use journal::{Journal, Record, Written};
use parking_lot::Mutex;
use std::{collections::HashMap, mem, sync::Arc, task::Waker};
use tenant::{KeptItem, Tenant};

pub(crate) use directory::DirectoryJournal;
pub(crate) use journal::{Disk, Durable};

/// State in memory, a lock for each tenant.
pub(crate) struct Embedded {
    epoch: Arc<str>,
    tenants: DashMap<TenantId, Arc<Mutex<Tenant>>>,
    archive: Mutex<Archive>,
    disk: Disk,
    pub(super) directories: Arc<DirectoryJournal>,
    feed: Arc<Feed>,
    metrics: Arc<EngineMetrics>,
    rules: Rules,
    limits: Limits,
}

impl Embedded {
    /// Opens the journal, where there is to be one, and rebuilds memory from it.
    pub(crate) fn open(
        config: &Config,
        feed: Arc<Feed>,
        metrics: Arc<EngineMetrics>,
        tasks: &Tasks,
    ) -> Result<Self, EngineError> {
        let mut engine = Self {
            epoch: uuid::Uuid::new_v4().simple().to_string().into(),
            tenants: DashMap::new(),
            archive: Mutex::default(),
            disk: Disk::default(),
            directories: Arc::new(DirectoryJournal::new(
                FoundDirectories::default(),
                Disk::default(),
                feed.clone(),
            )),
            feed,
            metrics,
            rules: Rules::new(&config.calls),
            limits: Limits::new(config),
        };
        if config.engine.durability == Durability::Fsync {
            let mut memory = Memory::default();
            let metrics = engine.metrics.clone();
            let journal = Journal::open(&config.engine.data_dir, metrics, tasks, |row, record| {
                memory.read(row, record)
            })?;
            journal.remove(mem::take(&mut memory.surplus));
            engine.disk = Disk(Some(Arc::new(journal)));
            let (found, feed) = (mem::take(&mut memory.directories), engine.feed.clone());
            engine.directories = Arc::new(DirectoryJournal::new(found, engine.disk.clone(), feed));
            engine.rebuild(memory);
        }
        Ok(engine)
    }

    pub(super) fn commit(&self, event: ItemEvent) -> Result<Committed, EngineError> {
        let now = now();
        let record = self.disk.encode(|| Record::Event { received_at: now, event: event.clone() });
        let ItemEvent { key, event } = event;
        let tenant = self.tenant(&key.tenant);
        // Held until the outboxes have the change, so that every listener hears a tenant's changes in their order.
        let mut tenant = tenant.lock();
        match tenant.check(&key, &event) {
            Added::New => {}
            Added::Known => {
                self.metrics.duplicates.inc();
                return Ok(self.unchanged(Added::Known, &tenant, &key));
            }
            Added::Full => {
                self.metrics.full_items.inc();
                return Ok(self.unchanged(Added::Full, &tenant, &key));
            }
        }
        let Written { row, durable } = self.disk.write(record)?;
        let (seq, set) = tenant.add(&key, event, now, row);
        let change = || Some(Change::new(seq, set.fold(&key, &self.rules)?, Some(now)));
        let sleepers = self.feed.deliver(&key.tenant, key.extension.as_str(), key.kind, change);
        drop(tenant);
        sleepers.into_iter().for_each(Waker::wake);
        self.metrics.committed.inc();
        Ok(Committed { added: Added::New, seq, receipt: Receipt::Journal(durable) })
    }

    pub(super) fn archive(&self, unknown: Unknown) -> Result<Receipt, EngineError> {
        let Unknown { source, state, raw, .. } = unknown;
        let archived = Archived { received_at: now(), source, state, raw };
        let mut archive = self.archive.lock();
        if let Some(row) = archive.known(&archived) {
            return Ok(Receipt::Journal(self.disk.durable(row)));
        }
        let Written { row, durable } =
            self.disk.write(self.disk.encode(|| Record::Archived(archived.clone())))?;
        self.disk.erase(archive.push(row, archived));
        Ok(Receipt::Journal(durable))
    }

    pub(super) fn archived(&self) -> Vec<Archived> {
        self.archive.lock().iter().cloned().collect()
    }

    pub(super) fn snapshot(&self, stream: &Stream) -> View {
        let Some(tenant) = self.seen(stream.tenant()) else { return self.view(0, Vec::new()) };
        let tenant = tenant.lock();
        self.view(tenant.seq(), tenant.snapshot(stream, &self.rules, &self.limits))
    }

    pub(super) fn changes(&self, stream: &Stream, epoch: &str, after: u64) -> Option<View> {
        if *epoch != *self.epoch {
            return None;
        }
        let Some(tenant) = self.seen(stream.tenant()) else {
            return (after == 0).then(|| self.view(0, Vec::new()));
        };
        let tenant = tenant.lock();
        let items = tenant.changes(stream, after, &self.rules, &self.limits)?;
        Some(self.view(tenant.seq(), items))
    }

    pub(super) fn items(&self, tenant: &TenantId, keys: Vec<ItemKey>) -> Vec<(ItemKey, ItemSet)> {
        let Some(tenant) = self.seen(tenant) else { return Vec::new() };
        let tenant = tenant.lock();
        let known = keys.into_iter().filter_map(|key| tenant.item(&key).cloned().map(|set| (key, set)));
        known.collect()
    }

    pub(super) fn rules(&self) -> &Rules {
        &self.rules
    }

    pub(super) fn sweep(&self, now: Micros) {
        if let Some(journal) = &self.disk.0 {
            journal.spot_delay();
        }
        let tenants: Vec<_> =
            self.tenants.iter().map(|entry| (entry.key().clone(), entry.value().clone())).collect();
        for (id, tenant) in tenants {
            let silent = tenant.lock().silent(&id, now, &self.limits);
            for event in silent {
                // A refusal is no loss: the next sweep finds the same item.
                let _ = self.commit(event);
            }
            let room = self.disk.0.as_ref().map_or(usize::MAX, |journal| journal.room());
            let (items, rows) = tenant.lock().forget(now, &self.limits, room);
            self.metrics.forgotten.inc_by(items);
            self.disk.erase(rows);
        }
        self.metrics.tenants.set(self.tenants.len() as i64);
    }

    pub(super) fn trouble(&self) -> Option<&'static str> {
        self.disk.0.as_ref().and_then(|journal| journal.trouble())
    }

    pub(super) async fn close(&self) -> Result<(), EngineError> {
        match &self.disk.0 {
            Some(journal) => journal.close().await,
            None => Ok(()),
        }
    }

    /// For an event that changed nothing: it is as durable as its item.
    fn unchanged(&self, added: Added, tenant: &Tenant, key: &ItemKey) -> Committed {
        let (seq, row) = tenant.last_change(key);
        Committed { added, seq, receipt: Receipt::Journal(self.disk.durable(row)) }
    }

    fn rebuild(&self, memory: Memory) {
        let mut items: Vec<_> = memory.items.into_iter().collect();
        items.sort_by_key(|(_, item)| item.touched);
        for (key, item) in items {
            self.tenant(&key.tenant).lock().restore(key, item);
        }
        *self.archive.lock() = memory.archive;
    }

    fn view(&self, seq: u64, items: Vec<Item>) -> View {
        View::new(self.epoch.clone(), seq, items.into_iter())
    }

    fn seen(&self, tenant: &TenantId) -> Option<Arc<Mutex<Tenant>>> {
        self.tenants.get(tenant).map(|entry| entry.value().clone())
    }

    fn tenant(&self, id: &TenantId) -> Arc<Mutex<Tenant>> {
        self.seen(id).unwrap_or_else(|| self.tenants.entry(id.clone()).or_default().clone())
    }
}

/// What a journal's rows say together, in whatever order.
#[derive(Default)]
struct Memory {
    items: HashMap<ItemKey, KeptItem>,
    archive: Archive,
    directories: FoundDirectories,
    /// Rows that a crash left behind.
    surplus: Vec<u64>,
}

impl Memory {
    fn read(&mut self, row: u64, record: Record) {
        match record {
            Record::Event { received_at, event: ItemEvent { key, event } } => {
                let kept = self.items.entry(key).or_insert_with_key(|key| KeptItem::new(key.kind, 0));
                kept.add(event, received_at, Some(row));
            }
            Record::Directory { tenant, directory } => {
                self.surplus.extend(self.directories.read(row, tenant, directory));
            }
            Record::Archived(archived) => self.surplus.extend(self.archive.push(Some(row), archived)),
        }
    }
}
