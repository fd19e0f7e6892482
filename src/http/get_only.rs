//! Routes that answer GET and nothing else, or GET and one more. axum lets a GET route answer HEAD, and so does for a HEAD all that a
//! GET does: it opens a WebSocket, or uses a ticket up. Here HEAD is refused; pages and files have none of this.

use super::Problem;
use axum::{
    handler::Handler,
    http::{HeaderValue, StatusCode, header},
    routing::{MethodRouter, get},
};

/// A route that answers GET alone; every other method is 405, also HEAD.
pub(crate) fn get_only<H, T, S>(handler: H) -> MethodRouter<S>
where
    H: Handler<T, S>,
    T: 'static,
    S: Clone + Send + Sync + 'static,
{
    get(handler).head(refuse).fallback(refuse)
}

async fn refuse() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "this path has GET only")
        .with_header(header::ALLOW, HeaderValue::from_static("GET"))
}

/// A route that answers GET and PUT; every other method is 405, also HEAD.
pub(crate) fn get_and_put<G, P, T, U, S>(read: G, write: P) -> MethodRouter<S>
where
    G: Handler<T, S>,
    P: Handler<U, S>,
    T: 'static,
    U: 'static,
    S: Clone + Send + Sync + 'static,
{
    get(read).put(write).head(refuse_but_put).fallback(refuse_but_put)
}

async fn refuse_but_put() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "this path has GET and PUT only")
        .with_header(header::ALLOW, HeaderValue::from_static("GET, PUT"))
}

/// A route that answers GET and POST; every other method is 405, also HEAD.
pub(crate) fn get_and_post<G, P, T, U, S>(read: G, add: P) -> MethodRouter<S>
where
    G: Handler<T, S>,
    P: Handler<U, S>,
    T: 'static,
    U: 'static,
    S: Clone + Send + Sync + 'static,
{
    get(read).post(add).head(refuse_but_post).fallback(refuse_but_post)
}

async fn refuse_but_post() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "this path has GET and POST only")
        .with_header(header::ALLOW, HeaderValue::from_static("GET, POST"))
}
