//! The web client's files, as browsers and caches ask for them. They were built before, by `make web`.

use crate::support::{Gateway, gateway::problem, soon};
use reqwest::{Response, header::HeaderMap};
use std::path::{Path, PathBuf};

const V1: &str = "/embed/v1.js";

/// A file of the build.
fn built(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("web-client/dist").join(path.trim_start_matches('/'))
}

fn bytes(path: &str) -> Vec<u8> {
    std::fs::read(built(path)).unwrap_or_else(|error| panic!("{path}: {error}; it is built by `make web`"))
}

/// The path of a file with a content hash, of which there are compressed ones too.
fn hashed(folder: &str) -> String {
    let files = std::fs::read_dir(built(folder)).expect("it is built by `make web`");
    let mut names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let is_whole = |name: &String| {
        name.ends_with(".js")
            && [".br", ".gz"].iter().all(|it| built(&format!("{folder}/{name}{it}")).exists())
    };
    format!("{folder}/{}", names.find(is_whole).expect("a script with both compressed forms"))
}

async fn ask(gateway: &Gateway, method: &str, path: &str, headers: &[(&str, &str)]) -> Response {
    let mut request = gateway.request(method, path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    soon("the file", request.send()).await.unwrap()
}

/// A file that is there, by the codings that are asked for.
async fn get(gateway: &Gateway, path: &str, codings: &str) -> (HeaderMap, Vec<u8>) {
    let answer = ask(gateway, "GET", path, &[("Accept-Encoding", codings)]).await;
    assert_eq!(answer.status(), 200, "{path}");
    (answer.headers().clone(), answer.bytes().await.unwrap().to_vec())
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap())
}

#[tokio::test]
async fn a_file_comes_in_the_coding_that_the_client_likes_best() {
    let gateway = Gateway::new().await;
    for path in [V1.to_owned(), hashed("/embed/assets"), hashed("/assets")] {
        for (asked, coding, suffix) in [
            ("gzip, deflate, br, zstd", Some("br"), ".br"),
            ("br;q=0.5, gzip;q=0.8", Some("gzip"), ".gz"),
            ("br;q=0, gzip", Some("gzip"), ".gz"),
            ("*;q=0.1", Some("br"), ".br"),
            ("gzip;q=0, br;q=0", None, ""),
            ("identity", None, ""),
            ("deflate", None, ""),
            ("", None, ""),
        ] {
            let (headers, body) = get(&gateway, &path, asked).await;
            assert_eq!(text(&headers, "content-encoding"), coding, "{path} for {asked:?}");
            assert_eq!(body, bytes(&format!("{path}{suffix}")), "{path} for {asked:?}");
            assert_eq!(text(&headers, "vary"), Some("accept-encoding"));
            assert_eq!(text(&headers, "content-type"), Some("text/javascript; charset=utf-8"));
            assert_eq!(text(&headers, "content-length").unwrap(), body.len().to_string());
        }
    }
}

#[tokio::test]
async fn each_representation_has_its_own_tag_and_is_not_sent_again() {
    let gateway = Gateway::new().await;
    let path = hashed("/embed/assets");
    let mut tags = Vec::new();
    for codings in ["br", "gzip", "identity"] {
        let (headers, _) = get(&gateway, &path, codings).await;
        let tag = text(&headers, "etag").unwrap().to_owned();
        for known in [tag.clone(), format!("\"x\", W/{tag}"), "*".to_owned()] {
            let asked = [("Accept-Encoding", codings), ("If-None-Match", known.as_str())];
            let answer = ask(&gateway, "GET", &path, &asked).await;
            assert_eq!(answer.status(), 304, "{known} for {codings}");
            let not_modified = answer.headers();
            for name in
                ["etag", "cache-control", "vary", "access-control-allow-origin", "x-content-type-options"]
            {
                assert_eq!(not_modified.get(name), headers.get(name), "{name}");
            }
            assert_eq!(not_modified.get("content-encoding"), None);
            assert!(answer.bytes().await.unwrap().is_empty());
        }
        tags.push(tag);
    }
    assert!(tags.iter().all(|tag| tag.starts_with('"')), "they are strong: {tags:?}");
    for (asked, known) in [("br", &tags[1]), ("gzip", &tags[2]), ("identity", &tags[0])] {
        let answer =
            ask(&gateway, "GET", &path, &[("Accept-Encoding", asked), ("If-None-Match", known)]).await;
        assert_eq!(answer.status(), 200, "another representation's tag is of no use for {asked}");
    }
}

#[tokio::test]
async fn a_head_says_what_a_get_says_without_the_file() {
    let gateway = Gateway::new().await;
    for path in [V1.to_owned(), hashed("/assets"), "/".to_owned()] {
        for codings in ["br", "identity"] {
            let (mut expected, _) = get(&gateway, &path, codings).await;
            let answer = ask(&gateway, "HEAD", &path, &[("Accept-Encoding", codings)]).await;
            assert_eq!(answer.status(), 200);
            let mut headers = answer.headers().clone();
            expected.remove("date");
            headers.remove("date");
            assert_eq!(headers, expected, "{path}");
            assert!(answer.bytes().await.unwrap().is_empty());
        }
    }
}

#[tokio::test]
async fn what_has_a_hash_is_kept_for_ever_and_the_rest_is_asked_for_again() {
    let gateway = Gateway::new().await;
    for (path, caching) in [
        (hashed("/assets"), "public, max-age=31536000, immutable"),
        (hashed("/embed/assets"), "public, max-age=31536000, immutable"),
        (V1.to_owned(), "no-cache"),
        ("/".to_owned(), "no-cache"),
    ] {
        let (headers, _) = get(&gateway, &path, "br").await;
        assert_eq!(text(&headers, "cache-control"), Some(caching), "{path}");
        assert_eq!(text(&headers, "x-content-type-options"), Some("nosniff"), "{path}");
    }
}

#[tokio::test]
async fn other_sites_may_load_what_is_to_be_embedded_and_nothing_else() {
    let gateway = Gateway::new().await;
    for path in [V1.to_owned(), hashed("/embed/assets")] {
        let answer = ask(&gateway, "GET", &path, &[("Origin", "https://crm.example")]).await;
        assert_eq!(text(answer.headers(), "access-control-allow-origin"), Some("*"), "{path}");
        assert_eq!(text(answer.headers(), "cross-origin-resource-policy"), Some("cross-origin"), "{path}");
    }
    for path in [hashed("/assets"), "/".to_owned()] {
        let answer = ask(&gateway, "GET", &path, &[("Origin", "https://crm.example")]).await;
        assert_eq!(answer.headers().get("access-control-allow-origin"), None, "{path}");
        assert_eq!(answer.headers().get("cross-origin-resource-policy"), None, "{path}");
    }
}

#[tokio::test]
async fn a_page_loads_nothing_from_elsewhere_and_is_nowhere_framed() {
    let gateway = Gateway::new().await;
    let (headers, body) = get(&gateway, "/", "identity").await;
    assert_eq!(text(&headers, "content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(body, bytes("index.html"));
    let policy = text(&headers, "content-security-policy").unwrap();
    for part in ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(text(&headers, "referrer-policy"), Some("no-referrer"));
}

#[tokio::test]
async fn what_is_not_there_is_404_and_so_are_compressed_files_by_their_own_names() {
    let gateway = Gateway::new().await;
    let compressed = [".br", ".gz"].map(|it| format!("{}{it}", hashed("/embed/assets")));
    let others = ["/embed/v2.js", "/assets/none-Czw9nSuG.js", "/embed/assets", "/embed/", "/embed/v1.js.br"];
    let traversals =
        ["/embed/..%2f..%2fpackage.json", "/assets/%2e%2e/%2e%2e/Cargo.toml", "/assets/..%5cdemo.html"];
    let paths = others.into_iter().chain(traversals).chain(compressed.iter().map(String::as_str));
    for path in paths {
        let answer = ask(&gateway, "GET", path, &[("Accept-Encoding", "br, gzip")]).await;
        problem(answer, 404).await;
    }
    problem(ask(&gateway, "POST", V1, &[]).await, 405).await;
}
