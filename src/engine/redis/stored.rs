//! An item as Redis holds it: each event beside the tenant's number that it made, and the version
//! that it gave the item. So an item can be folded as it was at any number.

use super::{
    content::told,
    keys::{self, SEPARATOR},
    settled::{Settled, is_settled},
};
use crate::{
    call::MAX_TOLD_CONTENT,
    clock::Micros,
    id::{ItemKey, Kind, TenantId},
    item::{Event, ItemSet},
};
use memchr::memchr;
use std::{cell::Cell, str, sync::Arc};

/// The field that is no event, but says in which state the item is; its value begins with the same.
pub(super) const STATE: &str = "=";
/// And one that is what the item's summary says.
const TOLD: u8 = b'~';

/// An item, the number of its last change, and the bytes of its events.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) seq: u64,
    /// When that came, by callpop's clock; 0 where its state is not read.
    pub(crate) touched: Micros,
    pub(crate) set: ItemSet,
    pub(crate) bytes: usize,
}

impl Stored {
    /// Reads an item by what the items script found of it.
    pub(crate) fn found(kind: Kind, values: &[Vec<u8>], upto: u64, on_unreadable: impl Fn()) -> Option<Self> {
        let Some(value) = values.first().filter(|value| is_settled(value)) else {
            // What is no text is no event.
            let values = values.iter().map(|value| str::from_utf8(value).unwrap_or_default());
            return Self::read(kind, values, upto, on_unreadable);
        };
        let settled = Settled::read(value).or_else(|| none(&on_unreadable))?;
        let mut stored = Self::read(kind, settled.values(), upto, on_unreadable)?;
        settled.tell(&mut stored);
        Some(stored)
    }

    /// Reads an item as it was at number `upto`; none where it was not there yet, or is forgotten. What cannot be read
    /// is left out, and told each time.
    pub(crate) fn read<'a>(
        kind: Kind,
        values: impl IntoIterator<Item = &'a str>,
        upto: u64,
        on_unreadable: impl Fn(),
    ) -> Option<Self> {
        let at = Cell::new(0);
        let is_event = |value: &&str| match value.starts_with(STATE) {
            true => {
                at.set(touched(value).unwrap_or_default());
                false
            }
            false => true,
        };
        let values = values.into_iter().filter(is_event);
        let values = values.filter_map(|value| Value::parse(value).or_else(|| none(&on_unreadable)));
        let stored = Self::of(kind, values.filter(|value| value.seq <= upto), &on_unreadable)?;
        Some(Self { touched: at.get(), ..stored })
    }

    fn of<'a>(
        kind: Kind,
        values: impl IntoIterator<Item = Value<'a>>,
        on_unreadable: impl Fn(),
    ) -> Option<Self> {
        let (mut events, mut seq, mut version, mut bytes) = (Vec::new(), 0, 0, 0);
        for value in values {
            let Some(event) = value.event(kind).or_else(|| none(&on_unreadable)) else { continue };
            (seq, version) = (value.seq.max(seq), value.version.max(version));
            bytes += value.json.len();
            events.push(event);
        }
        (!events.is_empty()).then(|| Self { seq, touched: 0, set: ItemSet::of(kind, events, version), bytes })
    }
}

fn none<T>(after: impl Fn()) -> Option<T> {
    after();
    None
}

/// When an item was touched last, by callpop's clock, as its state says.
pub(crate) fn touched(state: &str) -> Option<Micros> {
    state.split(':').nth(1)?.parse().ok()
}

/// Whether an item's state says that it has ended for good.
pub(crate) fn has_ended(state: &str) -> bool {
    stands(state) == Some("ended")
}

/// Whether an item's state says that there is nothing to show of it yet.
pub(crate) fn is_hidden(state: &str) -> bool {
    stands(state) == Some("hidden")
}

fn stands(state: &str) -> Option<&str> {
    state.split(':').nth(2)
}

/// The event of a stored value; none where that cannot be read.
pub(crate) fn event_of(kind: Kind, value: &str) -> Option<Event> {
    Value::parse(value)?.event(kind)
}

/// An event as it is stored.
#[derive(Clone, Copy)]
struct Value<'a> {
    seq: u64,
    version: u32,
    /// Empty where it is too large to be published.
    json: &'a str,
}

impl<'a> Value<'a> {
    fn parse(value: &'a str) -> Option<Self> {
        let (seq, rest) = value.split_once(':')?;
        let (version, json) = rest.split_once(':')?;
        Some(Self { seq: seq.parse().ok()?, version: version.parse().ok()?, json })
    }

    fn event(&self, kind: Kind) -> Option<Event> {
        Event::unpack(kind, self.json).ok()
    }
}

/// What is published: changes of a tenant, in the order of their numbers, which have no gaps.
pub(crate) struct Published<'a> {
    pub(crate) epoch: &'a str,
    /// When they were committed, in microseconds by the clock of the node that did.
    pub(crate) at: u64,
    parts: Parts<'a>,
}

/// The parts of a message that are not read yet.
struct Parts<'a>(Option<&'a [u8]>);

/// One of them.
pub(crate) struct Said<'a> {
    pub(crate) seq: u64,
    pub(crate) extension: &'a str,
    source: &'a str,
    pub(crate) kind: Kind,
    id: &'a str,
    /// How many events the item has now.
    pub(crate) count: usize,
    /// All of them, or the new one.
    values: Vec<Value<'a>>,
    /// What the summary says, as it is stored.
    told: Option<&'a [u8]>,
}

impl<'a> Published<'a> {
    /// Reads a message; none where it is not one of ours.
    pub(crate) fn parse(message: &'a [u8]) -> Option<Self> {
        let mut parts = Parts(Some(message));
        let (epoch, at) = (text(&mut parts)?, text(&mut parts)?.parse().ok()?);
        Some(Self { epoch, at, parts })
    }
}

impl<'a> Iterator for Parts<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.0.take()?;
        let Some(at) = memchr(SEPARATOR as u8, rest) else { return Some(rest) };
        self.0 = Some(&rest[at + 1..]);
        Some(&rest[..at])
    }
}

/// The next part, which is text.
fn text<'a>(parts: &mut Parts<'a>) -> Option<&'a str> {
    str::from_utf8(parts.next()?).ok()
}

impl<'a> Iterator for Published<'a> {
    type Item = Said<'a>;

    /// The next change; none also where the rest is not one of ours.
    fn next(&mut self) -> Option<Said<'a>> {
        let parts = &mut self.parts;
        let (extension, source) = (text(parts)?, text(parts)?);
        let (kind, id) = (Kind::of_number(text(parts)?)?, text(parts)?);
        let count = text(parts)?.parse().ok()?;
        let (mut values, mut told) = (Vec::new(), None);
        for _ in 0..text(parts)?.parse::<usize>().ok()? {
            match parts.next()? {
                [TOLD, stored @ ..] => told = Some(stored),
                value => values.push(str::from_utf8(value).ok()?),
            }
        }
        let values = values.into_iter().filter(|value| !value.starts_with(STATE));
        let values = values.map(Value::parse).collect::<Option<Vec<_>>>()?;
        let seq = values.iter().map(|value| value.seq).max()?;
        Some(Said { seq, extension, source, kind, id, count, values, told })
    }
}

impl Said<'_> {
    /// Whose item it is.
    pub(crate) fn key(&self, tenant: &TenantId) -> Option<ItemKey> {
        keys::item_key(tenant, self.extension, self.source, self.kind, self.id)
    }

    /// Whether the item must be read: it is too large to be published.
    pub(crate) fn is_bare(&self) -> bool {
        self.values.iter().all(|value| value.json.is_empty())
    }

    /// Whether it says all of the item.
    pub(crate) fn is_whole(&self) -> bool {
        self.values.len() == self.count
    }

    /// The item with all its events.
    pub(crate) fn whole(&self) -> Option<Stored> {
        // Whoever cannot read all of it reads the item from the store, and tells of it there.
        let is_readable = Cell::new(true);
        let stored = Stored::of(self.kind, self.values.iter().copied(), || is_readable.set(false));
        let mut stored = stored.filter(|_| is_readable.get())?;
        if let Some((which, bytes)) = stored.set.apart().filter(|(_, bytes)| *bytes <= MAX_TOLD_CONTENT) {
            stored.set.tell(which, told(self.told?, which, bytes)?);
            stored.bytes += bytes;
        }
        Some(stored)
    }

    /// The version that the item has now, the event that made it, and its bytes, where it says only that one.
    pub(crate) fn news(&self) -> Option<(u32, Event, usize)> {
        let [value] = self.values.as_slice() else { return None };
        Some((value.version, value.event(self.kind)?, value.json.len()))
    }
}

/// The state of a tenant at one instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) epoch: Arc<str>,
    pub(crate) seq: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::{self, What};

    fn value(seq: u64, version: u32, at: u64) -> String {
        let event = Event::Call(call::Event::new(at, What::Expired { after: 0 })).pack().unwrap();
        format!("{seq}:{version}:{event}")
    }

    #[test]
    fn an_item_is_read_as_it_was_at_a_number() {
        let values = [value(7, 4, 30), "=5:1700:live:1:3".into(), value(5, 3, 10), value(9, 5, 20)];
        let read = |upto| {
            Stored::read(Kind::Call, values.iter().map(String::as_str), upto, || panic!("all is readable"))
        };
        assert!(read(4).is_none());
        assert_eq!(touched(&values[1]), Some(1700));
        for (upto, seq, version, events) in [(5, 5, 3, 1), (8, 7, 4, 2), (99, 9, 5, 3)] {
            let stored = read(upto).unwrap();
            assert_eq!((stored.seq, stored.set.version()), (seq, version));
            assert_eq!(stored.set.len(), events);
        }
    }

    #[test]
    fn a_message_is_read_back() {
        let parts = ["e", "1700"].into_iter().map(str::to_owned);
        let news = ["200", "s", "0", "l", "4", "1"].into_iter().map(str::to_owned).chain([value(9, 5, 20)]);
        let whole = ["201", "s", "0", "m", "2", "3"].into_iter().map(str::to_owned);
        let whole = whole.chain([value(7, 1, 10), "=2:1700:live:1:2".into(), value(10, 2, 20)]);
        let message = parts.chain(news).chain(whole).collect::<Vec<_>>().join("\u{1e}");
        let mut read = Published::parse(message.as_bytes()).unwrap();
        assert_eq!((read.epoch, read.at), ("e", 1700));
        let (news, whole) = (read.next().unwrap(), read.next().unwrap());
        assert!(read.next().is_none());
        let key = news.key(&"t".try_into().unwrap()).unwrap();
        assert_eq!((key.extension.as_str(), key.name.id.as_str(), news.seq, news.count), ("200", "l", 9, 4));
        assert_eq!((news.is_bare(), news.is_whole(), news.news().unwrap().0), (false, false, 5));
        let stored = whole.whole().unwrap();
        assert_eq!((whole.seq, whole.is_whole(), stored.set.version()), (10, true, 2));
        assert!(whole.news().is_none());
    }

    #[test]
    fn a_bare_or_strange_message_is_told_apart() {
        let bare =
            Published::parse(b"e\x1e1700\x1e200\x1es\x1e0\x1el\x1e3\x1e1\x1e9:3:").unwrap().next().unwrap();
        assert!(bare.is_bare() && bare.seq == 9);
        for strange in [b"".as_slice(), b"hello", b"e\x1ex\x1e200\x1es\x1el", b"\xff\x1e1\x1ea\x1eb"] {
            assert!(Published::parse(strange).is_none());
        }
        for strange in [
            "",
            "7\x1el\x1e1\x1e1\x1e9:1:",
            "0\x1el\x1e1",
            "0\x1el\x1e1\x1e1",
            "0\x1el\x1e1\x1e0",
            "0\x1el\x1e1\x1e1\x1eabc",
        ] {
            let message = format!("e\x1e1\x1e200\x1es\x1e{strange}");
            assert!(Published::parse(message.as_bytes()).unwrap().next().is_none(), "{message}");
        }
    }
}
