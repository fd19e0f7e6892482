//! What can happen to a leg.

use super::{Content, Direction, Micros, Party};
use crate::{
    event_set::{Effect, Identity, Manner, SetEvent},
    number::{Number, Plan, is_normal},
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use xxhash_rust::xxh3::Xxh3;

/// The most ringing, active and held events of one leg that are kept.
pub(crate) const MAX_PHASES: usize = 512;
/// The most wrap-ups of one leg that are kept: so often its user may change their mind.
pub(crate) const MAX_WRAP_UPS: usize = 32;
/// The place of a wrap-up among events of the same time.
pub(crate) const WRAP_UP_RANK: u32 = 7;
/// The most events, with dismissals, summaries and wrap-ups.
const MAX_EVENTS: usize = MAX_PHASES + MAX_WRAP_UPS + 32;
/// The most events with those that end a call, so that a leg that is full still ends.
const MAX_WITH_ENDS: usize = MAX_EVENTS + 32;

/// Something that happened to a leg.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(from = "AsStored")]
pub(crate) struct Event {
    /// The provider's timestamp; for a dismissal and a wrap-up, callpop's.
    pub(crate) at: Micros,
    pub(crate) what: What,
    /// Fields of the provider that callpop does not know, as a JSON object; no part of the identity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) extra: Option<Box<str>>,
    #[serde(skip)]
    digest: u64,
}

#[derive(Deserialize)]
struct AsStored {
    at: Micros,
    what: What,
    #[serde(default)]
    extra: Option<Box<str>>,
}

/// The kinds of event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum What {
    /// The telephone says where the leg stands.
    Phase { phase: Phase, sides: Arc<Sides> },
    /// The AI summary came; providers send it after the call.
    Summary { sides: Arc<Sides>, language: Arc<str>, content: Content },
    /// Its user closed the popup, and had seen the summary of that timestamp, if any.
    Dismissed { summary: Option<Micros> },
    /// Nothing came for long after the phase of timestamp `after`.
    Expired { after: Micros },
    /// What its user says of it; nothing and an empty note take back what was said before.
    WrapUp { disposition: Option<Arc<str>>, note: Arc<str>, by: Arc<str> },
}

/// Where the telephone says that a leg stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Phase {
    Ringing,
    Active,
    Held,
    Hangup,
}

/// Who is on the leg, from its user's side.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Sides {
    pub(crate) direction: Direction,
    /// The other side is an extension of the tenant.
    pub(crate) internal: bool,
    pub(crate) remote: Party,
    pub(crate) local: Party,
    /// The number of the caller whom an attended transfer is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) transfer_of: Option<Arc<str>>,
    /// The normal forms of those numbers. They follow from what the source's numbers meant when the event came,
    /// so that every node folds the same call of it; no part of the identity.
    #[serde(default, skip_serializing_if = "Numbers::is_plain")]
    pub(crate) numbers: Numbers,
}

/// The numbers of some sides in their normal form; nothing where each is written in it, as most are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Numbers(Option<Box<[Option<Number>; 3]>>);

impl Sides {
    /// The same with the normal forms of its numbers.
    pub(crate) fn numbered(mut self, plan: &Plan) -> Self {
        let texts = [&self.remote.number, &self.local.number, &self.transfer_of];
        if texts.iter().all(|text| text.as_deref().is_none_or(is_normal)) {
            self.numbers = Numbers::default();
            return self;
        }
        let numbers = texts.map(|text| text.as_deref().and_then(|text| plan.number(text)));
        let is_plain = texts
            .iter()
            .zip(&numbers)
            .all(|(text, number)| text.as_deref() == number.as_ref().map(Number::as_str));
        self.numbers = Numbers((!is_plain).then(|| numbers.into()));
        self
    }

    /// The other side's number; none where it is nobody's.
    pub(crate) fn remote_number(&self) -> Option<&str> {
        self.numbers.of(0, &self.remote.number)
    }

    pub(crate) fn local_number(&self) -> Option<&str> {
        self.numbers.of(1, &self.local.number)
    }

    pub(crate) fn transfer_number(&self) -> Option<&str> {
        self.numbers.of(2, &self.transfer_of)
    }
}

impl Numbers {
    fn of<'a>(&'a self, nth: usize, text: &'a Option<Arc<str>>) -> Option<&'a str> {
        match &self.0 {
            Some(numbers) => numbers[nth].as_ref().map(Number::as_str),
            None => text.as_deref(),
        }
    }

    pub(crate) fn is_plain(&self) -> bool {
        self.0.is_none()
    }
}

impl Event {
    /// Makes an event; its digest follows from what it says.
    pub(crate) fn new(at: Micros, what: What) -> Self {
        let digest = what.digest();
        Self { at, what, extra: None, digest }
    }

    /// An event as it is read without what it says, of which the digest was made.
    pub(super) fn with_digest(at: Micros, what: What, digest: u64) -> Self {
        Self { at, what, extra: None, digest }
    }

    /// The same event with fields that callpop does not know.
    pub(crate) fn with_extra(self, extra: Option<Box<str>>) -> Self {
        Self { extra, ..self }
    }

    /// Who is on the leg, where the event says so.
    pub(crate) fn sides(&self) -> Option<&Arc<Sides>> {
        match &self.what {
            What::Phase { sides, .. } | What::Summary { sides, .. } => Some(sides),
            What::Dismissed { .. } | What::Expired { .. } | What::WrapUp { .. } => None,
        }
    }

    /// What its summary says, where it is one and that is here.
    pub(crate) fn content(&self) -> Option<&str> {
        match &self.what {
            What::Summary { content, .. } => content.text(),
            _ => None,
        }
    }

    /// When it began to ring, where it says so.
    pub(crate) fn rang_at(&self) -> Option<Micros> {
        matches!(self.what, What::Phase { phase: Phase::Ringing, .. }).then_some(self.at)
    }

    /// Whether it is what its user says of the call.
    pub(crate) fn is_wrap_up(&self) -> bool {
        matches!(self.what, What::WrapUp { .. })
    }
}

impl SetEvent for Event {
    /// In the order of the fold: by timestamp, then by kind in the order of a call's life. But however often, and
    /// whenever, a user closes the same, it is one dismissal; which of them counts is the store's to say.
    fn identity(&self) -> Identity {
        let at = match self.what {
            What::Dismissed { summary } => summary.unwrap_or_default(),
            _ => self.at,
        };
        Identity { at, rank: self.what.rank(), digest: self.digest }
    }

    fn manner(&self) -> Manner {
        let (room, alike, effect) = match self.what {
            What::Phase { phase: Phase::Hangup, .. } => (MAX_WITH_ENDS, MAX_WITH_ENDS, Effect::EndsForGood),
            What::Phase { .. } => (MAX_PHASES, MAX_PHASES, Effect::Lives),
            What::Expired { .. } => (MAX_WITH_ENDS, MAX_WITH_ENDS, Effect::Rests),
            What::Summary { .. } | What::Dismissed { .. } => (MAX_EVENTS, MAX_EVENTS, Effect::Nothing),
            What::WrapUp { .. } => (MAX_EVENTS, MAX_WRAP_UPS, Effect::Nothing),
        };
        Manner { room, alike, effect, shows: self.sides().is_some() }
    }

    /// Shares the sides of an event that says the same.
    fn share(&mut self, neighbour: &Self) {
        if let (What::Phase { sides, .. } | What::Summary { sides, .. }, Some(same)) =
            (&mut self.what, neighbour.sides())
            && sides == same
        {
            *sides = same.clone();
        }
    }
}

impl From<AsStored> for Event {
    fn from(stored: AsStored) -> Self {
        Self::new(stored.at, stored.what).with_extra(stored.extra)
    }
}

impl PartialEq for Event {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }
}

impl What {
    fn rank(&self) -> u32 {
        match self {
            Self::Phase { phase: Phase::Ringing, .. } => 0,
            Self::Phase { phase: Phase::Active, .. } => 1,
            Self::Phase { phase: Phase::Held, .. } => 2,
            Self::Phase { phase: Phase::Hangup, .. } => 3,
            Self::Summary { .. } => 4,
            Self::Dismissed { .. } => 5,
            Self::Expired { .. } => 6,
            Self::WrapUp { .. } => WRAP_UP_RANK,
        }
    }

    /// Stable over processes, machines and versions: it is part of what is compared between nodes.
    fn digest(&self) -> u64 {
        let mut hash = Xxh3::new();
        match self {
            Self::Phase { sides, .. } => sides.digest(&mut hash),
            Self::Summary { sides, language, content } => {
                sides.digest(&mut hash);
                part(&mut hash, Some(language));
                part(&mut hash, Some(&content.canonical()));
            }
            Self::Dismissed { summary } => {
                if let Some(at) = summary {
                    hash.update(&at.to_le_bytes());
                }
            }
            Self::Expired { after } => hash.update(&after.to_le_bytes()),
            Self::WrapUp { disposition, note, by } => {
                for text in [disposition.as_ref(), Some(note), Some(by)] {
                    part(&mut hash, text.map(|text| &**text));
                }
            }
        }
        hash.digest()
    }
}

impl Sides {
    fn digest(&self, hash: &mut Xxh3) {
        hash.update(&[self.direction as u8, u8::from(self.internal)]);
        for text in
            [&self.remote.number, &self.remote.name, &self.local.number, &self.local.name, &self.transfer_of]
        {
            part(hash, text.as_deref());
        }
    }
}

/// Adds a text with its length, so that no two lists of texts run into one another.
fn part(hash: &mut Xxh3, text: Option<&str>) {
    let length = text.map_or(u64::MAX, |text| text.len() as u64);
    hash.update(&length.to_le_bytes());
    hash.update(text.unwrap_or_default().as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ringing(number: &str, name: &str) -> What {
        let sides = Sides {
            direction: Direction::Inbound,
            internal: false,
            remote: Party::new(number, name, &Plan::default()),
            local: Party::new("200", "John Doe", &Plan::default()),
            transfer_of: None,
            numbers: Numbers::default(),
        };
        What::Phase { phase: Phase::Ringing, sides: sides.into() }
    }

    fn wrap_up(disposition: Option<&str>, note: &str) -> What {
        let disposition = disposition.map(Into::into);
        What::WrapUp { disposition, note: note.into(), by: "agent".into() }
    }

    #[test]
    fn what_is_stored_is_the_same_event_when_read() {
        let content = serde_json::value::RawValue::from_string("{\"a\": [1,  2]}".into()).unwrap();
        let What::Phase { sides, .. } = ringing("+3228992675", "") else { unreachable!() };
        let summary = What::Summary { sides, language: "en-GB".into(), content: Content::new(content) };
        let ours = [
            What::Dismissed { summary: None },
            What::Dismissed { summary: Some(9) },
            What::Expired { after: 7 },
            wrap_up(Some("Resolved"), "a\nb"),
            wrap_up(None, ""),
        ];
        for what in [ringing("+3228992675", "x"), summary].into_iter().chain(ours) {
            let event = Event::new(5, what).with_extra(Some("{\"queue\":1}".into()));
            let text = serde_json::to_string(&event).unwrap();
            let read: Event = serde_json::from_str(&text).unwrap();
            assert_eq!(read, event);
            assert_eq!(serde_json::to_string(&read).unwrap(), text);
        }
    }

    #[test]
    fn the_digest_is_what_it_always_was() {
        // A change here makes every stored duplicate look new: migrate, do not just edit.
        for (what, digest) in [
            (ringing("+3228992675", "Ann"), 11_132_449_755_253_580_886),
            (What::Dismissed { summary: None }, 3_244_421_341_483_603_138),
            (What::Expired { after: 7 }, 9_324_454_920_402_081_455),
            (wrap_up(Some("Resolved"), "a"), 6_855_561_269_721_315_697),
        ] {
            assert_eq!(Event::new(5, what.clone()).digest, digest, "{what:?}");
        }
    }

    #[test]
    fn texts_do_not_run_into_one_another() {
        assert_ne!(Event::new(5, ringing("12", "3x")), Event::new(5, ringing("123", "x")));
        assert_ne!(Event::new(5, wrap_up(Some("a"), "")), Event::new(5, wrap_up(None, "a")));
        assert_ne!(Event::new(5, wrap_up(Some(""), "a")), Event::new(5, wrap_up(None, "a")));
    }
}
