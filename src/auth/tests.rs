//! Tokens of every kind against every kind of key.

use super::*;
use crate::metrics::Metrics;
use config::Auth;
use jsonwebtoken::errors::ErrorKind;
use serde_json::{Value, json};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

pub(super) fn key_file(name: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/keys/");
    std::fs::read_to_string(format!("{folder}{name}.pem")).unwrap()
}

/// The private key that goes with an algorithm.
pub(super) fn signing_key(algorithm: Algorithm) -> EncodingKey {
    match algorithm {
        Algorithm::ES256 => EncodingKey::from_ec_pem(key_file("ec").as_bytes()).unwrap(),
        Algorithm::EdDSA => EncodingKey::from_ed_pem(key_file("ed").as_bytes()).unwrap(),
        Algorithm::HS256 => EncodingKey::from_secret(SECRET.as_bytes()),
        _ => EncodingKey::from_rsa_pem(key_file("rsa").as_bytes()).unwrap(),
    }
}

pub(super) fn auth(key: AuthKey) -> Auth {
    Auth { key, audience: None, issuer: None, allowed_origins: Vec::new() }
}

fn tasks() -> Tasks {
    Tasks::new(&Metrics::default())
}

fn hs256() -> Verifier {
    Verifier::new(&auth(AuthKey::Hs256(SECRET.into())), &tasks()).unwrap()
}

fn pem(name: &str) -> Verifier {
    Verifier::new(&auth(AuthKey::PublicKey(key_file(name))), &tasks()).unwrap()
}

/// Claims that are accepted, with some of them replaced; null takes one away.
pub(super) fn claims(changes: Value) -> Value {
    let mut claims = json!({
        "sub": "john", "tenant_id": "acme", "extensions": ["200", "210", "200"],
        "role": "supervisor", "exp": now() + 60,
    });
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => claims.as_object_mut().unwrap().remove(name),
            value => claims.as_object_mut().unwrap().insert(name.clone(), value.clone()),
        };
    }
    claims
}

pub(super) fn signed(algorithm: Algorithm, claims: &Value) -> String {
    jsonwebtoken::encode(&Header::new(algorithm), claims, &signing_key(algorithm)).unwrap()
}

/// A text in unpadded base64url, as the parts of a token are.
fn base64(text: &str) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let digits = text.as_bytes().chunks(3).flat_map(|chunk| {
        let bits =
            chunk.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        (0..=chunk.len()).map(move |digit| DIGITS[(bits >> (18 - 6 * digit)) as usize & 63] as char)
    });
    digits.collect()
}

async fn verdict(changes: Value) -> Result<Identity, TokenRefusal> {
    hs256().verify(&signed(Algorithm::HS256, &claims(changes))).await
}

#[tokio::test]
async fn a_token_says_who_its_bearer_is() {
    let claims = claims(json!({}));
    let identity = hs256().verify(&signed(Algorithm::HS256, &claims)).await.unwrap();
    assert_eq!(identity.tenant.as_str(), "acme");
    assert_eq!(&*identity.sub, "john");
    let extensions: Vec<_> = identity.extensions.iter().map(Extension::as_str).collect();
    assert_eq!(extensions, ["200", "210"]);
    assert_eq!(identity.role, Role::Supervisor);
    assert_eq!(identity.expires_at, claims["exp"].as_u64().unwrap());
}

#[tokio::test]
async fn every_kind_of_key_accepts_its_own_algorithm_and_no_other() {
    let kinds = [("rsa.pub", Algorithm::RS256), ("ec.pub", Algorithm::ES256), ("ed.pub", Algorithm::EdDSA)];
    let tokens = [
        Algorithm::RS256,
        Algorithm::ES256,
        Algorithm::EdDSA,
        Algorithm::HS256,
        Algorithm::RS512,
        Algorithm::PS256,
    ];
    for (name, own) in kinds {
        let verifier = pem(name);
        for algorithm in tokens {
            let found = verifier.verify(&signed(algorithm, &claims(json!({})))).await;
            let expected = if algorithm == own { Ok(()) } else { Err(TokenRefusal::Algorithm) };
            assert_eq!(found.map(drop), expected, "{algorithm:?} for {name}");
        }
    }
}

#[tokio::test]
async fn a_public_key_is_no_secret() {
    for name in ["rsa.pub", "ec.pub", "ed.pub"] {
        let key = EncodingKey::from_secret(key_file(name).as_bytes());
        let forged = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims(json!({})), &key).unwrap();
        assert_eq!(pem(name).verify(&forged).await, Err(TokenRefusal::Algorithm));
    }
}

#[tokio::test]
async fn without_a_signature_nothing_is_accepted() {
    let token = signed(Algorithm::HS256, &claims(json!({})));
    let (_, rest) = token.split_once('.').unwrap();
    let (payload, signature) = rest.split_once('.').unwrap();
    for header in [r#"{"alg":"none"}"#, r#"{"alg":"None"}"#, r#"{"typ":"JWT"}"#, "{}", "[]", "x"] {
        for signature in ["", signature] {
            let forged = format!("{}.{payload}.{signature}", base64(header));
            assert_eq!(hs256().verify(&forged).await, Err(TokenRefusal::Malformed), "{header}");
        }
    }
    let stripped = token.rsplit_once('.').unwrap().0;
    assert_eq!(hs256().verify(&format!("{stripped}.")).await, Err(TokenRefusal::Signature));
    assert_eq!(hs256().verify(stripped).await, Err(TokenRefusal::Malformed));
}

#[tokio::test]
async fn a_changed_token_is_refused() {
    let token = signed(Algorithm::HS256, &claims(json!({})));
    let parts: Vec<_> = token.split('.').collect();
    let other = base64(&claims(json!({"tenant_id": "other"})).to_string());
    let forged = format!("{}.{other}.{}", parts[0], parts[2]);
    assert_eq!(hs256().verify(&forged).await, Err(TokenRefusal::Signature));
    for bad in ["", ".", "..", "a.b.c", "é.é.é", &format!("{token}."), &"x".repeat(MAX_TOKEN_BYTES + 1)] {
        assert_eq!(hs256().verify(bad).await, Err(TokenRefusal::Malformed), "{bad:.20}");
    }
}

#[tokio::test]
async fn a_header_that_must_be_understood_is_not() {
    let mut header = Header::new(Algorithm::HS256);
    header.crit = Some(vec!["b64".to_owned()]);
    let token = jsonwebtoken::encode(&header, &claims(json!({})), &signing_key(Algorithm::HS256)).unwrap();
    assert_eq!(hs256().verify(&token).await, Err(TokenRefusal::Malformed));
}

#[tokio::test]
async fn a_token_ends_and_begins_on_time() {
    let at = |changes: Value, now: u64| {
        let claims: Claims = serde_json::from_value(claims(changes)).unwrap();
        hs256().accept(claims, now).map(drop)
    };
    assert_eq!(at(json!({"exp": 1000}), 999), Ok(()));
    assert_eq!(at(json!({"exp": 1000}), 1000), Err(TokenRefusal::Expired));
    assert_eq!(at(json!({"exp": 1000.5}), 999), Ok(()));
    assert_eq!(at(json!({"exp": 1000, "nbf": 905}), 900), Ok(()));
    assert_eq!(at(json!({"exp": 1000, "nbf": 906}), 900), Err(TokenRefusal::NotYet));
    assert_eq!(verdict(json!({"exp": now() - 1})).await, Err(TokenRefusal::Expired));
    assert_eq!(verdict(json!({"exp": null})).await, Err(TokenRefusal::Missing("exp")));
    assert_eq!(verdict(json!({"nbf": now() + 60})).await, Err(TokenRefusal::NotYet));
    for exp in [json!("9999999999"), json!(-1), json!(true), json!(1e300), json!(u64::MAX)] {
        assert_eq!(verdict(json!({"exp": exp})).await, Err(TokenRefusal::BadClaim("exp")), "{exp}");
    }
    assert_eq!(verdict(json!({"nbf": "soon"})).await, Err(TokenRefusal::BadClaim("nbf")));
}

#[tokio::test]
async fn audience_and_issuer_count_when_they_are_configured() {
    let mut auth = auth(AuthKey::Hs256(SECRET.into()));
    (auth.audience, auth.issuer) = (Some("callpop".to_owned()), Some("https://id".to_owned()));
    let strict = Verifier::new(&auth, &tasks()).unwrap();
    for (changes, expected) in [
        (json!({"aud": "callpop", "iss": "https://id"}), Ok(())),
        (json!({"aud": ["x", "callpop"], "iss": "https://id"}), Ok(())),
        (json!({"aud": "other", "iss": "https://id"}), Err(TokenRefusal::Audience)),
        (json!({"aud": [], "iss": "https://id"}), Err(TokenRefusal::Audience)),
        (json!({"iss": "https://id"}), Err(TokenRefusal::Missing("aud"))),
        (json!({"aud": 1, "iss": "https://id"}), Err(TokenRefusal::BadClaim("aud"))),
        (json!({"aud": "callpop", "iss": "https://evil"}), Err(TokenRefusal::Issuer)),
        (json!({"aud": "callpop"}), Err(TokenRefusal::Missing("iss"))),
        (json!({"aud": "callpop", "iss": ["https://id"]}), Err(TokenRefusal::BadClaim("iss"))),
    ] {
        let token = signed(Algorithm::HS256, &claims(changes.clone()));
        assert_eq!(strict.verify(&token).await.map(drop), expected, "{changes}");
        assert!(hs256().verify(&token).await.is_ok(), "not configured, so not looked at: {changes}");
    }
}

#[tokio::test]
async fn wrong_claims_are_named() {
    let many: Vec<String> = (0..=MAX_EXTENSIONS).map(|n| n.to_string()).collect();
    for (changes, expected) in [
        (json!({"sub": null}), TokenRefusal::Missing("sub")),
        (json!({"sub": 7}), TokenRefusal::BadClaim("sub")),
        (json!({"sub": ""}), TokenRefusal::BadClaim("sub")),
        (json!({"sub": "x".repeat(257)}), TokenRefusal::BadClaim("sub")),
        (json!({"tenant_id": null}), TokenRefusal::Missing("tenant_id")),
        (json!({"tenant_id": ["acme"]}), TokenRefusal::BadClaim("tenant_id")),
        (json!({"tenant_id": ""}), TokenRefusal::BadClaim("tenant_id")),
        (json!({"extensions": "200"}), TokenRefusal::BadClaim("extensions")),
        (json!({"extensions": [200]}), TokenRefusal::BadClaim("extensions")),
        (json!({"extensions": [""]}), TokenRefusal::BadClaim("extensions")),
        (json!({"extensions": many}), TokenRefusal::BadClaim("extensions")),
        (json!({"groups": "sales"}), TokenRefusal::BadClaim("groups")),
        (json!({"groups": {"sales": true}}), TokenRefusal::BadClaim("groups")),
        (json!({"groups": [7]}), TokenRefusal::BadClaim("groups")),
        (json!({"groups": [null]}), TokenRefusal::BadClaim("groups")),
        (json!({"groups": [" "]}), TokenRefusal::BadClaim("groups")),
        (json!({"groups": ["a;b"]}), TokenRefusal::BadClaim("groups")),
        (json!({"groups": ["a\nb"]}), TokenRefusal::BadClaim("groups")),
        (json!({"groups": ["é".repeat(65)]}), TokenRefusal::BadClaim("groups")),
        (json!({"groups": ["a".repeat(65)], "role": "agent"}), TokenRefusal::BadClaim("groups")),
        (json!({"groups": many}), TokenRefusal::BadClaim("groups")),
        (json!({"role": "admin"}), TokenRefusal::BadClaim("role")),
        (json!({"role": "Supervisor"}), TokenRefusal::BadClaim("role")),
        (json!({"role": ["agent"]}), TokenRefusal::BadClaim("role")),
    ] {
        assert_eq!(verdict(changes.clone()).await, Err(expected), "{changes}");
    }
    let least = verdict(json!({"role": null, "extensions": null})).await.unwrap();
    assert_eq!((least.role, least.extensions.len()), (Role::Agent, 0));
}

#[tokio::test]
async fn groups_are_those_of_a_supervisor() {
    let groups = async |changes: Value| {
        let groups = verdict(changes).await.unwrap().groups?;
        Some(groups.iter().map(|group| group.to_string()).collect::<Vec<_>>())
    };
    assert_eq!(groups(json!({})).await, None);
    let null = json!({"sub": "a", "tenant_id": "t", "role": "supervisor", "exp": 2, "groups": null});
    let null: Claims = serde_json::from_value(null).unwrap();
    assert_eq!(hs256().accept(null, 1).unwrap().groups, None);
    assert_eq!(groups(json!({"groups": []})).await, Some(Vec::new()));
    let longest = "é".repeat(64);
    let named = groups(json!({"groups": ["sales", " front desk ", "sales", longest]})).await;
    assert_eq!(named.unwrap(), ["front desk", "sales", &longest]);
    for role in ["agent", "service"] {
        assert_eq!(groups(json!({"groups": ["sales"], "role": role})).await, None, "{role}");
    }
    assert_eq!(groups(json!({"groups": ["sales"], "role": null})).await, None);
}

#[test]
fn a_key_that_cannot_be_used_is_refused_at_once() {
    let refused =
        |pem: &str| Verifier::new(&auth(AuthKey::PublicKey(pem.to_owned())), &tasks()).err().unwrap();
    for name in ["rsa", "ec", "ed"] {
        assert!(matches!(refused(&key_file(name)), AuthError::PrivateKey), "{name}");
    }
    for name in ["rsa-1024.pub", "ec-p384.pub"] {
        assert!(matches!(refused(&key_file(name)), AuthError::PublicKey), "{name}");
    }
    let cut: String = key_file("ec.pub").chars().take(60).collect();
    for pem in ["", "-----BEGIN PUBLIC KEY-----", &cut, "-----BEGIN CERTIFICATE-----"] {
        assert!(matches!(refused(pem), AuthError::PublicKey), "{pem}");
    }
    assert!(check(&auth(AuthKey::PublicKey(key_file("ed.pub")))).is_ok());
    let url = AuthKey::JwksUrl("https://id.example".to_owned());
    assert!(matches!(Verifier::new(&auth(url), &tasks()), Err(AuthError::NoRuntime)));
}

#[tokio::test]
async fn a_minted_token_holds_what_was_granted() {
    let secret = SecretString::from(SECRET);
    let grant = Grant {
        tenant: TenantId::try_from("acme").unwrap(),
        sub: "dev".to_owned(),
        extensions: vec![Extension::try_from("200").unwrap()],
        role: Role::Service,
        groups: None,
        ttl: Duration::from_secs(60),
        audience: None,
        issuer: None,
    };
    let token = mint(&secret, &grant).unwrap();
    let identity = hs256().verify(&token).await.unwrap();
    assert_eq!((identity.role, &*identity.sub), (Role::Service, "dev"));
    assert!((1..=60).contains(&(identity.expires_at - now())));
    let wrong = Verifier::new(&auth(AuthKey::Hs256("another secret".into())), &tasks()).unwrap();
    assert_eq!(wrong.verify(&token).await, Err(TokenRefusal::Signature));
}

#[test]
fn refusals_fit_into_a_close_frame() {
    for refusal in [
        TokenRefusal::Malformed,
        TokenRefusal::Algorithm,
        TokenRefusal::Signature,
        TokenRefusal::UnknownKey,
        TokenRefusal::KeysUnavailable,
        TokenRefusal::Expired,
        TokenRefusal::NotYet,
        TokenRefusal::Audience,
        TokenRefusal::Issuer,
        TokenRefusal::Missing("tenant_id"),
        TokenRefusal::BadClaim("extensions"),
    ] {
        assert!(refusal.to_string().len() <= 120, "{refusal}");
        assert_eq!(refusal.is_transient(), refusal == TokenRefusal::KeysUnavailable);
    }
}

#[test]
fn a_wrong_key_is_not_taken_for_a_wrong_token() {
    // The library says so by this kind; `Key::open` counts on it.
    let key = jsonwebtoken::DecodingKey::from_secret(b"x");
    let found = jsonwebtoken::crypto::verify("", b"", &key, Algorithm::RS256);
    assert!(matches!(found.unwrap_err().kind(), ErrorKind::InvalidKeyFormat));
}
