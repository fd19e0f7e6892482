//! What the log says of events of unknown states: one line per state and minute, with the number of
//! events since the last, however many a provider sends. A state that is no plain word may be anything, a
//! person's name too, and stays out of the log. What becomes of the events is not decided here.

use parking_lot::Mutex;
use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

/// After a line about a state the next has to wait so long.
const EVERY: Duration = Duration::from_secs(60);
/// The most states that are told apart; more are one.
const MOST: usize = 64;
/// The longest state that is named, in bytes.
const MAX_BYTES: usize = 64;
const NO_WORD: &str = "(no plain word)";
const OTHERS: &str = "(many others)";

/// When each state was in the log last, and how many events of it came since.
#[derive(Default)]
pub(crate) struct UnknownStates(Mutex<HashMap<String, Seen>>);

struct Seen {
    logged: Instant,
    events: u64,
}

impl UnknownStates {
    /// An event of that state was archived.
    pub(crate) fn note(&self, state: &str, now: Instant) {
        if let Some((state, events)) = self.due(state, now) {
            tracing::warn!(
                state,
                events,
                "events of an unknown state were archived; GET /archive on the admin listener shows them"
            );
        }
    }

    /// What the log is to say, where it is time: the state, and its events since the last line.
    fn due(&self, state: &str, now: Instant) -> Option<(String, u64)> {
        let mut seen = self.0.lock();
        let mut state = if is_plain_word(state) { state } else { NO_WORD };
        if seen.len() >= MOST && !seen.contains_key(state) {
            seen.retain(|_, seen| now < seen.logged + EVERY);
            if seen.len() >= MOST {
                state = OTHERS;
            }
        }
        let Some(known) = seen.get_mut(state) else {
            seen.insert(state.to_owned(), Seen { logged: now, events: 0 });
            return Some((state.to_owned(), 1));
        };
        known.events += 1;
        (now >= known.logged + EVERY).then(|| {
            known.logged = now;
            (state.to_owned(), std::mem::take(&mut known.events))
        })
    }
}

/// Whether it is what a provider would call a state, and so neither a number nor a person's full name.
fn is_plain_word(state: &str) -> bool {
    state.len() <= MAX_BYTES
        && state.starts_with(|first: char| first.is_ascii_alphabetic())
        && state.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_is_said_once_a_minute_with_the_number_of_its_events() {
        let (states, begun) = (UnknownStates::default(), Instant::now());
        let at = |second| begun + Duration::from_secs(second);
        let said = |events| Some(("PARKED".to_owned(), events));
        assert_eq!(states.due("PARKED", at(0)), said(1));
        for second in 0..60 {
            assert_eq!(states.due("PARKED", at(second)), None);
        }
        assert_eq!(states.due("VOICEMAIL", at(59)), Some(("VOICEMAIL".to_owned(), 1)));
        assert_eq!(states.due("PARKED", at(60)), said(61));
        assert_eq!(states.due("PARKED", at(61)), None);
        assert_eq!(states.due("PARKED", at(500)), said(2));
    }

    #[test]
    fn ever_new_states_fill_neither_the_log_nor_the_memory() {
        let (states, begun) = (UnknownStates::default(), Instant::now());
        let lines = (0..10_000).filter_map(|state| states.due(&format!("STATE_{state}"), begun));
        assert_eq!(lines.count(), MOST + 1);
        assert_eq!(states.0.lock().len(), MOST + 1);
        let later = begun + EVERY;
        assert_eq!(states.due("new", later), Some(("new".to_owned(), 1)), "the old make room");
    }

    #[test]
    fn only_plain_words_are_named() {
        let (states, begun) = (UnknownStates::default(), Instant::now());
        for word in ["PARKED", "call-waiting", "v2.RINGING_AGAIN"] {
            assert_eq!(states.due(word, begun), Some((word.to_owned(), 1)));
        }
        assert_eq!(states.due("Anna Person", begun), Some((NO_WORD.to_owned(), 1)));
        let long = "X".repeat(MAX_BYTES + 1);
        for other in ["", "+32470112233", "32470112233", "line\nfeed", "élan", &long] {
            assert_eq!(states.due(other, begun), None, "{other:?} is one with the others");
        }
        assert_eq!(states.due("é", begun + EVERY), Some((NO_WORD.to_owned(), 7)));
    }
}
