//! The token server over HTTP: RFC 6749, section 6 at `/oauth/token`, RFC 7009 at `/oauth/revoke`,
//! and the faults that a refresh is told to suffer. What a token is worth, [`super::tokens`] says.

mod request;

use super::{
    Telsmart,
    faults::Fault,
    holds::NotWaited,
    tokens::{Refused, Rotation},
};
use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use futures_util::stream;
use request::{Client, Form};
use serde_json::json;
use std::{io, sync::atomic::Ordering::Relaxed, time::Duration};

pub(crate) use request::Registered;

/// Where a 307 points to.
const MOVED: &str = "/oauth/moved";
const NO_STORE: (HeaderName, &str) = (header::CACHE_CONTROL, "no-store");

/// Everything under `/oauth`.
pub(crate) fn routes() -> Router<Telsmart> {
    Router::new()
        .route("/oauth/token", post(token))
        .route(MOVED, post(moved))
        .route("/oauth/revoke", post(revoke))
}

/// An error of RFC 6749, section 5.2.
#[derive(Debug, PartialEq, Eq)]
struct OauthError {
    status: u16,
    error: String,
    description: &'static str,
}

async fn token(State(telsmart): State<Telsmart>, headers: HeaderMap, body: Bytes) -> Response {
    answer(&telsmart, &headers, &body).await.unwrap_or_else(OauthError::into_response)
}

async fn answer(telsmart: &Telsmart, headers: &HeaderMap, body: &[u8]) -> Result<Response, OauthError> {
    let form = Form::read(headers, body)?;
    let token = form.get("refresh_token");
    if let Some(token) = token {
        telsmart.0.tokens.lock().on_presented(token);
    }
    Client::read(headers, &form)?.check(&telsmart.0.client)?;
    match form.get("grant_type") {
        Some("refresh_token") => {}
        Some(_) => return Err(bad("unsupported_grant_type", "only refresh_token is supported")),
        None => return Err(bad("invalid_request", "grant_type is missing")),
    }
    let token = token.ok_or_else(|| bad("invalid_request", "refresh_token is missing"))?;
    let fault = telsmart.0.faults.lock().on_refresh();
    match fault {
        None => telsmart.exchange(token, Rotation::Rotate),
        Some(fault) => {
            telsmart.0.tokens.lock().on_fault(token, fault.name());
            telsmart.suffer(token, fault).await
        }
    }
}

async fn moved(State(telsmart): State<Telsmart>) -> OauthError {
    telsmart.0.followed.fetch_add(1, Relaxed);
    bad("invalid_request", "a redirect must not be followed with a refresh token")
}

async fn revoke(State(telsmart): State<Telsmart>, headers: HeaderMap, body: Bytes) -> Response {
    let revoked = || {
        let form = Form::read(&headers, &body)?;
        Client::read(&headers, &form)?.check(&telsmart.0.client)?;
        let token = form.get("token").ok_or_else(|| bad("invalid_request", "token is missing"))?;
        telsmart.0.tokens.lock().revoke(token);
        Ok::<_, OauthError>((StatusCode::OK, [NO_STORE]))
    };
    revoked().into_response()
}

impl Telsmart {
    async fn suffer(&self, token: &str, fault: Fault) -> Result<Response, OauthError> {
        match fault {
            Fault::DropBefore {} => Ok(dropped()),
            Fault::DropAfter {} => {
                let _consumed = self.exchange(token, Rotation::Rotate);
                Ok(dropped())
            }
            Fault::Late { ms } => {
                let answer = self.exchange(token, Rotation::Rotate);
                match self.0.holds.late(Duration::from_millis(ms)).await {
                    Ok(()) => answer,
                    Err(why) => not_waited(&why),
                }
            }
            Fault::ErrorAfter { status } => {
                let _consumed = self.exchange(token, Rotation::Rotate);
                Err(failed(status, "server_error".to_owned()))
            }
            Fault::Malformed {} => self.malformed(token),
            Fault::OmitRefresh {} => self.exchange(token, Rotation::Keep),
            Fault::Redirect {} => {
                let to = [(header::LOCATION, MOVED), NO_STORE];
                Ok((StatusCode::TEMPORARY_REDIRECT, to).into_response())
            }
            Fault::ErrorBefore { status, error } => {
                Err(failed(status, error.unwrap_or_else(|| "temporarily_unavailable".to_owned())))
            }
            Fault::Hold {} => match self.0.holds.hold(token.to_owned()).await {
                Ok(answer) => Ok(answer),
                Err(why) => not_waited(&why),
            },
        }
    }

    /// Exchanges a token and answers.
    fn exchange(&self, token: &str, rotation: Rotation) -> Result<Response, OauthError> {
        Ok(granted(self.exchanged(token, rotation)?))
    }

    /// All of the answer but its end: who reads the bytes finds the new tokens in it.
    fn malformed(&self, token: &str) -> Result<Response, OauthError> {
        let mut json = self.exchanged(token, Rotation::Rotate)?;
        json.pop();
        Ok(granted(json))
    }

    fn exchanged(&self, token: &str, rotation: Rotation) -> Result<String, OauthError> {
        let pair = super::new_pair();
        self.0.tokens.lock().refresh(token, rotation, &pair, std::time::Instant::now())?;
        let mut json = json!({
            "access_token": pair.access,
            "token_type": "Bearer",
            "expires_in": self.expires_in(),
        });
        if rotation == Rotation::Rotate {
            json["refresh_token"] = pair.refresh.into();
        }
        Ok(json.to_string())
    }

    /// Answers everything that is held: as an ordinary refresh, or without consuming, or without
    /// an answer. Gives how many got it, and how many clients had gone away.
    pub(super) fn release(&self, consume: bool, answer: bool) -> (usize, usize) {
        let (mut answered, mut gone) = (0, 0);
        for held in self.0.holds.take() {
            let result = match consume {
                true => self.exchange(&held.token, Rotation::Rotate),
                false => Err(failed(503, "temporarily_unavailable".to_owned())),
            };
            let response = if answer { result.unwrap_or_else(OauthError::into_response) } else { dropped() };
            *if held.answer(response) { &mut answered } else { &mut gone } += 1;
        }
        (answered, gone)
    }
}

fn granted(json: String) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json"), NO_STORE, (header::PRAGMA, "no-cache")];
    (headers, json).into_response()
}

/// A body that fails before its first byte: hyper then closes the connection, and has not sent
/// the head either.
fn dropped() -> Response {
    let broken = Err::<Bytes, _>(io::Error::other("dropped on purpose"));
    Body::from_stream(stream::iter([broken])).into_response()
}

fn bad(error: &str, description: &'static str) -> OauthError {
    OauthError { status: 400, error: error.to_owned(), description }
}

fn failed(status: u16, error: String) -> OauthError {
    OauthError { status, error, description: "a fault that was asked for" }
}

impl From<Refused> for OauthError {
    fn from(refused: Refused) -> Self {
        bad(
            "invalid_grant",
            match refused {
                Refused::Unknown => "the refresh token is not known",
                Refused::Ended => "the grant has been revoked",
                Refused::Reused => "the refresh token has been used before; the grant is revoked",
            },
        )
    }
}

fn not_waited(why: &NotWaited) -> Result<Response, OauthError> {
    match why {
        NotWaited::Full => Err(failed(503, "temporarily_unavailable".to_owned())),
        NotWaited::Stopped => Ok(dropped()),
    }
}

impl IntoResponse for OauthError {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = json!({ "error": self.error, "error_description": self.description }).to_string();
        let mut response =
            (status, [(header::CONTENT_TYPE, "application/json"), NO_STORE], body).into_response();
        if status == StatusCode::UNAUTHORIZED {
            let challenge = header::HeaderValue::from_static("Basic realm=\"telsmart\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}
