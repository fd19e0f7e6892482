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
};

/// Reads a webhook's body of a source. All of it is sound, or none is taken.
pub(crate) type Parse = fn(&Source, &[u8]) -> Result<Vec<Received>, EventRefusal>;

/// Every kind of source, and who reads what it sends.
const PROVIDERS: [(SourceKind, Parse); 2] =
    [(telsmart::KIND, telsmart::parse), (callpop::KIND, callpop::parse)];

/// Every kind of source.
pub(crate) const KINDS: [SourceKind; PROVIDERS.len()] = {
    let mut kinds = [telsmart::KIND; PROVIDERS.len()];
    let mut nth = 0;
    while nth < kinds.len() {
        kinds[nth] = PROVIDERS[nth].0;
        nth += 1;
    }
    kinds
};

/// Who reads what that kind of source sends; none where there is no such kind.
pub(crate) fn parser(kind: SourceKind) -> Option<Parse> {
    PROVIDERS.iter().find(|(known, _)| *known == kind).map(|(_, parse)| *parse)
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
