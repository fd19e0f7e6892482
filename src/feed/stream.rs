//! What is listened to and read together, and what is delivered of it.

use crate::{
    clock::Micros,
    id::{Extension, Kind, TenantId},
    item::Item,
    protocol::{Frame, ServerFrame},
};
use std::sync::{Arc, OnceLock};
use xxhash_rust::xxh3::Xxh3;

/// What is read together: a user's items, or a whole tenant's.
#[derive(Clone, Debug)]
pub(crate) enum Stream {
    User {
        tenant: TenantId,
        extensions: Arc<[Extension]>,
    },
    /// Of these kinds; `own` are those of whoever listens, who hears of nobody else's integrations.
    Tenant {
        tenant: TenantId,
        kinds: &'static [Kind],
        own: Arc<[Extension]>,
    },
}

/// An item as one commit left it. Its frame is encoded once, by whoever needs it first.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) seq: u64,
    pub(crate) item: Item,
    /// When it was committed, by the clock of the node that did; none where it was read later.
    pub(crate) committed_at: Option<Micros>,
    /// What it holds, about.
    pub(super) bytes: usize,
    frame: OnceLock<Frame>,
}

impl Stream {
    /// A short name that is the same for the same items, on every node.
    pub(crate) fn name(&self) -> String {
        let mut hash = Xxh3::new();
        hash.update(self.tenant().as_str().as_bytes());
        match self {
            Self::User { extensions, .. } => {
                for extension in extensions.iter() {
                    hash.update(b"\n");
                    hash.update(extension.as_str().as_bytes());
                }
            }
            Self::Tenant { kinds, .. } => hash.update(&[kinds.len() as u8]),
        }
        format!("{:016x}", hash.digest())
    }

    /// Whose items they are.
    pub(crate) fn tenant(&self) -> &TenantId {
        match self {
            Self::User { tenant, .. } | Self::Tenant { tenant, .. } => tenant,
        }
    }

    /// Which kinds of item they are.
    pub(crate) fn kinds(&self) -> &'static [Kind] {
        match self {
            Self::User { .. } => &Kind::ALL,
            Self::Tenant { kinds, .. } => kinds,
        }
    }
}

impl Change {
    pub(crate) fn new(seq: u64, item: Item, committed_at: Option<Micros>) -> Self {
        Self { seq, bytes: item.weight(), item, committed_at, frame: OnceLock::new() }
    }

    /// The `call` or `notice` frame; the same for everyone.
    pub(crate) fn frame(&self) -> &Frame {
        self.frame.get_or_init(|| match &self.item {
            Item::Call(call) => ServerFrame::Call { seq: self.seq, call }.encode(),
            Item::Notice(notice) => ServerFrame::Notice { seq: self.seq, notice }.encode(),
        })
    }
}
