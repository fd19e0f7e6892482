//! One row, and what each of its texts may be.

use super::SEPARATOR;
use crate::{
    id::{Extension, SourceName},
    number::Plan,
};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, fmt};

/// The longest name, in characters.
const MAX_NAME: usize = 200;
/// The most items of each list.
const MAX_ITEMS: usize = 32;
/// The longest group and the longest number, in characters.
const MAX_ITEM: usize = 64;
/// The longest value of an id, in bytes: a token's `sub` is not longer.
const MAX_ID_VALUE: usize = 256;
const EMAIL: &str = "email";

/// One extension, whose it is, and by what it is known elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(super) extension: Extension,
    pub(super) name: String,
    pub(super) groups: Vec<String>,
    pub(super) numbers: Vec<String>,
    /// Each `KIND:VALUE`.
    pub(super) ids: Vec<String>,
}

/// A row as somebody wrote it.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) extension: String,
    pub(super) name: String,
    pub(super) groups: Vec<String>,
    pub(super) numbers: Vec<String>,
    pub(super) ids: Vec<String>,
}

/// What is wrong in a row; its number is known elsewhere.
pub(super) struct Bad {
    pub(super) column: Option<Cow<'static, str>>,
    pub(super) why: Cow<'static, str>,
}

/// What is wrong, and where: never what stands there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) struct Fault {
    /// From 1, without the head.
    pub(crate) row: usize,
    pub(crate) column: Option<Cow<'static, str>>,
    pub(crate) why: Cow<'static, str>,
}

impl Row {
    /// One that says nothing more of an extension.
    pub(super) fn named(extension: Extension) -> Self {
        Self { extension, name: String::new(), groups: Vec::new(), numbers: Vec::new(), ids: Vec::new() }
    }
}

impl Fault {
    pub(super) fn new(row: usize, column: &'static str, why: impl Into<Cow<'static, str>>) -> Self {
        Self { row, column: Some(column.into()), why: why.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "row {}", self.row)?;
        if let Some(column) = &self.column {
            write!(f, ", column {column}")?;
        }
        write!(f, ": {}", self.why)
    }
}

impl Bad {
    pub(super) fn new(column: &'static str, why: impl Into<Cow<'static, str>>) -> Self {
        Self { column: Some(column.into()), why: why.into() }
    }

    pub(super) fn at(self, row: usize) -> Fault {
        Fault { row, column: self.column, why: self.why }
    }
}

impl Draft {
    /// The row that it makes. Spaces around a text do not count, nor do items that are empty or come twice.
    pub(super) fn check(self) -> Result<Row, Bad> {
        let extension = Extension::try_from(self.extension.trim());
        let extension = extension.map_err(|why| Bad::new("extension", why.to_string()))?;
        let name = self.name.trim().to_owned();
        if name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
            return Err(Bad::new("name", "must be at most 200 characters, none of them a control character"));
        }
        let groups = items("groups", self.groups, |group| {
            (group.chars().count() <= MAX_ITEM).then_some(()).ok_or("a group has over 64 characters")
        })?;
        let numbers = items("numbers", self.numbers, check_number)?;
        let ids = items("ids", self.ids, check_id)?;
        Ok(Row { extension, name, groups, numbers, ids })
    }
}

/// The items of a list, each once.
fn items(
    column: &'static str,
    given: Vec<String>,
    check: impl Fn(&str) -> Result<(), &'static str>,
) -> Result<Vec<String>, Bad> {
    let mut items: Vec<String> = Vec::with_capacity(given.len().min(MAX_ITEMS));
    for item in given.iter().map(|item| item.trim()).filter(|item| !item.is_empty()) {
        if item.contains(|c: char| c == SEPARATOR || c.is_control()) {
            return Err(Bad::new(column, "an item has a semicolon or a control character"));
        }
        check(item).map_err(|why| Bad::new(column, why))?;
        if items.iter().any(|known| known == item) {
            continue;
        }
        if items.len() == MAX_ITEMS {
            return Err(Bad::new(column, "has over 32 items"));
        }
        items.push(item.to_owned());
    }
    Ok(items)
}

/// Numbers are kept as they come; what they mean depends on the source that they are compared for.
fn check_number(number: &str) -> Result<(), &'static str> {
    if number.chars().count() > MAX_ITEM || Plan::default().number(number).is_none() {
        return Err("an item is no phone number, or has over 64 characters");
    }
    Ok(())
}

fn check_id(id: &str) -> Result<(), &'static str> {
    let (kind, value) = id.split_once(':').ok_or("an id is no KIND:VALUE")?;
    // `sub` and `email` read as names of sources too.
    if SourceName::try_from(kind).is_err() {
        return Err("the kind of an id is neither sub, email nor the name of a source");
    }
    if value.is_empty() || value.len() > MAX_ID_VALUE {
        return Err("the value of an id must be 1 to 256 bytes");
    }
    if kind == EMAIL && !value.contains('@') {
        return Err("an email has no @");
    }
    Ok(())
}

/// By what two ids are found to be the same: letters of email addresses are so in either case.
pub(super) fn comparable(id: &str) -> String {
    match id.split_once(':') {
        Some((EMAIL, _)) => id.to_lowercase(),
        _ => id.to_owned(),
    }
}
