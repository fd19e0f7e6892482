//! Tenants' directories, as an engine stores them. One is replaced as a whole, where it is still the one
//! that the writer knew; who follows it is told by the feed.

use super::{EngineError, Receipt, embedded, redis};
use crate::{
    config::{self, EngineKind},
    directory::{Directory, Expected},
    id::TenantId,
    metrics::{Metrics, RoomMetrics},
    tasks::{Kept, Tasks},
};
use prometheus_client::{
    metrics::{counter::Counter, gauge::Gauge},
    registry::Registry,
};
use std::sync::Arc;

/// Those of one engine. Clones are one.
#[derive(Clone)]
pub(crate) enum StoredDirectories {
    Embedded(Arc<embedded::DirectoryJournal>),
    Redis(Arc<redis::DirectoryKeys>),
}

/// What became of a directory that was to be stored.
pub(crate) enum PutDirectory {
    /// It is there, and this tells when it is durable.
    Done(Receipt),
    /// Another one is there than the writer knew; nothing was changed.
    Other,
}

/// What directories cost that others wrote.
#[derive(Default)]
pub(crate) struct DirectoryMetrics {
    /// Those that this node holds, since somebody here needs them.
    pub(crate) held: Gauge,
    /// Looks, or reads after them, that failed: the node goes on with what it has.
    pub(crate) failed: Counter,
}

impl StoredDirectories {
    /// Those that gateways share, for a process that has no engine. A Redis that is away is no error.
    ///
    /// # Errors
    /// The address of Redis is none.
    pub(crate) fn alone(
        engine: &config::Engine,
        metrics: &Metrics,
        tasks: &Tasks,
    ) -> Result<(Self, Vec<Kept>), EngineError> {
        if engine.kind == EngineKind::Embedded {
            let nothing =
                embedded::DirectoryJournal::new(Default::default(), Default::default(), Arc::default());
            return Ok((Self::Embedded(Arc::new(nothing)), Vec::new()));
        }
        let (keys, kept) = redis::DirectoryKeys::alone(engine, metrics, tasks)?;
        Ok((Self::Redis(keys), kept))
    }

    /// That of a tenant as it stands; an empty one where none was written.
    pub(crate) async fn get(&self, tenant: &TenantId) -> Result<Arc<Directory>, EngineError> {
        match self {
            Self::Embedded(stored) => Ok(stored.get(tenant)),
            Self::Redis(stored) => stored.get(tenant).await,
        }
    }

    /// Stores one in place of the one that is expected there. What is there already is stored.
    pub(crate) async fn put(
        &self,
        tenant: &TenantId,
        expected: &Expected,
        fresh: Directory,
    ) -> Result<PutDirectory, EngineError> {
        match self {
            Self::Embedded(stored) => stored.put(tenant, expected, fresh),
            Self::Redis(stored) => stored.put(tenant, expected, fresh).await,
        }
    }

    /// That of a tenant as this node holds it. Who follows it in the feed before asking hears of every change after it.
    pub(crate) async fn held(&self, tenant: &TenantId) -> Result<Arc<Directory>, EngineError> {
        match self {
            Self::Embedded(stored) => Ok(stored.get(tenant)),
            Self::Redis(stored) => stored.held(tenant).await,
        }
    }
}

impl RoomMetrics for DirectoryMetrics {
    fn name(&self, r: &mut Registry) {
        r.register("directories_held", "Directories that this node follows in Redis", self.held.clone());
        let text = "Looks at directories in Redis that failed; the old ones stay";
        r.register("directory_looks_failed", text, self.failed.clone());
    }
}
