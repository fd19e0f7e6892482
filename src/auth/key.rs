//! One key with the one algorithm that it is for.

use super::{AuthError, TokenRefusal, claims::Claims};
use jsonwebtoken::{
    Algorithm, DecodingKey, Validation,
    errors::ErrorKind,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse},
};
use secrecy::{ExposeSecret, SecretString};
use std::collections::HashSet;

/// RFC 7518 section 3.3 and what the cryptography takes, in bytes.
const RSA_BYTES: std::ops::RangeInclusive<usize> = 256..=1024;

pub(super) struct Key {
    pub(crate) algorithm: Algorithm,
    decoding: DecodingKey,
    /// Only of the signature; [`Claims`] are checked by themselves.
    validation: Validation,
}

impl Key {
    fn new(algorithm: Algorithm, decoding: DecodingKey) -> Self {
        let mut validation = Validation::new(algorithm);
        validation.required_spec_claims = HashSet::new();
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.validate_aud = false;
        Self { algorithm, decoding, validation }
    }

    pub(crate) fn hs256(secret: &SecretString) -> Self {
        Self::new(Algorithm::HS256, DecodingKey::from_secret(secret.expose_secret().as_bytes()))
    }

    /// Makes a key of a PEM; its type decides the algorithm.
    pub(crate) fn from_pem(pem: &str) -> Result<Self, AuthError> {
        if pem.contains("PRIVATE KEY-----") {
            return Err(AuthError::PrivateKey);
        }
        if !pem.contains("-----BEGIN PUBLIC KEY-----") && !pem.contains("-----BEGIN RSA PUBLIC KEY-----") {
            return Err(AuthError::PublicKey);
        }
        let pem = pem.as_bytes();
        let decoding = DecodingKey::from_ed_pem(pem)
            .or_else(|_| DecodingKey::from_ec_pem(pem))
            .or_else(|_| DecodingKey::from_rsa_pem(pem))
            .map_err(|_| AuthError::PublicKey)?;
        // As a JWK, the size and the curve of the key are plain to see.
        let jwk = Jwk::from_decoding_key(&decoding, None).map_err(|_| AuthError::PublicKey)?;
        let algorithm = algorithm_of(&jwk).ok_or(AuthError::PublicKey)?;
        Ok(Self::new(algorithm, decoding))
    }

    /// Makes a key of a published one, if it is one that callpop takes for signatures.
    pub(crate) fn from_jwk(jwk: &Jwk) -> Option<Self> {
        let common = &jwk.common;
        let is_for_signatures =
            common.public_key_use.as_ref().is_none_or(|r#use| *r#use == PublicKeyUse::Signature)
                && common.key_operations.as_ref().is_none_or(|list| list.contains(&KeyOperations::Verify));
        let algorithm = algorithm_of(jwk)?;
        let is_its_own = common.key_algorithm.is_none_or(|named| named == KeyAlgorithm::from(algorithm));
        if !is_for_signatures || !is_its_own {
            return None;
        }
        Some(Self::new(algorithm, DecodingKey::from_jwk(jwk).ok()?))
    }

    /// Checks a token's algorithm and signature; not one of its claims.
    pub(crate) fn open(&self, token: &str) -> Result<Claims, TokenRefusal> {
        let data = jsonwebtoken::decode::<Claims>(token, &self.decoding, &self.validation);
        let data = data.map_err(|error| match error.kind() {
            ErrorKind::InvalidSignature => TokenRefusal::Signature,
            ErrorKind::InvalidAlgorithm | ErrorKind::InvalidKeyFormat => TokenRefusal::Algorithm,
            _ => TokenRefusal::Malformed,
        })?;
        // RFC 7515 section 4.1.11: what must be understood is not, so the token is invalid.
        if data.header.crit.is_some() { Err(TokenRefusal::Malformed) } else { Ok(data.claims) }
    }
}

/// What a key of that type and size is for, if for anything here.
fn algorithm_of(jwk: &Jwk) -> Option<Algorithm> {
    match &jwk.algorithm {
        AlgorithmParameters::RSA(rsa) => {
            RSA_BYTES.contains(&(bytes_of_base64(&rsa.n))).then_some(Algorithm::RS256)
        }
        AlgorithmParameters::EllipticCurve(ec) => {
            let sound = ec.curve == EllipticCurve::P256
                && bytes_of_base64(&ec.x) == 32
                && bytes_of_base64(&ec.y) == 32;
            sound.then_some(Algorithm::ES256)
        }
        AlgorithmParameters::OctetKeyPair(okp) => {
            let sound = okp.curve == EllipticCurve::Ed25519 && bytes_of_base64(&okp.x) == 32;
            sound.then_some(Algorithm::EdDSA)
        }
        _ => None,
    }
}

/// How many bytes an unpadded base64 text stands for.
fn bytes_of_base64(text: &str) -> usize {
    text.len() * 3 / 4
}
