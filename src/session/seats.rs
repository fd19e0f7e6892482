//! How many sessions there are on this node, how many a user has, how often one begins, and whether there may be one more.

use crate::{config, http::UserRate, id::TenantId};
use dashmap::DashMap;
use governor::Quota;
use std::{
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

/// A user may begin one session a second, after so many times the seats at once: each begins with a snapshot.
const BURST: NonZeroU32 = NonZeroU32::new(2).unwrap();
const RATE: NonZeroU32 = NonZeroU32::MIN;

/// The sessions of each user, by the `sub` of their token.
pub(crate) struct Seats {
    taken: DashMap<User, usize>,
    /// Of all users.
    all: AtomicUsize,
    /// The most of all users, if there is a bound, and of one.
    most: Option<usize>,
    most_of_user: usize,
    rate: UserRate,
}

type User = (TenantId, Arc<str>);

/// One of a user's permitted sessions, until it is dropped.
pub(crate) struct Seat {
    seats: Arc<Seats>,
    user: User,
}

/// Why there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoSeat {
    /// All of the user's are taken.
    User,
    /// All of the node's are.
    Node,
    /// The user comes too often; after so long not any more.
    TooOften(Duration),
}

impl Seats {
    /// So many for each user, and for all.
    pub(crate) fn new(limits: &config::Sessions) -> Self {
        let most =
            u32::try_from(limits.max_per_user).ok().and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MIN);
        let rate = UserRate::new(Quota::per_second(RATE).allow_burst(most.saturating_mul(BURST)));
        let (most, most_of_user) = (limits.max, limits.max_per_user);
        Self { taken: DashMap::new(), all: AtomicUsize::new(0), most, most_of_user, rate }
    }

    /// Takes one of a user's seats.
    ///
    /// # Errors
    /// There is none left to the user, or on the node, or none now.
    pub(crate) fn take(self: &Arc<Self>, tenant: &TenantId, sub: &Arc<str>) -> Result<Seat, NoSeat> {
        let user = (tenant.clone(), sub.clone());
        let mut taken = self.taken.entry(user.clone()).or_default();
        if *taken >= self.most_of_user {
            return Err(NoSeat::User);
        }
        let one_more = |all| self.most.is_none_or(|most| all < most).then_some(all + 1);
        let counted = self.all.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more);
        if counted.is_err() {
            drop(taken);
            self.taken.remove_if(&user, |_, taken| *taken == 0);
            return Err(NoSeat::Node);
        }
        *taken += 1;
        drop(taken);
        // Given back where it is too early for one more.
        let seat = Seat { seats: self.clone(), user };
        self.rate.check(tenant, sub).map_err(NoSeat::TooOften)?;
        Ok(seat)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.seats.all.fetch_sub(1, Ordering::Relaxed);
        self.seats.taken.remove_if_mut(&self.user, |_, taken| {
            *taken -= 1;
            *taken == 0
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_node_and_a_full_user_are_told_apart() {
        let (heartbeat, write_timeout) = (Duration::ZERO, Duration::ZERO);
        let limits = config::Sessions {
            max: Some(3),
            max_per_user: 2,
            max_frames_per_second: 1,
            heartbeat,
            write_timeout,
        };
        let (seats, tenant) = (Arc::new(Seats::new(&limits)), TenantId::try_from("t").unwrap());
        let take = |sub: &str| seats.take(&tenant, &sub.into());
        let first = [take("a"), take("a")];
        assert_eq!(take("a").err(), Some(NoSeat::User));
        let third = take("b");
        assert_eq!(take("c").err(), Some(NoSeat::Node));
        assert_eq!(seats.taken.len(), 2, "who gets no seat is not remembered");
        drop(first);
        assert!(take("c").is_ok());
        drop(third);
        assert_eq!((seats.taken.len(), seats.all.load(Ordering::Relaxed)), (0, 0));
    }
}
