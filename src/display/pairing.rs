//! How a screen becomes a display. It has a poll, which it alone knows; all else follows from that: the code that it
//! shows, and, with a salt that is kept for minutes, the secret that it will have. So any node can say the secret to
//! whoever shows the poll, while what is stored recognises both and is neither.
//!
//! ```text
//! poll ──> code                 what people read from the screen
//!      ──> secret <── salt      of which the proof is stored ──> the display's id
//! ```

use crate::{
    clock::{Micros, micros},
    id::{MAX_ID_BYTES, TenantId},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretBox, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{fmt, time::Duration};
use uuid::Uuid;

/// How long a code can be entered.
pub(crate) const CODE_LIFE: Duration = Duration::from_secs(5 * 60);
/// How long after the answer the secret is said, as often as it is asked for: an answer may be lost.
pub(crate) const SECRET_LIFE: Duration = Duration::from_secs(60);
/// Without those that look like another: 0 O Q, 1 I L, 2 Z, 5 S, 8 B, U V.
const LETTERS: &[u8; 22] = b"34679ACDEFGHJKMNPRTWXY";
const CODE_LENGTH: usize = 8;
const BYTES: usize = 32;

type Bytes = [u8; BYTES];

/// By what a screen asks whether it is a display already.
pub(crate) struct Poll(SecretBox<Bytes>);

/// What people read from a screen, and enter.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Code(String);

/// What a display shows instead of a token: 256 bits of its own, and the tenant that they are good for.
pub(crate) struct Secret {
    bytes: SecretBox<Bytes>,
    pub(crate) tenant: TenantId,
}

/// What recognises a secret, or a poll: a SHA-256 of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Proof(Bytes);

/// What is kept of a pairing that has begun.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pairing {
    /// Recognises the poll.
    poll: Proof,
    /// Of no use without the poll, and the poll of none without it.
    salt: Proof,
    /// Recognises the secret to be.
    pub(crate) proof: Proof,
    /// Until then it can be answered.
    pub(crate) until: Micros,
}

impl Poll {
    /// A new one, and what is to be kept of it.
    pub(crate) fn begin(now: Micros) -> (Self, Pairing) {
        let poll = Self(SecretBox::new(Box::new(rand::random())));
        let salt = Proof(rand::random());
        let proof = Proof::of("display", [poll.secret_bytes(&salt).expose_secret().as_slice()]);
        let pairing = Pairing { poll: poll.proof(), salt, proof, until: now + micros(CODE_LIFE) };
        (poll, pairing)
    }

    /// Reads one as it was given to a screen.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        Some(Self(SecretBox::new(Box::new(bytes.try_into().ok()?))))
    }

    /// As it is given to a screen.
    pub(crate) fn text(&self) -> SecretString {
        BASE64_URL_SAFE_NO_PAD.encode(self.0.expose_secret()).into()
    }

    /// What the screen shows.
    pub(crate) fn code(&self) -> Code {
        let Proof(bytes) = Proof::of("code", [self.0.expose_secret().as_slice()]);
        let mut number = bytes.iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        let mut code = String::with_capacity(CODE_LENGTH);
        for _ in 0..CODE_LENGTH {
            code.push(char::from(LETTERS[(number % LETTERS.len() as u64) as usize]));
            number /= LETTERS.len() as u64;
        }
        Code(code)
    }

    /// The secret of a pairing that was answered for a tenant; none where the pairing is another's.
    pub(crate) fn secret(&self, pairing: &Pairing, tenant: &TenantId) -> Option<Secret> {
        let bytes = self.is_of(pairing).then(|| self.secret_bytes(&pairing.salt))?;
        Some(Secret { bytes, tenant: tenant.clone() })
    }

    /// Whether a pairing was begun by it: codes are few, and another may have had the same one.
    pub(crate) fn is_of(&self, pairing: &Pairing) -> bool {
        self.proof() == pairing.poll
    }

    fn proof(&self) -> Proof {
        Proof::of("poll", [self.0.expose_secret().as_slice()])
    }

    fn secret_bytes(&self, salt: &Proof) -> SecretBox<Bytes> {
        let parts = [self.0.expose_secret().as_slice(), salt.0.as_slice()];
        SecretBox::new(Box::new(Proof::of("secret", parts).0))
    }
}

impl Code {
    /// Reads one as people enter it: in small letters too, with spaces or hyphens between.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        const MOST_TYPED: usize = 64;
        let is_between = |c: &char| c.is_whitespace() || *c == '-';
        let typed = (text.len() <= MOST_TYPED).then_some(text)?;
        let code: String = typed.chars().filter(|c| !is_between(c)).map(|c| c.to_ascii_uppercase()).collect();
        let is_code = code.len() == CODE_LENGTH && code.bytes().all(|letter| LETTERS.contains(&letter));
        is_code.then_some(Self(code))
    }

    /// As a screen shows it.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Secret {
    /// Reads one as a display shows it.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        const MOST: usize = (BYTES + MAX_ID_BYTES).div_ceil(3) * 4;
        let all = BASE64_URL_SAFE_NO_PAD.decode((text.len() <= MOST).then_some(text)?).ok()?;
        let (bytes, tenant) = all.split_first_chunk()?;
        let tenant = TenantId::try_from(std::str::from_utf8(tenant).ok()?).ok()?;
        Some(Self { bytes: SecretBox::new(Box::new(*bytes)), tenant })
    }

    /// As a display shows it: what may stand in a subprotocol.
    pub(crate) fn text(&self) -> SecretString {
        let all = [self.bytes.expose_secret().as_slice(), self.tenant.as_str().as_bytes()].concat();
        BASE64_URL_SAFE_NO_PAD.encode(all).into()
    }

    /// What recognises it.
    pub(crate) fn proof(&self) -> Proof {
        Proof::of("display", [self.bytes.expose_secret().as_slice()])
    }
}

impl Proof {
    /// Of parts that have a length each that never changes, for one purpose.
    fn of<const N: usize>(purpose: &str, parts: [&[u8]; N]) -> Self {
        let mut hash = Sha256::new_with_prefix(format!("callpop display {purpose}\n"));
        parts.iter().for_each(|part| hash.update(part));
        Self(hash.finalize().into())
    }

    /// The id of the display whose secret it recognises: who shows a secret is found by it.
    pub(crate) fn display(&self) -> Uuid {
        let Self(bytes) = Self::of("id", [self.0.as_slice()]);
        let mut id = [0; 16];
        id.copy_from_slice(&bytes[..16]);
        uuid::Builder::from_random_bytes(id).into_uuid()
    }
}

impl From<Proof> for String {
    fn from(Proof(bytes): Proof) -> Self {
        BASE64_URL_SAFE_NO_PAD.encode(bytes)
    }
}

impl TryFrom<String> for Proof {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or("not a hash of 32 bytes")
    }
}

/// A code is good for little, and for minutes, but it is nobody else's.
impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code(…)")
    }
}
