//! The body of one Telsmart webhook. It is kept as the JSON object that it is, so that a
//! scenario file is sent on field by field, whatever it holds.

use serde_json::{Map, Value};

/// Microseconds since 1970.
pub(crate) type Micros = u64;

/// One event as Telsmart POSTs it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Webhook(Map<String, Value>);

impl Webhook {
    /// Takes the fields as they are; nothing is required of them.
    pub(crate) fn new(fields: Map<String, Value>) -> Self {
        Self(fields)
    }

    /// A field's text; empty when it is missing or is not a text.
    pub(crate) fn text(&self, field: &str) -> &str {
        self.0.get(field).and_then(Value::as_str).unwrap_or_default()
    }

    /// The leg that it is about; empty when it does not say.
    pub(crate) fn leg_id(&self) -> &str {
        self.text("id")
    }

    /// When it happened, if that can be read: Telsmart sends a text, and a number in summaries.
    pub(crate) fn timestamp(&self) -> Option<Micros> {
        match self.0.get("timestamp")? {
            Value::String(text) => text.parse().ok(),
            number => number.as_u64(),
        }
    }

    /// The same event at another time; a number stays a number, a text a text, and what is
    /// no time stays what it is.
    pub(crate) fn at(self, at: Micros) -> Self {
        match (self.timestamp(), self.0.get("timestamp")) {
            (Some(_), Some(Value::String(_))) => self.with("timestamp", at.to_string()),
            (Some(_), _) => self.with("timestamp", at),
            (None, _) => self,
        }
    }

    /// The same event with another value in a field.
    pub(crate) fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.0.insert(field.to_owned(), value.into());
        self
    }

    /// The JSON text that goes over the wire.
    pub(crate) fn to_json(&self) -> String {
        Value::from(self.0.clone()).to_string()
    }
}

/// Now, in microseconds since 1970.
pub(super) fn now() -> Micros {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_micros() as Micros)
}
