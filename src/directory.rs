//! A tenant's directory: who has which extension, and by which names and numbers others know them.
//! One value that is read, checked and replaced as a whole. Pure: where it is kept is the engine's.

mod csv;
mod json;
mod row;
#[cfg(test)]
mod tests;

pub(crate) use row::{Fault, Row};

use crate::id::{Extension, TenantId};
use row::Draft;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

/// The most rows of one directory.
pub(crate) const MAX_ROWS: usize = 5000;
/// The most bytes that it has, as a body and as JSON.
pub(crate) const MAX_BYTES: usize = 4 * 1024 * 1024;
/// The columns, in their order.
const COLUMNS: [&str; 5] = ["extension", "name", "groups", "numbers", "ids"];
/// Between the items of a list in CSV; no item has it.
const SEPARATOR: char = ';';
/// What an id begins with that is the `sub` of tokens.
const SUB: &str = "sub:";
/// From where names are that calls taught.
const LEARNED: &str = "events";
/// So much of a digest is an ETag, in bytes.
const ETAG_BYTES: usize = 16;

/// All rows, which agree with each other, and what is found by them.
#[derive(Debug, Serialize, Deserialize)]
#[serde(from = "Rows")]
pub(crate) struct Directory {
    rows: Vec<Row>,
    #[serde(skip)]
    etag: ETag,
    #[serde(skip)]
    of_subs: HashMap<Box<str>, Arc<[Extension]>>,
    /// In the order of texts.
    #[serde(skip)]
    of_groups: HashMap<Box<str>, Arc<[Extension]>>,
}

/// Says which rows a directory has: the same for the same rows in the same order, on every node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ETag(Arc<str>);

/// Which directory a writer means to replace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    Whatever,
    /// One with such an ETag, without quotes.
    OneOf(Vec<String>),
}

/// Why a text is no directory. Nothing of it is quoted, so it may be logged.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("the body is not JSON")]
    NotJson,
    #[error("{0}")]
    Shape(&'static str),
    #[error("the directory has over 5,000 rows, or over 4 MiB")]
    TooLarge,
    #[error(transparent)]
    Row(#[from] Fault),
}

/// A row as it is shown.
#[derive(Serialize)]
struct Shown<'a> {
    extension: &'a Extension,
    name: &'a str,
    groups: &'a [String],
    numbers: &'a [String],
    ids: &'a [String],
    /// `events`, where calls taught the name. Whoever writes the row again does not write it.
    #[serde(skip_serializing_if = "Option::is_none")]
    name_from: Option<&'static str>,
}

#[derive(Serialize)]
struct ShownRows<'a> {
    rows: Vec<Shown<'a>>,
}

/// As it is stored.
#[derive(Deserialize)]
struct Rows {
    rows: Vec<Row>,
}

/// Rows that agree with each other so far, and where each thing stands that may stand only once.
#[derive(Default)]
struct Builder {
    rows: Vec<Row>,
    extensions: HashMap<Extension, usize>,
    ids: HashMap<String, usize>,
}

impl Directory {
    /// Reads `{"rows":[…]}`.
    pub(crate) fn from_json(text: &[u8]) -> Result<Self, Refusal> {
        let mut builder = Builder::default();
        for (nth, draft) in (1..).zip(json::read(text)?) {
            builder.push(nth, json::draft(draft).map_err(|bad| bad.at(nth))?)?;
        }
        builder.finish()
    }

    /// Reads what was stored under an ETag.
    pub(crate) fn from_stored(etag: &str, json: &str) -> Option<Self> {
        let stored: Self = serde_json::from_str(json).ok()?;
        Some(Self { etag: ETag(etag.into()), ..stored })
    }

    /// Reads CSV with its head.
    pub(crate) fn from_csv(text: &[u8]) -> Result<Self, Refusal> {
        let mut builder = Builder::default();
        csv::read(text, &COLUMNS, |nth, fields| builder.push(nth, csv::draft(fields)))?;
        builder.finish()
    }

    /// Reads CSV of many tenants, each row of which begins with the tenant's id. Rows count through.
    pub(crate) fn all_from_csv(text: &[u8]) -> Result<BTreeMap<TenantId, Self>, Refusal> {
        let mut builders: BTreeMap<TenantId, Builder> = BTreeMap::new();
        let [extension, name, groups, numbers, ids] = COLUMNS;
        csv::read(text, &["tenant_id", extension, name, groups, numbers, ids], |nth, fields| {
            let [tenant, fields @ ..] = fields else { return Ok(()) };
            let tenant = TenantId::try_from(tenant.trim())
                .map_err(|why| Fault::new(nth, "tenant_id", why.to_string()))?;
            builders.entry(tenant).or_default().push(nth, csv::draft(fields))
        })?;
        builders.into_iter().map(|(tenant, builder)| Ok((tenant, builder.finish()?))).collect()
    }

    /// As it is stored, shown, and told apart.
    pub(crate) fn to_json(&self) -> String {
        // Texts always encode.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The same with names that it does not have itself, in the order of extensions; each says where it is from.
    pub(crate) fn to_json_with(&self, learned: &BTreeMap<Extension, Arc<str>>) -> String {
        let name_of = |row: &Row| learned.get(&row.extension).filter(|_| row.name.is_empty());
        let known = self.rows.iter().map(|row| Shown::new(row, name_of(row)));
        let rows: HashSet<&Extension> = self.rows.iter().map(|row| &row.extension).collect();
        let others = learned.iter().filter(|(extension, _)| !rows.contains(extension));
        let others = others.map(|(extension, name)| (Row::named(extension.clone()), name));
        let others: Vec<(Row, &Arc<str>)> = others.collect();
        let rows: Vec<Shown<'_>> =
            known.chain(others.iter().map(|(row, name)| Shown::new(row, Some(name)))).collect();
        // Texts always encode.
        serde_json::to_string(&ShownRows { rows }).unwrap_or_default()
    }

    /// The same as CSV, with its head.
    pub(crate) fn to_csv(&self) -> String {
        csv::write(&self.rows)
    }

    pub(crate) fn etag(&self) -> &ETag {
        &self.etag
    }

    /// Each extension, with its name and its groups.
    pub(crate) fn people(&self) -> impl Iterator<Item = (&Extension, &str, &[String])> {
        self.rows.iter().map(|row| (&row.extension, row.name.as_str(), row.groups.as_slice()))
    }

    /// How many rows it has.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// What it gives to whoever a token names, in the order of tokens; nothing to most.
    pub(crate) fn extensions_of(&self, sub: &str) -> Arc<[Extension]> {
        self.of_subs.get(sub).cloned().unwrap_or_default()
    }

    /// The extensions that are in any of some groups, in the order of texts.
    pub(crate) fn extensions_in(&self, groups: &[Arc<str>]) -> Arc<[Extension]> {
        let mut found = groups.iter().filter_map(|group| self.of_groups.get(&**group));
        let (first, second) = (found.next(), found.next());
        let (Some(first), Some(second)) = (first, second) else { return first.cloned().unwrap_or_default() };
        let both = [first, second].into_iter().chain(found);
        let mut all: Vec<Extension> = both.flat_map(|extensions| extensions.iter().cloned()).collect();
        all.sort();
        all.dedup();
        all.into()
    }

    /// The rows of extensions that are in any of some groups, under the ETag of the whole.
    pub(crate) fn only(&self, groups: &[Arc<str>]) -> Self {
        let is_in = |row: &&Row| row.groups.iter().any(|of| groups.iter().any(|group| **group == **of));
        let rows = self.rows.iter().filter(is_in).cloned().collect();
        Self { etag: self.etag.clone(), ..Self::new(rows) }
    }

    /// Rows that were checked, now or when they were stored.
    fn new(rows: Vec<Row>) -> Self {
        let subs = rows.iter().flat_map(|row| row.ids.iter().map(move |id| (&row.extension, id)));
        let subs = subs
            .filter_map(|(extension, id)| Some((id.strip_prefix(SUB)?.into(), [extension.clone()].into())));
        let of_subs = subs.collect();
        let of_groups = of_groups(&rows);
        let mut made = Self { rows, etag: ETag::default(), of_subs, of_groups };
        made.etag = ETag::of(&made.to_json());
        made
    }
}

/// Which extensions are in each group.
fn of_groups(rows: &[Row]) -> HashMap<Box<str>, Arc<[Extension]>> {
    let mut groups: HashMap<&str, Vec<Extension>> = HashMap::new();
    for row in rows {
        for group in &row.groups {
            groups.entry(group).or_default().push(row.extension.clone());
        }
    }
    let sorted = groups.into_iter().map(|(group, mut extensions)| {
        extensions.sort();
        (group.into(), extensions.into())
    });
    sorted.collect()
}

impl<'a> Shown<'a> {
    fn new(row: &'a Row, learned: Option<&'a Arc<str>>) -> Self {
        Self {
            extension: &row.extension,
            name: learned.map_or(row.name.as_str(), |name| name),
            groups: &row.groups,
            numbers: &row.numbers,
            ids: &row.ids,
            name_from: learned.map(|_| LEARNED),
        }
    }
}

impl Default for Directory {
    /// That of a tenant who has written none.
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

impl From<Rows> for Directory {
    fn from(stored: Rows) -> Self {
        Self::new(stored.rows)
    }
}

impl ETag {
    fn of(json: &str) -> Self {
        let digest = Sha256::digest(json);
        Self(digest[..ETAG_BYTES].iter().map(|byte| format!("{byte:02x}")).collect::<String>().into())
    }

    /// Without quotes.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Expected {
    /// Whether that one is meant.
    pub(crate) fn is_met(&self, by: &ETag) -> bool {
        match self {
            Self::Whatever => true,
            Self::OneOf(tags) => tags.iter().any(|tag| tag == by.as_str()),
        }
    }
}

impl Builder {
    /// Adds a row, which is refused where something of it stands in another one.
    fn push(&mut self, nth: usize, draft: Draft) -> Result<(), Refusal> {
        if self.rows.len() == MAX_ROWS {
            return Err(Refusal::TooLarge);
        }
        let row = draft.check().map_err(|bad| bad.at(nth))?;
        if let Some(other) = self.extensions.insert(row.extension.clone(), nth) {
            return Err(Fault::new(nth, "extension", format!("row {other} has the same")).into());
        }
        for id in &row.ids {
            if let Some(other) = self.ids.insert(row::comparable(id), nth) {
                return Err(Fault::new(nth, "ids", format!("row {other} has one of them")).into());
            }
        }
        self.rows.push(row);
        Ok(())
    }

    fn finish(self) -> Result<Directory, Refusal> {
        let directory = Directory::new(self.rows);
        if directory.to_json().len() > MAX_BYTES {
            return Err(Refusal::TooLarge);
        }
        Ok(directory)
    }
}
