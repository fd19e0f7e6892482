//! What a display has that showed its secret.

use super::connected::Presence;
use crate::{
    auth::{Identity, Role},
    display::Display,
    id::TenantId,
};
use std::sync::Arc;

/// A display that is let in. While it is held, the node looks whether the display still exists.
pub(crate) struct DisplayPass {
    pub(crate) tenant: TenantId,
    pub(crate) display: Display,
    presence: Arc<Presence>,
}

impl DisplayPass {
    pub(super) fn new(tenant: TenantId, display: Display, presence: Arc<Presence>) -> Self {
        Self { tenant, display, presence }
    }

    /// Who that is, where users are told apart; it has no extension, and nothing of it expires.
    pub(crate) fn identity(&self) -> Identity {
        let groups: Vec<Arc<str>> = self.display.groups.iter().map(|group| group.as_str().into()).collect();
        Identity {
            groups: (!groups.is_empty()).then(|| groups.into()),
            tenant: self.tenant.clone(),
            sub: format!("display:{}", self.display.id).into(),
            extensions: Arc::from([]),
            role: Role::Display,
            expires_at: u64::MAX,
        }
    }

    /// Waits until the display is no more; within a second of that, at whichever node it was revoked.
    pub(crate) fn revoked(&self) -> impl Future<Output = ()> + Send + use<> {
        self.presence.revoked.clone().cancelled_owned()
    }
}
