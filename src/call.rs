//! The domain: what a call is. Pure: no I/O, no clock reads, nothing of a provider's
//! JSON, Redis or sockets.
//!
//! A [`Leg`] is a grow-only set of [`Event`]s; a [`Call`] is what they fold to, and is
//! exactly what a client receives.

mod event;
mod leg;
mod wrap_up;

pub use event::{CallEvent, Event, Line, Phase, What};
pub use leg::{Added, Leg, MAX_EVENTS, MAX_PHASES, MAX_WITH_ENDS, MAX_WRAP_UPS, Rules};
pub use wrap_up::{BadWrapUp, MAX_NOTE_CHARS, check_wrap_up};

use crate::{
    clock::Micros,
    id::{Extension, LegId, TenantId},
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Whose leg it is: the key of everything that is stored and delivered.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LegKey {
    pub tenant: TenantId,
    pub extension: Extension,
    pub leg: LegId,
}

/// From the side of the user whose leg it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub enum Direction {
    Inbound,
    Outbound,
}

/// Where a call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub enum CallState {
    Ringing,
    Active,
    Held,
    Ended,
}

/// How an ended call went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub enum Outcome {
    /// It was active at some time.
    Answered,
    /// Inbound and never active.
    Missed,
    /// Outbound and never active.
    NoAnswer,
    /// No hangup came; it was given up long after its last event.
    Expired,
}

/// One side of a call. A withheld number is null; so is a name that says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Party {
    pub number: Option<Arc<str>>,
    pub name: Option<Arc<str>>,
}

impl Party {
    /// Makes a party of what a provider says; an empty number, an empty name, and a name
    /// that only repeats the number become null.
    pub fn new(number: &str, name: &str) -> Self {
        let (number, name) = (number.trim(), name.trim());
        let says_something = !name.is_empty() && !digits(name).eq(digits(number));
        Self {
            number: (!number.is_empty()).then(|| number.into()),
            name: says_something.then(|| name.into()),
        }
    }
}

/// A number's characters without the signs that people group them with.
fn digits(number: &str) -> impl Iterator<Item = char> + '_ {
    number.chars().filter(|c| !matches!(c, ' ' | '-' | '.' | '/' | '(' | ')'))
}

/// The only kind of transfer that a provider announces on the receiver's leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub enum TransferKind {
    Attended,
}

/// A call that a colleague hands over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Transfer {
    pub kind: TransferKind,
    pub original_number: Arc<str>,
    /// The colleague who hands it over.
    pub via: Party,
    /// When the original caller came on the line.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub completed_at: Option<Micros>,
}

/// The provider's AI summary of a call.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Summary {
    pub language: Arc<str>,
    #[cfg_attr(test, ts(type = "number"))]
    pub reported_at: Micros,
    /// As the provider sent it.
    #[cfg_attr(test, ts(type = "unknown"))]
    pub content: Content,
}

/// What its user says of a call, once it is over or before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct WrapUp {
    pub disposition: Option<Arc<str>>,
    pub note: Arc<str>,
    /// When it was said, by callpop's clock.
    #[cfg_attr(test, ts(type = "number"))]
    pub at: Micros,
    /// The `sub` of the token of whoever said it.
    pub by: Arc<str>,
}

/// The JSON text of a summary's content, kept as it came.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Content(Arc<serde_json::value::RawValue>);

/// A call as it now stands: the fold of its leg's events.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Call {
    pub leg_id: LegId,
    pub tenant_id: TenantId,
    pub extension: Extension,
    /// How many distinct events made this call; it only grows.
    pub version: u32,
    pub direction: Direction,
    /// The other side is an extension too.
    pub internal: bool,
    pub state: CallState,
    pub remote: Party,
    pub local: Party,
    pub transfer: Option<Transfer>,
    #[cfg_attr(test, ts(type = "number"))]
    pub started_at: Micros,
    #[cfg_attr(test, ts(type = "number | null"))]
    pub answered_at: Option<Micros>,
    /// When the present state began.
    #[cfg_attr(test, ts(type = "number"))]
    pub since: Micros,
    #[cfg_attr(test, ts(type = "number | null"))]
    pub ended_at: Option<Micros>,
    /// The latest timestamp among the provider's events.
    #[cfg_attr(test, ts(type = "number"))]
    pub updated_at: Micros,
    /// Finished time in each state, in milliseconds.
    #[cfg_attr(test, ts(type = "number"))]
    pub ring_ms: u64,
    #[cfg_attr(test, ts(type = "number"))]
    pub talk_ms: u64,
    #[cfg_attr(test, ts(type = "number"))]
    pub hold_ms: u64,
    pub outcome: Option<Outcome>,
    /// After this a live call is to be shown as unconfirmed.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub stale_at: Option<Micros>,
    /// When its user closed the popup, at last, by callpop's clock.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub dismissed_at: Option<Micros>,
    pub summary: Option<Summary>,
    /// What its user said of it last; null where that was taken back.
    pub wrap_up: Option<WrapUp>,
}

impl Call {
    /// Whether it still rings or goes on.
    pub fn is_live(&self) -> bool {
        self.state != CallState::Ended
    }
}

impl Content {
    /// Takes JSON text as it is.
    pub fn new(json: Box<serde_json::value::RawValue>) -> Self {
        Self(json.into())
    }

    /// The JSON text.
    pub fn as_str(&self) -> &str {
        self.0.get()
    }

    /// The same JSON whatever its white space and the order of its keys.
    fn canonical(&self) -> String {
        let parsed: Result<serde_json::Value, _> = serde_json::from_str(self.as_str());
        parsed.map_or_else(|_| self.as_str().to_owned(), |value| value.to_string())
    }
}

impl PartialEq for Content {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_repeats_the_number_says_nothing() {
        for name in ["", "  ", "+3228992675", "+32 2 899 26 75", " +32-2-8992675 "] {
            assert_eq!(Party::new("+3228992675", name).name, None, "{name:?}");
        }
        assert_eq!(Party::new("200", "John Doe").name.as_deref(), Some("John Doe"));
        assert_eq!(Party::new(" ", "John Doe").number, None);
    }
}
