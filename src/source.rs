//! The providers: who may speak for one, and what its JSON means. Bytes in, events out;
//! no I/O, and no idea who listens.

mod callpop;
mod elements;
mod gate;
pub(crate) mod telsmart;

pub(crate) use gate::Gate;

use crate::{
    config::{Source, SourceKind},
    id::{SourceName, TenantId},
    item::ItemEvent,
    notice::BadPost,
};
use axum::http::HeaderMap;

/// A kind of source: how it shows who it is, and what it says.
pub(crate) struct Provider {
    /// The word for it in the configuration.
    pub(crate) kind: SourceKind,
    /// Reads a webhook's body. All of it is sound, or none is taken.
    pub(crate) parse: fn(&Source, &[u8]) -> Result<Vec<Received>, EventRefusal>,
    /// Whether a body is signed by one of the source's secrets; none where the agreed header shows the secret itself.
    pub(crate) is_signed: Option<IsSigned>,
}

pub(crate) type IsSigned = fn(&Source, &HeaderMap, &[u8]) -> bool;

/// Every kind of source.
const PROVIDERS: &[Provider] = &[
    telsmart::PROVIDER, //
    callpop::PROVIDER,
];

/// The words for them.
pub(crate) const KINDS: [SourceKind; PROVIDERS.len()] = {
    let mut kinds = [telsmart::PROVIDER.kind; PROVIDERS.len()];
    let mut nth = 0;
    while nth < kinds.len() {
        kinds[nth] = PROVIDERS[nth].kind;
        nth += 1;
    }
    kinds
};

/// What is known of a kind of source; none where there is no such kind.
pub(crate) fn provider(kind: SourceKind) -> Option<&'static Provider> {
    PROVIDERS.iter().find(|provider| provider.kind == kind)
}

/// What one element of a webhook's body says.
#[derive(Debug)]
pub(crate) enum Received {
    /// Something happened to a call, or to a notice.
    Item(ItemEvent),
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

impl EventRefusal {
    fn invalid(field: &str, why: impl ToString) -> Self {
        Self::Invalid { field: field.to_owned(), why: why.to_string() }
    }
}

impl From<BadPost> for EventRefusal {
    fn from(BadPost { field, why }: BadPost) -> Self {
        Self::invalid(field, why)
    }
}
