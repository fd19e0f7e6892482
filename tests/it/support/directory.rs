//! The directory of a tenant as supervisors read and write it.

use super::{Gateway, Token, soon};
use reqwest::{RequestBuilder, Response, header};
use serde_json::{Value, json};

pub const JSON: &str = "application/json";
pub const CSV: &str = "text/csv";

/// A row without a name, groups and numbers.
pub fn row(extension: &str, ids: &[&str]) -> Value {
    json!({"extension": extension, "name": "", "groups": [], "numbers": [], "ids": ids})
}

/// A whole directory as JSON.
pub fn rows(rows: &[Value]) -> String {
    json!({"rows": rows}).to_string()
}

/// Who may read and write it.
pub fn boss(tenant: &str) -> Token {
    Token::supervisor(tenant)
}

/// A user whose token names no extension.
pub fn user(tenant: &str, sub: &str) -> Token {
    Token::agent(tenant, &[]).claim("sub", sub)
}

pub fn request(gateway: &Gateway, method: &str, token: &Token) -> RequestBuilder {
    gateway.request(method, "/v1/directory").bearer_auth(token.mint())
}

pub async fn sent(request: RequestBuilder) -> Response {
    soon("the directory", request.send()).await.unwrap()
}

/// Its ETag and what it says, as JSON.
pub async fn get(gateway: &Gateway, tenant: &str) -> (String, Value) {
    let answer = sent(request(gateway, "GET", &boss(tenant))).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()[header::CONTENT_TYPE], JSON);
    (etag(&answer), answer.json().await.unwrap())
}

/// The same as CSV.
pub async fn get_csv(gateway: &Gateway, tenant: &str) -> (String, String) {
    let answer = sent(request(gateway, "GET", &boss(tenant)).header(header::ACCEPT, CSV)).await;
    assert_eq!(answer.status(), 200);
    assert!(answer.headers()[header::CONTENT_TYPE].to_str().unwrap().starts_with(CSV));
    (etag(&answer), answer.text().await.unwrap())
}

/// The answer to a PUT.
pub async fn put(gateway: &Gateway, tenant: &str, if_match: &str, kind: &str, body: &str) -> Response {
    let request = request(gateway, "PUT", &boss(tenant)).header(header::IF_MATCH, if_match);
    sent(request.header(header::CONTENT_TYPE, kind).body(body.to_owned())).await
}

/// Puts rows in place of whatever is there; gives the new ETag.
pub async fn replace(gateway: &Gateway, tenant: &str, all: &[Value]) -> String {
    let answer = put(gateway, tenant, "*", JSON, &rows(all)).await;
    let status = answer.status();
    assert!(status.is_success(), "{status}: {}", answer.text().await.unwrap());
    etag(&answer)
}

/// Lets users have extensions, and nobody else.
pub async fn assign(gateway: &Gateway, tenant: &str, given: &[(&str, &str)]) {
    let all: Vec<Value> =
        given.iter().map(|(sub, extension)| row(extension, &[&format!("sub:{sub}")])).collect();
    replace(gateway, tenant, &all).await;
}

pub fn etag(answer: &Response) -> String {
    let etag = answer.headers()[header::ETAG].to_str().unwrap().to_owned();
    assert!(etag.len() > 8 && etag.starts_with('"') && etag.ends_with('"'), "{etag}");
    etag
}
