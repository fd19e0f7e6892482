//! Tokens, good and bad, and the secrets that tests use.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

/// Signs tokens where nothing else is configured.
pub const SECRET: &str = "a-development-secret-of-forty-characters";
/// Authenticates webhooks where nothing else is configured.
pub const WEBHOOK_SECRET: &str = "webhook-secret-one-0123456789";

/// Authenticates activation and deactivation callbacks.
pub const CALLBACK_SECRET: &str = "callback-secret-one-0123456789";
/// Authenticates who refreshes tokens.
pub const CLIENT_SECRET: &str = "client-secret-one-0123456789";

/// What no gateway may log at its default level: secrets, and what the fixtures say of people. The
/// simulated Telsmart's access tokens begin with `tsa_`, its refresh tokens with `tsr_`.
pub const PRIVATE: &[&str] = &[
    SECRET,
    WEBHOOK_SECRET,
    CALLBACK_SECRET,
    CLIENT_SECRET,
    "eyJ",
    "tsa_",
    "tsr_",
    "+3228992675",
    "+32470",
    "John Doe",
    "Jane Doe",
    "External Person",
];

/// A JWT to be.
#[derive(Clone)]
pub struct Token {
    claims: Value,
    secret: String,
}

impl Token {
    /// Of a user who sees `extensions` only.
    pub fn agent(tenant: &str, extensions: &[&str]) -> Self {
        Self::of(tenant, "agent").claim("extensions", extensions)
    }

    /// Of a user who may see the whole tenant.
    pub fn supervisor(tenant: &str) -> Self {
        Self::of(tenant, "supervisor").claim("extensions", json!([]))
    }

    /// Of another server.
    pub fn service(tenant: &str) -> Self {
        Self::of(tenant, "service").claim("extensions", ["200"])
    }

    fn of(tenant: &str, role: &str) -> Self {
        let sub = uuid::Uuid::new_v4().to_string();
        let claims = json!({"sub": sub, "tenant_id": tenant, "role": role});
        Self { claims, secret: SECRET.into() }.expiring_in(3600)
    }

    /// Ends that many seconds from now.
    pub fn expiring_in(self, seconds: i64) -> Self {
        let now = i64::try_from(super::now() / 1_000_000).unwrap();
        self.claim("exp", now + seconds)
    }

    /// Sets a claim.
    pub fn claim(mut self, name: &str, value: impl serde::Serialize) -> Self {
        self.claims[name] = json!(value);
        self
    }

    /// Leaves a claim out.
    pub fn without(mut self, name: &str) -> Self {
        self.claims.as_object_mut().unwrap().remove(name).unwrap();
        self
    }

    /// Signs it with another secret.
    pub fn secret(mut self, secret: &str) -> Self {
        self.secret = secret.into();
        self
    }

    /// The end, in seconds since 1970.
    pub fn exp(&self) -> u64 {
        self.claims["exp"].as_u64().unwrap()
    }

    /// Signed with HS256.
    pub fn mint(&self) -> String {
        self.mint_as(Algorithm::HS256, None, &EncodingKey::from_secret(self.secret.as_bytes()))
    }

    /// Signed with any key.
    pub fn mint_as(&self, algorithm: Algorithm, kid: Option<&str>, key: &EncodingKey) -> String {
        let header = Header { kid: kid.map(str::to_owned), ..Header::new(algorithm) };
        encode(&header, &self.claims, key).unwrap()
    }

    /// With `alg: none`, and no signature.
    pub fn mint_unsigned(&self) -> String {
        let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.", part(&json!({"alg": "none", "typ": "JWT"})), part(&self.claims))
    }
}
