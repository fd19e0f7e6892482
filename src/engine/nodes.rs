//! What nodes of one store tell each other: that they are there, and what each counted of a tenant's day. It is small,
//! nothing waits for it, and what is lost of it is told again or was of a day that is over.

use super::{Engine, EngineError, redis};
use crate::{clock::Micros, id::TenantId};
use serde::{Deserialize, Serialize};

/// The nodes of one store.
pub(crate) enum Nodes {
    /// The embedded engine has one.
    Alone,
    Redis(redis::NodeKeys),
}

/// What came of a tenant's events in a day that is out of the ordinary.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Heard {
    /// The beginning of the day.
    pub(crate) day: Micros,
    /// Events of each node's own webhooks.
    pub(crate) late: u64,
    pub(crate) duplicate: u64,
    /// Changes that every node hears which has a board.
    pub(crate) out_of_order: u64,
}

impl Heard {
    /// Both together; of other days nothing counts.
    pub(crate) fn and(self, other: Self) -> Self {
        if self.day != other.day {
            return self;
        }
        Self {
            day: self.day,
            late: self.late + other.late,
            duplicate: self.duplicate + other.duplicate,
            out_of_order: self.out_of_order.max(other.out_of_order),
        }
    }
}

impl Engine {
    /// The nodes of this store, of which this one is asked for once.
    pub(crate) fn nodes(&self) -> Nodes {
        match self {
            Self::Embedded(_) => Nodes::Alone,
            Self::Redis(engine) => Nodes::Redis(engine.nodes()),
        }
    }
}

impl Nodes {
    /// Says that this node is there; gives how many are.
    pub(crate) async fn count(&self) -> Result<u64, EngineError> {
        match self {
            Self::Alone => Ok(1),
            Self::Redis(nodes) => nodes.count().await,
        }
    }

    /// Tells the others what this node counted of a tenant's day, in the place of what it told before.
    pub(crate) async fn tell(&self, tenant: &TenantId, heard: Heard) -> Result<(), EngineError> {
        match self {
            Self::Alone => Ok(()),
            Self::Redis(nodes) => nodes.tell(tenant, heard).await,
        }
    }

    /// What the others counted of a day of a tenant, each by itself.
    pub(crate) async fn others(&self, tenant: &TenantId, day: Micros) -> Result<Vec<Heard>, EngineError> {
        match self {
            Self::Alone => Ok(Vec::new()),
            Self::Redis(nodes) => nodes.others(tenant, day).await,
        }
    }
}
