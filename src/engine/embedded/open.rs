//! The start: both series are read whole, and memory is rebuilt from what they say.

use super::{
    Tenants,
    archive::Archive,
    days::FoundDays,
    directory::FoundDirectories,
    displays::FoundDisplays,
    folder::Folder,
    journal::{Journal, Record},
    series::{self, Place, Series, SeriesError, SeriesName, scan::Row},
    settled::{self, FileUse, SettledItems, SettledRow},
};
use crate::{
    board::Window,
    clock::Micros,
    config,
    engine::{EngineError, EngineMetrics},
    id::ItemKey,
    item::ItemEvent,
    tasks::Tasks,
};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

/// A store that is open, and what was found in it beside items.
pub(super) struct Opened {
    pub(super) journal: Arc<Journal>,
    pub(super) settled: SettledItems,
    pub(super) archive: Archive,
    pub(super) directories: FoundDirectories,
    pub(super) displays: FoundDisplays,
    pub(super) days: FoundDays,
    /// When the latest event came, by callpop's clock.
    pub(super) newest: Option<Micros>,
}

/// What the rows say together.
struct Found<'a> {
    tenants: &'a Tenants,
    metrics: &'a EngineMetrics,
    files: BTreeMap<u32, FileUse>,
    /// Files that have a row that nobody understood.
    strange: HashSet<u32>,
    live: Vec<(ItemKey, Place)>,
    /// Where an item's rows in the journal stand in its settled row already, or are forgotten.
    through: HashMap<ItemKey, u64>,
    /// The first row of the journal.
    first: u64,
    archive: Archive,
    directories: FoundDirectories,
    displays: FoundDisplays,
    days: FoundDays,
    unread: Vec<u64>,
    newest: Option<Micros>,
}

/// Opens the store of a folder, or makes it, and puts its items into `tenants`.
pub(super) fn open(
    engine: &config::Engine,
    tenants: &Tenants,
    metrics: &Arc<EngineMetrics>,
    tasks: &Tasks,
) -> Result<Opened, EngineError> {
    let config::Engine { data_dir: dir, file_bytes, .. } = engine;
    let cannot = |what: &dyn std::fmt::Display| {
        EngineError::CannotOpen(format!("engine.data_dir = {:?}: {what}", dir.display().to_string()))
    };
    let damaged = |error: SeriesError| match error {
        SeriesError::Damaged(_) => cannot(&format_args!(
            "{error}; nothing was changed. `callpop store verify` says more; put a backup in its place, or see \
             `callpop store repair`"
        )),
        SeriesError::Io(..) => cannot(&error),
    };
    let folder = Arc::new(Folder::open(dir).map_err(|error| cannot(&error))?);
    let first = series::first_row(folder.path(), SeriesName::Events).map_err(|error| cannot(&error))?;
    let mut found = Found::new(tenants, metrics, first);
    let items = |row: Row| found.read_item(&row);
    let items = Series::open(dir, SeriesName::Items, folder.store(), *file_bytes, items).map_err(damaged)?;
    let reader = items.reader();
    for (key, place) in std::mem::take(&mut found.live) {
        found.warm(&reader, &key, place);
    }
    let events = |row: Row| found.read_event(&reader, &row);
    let events =
        Series::open(dir, SeriesName::Events, folder.store(), *file_bytes, events).map_err(damaged)?;
    found.finish();
    let Found { files, archive, directories, displays, days, unread, newest, .. } = found;
    let settled = SettledItems::new(items, folder.clone(), files, metrics.clone(), tasks)?;
    let journal = Arc::new(Journal::new(events, folder, unread, metrics.clone(), tasks)?);
    Ok(Opened { journal, settled, archive, directories, displays, days, newest })
}

impl<'a> Found<'a> {
    fn new(tenants: &'a Tenants, metrics: &'a EngineMetrics, first: u64) -> Self {
        Self {
            tenants,
            metrics,
            files: BTreeMap::new(),
            strange: HashSet::new(),
            live: Vec::new(),
            through: HashMap::new(),
            first,
            archive: Archive::default(),
            directories: FoundDirectories::default(),
            displays: FoundDisplays::default(),
            days: FoundDays::default(),
            unread: Vec::new(),
            newest: None,
        }
    }

    fn read_item(&mut self, row: &Row) {
        let file = self.files.entry(row.place.file).or_default();
        let Some(head) = SettledRow::decode(row.says).and_then(|row| row.head()) else {
            self.strange.insert(row.place.file);
            self.metrics.on_unreadable(&format!("items {}", row.number));
            return;
        };
        file.through = file.through.max(head.through);
        if head.through >= self.first {
            self.through.insert(head.key.clone(), head.through);
        }
        self.newest = self.newest.max((head.touched > 0).then_some(head.touched));
        if head.is_live {
            self.live.push((head.key.clone(), row.place));
        }
        self.tenants.of(&head.key.tenant).lock().find_settled(head, row.place);
    }

    fn read_event(&mut self, reader: &series::Reader, row: &Row) {
        match serde_json::from_slice(row.says) {
            Ok(Record::Event { received_at, event: ItemEvent { key, event } }) => {
                if self.through.get(&key).is_some_and(|through| *through >= row.number) {
                    return;
                }
                let place = self.tenants.of(&key.tenant).lock().place(&key);
                if let Some(place) = place {
                    self.warm(reader, &key, place);
                }
                self.newest = self.newest.max(Some(received_at));
                self.tenants.of(&key.tenant).lock().find_event(&key, event, received_at, row.number);
            }
            Ok(Record::Directory { tenant, directory }) => {
                self.directories.read(row.number, tenant, directory)
            }
            Ok(Record::Display { tenant, id, display }) => {
                self.displays.read(row.number, tenant, id, display)
            }
            Ok(Record::Day { tenant, from, to, day }) => {
                self.days.read(row.number, tenant, Window { from, to }, day)
            }
            Ok(Record::RolledUp { tenant, at }) => self.days.note(row.number, tenant, at),
            // One that was written anew stands there twice for a while.
            Ok(Record::Archived(archived)) if self.archive.known(&archived).is_some() => {}
            Ok(Record::Archived(archived)) => self.archive.push(Some(row.number), archived),
            Err(_) => {
                self.unread.push(row.number);
                self.metrics.on_unreadable(&format!("events {}", row.number));
            }
        }
    }

    /// Reads an item that is not only to be listed.
    fn warm(&mut self, reader: &series::Reader, key: &ItemKey, place: Place) {
        // A later row may have taken its place.
        if self.tenants.of(&key.tenant).lock().place(key) != Some(place) {
            return;
        }
        match settled::read(reader, place) {
            Ok((head, set)) => self.tenants.of(&key.tenant).lock().warm(key, place, &head, set),
            Err(_) => {
                self.strange.insert(place.file);
                self.metrics.on_unreadable(&format!("items file {} byte {}", place.file, place.at));
            }
        }
    }

    fn finish(&mut self) {
        self.archive.sort();
        let mut places = Vec::new();
        self.tenants.for_each(|_, tenant| {
            tenant.number();
            places.extend(tenant.places());
        });
        settled::count(&mut self.files, places.into_iter());
        for number in &self.strange {
            if let Some(file) = self.files.get_mut(number) {
                file.is_strange = true;
            }
        }
    }
}
