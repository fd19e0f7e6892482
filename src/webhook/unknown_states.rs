//! What the log says of events of unknown states: one line per state and minute, with the number of
//! events since the last, however many a provider sends. A state that is no plain word may be anything, a
//! person's name too, and stays out of the log. What becomes of the events is not decided here.

use crate::log::Seldom;
use std::time::Duration;

/// After a line about a state the next has to wait so long.
const EVERY: Duration = Duration::from_secs(60);
/// The longest state that is named, in bytes.
const MAX_BYTES: usize = 64;
const NO_WORD: &str = "(no plain word)";

/// Which states were in the log lately.
pub(crate) struct UnknownStates(Seldom);

impl Default for UnknownStates {
    fn default() -> Self {
        Self(Seldom::new(EVERY))
    }
}

impl UnknownStates {
    /// An event of that state was archived.
    pub(crate) fn note(&self, state: &str) {
        if let Some((state, unsaid)) = self.0.may_say_of_many(name(state)) {
            tracing::warn!(
                state,
                events = unsaid + 1,
                "events of an unknown state were archived; GET /archive on operator_listen shows them"
            );
        }
    }
}

/// What a state is called in the log.
fn name(state: &str) -> &str {
    if is_plain_word(state) { state } else { NO_WORD }
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
    fn only_plain_words_are_named() {
        for word in ["PARKED", "call-waiting", "v2.RINGING_AGAIN"] {
            assert_eq!(name(word), word);
        }
        let long = "X".repeat(MAX_BYTES + 1);
        for other in ["", "Anna Person", "+32470112233", "32470112233", "line\nfeed", "élan", &long] {
            assert_eq!(name(other), NO_WORD);
        }
    }
}
