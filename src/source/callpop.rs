//! Notices of one's own systems, in callpop's own words: a CRM that has none of the providers' posts what its people
//! should see.

use super::{
    EventRefusal, Received, Unknown,
    elements::{believed, each, invalid, missing, not_json},
};
use crate::{
    call::Party,
    clock::Micros,
    config::{Source, SourceKind},
    id::{Extension, ItemId, ItemName, TenantId},
    item::{self, ItemEvent},
    notice::{BadPost, Event, NoticeKind, Post, What},
    number::Plan,
};
use serde::{Deserialize, Deserializer, de::Error};
use std::{collections::BTreeMap, sync::Arc};

/// The word for it in the configuration.
pub(super) const KIND: SourceKind = SourceKind("callpop");

/// Reads a webhook's body: one event, or an array of them.
pub(super) fn parse(source: &Source, body: &[u8]) -> Result<Vec<Received>, EventRefusal> {
    each(body, |json| event(source, json))
}

/// What happened, and to which notice.
#[derive(Deserialize)]
struct Envelope {
    event: Option<String>,
    tenant_id: Option<TenantId>,
}

/// Of a notice that is posted or done.
#[derive(Deserialize)]
struct Fields {
    extension: Option<Extension>,
    notice_id: Option<ItemId>,
    #[serde(default, deserialize_with = "micros")]
    at: Option<Micros>,
    // What it says, where it is posted.
    #[serde(default)]
    kind: NoticeKind,
    title: Option<Arc<str>>,
    body: Option<Arc<str>>,
    remote: Option<Remote>,
    link: Option<Arc<str>>,
    #[serde(default, deserialize_with = "micros")]
    expires_at: Option<Micros>,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Remote {
    #[serde(default)]
    number: String,
    #[serde(default)]
    name: String,
}

fn event(source: &Source, json: &[u8]) -> Result<Received, EventRefusal> {
    let Envelope { event, tenant_id } = read(json)?;
    let what = event.ok_or_else(|| missing("event"))?;
    if !matches!(what.as_str(), "posted" | "done") {
        let (source, raw) = (source.name.clone(), String::from_utf8_lossy(json).into_owned());
        return Ok(Received::Unknown(Unknown { source, tenant: tenant_id, state: what, raw }));
    }
    let fields: Fields = read(json)?;
    let at = believed("at", Some(fields.at.ok_or_else(|| missing("at"))?))?;
    let tenant = tenant_id.ok_or_else(|| missing("tenant_id"))?;
    let extension = fields.extension.clone().ok_or_else(|| missing("extension"))?;
    let id = fields.notice_id.clone().ok_or_else(|| missing("notice_id"))?;
    let name = ItemName { source: source.name.clone(), id };
    let what = match what.as_str() {
        "done" => What::Done,
        _ => What::Posted(fields.post(&source.numbers)?.into()),
    };
    Ok(Received::Item(ItemEvent::new(tenant, extension, name, item::Event::Notice(Event::new(at, what)))))
}

impl Fields {
    fn post(self, numbers: &Plan) -> Result<Post, EventRefusal> {
        let Self { kind, title, body, remote, link, expires_at, attributes, .. } = self;
        let title = title.ok_or_else(|| missing("title"))?;
        let remote = remote.map(|Remote { number, name }| Party::new(&number, &name, numbers));
        let expires_at = expires_at.map(|at| believed("expires_at", Some(at))).transpose()?;
        let attributes = Arc::new(attributes);
        Ok(Post { kind, title, body, remote, link, expires_at, attributes }.checked()?)
    }
}

/// Reads a JSON object; an error names the field.
fn read<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Result<T, EventRefusal> {
    serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_slice(json)).map_err(|error| {
        let field = error.path().to_string();
        let error = error.into_inner();
        if error.is_data() {
            invalid(if field == "." { "body" } else { &field }, error)
        } else {
            not_json(error)
        }
    })
}

/// Microseconds as a number or as a text of digits.
fn micros<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Micros>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected microseconds as an integer or as a string of digits")]
    enum Given {
        Number(Micros),
        Text(String),
    }
    match Option::<Given>::deserialize(deserializer)? {
        None => Ok(None),
        Some(Given::Number(at)) => Ok(Some(at)),
        Some(Given::Text(text)) => {
            let digits = Some(text).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
            let at = digits.and_then(|text| text.parse().ok());
            at.map(Some).ok_or_else(|| D::Error::custom("expected microseconds as digits"))
        }
    }
}

impl From<BadPost> for EventRefusal {
    fn from(BadPost { field, why }: BadPost) -> Self {
        invalid(field, why)
    }
}
