//! Which ringing calls a session was sent, and when, so that what its client says of them can be
//! believed, or not. Bounded, and nothing at all for a session that nothing rang for. Pure: time is
//! an argument.

use crate::{clock::Micros, id::LegId, metrics::labels};
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
    leg: LegId,
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
    pub(crate) fn on_sent(&mut self, leg: &LegId, rang_at: Micros, is_news: bool, sent_at: Micros) -> bool {
        let sent = &mut self.0.get_or_insert_default().sent;
        if sent.iter().any(|sent| sent.leg == *leg) {
            return false;
        }
        if sent.len() == MOST {
            sent.pop_front();
        }
        sent.push_back(SentRinging { leg: leg.clone(), rang_at, sent_at, is_news, is_painted: false });
        true
    }

    /// The client says that it painted a call.
    pub(crate) fn on_painted(
        &mut self,
        leg: &LegId,
        painted_at: Micros,
        now: Micros,
    ) -> Result<Painted, Disbelief> {
        let latest = self.0.as_mut().ok_or(Disbelief::Unknown)?;
        let sent = latest.sent.iter_mut().find(|sent| sent.leg == *leg).ok_or(Disbelief::Unknown)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Micros = 1_000_000;

    fn leg(number: usize) -> LegId {
        number.to_string().as_str().try_into().unwrap()
    }

    fn one() -> Receipts {
        let mut receipts = Receipts::default();
        assert!(receipts.on_sent(&leg(1), 90 * SECOND, true, 100 * SECOND));
        receipts
    }

    #[test]
    fn a_receipt_is_believed_once_for_what_was_sent() {
        assert_eq!(Receipts::default().on_painted(&leg(1), 0, 0), Err(Disbelief::Unknown));
        let mut receipts = one();
        assert!(!receipts.on_sent(&leg(1), 90 * SECOND, true, 200 * SECOND), "the first counts");
        let mut say = |leg, at, now| receipts.on_painted(&leg, at * SECOND, now * SECOND);
        assert_eq!(say(leg(2), 101, 101), Err(Disbelief::Unknown));
        let painted = Painted { rang_at: Some(90 * SECOND), sent_at: 100 * SECOND, painted_at: 101 * SECOND };
        assert_eq!(say(leg(1), 101, 101), Ok(painted));
        assert_eq!(say(leg(1), 101, 101), Err(Disbelief::Again));
    }

    #[test]
    fn a_clock_may_be_off_by_a_second() {
        let at = |painted_at, now| one().on_painted(&leg(1), painted_at, now).map(|said| said.painted_at);
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
        assert_eq!(receipts.on_painted(&leg(1), 0, 101 * SECOND), Err(Disbelief::Early));
        assert!(receipts.on_painted(&leg(1), 101 * SECOND, 101 * SECOND).is_ok());
    }

    #[test]
    fn the_latest_are_remembered() {
        let mut receipts = Receipts::default();
        for number in 0..1000 {
            receipts.on_sent(&leg(number), 0, false, SECOND);
        }
        let sent = &receipts.0.as_ref().unwrap().sent;
        assert!(sent.len() == MOST && sent.capacity() <= 2 * MOST);
        assert_eq!(receipts.on_painted(&leg(983), SECOND, SECOND), Err(Disbelief::Unknown));
        assert_eq!(receipts.on_painted(&leg(984), SECOND, SECOND).unwrap().rang_at, None);
    }
}
