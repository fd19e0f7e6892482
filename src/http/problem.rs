//! The one HTTP error: RFC 9457 problem+json.

use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

/// What went wrong, for whoever asked.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    kind: &'static str,
    detail: String,
    more: Vec<(&'static str, Value)>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Problem {
    /// `kind` is the last word of the problem's type, and stays the same for ever.
    pub(crate) fn new(status: StatusCode, kind: &'static str, detail: impl ToString) -> Self {
        Self { status, kind, detail: detail.to_string(), more: Vec::new(), headers: Vec::new() }
    }

    /// With one more header.
    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// With a member of its own, beside those that every problem has.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.more.push((name, value.into()));
        self
    }

    /// Tells when to come again; whole seconds, rounded up.
    pub(crate) fn retry_after(self, wait: Duration) -> Self {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        self.with_header(header::RETRY_AFTER, seconds.into())
    }

    /// The HTTP status.
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }
}

/// Left in a response, so that the refusal can be logged where the client is known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refused {
    /// The last word of the problem's type.
    pub(crate) kind: &'static str,
    pub(crate) request_id: Uuid,
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let request_id = Uuid::new_v4();
        let mut body = json!({
            "type": format!("urn:callpop:problem:{}", self.kind),
            "title": self.status.canonical_reason(),
            "status": self.status.as_u16(),
            "detail": self.detail,
            "request_id": request_id,
        });
        for (name, value) in self.more {
            body[name] = value;
        }
        let content_type = (header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        let mut response = (self.status, [content_type], body.to_string()).into_response();
        response.headers_mut().extend(self.headers);
        response.extensions_mut().insert(Refused { kind: self.kind, request_id });
        response
    }
}
