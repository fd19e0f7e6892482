//! The phonebook of Telsmart's REST API, for those with a valid access token. Nobody in it exists.

use super::Telsmart;
use crate::http::get_only;
use axum::{
    Json, Router,
    extract::{Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Instant,
};

/// How often the phonebook was asked.
#[derive(Default)]
pub(crate) struct Asked {
    pub(crate) answered: AtomicU64,
    pub(crate) unauthorized: AtomicU64,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
struct Contact {
    name: &'static str,
    numbers: &'static [&'static str],
}

const CONTACTS: [Contact; 6] = [
    Contact { name: "Sophie Lambert", numbers: &["+3228992675"] },
    Contact { name: "Marie Peeters", numbers: &["+32470112233", "+3225550142"] },
    Contact { name: "Luc Janssens", numbers: &["+3235550117"] },
    Contact { name: "Garage Vandevelde", numbers: &["+3292550163", "+32475550164"] },
    Contact { name: "John Doe", numbers: &["200"] },
    Contact { name: "Jane Doe", numbers: &["210"] },
];

#[derive(Deserialize)]
struct Wanted {
    number: Option<String>,
}

/// `/api/v1/contacts`.
pub(crate) fn routes() -> Router<Telsmart> {
    Router::new().route("/api/v1/contacts", get_only(contacts))
}

/// The contacts with a number, or all.
async fn contacts(
    State(telsmart): State<Telsmart>,
    Query(Wanted { number }): Query<Wanted>,
    headers: HeaderMap,
) -> Response {
    let asked = &telsmart.0.asked;
    let token = bearer(&headers);
    let is_valid =
        token.is_some_and(|token| telsmart.0.tokens.lock().owner_of(token, Instant::now()).is_some());
    if !is_valid {
        asked.unauthorized.fetch_add(1, Relaxed);
        return unauthorized(token.is_some());
    }
    asked.answered.fetch_add(1, Relaxed);
    let wanted = number.as_deref().map(normal);
    let found = CONTACTS.iter().filter(|contact| wanted.as_ref().is_none_or(|wanted| contact.has(wanted)));
    ([(header::CACHE_CONTROL, "no-store")], Json(found.collect::<Vec<_>>())).into_response()
}

impl Contact {
    fn has(&self, number: &str) -> bool {
        self.numbers.contains(&number)
    }
}

/// As the phonebook has it. An unescaped `+` of a query arrives as a space.
fn normal(number: &str) -> String {
    let plus = if number.starts_with([' ', '+']) { "+" } else { "" };
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    match digits.strip_prefix("00") {
        Some(international) if plus.is_empty() => format!("+{international}"),
        _ => format!("{plus}{digits}"),
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

/// RFC 6750, section 3: an error code only where there was a token.
fn unauthorized(had_token: bool) -> Response {
    let challenge = match had_token {
        true => {
            "Bearer realm=\"telsmart\", error=\"invalid_token\", error_description=\"expired, revoked or unknown\""
        }
        false => "Bearer realm=\"telsmart\"",
    };
    let headers = [(header::WWW_AUTHENTICATE, challenge), (header::CACHE_CONTROL, "no-store")];
    (StatusCode::UNAUTHORIZED, headers).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_found_however_it_is_written() {
        for written in ["+3228992675", " 3228992675", "003228992675", "+32 2 899 26 75", "+32-2/899.26.75"] {
            let found: Vec<_> = CONTACTS.iter().filter(|contact| contact.has(&normal(written))).collect();
            assert_eq!(
                found.iter().map(|contact| contact.name).collect::<Vec<_>>(),
                ["Sophie Lambert"],
                "{written}"
            );
        }
        assert_eq!((normal("210").as_str(), normal("3228992675").as_str()), ("210", "3228992675"));
    }

    #[test]
    fn no_number_is_of_two_contacts() {
        let mut numbers: Vec<_> = CONTACTS.iter().flat_map(|contact| contact.numbers).collect();
        let all = numbers.len();
        numbers.sort();
        numbers.dedup();
        assert_eq!(numbers.len(), all);
    }
}
