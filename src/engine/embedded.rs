//! The engine in memory, beside a journal on disk. Listeners hear of a change before it is
//! durable; whoever commits waits for that. A restart rebuilds memory from the journal and
//! begins a new epoch.

mod archive;
pub(crate) mod backup;
mod days;
mod directory;
mod displays;
mod folder;
mod journal;
mod open;
mod pairings;
mod series;
mod settled;
pub(crate) mod store;
mod sweep;
mod tenant;
mod tenants;

use super::{Archived, Committed, EngineError, EngineMetrics, Page, Position, Receipt, View};
use crate::{
    call::Rules,
    clock::now,
    config::{Config, Durability},
    engine::limits::Limits,
    event_set::Added,
    feed::{Change, Feed, Stream},
    id::{ItemKey, TenantId},
    item::{Event, ItemEvent, ItemSet},
    source::Unknown,
    tasks::Tasks,
};
use archive::Archive;
use days::FoundDays;
use directory::FoundDirectories;
use displays::FoundDisplays;
use journal::{Record, Written};
use open::Opened;
use parking_lot::{Mutex, MutexGuard};
use series::Place;
use settled::{Head, SettledItems};
use std::{ops::Range, sync::Arc, task::Waker, time::Duration};
use sweep::SteadyClock;
use tenant::{Listed, Paged, Tenant};
use tenants::Tenants;
use tokio::task::spawn_blocking;

pub(crate) use days::DayJournal;
pub(crate) use directory::DirectoryJournal;
pub(crate) use displays::DisplayJournal;
pub(crate) use journal::{Disk, Durable};

/// State in memory, a lock for each tenant; what has ended is on the disk, where there is one.
pub(crate) struct Embedded {
    epoch: Arc<str>,
    tenants: Tenants,
    archive: Mutex<Archive>,
    disk: Disk,
    settled: Option<SettledItems>,
    settle_after: Duration,
    pub(super) directories: Arc<DirectoryJournal>,
    pub(super) displays: Arc<DisplayJournal>,
    pub(super) days: Arc<DayJournal>,
    clock: Mutex<SteadyClock>,
    feed: Arc<Feed>,
    metrics: Arc<EngineMetrics>,
    rules: Rules,
    limits: Limits,
}

impl Embedded {
    /// Opens the store, where there is to be one, and rebuilds memory from it.
    pub(crate) fn open(
        config: &Config,
        feed: Arc<Feed>,
        metrics: Arc<EngineMetrics>,
        tasks: &Tasks,
    ) -> Result<Self, EngineError> {
        let tenants = Tenants::default();
        let (mut disk, mut settled, mut archive) = (Disk::default(), None, Archive::default());
        let (mut directories, mut displays) = (FoundDirectories::default(), FoundDisplays::default());
        let (mut days, mut newest) = (FoundDays::default(), None);
        if config.engine.durability == Durability::Fsync {
            let opened = open::open(&config.engine, &tenants, &metrics, tasks)?;
            Opened { archive, directories, displays, days, newest, .. } = opened;
            (disk, settled) = (Disk(Some(opened.journal)), Some(opened.settled));
        }
        Ok(Self {
            epoch: uuid::Uuid::new_v4().simple().to_string().into(),
            tenants,
            archive: Mutex::new(archive),
            directories: Arc::new(DirectoryJournal::new(directories, disk.clone(), feed.clone())),
            displays: Arc::new(DisplayJournal::new(displays, disk.clone(), config.displays.unused)),
            days: Arc::new(DayJournal::new(days, disk.clone())),
            disk,
            settled,
            settle_after: config.engine.settle_after,
            clock: Mutex::new(SteadyClock::new(newest)),
            feed,
            metrics,
            rules: Rules::new(&config.calls),
            limits: Limits::new(config),
        })
    }

    pub(super) fn commit(&self, event: ItemEvent) -> Result<Committed, EngineError> {
        let now = now();
        let record = self.disk.encode(|| Record::Event { received_at: now, event: event.clone() });
        let ItemEvent { key, event } = event;
        let tenant = self.tenants.of(&key.tenant);
        // Held until the outboxes have the change, so that every listener hears a tenant's changes in their order.
        let (mut tenant, added) = self.check(&tenant, &key, &event)?;
        match added {
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
        let change = || Some(Change::new(seq, set?.fold(&key, &self.rules)?, Some(now)));
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
        archive.push(row, archived);
        Ok(Receipt::Journal(durable))
    }

    pub(super) fn archived(&self) -> Vec<Archived> {
        self.archive.lock().iter().cloned().collect()
    }

    pub(super) async fn snapshot(&self, stream: &Stream) -> View {
        let (seq, listed) = match self.tenants.seen(stream.tenant()) {
            Some(tenant) => {
                let tenant = tenant.lock();
                (tenant.seq(), tenant.snapshot(stream, &self.rules, &self.limits))
            }
            None => (self.tenants.floor(), Vec::new()),
        };
        self.view(seq, listed).await
    }

    pub(super) async fn changes(&self, stream: &Stream, epoch: &str, after: u64) -> Option<View> {
        if *epoch != *self.epoch {
            return None;
        }
        let (seq, listed) = match self.tenants.seen(stream.tenant()) {
            Some(tenant) => {
                let tenant = tenant.lock();
                (tenant.seq(), tenant.changes(stream, after, &self.rules, &self.limits)?)
            }
            None => (self.tenants.floor(), Vec::new()),
        };
        (after <= seq && (seq > 0 || after == 0)).then_some(())?;
        Some(self.view(seq, listed).await)
    }

    pub(super) fn position(&self, tenant: &TenantId) -> Position {
        let seq = self.tenants.seen(tenant).map_or(self.tenants.floor(), |tenant| tenant.lock().seq());
        Position { epoch: self.epoch.clone(), seq }
    }

    pub(super) async fn items(&self, tenant: &TenantId, keys: Vec<ItemKey>) -> Vec<(ItemKey, ItemSet)> {
        let Some(tenant) = self.tenants.seen(tenant) else { return Vec::new() };
        let (mut items, mut settled) = (Vec::new(), Vec::new());
        {
            let tenant = tenant.lock();
            for key in keys {
                match tenant.place(&key) {
                    Some(place) => settled.push((key, place)),
                    None => items.extend(tenant.item(&key).cloned().map(|set| (key, set))),
                }
            }
        }
        items.extend(self.read(settled).await);
        items
    }

    pub(super) async fn page(&self, tenant: &TenantId, between: Range<u64>, most: usize) -> Page {
        let (seq, paged) = match self.tenants.seen(tenant) {
            Some(seen) => {
                let seen = seen.lock();
                (seen.seq(), seen.page(tenant, between, most))
            }
            None => (self.tenants.floor(), Paged::default()),
        };
        let Paged { warm: mut items, settled, next, since } = paged;
        items.extend(self.read(settled).await);
        Page { position: Position { epoch: self.epoch.clone(), seq }, items, next, since }
    }

    pub(super) fn rules(&self) -> &Rules {
        &self.rules
    }

    pub(super) fn trouble(&self) -> Option<&'static str> {
        self.disk.0.as_ref().and_then(|journal| journal.trouble())
    }

    pub(super) async fn close(&self) -> Result<(), EngineError> {
        if let Some(settled) = &self.settled {
            settled.close();
        }
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

    /// Locks a tenant with that item warm, if there is one, and tells what adding an event would do.
    fn check<'a>(
        &self,
        tenant: &'a Mutex<Tenant>,
        key: &ItemKey,
        event: &Event,
    ) -> Result<(MutexGuard<'a, Tenant>, Added), EngineError> {
        loop {
            let locked = tenant.lock();
            let place = match locked.check(key, event) {
                Ok(added) => return Ok((locked, added)),
                Err(place) => place,
            };
            // Nobody waits for the tenant while its disk is read.
            drop(locked);
            let (head, set) = self.try_read(key, place)?;
            tenant.lock().warm(key, place, &head, set);
        }
    }

    fn try_read(&self, key: &ItemKey, place: Place) -> Result<(Head, ItemSet), EngineError> {
        let unread = EngineError::Unavailable("what is stored of the item cannot be read");
        let reader = self.settled.as_ref().ok_or(unread.clone())?.reader();
        settled::read(reader, place).map_err(|error| {
            self.metrics.on_damaged(&key.name.id, &error);
            unread
        })
    }

    /// Reads items at their places; one that cannot be read is logged, counted and left out.
    async fn read(&self, places: Vec<(ItemKey, Place)>) -> Vec<(ItemKey, ItemSet)> {
        let Some(settled) = self.settled.as_ref().filter(|_| !places.is_empty()) else { return Vec::new() };
        let (reader, metrics) = (settled.reader().clone(), self.metrics.clone());
        let read = move || {
            let items = places.into_iter().filter_map(|(key, place)| match settled::read(&reader, place) {
                Ok((_, set)) => Some((key, set)),
                Err(error) => {
                    metrics.on_damaged(&key.name.id, &error);
                    None
                }
            });
            items.collect()
        };
        // A disk may be slow. What ends it is the end of the process, or a panic, which is logged.
        spawn_blocking(read).await.unwrap_or_default()
    }

    async fn view(&self, seq: u64, listed: Vec<Listed>) -> View {
        let (mut items, mut places) = (Vec::new(), Vec::new());
        for listed in listed {
            match listed {
                Listed::Item(item) => items.push(*item),
                Listed::Settled(key, place) => places.push((key, place)),
            }
        }
        let read = self.read(places).await;
        items.extend(read.into_iter().filter_map(|(key, set)| set.fold(&key, &self.rules)));
        View::new(self.epoch.clone(), seq, items.into_iter())
    }
}
