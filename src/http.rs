//! What every HTTP endpoint shares: the one error, the body within limits, the connection, and who
//! is at its other end. It knows no endpoint.

pub(crate) mod body;
mod client;
mod connection;
mod get_only;
mod problem;
mod recent;
mod unread;
mod user_rate;
mod written;

pub(crate) use client::{Proxies, network_of, within};
pub(crate) use connection::Connection;
pub(crate) use get_only::{get_and_post, get_and_put, get_only};
pub(crate) use problem::{Problem, Refused};
pub(crate) use recent::Recent;
pub(crate) use unread::{Unread, Watched};
pub(crate) use user_rate::UserRate;
pub(crate) use written::Written;

use axum::http::{HeaderValue, StatusCode, header};
use std::{net::SocketAddr, time::Duration};

/// After so long a client may try again what could not be done just then.
pub(crate) const RETRY_AFTER: Duration = Duration::from_secs(2);

/// The address at the other end of a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// There is nothing at the path that was asked for.
pub(crate) async fn not_found() -> Problem {
    nothing_here()
}

/// The same, of a path whose route is there for others.
pub(crate) fn nothing_here() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not-found", "there is nothing at this path")
}

/// The path is there, but not for that method.
pub(crate) async fn method_not_allowed() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "this path has no such method")
}

/// What nobody on the way is to keep.
pub(crate) fn no_store() -> [(header::HeaderName, HeaderValue); 1] {
    [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))]
}

/// There is no token, or one that is not accepted.
pub(crate) fn unauthorized(detail: &str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
        .with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
}

/// More than is taken of one client, for so long.
pub(crate) fn too_many(detail: &str, wait: Duration) -> Problem {
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many-requests", detail).retry_after(wait)
}

/// Our own trouble, which passes.
pub(crate) fn unavailable(detail: &str) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail).retry_after(RETRY_AFTER)
}
