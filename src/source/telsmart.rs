//! Telsmart's call events: which fields must be there, and what each state says of a leg. What follows
//! from that for the call is in `call`; the header that shows that it is Telsmart is the configuration's.

use super::{
    EventRefusal, Provider, Received, Unknown,
    elements::{MicrosText, NumberText, believed, each, id, invalid, missing, not_json, required},
};
use crate::{
    call::{Content, Direction, Event, Numbers, Party, Phase, Sides, What, short},
    clock::Micros,
    config::{Source, SourceKind},
    id::{ItemName, TenantId},
    item::{self, ItemEvent},
    number::Plan,
};
use serde::{
    Deserialize,
    de::{DeserializeSeed, MapAccess, Visitor},
};
use serde_json::value::RawValue;
use std::{borrow::Cow, cell::Cell, collections::BTreeMap, fmt, sync::Arc};

pub(crate) const PROVIDER: Provider = Provider { kind: SourceKind("telsmart"), parse, is_signed: None };
/// The states, in capitals or not, and what each says of the leg; the last comes with a summary.
const STATES: [(&str, Option<Phase>); 5] = [
    ("RINGING", Some(Phase::Ringing)),
    ("ACTIVE", Some(Phase::Active)),
    ("HELD", Some(Phase::Held)),
    ("HANGUP", Some(Phase::Hangup)),
    ("SUMMARY_REPORTING", None),
];

/// Reads a webhook's body: one event, or an array of them. All are sound or none is taken.
pub(crate) fn parse(source: &Source, body: &[u8]) -> Result<Vec<Received>, EventRefusal> {
    each(body, |json| event(source, json))
}

fn event(source: &Source, json: &[u8]) -> Result<Received, EventRefusal> {
    let fields = Fields::read(json)?;
    let state = required("state", fields.state.as_deref())?;
    let Some((_, phase)) = STATES.iter().find(|(name, _)| name.eq_ignore_ascii_case(state)) else {
        let raw = String::from_utf8_lossy(json).into_owned();
        let tenant = fields.tenant(source).ok();
        let (source, state) = (source.name.clone(), state.to_owned());
        return Ok(Received::Unknown(Unknown { source, tenant, state, raw }));
    };
    let sides: Arc<Sides> = fields.sides(&source.numbers)?.into();
    let what = match phase {
        Some(phase) => What::Phase { phase: *phase, sides },
        None => fields.summary(sides)?,
    };
    let name = ItemName { source: source.name.clone(), id: id("id", fields.id.as_deref())? };
    let event = Event::new(fields.timestamp()?, what).with_extra(fields.extra());
    Ok(Received::Item(ItemEvent::new(
        fields.tenant(source)?,
        id("user_extension", fields.user_extension.as_deref())?,
        name,
        item::Event::Call(event),
    )))
}

/// An event's fields as they came.
#[derive(Default)]
struct Fields<'a> {
    tenant_id: Option<Cow<'a, str>>,
    user_extension: Option<Cow<'a, str>>,
    id: Option<Cow<'a, str>>,
    state: Option<Cow<'a, str>>,
    direction: Option<Cow<'a, str>>,
    /// 16 digits in calls, a number in summaries.
    timestamp: Option<MicrosText>,
    caller_number: Option<Cow<'a, str>>,
    caller_name: Option<Cow<'a, str>>,
    callee_number: Option<Cow<'a, str>>,
    callee_name: Option<Cow<'a, str>>,
    transfer_caller_number: Option<Cow<'a, str>>,
    summary: Option<Summary<'a>>,
    unknown: BTreeMap<Cow<'a, str>, &'a RawValue>,
}

/// A text, borrowed from the body where it has no escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// Read in a second step, for its errors to name the field.
#[derive(Deserialize)]
struct Summary<'a> {
    #[serde(borrow)]
    language: Option<&'a RawValue>,
    #[serde(borrow)]
    content: Option<&'a RawValue>,
}

impl<'a> Fields<'a> {
    fn read(json: &'a [u8]) -> Result<Self, EventRefusal> {
        let at = Cell::new("body");
        let mut reader = serde_json::Deserializer::from_slice(json);
        let fields = ByName { at: &at }.deserialize(&mut reader);
        fields
            .and_then(|fields| reader.end().map(|()| fields))
            .map_err(|error| if error.is_data() { invalid(at.get(), error) } else { not_json(error) })
    }

    fn tenant(&self, source: &Source) -> Result<TenantId, EventRefusal> {
        match (&self.tenant_id, &source.tenant) {
            (None, Some(tenant)) => Ok(tenant.clone()),
            (named, _) => id("tenant_id", named.as_deref()),
        }
    }

    fn sides(&self, numbers: &Plan) -> Result<Sides, EventRefusal> {
        let caller = required("caller_number", self.caller_number.as_deref())?;
        let callee = required("callee_number", self.callee_number.as_deref())?;
        let caller = Party::new(caller, self.caller_name.as_deref().unwrap_or_default(), numbers);
        let callee = Party::new(callee, self.callee_name.as_deref().unwrap_or_default(), numbers);
        let (direction, remote, local) = match required("direction", self.direction.as_deref())? {
            "in" => (Direction::Inbound, caller, callee),
            "out" => (Direction::Outbound, callee, caller),
            _ => return Err(invalid("direction", "must be \"in\" or \"out\"")),
        };
        let internal = remote.number.as_deref().is_some_and(|number| numbers.is_internal(number));
        let transfer_of =
            self.transfer_caller_number.as_deref().map(str::trim).filter(|number| !number.is_empty());
        let transfer_of = transfer_of.map(|number| short(number).into());
        let sides = Sides { direction, internal, remote, local, transfer_of, numbers: Numbers::default() };
        Ok(sides.numbered(numbers))
    }

    fn summary(&self, sides: Arc<Sides>) -> Result<What, EventRefusal> {
        let summary = self.summary.as_ref().ok_or_else(|| missing("summary"))?;
        let language = summary.language.ok_or_else(|| missing("summary.language"))?;
        let Text(language) = serde_json::from_str(language.get())
            .map_err(|_| invalid("summary.language", "must be a text"))?;
        let content = summary.content.ok_or_else(|| missing("summary.content"))?;
        Ok(What::Summary {
            sides,
            language: short(&language).into(),
            content: Content::new(content.to_owned()),
        })
    }

    fn timestamp(&self) -> Result<Micros, EventRefusal> {
        let MicrosText(at) = self.timestamp.as_ref().ok_or_else(|| missing("timestamp"))?;
        believed("timestamp", *at)
    }

    fn extra(&self) -> Option<Box<str>> {
        let json = (!self.unknown.is_empty()).then(|| serde_json::to_string(&self.unknown));
        json.and_then(Result::ok).map(String::into_boxed_str)
    }
}

/// Reads the fields in any order and notes at which one it is, so that an error can name it.
struct ByName<'c> {
    at: &'c Cell<&'static str>,
}

impl<'de> DeserializeSeed<'de> for ByName<'_> {
    type Value = Fields<'de>;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for ByName<'_> {
    type Value = Fields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Fields::default();
        while let Some(Text(name)) = map.next_key()? {
            let number = match name.as_ref() {
                "caller_number" => Some((&mut fields.caller_number, "caller_number")),
                "callee_number" => Some((&mut fields.callee_number, "callee_number")),
                "transfer_caller_number" => {
                    Some((&mut fields.transfer_caller_number, "transfer_caller_number"))
                }
                _ => None,
            };
            if let Some((number, field)) = number {
                self.at.set(field);
                *number = map.next_value::<Option<NumberText<'de>>>()?.map(|number| number.0);
                continue;
            }
            let (text, field) = match name.as_ref() {
                "tenant_id" => (&mut fields.tenant_id, "tenant_id"),
                "user_extension" => (&mut fields.user_extension, "user_extension"),
                "id" => (&mut fields.id, "id"),
                "state" => (&mut fields.state, "state"),
                "direction" => (&mut fields.direction, "direction"),
                "caller_name" => (&mut fields.caller_name, "caller_name"),
                "callee_name" => (&mut fields.callee_name, "callee_name"),
                "timestamp" => {
                    self.at.set("timestamp");
                    fields.timestamp = Some(map.next_value()?);
                    continue;
                }
                "summary" => {
                    self.at.set("summary");
                    fields.summary = map.next_value()?;
                    continue;
                }
                _ => {
                    fields.unknown.insert(name, map.next_value()?);
                    continue;
                }
            };
            self.at.set(field);
            *text = map.next_value::<Option<Text<'de>>>()?.map(|text| text.0);
        }
        Ok(fields)
    }
}

#[cfg(test)]
pub(crate) mod legs;
#[cfg(test)]
#[path = "telsmart/tests.rs"]
mod tests;
