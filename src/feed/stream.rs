//! What is listened to and read together, and what is delivered of it.

use crate::{
    call::Call,
    clock::Micros,
    id::{Extension, TenantId},
    protocol::{Frame, ServerFrame},
};
use std::sync::{Arc, OnceLock};
use xxhash_rust::xxh3::Xxh3;

/// What is read together: a user's calls, or a whole tenant's.
#[derive(Clone, Debug)]
pub(crate) enum Stream {
    User { tenant: TenantId, extensions: Arc<[Extension]> },
    Tenant { tenant: TenantId },
}

/// A call as one commit left it. Its frame is encoded once, by whoever needs it first.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) seq: u64,
    pub(crate) call: Call,
    /// When it was committed, by the clock of the node that did; none where it was read later.
    pub(crate) committed_at: Option<Micros>,
    frame: OnceLock<Frame>,
}

impl Stream {
    /// A short name that is the same for the same calls, on every node.
    pub(crate) fn name(&self) -> String {
        let mut hash = Xxh3::new();
        hash.update(self.tenant().as_str().as_bytes());
        if let Self::User { extensions, .. } = self {
            for extension in extensions.iter() {
                hash.update(b"\n");
                hash.update(extension.as_str().as_bytes());
            }
        }
        format!("{:016x}", hash.digest())
    }

    /// Whose calls they are.
    pub(crate) fn tenant(&self) -> &TenantId {
        match self {
            Self::User { tenant, .. } | Self::Tenant { tenant } => tenant,
        }
    }
}

impl Change {
    pub(crate) fn new(seq: u64, call: Call, committed_at: Option<Micros>) -> Self {
        Self { seq, call, committed_at, frame: OnceLock::new() }
    }

    /// The `call` frame; the same for everyone.
    pub(crate) fn frame(&self) -> &Frame {
        self.frame.get_or_init(|| ServerFrame::Call { seq: self.seq, call: &self.call }.encode())
    }
}
