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
    and_no_more(get(handler), "GET", "this path has GET only")
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
    and_no_more(get(read).put(write), "GET, PUT", "this path has GET and PUT only")
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
    and_no_more(get(read).post(add), "GET, POST", "this path has GET and POST only")
}

fn and_no_more<S>(route: MethodRouter<S>, allow: &'static str, detail: &'static str) -> MethodRouter<S>
where
    S: Clone + Send + Sync + 'static,
{
    let refuse = move || async move {
        Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", detail)
            .with_header(header::ALLOW, HeaderValue::from_static(allow))
    };
    route.head(refuse).fallback(refuse)
}
