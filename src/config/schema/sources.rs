//! The keys of the sources, each of which has a section with a name of its own.

use crate::{
    config::{
        MAX_BODY, Part, Source, SourceKind,
        parse::{self, number},
        reader::Reader,
    },
    id::{SourceName, TenantId},
    number::Plan,
};
use std::ops::RangeInclusive;

/// The source that is missed where there is none.
pub(super) const USUAL: &str = "telsmart";
/// How large a source's bodies may be made, in bytes.
const MAX_BODIES: RangeInclusive<usize> = 1024..=32 * 1024 * 1024;

pub(super) fn sources(reader: &mut Reader, part: Part) -> Vec<Source> {
    let mut names = reader.sections_of("sources");
    if names.is_empty() {
        names.insert(USUAL.to_owned());
    }
    names.iter().filter_map(|name| source(reader, part, name)).collect()
}

fn source(reader: &mut Reader, part: Part, name: &str) -> Option<Source> {
    let key = |name_of_key: &str| format!("sources.{name}.{name_of_key}");
    let kind = kind(reader, name);
    let secrets = reader.secrets(&key("secrets"), parse::header_secret);
    let bearer = reader.secrets(&key("bearer"), parse::bearer_token);
    let basic = reader.secrets(&key("basic"), parse::user_and_password);
    let is_open = secrets.is_empty() && bearer.is_empty() && basic.is_empty();
    let has_problem = ["secrets", "bearer", "basic"].iter().any(|name| reader.has_problem(&key(name)));
    if part != Part::Sidecar && is_open && !has_problem {
        let message = "missing or empty: give at least one value of the header agreed with the provider, or of bearer or basic";
        reader.refuse(&key("secrets"), message);
    }
    let tenant = |element: &str| TenantId::try_from(element).map_err(|why| why.to_string());
    let header = reader.or(&key("header"), "X-Webhook-Secret".to_owned(), parse::header_name);
    let allow_ips = reader.list(&key("allow_ips"), parse::network);
    let rate_limit = reader.or(&key("rate_limit"), 0, |given| number(given, 0..=1_000_000));
    let max_body = reader.or(&key("max_body"), MAX_BODY, |given| parse::size(given, MAX_BODIES));
    let numbers = Plan {
        country: reader.or(&key("country"), Plan::default().country, parse::country),
        outside_prefix: reader.or(&key("outside_prefix"), String::new(), parse::dialled),
    };
    let tenants = reader.list(&key("tenants"), tenant);
    let tenant = reader.optional(&key("tenant_id"), |given| tenant(parse::text(given)?.trim()));
    let name = SourceName::try_from(name)
        .map_err(|why| reader.refuse(&format!("sources.{name}"), format!("its name {why}")))
        .ok()?;
    Some(Source {
        name,
        kind: kind?,
        header,
        secrets,
        bearer,
        basic,
        allow_ips,
        rate_limit,
        max_body,
        numbers,
        tenant,
        tenants,
    })
}

/// The kind of a source that is named after it.
pub(super) fn kind_called(reader: &Reader, name: &str) -> Option<SourceKind> {
    reader.kinds.iter().find(|kind| kind.as_str() == name).copied()
}

/// What it says that it is; a source that is named after its kind need not say so.
fn kind(reader: &mut Reader, name: &str) -> Option<SourceKind> {
    let key = format!("sources.{name}.kind");
    let is_given = reader.is_given(&key);
    let kinds: Vec<_> = reader.kinds.iter().map(|kind| (kind.as_str(), *kind)).collect();
    let given = reader.optional(&key, |given| parse::choice(given, &kinds));
    let named = kind_called(reader, name);
    if given.or(named).is_none() && !is_given {
        let kinds = kinds.iter().map(|(kind, _)| format!("\"{kind}\"")).collect::<Vec<_>>().join(", ");
        reader.refuse(
            &key,
            format!("missing: it is needed where the source is not named after it; one of {kinds}"),
        );
    }
    given.or(named)
}
