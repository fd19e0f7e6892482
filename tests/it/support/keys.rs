//! Key pairs of every algorithm, made afresh, and a server of key sets.

use aws_lc_rs::{
    encoding::AsDer,
    rand::SystemRandom,
    rsa,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair},
};
use axum::{Json, Router, routing::get};
use base64::{Engine, prelude::BASE64_STANDARD};
use jsonwebtoken::{Algorithm, EncodingKey, jwk::Jwk};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;

/// A key that signs tokens, and its public half.
pub struct Key {
    pub algorithm: Algorithm,
    pub private: EncodingKey,
    pub public_pem: String,
}

impl Key {
    pub fn rs256() -> Self {
        let key = rsa::KeyPair::generate(rsa::KeySize::Rsa2048).unwrap();
        let private = pem("PRIVATE KEY", key.as_der().unwrap().as_ref());
        Self {
            algorithm: Algorithm::RS256,
            private: EncodingKey::from_rsa_pem(private.as_bytes()).unwrap(),
            public_pem: pem("PUBLIC KEY", key.public_key().as_der().unwrap().as_ref()),
        }
    }

    pub fn es256() -> Self {
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &SystemRandom::new()).unwrap();
        let key = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref()).unwrap();
        let private = pem("PRIVATE KEY", document.as_ref());
        Self {
            algorithm: Algorithm::ES256,
            private: EncodingKey::from_ec_pem(private.as_bytes()).unwrap(),
            public_pem: pem("PUBLIC KEY", key.public_key().as_der().unwrap().as_ref()),
        }
    }

    pub fn eddsa() -> Self {
        let document = Ed25519KeyPair::generate_pkcs8v1(&SystemRandom::new()).unwrap();
        let key = Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap();
        let private = pem("PRIVATE KEY", document.as_ref());
        Self {
            algorithm: Algorithm::EdDSA,
            private: EncodingKey::from_ed_pem(private.as_bytes()).unwrap(),
            public_pem: pem("PUBLIC KEY", key.public_key().as_der().unwrap().as_ref()),
        }
    }

    /// The public half as a member of a key set.
    fn jwk(&self, kid: &str) -> Value {
        let mut jwk = Jwk::from_encoding_key(&self.private, self.algorithm).unwrap();
        jwk.common.key_id = Some(kid.to_owned());
        json!(jwk)
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    let lines: Vec<String> = BASE64_STANDARD
        .encode(der)
        .as_bytes()
        .chunks(64)
        .map(|line| String::from_utf8_lossy(line).into())
        .collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// Serves a key set that can change, and counts how often it is asked.
#[derive(Clone, Default)]
pub struct KeySet(Arc<Mutex<(Value, usize)>>);

impl KeySet {
    /// Begins to serve on a free port; gives the URL.
    pub async fn serve(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/keys", listener.local_addr().unwrap());
        let served = self.0.clone();
        let answer = async move || {
            let mut served = served.lock().unwrap();
            served.1 += 1;
            Json(served.0.clone())
        };
        tokio::spawn(async move { axum::serve(listener, Router::new().route("/keys", get(answer))).await });
        url
    }

    /// Replaces the keys.
    pub fn publish(&self, keys: &[(&str, &Key)]) {
        let keys: Vec<Value> = keys.iter().map(|(kid, key)| key.jwk(kid)).collect();
        self.0.lock().unwrap().0 = json!({"keys": keys});
    }

    /// How often it was fetched.
    pub fn fetches(&self) -> usize {
        self.0.lock().unwrap().1
    }
}
