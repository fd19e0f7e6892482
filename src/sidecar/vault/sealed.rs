//! A sealed record as text: `v2.<key id>.<wrapped data key>.<nonce and ciphertext>`, the last
//! two in base64url without padding. It is checked for its form only; whether it opens is the
//! vault's to say.

use super::{MAX_KEY_ID, ring::is_key_id};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use std::fmt;
use zeroize::Zeroizing;

const VERSION: &str = "v2";
/// Nonce and tag, in bytes: what sealing adds.
pub(super) const OVERHEAD: usize = 24 + 16;
/// A wrapped data key's length in base64.
const WRAPPED_CHARS: usize = (32 + OVERHEAD) * 4 / 3;
/// The shortest payload, that of an empty text, in base64.
const MIN_PAYLOAD_CHARS: usize = (OVERHEAD * 4).div_ceil(3);

/// Why a text is no sealed record.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not a sealed record: it is not {VERSION}.<key id>.<wrapped key>.<ciphertext>")]
pub(crate) struct BadSealed;

/// Something sealed. It may be stored and shown to those who may see that it exists.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Sealed(String);

/// The three parts behind the version, as text.
struct SealedParts<'a> {
    key_id: &'a str,
    wrapped: &'a str,
    payload: &'a str,
}

impl Sealed {
    pub(super) fn new(key_id: &str, wrapped: &[u8], payload: &[u8]) -> Self {
        let mut text = beginning(key_id, wrapped);
        BASE64_URL_SAFE_NO_PAD.encode_string(payload, &mut text);
        Self(text)
    }

    /// The same payload under a data key that is wrapped anew.
    pub(super) fn rewrapped(&self, key_id: &str, wrapped: &[u8]) -> Self {
        Self(beginning(key_id, wrapped) + self.parts().payload)
    }

    /// The id of the key that wraps its data key.
    pub(crate) fn key_id(&self) -> &str {
        self.parts().key_id
    }

    /// The text, as it is stored.
    #[cfg(test)]
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The wrapped data key; none where its base64 is not canonical.
    pub(super) fn wrapped(&self) -> Option<Zeroizing<Vec<u8>>> {
        decode(self.parts().wrapped)
    }

    /// Nonce and ciphertext; none where their base64 is not canonical.
    pub(super) fn payload(&self) -> Option<Zeroizing<Vec<u8>>> {
        decode(self.parts().payload)
    }

    fn parts(&self) -> SealedParts<'_> {
        split(&self.0).unwrap_or(SealedParts { key_id: "", wrapped: "", payload: "" })
    }
}

/// Everything before the payload.
fn beginning(key_id: &str, wrapped: &[u8]) -> String {
    format!("{VERSION}.{key_id}.{}.", BASE64_URL_SAFE_NO_PAD.encode(wrapped))
}

fn split(text: &str) -> Option<SealedParts<'_>> {
    let (key_id, rest) = text.strip_prefix(VERSION)?.strip_prefix('.')?.split_once('.')?;
    let (wrapped, payload) = rest.split_once('.')?;
    Some(SealedParts { key_id, wrapped, payload })
}

/// Into a buffer that decrypting may then fill with plaintext: it is never moved, and wiped.
fn decode(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    BASE64_URL_SAFE_NO_PAD.decode_vec(text, &mut bytes).ok()?;
    Some(bytes)
}

fn is_base64url(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

impl TryFrom<String> for Sealed {
    type Error = BadSealed;

    fn try_from(text: String) -> Result<Self, BadSealed> {
        let parts = split(&text).ok_or(BadSealed)?;
        let sound = is_key_id(parts.key_id)
            && parts.wrapped.len() == WRAPPED_CHARS
            && parts.payload.len() >= MIN_PAYLOAD_CHARS
            && is_base64url(parts.wrapped)
            && is_base64url(parts.payload);
        if sound { Ok(Self(text)) } else { Err(BadSealed) }
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({VERSION}.{:.MAX_KEY_ID$}, {} characters)", self.key_id(), self.0.len())
    }
}
