//! Notices of one's own systems, in callpop's own words: a CRM that has none of the providers' posts what its people
//! should see.

use super::{
    EventRefusal, Provider, Received, Unknown,
    elements::{NumberText, believed, each, invalid, micros, missing, read},
};
use crate::{
    call::Party,
    clock::Micros,
    config::{Source, SourceKind},
    id::{Extension, ItemId, ItemName, TenantId},
    item::{self, ItemEvent},
    notice::{Event, NoticeKind, Post, What},
    number::Plan,
};
use serde::{Deserialize, de::value::StrDeserializer};
use std::{collections::BTreeMap, sync::Arc};

pub(super) const PROVIDER: Provider = Provider { kind: SourceKind("callpop"), parse, is_signed: None };

fn parse(source: &Source, body: &[u8]) -> Result<Vec<Received>, EventRefusal> {
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
struct Fields<'a> {
    extension: Option<Extension>,
    notice_id: Option<ItemId>,
    #[serde(default, deserialize_with = "micros")]
    at: Option<Micros>,
    // What it says, where it is posted.
    kind: Option<String>,
    title: Option<Arc<str>>,
    body: Option<Arc<str>>,
    #[serde(borrow)]
    remote: Option<Remote<'a>>,
    link: Option<Arc<str>>,
    #[serde(default, deserialize_with = "micros")]
    expires_at: Option<Micros>,
    attributes: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
struct Remote<'a> {
    #[serde(borrow)]
    number: Option<NumberText<'a>>,
    name: Option<String>,
}

fn event(source: &Source, json: &[u8]) -> Result<Received, EventRefusal> {
    let Envelope { event, tenant_id } = read(json)?;
    let tenant = tenant_id.or_else(|| source.tenant.clone());
    let what = event.ok_or_else(|| missing("event"))?;
    if !matches!(what.as_str(), "posted" | "done") {
        let (source, raw) = (source.name.clone(), String::from_utf8_lossy(json).into_owned());
        return Ok(Received::Unknown(Unknown { source, tenant, state: what, raw }));
    }
    let fields: Fields = read(json)?;
    let at = believed("at", Some(fields.at.ok_or_else(|| missing("at"))?))?;
    let tenant = tenant.ok_or_else(|| missing("tenant_id"))?;
    let extension = fields.extension.clone().ok_or_else(|| missing("extension"))?;
    let id = fields.notice_id.clone().ok_or_else(|| missing("notice_id"))?;
    let name = ItemName { source: source.name.clone(), id };
    let what = match what.as_str() {
        "done" => What::Done,
        _ => What::Posted(fields.post(&source.numbers)?.into()),
    };
    Ok(Received::Item(ItemEvent::new(tenant, extension, name, item::Event::Notice(Event::new(at, what)))))
}

impl Fields<'_> {
    fn post(self, numbers: &Plan) -> Result<Post, EventRefusal> {
        let Self { kind, title, body, remote, link, expires_at, attributes, .. } = self;
        let title = title.ok_or_else(|| missing("title"))?;
        let kind = kind.map_or(Ok(NoticeKind::default()), |kind| kind_called(&kind))?;
        let remote = remote.map(|Remote { number, name }| {
            let number = number.map(|number| number.0).unwrap_or_default();
            Party::new(&number, &name.unwrap_or_default(), numbers)
        });
        let expires_at = expires_at.map(|at| believed("expires_at", Some(at))).transpose()?;
        let attributes = Arc::new(attributes.unwrap_or_default());
        Ok(Post { kind, title, body, remote, link, expires_at, attributes }.checked()?)
    }
}

/// The kind of a notice by its word.
fn kind_called(word: &str) -> Result<NoticeKind, EventRefusal> {
    NoticeKind::deserialize(StrDeserializer::<serde::de::value::Error>::new(word))
        .map_err(|error| invalid("kind", error))
}
