//! Tokens signed by keys: the algorithm follows from the configuration, never from the token.

use crate::support::{
    Client, Config, Gateway, PATIENCE, Token, eventually_within,
    keys::{Key, KeySet},
    new_tenant,
    token::SECRET,
};
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

fn token() -> Token {
    Token::agent(&new_tenant(), &["200"])
}

fn with_public_key(pem: &str) -> Config {
    let config = Config::new().without("auth.hs256_secret");
    let file = config.file("public.pem", pem);
    config.set("auth.public_key_file", file)
}

async fn a_public_key_verifies(key: Key, other: Key) {
    let gateway = with_public_key(&key.public_pem).start().await;
    let good = token().mint_as(key.algorithm, None, &key.private);
    gateway.stream_by(&good).open().await.assert_open().await;
    let of_another_key = token().mint_as(other.algorithm, None, &other.private);
    let secret_is_the_public_key = EncodingKey::from_secret(key.public_pem.as_bytes());
    let refused = [
        ("another key", of_another_key),
        ("the public key as secret", token().mint_as(Algorithm::HS256, None, &secret_is_the_public_key)),
        ("a secret", token().secret(SECRET).mint()),
        ("no signature", token().mint_unsigned()),
        ("expired", token().expiring_in(-100).mint_as(key.algorithm, None, &key.private)),
    ];
    for (what, token) in refused {
        assert_eq!(gateway.stream_by(&token).refused().await, 4401, "{what}");
    }
}

#[tokio::test]
async fn rs256_by_a_public_key() {
    a_public_key_verifies(Key::rs256(), Key::rs256()).await;
}

#[tokio::test]
async fn a_public_key_may_begin_with_a_byte_order_mark() {
    let key = Key::es256();
    let marked = format!("\u{feff}{}", key.public_pem.replace('\n', "\r\n"));
    let gateway = with_public_key(&marked).start().await;
    let good = token().mint_as(key.algorithm, None, &key.private);
    gateway.stream_by(&good).open().await.assert_open().await;
}

#[tokio::test]
async fn es256_by_a_public_key() {
    a_public_key_verifies(Key::es256(), Key::es256()).await;
}

#[tokio::test]
async fn eddsa_by_a_public_key() {
    a_public_key_verifies(Key::eddsa(), Key::eddsa()).await;
}

#[tokio::test]
async fn a_key_set_by_url_verifies_every_algorithm_and_is_cached() {
    let keys = [("rsa", Key::rs256()), ("ec", Key::es256()), ("ed", Key::eddsa())];
    let set = KeySet::default();
    set.publish(&keys.each_ref().map(|(kid, key)| (*kid, key)));
    let config = Config::new().without("auth.hs256_secret").set("auth.jwks_url", set.serve().await);
    let gateway = config.start().await;
    for _ in 0..5 {
        for (kid, key) in &keys {
            let token = token().mint_as(key.algorithm, Some(kid), &key.private);
            gateway.stream_by(&token).open().await.assert_open().await;
        }
    }
    assert!(set.fetches() <= 2, "fetched {} times", set.fetches());
    let [(_, rsa), (_, ec), _] = &keys;
    let swapped = token().mint_as(ec.algorithm, Some("rsa"), &ec.private);
    assert_eq!(gateway.stream_by(&swapped).refused().await, 4401, "a key under another's name");
    let none = token().mint_unsigned();
    assert_eq!(gateway.stream_by(&none).refused().await, 4401);
    let hmac =
        token().mint_as(Algorithm::HS256, Some("rsa"), &EncodingKey::from_secret(rsa.public_pem.as_bytes()));
    assert_eq!(gateway.stream_by(&hmac).refused().await, 4401);
}

/// A gateway that fetches these keys.
async fn with_published(keys: &[(&str, &Key)]) -> (KeySet, Gateway) {
    let set = KeySet::default();
    set.publish(keys);
    let config = Config::new().without("auth.hs256_secret").set("auth.jwks_url", set.serve().await);
    (set, config.start().await)
}

/// A token that is signed by a key, and names it so.
fn by(kid: &str, key: &Key) -> String {
    token().mint_as(key.algorithm, Some(kid), &key.private)
}

#[tokio::test]
async fn a_key_set_may_rotate() {
    let (old, new) = (Key::es256(), Key::es256());
    let (set, gateway) = with_published(&[("2025", &old)]).await;
    gateway.stream_by(&by("2025", &old)).open().await.assert_open().await;
    set.publish(&[("2025", &old), ("2026", &new)]);
    // Keys are not fetched again at once, lest made-up names of keys make work.
    let new_token = by("2026", &new);
    eventually_within(PATIENCE * 2, "the new key to be known", async || {
        gateway.stream_by(&new_token).is_let_in().await.then_some(())
    })
    .await;
    gateway.stream_by(&by("2025", &old)).open().await.assert_open().await;

    let before = set.fetches();
    let made_up: Vec<_> = (0..20).map(|number| by(&format!("made-up-{number}"), &new)).collect();
    for unknown in &made_up {
        let code = gateway.stream_by(unknown).refused().await;
        assert!([4401, 4500].contains(&code), "{code}");
    }
    assert!(set.fetches() <= before + 2, "unknown keys made {} fetches", set.fetches() - before);
    // Once the keys were fetched since they were named, it is known that nobody has them.
    eventually_within(PATIENCE * 2, "the made-up keys to be known as such", async || {
        (gateway.stream_by(&made_up[0]).refused().await == 4401).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_token_of_a_key_that_was_just_published_is_not_told_to_stop() {
    let (old, new) = (Key::es256(), Key::es256());
    let (set, gateway) = with_published(&[("2025", &old)]).await;
    // What somebody makes up has the keys fetched just before they are rotated, and so not again for a while.
    let made_up = by("made-up", &new);
    eventually_within(PATIENCE * 2, "the made-up key to be known as such", async || {
        (gateway.stream_by(&made_up).refused().await == 4401).then_some(())
    })
    .await;
    set.publish(&[("2026", &new)]);
    let fresh = gateway.stream_by(&by("2026", &new));
    let mut codes = std::collections::BTreeSet::new();
    eventually_within(PATIENCE * 2, "the new key to be known", async || {
        match Client::try_begin(fresh.clone()).await {
            Ok(_) => Some(()),
            Err(code) => {
                codes.insert(code);
                None
            }
        }
    })
    .await;
    assert!(!codes.contains(&Some(4401)), "{codes:?}");
}

#[tokio::test]
async fn keys_that_cannot_be_fetched_are_not_the_tokens_fault() {
    let (key, set) = (Key::es256(), KeySet::default());
    let config = Config::new().without("auth.hs256_secret").set("auth.jwks_url", set.serve().await);
    let gateway = config.start().await;
    let stream = gateway.stream_by(&token().mint_as(key.algorithm, Some("key"), &key.private));
    let code = stream.clone().refused().await;
    assert!([4500, 4504].contains(&code), "{code} tells the client to stop for good");
    let status = stream.clone().with_header().refused_plainly().await.status();
    assert_eq!(status, 503, "never a 4xx for our own trouble");
    let answer: Value = gateway.operator("/readyz").await.json().await.unwrap();
    assert_eq!(answer["reasons"], json!(["the keys at auth.jwks_url were never fetched"]));
    set.publish(&[("key", &key)]);
    eventually_within(PATIENCE * 2, "the keys", async || stream.is_let_in().await.then_some(())).await;
    assert_eq!(gateway.operator("/readyz").await.status(), 200);
    // Keys that were fetched once are good, whatever becomes of the page.
    set.publish(&[]);
    assert_eq!(gateway.operator("/readyz").await.status(), 200);
}
