//! When trouble that all nodes have together takes a node out of rotation. Were each to go at once, nobody would be left
//! to say 503 with `Retry-After` for as long as Redis is away; so the public `/readyz` waits for a while.

use parking_lot::Mutex;
use std::time::{Duration, Instant};
use tokio::time::{MissedTickBehavior, interval};

/// How often it is looked.
const LOOK: Duration = Duration::from_millis(250);

/// For how long trouble is borne.
pub(crate) struct Patience {
    limit: Duration,
    /// When all was well last; never, in a node that only begins: it is not ready before it was.
    well_at: Mutex<Option<Instant>>,
}

impl Patience {
    /// For so long; `engine.unready_after`.
    pub(crate) fn new(limit: Duration) -> Self {
        Self { limit, well_at: Mutex::default() }
    }

    /// Whether there is trouble for too long, when it is so now.
    pub(crate) fn is_out(&self, is_well: bool) -> bool {
        self.is_out_at(is_well, Instant::now())
    }

    /// Looks now and then, for ever: whoever asks seldom is to be told from when on it lasts.
    pub(crate) async fn watch(&self, is_well: impl Fn() -> bool) {
        let mut ticks = interval(LOOK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.is_out(is_well());
        }
    }

    fn is_out_at(&self, is_well: bool, now: Instant) -> bool {
        let mut well_at = self.well_at.lock();
        if is_well {
            *well_at = Some(now);
        }
        !is_well && well_at.is_none_or(|at| now.saturating_duration_since(at) >= self.limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn trouble_is_borne_for_a_while_and_forgotten_at_once() {
        let (patience, start) = (Patience::new(30 * SECOND), Instant::now());
        assert!(patience.is_out_at(false, start), "it was never well");
        assert!(!patience.is_out_at(true, start));
        assert!(!patience.is_out_at(false, start + 29 * SECOND));
        assert!(patience.is_out_at(false, start + 30 * SECOND));
        assert!(!patience.is_out_at(true, start + 31 * SECOND));
        assert!(!patience.is_out_at(false, start + 60 * SECOND));
    }

    #[test]
    fn without_patience_it_counts_at_once() {
        let (patience, start) = (Patience::new(Duration::ZERO), Instant::now());
        assert!(!patience.is_out_at(true, start));
        assert!(patience.is_out_at(false, start));
    }
}
