//! Which ringing calls a session was sent, and when, so that what its client says of them can be
//! believed, or not. Bounded, and nothing at all for a session that nothing rang for. Pure: time is
//! an argument.

use crate::{
    call::Call,
    clock::Micros,
    id::{Extension, ItemId, Kind, SourceName},
    metrics::labels,
    protocol::NamedItem,
};
use std::collections::VecDeque;

/// The latest ringing calls that are remembered.
const MOST: usize = 16;
/// So far a client's clock, which it sets by ours, may be off.
const CLOCK_ERROR: Micros = 1_000_000;

/// The ringing calls of one session.
#[derive(Default)]
pub(crate) struct Receipts(Option<Box<LatestSent>>);

/// The oldest first.
#[derive(Default)]
struct LatestSent {
    sent: VecDeque<SentRinging>,
}

/// A ringing call, when it was sent first.
struct SentRinging {
    extension: Extension,
    source: SourceName,
    leg: ItemId,
    rang_at: Micros,
    sent_at: Micros,
    /// It was sent as it happened, not as something that was going on.
    is_news: bool,
    is_painted: bool,
}

/// What a receipt says that is believed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Painted {
    /// The provider's timestamp; none for a call that was not news when it was sent.
    pub(crate) rang_at: Option<Micros>,
    pub(crate) sent_at: Micros,
    /// By the client's clock: up to a second before it was sent.
    pub(crate) painted_at: Micros,
}

/// Why a receipt is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Disbelief {
    /// The session was sent no such ringing call, or long ago.
    Unknown,
    /// It came before.
    Again,
    /// Painted before it was sent.
    Early,
    /// Painted in the future.
    Late,
}

labels!(Disbelief { Unknown: "unknown", Again: "again", Early: "early", Late: "late" });

impl Receipts {
    /// A ringing call was sent; true where that was for the first time.
    pub(crate) fn on_sent(&mut self, call: &Call, is_news: bool, sent_at: Micros) -> bool {
        let sent = &mut self.0.get_or_insert_default().sent;
        if sent.iter().any(|sent| sent.is_of(call)) {
            return false;
        }
        if sent.len() == MOST {
            sent.pop_front();
        }
        sent.push_back(SentRinging {
            extension: call.extension.clone(),
            source: call.source.clone(),
            leg: call.leg_id.clone(),
            rang_at: call.since,
            sent_at,
            is_news,
            is_painted: false,
        });
        true
    }

    /// The client says that it painted a call.
    pub(crate) fn on_painted(
        &mut self,
        named: &NamedItem,
        painted_at: Micros,
        now: Micros,
    ) -> Result<Painted, Disbelief> {
        let latest = self.0.as_mut().ok_or(Disbelief::Unknown)?;
        let sent = latest.sent.iter_mut().find(|sent| sent.is_named(named)).ok_or(Disbelief::Unknown)?;
        if sent.is_painted {
            return Err(Disbelief::Again);
        }
        if painted_at.saturating_add(CLOCK_ERROR) < sent.sent_at {
            return Err(Disbelief::Early);
        }
        if painted_at > now + CLOCK_ERROR {
            return Err(Disbelief::Late);
        }
        sent.is_painted = true;
        Ok(Painted { rang_at: sent.is_news.then_some(sent.rang_at), sent_at: sent.sent_at, painted_at })
    }
}

impl SentRinging {
    fn is_of(&self, Call { leg_id, source, extension, .. }: &Call) -> bool {
        self.leg == *leg_id && self.source == *source && self.extension == *extension
    }

    fn is_named(&self, named: &NamedItem) -> bool {
        named.id() == Some((Kind::Call, &self.leg))
            && named.source.as_ref().is_none_or(|source| *source == self.source)
            && named.extension.as_ref().is_none_or(|extension| *extension == self.extension)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        call::{Direction, Event, Leg, Numbers, Party, Phase, Rules, Sides, What},
        id::{ItemKey, ItemName},
    };
    use serde_json::json;
    use std::time::Duration;

    const SECOND: Micros = 1_000_000;

    /// A call that rings since the 90th second.
    fn ringing(number: usize, extension: &str) -> Call {
        let key = ItemKey {
            tenant: "t".try_into().unwrap(),
            extension: extension.try_into().unwrap(),
            kind: Kind::Call,
            name: ItemName::of(&number.to_string()),
        };
        let sides = Sides {
            direction: Direction::Inbound,
            internal: false,
            remote: Party::default(),
            local: Party::default(),
            transfer_of: None,
            numbers: Numbers::default(),
        };
        let mut leg = Leg::default();
        leg.add(Event::new(90 * SECOND, What::Phase { phase: Phase::Ringing, sides: sides.into() }));
        let rules = Rules { ringing_stale_after: Duration::ZERO, active_stale_after: Duration::ZERO };
        leg.fold(&key, &rules).unwrap()
    }

    fn named(number: usize) -> NamedItem {
        serde_json::from_value(json!({ "leg_id": number.to_string() })).unwrap()
    }

    fn one() -> Receipts {
        let mut receipts = Receipts::default();
        assert!(receipts.on_sent(&ringing(1, "200"), true, 100 * SECOND));
        receipts
    }

    #[test]
    fn a_receipt_is_for_the_extension_and_the_source_that_it_names() {
        let mut receipts = one();
        assert!(receipts.on_sent(&ringing(1, "201"), true, 100 * SECOND));
        let mut say = |extension: &str, source: &str| {
            let named = json!({ "leg_id": "1", "extension": extension, "source": source });
            let named = serde_json::from_value(named).unwrap();
            receipts.on_painted(&named, 101 * SECOND, 101 * SECOND).is_ok()
        };
        assert!(say("201", "telsmart") && say("200", "telsmart"));
        assert!(!say("200", "telsmart") && !say("202", "telsmart") && !say("201", "clinic"));
    }

    #[test]
    fn a_receipt_is_believed_once_for_what_was_sent() {
        assert_eq!(Receipts::default().on_painted(&named(1), 0, 0), Err(Disbelief::Unknown));
        let mut receipts = one();
        assert!(!receipts.on_sent(&ringing(1, "200"), true, 200 * SECOND), "the first counts");
        let mut say = |nth, at, now| receipts.on_painted(&named(nth), at * SECOND, now * SECOND);
        assert_eq!(say(2, 101, 101), Err(Disbelief::Unknown));
        let painted = Painted { rang_at: Some(90 * SECOND), sent_at: 100 * SECOND, painted_at: 101 * SECOND };
        assert_eq!(say(1, 101, 101), Ok(painted));
        assert_eq!(say(1, 101, 101), Err(Disbelief::Again));
    }

    #[test]
    fn a_clock_may_be_off_by_a_second() {
        let at = |painted_at, now| one().on_painted(&named(1), painted_at, now).map(|said| said.painted_at);
        assert_eq!(at(99 * SECOND, 100 * SECOND), Ok(99 * SECOND));
        assert_eq!(at(99 * SECOND - 1, 100 * SECOND), Err(Disbelief::Early));
        assert_eq!(at(0, 100 * SECOND), Err(Disbelief::Early));
        assert_eq!(at(106 * SECOND, 105 * SECOND), Ok(106 * SECOND));
        assert_eq!(at(106 * SECOND + 1, 105 * SECOND), Err(Disbelief::Late));
        assert_eq!(at(Micros::MAX, 105 * SECOND), Err(Disbelief::Late));
    }

    #[test]
    fn what_was_refused_may_be_said_again_rightly() {
        let mut receipts = one();
        assert_eq!(receipts.on_painted(&named(1), 0, 101 * SECOND), Err(Disbelief::Early));
        assert!(receipts.on_painted(&named(1), 101 * SECOND, 101 * SECOND).is_ok());
    }

    #[test]
    fn the_latest_are_remembered() {
        let mut receipts = Receipts::default();
        for number in 0..1000 {
            receipts.on_sent(&ringing(number, "200"), false, SECOND);
        }
        let sent = &receipts.0.as_ref().unwrap().sent;
        assert!(sent.len() == MOST && sent.capacity() <= 2 * MOST);
        assert_eq!(receipts.on_painted(&named(983), SECOND, SECOND), Err(Disbelief::Unknown));
        assert_eq!(receipts.on_painted(&named(984), SECOND, SECOND).unwrap().rang_at, None);
    }
}
