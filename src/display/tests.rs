//! What a pairing gives to whom, and what may be wished.

use super::*;
use crate::id::TenantId;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use std::collections::HashSet;

fn tenant() -> TenantId {
    "klant één/7".try_into().unwrap()
}

#[test]
fn a_poll_gives_the_same_code_and_secret_wherever_it_is_shown() {
    let (poll, pairing) = Poll::begin(1);
    let text = poll.text();
    let elsewhere = Poll::parse(text.expose_secret()).unwrap();
    assert_eq!(poll.code(), elsewhere.code());
    let stored: Pairing = serde_json::from_str(&serde_json::to_string(&pairing).unwrap()).unwrap();
    let secret = elsewhere.secret(&stored, &tenant()).unwrap();
    assert_eq!(
        secret.text().expose_secret(),
        poll.secret(&pairing, &tenant()).unwrap().text().expose_secret()
    );
    let shown = Secret::parse(secret.text().expose_secret()).unwrap();
    assert_eq!((&shown.tenant, shown.proof()), (&tenant(), pairing.proof));
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    assert!(secret.text().expose_secret().bytes().all(is_token));
}

#[test]
fn another_poll_gets_nothing_of_a_pairing() {
    let ((_, pairing), (other, _)) = (Poll::begin(1), Poll::begin(1));
    assert!(!other.is_of(&pairing) && other.secret(&pairing, &tenant()).is_none());
}

#[test]
fn what_is_stored_has_neither_the_poll_nor_the_secret_nor_the_code() {
    let (poll, pairing) = Poll::begin(1);
    let secret = poll.secret(&pairing, &tenant()).unwrap();
    let display = Display::new(pairing.proof, Wish::default(), 2);
    let stored = serde_json::to_string(&(&pairing, &display)).unwrap();
    for hidden in [poll.text().expose_secret(), &secret.text().expose_secret()[..42], poll.code().as_str()] {
        assert!(!stored.contains(hidden), "{hidden} in {stored}");
    }
}

#[test]
fn codes_are_read_as_people_enter_them() {
    let codes: HashSet<_> = (0..200).map(|_| Poll::begin(1).0.code()).collect();
    assert_eq!(codes.len(), 200);
    for code in codes {
        let text = code.as_str();
        assert!(text.len() == 8 && text.bytes().all(|letter| !b"01258OQILZSBUV".contains(&letter)), "{text}");
        let (front, back) = text.split_at(4);
        for typed in [text.to_lowercase(), format!(" {front}-{back}"), format!("{front} {back}\n")] {
            assert_eq!(Code::parse(&typed).as_ref(), Some(&code), "{typed:?}");
        }
    }
    for bad in ["", "AAAACCC", "AAAACCCCD", "AAAACCC0", "AAAACCC\u{e9}", &"A ".repeat(8).repeat(9)] {
        assert_eq!(Code::parse(bad), None, "{bad:?}");
    }
}

#[test]
fn what_is_no_secret_is_none() {
    let (poll, pairing) = Poll::begin(1);
    let text = poll.secret(&pairing, &tenant()).unwrap().text();
    let text = text.expose_secret();
    for bad in ["", "a", &text[..40], &format!("{text}="), &"A".repeat(300), "eyJhbGciOiJIUzI1NiJ9.e30.AAAA"]
    {
        assert!(Secret::parse(bad).is_none(), "{bad}");
    }
    assert!(Poll::parse(text).is_none());
}

#[test]
fn a_display_is_gone_when_it_was_not_used_for_so_long() {
    let (_, pairing) = Poll::begin(1);
    let mut display = Display::new(pairing.proof, Wish::default(), 5_000_000);
    let unused = Duration::from_secs(10);
    assert!(!display.is_unused(14_999_999, unused) && display.is_unused(15_000_000, unused));
    display.last_seen_at = Some(9_000_000);
    assert!(!display.is_unused(18_999_999, unused) && display.is_unused(19_000_000, unused));
    // A clock that went back makes nothing old.
    assert!(!display.is_unused(1, unused));
}

fn wish(value: Value) -> Result<Wish, BadWish> {
    Wish::take(&mut value.as_object().unwrap().clone())
}

#[test]
fn a_wish_is_taken_within_its_bounds() {
    assert_eq!(wish(json!({})), Ok(Wish::default()));
    assert_eq!(wish(json!({"name": null, "groups": null, "language": null})), Ok(Wish::default()));
    let given = json!({"name": " Hal ", "groups": ["sales", " sales", "nord"], "language": "nl"});
    let groups = vec!["sales".to_owned(), "nord".to_owned()];
    assert_eq!(wish(given), Ok(Wish { name: Some("Hal".into()), groups, language: Language::Nl }));
    let many: Vec<String> = (0..33).map(|nth| format!("g{nth}")).collect();
    for (field, bad) in [
        ("name", json!(7)),
        ("name", json!("é".repeat(201))),
        ("name", json!("a\nb")),
        ("groups", json!("sales")),
        ("groups", json!([7])),
        ("groups", json!([""])),
        ("groups", json!(["a;b"])),
        ("groups", json!(["g".repeat(65)])),
        ("groups", json!(many)),
        ("language", json!("de")),
        ("language", json!("EN")),
        ("language", json!(["en"])),
    ] {
        assert_eq!(wish(json!({field: bad})).unwrap_err().field, field, "{bad}");
    }
}
