//! Callpop's own clock, for what a provider does not stamp.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Microseconds since 1970. Of the provider's clock unless a name says otherwise.
pub(crate) type Micros = u64;

/// The time now.
pub(crate) fn now() -> Micros {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    micros(since)
}

/// A duration in microseconds.
pub(crate) fn micros(duration: Duration) -> Micros {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
