//! Ends what is long silent. Redis forgets what is old by itself; but a call that nothing is heard
//! of must be ended by someone, also where nobody watches it. The nodes take turns.

use super::{keys, keyspace::Keyspace, stored::touched};
use crate::{
    clock::{micros, now},
    engine::EngineError,
    id::{ItemKey, TenantId},
    item::ItemEvent,
    link::{Request, call},
};
use dashmap::DashSet;
use parking_lot::Mutex;
use redis::{Script, pipe};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use uuid::Uuid;

/// A turn. The next begins when it is over, whoever takes it.
pub(super) const TURN: Duration = Duration::from_secs(5);
/// How long a list of tenants that Redis lost stays lost.
const LIST_AGAIN: Duration = Duration::from_secs(15);
/// Items that are looked at in one go.
const TOGETHER: usize = 512;

/// What one node knows for its turns.
pub(crate) struct Sweeper {
    store: Arc<Keyspace>,
    expire_after: Duration,
    /// The tenants that are known to be listed in Redis.
    listed: DashSet<TenantId>,
    last_listed: Mutex<Instant>,
    last_turn: Mutex<Instant>,
    name: String,
    retire: Script,
}

impl Sweeper {
    pub(crate) fn new(store: Arc<Keyspace>, expire_after: Duration) -> Self {
        let retire = Script::new(include_str!("scripts/retire.lua"));
        Self {
            store,
            expire_after,
            listed: DashSet::new(),
            last_listed: Mutex::new(Instant::now()),
            last_turn: Mutex::new(Instant::now()),
            name: Uuid::new_v4().to_string(),
            retire,
        }
    }

    /// Lets every node know of a tenant, before its first commit here.
    pub(crate) async fn list(&self, tenant: &TenantId) -> Result<(), EngineError> {
        if self.listed.contains(tenant) {
            return Ok(());
        }
        self.add(std::slice::from_ref(tenant)).await?;
        self.listed.insert(tenant.clone());
        Ok(())
    }

    /// Lists this node's tenants again, now and then: Redis may have lost its list alone.
    async fn list_again(&self) -> Result<(), EngineError> {
        let listed: Vec<TenantId> = match is_due(&self.last_listed, LIST_AGAIN) {
            true => self.listed.iter().map(|tenant| tenant.clone()).collect(),
            false => Vec::new(),
        };
        for some in listed.chunks(TOGETHER) {
            self.add(some).await?;
        }
        Ok(())
    }

    async fn add(&self, tenants: &[TenantId]) -> Result<(), EngineError> {
        let mut add = pipe();
        add.cmd("ZADD").arg(self.store.keys.tenants()).arg("NX").ignore();
        tenants.iter().for_each(|tenant| _ = add.arg(now()).arg(tenant.as_str()));
        Ok(self.store.link.ask::<()>(Request::Pipeline(&add)).await?)
    }

    /// The tenants to look at, where it is this node's turn.
    pub(crate) async fn turn(&self) -> Result<Vec<TenantId>, EngineError> {
        if !is_due(&self.last_turn, TURN / 4) {
            return Ok(Vec::new());
        }
        self.list_again().await?;
        if !self.takes_turn().await? {
            return Ok(Vec::new());
        }
        let mut tenants = pipe();
        tenants.cmd("ZRANGE").arg(self.store.keys.tenants()).arg(0).arg(-1);
        let (tenants,): (Vec<String>,) = self.store.link.ask(Request::Pipeline(&tenants)).await?;
        Ok(tenants.into_iter().filter_map(|id| id.try_into().ok()).collect())
    }

    async fn takes_turn(&self) -> Result<bool, EngineError> {
        let mut take = pipe();
        let turn = TURN.as_millis() as u64;
        take.cmd("SET").arg(self.store.keys.sweeper()).arg(&self.name).arg("NX").arg("PX").arg(turn);
        let (taken,): (Option<String>,) = self.store.link.ask(Request::Pipeline(&take)).await?;
        Ok(taken.is_some())
    }

    /// What ends the live items of a tenant that nothing was heard of for long.
    pub(crate) async fn silent(&self, tenant: &TenantId) -> Result<Vec<ItemEvent>, EngineError> {
        let keys = self.store.keys.tenant(tenant);
        let mut look = pipe();
        look.exists(keys.head()).cmd("ZRANGE").arg(keys.live()).arg(0).arg(-1);
        let (exists, live): (bool, Vec<String>) = self.store.link.ask(Request::Pipeline(&look)).await?;
        if !exists {
            let mut remove = pipe();
            remove.cmd("ZREM").arg(self.store.keys.tenants()).arg(tenant.as_str()).ignore();
            self.store.link.ask::<()>(Request::Pipeline(&remove)).await?;
            self.listed.remove(tenant);
            return Ok(Vec::new());
        }
        let live: Vec<ItemKey> = live.iter().filter_map(|member| keys::item_of(tenant, member)).collect();
        let mut silent = Vec::new();
        for some in live.chunks(TOGETHER) {
            silent.extend(self.silent_among(tenant, some).await?);
        }
        Ok(silent)
    }

    async fn silent_among(
        &self,
        tenant: &TenantId,
        items: &[ItemKey],
    ) -> Result<Vec<ItemEvent>, EngineError> {
        let keys = self.store.keys.tenant(tenant);
        let mut states = pipe();
        for key in items {
            states.hget(keys.item(key), "=");
        }
        let states: Vec<Option<String>> = self.store.link.ask(Request::Pipeline(&states)).await?;
        let before = now().saturating_sub(micros(self.expire_after));
        let is_old =
            |state: &Option<String>| state.as_deref().and_then(touched).is_none_or(|at| at <= before);
        let old: Vec<_> = items.iter().zip(states).filter(|(_, state)| is_old(state)).collect();
        let stored =
            self.store.read(tenant, old.iter().map(|(key, _)| (*key).clone()).collect(), None).await?;
        let stored = stored.unwrap_or_default();
        let mut silent = Vec::new();
        for (key, state) in old {
            let Some(stored) = stored.get(key).filter(|stored| stored.set.is_live()) else {
                self.retire(key, state).await?;
                continue;
            };
            let expiry = stored.set.expiry(self.expire_after);
            silent.extend(expiry.map(|event| ItemEvent { key: key.clone(), event }));
        }
        Ok(silent)
    }

    /// For an item that has ended, though the script could not see it, or that is forgotten.
    async fn retire(&self, key: &ItemKey, state: Option<String>) -> Result<(), EngineError> {
        let keys = self.store.keys.tenant(&key.tenant);
        let mut ask = call(&self.retire, 2);
        ask.arg(keys.live()).arg(keys.item(key));
        ask.arg(keys::member(key)).arg(state.unwrap_or_default());
        Ok(self.store.link.ask::<u64>(Request::Script(&self.retire, &ask)).await.map(drop)?)
    }
}

/// Whether the last time is long enough ago; if so, it is now.
fn is_due(last: &Mutex<Instant>, every: Duration) -> bool {
    let mut last = last.lock();
    let is_due = last.elapsed() >= every;
    if is_due {
        *last = Instant::now();
    }
    is_due
}
