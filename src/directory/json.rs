//! The directory as JSON: read row by row, so that what is wrong can be named.

use super::{
    COLUMNS, LEARNED, MAX_ROWS, Refusal,
    row::{Bad, Draft},
};
use crate::text::without_mark;
use serde::{Deserialize, de::IgnoredAny};
use serde_json::{Map, Value, error::Category, value::RawValue};
use std::borrow::Cow;

/// No row that keeps its bounds is longer, in whatever way it is written.
const MAX_ROW_BYTES: usize = 512 * 1024;
/// So much of the name of a column is told that there is not, in characters.
const MAX_TOLD: usize = 64;
/// Where a name is from, as it is shown.
const NAME_FROM: &str = "name_from";
const SHAPE: Refusal = Refusal::Shape("must be an object with `rows`, a list, and nothing beside it");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body<'a> {
    #[serde(borrow)]
    rows: Vec<&'a RawValue>,
}

/// The rows, each as it stands there.
pub(super) fn read(text: &[u8]) -> Result<Vec<&RawValue>, Refusal> {
    let refusal = |error: serde_json::Error| match error.classify() {
        Category::Data => SHAPE,
        _ => Refusal::NotJson,
    };
    let text = without_mark(text);
    // A list would be taken for the object's fields in their order.
    if !text.trim_ascii_start().starts_with(b"{") {
        return Err(serde_json::from_slice::<IgnoredAny>(text).map_or_else(refusal, |_| SHAPE));
    }
    let Body { rows } = serde_json::from_slice(text).map_err(refusal)?;
    if rows.len() > MAX_ROWS { Err(Refusal::TooLarge) } else { Ok(rows) }
}

/// What a row says. A name that calls taught is not written: they teach it still.
pub(super) fn draft(row: &RawValue) -> Result<Draft, Bad> {
    let no_object = || Bad { column: None, why: "must be an object".into() };
    if row.get().len() > MAX_ROW_BYTES {
        return Err(Bad { column: None, why: "is too long".into() });
    }
    let mut fields: Map<String, Value> = serde_json::from_str(row.get()).map_err(|_| no_object())?;
    let [extension, name, groups, numbers, ids] = COLUMNS;
    let from = text(&mut fields, NAME_FROM)?;
    let mut draft = Draft {
        extension: text(&mut fields, extension)?,
        name: text(&mut fields, name)?,
        groups: list(&mut fields, groups)?,
        numbers: list(&mut fields, numbers)?,
        ids: list(&mut fields, ids)?,
    };
    if from == LEARNED {
        draft.name.clear();
    }
    match fields.into_iter().next() {
        None => Ok(draft),
        Some((unknown, _)) => Err(Bad {
            column: Some(Cow::Owned(unknown.chars().take(MAX_TOLD).collect())),
            why: "there is no such column".into(),
        }),
    }
}

fn text(fields: &mut Map<String, Value>, column: &'static str) -> Result<String, Bad> {
    match fields.remove(column) {
        None => Ok(String::new()),
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(Bad::new(column, "must be text")),
    }
}

fn list(fields: &mut Map<String, Value>, column: &'static str) -> Result<Vec<String>, Bad> {
    let not_texts = || Bad::new(column, "must be a list of texts");
    let items = match fields.remove(column) {
        None => return Ok(Vec::new()),
        Some(Value::Array(items)) => items,
        Some(_) => return Err(not_texts()),
    };
    let text = |item| match item {
        Value::String(text) => Ok(text),
        _ => Err(not_texts()),
    };
    items.into_iter().map(text).collect()
}
