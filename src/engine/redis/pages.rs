//! A tenant's calls page by page, those that changed last first: the index says which, and the items are read after it.
//! What changes in between comes again to whoever listens.

use super::{Redis, keys, keyspace::Keyspace};
use crate::{
    clock::now,
    engine::{CallsBefore, EngineError, Page, Position},
    id::{Kind, TenantId},
    link::{Request, call},
};
use redis::{Script, pipe};
use std::{ops::Range, sync::Arc};

/// The script that looks at the index.
pub(crate) struct Pages {
    store: Arc<Keyspace>,
    script: Script,
}

impl Redis {
    pub(in crate::engine) async fn before(
        &self,
        tenant: &TenantId,
        below: u64,
        most: usize,
    ) -> Result<CallsBefore, EngineError> {
        let _turn = self.turn().await?;
        self.pages.before(tenant, below, most).await
    }
}

impl Pages {
    pub(crate) fn new(store: Arc<Keyspace>) -> Self {
        let script = concat!(include_str!("scripts/open.lua"), include_str!("scripts/page.lua"));
        Self { store, script: Script::new(script) }
    }

    /// The calls whose last change has a number between two, so many at most; without those that are forgotten.
    pub(crate) async fn read(
        &self,
        tenant: &TenantId,
        between: Range<u64>,
        most: usize,
    ) -> Result<Page, EngineError> {
        let names = self.store.keys.tenant(tenant);
        let mut ask = call(&self.script, 2);
        ask.arg(names.head()).arg(names.changes(Kind::Call));
        ask.arg(self.store.fresh_epoch()).arg(now() / 1000).arg(self.store.hold());
        // As a score: a larger one would be written in another form.
        ask.arg(between.start).arg(between.end.min(i64::MAX as u64)).arg(most);
        let (epoch, seq, listed): (String, u64, Vec<(String, u64)>) =
            self.store.link.ask(Request::Script(&self.script, &ask)).await?;
        let CallsBefore { items, next, since } = self.of(tenant, listed, most).await?;
        Ok(Page { position: Position { epoch: epoch.into(), seq }, items, next, since })
    }

    /// The same of those below a number, for whoever does not listen: it makes no head, and prolongs no life.
    pub(crate) async fn before(
        &self,
        tenant: &TenantId,
        below: u64,
        most: usize,
    ) -> Result<CallsBefore, EngineError> {
        let mut ask = pipe();
        ask.cmd("ZREVRANGEBYSCORE").arg(self.store.keys.tenant(tenant).changes(Kind::Call));
        ask.arg(format!("({}", below.min(i64::MAX as u64))).arg("-inf").arg("WITHSCORES");
        ask.arg("LIMIT").arg(0).arg(most);
        let (listed,): (Vec<(String, u64)>,) = self.store.link.ask(Request::Pipeline(&ask)).await?;
        self.of(tenant, listed, most).await
    }

    /// Reads what is listed.
    async fn of(
        &self,
        tenant: &TenantId,
        listed: Vec<(String, u64)>,
        most: usize,
    ) -> Result<CallsBefore, EngineError> {
        let next = listed.last().filter(|_| listed.len() == most).map(|(_, seq)| *seq);
        let keys = listed.iter().filter_map(|(member, _)| keys::item_of(tenant, member)).collect();
        let read = self.store.read(tenant, keys, None).await?.unwrap_or_default();
        let since = read.values().map(|stored| stored.touched).min().unwrap_or_default();
        let items = read.into_iter().map(|(key, stored)| (key, stored.set)).collect();
        Ok(CallsBefore { items, next, since })
    }

    /// Takes out of the index what is surely forgotten; to be called now and then.
    pub(crate) async fn trim(&self, tenant: &TenantId) -> Result<(), EngineError> {
        let names = self.store.keys.tenant(tenant);
        let mut look = pipe();
        look.hget(names.head(), "floor");
        let (floor,): (Option<u64>,) = self.store.link.ask(Request::Pipeline(&look)).await?;
        let mut trim = pipe();
        // What changed later is indexed still, for those who resume.
        trim.zrembyscore(names.changes(Kind::Call), 0, floor.unwrap_or_default()).ignore();
        Ok(self.store.link.ask::<()>(Request::Pipeline(&trim)).await?)
    }
}
