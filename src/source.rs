//! The providers: who may speak for one, and what its JSON means. Bytes in, events out;
//! no I/O, and no idea who listens.

mod gate;
pub(crate) mod telsmart;

pub(crate) use gate::Gate;

use crate::{
    call::CallEvent,
    id::{SourceName, TenantId},
};

/// What one element of a webhook's body says.
#[derive(Debug)]
pub(crate) enum Received {
    /// Something happened to a call.
    Call(CallEvent),
    /// A state that callpop does not know: to be kept and shown to operators.
    Unknown(Unknown),
}

/// An event of a kind that callpop does not know, as it came.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Unknown {
    pub(crate) source: SourceName,
    /// Whose it is, where it says so.
    pub(crate) tenant: Option<TenantId>,
    pub(crate) state: String,
    pub(crate) raw: String,
}

/// Why a body is refused.
#[derive(Debug, PartialEq, thiserror::Error)]
pub(crate) enum EventRefusal {
    #[error("the body is not JSON: {0}")]
    NotJson(String),
    #[error("{field}: {why}")]
    Invalid { field: String, why: String },
}
