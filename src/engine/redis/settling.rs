//! How items that have ended become one value, in a turn of the sweep, and have their events back before another comes.
//! Both are one script each, which does nothing where the item changed since it was read: a node that is killed between
//! reading and writing leaves it as it was.

use super::{
    addition::Addition,
    content::shrink,
    keys::{TenantKeys, item_of, member},
    keyspace::{Fate, Found, Keyspace, UNREADABLE, Verdict, millis},
    settled::{Rows, Settled},
    stored::{STATE, Stored, has_ended, touched},
};
use crate::{
    call::MAX_TOLD_CONTENT,
    clock::{micros, now},
    engine::{EngineError, EngineMetrics},
    event_set::Identity,
    id::{ItemKey, Kind, TenantId},
    link::{Request, call},
};
use redis::{Script, pipe};
use std::{
    collections::HashSet,
    str,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::task::spawn_blocking;

/// Items that are settled in one go.
const TOGETHER: usize = 32;
/// How often a commit is tried again whose items were settled once more meanwhile.
const TRIES: usize = 3;
const SETTLING: EngineError = EngineError::Unavailable("the call is being settled");

/// The scripts that do so.
pub(super) struct Settling {
    store: Arc<Keyspace>,
    metrics: Arc<EngineMetrics>,
    settle_after: Duration,
    settle: Script,
    warm: Script,
}

/// An item that may be settled, as it was read.
struct Candidate {
    key: ItemKey,
    /// Its field `=`; empty where there is no such item.
    state: String,
    /// Something happened to it a moment ago: its turn comes once more.
    waits: bool,
    /// All that it has, where it has ended, and may be settled.
    whole: Option<(Rows, Found)>,
}

/// The value that it becomes, and whether that has what its summary says.
type OneValue = (Vec<u8>, bool);

impl Settling {
    pub(super) fn new(store: Arc<Keyspace>, metrics: Arc<EngineMetrics>, settle_after: Duration) -> Self {
        let settle = Script::new(include_str!("scripts/settle.lua"));
        let warm = Script::new(include_str!("scripts/warm.lua"));
        Self { store, metrics, settle_after, settle, warm }
    }

    /// Settles what has ended and was left alone for long enough, as much as there is time for.
    pub(super) async fn settle(&self, tenant: &TenantId, until: Instant) -> Result<(), EngineError> {
        while Instant::now() < until {
            let due = self.due(tenant).await?;
            // Where nothing goes on, there is nothing to be done here.
            if due.is_empty() || self.settle_some(tenant, due).await? == 0 {
                break;
            }
        }
        Ok(())
    }

    /// Those that ended first, where any of them was left alone for long enough.
    async fn due(&self, tenant: &TenantId) -> Result<Vec<ItemKey>, EngineError> {
        let names = self.store.keys.tenant(tenant);
        let ended = names.ended();
        let mut look = pipe();
        // Here rather than in each commit, which has more to do.
        look.cmd("PEXPIRE").arg(&ended).arg(self.store.hold_index()).ignore();
        look.cmd("LRANGE").arg(&ended).arg(0).arg(TOGETHER - 1);
        let (members,): (Vec<String>,) = self.store.link.ask(Request::Pipeline(&look)).await?;
        if members.is_empty() {
            return Ok(Vec::new());
        }
        let mut keys = Vec::new();
        let mut ask = pipe();
        for name in &members {
            match item_of(tenant, name) {
                Some(key) => {
                    ask.cmd("HGET").arg(names.item(&key)).arg(STATE);
                    keys.push(key);
                }
                // Nobody's: it would stand before the others for ever.
                None => _ = ask.cmd("LREM").arg(&ended).arg(1).arg(name).ignore(),
            }
        }
        let states: Vec<Option<String>> = self.store.link.ask(Request::Pipeline(&ask)).await?;
        let before = self.before();
        if states.iter().flatten().filter(|state| is_busy(state, before)).count() == keys.len() {
            keys.clear();
        }
        Ok(keys)
    }

    /// What was touched last before this was left alone for long enough, in milliseconds.
    fn before(&self) -> u64 {
        now().saturating_sub(micros(self.settle_after)) / 1000
    }

    /// Tells how many need not be looked at again at once.
    async fn settle_some(&self, tenant: &TenantId, keys: Vec<ItemKey>) -> Result<usize, EngineError> {
        let mut candidates = self.read(tenant, keys).await?;
        let mut found: Vec<Found> = Vec::new();
        let mut apart = Vec::new();
        for (nth, candidate) in candidates.iter_mut().enumerate() {
            if let Some((rows, whole)) = candidate.whole.take() {
                apart.push((nth, rows, whole.stored.set.apart()));
                found.push(whole);
            }
        }
        self.store.tell(tenant, &mut found, MAX_TOLD_CONTENT).await?;
        // It takes some milliseconds, and there are calls to be delivered meanwhile.
        let write = move || -> Vec<(usize, Option<OneValue>)> {
            let whole = apart.into_iter().zip(&found);
            whole.map(|((nth, rows, apart), found)| (nth, one_value(&rows, apart, found))).collect()
        };
        let mut values: Vec<Option<OneValue>> = candidates.iter().map(|_| None).collect();
        for (nth, value) in spawn_blocking(write).await.unwrap_or_default() {
            values[nth] = value;
        }
        self.write(tenant, candidates.iter().zip(values)).await
    }

    async fn read(&self, tenant: &TenantId, keys: Vec<ItemKey>) -> Result<Vec<Candidate>, EngineError> {
        let names = self.store.keys.tenant(tenant);
        let mut read = pipe();
        keys.iter().for_each(|key| _ = read.cmd("HGETALL").arg(names.item(key)));
        let rows: Vec<Rows> = self.store.link.ask(Request::Pipeline(&read)).await?;
        let before = self.before();
        Ok(keys.into_iter().zip(rows).map(|(key, rows)| Candidate::new(key, rows, before)).collect())
    }

    async fn write(
        &self,
        tenant: &TenantId,
        items: impl ExactSizeIterator<Item = (&Candidate, Option<OneValue>)>,
    ) -> Result<usize, EngineError> {
        let names = self.store.keys.tenant(tenant);
        let mut ask = call(&self.settle, 1 + 4 * items.len());
        ask.arg(names.ended());
        let items: Vec<_> = items.collect();
        items.iter().for_each(|(candidate, _)| _ = ask.arg(&keys_of(&names, &candidate.key)));
        ask.arg(self.store.hold_ghost());
        for (Candidate { key, state, waits, .. }, value) in items {
            let left = self.left(key.kind, state);
            let (value, has_content) = value.filter(|_| left > 0).unwrap_or_default();
            ask.arg(member(key))
                .arg(state)
                .arg(value)
                .arg(left)
                .arg(u8::from(has_content))
                .arg(u8::from(*waits));
        }
        let (settled, done): (u64, usize) = self.store.link.ask(Request::Script(&self.settle, &ask)).await?;
        self.metrics.redis_settled.inc_by(settled);
        Ok(done)
    }

    /// How long an item stays that has ended, in milliseconds.
    fn left(&self, kind: Kind, state: &str) -> u64 {
        let until = touched(state).unwrap_or_default() / 1000 + millis(self.store.limits.of(kind).keep);
        until.saturating_sub(now() / 1000)
    }

    /// Commits events of a tenant. Those whose items are settled are committed after the others, once the items are warm.
    pub(super) async fn commit<'a>(
        &self,
        tenant: &TenantId,
        entries: impl ExactSizeIterator<Item = &'a Addition> + Clone,
    ) -> Result<Vec<Fate>, EngineError> {
        let mut fates = self.store.commit(tenant, entries.clone()).await?;
        for _ in 0..TRIES {
            let settled = entries.clone().zip(&fates).enumerate();
            let settled = settled.filter(|(_, (_, fate))| matches!(fate, Ok(None)));
            let (places, entries): (Vec<usize>, Vec<&Addition>) =
                settled.map(|(nth, (entry, _))| (nth, entry)).unzip();
            if places.is_empty() {
                break;
            }
            let again = self.commit_warm(tenant, &entries).await;
            for (nth, place) in places.into_iter().enumerate() {
                fates[place] = again.as_ref().map_err(Clone::clone).and_then(|again| again[nth].clone());
            }
        }
        Ok(fates.into_iter().map(|fate| fate?.ok_or(SETTLING)).collect())
    }

    async fn commit_warm(
        &self,
        tenant: &TenantId,
        entries: &[&Addition],
    ) -> Result<Vec<Verdict>, EngineError> {
        let keys: HashSet<&ItemKey> = entries.iter().map(|entry| entry.key()).collect();
        for key in keys {
            self.warm(key).await?;
        }
        self.store.commit(tenant, entries.iter().copied()).await
    }

    /// Gives an item its events back.
    async fn warm(&self, key: &ItemKey) -> Result<(), EngineError> {
        let names = self.store.keys.tenant(&key.tenant);
        let mut read = pipe();
        read.cmd("GET").arg(names.settled(key));
        let (value,): (Option<Vec<u8>>,) = self.store.link.ask(Request::Pipeline(&read)).await?;
        let value = value.unwrap_or_default();
        let settled = if value.is_empty() { None } else { Some(Settled::read(&value).ok_or(UNREADABLE)?) };
        let rows = settled.as_ref().map(|settled| settled.rows(key.kind).ok_or(UNREADABLE)).transpose()?;
        let rows = rows.unwrap_or_default();
        let told = match settled.as_ref().and_then(Settled::told) {
            Some((of, json)) => [of.as_bytes(), b"=", &shrink(json)?].concat(),
            None => Vec::new(),
        };
        let state = rows.iter().find(|(field, _)| field == STATE).map_or("", |(_, value)| *value);
        let mut ask = call(&self.warm, 5);
        ask.arg(names.ended()).arg(&keys_of(&names, key));
        ask.arg(&value).arg(self.store.hold_ghost());
        ask.arg(self.left(key.kind, state).max(1)).arg(member(key)).arg(told);
        rows.iter().for_each(|(field, value)| _ = ask.arg(field).arg(value));
        let warmed: u64 = self.store.link.ask(Request::Script(&self.warm, &ask)).await?;
        self.metrics.redis_warmed.inc_by(warmed);
        Ok(())
    }
}

impl Candidate {
    fn new(key: ItemKey, rows: Rows, before: u64) -> Self {
        let state = rows.get(STATE.as_bytes()).and_then(|state| str::from_utf8(state).ok());
        let state = state.unwrap_or_default().to_owned();
        let waits = is_busy(&state, before);
        let values = rows.values().filter_map(|value| str::from_utf8(value).ok());
        let may_settle = has_ended(&state) && !waits;
        let stored = may_settle.then(|| Stored::read(key.kind, values, u64::MAX, || {})).flatten();
        let whole = stored.map(|stored| Found { key: key.clone(), stored });
        Self { key, state, waits, whole: whole.map(|found| (rows, found)) }
    }
}

/// Whether something happened to an item after that time, in milliseconds, as its state says.
fn is_busy(state: &str, before: u64) -> bool {
    touched(state).is_some_and(|at| at / 1000 > before)
}

/// None where it stays as it is: there is a row that cannot be read, or it is too large. What a summary says that goes with
/// no frame stays apart.
fn one_value(rows: &Rows, apart: Option<(Identity, usize)>, found: &Found) -> Option<OneValue> {
    let apart = apart.filter(|(_, bytes)| *bytes <= MAX_TOLD_CONTENT).map(|(which, _)| which);
    let told = match apart {
        Some(which) => Some((which, found.stored.set.content_of(which)?)),
        None => None,
    };
    Some((Settled::new(found.key.kind, rows, told)?.write()?, told.is_some()))
}

/// The item, its ghost, its one value, and what its summary says.
fn keys_of(names: &TenantKeys, key: &ItemKey) -> [String; 4] {
    let [item, ghost] = names.item_and_ghost(key);
    [item, ghost, names.settled(key), names.content(key)]
}
