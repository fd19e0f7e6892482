//! Closed days, as an engine stores them, and the calls of a tenant as it gives them to be counted. A day is the figures
//! of a time that its legs answered until they went. What is in it is known below, when it is made is known above.
//!
//! Nothing waits for one: what is lost with a crash is made again, as long as the legs are there.

use super::{Engine, EngineError, Page, embedded, redis};
use crate::{
    board::Window,
    clock::Micros,
    id::{ItemKey, TenantId},
    item::ItemSet,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use std::{collections::BTreeMap, sync::Arc};

/// Those of one engine. Clones are one.
#[derive(Clone)]
pub(crate) enum StoredDays {
    Embedded(Arc<embedded::DayJournal>),
    Redis(Arc<redis::DayKeys>),
}

/// A day, in three parts that go at their own times.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredDay {
    /// When it was rolled up. Later for each time that it was.
    pub(crate) at: Micros,
    /// The figures of the tenant, its groups and its lines.
    pub(crate) calls: DayBytes,
    /// Those of extensions.
    pub(crate) people: Option<DayBytes>,
    /// Of which legs and callers it is.
    pub(crate) key: Option<DayBytes>,
}

/// A part as bytes; base64 in a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct DayBytes(pub(crate) Arc<[u8]>);

/// The parts of a day, in the order in which they go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum DayPart {
    Key,
    People,
    /// The whole day, with all parts of it.
    Calls,
}

/// What is stored of a tenant's days, without what they say.
#[derive(Clone, Debug, Default)]
pub(crate) struct DayList {
    /// Up to when changes of legs are in them.
    pub(crate) rolled_up: Micros,
    /// By the beginning of each; no two have any time in common.
    pub(crate) days: BTreeMap<Micros, ListedDay>,
}

/// A day in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ListedDay {
    pub(crate) window: Window,
    pub(crate) at: Micros,
    pub(crate) has_people: bool,
    pub(crate) has_key: bool,
}

/// A part of a tenant's calls for whoever does not listen, in the same order.
pub(crate) struct CallsBefore {
    pub(crate) items: Vec<(ItemKey, ItemSet)>,
    /// Below which number the next part begins; none where this is the last.
    pub(crate) next: Option<u64>,
    /// When the first of these changed last.
    pub(crate) since: Micros,
}

macro_rules! of_engine {
    ($self:ident, $stored:ident => $on_embedded:expr, $on_redis:expr) => {
        match $self {
            Self::Embedded($stored) => $on_embedded,
            Self::Redis($stored) => $on_redis,
        }
    };
}

impl Engine {
    /// The calls of a tenant that changed last below a number, the latest first, so many at most. Nothing stays for longer
    /// because of it, and the tenant is not listened to.
    pub(crate) async fn before(
        &self,
        tenant: &TenantId,
        below: u64,
        most: usize,
    ) -> Result<CallsBefore, EngineError> {
        match self {
            Self::Embedded(engine) => {
                let Page { items, next, since, .. } = engine.page(tenant, 0..below, most).await;
                Ok(CallsBefore { items, next, since })
            }
            Self::Redis(engine) => engine.before(tenant, below, most).await,
        }
    }
}

impl StoredDays {
    /// Which days are stored.
    pub(crate) async fn list(&self, tenant: &TenantId) -> Result<DayList, EngineError> {
        of_engine!(self, it => Ok(it.list(tenant)), it.list(tenant).await)
    }

    /// Those of some that are there.
    pub(crate) async fn read(
        &self,
        tenant: &TenantId,
        days: &[Window],
    ) -> Result<Vec<(Window, StoredDay)>, EngineError> {
        of_engine!(self, it => Ok(it.read(tenant, days)), it.read(tenant, days).await)
    }

    /// Stores a day in the place of one of that time, or of none. False where another one is there.
    pub(crate) async fn put(
        &self,
        tenant: &TenantId,
        window: Window,
        expected: Option<Micros>,
        day: &StoredDay,
    ) -> Result<bool, EngineError> {
        of_engine!(self, it => it.put(tenant, window, expected, day), it.put(tenant, window, expected, day).await)
    }

    /// Notes up to when changes are in them.
    pub(crate) async fn note(&self, tenant: &TenantId, rolled_up: Micros) -> Result<(), EngineError> {
        of_engine!(self, it => it.note(tenant, rolled_up), it.note(tenant, rolled_up).await)
    }

    /// Takes parts of days away.
    pub(crate) async fn forget(
        &self,
        tenant: &TenantId,
        some: &[(Window, DayPart)],
    ) -> Result<(), EngineError> {
        of_engine!(self, it => it.forget(tenant, some), it.forget(tenant, some).await)
    }

    /// The tenants of which days may be due to go though nothing else is known of them.
    pub(crate) fn tenants(&self) -> Vec<TenantId> {
        // In Redis they end by themselves.
        of_engine!(self, it => it.tenants(), { let _ = it; Vec::new() })
    }
}

impl Serialize for DayBytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for DayBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(text).map(Self::from).map_err(D::Error::custom)
    }
}

impl From<Vec<u8>> for DayBytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}
