//! How often each user may do something that costs.

use crate::id::TenantId;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter, clock::Clock};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

/// So many users are remembered at least before those are forgotten who have their whole rate again.
const FEW: usize = 10_000;

/// A rate for each user, by the tenant and the `sub` of their token.
pub(crate) struct UserRate {
    users: DefaultKeyedRateLimiter<(TenantId, Arc<str>)>,
    /// With so many users it is time to forget some.
    many: AtomicUsize,
}

impl UserRate {
    /// The same for all.
    pub(crate) fn new(quota: Quota) -> Self {
        Self { users: RateLimiter::keyed(quota), many: AtomicUsize::new(FEW) }
    }

    /// Counts once more of a user.
    ///
    /// # Errors
    /// It is once too many, and how long it is until it is not.
    pub(crate) fn check(&self, tenant: &TenantId, sub: &Arc<str>) -> Result<(), Duration> {
        if self.users.len() > self.many.load(Ordering::Relaxed) {
            self.users.retain_recent();
            // All that are left may be recent: they are not looked at again for each of them.
            self.many.store(FEW.max(2 * self.users.len()), Ordering::Relaxed);
        }
        let checked = self.users.check_key(&(tenant.clone(), sub.clone()));
        checked.map_err(|not_until| not_until.wait_time_from(self.users.clock().now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroU32;

    #[test]
    fn each_user_has_a_rate_and_those_who_have_it_whole_are_forgotten() {
        let rate = UserRate::new(Quota::per_hour(NonZeroU32::MIN));
        let (one, other) = (TenantId::try_from("one").unwrap(), TenantId::try_from("other").unwrap());
        let ann: Arc<str> = "ann".into();
        assert!(rate.check(&one, &ann).is_ok() && rate.check(&other, &ann).is_ok());
        assert!(rate.check(&one, &ann).unwrap_err() > Duration::from_secs(3000));
        let quick = UserRate::new(Quota::per_second(NonZeroU32::MAX));
        for nth in 0..3 * FEW {
            assert!(quick.check(&one, &nth.to_string().into()).is_ok());
        }
        assert!(quick.users.len() <= 2 * FEW, "{}", quick.users.len());
    }
}
