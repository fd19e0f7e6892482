//! Envelope encryption of what must not be read from a disk or a database: XChaCha20-Poly1305,
//! a random data key for each record, wrapped by a key of the [`Ring`].
//!
//! Both layers are bound to the record's [`Label`], so that a record that was moved to another
//! place does not open there. There is no mode without encryption. It stores nothing.

mod ring;
mod sealed;

pub(crate) use ring::Ring;
pub(crate) use sealed::Sealed;

use chacha20poly1305::{AeadInOut, KeyInit, Tag, XChaCha20Poly1305, XNonce};
use rand::RngExt;
use ring::{KEY_BYTES, RingKey};
use sealed::OVERHEAD;
use secrecy::{ExposeSecret, SecretBox, SecretString};
use zeroize::Zeroizing;

/// The longest id of a key, in bytes.
pub(crate) const MAX_KEY_ID: usize = 64;

const NONCE_BYTES: usize = 24;
const TAG_BYTES: usize = OVERHEAD - NONCE_BYTES;
/// What the associated data begins with: no other use of the same keys begins so.
const CONTEXT: &[u8] = b"callpop.vault.v2";

/// What a record is and whose: it opens under the label only that it was sealed under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Label<'a> {
    pub(crate) source: &'a str,
    pub(crate) tenant: &'a str,
    pub(crate) extension: &'a str,
    pub(crate) kind: Kind,
    pub(crate) consent: u64,
    pub(crate) generation: u64,
}

/// What is sealed. The numbers are part of the stored form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// An access token.
    Access = 1,
    /// A refresh token.
    Refresh = 2,
    /// The provider's answer to a refresh, as it came.
    Response = 3,
}

/// Why a record does not open.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum VaultError {
    #[error(
        "the key ring has no key {0:?}, and records are sealed by it: put its line back into \
         sidecar.vault_key_file, behind the first, until `callpop vault rewrap` is through"
    )]
    UnknownKey(String),
    #[error(
        "a sealed record does not open where it stands: it is damaged, was moved from elsewhere, or the key \
         ring has another key under its id; restore the record or the key, else its user connects again"
    )]
    Damaged,
}

/// Seals and opens with the keys of a ring.
#[derive(Debug)]
pub(crate) struct Vault {
    ring: Ring,
}

/// Which of the two encryptions of a record.
#[derive(Clone, Copy)]
enum Layer<'a> {
    /// The data key, under the ring's key of an id.
    Key(&'a str),
    Payload,
}

impl Vault {
    /// Makes a vault of a key ring.
    pub(crate) fn new(ring: Ring) -> Self {
        Self { ring }
    }

    /// The ids of the keys, the sealing one's first.
    pub(crate) fn key_ids(&self) -> impl Iterator<Item = &str> {
        self.ring.ids()
    }

    /// The id of the key that seals.
    pub(crate) fn sealing_key(&self) -> &str {
        &self.ring.first().id
    }

    /// Seals a text under its label, by a fresh data key.
    pub(crate) fn seal(&self, label: &Label<'_>, text: &SecretString) -> Sealed {
        let data_key =
            SecretBox::init_with_mut(|key: &mut [u8; KEY_BYTES]| rand::rng().fill(key.as_mut_slice()));
        let payload = encrypt(
            &XChaCha20Poly1305::new(data_key.expose_secret().into()),
            &label.bound(Layer::Payload),
            text.expose_secret().as_bytes(),
        );
        let first = self.ring.first();
        Sealed::new(&first.id, &first.wrap(label, data_key.expose_secret()), &payload)
    }

    /// Opens a record under the label that it was sealed under.
    pub(crate) fn open(&self, label: &Label<'_>, sealed: &Sealed) -> Result<SecretString, VaultError> {
        let data_key = self.unwrap(label, sealed)?;
        let cipher = XChaCha20Poly1305::new(data_key.expose_secret().into());
        let mut payload = sealed.payload().ok_or(VaultError::Damaged)?;
        let text = decrypt(&cipher, &label.bound(Layer::Payload), &mut payload)?;
        let text = std::str::from_utf8(text).map_err(|_| VaultError::Damaged)?;
        Ok(SecretString::from(text))
    }

    /// Wraps a record's data key by the first key; the payload stays as it is, unread. None: the
    /// first key wraps it already.
    pub(crate) fn rewrap(&self, label: &Label<'_>, sealed: &Sealed) -> Result<Option<Sealed>, VaultError> {
        let first = self.ring.first();
        if sealed.key_id() == first.id {
            return Ok(None);
        }
        let data_key = self.unwrap(label, sealed)?;
        Ok(Some(sealed.rewrapped(&first.id, &first.wrap(label, data_key.expose_secret()))))
    }

    /// A record's data key.
    fn unwrap(&self, label: &Label<'_>, sealed: &Sealed) -> Result<SecretBox<[u8; KEY_BYTES]>, VaultError> {
        let id = sealed.key_id();
        let key = self.ring.get(id).ok_or_else(|| VaultError::UnknownKey(id.to_owned()))?;
        let mut wrapped = sealed.wrapped().ok_or(VaultError::Damaged)?;
        let bytes = decrypt(&key.cipher(), &label.bound(Layer::Key(id)), &mut wrapped)?;
        if bytes.len() != KEY_BYTES {
            return Err(VaultError::Damaged);
        }
        Ok(SecretBox::init_with_mut(|key: &mut [u8; KEY_BYTES]| key.copy_from_slice(bytes)))
    }
}

impl RingKey {
    fn wrap(&self, label: &Label<'_>, data_key: &[u8; KEY_BYTES]) -> Zeroizing<Vec<u8>> {
        encrypt(&self.cipher(), &label.bound(Layer::Key(&self.id)), data_key)
    }
}

impl Label<'_> {
    /// The associated data: every field with its length or of a fixed one, so that no two labels,
    /// and no two layers, have the same bytes.
    fn bound(&self, layer: Layer<'_>) -> Vec<u8> {
        let (layer, key_id) = match layer {
            Layer::Key(id) => (1, id),
            Layer::Payload => (2, ""),
        };
        let mut bytes = Vec::from(CONTEXT);
        bytes.push(layer);
        for text in [key_id, self.source, self.tenant, self.extension] {
            bytes.extend((text.len() as u64).to_be_bytes());
            bytes.extend(text.as_bytes());
        }
        bytes.push(self.kind as u8);
        bytes.extend(self.consent.to_be_bytes());
        bytes.extend(self.generation.to_be_bytes());
        bytes
    }
}

/// Nonce, ciphertext and tag in a buffer that is never moved while it holds plaintext.
fn encrypt(cipher: &XChaCha20Poly1305, bound: &[u8], plain: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut nonce = [0; NONCE_BYTES];
    rand::rng().fill(&mut nonce);
    let mut buffer = Zeroizing::new(Vec::with_capacity(plain.len() + OVERHEAD));
    buffer.extend_from_slice(&nonce);
    buffer.extend_from_slice(plain);
    let tag = cipher
        .encrypt_inout_detached(&nonce.into(), bound, (&mut buffer[NONCE_BYTES..]).into())
        .expect("only a text of 256 GiB is too long, and none fits in memory with its copy");
    buffer.extend_from_slice(&tag);
    buffer
}

/// Decrypts in place; what it returns is a part of the buffer, which is to be wiped.
fn decrypt<'a>(
    cipher: &XChaCha20Poly1305,
    bound: &[u8],
    buffer: &'a mut [u8],
) -> Result<&'a [u8], VaultError> {
    let (nonce, rest) = buffer.split_at_mut_checked(NONCE_BYTES).ok_or(VaultError::Damaged)?;
    let length = rest.len().checked_sub(TAG_BYTES).ok_or(VaultError::Damaged)?;
    let (text, tag) = rest.split_at_mut(length);
    let nonce = XNonce::try_from(&*nonce).map_err(|_| VaultError::Damaged)?;
    let tag = Tag::try_from(&*tag).map_err(|_| VaultError::Damaged)?;
    cipher
        .decrypt_inout_detached(&nonce, bound, (&mut *text).into(), &tag)
        .map_err(|_| VaultError::Damaged)?;
    Ok(text)
}

#[cfg(test)]
#[path = "vault/tests.rs"]
mod tests;
