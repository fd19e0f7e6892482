//! When a session must act, and how much it takes from its client. Pure: time is an argument.

use std::time::{Duration, Instant};

/// A client is told so long before its token ends; for a short-lived one, a fifth of its life before.
const WARNING: Duration = Duration::from_secs(60);

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// Ask for a sign of life.
    Ping,
    /// Nothing came for two heartbeats.
    Silent,
    /// The token ends soon.
    TokenExpiring { in_ms: u64 },
    /// The token has ended.
    TokenExpired,
}

/// The times of one session.
#[derive(Debug)]
pub(crate) struct Pulse {
    heartbeat: Duration,
    heard: Instant,
    ping_at: Instant,
    warn_at: Option<Instant>,
    expires: Instant,
}

impl Pulse {
    /// Begins now, with a token that lives so long.
    pub(crate) fn new(heartbeat: Duration, now: Instant, token_life: Duration) -> Self {
        let mut pulse = Self { heartbeat, heard: now, ping_at: now + heartbeat, warn_at: None, expires: now };
        pulse.on_token(now, token_life);
        pulse
    }

    /// When the token ends.
    pub(crate) fn end(&self) -> Instant {
        self.expires
    }

    /// A fresh token lives so long from now.
    pub(crate) fn on_token(&mut self, now: Instant, life: Duration) {
        let life = life.min(MAX_LIFE);
        self.expires = now + life;
        self.warn_at = Some(self.expires - WARNING.min(life / 5));
    }

    /// Something came from the client.
    pub(crate) fn on_sign_of_life(&mut self, now: Instant) {
        self.heard = now;
        self.ping_at = now + self.heartbeat;
    }

    /// When to look again.
    pub(crate) fn next(&self) -> Instant {
        self.expires.min(self.ping_at).min(self.warn_at.unwrap_or(self.expires))
    }

    /// The next thing that is due, if any; to be asked until there is none.
    pub(crate) fn on_time(&mut self, now: Instant) -> Option<Due> {
        if now >= self.expires {
            return Some(Due::TokenExpired);
        }
        if self.warn_at.is_some_and(|at| now >= at) {
            self.warn_at = None;
            return Some(Due::TokenExpiring { in_ms: (self.expires - now).as_millis() as u64 });
        }
        if now < self.ping_at {
            return None;
        }
        self.ping_at = now + self.heartbeat;
        let silence = now - self.heard;
        Some(if silence >= 2 * self.heartbeat { Due::Silent } else { Due::Ping })
    }
}

/// How many frames a client may send: `rate` a second, and twice that at once.
#[derive(Debug)]
pub(crate) struct Budget {
    interval: Duration,
    /// When a client that sends no more would have its whole burst back.
    full_at: Instant,
}

impl Budget {
    /// A whole one.
    pub(crate) fn new(rate: u32, now: Instant) -> Self {
        Self { interval: Duration::from_secs(1) / rate, full_at: now }
    }

    /// Counts a frame; false where it is one too many.
    pub(crate) fn spend(&mut self, now: Instant) -> bool {
        const BURST_SECONDS: u64 = 2;
        self.full_at = self.full_at.max(now) + self.interval;
        self.full_at - now <= Duration::from_secs(BURST_SECONDS)
    }
}

/// A clock does not reach further.
const MAX_LIFE: Duration = Duration::from_secs(3600 * 24 * 365);

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_silent_client_is_pinged_and_then_given_up() {
        let start = Instant::now();
        let mut pulse = Pulse::new(25 * SECOND, start, 3600 * SECOND);
        assert_eq!(pulse.on_time(start + 24 * SECOND), None);
        assert_eq!(pulse.on_time(start + 25 * SECOND), Some(Due::Ping));
        assert_eq!(pulse.on_time(start + 25 * SECOND), None);
        assert_eq!(pulse.on_time(start + 50 * SECOND), Some(Due::Silent));
    }

    #[test]
    fn a_client_that_answers_lives_on() {
        let start = Instant::now();
        let mut pulse = Pulse::new(25 * SECOND, start, 3600 * SECOND);
        for round in 1..10 {
            assert_eq!(pulse.on_time(start + round * 25 * SECOND), Some(Due::Ping));
            pulse.heard = start + round * 25 * SECOND;
        }
    }

    #[test]
    fn a_token_is_announced_once_and_then_ends() {
        let start = Instant::now();
        let mut pulse = Pulse::new(3600 * SECOND, start, 10 * SECOND);
        assert_eq!(pulse.next(), start + 8 * SECOND);
        assert_eq!(pulse.on_time(start + 8 * SECOND), Some(Due::TokenExpiring { in_ms: 2000 }));
        assert_eq!(pulse.on_time(start + 9 * SECOND), None);
        assert_eq!(pulse.on_time(start + 10 * SECOND), Some(Due::TokenExpired));
        pulse.on_token(start + 9 * SECOND, 1000 * SECOND);
        assert_eq!(pulse.next(), start + (9 + 1000 - 60) * SECOND);
    }

    #[test]
    fn a_burst_is_twice_the_rate() {
        let start = Instant::now();
        let mut budget = Budget::new(50, start);
        assert!((0..100).all(|_| budget.spend(start)));
        assert!(!budget.spend(start));
        let mut steady = Budget::new(50, start);
        assert!((0..1000).all(|frame| steady.spend(start + frame * SECOND / 50)));
    }
}
