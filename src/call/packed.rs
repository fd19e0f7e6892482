//! How an event is written where bytes count, in Redis: a JSON array without names, of half the length. Redis moves
//! every byte of it several times, in the script, on the disk, and to each node.
//!
//! `[at, kind]`, then for a phase or a summary the sides, fields unknown to callpop, the normal forms of the
//! numbers where they are written otherwise, and the summary; for a dismissal, which summary it saw; for an expiry, after what; for a wrap-up, the disposition, the note, and by whom.
//! What is missing at the end is nothing.

use super::{Content, Direction, Event, Micros, Party, Phase, Sides, What};
use crate::event_set::SetEvent;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, IgnoredAny, SeqAccess, Visitor},
    ser::SerializeSeq,
};
use serde_json::value::RawValue;
use std::{fmt, sync::Arc};

const PHASES: [Phase; 4] = [Phase::Ringing, Phase::Active, Phase::Held, Phase::Hangup];
const SUMMARY: usize = 4;
const DISMISSED: usize = 5;
const EXPIRED: usize = 6;
const WRAP_UP: usize = 7;
/// A summary: of what it says, the digest of the event and how long it is.
const SUMMARY_APART: usize = 8;

/// An event, to be written.
pub(crate) struct Pack<'a>(pub &'a Event);

/// The same without what a summary says, which is kept apart.
pub(crate) struct PackApart<'a>(pub &'a Event);

/// An event that was read.
pub(crate) struct Unpacked(pub(crate) Event);

/// A text, read without a copy of its own.
struct Text(Arc<str>);

struct Texts;
struct Events;

impl Serialize for PackApart<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Event { at, what, extra, .. } = self.0;
        let What::Summary { sides, language, content } = what else {
            return Pack(self.0).serialize(serializer);
        };
        let mut parts = serializer.serialize_seq(None)?;
        parts.serialize_element(at)?;
        parts.serialize_element(&SUMMARY_APART)?;
        pack_sides(&mut parts, sides, extra.as_deref(), true)?;
        parts.serialize_element(language)?;
        // No number: of that many digits, not every reader of JSON keeps all.
        parts.serialize_element(&format!("{:016x}", self.0.identity().digest))?;
        parts.serialize_element(&content.text().map_or(0, str::len))?;
        parts.end()
    }
}

impl Serialize for Pack<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Event { at, what, extra, .. } = self.0;
        let mut parts = serializer.serialize_seq(None)?;
        parts.serialize_element(at)?;
        match what {
            What::Phase { phase, sides } => {
                parts.serialize_element(&(*phase as usize))?;
                pack_sides(&mut parts, sides, extra.as_deref(), false)?;
            }
            What::Summary { sides, language, content } => {
                parts.serialize_element(&SUMMARY)?;
                pack_sides(&mut parts, sides, extra.as_deref(), true)?;
                parts.serialize_element(language)?;
                parts.serialize_element(content)?;
            }
            What::Dismissed { summary } => {
                parts.serialize_element(&DISMISSED)?;
                if summary.is_some() {
                    parts.serialize_element(summary)?;
                }
            }
            What::Expired { after } => {
                parts.serialize_element(&EXPIRED)?;
                parts.serialize_element(after)?;
            }
            What::WrapUp { disposition, note, by } => {
                parts.serialize_element(&WRAP_UP)?;
                parts.serialize_element(disposition)?;
                parts.serialize_element(note)?;
                parts.serialize_element(by)?;
            }
        }
        parts.end()
    }
}

fn pack_sides<S: SerializeSeq>(
    parts: &mut S,
    sides: &Sides,
    extra: Option<&str>,
    goes_on: bool,
) -> Result<(), S::Error> {
    let Sides { direction, internal, remote, local, transfer_of, numbers } = sides;
    let has_extra = extra.is_some() || !numbers.is_plain();
    parts.serialize_element(&(*direction as u8))?;
    parts.serialize_element(&u8::from(*internal))?;
    for text in [&remote.number, &remote.name, &local.number, &local.name] {
        parts.serialize_element(text)?;
    }
    if goes_on || transfer_of.is_some() || has_extra {
        parts.serialize_element(transfer_of)?;
    }
    if goes_on || has_extra {
        parts.serialize_element(&extra)?;
    }
    if goes_on || !numbers.is_plain() {
        parts.serialize_element(numbers)?;
    }
    Ok(())
}

impl<'de> Deserialize<'de> for Unpacked {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Events)
    }
}

impl<'de> Visitor<'de> for Events {
    type Value = Unpacked;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event of a call")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Unpacked, A::Error> {
        let at: Micros = next(&mut parts)?;
        let (what, extra) = match next(&mut parts)? {
            DISMISSED => (What::Dismissed { summary: parts.next_element()? }, None),
            EXPIRED => (What::Expired { after: next(&mut parts)? }, None),
            WRAP_UP => {
                let disposition = next::<Option<Text>, A>(&mut parts)?.map(|text| text.0);
                let (note, by) = (next::<Text, A>(&mut parts)?.0, next::<Text, A>(&mut parts)?.0);
                (What::WrapUp { disposition, note, by }, None)
            }
            SUMMARY => {
                let (sides, extra) = unpack_sides(&mut parts)?;
                let language = next::<Text, A>(&mut parts)?.0;
                let content = Content::new(next::<Box<RawValue>, A>(&mut parts)?);
                (What::Summary { sides, language, content }, extra)
            }
            SUMMARY_APART => {
                let (sides, extra) = unpack_sides(&mut parts)?;
                let language = next::<Text, A>(&mut parts)?.0;
                let digest =
                    u64::from_str_radix(&next::<Text, A>(&mut parts)?.0, 16).map_err(Error::custom)?;
                let content = Content::Apart { bytes: next(&mut parts)? };
                while parts.next_element::<IgnoredAny>()?.is_some() {}
                let what = What::Summary { sides, language, content };
                return Ok(Unpacked(Event::with_digest(at, what, digest).with_extra(extra)));
            }
            phase => {
                let phase = *PHASES.get(phase).ok_or_else(|| Error::custom("an unknown kind of event"))?;
                let (sides, extra) = unpack_sides(&mut parts)?;
                (What::Phase { phase, sides }, extra)
            }
        };
        while parts.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Unpacked(Event::new(at, what).with_extra(extra)))
    }
}

type UnpackedSides = (Arc<Sides>, Option<Box<str>>);

fn unpack_sides<'de, A: SeqAccess<'de>>(parts: &mut A) -> Result<UnpackedSides, A::Error> {
    let direction = match next::<u8, A>(parts)? {
        outbound if outbound == Direction::Outbound as u8 => Direction::Outbound,
        _ => Direction::Inbound,
    };
    let internal = next::<u8, A>(parts)? != 0;
    let mut text = || Ok(parts.next_element::<Option<Text>>()?.flatten().map(|text| text.0));
    let remote = Party { number: text()?, name: text()? };
    let local = Party { number: text()?, name: text()? };
    let transfer_of = text()?;
    let extra = parts.next_element::<Option<Box<str>>>()?.flatten();
    let numbers = parts.next_element()?.unwrap_or_default();
    Ok((Arc::new(Sides { direction, internal, remote, local, transfer_of, numbers }), extra))
}

fn next<'de, T: Deserialize<'de>, A: SeqAccess<'de>>(parts: &mut A) -> Result<T, A::Error> {
    parts.next_element()?.ok_or_else(|| Error::custom("it breaks off"))
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Texts)
    }
}

impl Visitor<'_> for Texts {
    type Value = Text;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Text, E> {
        Ok(Text(text.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::number::Plan;

    fn sides(transfer_of: Option<&str>) -> Arc<Sides> {
        let remote =
            Party { number: Some("+3228992675".into()), name: Some("a \"b\" \u{1e}\u{1d}\n".into()) };
        let (local, transfer_of) =
            (Party { number: Some("200".into()), name: None }, transfer_of.map(Into::into));
        let direction = Direction::Outbound;
        let sides =
            Sides { direction, internal: true, remote, local, transfer_of, numbers: Default::default() };
        Arc::new(sides.numbered(&Plan::default()))
    }

    #[test]
    fn an_event_is_the_same_when_read() {
        let content = RawValue::from_string("{\"a\": [1,  2], \"b\": null}".into()).unwrap();
        let content = Content::new(content);
        let summary =
            |of| What::Summary { sides: sides(of), language: "en-GB".into(), content: content.clone() };
        let phases = PHASES.map(|phase| What::Phase { phase, sides: sides(Some("02 899 26 75")) });
        let plain = What::Phase { phase: Phase::Held, sides: sides(None) };
        let wrap_up = |disposition: Option<&str>, note: &str| What::WrapUp {
            disposition: disposition.map(Into::into),
            note: note.into(),
            by: "sub \"1\"".into(),
        };
        let ours = [
            What::Dismissed { summary: None },
            What::Dismissed { summary: Some(9) },
            What::Expired { after: 7 },
            wrap_up(None, ""),
            wrap_up(Some("Resolved"), "one\ntwo\t\u{1e}"),
        ];
        let others = [plain, summary(None), summary(Some("1"))];
        for what in phases.into_iter().chain(others).chain(ours) {
            for extra in [None, Some("{\"queue\":1}")] {
                // Our own events carry nothing of a provider.
                let extra = extra.filter(|_| Event::new(5, what.clone()).sides().is_some());
                let event = Event::new(5, what.clone()).with_extra(extra.map(Into::into));
                let text = serde_json::to_string(&Pack(&event)).unwrap();
                assert!(!text.contains(char::is_control), "{text}");
                let Unpacked(read) = serde_json::from_str(&text).unwrap();
                assert_eq!(
                    (read.identity(), &read.extra, &read.what),
                    (event.identity(), &event.extra, &what)
                );
            }
        }
    }

    #[test]
    fn a_summary_is_the_same_event_without_what_it_says() {
        let content = Content::new(RawValue::from_string("{\"a\":1}".into()).unwrap());
        let what = What::Summary { sides: sides(Some("1")), language: "en-GB".into(), content };
        let event = Event::new(5, what).with_extra(Some("{\"queue\":1}".into()));
        let text = serde_json::to_string(&PackApart(&event)).unwrap();
        let Unpacked(read) = serde_json::from_str(&text).unwrap();
        assert_eq!((read.identity(), &read.extra), (event.identity(), &event.extra));
        let What::Summary { content: Content::Apart { bytes: 7 }, .. } = read.what else { panic!("{text}") };
        let other = Event::new(5, What::Expired { after: 1 });
        let (apart, whole) =
            (serde_json::to_string(&PackApart(&other)), serde_json::to_string(&Pack(&other)));
        assert_eq!(apart.unwrap(), whole.unwrap());
    }

    #[test]
    fn an_event_is_written_as_it_always_was() {
        // What is in Redis outlives the node that wrote it.
        let plain = Event::new(5, What::Phase { phase: Phase::Hangup, sides: sides(None) });
        assert_eq!(
            serde_json::to_string(&Pack(&plain)).unwrap(),
            r#"[5,3,1,1,"+3228992675","a \"b\" \u001e\u001d\n","200",null]"#
        );
    }

    #[test]
    fn what_is_no_event_is_refused() {
        for strange in [
            "[]",
            "[5]",
            "[5,8]",
            "[5,7]",
            "[5,7,null,\"x\"]",
            "[5,0]",
            "[5,6]",
            "{\"at\":5}",
            "[5,0,0,0,1,2,3,4]",
            "[5,4,0,0]",
        ] {
            assert!(serde_json::from_str::<Unpacked>(strange).is_err(), "{strange}");
        }
    }
}
