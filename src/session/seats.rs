//! How many sessions a user has on this node, and whether there may be one more.

use crate::id::TenantId;
use dashmap::DashMap;
use std::sync::Arc;

/// The sessions of each user, by the `sub` of their token.
#[derive(Default)]
pub(crate) struct Seats {
    taken: DashMap<User, usize>,
}

type User = (TenantId, Arc<str>);

/// One of a user's permitted sessions, until it is dropped.
pub(crate) struct Seat {
    seats: Arc<Seats>,
    user: User,
}

impl Seats {
    /// Takes one of a user's `limit` seats; none when all are taken.
    pub(crate) fn take(self: &Arc<Self>, tenant: &TenantId, sub: &Arc<str>, limit: usize) -> Option<Seat> {
        let user = (tenant.clone(), sub.clone());
        let mut taken = self.taken.entry(user.clone()).or_default();
        if *taken >= limit {
            return None;
        }
        *taken += 1;
        Some(Seat { seats: self.clone(), user })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.seats.taken.remove_if_mut(&self.user, |_, taken| {
            *taken -= 1;
            *taken == 0
        });
    }
}
