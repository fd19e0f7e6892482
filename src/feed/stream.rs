//! What is listened to and read together, and what is delivered of it.

use crate::{
    clock::Micros,
    id::{Extension, Kind, TenantId},
    item::Item,
    protocol::{Frame, ServerFrame},
};
use std::sync::{Arc, OnceLock};
use xxhash_rust::xxh3::Xxh3;

/// What is read together: a user's items, or a tenant's.
#[derive(Clone, Debug)]
pub(crate) enum Stream {
    User {
        tenant: TenantId,
        /// In the order of texts.
        extensions: Arc<[Extension]>,
    },
    /// Of these kinds; `own` are those of whoever listens, who hears of nobody else's integrations.
    Tenant {
        tenant: TenantId,
        kinds: &'static [Kind],
        /// Of these extensions, in the order of texts, where it is not the whole tenant: thousands, maybe.
        only: Option<Arc<[Extension]>>,
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
                extensions.iter().for_each(|extension| hash_in(&mut hash, extension));
            }
            Self::Tenant { kinds, only, .. } => {
                hash.update(&[kinds.len() as u8]);
                if let Some(only) = only {
                    // Of none it is another stream than of all.
                    hash.update(b"\x1e");
                    only.iter().for_each(|extension| hash_in(&mut hash, extension));
                }
            }
        }
        format!("{:016x}", hash.digest())
    }

    /// Whose items they are.
    pub(crate) fn tenant(&self) -> &TenantId {
        match self {
            Self::User { tenant, .. } | Self::Tenant { tenant, .. } => tenant,
        }
    }

    /// The extensions whose items they are, where it is not the whole tenant.
    pub(crate) fn only(&self) -> Option<&Arc<[Extension]>> {
        match self {
            Self::User { extensions, .. } => Some(extensions),
            Self::Tenant { only, .. } => only.as_ref(),
        }
    }

    /// Whether an extension's items are among them.
    pub(crate) fn has(&self, extension: &str) -> bool {
        self.only().is_none_or(|only| only.binary_search_by(|one| one.as_str().cmp(extension)).is_ok())
    }

    /// Whether whoever listens hears of an extension's integrations.
    pub(super) fn has_own(&self, extension: &Extension) -> bool {
        match self {
            Self::User { .. } => self.has(extension.as_str()),
            Self::Tenant { own, .. } => own.contains(extension),
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

fn hash_in(hash: &mut Xxh3, extension: &Extension) {
    hash.update(b"\n");
    hash.update(extension.as_str().as_bytes());
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
