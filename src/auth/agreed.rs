//! A header whose value was agreed with a provider; several values while one is rotated.

use axum::http::HeaderMap;
use secrecy::{ExposeSecret, SecretString};
use subtle::{Choice, ConstantTimeEq};

/// What shows that a request is the provider's.
pub(crate) struct AgreedHeader {
    name: String,
    secrets: Vec<SecretString>,
}

impl AgreedHeader {
    pub(crate) fn new(name: String, secrets: Vec<SecretString>) -> Self {
        Self { name, secrets }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether no value is agreed, so that nothing can be shown.
    pub(crate) fn is_open(&self) -> bool {
        self.secrets.is_empty()
    }

    /// Whether a request has it with a live value.
    pub(crate) fn is_shown(&self, headers: &HeaderMap) -> bool {
        headers.get(&self.name).is_some_and(|given| is_one_of(&self.secrets, given.as_bytes()))
    }
}

/// Compares with every secret, in a time that tells nothing of them but their length.
pub(super) fn is_one_of(secrets: &[SecretString], given: &[u8]) -> bool {
    let same = |secret: &SecretString| secret.expose_secret().as_bytes().ct_eq(given);
    secrets.iter().map(same).fold(Choice::from(0), |known, same| known | same).into()
}
