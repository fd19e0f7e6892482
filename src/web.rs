//! The web client, as it was built into the binary.

use crate::{gateway::Gateway, problem::Problem, server};
use axum::{
    Router,
    extract::Path,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use rust_embed::RustEmbed;
use std::sync::Arc;

#[derive(RustEmbed)]
#[folder = "web-client/dist"]
#[allow_missing = true]
struct Built;

/// Our pages load nothing from elsewhere and run nothing inline.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types 'none'";
/// A name with a content hash never changes.
const FOREVER: &str = "public, max-age=31536000, immutable";
const REVALIDATE: &str = "no-cache";

const NOT_BUILT: &str = "<!doctype html><html lang=\"en\"><title>callpop</title>\
    <p>The gateway runs. Its web client was not built: run <code>make web</code>, and build the gateway again.";

/// The pages and what they load.
pub fn routes() -> Router<Arc<Gateway>> {
    Router::new().route("/assets/{*path}", get(asset)).route("/embed/{*path}", get(embed))
}

/// `/`: the page of that name.
pub fn page(name: &'static str) -> Router {
    page_at("/", name)
}

/// The page of that name, at a path.
pub fn page_at(path: &str, name: &'static str) -> Router {
    Router::new().route(path, get(move |headers: HeaderMap| async move { file(name, REVALIDATE, &headers).unwrap_or_else(not_built) }))
}

async fn asset(Path(path): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    match file(&format!("assets/{path}"), FOREVER, &headers) {
        Some(response) => Ok(response),
        None => Err(server::not_found().await),
    }
}

/// Scripts for other pages: of a stable name, so they are asked for again.
async fn embed(Path(path): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let Some(mut response) = file(&format!("embed/{path}"), REVALIDATE, &headers) else {
        return Err(server::not_found().await);
    };
    let anyone = HeaderValue::from_static("cross-origin");
    response.headers_mut().insert("cross-origin-resource-policy", anyone);
    // Pages elsewhere import modules from here, which browsers fetch with CORS.
    response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    Ok(response)
}

fn file(path: &str, caching: &'static str, request: &HeaderMap) -> Option<Response> {
    let file = Built::get(path)?;
    let tag: String = file.metadata.sha256_hash().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let tag = HeaderValue::try_from(format!("\"{tag}\"")).ok()?;
    let is_known = request.get_all(header::IF_NONE_MATCH).iter().any(|known| *known == tag);
    let mut response = if is_known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let mime = HeaderValue::try_from(file.metadata.mimetype()).ok()?;
        ([(header::CONTENT_TYPE, mime)], file.data).into_response()
    };
    let headers = response.headers_mut();
    headers.insert(header::ETAG, tag);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    guard(headers);
    Some(response)
}

fn not_built() -> Response {
    let mut response = Html(NOT_BUILT).into_response();
    guard(response.headers_mut());
    response
}

fn guard(headers: &mut HeaderMap) {
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
}
