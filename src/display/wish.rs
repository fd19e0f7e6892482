//! What a supervisor wishes of a display: its name, its groups, its language; and what each of them may be.

use super::Language;
use serde_json::{Map, Value};

/// The longest name, and the longest group, in characters; the most groups.
const MAX_NAME: usize = 200;
const MAX_GROUP: usize = 64;
const MAX_GROUPS: usize = 32;

/// How a display is to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wish {
    pub(crate) name: Option<String>,
    pub(crate) groups: Vec<String>,
    pub(crate) language: Language,
}

/// What cannot be wished: a field, and what it must be. Nothing of what stands there is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` {must}")]
pub(crate) struct BadWish {
    pub(crate) field: &'static str,
    pub(crate) must: &'static str,
}

impl Wish {
    /// Takes it out of the fields of a body.
    pub(crate) fn take(fields: &mut Map<String, Value>) -> Result<Self, BadWish> {
        let name = fields.remove("name").filter(|value| !value.is_null()).map(name).transpose()?;
        let groups = fields.remove("groups").filter(|value| !value.is_null()).map(groups).transpose()?;
        let language = fields.remove("language").filter(|value| !value.is_null()).map(|value| {
            let must = "must be en, nl or fr";
            value.as_str().and_then(Language::of).ok_or(BadWish { field: "language", must })
        });
        Ok(Self {
            name: name.flatten(),
            groups: groups.unwrap_or_default(),
            language: language.transpose()?.unwrap_or_default(),
        })
    }
}

/// Spaces around it do not count; an empty one is none.
fn name(value: Value) -> Result<Option<String>, BadWish> {
    let must = "must be a text of at most 200 characters, none of them a control character";
    let name =
        value.as_str().and_then(|text| short(text, MAX_NAME)).ok_or(BadWish { field: "name", must })?;
    Ok((!name.is_empty()).then_some(name))
}

/// Each once, in the order in which they come.
fn groups(value: Value) -> Result<Vec<String>, BadWish> {
    let must = "must be a list of at most 32 texts, each of 1 to 64 characters without a semicolon or a control character";
    let bad = BadWish { field: "groups", must };
    let given = value.as_array().filter(|given| given.len() <= MAX_GROUPS).ok_or(bad)?;
    let mut groups: Vec<String> = Vec::with_capacity(given.len());
    for value in given {
        let group = value.as_str().and_then(|text| short(text, MAX_GROUP));
        let group = group.filter(|group| !group.is_empty() && !group.contains(';')).ok_or(bad)?;
        if !groups.contains(&group) {
            groups.push(group);
        }
    }
    Ok(groups)
}

fn short(text: &str, most: usize) -> Option<String> {
    let text = text.trim();
    let is_short = text.chars().count() <= most && !text.chars().any(char::is_control);
    is_short.then(|| text.to_owned())
}
