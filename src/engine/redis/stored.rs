//! A leg as Redis holds it: each event beside the tenant's number that it made, and the version
//! that it gave the leg. So a leg can be folded as it was at any number.

use super::keys::SEPARATOR;
use crate::call::{Event, Leg, LegId, LegKey, Micros, TenantId};
use std::sync::Arc;

/// What the value begins with that is no event, but says in which state the leg is.
const STATE: &[u8] = b"=";

/// A leg, and the number of its last change.
#[derive(Debug)]
pub struct Stored {
    pub seq: u64,
    pub leg: Leg,
}

impl Stored {
    /// Reads a leg as it was at number `upto`; none where it was not there yet, or is forgotten.
    pub fn read<'a>(values: impl IntoIterator<Item = &'a [u8]>, upto: u64) -> Option<Self> {
        let (mut events, mut last, mut version) = (Vec::new(), 0, 0);
        for value in values.into_iter().filter(|value| !value.starts_with(STATE)) {
            let Some((seq, nth, event)) = parse(value) else {
                tracing::error!("an event in Redis cannot be read, and is left out");
                continue;
            };
            if seq <= upto {
                (last, version) = (last.max(seq), version.max(nth));
                events.push(event);
            }
        }
        (!events.is_empty()).then(|| Self { seq: last, leg: Leg::of(events, version) })
    }
}

/// When a leg was touched last, by callpop's clock, as its state says.
pub fn touched(state: &str) -> Option<Micros> {
    state.split(':').nth(1)?.parse().ok()
}

fn parse(value: &[u8]) -> Option<(u64, u32, Event)> {
    let mut parts = std::str::from_utf8(value).ok()?.splitn(3, ':');
    let (seq, version) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    Some((seq, version, serde_json::from_str(parts.next()?).ok()?))
}

/// A change as it is published.
pub struct Published<'a> {
    pub epoch: &'a str,
    pub seq: u64,
    /// When it was committed, in microseconds by the clock of the node that did.
    pub at: u64,
    extension: &'a str,
    leg: &'a str,
    /// The leg's events; empty where there are too many to publish.
    events: &'a [u8],
}

impl<'a> Published<'a> {
    /// Reads a message; none where it is not one of ours.
    pub fn parse(message: &'a [u8]) -> Option<Self> {
        let mut parts = message.splitn(6, |byte| *byte == SEPARATOR as u8);
        let mut text = || std::str::from_utf8(parts.next()?).ok();
        let (epoch, seq, at) = (text()?, text()?.parse().ok()?, text()?.parse().ok()?);
        let (extension, leg) = (text()?, text()?);
        Some(Self { epoch, seq, at, extension, leg, events: parts.next().unwrap_or_default() })
    }

    /// Whose leg it is.
    pub fn key(&self, tenant: &TenantId) -> Option<LegKey> {
        let leg: LegId = self.leg.try_into().ok()?;
        Some(LegKey { tenant: tenant.clone(), extension: self.extension.try_into().ok()?, leg })
    }

    /// Whether the leg must be read.
    pub fn is_bare(&self) -> bool {
        self.events.is_empty()
    }

    /// The leg with all its events.
    pub fn leg(&self) -> Option<Leg> {
        let values = self.events.split(|byte| *byte == SEPARATOR as u8);
        Stored::read(values, self.seq).map(|stored| stored.leg)
    }
}

/// The state of a tenant at one instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    pub epoch: Arc<str>,
    pub seq: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::What;

    fn value(seq: u64, version: u32, at: u64) -> String {
        let event = serde_json::to_string(&Event::new(at, What::Dismissed)).unwrap();
        format!("{seq}:{version}:{event}")
    }

    #[test]
    fn a_leg_is_read_as_it_was_at_a_number() {
        let values = [value(7, 4, 30), "=5:1700:live:1".into(), value(5, 3, 10), value(9, 5, 20)];
        let read = |upto| Stored::read(values.iter().map(String::as_bytes), upto);
        assert!(read(4).is_none());
        assert_eq!(touched(&values[1]), Some(1700));
        for (upto, seq, version, events) in [(5, 5, 3, 1), (8, 7, 4, 2), (99, 9, 5, 3)] {
            let stored = read(upto).unwrap();
            assert_eq!((stored.seq, stored.leg.version()), (seq, version));
            assert_eq!(stored.leg.events().len(), events);
        }
    }

    #[test]
    fn a_message_is_read_back() {
        let message = ["e", "9", "1700", "200", "l", &value(7, 1, 10), &value(9, 2, 20)].join("\u{1e}");
        let read = Published::parse(message.as_bytes()).unwrap();
        let key = read.key(&"t".try_into().unwrap()).unwrap();
        assert_eq!((read.epoch, read.seq, read.at), ("e", 9, 1700));
        assert_eq!((key.extension.as_str(), key.leg.as_str()), ("200", "l"));
        assert_eq!((read.is_bare(), read.leg().unwrap().version()), (false, 2));
    }

    #[test]
    fn a_bare_or_strange_message_is_told_apart() {
        assert!(Published::parse(b"e\x1e9\x1e1700\x1e200\x1el").unwrap().is_bare());
        for strange in [b"".as_slice(), b"hello", b"e\x1ex\x1e1\x1e200\x1el", b"\xff\x1e1\x1e1\x1ea\x1eb"] {
            assert!(Published::parse(strange).is_none());
        }
    }
}
