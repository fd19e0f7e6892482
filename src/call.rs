//! The domain: what a call is. Pure: no I/O, no clock reads, nothing of a provider's
//! JSON, Redis or sockets.
//!
//! A [`Leg`] is a grow-only set of [`Event`]s; a [`Call`] is what they fold to, and is
//! exactly what a client receives.

mod event;
mod leg;
mod packed;
mod wrap_up;

pub(crate) use event::{Event, MAX_WRAP_UPS, Numbers, Phase, Sides, WRAP_UP_RANK, What};
pub(crate) use leg::{Leg, Rules};
pub(crate) use packed::{Pack, PackApart, Unpacked};
pub(crate) use wrap_up::check_wrap_up;

use crate::{
    clock::Micros,
    id::{Extension, ItemId, ItemKey, SourceName, TenantId},
    number::{Plan, is_withheld},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use std::{ops::Not, sync::Arc};

/// From the side of the user whose leg it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) enum Direction {
    Inbound,
    Outbound,
}

/// Where a call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) enum CallState {
    Ringing,
    Active,
    Held,
    Ended,
}

/// How an ended call went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) enum Outcome {
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
pub(crate) struct Party {
    pub(crate) number: Option<Arc<str>>,
    pub(crate) name: Option<Arc<str>>,
}

impl Party {
    /// Makes a party of what a provider says; a number that is withheld, an empty name, and a name
    /// that only repeats the number or the word for a withheld one become null.
    pub(crate) fn new(number: &str, name: &str, plan: &Plan) -> Self {
        let (number, name) = (short(number.trim()), short(name.trim()));
        let says_something = !is_withheld(name) && name != number && !plan.is_same(name, number);
        Self {
            number: (!is_withheld(number)).then(|| number.into()),
            name: says_something.then(|| name.into()),
        }
    }
}

/// The longest text of a party, and the like, in characters.
const MAX_TEXT: usize = 256;

/// A text that goes into every frame, without what is over 256 characters of it.
pub(crate) fn short(text: &str) -> &str {
    // A character has a byte at least.
    if text.len() <= MAX_TEXT {
        return text;
    }
    text.char_indices().nth(MAX_TEXT).map_or(text, |(end, _)| &text[..end])
}

/// The only kind of transfer that a provider announces on the receiver's leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) enum TransferKind {
    Attended,
}

/// A call that a colleague hands over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) struct Transfer {
    pub(crate) kind: TransferKind,
    pub(crate) original_number: Arc<str>,
    /// The colleague who hands it over.
    pub(crate) via: Party,
    /// When the original caller came on the line.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub(crate) completed_at: Option<Micros>,
}

/// The provider's AI summary of a call.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) struct Summary {
    pub(crate) language: Arc<str>,
    #[cfg_attr(test, ts(type = "number"))]
    pub(crate) reported_at: Micros,
    /// As the provider sent it; null where that is too long for the frames of its call.
    #[cfg_attr(test, ts(type = "unknown"))]
    pub(crate) content: Option<Content>,
    /// The content is too long: ask for it by a frame `summary`.
    #[serde(skip_serializing_if = "Not::not")]
    #[cfg_attr(test, ts(optional, as = "Option<bool>"))]
    pub(crate) more: bool,
}

/// What its user says of a call, once it is over or before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) struct WrapUp {
    pub(crate) disposition: Option<Arc<str>>,
    pub(crate) note: Arc<str>,
    /// When it was said, by callpop's clock.
    #[cfg_attr(test, ts(type = "number"))]
    pub(crate) at: Micros,
    /// The `sub` of the token of whoever said it.
    pub(crate) by: Arc<str>,
}

/// What a summary says.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    /// The JSON text, kept as it came.
    Here(Arc<RawValue>),
    /// So many bytes of it, which are kept apart from their event.
    Apart { bytes: usize },
}

/// A call as it now stands: the fold of its leg's events.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) struct Call {
    pub(crate) leg_id: ItemId,
    /// Where its events come from.
    pub(crate) source: SourceName,
    pub(crate) tenant_id: TenantId,
    pub(crate) extension: Extension,
    /// How many distinct events made this call; it only grows.
    pub(crate) version: u32,
    pub(crate) direction: Direction,
    /// The other side is an extension too.
    pub(crate) internal: bool,
    pub(crate) state: CallState,
    pub(crate) remote: Party,
    pub(crate) local: Party,
    pub(crate) transfer: Option<Transfer>,
    #[cfg_attr(test, ts(type = "number"))]
    pub(crate) started_at: Micros,
    #[cfg_attr(test, ts(type = "number | null"))]
    pub(crate) answered_at: Option<Micros>,
    /// When the present state began.
    #[cfg_attr(test, ts(type = "number"))]
    pub(crate) since: Micros,
    #[cfg_attr(test, ts(type = "number | null"))]
    pub(crate) ended_at: Option<Micros>,
    /// The latest timestamp among the provider's events.
    #[cfg_attr(test, ts(type = "number"))]
    pub(crate) updated_at: Micros,
    /// Finished time in each state, in milliseconds.
    #[cfg_attr(test, ts(type = "number"))]
    pub(crate) ring_ms: u64,
    #[cfg_attr(test, ts(type = "number"))]
    pub(crate) talk_ms: u64,
    #[cfg_attr(test, ts(type = "number"))]
    pub(crate) hold_ms: u64,
    pub(crate) outcome: Option<Outcome>,
    /// After this a live call is to be shown as unconfirmed.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub(crate) stale_at: Option<Micros>,
    /// When its user closed the popup, at last, by callpop's clock.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub(crate) dismissed_at: Option<Micros>,
    pub(crate) summary: Option<Box<Summary>>,
    /// Its user has closed the popup that showed this summary.
    pub(crate) summary_seen: bool,
    /// What its user said of it last; null where that was taken back.
    pub(crate) wrap_up: Option<WrapUp>,
}

impl Call {
    /// Whether it still rings or goes on.
    pub(crate) fn is_live(&self) -> bool {
        self.state != CallState::Ended
    }

    /// How long the summary's content is, as far as it is told.
    pub(crate) fn content_bytes(&self) -> usize {
        let content = self.summary.as_ref().and_then(|summary| summary.content.as_ref());
        content.and_then(Content::text).map_or(0, str::len)
    }
}

/// The longest content that goes with the frames of its call, in bytes of JSON.
pub(crate) const MAX_TOLD_CONTENT: usize = 16 * 1024;

impl Content {
    /// Takes JSON text as it is.
    pub(crate) fn new(json: Box<RawValue>) -> Self {
        Self::Here(json.into())
    }

    /// The JSON text, where it is here.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Here(json) => Some(json.get()),
            Self::Apart { .. } => None,
        }
    }

    /// Whether it goes with the frames of its call.
    fn is_told(&self) -> bool {
        self.text().is_some_and(|text| text.len() <= MAX_TOLD_CONTENT)
    }

    /// The same JSON whatever its white space and the order of its keys.
    fn canonical(&self) -> String {
        let text = self.text().unwrap_or_default();
        let parsed: Result<serde_json::Value, _> = serde_json::from_str(text);
        parsed.map_or_else(|_| text.to_owned(), |value| value.to_string())
    }
}

impl PartialEq for Content {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

/// What is kept apart says nothing here.
impl Serialize for Content {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Here(json) => json.serialize(serializer),
            Self::Apart { .. } => serializer.serialize_none(),
        }
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Box::deserialize(deserializer).map(Self::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_repeats_the_number_says_nothing() {
        let party = |number, name| Party::new(number, name, &Plan::default());
        for name in
            ["", "  ", "+3228992675", "+32 2 899 26 75", " +32-2-8992675 ", "028992675", "0032 28992675"]
        {
            assert_eq!(party("+3228992675", name).name, None, "{name:?}");
        }
        assert_eq!(party("200", "John Doe").name.as_deref(), Some("John Doe"));
        assert_eq!(party("reception", "reception").name, None);
        for withheld in [" ", "anonymous", "Unknown", "sip:anonymous@anonymous.invalid"] {
            assert_eq!(party(withheld, "John Doe").number, None, "{withheld:?}");
            assert_eq!(party(withheld, withheld).name, None, "{withheld:?}");
        }
    }
}
