//! Ends what is long silent. Redis forgets what is old by itself; but a call that nothing is heard
//! of must be ended by someone, also where nobody watches it. The nodes take turns.

use super::{keys, link::Request, store::Store};
use crate::{
    call::{CallEvent, LegKey, Micros, TenantId},
    engine::{EngineError, now},
};
use dashmap::DashSet;
use redis::{Script, pipe};
use std::{sync::Arc, time::Duration};
use uuid::Uuid;

/// A turn. The next begins when it is over, whoever takes it.
const TURN: Duration = Duration::from_secs(5);
/// Legs that are looked at in one go.
const TOGETHER: usize = 512;

/// What one node knows for its turns.
pub struct Sweeper {
    store: Arc<Store>,
    expire_after: Duration,
    /// The tenants that are known to be listed in Redis.
    listed: DashSet<TenantId>,
    name: String,
    retire: Script,
}

impl Sweeper {
    pub fn new(store: Arc<Store>, expire_after: Duration) -> Self {
        let retire = Script::new(include_str!("scripts/retire.lua"));
        Self { store, expire_after, listed: DashSet::new(), name: Uuid::new_v4().to_string(), retire }
    }

    /// Lets every node know of a tenant, before its first commit here.
    pub async fn list(&self, tenant: &TenantId) -> Result<(), EngineError> {
        if self.listed.contains(tenant) {
            return Ok(());
        }
        let mut add = pipe();
        add.cmd("ZADD").arg(self.store.keys.tenants()).arg("NX").arg(now()).arg(tenant.as_str()).ignore();
        self.store.link.ask::<()>(Request::Pipeline(&add)).await?;
        self.listed.insert(tenant.clone());
        Ok(())
    }

    /// Redis may have forgotten that it lists a tenant.
    pub fn unlist(&self, tenant: &TenantId) {
        self.listed.remove(tenant);
    }

    /// The silent legs of all tenants, where it is this node's turn.
    pub async fn silent(&self) -> Result<Vec<CallEvent>, EngineError> {
        let mut silent = Vec::new();
        if !self.takes_turn().await? {
            return Ok(silent);
        }
        let mut tenants = pipe();
        tenants.cmd("ZRANGE").arg(self.store.keys.tenants()).arg(0).arg(-1);
        let (tenants,): (Vec<String>,) = self.store.link.ask(Request::Pipeline(&tenants)).await?;
        for tenant in tenants.iter().filter_map(|id| TenantId::try_from(id.as_str()).ok()) {
            silent.extend(self.silent_of(&tenant).await?);
        }
        Ok(silent)
    }

    async fn takes_turn(&self) -> Result<bool, EngineError> {
        let mut take = pipe();
        let turn = TURN.as_millis() as u64;
        take.cmd("SET").arg(self.store.keys.sweeper()).arg(&self.name).arg("NX").arg("PX").arg(turn);
        let (taken,): (Option<String>,) = self.store.link.ask(Request::Pipeline(&take)).await?;
        Ok(taken.is_some())
    }

    async fn silent_of(&self, tenant: &TenantId) -> Result<Vec<CallEvent>, EngineError> {
        let keys = self.store.keys.tenant(tenant);
        let mut look = pipe();
        look.exists(keys.head()).cmd("ZRANGE").arg(keys.live()).arg(0).arg(-1);
        let (exists, live): (bool, Vec<String>) = self.store.link.ask(Request::Pipeline(&look)).await?;
        if !exists {
            let mut remove = pipe();
            remove.cmd("ZREM").arg(self.store.keys.tenants()).arg(tenant.as_str()).ignore();
            self.store.link.ask::<()>(Request::Pipeline(&remove)).await?;
            self.unlist(tenant);
            return Ok(Vec::new());
        }
        let live: Vec<LegKey> = live.iter().filter_map(|member| keys::leg_of(tenant, member)).collect();
        let mut silent = Vec::new();
        for some in live.chunks(TOGETHER) {
            silent.extend(self.silent_among(tenant, some).await?);
        }
        Ok(silent)
    }

    async fn silent_among(&self, tenant: &TenantId, legs: &[LegKey]) -> Result<Vec<CallEvent>, EngineError> {
        let keys = self.store.keys.tenant(tenant);
        let mut touched = pipe();
        for LegKey { extension, leg, .. } in legs {
            touched.hget(keys.mark(extension, leg), "touched");
        }
        let touched: Vec<Option<Micros>> = self.store.link.ask(Request::Pipeline(&touched)).await?;
        let before = now().saturating_sub(u64::try_from(self.expire_after.as_micros()).unwrap_or(u64::MAX));
        let old = legs.iter().zip(touched).filter(|(_, at)| at.is_none_or(|at| at <= before));
        let old: Vec<(&LegKey, Option<Micros>)> = old.collect();
        let stored = self.store.read(old.iter().map(|(key, _)| (*key).clone()), u64::MAX).await?;
        let mut silent = Vec::new();
        for (key, at) in old {
            let Some(stored) = stored.get(key).filter(|stored| stored.leg.is_live()) else {
                self.retire(key, at).await?;
                continue;
            };
            let LegKey { tenant, extension, leg } = key.clone();
            let expiry = stored.leg.expiry(self.expire_after);
            silent.extend(expiry.map(|event| CallEvent { tenant, extension, leg, event }));
        }
        Ok(silent)
    }

    /// For a leg that has ended, though the script could not see it, or that is forgotten.
    async fn retire(&self, key: &LegKey, touched: Option<Micros>) -> Result<(), EngineError> {
        let keys = self.store.keys.tenant(&key.tenant);
        let mut call = self.retire.prepare_invoke();
        call.key(keys.live()).key(keys.mark(&key.extension, &key.leg));
        call.arg(keys::member(&key.extension, &key.leg));
        call.arg(touched.map(|at| at.to_string()).unwrap_or_default());
        self.store.link.ask::<u64>(Request::Script(&call)).await.map(drop)
    }
}
