//! What items say last of one rank of event, without the rest of them: who acts on a call again and again does not move
//! all of it through Redis each time.

use super::{
    keyspace::Keyspace,
    settled::is_settled,
    stored::{Stored, event_of, is_hidden},
};
use crate::{
    engine::EngineError,
    id::{ItemKey, TenantId},
    item::Glimpse,
    link::{Request, call},
};
use redis::Script;
use std::{str, sync::Arc};

/// Items that are looked at in one go.
const TOGETHER: usize = 256;

/// The script that looks.
pub(crate) struct Glimpses {
    store: Arc<Keyspace>,
    script: Script,
}

impl Glimpses {
    pub(crate) fn new(store: Arc<Keyspace>) -> Self {
        Self { store, script: Script::new(include_str!("scripts/glimpse.lua")) }
    }

    /// Of those items that there are, and that can be shown.
    pub(crate) async fn read(
        &self,
        tenant: &TenantId,
        keys: Vec<ItemKey>,
        rank: u32,
    ) -> Result<Vec<(ItemKey, Glimpse)>, EngineError> {
        let names = self.store.keys.tenant(tenant);
        let mut seen = Vec::new();
        for some in keys.chunks(TOGETHER) {
            let mut ask = call(&self.script, some.len());
            some.iter().for_each(|key| _ = ask.arg(names.item(key)));
            ask.arg(rank).arg(names.channel());
            let found: Vec<(String, usize, Vec<u8>)> =
                self.store.link.ask(Request::Script(&self.script, &ask)).await?;
            seen.extend(some.iter().zip(found).filter_map(|(key, (state, alike, value))| {
                if is_settled(&value) {
                    let stored = Stored::found(key.kind, &[value], u64::MAX, || {})?;
                    return Some((key.clone(), stored.set.glimpse(rank)?));
                }
                let event =
                    event_of(key.kind, str::from_utf8(&value).ok()?).filter(|_| !is_hidden(&state))?;
                Some((key.clone(), Glimpse { alike, event }))
            }));
        }
        Ok(seen)
    }
}
