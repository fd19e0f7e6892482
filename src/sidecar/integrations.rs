//! Every integration, as it is stored: how one is read and changed, and how all of them stand.
//!
//! A change is a compare-and-swap of what [`super::machine`] makes of what stands. The whole is
//! held in memory too, by following the store, so that it can be told at once what is due, and
//! who is to hear of a change. Nothing here opens what is sealed.

use super::{
    integration::{Integration, Key},
    machine::{Due, Input, InputRefusal, Policy},
    store::{MOST_CHANGES, Row, Store, StoreError, Swap},
};
use crate::{
    clock::{Micros, now},
    config::{Portal, SourceKind},
    id::SourceName,
};
use parking_lot::Mutex;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{broadcast, watch},
    time::{Instant, sleep},
};

/// How often the store is asked for changes by others.
const FOLLOW: Duration = Duration::from_millis(250);
/// Rows that are read together.
const TOGETHER: usize = MOST_CHANGES;
/// How long a change is tried for.
const INSIST: Duration = Duration::from_secs(10);
/// Between two tries.
const AGAIN: Duration = Duration::from_millis(50);
const SECOND: Micros = 1_000_000;
/// Changes that a listener may be behind.
const BEHIND: usize = 4096;

/// All integrations.
pub(crate) struct Integrations {
    store: Store,
    /// By source, in the order of their names.
    terms: BTreeMap<SourceName, Terms>,
    held: Mutex<InMemory>,
    changed: broadcast::Sender<Arc<Integration>>,
    /// Whether everything was read once.
    is_read: watch::Sender<bool>,
    is_away: AtomicBool,
}

/// What holds for all integrations of a source.
struct Terms {
    kind: SourceKind,
    policy: Policy,
}

#[derive(Default)]
struct InMemory {
    all: HashMap<Key, One>,
    /// When each is to be looked at.
    due: BTreeSet<(Micros, Key)>,
    lineage: String,
    seq: u64,
}

struct One {
    seq: u64,
    found: Arc<Integration>,
    look_at: Option<Micros>,
}

/// Why an integration was not changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChangeError {
    #[error("{refusal}")]
    Refused { refusal: InputRefusal, stands: Box<Integration> },
    /// There is none.
    #[error("there is no such integration")]
    Nothing,
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What is stored is another user's.
    #[error("what is stored is of another place")]
    Misplaced,
    /// What is stored is no integration.
    #[error("what is stored cannot be read")]
    Unreadable(#[from] serde_json::Error),
}

impl Integrations {
    /// Those of other sources stay as they are: nothing of theirs is ever due.
    pub(crate) fn new(store: Store, portals: &[Portal]) -> Self {
        let terms =
            |portal: &Portal| Terms { kind: portal.kind, policy: Policy { reuse_grace: portal.reuse_grace } };
        Self {
            store,
            terms: portals.iter().map(|portal| (portal.source.clone(), terms(portal))).collect(),
            held: Mutex::default(),
            changed: broadcast::Sender::new(BEHIND),
            is_read: watch::Sender::new(false),
            is_away: AtomicBool::new(false),
        }
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// The sources whose users can connect, in the order of their names.
    pub(crate) fn sources(&self) -> impl Iterator<Item = &SourceName> {
        self.terms.keys()
    }

    /// What kind of provider a source is, if its users can connect.
    pub(crate) fn kind(&self, source: &SourceName) -> Option<SourceKind> {
        self.terms.get(source).map(|terms| terms.kind)
    }

    fn policy(&self, key: &Key) -> Policy {
        self.terms.get(&key.source).map(|terms| terms.policy).unwrap_or_default()
    }

    /// What is to be done next; nothing where nobody knows the provider any more.
    fn what_is_due(&self, found: &Integration, now: Micros) -> Due {
        match self.terms.get(&found.key.source) {
            Some(terms) => found.due(now, terms.policy),
            None => Due::Never,
        }
    }

    /// An integration as it is stored now.
    pub(crate) async fn load(&self, key: &Key) -> Result<Option<Integration>, ChangeError> {
        let Some(row) = self.store.get(&key.name()).await? else { return Ok(None) };
        let found = read(&row)?;
        self.hold(row.seq, found.clone());
        Ok(Some(found))
    }

    /// Changes an integration that is there. What `make` is called with may change until it is
    /// stored, so it is called again.
    pub(crate) async fn change(
        &self,
        key: &Key,
        make: impl Fn(&Integration) -> Input,
    ) -> Result<Integration, ChangeError> {
        self.swap(key, None, |stands| Ok(make(stands))).await
    }

    /// The same; `make` may fail.
    pub(crate) async fn try_change<E: From<ChangeError>>(
        &self,
        key: &Key,
        make: impl Fn(&Integration) -> Result<Input, E>,
    ) -> Result<Integration, E> {
        self.swap(key, None, make).await
    }

    /// Changes an integration, or a new one where there is none.
    pub(crate) async fn change_or_begin(
        &self,
        key: &Key,
        make: impl Fn(&Integration) -> Input,
    ) -> Result<Integration, ChangeError> {
        self.swap(key, Some(Integration::new(key.clone(), now())), |stands| Ok(make(stands))).await
    }

    async fn swap<E: From<ChangeError>>(
        &self,
        key: &Key,
        begin: Option<Integration>,
        make: impl Fn(&Integration) -> Result<Input, E>,
    ) -> Result<Integration, E> {
        let name = key.name();
        let deadline = Instant::now() + INSIST;
        loop {
            let row = self.store.get(&name).await.map_err(ChangeError::from)?;
            let stands = match &row {
                Some(row) => read(row)?,
                None => begin.clone().ok_or(ChangeError::Nothing)?,
            };
            let next = stands
                .on(make(&stands)?, now(), self.policy(key))
                .map_err(|refusal| ChangeError::Refused { refusal, stands: stands.into() })?;
            let text = serde_json::to_string(&next).map_err(ChangeError::from)?;
            match self.write(&name, row.map_or(0, |row| row.revision), text, deadline).await? {
                Some(row) => {
                    self.hold(row.seq, next.clone());
                    return Ok(next);
                }
                // Another was first.
                None => continue,
            }
        }
    }

    /// Writes in the place of a revision, and is sure of it: what is not known to be written is
    /// read again. None: something else stands there.
    async fn write(
        &self,
        name: &str,
        was: u64,
        text: String,
        deadline: Instant,
    ) -> Result<Option<Row>, ChangeError> {
        let mut swapped = self.store.swap(name, was, &text).await;
        loop {
            match swapped {
                Ok(Swap::Done(row)) => return Ok(Some(row)),
                // What was not known to be written came after all.
                Ok(Swap::Lost(Some(row))) if row.value == text => {}
                Ok(Swap::Lost(_)) => return Ok(None),
                Err(StoreError::Unknown(_)) if Instant::now() < deadline => sleep(AGAIN).await,
                Err(error) => return Err(error.into()),
            }
            swapped = match self.store.get_durable(name).await {
                Ok(Some(row)) if row.value == text => Ok(Swap::Done(row)),
                Ok(row) if row.as_ref().map_or(0, |row| row.revision) == was => {
                    self.store.swap(name, was, &text).await
                }
                Ok(row) => Ok(Swap::Lost(row)),
                Err(StoreError::Unavailable(why)) => Err(StoreError::Unknown(why)),
                Err(error) => Err(error),
            };
        }
    }

    /// Everything that is stored, by whose it is; each as it stood at some time of the reading.
    pub(crate) async fn scan(&self) -> Result<Vec<(String, Result<Integration, ChangeError>)>, ChangeError> {
        let mut rows = BTreeMap::new();
        let (mut lineage, mut seq) = (String::new(), 0);
        loop {
            let changes = self.store.changes(&lineage, seq, TOGETHER).await?;
            if changes.lineage != lineage {
                rows.clear();
                (lineage, seq) = (changes.lineage, 0);
            }
            let is_all = changes.rows.len() < TOGETHER;
            for row in changes.rows {
                seq = seq.max(row.seq);
                rows.insert(whose(&row), read(&row));
            }
            if is_all {
                return Ok(rows.into_iter().collect());
            }
        }
    }

    /// Follows the store, for ever.
    pub(crate) async fn follow(self: Arc<Self>) {
        loop {
            let read = self.read_on().await;
            let was_away = self.is_away.swap(read.is_err(), Ordering::Relaxed);
            match read {
                Ok(()) => _ = self.is_read.send_replace(true),
                Err(error) if !was_away => {
                    tracing::warn!(%error, "the integrations cannot be read; trying again");
                }
                Err(_) => {}
            }
            sleep(FOLLOW).await;
        }
    }

    /// Reads what others changed.
    pub(crate) async fn read_on(&self) -> Result<(), ChangeError> {
        loop {
            let (lineage, seq) = {
                let held = self.held.lock();
                (held.lineage.clone(), held.seq)
            };
            let changes = self.store.changes(&lineage, seq, TOGETHER).await?;
            let is_all = changes.rows.len() < TOGETHER;
            let last = changes.rows.last().map(|row| row.seq);
            if changes.lineage != lineage {
                self.forget(&changes.lineage);
            }
            for row in changes.rows {
                // One that cannot be read is left alone, and does not hold up the others.
                match read(&row) {
                    Ok(found) => self.hold(row.seq, found),
                    Err(_) => tracing::error!(seq = row.seq, "a stored integration cannot be read"),
                }
            }
            if let Some(last) = last {
                let mut held = self.held.lock();
                held.seq = held.seq.max(last);
            }
            if is_all {
                return Ok(());
            }
        }
    }

    /// The store is another, or lost something: what is held may never have been.
    fn forget(&self, lineage: &str) {
        let mut held = self.held.lock();
        *held = InMemory { lineage: lineage.to_owned(), ..InMemory::default() };
    }

    /// Holds what was read or written, unless something newer is held.
    fn hold(&self, seq: u64, found: Integration) {
        let found = Arc::new(found);
        let look_at = self.what_is_due(&found, now()).at();
        let mut held = self.held.lock();
        if held.all.get(&found.key).is_some_and(|one| one.seq >= seq) {
            return;
        }
        let before = held.all.insert(found.key.clone(), One { seq, found: found.clone(), look_at });
        held.look_at(&found.key, before.and_then(|one| one.look_at), look_at);
        // Under the lock, so that the older is not told last. Nobody may listen.
        let _ = self.changed.send(found);
    }

    /// What is due, at most so many; each is given again a second later, unless it changed.
    pub(crate) fn due(&self, now: Micros, most: usize) -> Vec<(Arc<Integration>, Due)> {
        let mut held = self.held.lock();
        let looked: Vec<_> = held.due.iter().take_while(|(at, _)| *at <= now).take(most).cloned().collect();
        let mut due = Vec::new();
        for (at, key) in looked {
            let Some(found) = held.all.get(&key).map(|one| one.found.clone()) else { continue };
            let what = self.what_is_due(&found, now);
            let is_now = what.at().is_some_and(|at| at <= now);
            let next = if is_now { Some(now + SECOND) } else { what.at() };
            held.look_at(&key, Some(at), next);
            if let Some(one) = held.all.get_mut(&key) {
                one.look_at = next;
            }
            if is_now {
                due.push((found, what));
            }
        }
        due
    }

    /// An integration as it was last heard of.
    pub(crate) fn held(&self, key: &Key) -> Option<Arc<Integration>> {
        self.held.lock().all.get(key).map(|one| one.found.clone())
    }

    /// All of them, as they were last heard of.
    pub(crate) fn all(&self) -> Vec<Arc<Integration>> {
        self.held.lock().all.values().map(|one| one.found.clone()).collect()
    }

    /// Every change from now on, whoever makes it.
    pub(crate) fn listen(&self) -> broadcast::Receiver<Arc<Integration>> {
        self.changed.subscribe()
    }

    /// Waits until everything was read once.
    pub(crate) async fn first_read(&self) {
        // The sender lives as long as this.
        let _ = self.is_read.subscribe().wait_for(|is_read| *is_read).await;
    }

    /// Why the store cannot be read now, if so.
    pub(crate) fn trouble(&self) -> Option<&'static str> {
        let is_well = self.is_read() && !self.is_away.load(Ordering::Relaxed);
        (!is_well).then_some("the store of integrations cannot be read")
    }

    /// Whether everything was read at least once.
    pub(crate) fn is_read(&self) -> bool {
        *self.is_read.borrow()
    }
}

impl InMemory {
    fn look_at(&mut self, key: &Key, before: Option<Micros>, next: Option<Micros>) {
        if let Some(at) = before {
            self.due.remove(&(at, key.clone()));
        }
        if let Some(at) = next {
            self.due.insert((at, key.clone()));
        }
    }
}

impl Key {
    /// Under which name it is stored. Ids have no control characters.
    fn name(&self) -> String {
        format!("{}\u{1e}{}\u{1e}{}", self.source, self.tenant, self.extension)
    }
}

/// What a row says, if it is about the user whose row it is.
fn read(row: &Row) -> Result<Integration, ChangeError> {
    let found: Integration = serde_json::from_str(&row.value)?;
    if found.key.name() == row.name { Ok(found) } else { Err(ChangeError::Misplaced) }
}

/// Whose a row is, for people.
fn whose(row: &Row) -> String {
    row.name.replace('\u{1e}', "/")
}
