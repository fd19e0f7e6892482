//! The nodes that there are: a sorted set by when each was there last. What they counted of a tenant's day is a hash by
//! node. A node that was restarted is another one, and what it counted before stays until the day is over.

use super::{
    Redis,
    keyspace::{Keyspace, millis},
};
use crate::{
    clock::{Micros, micros, now},
    engine::{EngineError, Heard},
    id::TenantId,
    link::Request,
};
use redis::pipe;
use std::{collections::HashMap, sync::Arc, time::Duration};
use uuid::Uuid;

/// A node that said nothing for so long has gone.
const LEASE: Duration = Duration::from_secs(20);
/// What was counted of a day goes by itself so long after it was told last.
const KEPT: Duration = Duration::from_secs(30 * 60 * 60);
/// The most nodes, and those that were before them, of which something is kept in a day.
const MOST: usize = 64;

/// What nodes tell each other in Redis.
pub(crate) struct NodeKeys {
    store: Arc<Keyspace>,
    /// Of this node.
    name: String,
}

impl Redis {
    /// Under a name of its own.
    pub(in crate::engine) fn nodes(&self) -> NodeKeys {
        NodeKeys { store: self.store.clone(), name: Uuid::new_v4().to_string() }
    }
}

impl NodeKeys {
    pub(in crate::engine) async fn count(&self) -> Result<u64, EngineError> {
        let (key, now) = (self.store.keys.nodes(), now());
        let mut ask = pipe();
        ask.zadd(&key, &self.name, now).ignore();
        ask.zrembyscore(&key, 0, now.saturating_sub(micros(LEASE))).ignore();
        ask.pexpire(&key, millis(LEASE).cast_signed()).ignore();
        ask.zcard(&key);
        let (count,): (u64,) = self.store.link.ask(Request::Pipeline(&ask)).await?;
        Ok(count)
    }

    pub(in crate::engine) async fn tell(&self, tenant: &TenantId, heard: Heard) -> Result<(), EngineError> {
        let key = self.store.keys.tenant(tenant).heard();
        let text = serde_json::to_string(&heard).unwrap_or_default();
        // Of a tenant nothing stays longer than all the rest of it.
        let kept = KEPT.min(self.store.hold);
        let mut ask = pipe();
        ask.hset(&key, &self.name, text).ignore();
        ask.pexpire(&key, millis(kept).cast_signed()).ignore();
        Ok(self.store.link.ask(Request::Pipeline(&ask)).await?)
    }

    pub(in crate::engine) async fn others(
        &self,
        tenant: &TenantId,
        day: Micros,
    ) -> Result<Vec<Heard>, EngineError> {
        let key = self.store.keys.tenant(tenant).heard();
        let mut ask = pipe();
        ask.hgetall(&key);
        let (stored,): (HashMap<String, String>,) = self.store.link.ask(Request::Pipeline(&ask)).await?;
        let (mut others, mut over) = (Vec::new(), Vec::new());
        for (node, text) in stored.into_iter().filter(|(node, _)| *node != self.name) {
            match serde_json::from_str::<Heard>(&text) {
                Ok(heard) if heard.day >= day => others.push((heard, node)),
                _ => over.push(node),
            }
        }
        // Those that counted most stay.
        others.sort_by_key(|(heard, _)| std::cmp::Reverse(heard.late + heard.duplicate + heard.out_of_order));
        over.extend(others.drain(MOST.min(others.len())..).map(|(_, node)| node));
        if !over.is_empty() {
            let mut forget = pipe();
            forget.hdel(&key, over).ignore();
            self.store.link.ask::<()>(Request::Pipeline(&forget)).await?;
        }
        Ok(others.into_iter().map(|(heard, _)| heard).filter(|heard| heard.day == day).collect())
    }
}
