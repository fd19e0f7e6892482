//! Those who listen to what the directory gives them. They have a place of their own beside that of their
//! stream, since a stream of nobody's extensions has none, and they are to hear when that changes.

use super::{Feed, Outbox, take_one, take_out};
use crate::id::TenantId;
use std::sync::Arc;

/// A session's place among those who follow the directory, until it is dropped.
pub(crate) struct Following {
    feed: Arc<Feed>,
    tenant: TenantId,
    whose: Whose,
    outbox: Arc<Outbox>,
}

/// To whom the directory gives what a session sees.
pub(crate) enum Whose {
    /// The user of a `sub`.
    Sub(Arc<str>),
    /// Groups: any change may concern them.
    Groups,
}

impl Feed {
    /// Lets a session hear from now on that its tenant's directory changed.
    pub(crate) fn follow(
        self: &Arc<Self>,
        tenant: &TenantId,
        whose: Whose,
        outbox: &Arc<Outbox>,
    ) -> Following {
        let mut listeners = self.tenants.entry(tenant.clone()).or_default();
        let place = match &whose {
            Whose::Sub(sub) => listeners.followers.entry(sub.clone()).or_default(),
            Whose::Groups => &mut listeners.watchers,
        };
        place.push(outbox.clone());
        drop(listeners);
        if self.is_draining() {
            outbox.drain();
        }
        Following { feed: self.clone(), tenant: tenant.clone(), whose, outbox: outbox.clone() }
    }

    /// Whether any session follows that tenant's directory.
    pub(crate) fn has_followers(&self, tenant: &TenantId) -> bool {
        self.tenants
            .get(tenant)
            .is_some_and(|listeners| !listeners.followers.is_empty() || !listeners.watchers.is_empty())
    }

    /// Lets those look again whose directory changed, where it may concern them.
    pub(crate) fn reassign(&self, tenant: &TenantId, is_concerned: impl Fn(&str) -> bool) {
        let Some(listeners) = self.tenants.get(tenant) else { return };
        let concerned = listeners.followers.iter().filter(|(sub, _)| is_concerned(sub));
        for outbox in concerned.flat_map(|(_, outboxes)| outboxes).chain(&listeners.watchers) {
            outbox.reassign();
        }
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        self.feed.tenants.remove_if_mut(&self.tenant, |_, listeners| {
            match &self.whose {
                Whose::Sub(sub) => take_out(&mut listeners.followers, sub, &self.outbox),
                Whose::Groups => take_one(&mut listeners.watchers, &self.outbox),
            }
            listeners.is_empty()
        });
    }
}
