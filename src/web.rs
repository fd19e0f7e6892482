//! The web client, as it was built into the binary: each file plain, and compressed where the build
//! made that smaller.

mod coding;

use crate::http::{Problem, not_found};
use axum::{
    Router,
    extract::Path,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use coding::Coding;
use rust_embed::{EmbeddedFile, RustEmbed};

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
/// The length of the hash in such a name.
const HASH: usize = 8;
const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

const NOT_BUILT: &str = "<!doctype html><html lang=\"en\"><title>callpop</title>\
    <p>The gateway runs. Its web client was not built: run <code>make web</code>, and build the gateway again.";

/// `/`: the page of that name.
pub(crate) fn page(name: &'static str) -> Router {
    page_at("/", name)
}

/// The page of that name, at a path.
pub(crate) fn page_at(path: &str, name: &'static str) -> Router {
    Router::new().route(path, get(async move |headers: HeaderMap| page_or_hint(name, &headers)))
}

fn page_or_hint(name: &str, request: &HeaderMap) -> Response {
    file(name, request).unwrap_or_else(not_built)
}

/// What our pages load.
pub(crate) async fn asset(Path(path): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    match file(&format!("assets/{path}"), &headers) {
        Some(response) => Ok(response),
        None => Err(not_found().await),
    }
}

/// What other pages load, from wherever they are.
pub(crate) async fn embed(Path(path): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let Some(mut response) = file(&format!("embed/{path}"), &headers) else {
        return Err(not_found().await);
    };
    let headers = response.headers_mut();
    headers.insert(CROSS_ORIGIN_RESOURCE_POLICY, HeaderValue::from_static("cross-origin"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    Ok(response)
}

/// The representation of a file that the client likes best, or that it has that one already.
fn file(path: &str, request: &HeaderMap) -> Option<Response> {
    // Where files are read from the disk, in a debug build, another's name would lead to it.
    if Coding::is_of_another(path) || path.contains("..") {
        return None;
    }
    let plain = Built::get(path)?;
    let mime = content_type(plain.metadata.mimetype())?;
    let (coding, file) = chosen(path, plain, request);
    let tag = tag(&file)?;
    let mut response = if is_known(request, &tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let mut response = ([(header::CONTENT_TYPE, mime)], file.data).into_response();
        if let Some(name) = coding.name() {
            response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
        }
        response
    };
    let headers = response.headers_mut();
    headers.insert(header::ETAG, tag);
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    let caching = if is_hashed(path) { FOREVER } else { REVALIDATE };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    guard(headers);
    Some(response)
}

fn chosen(path: &str, plain: EmbeddedFile, request: &HeaderMap) -> (Coding, EmbeddedFile) {
    for coding in coding::accepted(request) {
        if coding == Coding::Identity {
            break;
        }
        if let Some(file) = Built::get(&format!("{path}{}", coding.suffix())) {
            return (coding, file);
        }
    }
    (Coding::Identity, plain)
}

/// A representation's strong tag, of the hash that the build made of its bytes.
fn tag(file: &EmbeddedFile) -> Option<HeaderValue> {
    let hash: String =
        file.metadata.sha256_hash().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    HeaderValue::try_from(format!("\"{hash}\"")).ok()
}

/// Whether the client has it, by `If-None-Match` (RFC 9110, 13.1.2): a list, of weak ones too, or any.
fn is_known(request: &HeaderMap, tag: &HeaderValue) -> bool {
    let lines = request.get_all(header::IF_NONE_MATCH).into_iter().filter_map(|line| line.to_str().ok());
    let mut known = lines.flat_map(|line| line.split(',')).map(str::trim);
    known.any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == *tag)
}

fn content_type(mime: &str) -> Option<HeaderValue> {
    let charset = if mime.starts_with("text/") { "; charset=utf-8" } else { "" };
    HeaderValue::try_from(format!("{mime}{charset}")).ok()
}

/// Whether a name changes with its content: `assets/popup-Czw9nSuG.js`. Who looks like it without a
/// capital or a digit may be a word, and is asked for again.
fn is_hashed(path: &str) -> bool {
    let Some((folder, name)) = path.rsplit_once('/') else { return false };
    let stem = name.split('.').next().unwrap_or_default();
    let Some((start, hash)) = stem.len().checked_sub(HASH).and_then(|at| stem.split_at_checked(at)) else {
        return false;
    };
    let is_hash = hash.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        && hash.bytes().any(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    matches!(folder, "assets" | "embed/assets") && start.len() > 1 && start.ends_with('-') && is_hash
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_a_hash_is_kept_for_ever() {
        for hashed in
            ["assets/popup-Czw9nSuG.js", "embed/assets/time-of-day-CjKDKhQH.js.map", "assets/a-B9-1y_-A.css"]
        {
            assert!(is_hashed(hashed), "{hashed}");
        }
        for stable in [
            "index.html",
            "embed/v1.js",
            "embed/popup-Czw9nSuG.js",
            "assets/mark.svg",
            "assets/call-settings.js",
            "assets/-Czw9nSuG.js",
            "assets/Czw9nSuG.js",
            "assets/popup-Czw9nSu.js",
            "assets/popupéCzw9nSuG.js",
            "assets/popup-Czw9 SuG.js",
        ] {
            assert!(!is_hashed(stable), "{stable}");
        }
    }

    #[test]
    fn a_client_that_has_it_is_known_by_a_list_by_a_weak_tag_or_by_any() {
        let tag = HeaderValue::from_static("\"abc\"");
        let known = |line: &'static str| {
            is_known(&HeaderMap::from_iter([(header::IF_NONE_MATCH, HeaderValue::from_static(line))]), &tag)
        };
        for line in ["\"abc\"", "W/\"abc\"", "*", "\"x\", W/\"y,z\" ,\"abc\""] {
            assert!(known(line), "{line}");
        }
        for line in ["", "abc", "\"x\"", "w/\"abc\"", "\"abc", "\"*\""] {
            assert!(!known(line), "{line}");
        }
        assert!(!is_known(&HeaderMap::new(), &tag));
    }

    #[test]
    fn a_gateway_without_its_web_client_says_how_to_get_it() {
        let response = page_or_hint("no-such-page.html", &HeaderMap::new());
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[header::CONTENT_SECURITY_POLICY], POLICY);
        assert!(file("assets/none-Czw9nSuG.js", &HeaderMap::new()).is_none());
    }
}
