//! Lines of the log that are not to flood it: what strangers can cause as often as they like is said
//! once in a while for each reason, with how often it was not said.

use parking_lot::Mutex;
use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

/// The most reasons that are told apart; more are one.
const MOST: usize = 64;
const OTHERS: &str = "(many others)";

/// How often each reason may be said.
pub(crate) struct Seldom {
    every: Duration,
    said: Mutex<HashMap<String, LastSaid>>,
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

    /// Whether to say a reason of our own now; then with how many that were not said since the last time.
    pub(crate) fn may_say(&self, reason: &'static str) -> Option<u64> {
        self.may_say_of_many(reason).map(|(_, unsaid)| unsaid)
    }

    /// The same of reasons that strangers choose, with the word to say for it: where there are too many, they
    /// have one together.
    pub(crate) fn may_say_of_many<'r>(&self, reason: &'r str) -> Option<(&'r str, u64)> {
        self.may_say_at(reason, Instant::now())
    }

    fn may_say_at<'r>(&self, mut reason: &'r str, now: Instant) -> Option<(&'r str, u64)> {
        let mut said = self.said.lock();
        let is_fresh = |last: &LastSaid| now.saturating_duration_since(last.at) < self.every;
        if said.len() >= MOST && !said.contains_key(reason) {
            said.retain(|_, last| is_fresh(last));
            if said.len() >= MOST {
                reason = OTHERS;
            }
        }
        match said.get_mut(reason) {
            Some(last) if is_fresh(last) => {
                last.unsaid += 1;
                None
            }
            Some(last) => {
                let before = std::mem::replace(last, LastSaid { at: now, unsaid: 0 });
                Some((reason, before.unsaid))
            }
            None => {
                said.insert(reason.to_owned(), LastSaid { at: now, unsaid: 0 });
                Some((reason, 0))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: Duration = Duration::from_secs(1);

    #[test]
    fn each_reason_is_said_once_in_a_while_with_how_often_it_was_not() {
        let seldom = Seldom::new(EVERY);
        let start = Instant::now();
        assert_eq!(seldom.may_say_at("a", start), Some(("a", 0)));
        assert_eq!(seldom.may_say_at("b", start), Some(("b", 0)));
        assert_eq!(seldom.may_say_at("a", start), None);
        assert_eq!(seldom.may_say_at("a", start), None);
        assert_eq!(seldom.may_say_at("a", start + EVERY), Some(("a", 2)));
        assert_eq!(seldom.may_say_at("a", start + 2 * EVERY), Some(("a", 0)));
    }

    #[test]
    fn ever_new_reasons_fill_neither_the_log_nor_the_memory() {
        let (seldom, start) = (Seldom::new(EVERY), Instant::now());
        let reasons: Vec<_> = (0..10_000).map(|nth| format!("reason {nth}")).collect();
        let said = reasons.iter().filter_map(|reason| seldom.may_say_at(reason, start));
        assert_eq!(said.count(), MOST + 1);
        assert_eq!(seldom.said.lock().len(), MOST + 1);
        assert_eq!(seldom.may_say_at("new", start + EVERY), Some(("new", 0)), "the old make room");
    }
}
