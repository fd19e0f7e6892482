//! What the kinds of source share: a body of one event or of an array of them, read so that a refusal names the field.

use super::{EventRefusal, Received};
use crate::clock::Micros;
use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, Visitor},
};
use serde_json::value::RawValue;
use std::{borrow::Cow, fmt, ops::Range};

/// Timestamps that are believed: 2000-01-01 up to 2100-01-01, in microseconds. Beyond lies a
/// unit or a clock that is wrong, and a call that would never, or at once, be over.
pub(super) const BELIEVED: Range<Micros> = 946_684_800_000_000..4_102_444_800_000_000;

/// Reads each event by `event`. All are sound or none is taken.
pub(super) fn each(
    body: &[u8],
    event: impl Fn(&[u8]) -> Result<Received, EventRefusal>,
) -> Result<Vec<Received>, EventRefusal> {
    match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'{') => Ok(vec![event(body)?]),
        Some(b'[') => {
            let elements: Vec<&RawValue> = serde_json::from_slice(body).map_err(not_json)?;
            let all = elements.iter().enumerate().map(|(at, element)| {
                let json = element.get().as_bytes();
                if !json.starts_with(b"{") {
                    return Err(invalid(&format!("[{at}]"), "must be an event"));
                }
                event(json).map_err(|refusal| match refusal {
                    EventRefusal::Invalid { field, why } => {
                        EventRefusal::Invalid { field: format!("[{at}].{field}"), why }
                    }
                    not_json => not_json,
                })
            });
            all.collect()
        }
        _ => {
            serde_json::from_slice::<IgnoredAny>(body).map_err(not_json)?;
            Err(invalid("body", "must be an event or an array of events"))
        }
    }
}

/// A phone number, which some systems write as a number.
pub(super) struct NumberText<'a>(pub(super) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for NumberText<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Numbers)
    }
}

struct Numbers;

impl<'de> Visitor<'de> for Numbers {
    type Value = NumberText<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a phone number as a text or as digits")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(NumberText(text.into()))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(NumberText(text.to_owned().into()))
    }

    fn visit_u64<E: Error>(self, digits: u64) -> Result<Self::Value, E> {
        Ok(NumberText(digits.to_string().into()))
    }
}

/// A timestamp of which the unit and the clock can be right.
pub(super) fn believed(field: &str, at: Option<Micros>) -> Result<Micros, EventRefusal> {
    at.filter(|at| BELIEVED.contains(at))
        .ok_or_else(|| invalid(field, "must be microseconds since 1970, between the years 2000 and 2100"))
}

pub(super) fn id<T: for<'t> TryFrom<&'t str, Error = crate::id::BadId>>(
    field: &str,
    text: Option<&str>,
) -> Result<T, EventRefusal> {
    T::try_from(required(field, text)?).map_err(|bad| invalid(field, bad))
}

pub(super) fn required<'a>(field: &str, text: Option<&'a str>) -> Result<&'a str, EventRefusal> {
    text.ok_or_else(|| missing(field))
}

pub(super) fn missing(field: &str) -> EventRefusal {
    invalid(field, "is missing")
}

pub(super) fn invalid(field: &str, why: impl fmt::Display) -> EventRefusal {
    EventRefusal::invalid(field, why)
}

pub(super) fn not_json(error: serde_json::Error) -> EventRefusal {
    EventRefusal::NotJson(error.to_string())
}

/// Reads a JSON object; an error names the field.
pub(super) fn read<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Result<T, EventRefusal> {
    let mut reader = serde_json::Deserializer::from_slice(json);
    let read = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let field = error.path().to_string();
        let error = error.into_inner();
        if error.is_data() {
            invalid(if field == "." { "body" } else { &field }, error)
        } else {
            not_json(error)
        }
    })?;
    reader.end().map_err(not_json)?;
    Ok(read)
}

/// Microseconds as a number or as a text of digits; none where the text is another.
pub(super) struct MicrosText(pub(super) Option<Micros>);

impl<'de> Deserialize<'de> for MicrosText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Times)
    }
}

struct Times;

impl Visitor<'_> for Times {
    type Value = MicrosText;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("microseconds as an integer or as a string of digits")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
        Ok(MicrosText(if is_plain { text.parse().ok() } else { None }))
    }

    fn visit_u64<E: Error>(self, at: u64) -> Result<Self::Value, E> {
        Ok(MicrosText(Some(at)))
    }
}

/// The same, where it may be missing.
pub(super) fn micros<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Micros>, D::Error> {
    match Option::deserialize(deserializer)? {
        None => Ok(None),
        Some(MicrosText(None)) => Err(D::Error::custom("expected microseconds as digits")),
        Some(MicrosText(at)) => Ok(at),
    }
}
