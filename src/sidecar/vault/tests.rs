//! What opens, and all that does not.

use super::{ring::RingError, sealed::BadSealed, *};
use base64::{Engine, prelude::BASE64_STANDARD};
use proptest::prelude::*;

const MARIE: Label<'_> = Label {
    source: "clinic",
    tenant: "t-1",
    extension: "201",
    kind: Kind::Refresh,
    consent: 1,
    generation: 7,
};

/// A line of a key ring whose key is one byte repeated.
fn line(id: &str, byte: u8) -> String {
    format!("{id}:{}\n", BASE64_STANDARD.encode([byte; KEY_BYTES]))
}

fn ring(text: &str) -> Result<Ring, RingError> {
    Ring::parse(&text.into())
}

fn vault(keys: &[(&str, u8)]) -> Vault {
    let text: String = keys.iter().map(|(id, byte)| line(id, *byte)).collect();
    Vault::new(ring(&text).unwrap())
}

fn opened(vault: &Vault, label: &Label<'_>, sealed: &Sealed) -> Result<String, VaultError> {
    Ok(vault.open(label, sealed)?.expose_secret().to_owned())
}

#[test]
fn ciphertext_row_swap_fails() {
    let vault = vault(&[("a", 1)]);
    let sealed = vault.seal(&MARIE, &"refresh-token".into());
    assert_eq!(opened(&vault, &MARIE, &sealed).unwrap(), "refresh-token");
    let others = [
        Label { source: "telsmart", ..MARIE },
        Label { source: "clinict", tenant: "-1", ..MARIE },
        Label { source: "t-1", tenant: "clinic", ..MARIE },
        Label { tenant: "t-2", ..MARIE },
        Label { tenant: "t-120", extension: "1", ..MARIE },
        Label { tenant: "", extension: "t-1201", ..MARIE },
        Label { tenant: "201", extension: "t-1", ..MARIE },
        Label { extension: "202", ..MARIE },
        Label { kind: Kind::Access, ..MARIE },
        Label { kind: Kind::Response, ..MARIE },
        Label { consent: 2, ..MARIE },
        Label { generation: 8, ..MARIE },
        Label { generation: 6, ..MARIE },
        Label { consent: 7, generation: 1, ..MARIE },
    ];
    for other in others {
        assert_eq!(opened(&vault, &other, &sealed), Err(VaultError::Damaged), "{other:?}");
    }
}

#[test]
fn half_a_record_does_not_go_with_half_of_another() {
    let vault = vault(&[("a", 1)]);
    let (one, two) = (vault.seal(&MARIE, &"one".into()), vault.seal(&MARIE, &"two".into()));
    let (head, _) = one.as_str().rsplit_once('.').unwrap();
    let (_, payload) = two.as_str().rsplit_once('.').unwrap();
    let mixed = Sealed::try_from(format!("{head}.{payload}")).unwrap();
    assert_eq!(opened(&vault, &MARIE, &mixed), Err(VaultError::Damaged));
}

#[test]
fn the_label_is_bound_to_the_wrapped_key_too() {
    let old = vault(&[("a", 1)]);
    let sealed = old.seal(&MARIE, &"refresh-token".into());
    let both = vault(&[("b", 2), ("a", 1)]);
    let other = Label { extension: "202", ..MARIE };
    assert_eq!(both.rewrap(&other, &sealed), Err(VaultError::Damaged));
}

#[test]
fn the_label_is_bound_to_the_payload_too() {
    let vault = vault(&[("a", 1)]);
    let sealed = vault.seal(&MARIE, &"refresh-token".into());
    // Her data key, wrapped as if it were the other's: only the payload can tell.
    let other = Label { extension: "202", ..MARIE };
    let data_key = vault.unwrap(&MARIE, &sealed).unwrap();
    let swapped = sealed.rewrapped("a", &vault.ring.first().wrap(&other, data_key.expose_secret()));
    assert_eq!(opened(&vault, &other, &swapped), Err(VaultError::Damaged));
}

#[test]
fn a_record_of_an_older_key_opens_and_is_rewrapped() {
    let old = vault(&[("a", 1)]);
    let sealed = old.seal(&MARIE, &"refresh-token".into());
    let both = vault(&[("b", 2), ("a", 1)]);
    assert_eq!((both.sealing_key(), both.key_ids().collect::<Vec<_>>()), ("b", vec!["b", "a"]));
    assert_eq!(opened(&both, &MARIE, &sealed).unwrap(), "refresh-token");

    let rewrapped = both.rewrap(&MARIE, &sealed).unwrap().unwrap();
    assert_eq!(rewrapped.key_id(), "b");
    assert_eq!(both.rewrap(&MARIE, &rewrapped), Ok(None));
    let payload = |sealed: &Sealed| sealed.as_str().rsplit('.').next().unwrap().to_owned();
    assert_eq!(payload(&rewrapped), payload(&sealed), "the payload stays");

    let new = vault(&[("b", 2)]);
    assert_eq!(opened(&new, &MARIE, &rewrapped).unwrap(), "refresh-token");
    assert_eq!(opened(&old, &MARIE, &rewrapped), Err(VaultError::UnknownKey("b".into())));
}

#[test]
fn a_missing_key_is_named_with_what_to_do() {
    let sealed = vault(&[("2025-01", 1)]).seal(&MARIE, &"refresh-token".into());
    let later = vault(&[("2026-01", 2)]);
    let error = later.open(&MARIE, &sealed).unwrap_err();
    assert_eq!(later.rewrap(&MARIE, &sealed).unwrap_err(), error);
    let text = error.to_string();
    assert!(text.contains("\"2025-01\"") && text.contains("sidecar.vault_key_file"), "{text}");
}

#[test]
fn another_key_under_the_same_id_opens_nothing() {
    let sealed = vault(&[("a", 1)]).seal(&MARIE, &"refresh-token".into());
    assert_eq!(opened(&vault(&[("a", 2)]), &MARIE, &sealed), Err(VaultError::Damaged));
    // The same key under another id: the id is bound as well.
    let renamed = Sealed::try_from(sealed.as_str().replacen(".a.", ".b.", 1)).unwrap();
    assert_eq!(opened(&vault(&[("b", 1)]), &MARIE, &renamed), Err(VaultError::Damaged));
}

#[test]
fn the_same_text_is_never_sealed_the_same() {
    let vault = vault(&[("a", 1)]);
    let (one, two) = (vault.seal(&MARIE, &"x".into()), vault.seal(&MARIE, &"x".into()));
    for (one, two) in one.as_str().split('.').zip(two.as_str().split('.')).skip(2) {
        assert_ne!(one, two);
        assert_ne!(one[..32], two[..32], "the nonces");
    }
}

#[test]
fn what_is_printed_holds_neither_key_nor_record() {
    let vault = vault(&[("key-one", 1), ("key-two", 2)]);
    let sealed = vault.seal(&MARIE, &"refresh-token".into());
    assert_eq!(format!("{vault:?}"), r#"Vault { ring: Ring(["key-one", "key-two"]) }"#);
    assert_eq!(format!("{sealed:?}"), format!("Sealed(v2.key-one, {} characters)", sealed.as_str().len()));
}

#[test]
fn a_sealed_record_is_a_json_text_of_a_checked_form() {
    let sealed = vault(&[("a", 1)]).seal(&MARIE, &"".into());
    let json = serde_json::to_string(&sealed).unwrap();
    assert_eq!(json, format!("\"{}\"", sealed.as_str()));
    assert_eq!(serde_json::from_str::<Sealed>(&json).unwrap(), sealed);
    let text = sealed.as_str();
    let bad = [
        String::new(),
        "refresh-token".into(),
        text.replacen("v2", "v1", 1),
        text.replacen(".a.", "..", 1),
        text.replacen(".a.", ".a b.", 1),
        text.replacen(".a.", &format!(".{}.", "a".repeat(MAX_KEY_ID + 1)), 1),
        text[..text.len() - 1].into(),
        format!("{text}."),
        format!("{text}="),
        format!("{text}\n"),
        format!(" {text}"),
        text.rsplit_once('.').unwrap().0.into(),
    ];
    for bad in bad {
        let error = serde_json::from_value::<Sealed>(bad.clone().into()).unwrap_err().to_string();
        assert_eq!(error, BadSealed.to_string(), "{bad:?}");
    }
}

#[test]
fn a_ring_has_comments_and_blank_lines() {
    let text = format!("# the keys\r\n\r\n  {}  # no comment\n", line("b", 2).trim());
    let error = ring(&text).unwrap_err();
    assert_eq!(error, RingError::NotBase64 { line: 3, id: "b".into() }, "a comment has its own line");
    let text = format!("# the keys\r\n\r\n  {}\r\n\t# older\n{}", line("b", 2).trim(), line("a", 1));
    assert_eq!(ring(&text).unwrap().ids().collect::<Vec<_>>(), ["b", "a"]);
}

#[test]
fn a_bad_ring_names_the_line_and_never_a_key() {
    let key = BASE64_STANDARD.encode([0xA7; KEY_BYTES]);
    let (bare, url) = (key.trim_end_matches('='), key.replace(['+', '/'], "_"));
    let hex = "a7".repeat(KEY_BYTES);
    let bad = |line| RingError::BadId { line };
    let cases = [
        ("".into(), RingError::Empty),
        ("# only this".into(), RingError::Empty),
        (key.clone(), RingError::NoColon { line: 1 }),
        (format!(":{key}"), bad(1)),
        (format!("a.b:{key}"), bad(1)),
        (format!("é:{key}"), bad(1)),
        (format!("{}:{key}", "x".repeat(MAX_KEY_ID + 1)), bad(1)),
        (format!("\n{key}:a"), bad(2)),
        (format!("{}:a", url.trim_end_matches('=')), bad(1)),
        (format!("{hex}:a"), bad(1)),
        (format!("a:{key}\na:{key}"), RingError::Twice { line: 2, id: "a".into() }),
        (format!("a:{bare}"), RingError::NotBase64 { line: 1, id: "a".into() }),
        (format!("a:{bare}*"), RingError::NotBase64 { line: 1, id: "a".into() }),
        (format!("a:{key}{key}"), RingError::NotBase64 { line: 1, id: "a".into() }),
        (format!("a:{hex}"), RingError::WrongLength { line: 1, id: "a".into(), bytes: 48 }),
        ("a:".into(), RingError::WrongLength { line: 1, id: "a".into(), bytes: 0 }),
    ];
    for (text, expected) in cases {
        let error = ring(&text).unwrap_err();
        assert_eq!(error, expected, "{text:?}");
        let said = format!("{error} {error:?}");
        assert!(!said.contains(&key[..8]) && !said.contains(&hex[..8]), "{said}");
    }
    assert!(ring(&format!("{}:{key}", "x".repeat(MAX_KEY_ID))).is_ok());
}

/// Labels of few values, so that two are often close.
fn some_label() -> impl Strategy<Value = ([String; 3], Kind, u64, u64)> {
    let kind = prop_oneof![Just(Kind::Access), Just(Kind::Refresh), Just(Kind::Response)];
    let texts = ["[ab]{0,3}", "[ab]{0,3}", "[ab]{0,3}"];
    (texts, kind, 0..3_u64, 0..3_u64)
}

fn label(
    ([source, tenant, extension], kind, consent, generation): &([String; 3], Kind, u64, u64),
) -> Label<'_> {
    Label { source, tenant, extension, kind: *kind, consent: *consent, generation: *generation }
}

proptest! {
    #[test]
    fn whatever_is_sealed_opens_under_its_label_only(
        text in any::<String>(),
        its in some_label(),
        other in some_label(),
    ) {
        let vault = vault(&[("a", 1)]);
        let sealed = vault.seal(&label(&its), &text.as_str().into());
        prop_assert_eq!(Sealed::try_from(sealed.as_str().to_owned()), Ok(sealed.clone()));
        prop_assert_eq!(opened(&vault, &label(&its), &sealed), Ok(text.clone()));
        if its != other {
            prop_assert_eq!(opened(&vault, &label(&other), &sealed), Err(VaultError::Damaged));
        }
    }

    #[test]
    fn a_record_with_any_byte_changed_does_not_open(
        text in "[ -~]{0,40}",
        at in any::<prop::sample::Index>(),
        to in prop_oneof![32..127_u8, prop::sample::select(b"AZaz09_-.".to_vec())],
    ) {
        let vault = vault(&[("key", 1), ("kez", 1)]);
        let sealed = vault.seal(&MARIE, &text.as_str().into());
        let mut bytes = sealed.as_str().as_bytes().to_vec();
        let at = at.index(bytes.len());
        prop_assume!(bytes[at] != to);
        bytes[at] = to;
        if let Ok(changed) = Sealed::try_from(String::from_utf8(bytes).unwrap()) {
            prop_assert!(vault.open(&MARIE, &changed).is_err(), "byte {} of {:?}", at, changed.as_str());
        }
    }
}
