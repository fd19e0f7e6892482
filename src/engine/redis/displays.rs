//! Tenants' displays in Redis: a hash by id, which every node reads whenever it needs one. They go together when none of
//! them was used for so long; one that is unused among others stays until its place is needed, and is not shown.

use super::{keys::Keys, keyspace::UNREADABLE, pairings::PairingKeys, receipt};
use crate::{
    clock::{Micros, now},
    display::{Display, MOST_OF_TENANT},
    engine::{DisplayKey, EngineError, EngineMetrics, Looked, Receipt},
    id::TenantId,
    link::{Confirm, Link, Request, call_of},
};
use futures_util::{StreamExt, stream};
use redis::{Script, pipe};
use std::{collections::HashMap, sync::Arc, time::Duration};
use uuid::Uuid;

/// Displays that are asked for in one go.
const TOGETHER: usize = 512;
/// The same on a cluster, where each is asked for by itself.
const AT_ONCE: usize = 64;
/// They stay for so long beyond the time after which they are unused.
const MARGIN: Duration = Duration::from_secs(60 * 60);
/// How often a change is begun again since somebody else made one.
const TRIES: usize = 5;
const CHANGING: EngineError = EngineError::Unavailable("the display is being changed");

/// The displays in Redis.
pub(crate) struct DisplayKeys {
    keys: Keys,
    link: Arc<Link>,
    /// None where a promise is of memory only.
    confirm: Option<Arc<Confirm>>,
    pub(in crate::engine) pairings: PairingKeys,
    put: Script,
    unused: Duration,
    metrics: Arc<EngineMetrics>,
}

/// What became of one that was to be put.
enum Put {
    Done(Receipt),
    /// Something else is there than was expected.
    Other,
    Full,
}

impl DisplayKeys {
    pub(super) fn new(
        keys: Keys,
        link: Arc<Link>,
        confirm: Option<Arc<Confirm>>,
        unused: Duration,
        metrics: Arc<EngineMetrics>,
    ) -> Self {
        let pairings = PairingKeys::new(keys.clone(), link.clone());
        let put =
            Script::new(concat!(include_str!("scripts/open.lua"), include_str!("scripts/displays.lua")));
        Self { keys, link, confirm, pairings, put, unused, metrics }
    }

    pub(in crate::engine) async fn get(
        &self,
        tenant: &TenantId,
        id: Uuid,
    ) -> Result<Option<Display>, EngineError> {
        let Some(stored) = self.stored(tenant, id).await? else { return Ok(None) };
        self.read(tenant, &stored).map(Some).ok_or(UNREADABLE)
    }

    /// What cannot be read is counted and left out.
    pub(in crate::engine) async fn list(&self, tenant: &TenantId) -> Result<Vec<Display>, EngineError> {
        let all = self.all(tenant).await?;
        Ok(all.values().filter_map(|stored| self.read(tenant, stored)).collect())
    }

    /// One server of a cluster that is away hides nothing of the others.
    pub(in crate::engine) async fn look(&self, some: Vec<DisplayKey>) -> Looked {
        let together = if self.link.is_cluster() { 1 } else { TOGETHER };
        let looks: Vec<_> = some.chunks(together).map(|some| self.gone(some.to_vec())).collect();
        let all = stream::iter(looks).buffer_unordered(AT_ONCE);
        all.fold(Looked::default(), async |mut all, looked| {
            match looked {
                Ok(gone) => all.gone.extend(gone),
                Err(_) => all.failed += 1,
            }
            all
        })
        .await
    }

    async fn gone(&self, some: Vec<DisplayKey>) -> Result<Vec<DisplayKey>, EngineError> {
        let mut ask = pipe();
        for (tenant, id) in &some {
            ask.hexists(self.keys.tenant(tenant).displays(), id.to_string());
        }
        let are_there: Vec<bool> = self.link.ask(Request::Pipeline(&ask)).await?;
        let looked_at = some.into_iter().zip(are_there);
        Ok(looked_at.filter(|(_, is_there)| !is_there).map(|(key, _)| key).collect())
    }

    pub(in crate::engine) async fn add(
        &self,
        tenant: &TenantId,
        display: &Display,
    ) -> Result<Option<Receipt>, EngineError> {
        let fresh = encode(display)?;
        let mut is_tidy = false;
        loop {
            match self.put(tenant, display.id, "", &fresh).await? {
                Put::Done(receipt) => return Ok(Some(receipt)),
                Put::Other => return Err(CHANGING),
                Put::Full if is_tidy => return Ok(None),
                Put::Full => self.forget_unused(tenant).await?,
            }
            is_tidy = true;
        }
    }

    pub(in crate::engine) async fn see(
        &self,
        tenant: &TenantId,
        id: Uuid,
        at: Micros,
    ) -> Result<(), EngineError> {
        for _ in 0..TRIES {
            let Some(stored) = self.stored(tenant, id).await? else { return Ok(()) };
            let known = self.read(tenant, &stored).ok_or(UNREADABLE)?;
            let seen = Display { last_seen_at: known.last_seen_at.max(Some(at)), ..known };
            if !matches!(self.put(tenant, id, &stored, &encode(&seen)?).await?, Put::Other) {
                return Ok(());
            }
        }
        Err(CHANGING)
    }

    pub(in crate::engine) async fn remove(
        &self,
        tenant: &TenantId,
        id: Uuid,
    ) -> Result<Option<Receipt>, EngineError> {
        for _ in 0..TRIES {
            let Some(stored) = self.stored(tenant, id).await? else { return Ok(None) };
            if let Put::Done(receipt) = self.put(tenant, id, &stored, "").await? {
                return Ok(Some(receipt));
            }
        }
        Err(CHANGING)
    }

    /// Takes those away that were not used for so long.
    async fn forget_unused(&self, tenant: &TenantId) -> Result<(), EngineError> {
        let now = now();
        for (id, stored) in self.all(tenant).await? {
            let is_unused = |display: Display| display.is_unused(now, self.unused);
            if let (Ok(id), true) = (id.parse(), self.read(tenant, &stored).is_some_and(is_unused)) {
                self.put(tenant, id, &stored, "").await?;
            }
        }
        Ok(())
    }

    async fn put(
        &self,
        tenant: &TenantId,
        id: Uuid,
        expected: &str,
        fresh: &str,
    ) -> Result<Put, EngineError> {
        let names = self.keys.tenant(tenant);
        let mut ask = call_of(&self.put, 1, expected.len() + fresh.len());
        ask.arg(names.displays()).arg(id.to_string()).arg(expected).arg(fresh).arg(MOST_OF_TENANT);
        ask.arg((self.unused + MARGIN).as_millis() as u64);
        let said: String = self.link.ask(Request::Script(&self.put, &ask)).await?;
        match said.as_str() {
            "other" => Ok(Put::Other),
            "full" => Ok(Put::Full),
            history => receipt(self.confirm.as_deref(), || names.fence(), history.into()).map(Put::Done),
        }
    }

    async fn stored(&self, tenant: &TenantId, id: Uuid) -> Result<Option<String>, EngineError> {
        let mut ask = pipe();
        ask.hget(self.keys.tenant(tenant).displays(), id.to_string());
        let (stored,): (Option<String>,) = self.link.ask(Request::Pipeline(&ask)).await?;
        Ok(stored)
    }

    async fn all(&self, tenant: &TenantId) -> Result<HashMap<String, String>, EngineError> {
        let mut ask = pipe();
        ask.hgetall(self.keys.tenant(tenant).displays());
        let (all,): (HashMap<String, String>,) = self.link.ask(Request::Pipeline(&ask)).await?;
        Ok(all)
    }

    fn read(&self, tenant: &TenantId, stored: &str) -> Option<Display> {
        let read = serde_json::from_str(stored).ok();
        if read.is_none() {
            self.metrics.on_unreadable(&format!("a display of {tenant}"));
        }
        read
    }
}

fn encode(display: &Display) -> Result<String, EngineError> {
    serde_json::to_string(display).map_err(|_| UNREADABLE)
}
