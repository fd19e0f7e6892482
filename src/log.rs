//! Lines of the log that are not to flood it: what strangers can cause as often as they like is said
//! once in a while for each reason, with how often it was not said.

use parking_lot::Mutex;
use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

/// How often each reason may be said. The reasons are our own texts, so there are few.
pub(crate) struct Seldom {
    every: Duration,
    said: Mutex<HashMap<&'static str, LastSaid>>,
}

struct LastSaid {
    at: Instant,
    unsaid: u64,
}

impl Seldom {
    /// Once in so long for each reason.
    pub(crate) fn new(every: Duration) -> Self {
        Self { every, said: Mutex::default() }
    }

    /// Whether to say it now; then with how many that were not said since the last time.
    pub(crate) fn may_say(&self, reason: &'static str) -> Option<u64> {
        self.may_say_at(reason, Instant::now())
    }

    fn may_say_at(&self, reason: &'static str, now: Instant) -> Option<u64> {
        let mut said = self.said.lock();
        match said.get_mut(reason) {
            Some(last) if now.saturating_duration_since(last.at) < self.every => {
                last.unsaid += 1;
                None
            }
            Some(last) => Some(std::mem::replace(last, LastSaid { at: now, unsaid: 0 }).unsaid),
            None => {
                said.insert(reason, LastSaid { at: now, unsaid: 0 });
                Some(0)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_is_said_once_in_a_while_with_how_often_it_was_not() {
        let seldom = Seldom::new(Duration::from_secs(1));
        let start = Instant::now();
        assert_eq!(seldom.may_say_at("a", start), Some(0));
        assert_eq!(seldom.may_say_at("b", start), Some(0));
        assert_eq!(seldom.may_say_at("a", start), None);
        assert_eq!(seldom.may_say_at("a", start), None);
        assert_eq!(seldom.may_say_at("a", start + Duration::from_secs(1)), Some(2));
        assert_eq!(seldom.may_say_at("a", start + Duration::from_secs(2)), Some(0));
    }
}
