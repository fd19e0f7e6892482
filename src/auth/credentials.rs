//! What a provider may show to be let in: the agreed header, or `Authorization` with a bearer token or with a user's
//! name and password. Of each several are good while one is rotated.

use super::{
    agreed::{AgreedHeader, is_one_of},
    authorization,
};
use crate::config::Source;
use axum::http::HeaderMap;
use base64::{Engine, prelude::BASE64_STANDARD};
use secrecy::SecretString;

/// What one source may show.
pub(crate) struct Credentials {
    header: AgreedHeader,
    bearer: Vec<SecretString>,
    basic: Vec<SecretString>,
}

impl Credentials {
    /// As the source is configured.
    pub(crate) fn new(Source { header, secrets, bearer, basic, .. }: &Source) -> Self {
        let header = AgreedHeader::new(header.clone(), secrets.clone());
        Self { header, bearer: bearer.clone(), basic: basic.clone() }
    }

    /// Whether a request shows any of them.
    pub(crate) fn are_shown(&self, headers: &HeaderMap) -> bool {
        self.header.is_shown(headers) || self.authorize(headers)
    }

    fn authorize(&self, headers: &HeaderMap) -> bool {
        let Some((scheme, shown)) = authorization(headers) else { return false };
        match scheme {
            _ if scheme.eq_ignore_ascii_case("bearer") => is_one_of(&self.bearer, shown.as_bytes()),
            _ if scheme.eq_ignore_ascii_case("basic") => {
                BASE64_STANDARD.decode(shown).is_ok_and(|pair| is_one_of(&self.basic, &pair))
            }
            _ => false,
        }
    }
}
