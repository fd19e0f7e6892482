//! What a token says, once its signature is known to be right.

use super::{Identity, MAX_EXTENSIONS, MAX_GROUPS, Role, TokenRefusal};
use crate::id::{Extension, TenantId};
use serde::Deserialize;
use serde_json::Value;
use std::sync::Arc;

/// How much later than ours an issuer's clock may be when a token begins, in seconds.
const NOT_BEFORE_LEEWAY: u64 = 5;
/// The end of the year 9999: a later time is surely in another unit.
const MAX_TIME: u64 = 253_402_300_799;
const MAX_SUB_BYTES: usize = 256;
/// The longest name of a group, in characters; no directory has a longer one.
const MAX_GROUP: usize = 64;

/// The claims that count, of any type. Any other is left out; one that comes twice makes the
/// token malformed.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Claims {
    sub: Option<Value>,
    tenant_id: Option<Value>,
    extensions: Option<Value>,
    role: Option<Value>,
    groups: Option<Value>,
    exp: Option<Value>,
    nbf: Option<Value>,
    aud: Option<Value>,
    iss: Option<Value>,
}

impl Claims {
    /// Checks `exp`, which is required and exact, and `nbf`.
    pub(crate) fn check_times(&self, now: u64) -> Result<(), TokenRefusal> {
        if now >= time(&self.exp, "exp")?.ok_or(TokenRefusal::Missing("exp"))? {
            return Err(TokenRefusal::Expired);
        }
        match time(&self.nbf, "nbf")? {
            Some(start) if start > now + NOT_BEFORE_LEEWAY => Err(TokenRefusal::NotYet),
            _ => Ok(()),
        }
    }

    /// Checks `aud`, a text or a list of texts, if one is expected.
    pub(crate) fn check_audience(&self, expected: Option<&str>) -> Result<(), TokenRefusal> {
        let Some(expected) = expected else { return Ok(()) };
        let found = match self.aud.as_ref().ok_or(TokenRefusal::Missing("aud"))? {
            Value::String(audience) => audience == expected,
            Value::Array(audiences) => audiences.iter().any(|audience| audience == expected),
            _ => return Err(TokenRefusal::BadClaim("aud")),
        };
        if found { Ok(()) } else { Err(TokenRefusal::Audience) }
    }

    /// Checks `iss` if one is expected.
    pub(crate) fn check_issuer(&self, expected: Option<&str>) -> Result<(), TokenRefusal> {
        let Some(expected) = expected else { return Ok(()) };
        match self.iss.as_ref().ok_or(TokenRefusal::Missing("iss"))? {
            Value::String(issuer) if issuer == expected => Ok(()),
            Value::String(_) => Err(TokenRefusal::Issuer),
            _ => Err(TokenRefusal::BadClaim("iss")),
        }
    }

    /// Who that is. To be asked after the checks.
    pub(crate) fn identity(self) -> Result<Identity, TokenRefusal> {
        let expires_at = time(&self.exp, "exp")?.ok_or(TokenRefusal::Missing("exp"))?;
        let sub = text(&self.sub, "sub")?;
        if sub.is_empty() || sub.len() > MAX_SUB_BYTES || sub.chars().any(char::is_control) {
            return Err(TokenRefusal::BadClaim("sub"));
        }
        let tenant = TenantId::try_from(text(&self.tenant_id, "tenant_id")?)
            .map_err(|_| TokenRefusal::BadClaim("tenant_id"))?;
        let role = role(self.role.as_ref())?;
        let extensions = extensions(self.extensions.as_ref())?;
        let groups = groups(self.groups.as_ref())?.filter(|_| role == Role::Supervisor);
        Ok(Identity { tenant, sub: sub.into(), extensions, role, groups, expires_at })
    }
}

/// Seconds since 1970; RFC 7519 allows fractions.
fn time(claim: &Option<Value>, name: &'static str) -> Result<Option<u64>, TokenRefusal> {
    let Some(value) = claim else { return Ok(None) };
    let whole = value.as_u64();
    let time = whole.or_else(|| value.as_f64().filter(|time| *time >= 0.0).map(|time| time as u64));
    time.filter(|time| *time <= MAX_TIME).map(Some).ok_or(TokenRefusal::BadClaim(name))
}

fn text<'a>(claim: &'a Option<Value>, name: &'static str) -> Result<&'a str, TokenRefusal> {
    claim.as_ref().ok_or(TokenRefusal::Missing(name))?.as_str().ok_or(TokenRefusal::BadClaim(name))
}

/// An agent, the least of the roles, if the token does not say.
fn role(claim: Option<&Value>) -> Result<Role, TokenRefusal> {
    match claim.map(Value::as_str) {
        None | Some(Some("agent")) => Ok(Role::Agent),
        Some(Some("supervisor")) => Ok(Role::Supervisor),
        Some(Some("service")) => Ok(Role::Service),
        Some(_) => Err(TokenRefusal::BadClaim("role")),
    }
}

fn extensions(claim: Option<&Value>) -> Result<Arc<[Extension]>, TokenRefusal> {
    const BAD: TokenRefusal = TokenRefusal::BadClaim("extensions");
    let Some(claim) = claim else { return Ok(Arc::from([])) };
    let list = claim.as_array().filter(|list| list.len() <= MAX_EXTENSIONS).ok_or(BAD)?;
    let mut extensions: Vec<Extension> = Vec::with_capacity(list.len());
    for value in list {
        let extension = Extension::try_from(value.as_str().ok_or(BAD)?).map_err(|_| BAD)?;
        extensions.push(extension);
    }
    extensions.sort();
    extensions.dedup();
    Ok(extensions.into())
}

/// Bad ones are refused whatever the role: who writes such tokens should hear of it.
fn groups(claim: Option<&Value>) -> Result<Option<Arc<[Arc<str>]>>, TokenRefusal> {
    const BAD: TokenRefusal = TokenRefusal::BadClaim("groups");
    let Some(claim) = claim else { return Ok(None) };
    let list = claim.as_array().filter(|list| list.len() <= MAX_GROUPS).ok_or(BAD)?;
    let groups = list.iter().map(|value| value.as_str().and_then(group).ok_or(BAD));
    let mut groups: Vec<Arc<str>> = groups.collect::<Result<_, _>>()?;
    groups.sort();
    groups.dedup();
    Ok(Some(groups.into()))
}

/// A group as a directory may have it: spaces around it do not count.
pub(crate) fn group(text: &str) -> Option<Arc<str>> {
    let text = text.trim();
    let is_one = (1..=MAX_GROUP).contains(&text.chars().count())
        && !text.contains(|c: char| c == ';' || c.is_control());
    is_one.then(|| text.into())
}
