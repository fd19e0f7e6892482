//! The one value of an item that has ended: its events as they were stored, and what its summary says, compressed
//! together. Nothing is lost on the way: what cannot be read is not written so.
//!
//! The dictionary beside this file is what such a text mostly looks like, in three languages; whatever stands in it costs
//! next to nothing. What is stored can only be read with it, so that another one would need another mark.

use super::stored::{STATE, Stored, event_of};
use crate::{call::Content, event_set::Identity, id::Kind};
use serde_json::value::RawValue;
use std::{collections::HashMap, str, sync::LazyLock};
use zstd::{
    bulk::{Compressor, Decompressor},
    dict::{DecoderDictionary, EncoderDictionary},
    zstd_safe::get_frame_content_size,
};

/// What such a value begins with, and none of an event: that it is one, and with which dictionary it is read.
const MARK: &[u8] = b"*1";
const DICTIONARY: &[u8] = include_bytes!("settled/dictionary.txt");
/// Of zstd: more takes three times as long and saves 2 %. Nobody waits for it.
const LEVEL: i32 = 12;
/// An item with more stays as it is: it would be moved as a whole whenever something happens to it.
const MOST_BYTES: usize = 64 * 1024;
/// Between the parts: no event has it. What the summary says comes last, and may have it.
const BETWEEN: &str = "\n";
/// Before what the summary says.
const TOLD: &str = "\n~";

static WRITER: LazyLock<EncoderDictionary<'static>> =
    LazyLock::new(|| EncoderDictionary::copy(DICTIONARY, LEVEL));
static READER: LazyLock<DecoderDictionary<'static>> = LazyLock::new(|| DecoderDictionary::copy(DICTIONARY));

/// An item's fields and their values, as Redis holds them.
pub(super) type Rows = HashMap<Vec<u8>, Vec<u8>>;

/// The text of such a value.
pub(super) struct Settled {
    text: String,
}

/// Whether a value is one.
pub(super) fn is_settled(value: &[u8]) -> bool {
    value.starts_with(MARK)
}

impl Settled {
    /// Of an item's rows; none where there is one that could not be made again of what is written, or too much.
    pub(super) fn new(kind: Kind, rows: &Rows, told: Option<(Identity, &str)>) -> Option<Self> {
        let mut values = rows.iter().map(|row| value(kind, row)).collect::<Option<Vec<&str>>>()?;
        // What is alike stands side by side.
        values.sort_unstable();
        let mut text = values.join(BETWEEN);
        if let Some((which, json)) = told {
            text.extend([TOLD, &which.to_string(), "=", json]);
        }
        (text.len() <= MOST_BYTES).then_some(Self { text })
    }

    /// As it is stored.
    pub(super) fn write(&self) -> Option<Vec<u8>> {
        let mut writer = Compressor::with_prepared_dictionary(&WRITER).ok()?;
        Some([MARK, &writer.compress(self.text.as_bytes()).ok()?].concat())
    }

    pub(super) fn read(value: &[u8]) -> Option<Self> {
        let small = value.strip_prefix(MARK)?;
        let bytes = usize::try_from(get_frame_content_size(small).ok()??).ok()?;
        let mut reader = Decompressor::with_prepared_dictionary(&READER).ok()?;
        let text = reader.decompress(small, bytes.min(MOST_BYTES)).ok()?;
        Some(Self { text: String::from_utf8(text).ok()? })
    }

    /// The values of the item's fields.
    pub(super) fn values(&self) -> impl Iterator<Item = &str> {
        self.parts().0.split(BETWEEN)
    }

    /// The same with their fields; none where they cannot be read.
    pub(super) fn rows(&self, kind: Kind) -> Option<Vec<(String, &str)>> {
        self.values().map(|value| Some((field(kind, value)?, value))).collect()
    }

    /// What its summary says, as JSON, where that is part of it, and which event it is of.
    pub(super) fn told(&self) -> Option<(&str, &str)> {
        self.parts().1?.split_once('=')
    }

    /// Adds what its summary says.
    pub(super) fn tell(&self, stored: &mut Stored) {
        let Some(((which, bytes), (of, json))) = stored.set.apart().zip(self.told()) else { return };
        let Some(json) = RawValue::from_string(json.to_owned()).ok().filter(|_| which.to_string() == of)
        else {
            return;
        };
        stored.set.tell(which, Content::new(json));
        stored.bytes += bytes;
    }

    fn parts(&self) -> (&str, Option<&str>) {
        match self.text.split_once(TOLD) {
            Some((values, told)) => (values, Some(told)),
            None => (&self.text, None),
        }
    }
}

/// The value of a row, where the field can be made of it again.
fn value<'a>(kind: Kind, (name, value): (&Vec<u8>, &'a Vec<u8>)) -> Option<&'a str> {
    let value = str::from_utf8(value).ok().filter(|value| !value.contains(BETWEEN))?;
    (field(kind, value)?.as_bytes() == *name).then_some(value)
}

/// The field of a value.
fn field(kind: Kind, value: &str) -> Option<String> {
    match value.starts_with(STATE) {
        true => Some(STATE.to_owned()),
        false => Some(event_of(kind, value)?.identity().to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        call::{self, What},
        item::{Event, ItemSet},
    };

    fn row(version: u64, what: What) -> (Vec<u8>, Vec<u8>) {
        let event = Event::Call(call::Event::new(1_765_209_366_000_000 + version, what));
        let value = format!("{}:{version}:{}", 10 + version, event.pack().unwrap());
        (event.identity().to_string().into(), value.into())
    }

    fn rows() -> Rows {
        let wrap_up = What::WrapUp { disposition: None, note: "one\ntwo \u{1e}".into(), by: "a".into() };
        let rows =
            [row(1, What::Expired { after: 7 }), row(2, What::Dismissed { summary: None }), row(3, wrap_up)];
        rows.into_iter().chain([(b"=".to_vec(), b"=3:1700:ended:1:3".to_vec())]).collect()
    }

    const WHICH: Identity = Identity { at: 5, rank: 4, digest: 0xabc };
    const JSON: &str = "{\n \"a\": \"=\u{1e}\",\n\"b\": 1}";

    fn read(value: &[u8]) -> Settled {
        assert!(is_settled(value));
        Settled::read(value).unwrap()
    }

    #[test]
    fn an_item_is_the_same_when_its_one_value_is_read() {
        for told in [None, Some((WHICH, JSON))] {
            let value = Settled::new(Kind::Call, &rows(), told).unwrap().write().unwrap();
            let settled = read(&value);
            let read = settled.rows(Kind::Call).unwrap();
            let read = read.into_iter().map(|(field, value)| (field.into_bytes(), value.as_bytes().to_vec()));
            assert_eq!(read.collect::<Rows>(), rows());
            assert_eq!(settled.told(), told.map(|_| ("5:4:0000000000000abc", JSON)));
            let stored = Stored::found(Kind::Call, &[value], u64::MAX, || panic!("all is readable")).unwrap();
            assert_eq!((stored.seq, stored.set.version(), stored.set.len()), (13, 3, 3));
            assert!(matches!(stored.set, ItemSet::Call(_)));
        }
    }

    #[test]
    fn what_could_not_be_made_again_is_not_settled() {
        let strange: [(&[u8], &[u8]); 5] = [
            (b"7:0:0", b"1:1:[7,99]"),
            (b"7:0:0000000000000000", b"1:1:[7,6,1]"),
            (b"7:0:0", b"\xff"),
            (b"==", b"=3:1700:ended:1:3"),
            (b"x", b"*1"),
        ];
        for (field, value) in strange {
            let mut rows = rows();
            rows.insert(field.to_vec(), value.to_vec());
            assert!(Settled::new(Kind::Call, &rows, None).is_none(), "{}", value.escape_ascii());
        }
        let long = "x".repeat(MOST_BYTES);
        assert!(Settled::new(Kind::Call, &rows(), Some((WHICH, &long))).is_none());
    }

    #[test]
    fn what_is_no_such_value_is_not_read() {
        let value = Settled::new(Kind::Call, &rows(), None).unwrap().write().unwrap();
        for strange in [&b""[..], b"*1", b"*2", b"12:1:[5]", &value[..value.len() - 1], &value[1..]] {
            assert!(Settled::read(strange).is_none(), "{}", strange.escape_ascii());
        }
    }
}
