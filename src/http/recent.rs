//! How often each client did something of late: exactly, since a promise of so many a minute is no promise of about
//! so many. For what is rare; [`super::UserRate`] is for what is not.

use parking_lot::Mutex;
use std::{
    collections::{HashMap, VecDeque},
    hash::Hash,
    time::{Duration, Instant},
};

/// So many clients are remembered at most; while all of them are recent, nobody else may do it.
const MOST_CLIENTS: usize = 10_000;

/// At most so many times within so long, for each client.
pub(crate) struct Recent<K> {
    most: usize,
    within: Duration,
    clients: Mutex<HashMap<K, VecDeque<Instant>>>,
}

impl<K: Eq + Hash> Recent<K> {
    /// The same for all.
    pub(crate) fn new(most: usize, within: Duration) -> Self {
        Self { most, within, clients: Mutex::default() }
    }

    /// Whether a client may do it now.
    ///
    /// # Errors
    /// It did so too often, and how long it is until it may.
    pub(crate) fn check(&self, client: &K, now: Instant) -> Result<(), Duration> {
        let clients = self.clients.lock();
        match clients.get(client).filter(|times| times.len() >= self.most).and_then(VecDeque::front) {
            Some(oldest) => match self.within.saturating_sub(now.saturating_duration_since(*oldest)) {
                Duration::ZERO => Ok(()),
                wait => Err(wait),
            },
            None => Ok(()),
        }
    }

    /// Counts once more of a client.
    ///
    /// # Errors
    /// As of [`Recent::check`], and then it does not count; or there are too many clients.
    pub(crate) fn count(&self, client: K, now: Instant) -> Result<(), Duration> {
        self.check(&client, now)?;
        let mut clients = self.clients.lock();
        if clients.len() >= MOST_CLIENTS && !clients.contains_key(&client) {
            let is_recent =
                |time: Option<&Instant>| time.is_some_and(|time| now.duration_since(*time) < self.within);
            clients.retain(|_, times| is_recent(times.back()));
            if clients.len() >= MOST_CLIENTS {
                return Err(self.within);
            }
        }
        let times = clients.entry(client).or_default();
        if times.len() >= self.most {
            times.pop_front();
        }
        times.push_back(now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn no_minute_has_more_than_so_many() {
        let (recent, start) = (Recent::new(2, MINUTE), Instant::now());
        let after = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(recent.count("a", after(0)), Ok(()));
        assert_eq!(recent.count("a", after(50)), Ok(()));
        assert_eq!(recent.count("a", after(51)), Err(Duration::from_secs(9)));
        assert_eq!(recent.check(&"a", after(59)), Err(Duration::from_secs(1)));
        assert_eq!((recent.count("b", after(51)), recent.check(&"c", after(51))), (Ok(()), Ok(())));
        assert_eq!(recent.count("a", after(60)), Ok(()));
        assert_eq!(recent.check(&"a", after(61)), Err(Duration::from_secs(49)));
    }

    #[test]
    fn those_who_did_it_long_ago_are_forgotten_when_there_are_many() {
        let (recent, start) = (Recent::new(1, MINUTE), Instant::now());
        for client in 0..MOST_CLIENTS {
            assert_eq!(recent.count(client, start), Ok(()));
        }
        assert_eq!(recent.count(MOST_CLIENTS, start), Err(MINUTE));
        assert_eq!(recent.count(MOST_CLIENTS, start + MINUTE), Ok(()));
        assert_eq!(recent.clients.lock().len(), 1);
    }
}
