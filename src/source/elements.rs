//! A webhook's body of one event, or of an array of them, and how its refusals name a field.

use super::{EventRefusal, Received};
use crate::clock::Micros;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use std::{fmt, ops::Range};

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
                event(element.get().as_bytes()).map_err(|refusal| match refusal {
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
    EventRefusal::Invalid { field: field.to_owned(), why: why.to_string() }
}

pub(super) fn not_json(error: serde_json::Error) -> EventRefusal {
    EventRefusal::NotJson(error.to_string())
}
