//! Displays and their pairings, as an engine stores them. A display is put and taken away by itself; a pairing is
//! claimed by one supervisor, answered, and over within minutes.
//!
//! What a pairing means, and who may do what, is known above.

use super::{EngineError, Receipt, embedded, redis};
use crate::{
    clock::Micros,
    display::{Code, Display, Pairing},
    id::TenantId,
};
use std::sync::Arc;
use uuid::Uuid;

/// Those of one engine. Clones are one.
#[derive(Clone)]
pub(crate) enum StoredDisplays {
    Embedded(Arc<embedded::DisplayJournal>),
    Redis(Arc<redis::DisplayKeys>),
}

/// A pairing, as it stands.
pub(crate) enum Paired {
    /// Nobody answered it.
    Waiting(Pairing),
    /// It was answered for a tenant, less than a minute ago.
    Answered(Pairing, TenantId),
}

/// What becomes of somebody who answers a pairing.
pub(crate) enum Claim {
    /// It is theirs alone.
    Theirs(Pairing),
    /// Somebody was faster.
    Taken,
    /// There is none.
    Unknown,
}

/// What a look at some displays says.
#[derive(Default)]
pub(crate) struct Looked {
    /// Those that are no more.
    pub(crate) gone: Vec<DisplayKey>,
    /// How many parts of it failed: nothing is known of the displays in them.
    pub(crate) failed: u64,
}

/// A display, by its tenant and id.
pub(crate) type DisplayKey = (TenantId, Uuid);

macro_rules! of_engine {
    ($self:ident, $stored:ident => $on_embedded:expr, $on_redis:expr) => {
        match $self {
            Self::Embedded($stored) => $on_embedded,
            Self::Redis($stored) => $on_redis,
        }
    };
}

impl StoredDisplays {
    /// Those of a process that stores nothing.
    #[cfg(test)]
    pub(crate) fn in_memory(unused: std::time::Duration) -> Self {
        Self::Embedded(Arc::new(embedded::DisplayJournal::new(
            Default::default(),
            Default::default(),
            unused,
        )))
    }

    /// Begins a pairing. False where another one has its code.
    pub(crate) async fn begin(&self, code: &Code, pairing: &Pairing) -> Result<bool, EngineError> {
        of_engine!(self, it => Ok(it.pairings.begin(code, pairing)), it.pairings.begin(code, pairing).await)
    }

    /// A pairing; none where it is over, or never was.
    pub(crate) async fn pairing(&self, code: &Code) -> Result<Option<Paired>, EngineError> {
        of_engine!(self, it => Ok(it.pairings.get(code)), it.pairings.get(code).await)
    }

    /// Claims a pairing, which nobody can answer then but who has it.
    pub(crate) async fn claim(&self, code: &Code) -> Result<Claim, EngineError> {
        of_engine!(self, it => Ok(it.pairings.claim(code)), it.pairings.claim(code).await)
    }

    /// Gives a claim back.
    pub(crate) async fn release(&self, code: &Code) -> Result<(), EngineError> {
        of_engine!(self, it => { it.pairings.release(code); Ok(()) }, it.pairings.release(code).await)
    }

    /// Answers a pairing that was claimed.
    pub(crate) async fn answer(
        &self,
        code: &Code,
        pairing: &Pairing,
        tenant: &TenantId,
    ) -> Result<(), EngineError> {
        of_engine!(
            self, it => { it.pairings.answer(code, tenant); Ok(()) },
            it.pairings.answer(code, pairing, tenant).await
        )
    }

    /// Whether somebody answered a pairing that can be answered no more, as far as that is still known.
    pub(crate) async fn was_claimed(&self, code: &Code) -> Result<bool, EngineError> {
        of_engine!(self, it => Ok(it.pairings.was_claimed(code)), it.pairings.was_claimed(code).await)
    }

    /// Stores a display; none where the tenant has as many as it may.
    pub(crate) async fn add(
        &self,
        tenant: &TenantId,
        display: &Display,
    ) -> Result<Option<Receipt>, EngineError> {
        of_engine!(self, it => it.add(tenant, display), it.add(tenant, display).await)
    }

    /// A display, however long it was not used.
    pub(crate) async fn get(&self, tenant: &TenantId, id: Uuid) -> Result<Option<Display>, EngineError> {
        of_engine!(self, it => Ok(it.get(tenant, id)), it.get(tenant, id).await)
    }

    /// All of a tenant, in no order.
    pub(crate) async fn list(&self, tenant: &TenantId) -> Result<Vec<Display>, EngineError> {
        of_engine!(self, it => Ok(it.list(tenant)), it.list(tenant).await)
    }

    /// Notes that a display was used. One that is gone stays gone.
    pub(crate) async fn see(&self, tenant: &TenantId, id: Uuid, at: Micros) -> Result<(), EngineError> {
        of_engine!(self, it => it.see(tenant, id, at), it.see(tenant, id, at).await)
    }

    /// Takes a display away; none where there is none.
    pub(crate) async fn remove(&self, tenant: &TenantId, id: Uuid) -> Result<Option<Receipt>, EngineError> {
        of_engine!(self, it => it.remove(tenant, id), it.remove(tenant, id).await)
    }

    /// Looks whether some displays are still there.
    pub(crate) async fn look(&self, some: Vec<DisplayKey>) -> Looked {
        of_engine!(self, it => Looked { gone: it.gone(some), failed: 0 }, it.look(some).await)
    }
}
