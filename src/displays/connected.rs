//! The displays that are connected to this node: whom to tell that they were revoked, and when each was seen last.

use crate::{
    clock::{Micros, micros},
    display::Display,
    engine::DisplayKey,
    id::TenantId,
};
use dashmap::DashMap;
use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// One for each display; it may have several connections.
#[derive(Default)]
pub(super) struct Connected(DashMap<DisplayKey, Weak<Presence>>);

/// A display is here.
pub(super) struct Presence {
    pub(super) revoked: CancellationToken,
    /// When that was last stored; 0: never.
    seen_at: AtomicU64,
}

impl Connected {
    /// Notes one more connection of a display, until what is given is dropped.
    pub(super) fn enter(&self, tenant: &TenantId, display: &Display) -> Arc<Presence> {
        let mut entry = self.0.entry((tenant.clone(), display.id)).or_default();
        if let Some(presence) = entry.upgrade().filter(|presence| !presence.revoked.is_cancelled()) {
            return presence;
        }
        let seen_at = AtomicU64::new(display.last_seen_at.unwrap_or_default());
        let presence = Arc::new(Presence { revoked: CancellationToken::new(), seen_at });
        *entry = Arc::downgrade(&presence);
        presence
    }

    /// Tells the connections of a display, if there are any, that it is no more.
    pub(super) fn revoke(&self, key: &DisplayKey) {
        if let Some(presence) = self.0.remove(key).and_then(|(_, presence)| presence.upgrade()) {
            presence.revoked.cancel();
        }
    }

    /// Those that are here now; it is no longer known of those that left.
    pub(super) fn all(&self) -> Vec<(DisplayKey, Arc<Presence>)> {
        self.0.retain(|_, presence| presence.strong_count() > 0);
        self.0.iter().filter_map(|entry| Some((entry.key().clone(), entry.value().upgrade()?))).collect()
    }
}

impl Presence {
    /// Whether it is time to store again that the display was seen; it is meant to be stored then.
    pub(super) fn is_due(&self, now: Micros, every: Duration) -> bool {
        let seen_at = self.seen_at.load(Ordering::Relaxed);
        let is_due = seen_at == 0 || now.saturating_sub(seen_at) >= micros(every);
        // Of several who find so one stores it.
        is_due && self.seen_at.compare_exchange(seen_at, now, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}
