//! The key ring: the keys that wrap the records' data keys, each under an id.
//!
//! The first seals; the others only open what they sealed before. Nothing here shows a key,
//! nor any text that could be one.

use super::MAX_KEY_ID;
use base64::{Engine, prelude::BASE64_STANDARD};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305};
use secrecy::{ExposeSecret, SecretBox, SecretString};
use std::fmt;
use zeroize::Zeroizing;

/// A key's length in bytes.
pub(super) const KEY_BYTES: usize = 32;

/// Why a text is no key ring. No variant holds a part of a key.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum RingError {
    #[error("the key ring has no key: it needs a line id:base64(32 bytes)")]
    Empty,
    #[error("line {line} of the key ring is not id:base64(32 bytes)")]
    NoColon { line: usize },
    /// The id is not named: whoever swaps the two sides has the key there.
    #[error(
        "line {line} of the key ring: an id is 1 to {MAX_KEY_ID} letters, digits, _ or - before the colon, \
         and not as long as a key"
    )]
    BadId { line: usize },
    #[error("line {line} of the key ring: the id {id:?} is there twice")]
    Twice { line: usize, id: String },
    #[error("line {line} of the key ring: the key {id:?} is not in base64, padded with =")]
    NotBase64 { line: usize, id: String },
    #[error("line {line} of the key ring: the key {id:?} is {bytes} bytes long, not {KEY_BYTES}")]
    WrongLength { line: usize, id: String, bytes: usize },
}

/// The keys, the sealing one first; never empty.
pub(crate) struct Ring(Vec<RingKey>);

pub(super) struct RingKey {
    pub(crate) id: String,
    key: SecretBox<[u8; KEY_BYTES]>,
}

impl Ring {
    /// Reads one `id:base64(32 bytes)` a line; blank lines and those that begin with `#` are nothing.
    pub(crate) fn parse(text: &SecretString) -> Result<Self, RingError> {
        let mut keys: Vec<RingKey> = Vec::new();
        for (number, line) in text.expose_secret().lines().enumerate() {
            let (number, line) = (number + 1, line.trim());
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let key = RingKey::parse(number, line)?;
            if keys.iter().any(|known| known.id == key.id) {
                return Err(RingError::Twice { line: number, id: key.id });
            }
            keys.push(key);
        }
        if keys.is_empty() { Err(RingError::Empty) } else { Ok(Self(keys)) }
    }

    /// The ids, the sealing key's first.
    pub(super) fn ids(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|key| key.id.as_str())
    }

    /// The key that seals.
    pub(super) fn first(&self) -> &RingKey {
        &self.0[0]
    }

    /// The key of an id.
    pub(super) fn get(&self, id: &str) -> Option<&RingKey> {
        self.0.iter().find(|key| key.id == id)
    }
}

impl RingKey {
    fn parse(line: usize, text: &str) -> Result<Self, RingError> {
        let (id, encoded) = text.split_once(':').ok_or(RingError::NoColon { line })?;
        let (id, encoded) = (id.trim_end(), encoded.trim_start());
        if !is_key_id(id) || may_be_key(id) {
            return Err(RingError::BadId { line });
        }
        // Large enough never to be moved: a move would leave a copy behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(encoded.len()));
        if BASE64_STANDARD.decode_vec(encoded, &mut bytes).is_err() {
            return Err(RingError::NotBase64 { line, id: id.to_owned() });
        }
        if bytes.len() != KEY_BYTES {
            return Err(RingError::WrongLength { line, id: id.to_owned(), bytes: bytes.len() });
        }
        let key = SecretBox::init_with_mut(|key: &mut [u8; KEY_BYTES]| key.copy_from_slice(&bytes));
        Ok(Self { id: id.to_owned(), key })
    }

    /// The cipher of this key; it wipes its copy when it is dropped.
    pub(crate) fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(self.key.expose_secret().into())
    }
}

/// Whether a text can be a key's id.
pub(super) fn is_key_id(text: &str) -> bool {
    (1..=MAX_KEY_ID).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

/// Whether a text is as long as 32 bytes in hex or in base64 without padding: no id of a careful
/// person, but the key of one who swapped the two sides.
fn may_be_key(id: &str) -> bool {
    id.len() == 43 || id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit())
}

impl fmt::Debug for Ring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Ring").field(&self.ids().collect::<Vec<_>>()).finish()
    }
}
