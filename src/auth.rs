//! Who is asking: a JWT becomes an [`Identity`].
//!
//! What verifies a token, and by which algorithm, is fixed by the configuration, never by the
//! token. Why a token is refused is said in words that may go to its bearer: nothing of the
//! token, of a person or of a key is in them.

mod agreed;
mod claims;
mod credentials;
mod jwks;
mod key;

use crate::{
    config::{self, AuthKey},
    http::{Problem, nothing_here, unauthorized, unavailable},
    id::{BadId, Extension, TenantId},
    places::{Proof, prove},
    tasks::Tasks,
};
pub(crate) use agreed::AgreedHeader;
pub(crate) use claims::group;
pub(crate) use credentials::Credentials;

use axum::http::{HeaderMap, header};
use claims::Claims;
use jsonwebtoken::{Algorithm, EncodingKey, Header, errors::Error as JwtError};
use key::Key;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// The longest token that is looked at, in bytes.
const MAX_TOKEN_BYTES: usize = 32 * 1024;
/// The most extensions that a token may hold.
pub(crate) const MAX_EXTENSIONS: usize = 100;
/// The most groups that a token may hold.
pub(crate) const MAX_GROUPS: usize = 100;

/// Who a token says that its bearer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) tenant: TenantId,
    pub(crate) sub: Arc<str>,
    /// In the token's order, each once.
    pub(crate) extensions: Arc<[Extension]>,
    pub(crate) role: Role,
    /// The groups of the directory that a supervisor is kept to, sorted, each once: one of none sees nothing.
    /// None for whoever is not kept to any, and for every other role.
    pub(crate) groups: Option<Arc<[Arc<str>]>>,
    /// Seconds since 1970; the token is valid before it.
    pub(crate) expires_at: u64,
}

/// What its bearer may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Role {
    /// The calls of the token's own extensions.
    Agent,
    /// The calls of the whole tenant.
    Supervisor,
    /// Another server, on private listeners.
    Service,
    /// A screen that shows a wallboard: no token says so, only a secret of its own (`displays`).
    Display,
}

/// Why a token is refused; short enough for the reason of a WebSocket close.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TokenRefusal {
    #[error("the token is not a JWT of a known algorithm")]
    Malformed,
    #[error("the token's algorithm is not the configured one")]
    Algorithm,
    #[error("the token's signature is wrong")]
    Signature,
    #[error("the token is signed by an unknown key")]
    UnknownKey,
    /// Not the token's fault: see [`TokenRefusal::is_transient`].
    #[error("the keys that verify tokens are not available at the moment")]
    KeysUnavailable,
    #[error("the token has expired")]
    Expired,
    #[error("the token is not valid yet")]
    NotYet,
    #[error("the token is for another audience")]
    Audience,
    #[error("the token is from another issuer")]
    Issuer,
    #[error("the token has no `{0}`")]
    Missing(&'static str),
    #[error("the token's `{0}` is not what it must be")]
    BadClaim(&'static str),
}

impl TokenRefusal {
    /// One word for it, of few.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Malformed => "malformed_token",
            Self::Algorithm => "algorithm",
            Self::Signature => "signature",
            Self::UnknownKey => "unknown_key",
            Self::KeysUnavailable => "keys_unavailable",
            Self::Expired => "expired",
            Self::NotYet => "not_yet",
            Self::Audience => "audience",
            Self::Issuer => "issuer",
            Self::Missing(_) => "missing_claim",
            Self::BadClaim(_) => "bad_claim",
        }
    }

    /// Whether the same token may be accepted later without anybody mending it.
    pub(crate) fn is_transient(&self) -> bool {
        *self == Self::KeysUnavailable
    }
}

/// Why tokens cannot be verified or minted at all.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuthError {
    #[error(
        "not the PEM of an RSA (2048 to 8192 bits), EC P-256 or Ed25519 public key, which begins \
         with -----BEGIN PUBLIC KEY-----"
    )]
    PublicKey,
    #[error("this is a private key, which callpop must not have: give the public one")]
    PrivateKey,
    #[error("not a URL")]
    JwksUrl,
    #[error("no HTTP client to fetch keys with: {0}")]
    Client(#[source] reqwest::Error),
    #[error("keys are fetched by a background task, which needs a Tokio runtime")]
    NoRuntime,
    #[error("not a tenant or an extension: {0}")]
    Id(#[from] BadId),
    #[error("the token could not be signed: {0}")]
    Signing(#[source] JwtError),
}

/// Verifies tokens. Dropping it ends its background task.
pub(crate) struct Verifier {
    keys: Keys,
    audience: Option<String>,
    issuer: Option<String>,
}

enum Keys {
    Fixed(Box<Key>),
    Published(jwks::Jwks),
}

impl Verifier {
    /// Makes a verifier; one for a JWKS URL begins to fetch, and so needs a Tokio runtime.
    ///
    /// # Errors
    /// The configured key cannot be used. An endpoint that is down is no error.
    pub(crate) fn new(auth: &config::Auth, tasks: &Tasks) -> Result<Self, AuthError> {
        let keys = match &auth.key {
            AuthKey::Hs256(secret) => Keys::Fixed(Key::hs256(secret).into()),
            AuthKey::PublicKey(pem) => Keys::Fixed(Key::from_pem(pem)?.into()),
            AuthKey::JwksUrl(url) => Keys::Published(jwks::Jwks::start(url, jwks::Pace::default(), tasks)?),
        };
        Ok(Self { keys, audience: auth.audience.clone(), issuer: auth.issuer.clone() })
    }

    /// Why no token can be verified, if so.
    pub(crate) fn trouble(&self) -> Option<&'static str> {
        match &self.keys {
            Keys::Fixed(_) => None,
            Keys::Published(jwks) => jwks.trouble(),
        }
    }

    /// What an operator should know of the keys, though tokens are verified.
    pub(crate) fn warning(&self) -> Option<String> {
        match &self.keys {
            Keys::Fixed(_) => None,
            Keys::Published(jwks) => jwks.warning(),
        }
    }

    /// Verifies a token. Waits only for the first keys of a JWKS URL, and when a token names a
    /// key that is not there yet; a few seconds at most. Cancel safe.
    ///
    /// # Errors
    /// The token is not accepted, and why.
    pub(crate) async fn verify(&self, token: &str) -> Result<Identity, TokenRefusal> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenRefusal::Malformed);
        }
        let claims = match &self.keys {
            Keys::Fixed(key) => key.open(token)?,
            Keys::Published(jwks) => {
                let header = jsonwebtoken::decode_header(token).map_err(|_| TokenRefusal::Malformed)?;
                jwks.key(header.alg, header.kid.as_deref()).await?.open(token)?
            }
        };
        self.accept(claims, now())
    }

    /// The bearer of the token in a request's headers.
    ///
    /// # Errors
    /// There is none that is accepted; or keys cannot be fetched now.
    pub(crate) async fn identify(&self, headers: &HeaderMap) -> Result<Identity, Problem> {
        let token = bearer(headers).ok_or_else(|| unauthorized("there is no token"))?;
        let identity = self.verify(token).await.map_err(|why| {
            if why.is_transient() { unavailable(&why.to_string()) } else { unauthorized(&why.to_string()) }
        })?;
        prove(Proof::Token);
        Ok(identity)
    }

    /// What is said of a path below `/v1/` where nothing is: a stranger is not told what there is.
    pub(crate) async fn not_found(&self, headers: &HeaderMap, path: &str) -> Problem {
        if path.starts_with("/v1/")
            && let Err(refused) = self.identify(headers).await
        {
            return refused;
        }
        nothing_here()
    }

    fn accept(&self, claims: Claims, now: u64) -> Result<Identity, TokenRefusal> {
        claims.check_times(now)?;
        claims.check_audience(self.audience.as_deref())?;
        claims.check_issuer(self.issuer.as_deref())?;
        claims.identity()
    }
}

/// Says whether the configured key can verify anything, without fetching or starting anything.
///
/// # Errors
/// The configured key cannot be used.
pub(crate) fn check(auth: &config::Auth) -> Result<(), AuthError> {
    match &auth.key {
        AuthKey::PublicKey(pem) => Key::from_pem(pem).map(drop),
        AuthKey::JwksUrl(url) => reqwest::Url::parse(url).map(drop).map_err(|_| AuthError::JwksUrl),
        AuthKey::Hs256(_) => Ok(()),
    }
}

/// What a minted token is to say.
#[derive(Clone, Debug)]
pub(crate) struct Grant {
    pub(crate) tenant: TenantId,
    pub(crate) sub: String,
    pub(crate) extensions: Vec<Extension>,
    pub(crate) role: Role,
    /// Of a supervisor who is kept to them.
    pub(crate) groups: Option<Vec<String>>,
    /// Whole seconds from now.
    pub(crate) ttl: Duration,
    pub(crate) audience: Option<String>,
    pub(crate) issuer: Option<String>,
}

#[derive(Serialize)]
struct Minted<'a> {
    sub: &'a str,
    tenant_id: &'a TenantId,
    extensions: &'a [Extension],
    role: Role,
    #[serde(skip_serializing_if = "Option::is_none")]
    groups: Option<&'a [String]>,
    iat: u64,
    exp: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iss: Option<&'a str>,
}

/// Mints an HS256 token.
///
/// # Errors
/// Signing failed, which a secret of any length should not cause.
pub(crate) fn mint(secret: &SecretString, grant: &Grant) -> Result<String, AuthError> {
    let iat = now();
    let claims = Minted {
        sub: &grant.sub,
        tenant_id: &grant.tenant,
        extensions: &grant.extensions,
        role: grant.role,
        groups: grant.groups.as_deref(),
        iat,
        exp: iat.saturating_add(grant.ttl.as_secs()),
        aud: grant.audience.as_deref(),
        iss: grant.issuer.as_deref(),
    };
    let key = EncodingKey::from_secret(secret.expose_secret().as_bytes());
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key).map_err(AuthError::Signing)
}

/// The id of the key that a token names, as far as it can be shown in a log: it is not verified.
pub(crate) fn key_id(token: &str) -> Option<String> {
    const MOST: usize = 64;
    if token.len() > MAX_TOKEN_BYTES {
        return None;
    }
    let id = jsonwebtoken::decode_header(token).ok()?.kid?;
    Some(id.chars().filter(|it| it.is_ascii_graphic()).take(MOST).collect())
}

/// The token of an `Authorization: Bearer` header.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = authorization(headers)?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

/// The scheme of an `Authorization` header, and what comes after it.
fn authorization(headers: &HeaderMap) -> Option<(&str, &str)> {
    let (scheme, shown) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    Some((scheme, shown.trim()))
}

/// Seconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests;
