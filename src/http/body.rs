//! The body of a request, within limits: JSON of a bearable size that comes in time.

use super::Problem;
use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, StatusCode, header},
};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use std::time::Duration;
use tokio::time::timeout;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;
/// How long a body may take to come.
const BODY_DEADLINE: Duration = Duration::from_secs(10);

/// The body, if it is JSON of at most so many bytes that comes in time.
pub(crate) async fn read_json(headers: &HeaderMap, body: Body, most: usize) -> Result<Bytes, Problem> {
    if !content_type(headers).eq_ignore_ascii_case("application/json") {
        let detail = "the content type must be application/json";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", detail));
    }
    read(headers, body, most, BODY_DEADLINE).await
}

/// What a body is said to be, without parameters.
pub(crate) fn content_type(headers: &HeaderMap) -> &str {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    given.split(';').next().unwrap_or_default().trim()
}

/// A body of at most so many bytes that comes within so long.
pub(crate) async fn read(
    headers: &HeaderMap,
    body: Body,
    most: usize,
    deadline: Duration,
) -> Result<Bytes, Problem> {
    let too_large = || {
        let detail = format!("the body is over {}", in_units(most));
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", detail)
    };
    let length =
        headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if length.is_some_and(|length| length > most) {
        return Err(too_large());
    }
    match timeout(deadline, Limited::new(body, most).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => Err(Problem::new(StatusCode::BAD_REQUEST, "broken-body", "the body broke off")),
        Err(_) => Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "timeout", "the body took too long")),
    }
}

fn in_units(bytes: usize) -> String {
    match bytes {
        _ if bytes.is_multiple_of(MIB) => format!("{} MiB", bytes / MIB),
        _ if bytes.is_multiple_of(KIB) => format!("{} KiB", bytes / KIB),
        _ => format!("{bytes} bytes"),
    }
}

/// What is wrong with the fields of what is JSON. It names a missing field, or a life that makes no sense, and
/// quotes nothing: what is of the wrong type may be a secret in the wrong place.
pub(crate) fn fault_of_fields(error: &serde_json::Error) -> Option<String> {
    if error.classify() != Category::Data {
        return None;
    }
    let why = error.to_string();
    let is_ours = why.starts_with("missing field") || why.starts_with("expires_in");
    Some(if is_ours { why } else { "a field is of the wrong type, or an id is not valid".to_owned() })
}

/// What a body of JSON says.
pub(crate) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|error| match fault_of_fields(&error) {
        Some(why) => Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "unprocessable", why),
        None => Problem::new(StatusCode::BAD_REQUEST, "not-json", "the body is not JSON"),
    })
}
