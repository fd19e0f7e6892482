//! Displays as screens and supervisors handle them.

use super::{Config, Gateway, Token, connect::Connect, soon};
use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};

/// A display that is paired, with what only its screen knows.
pub struct Paired {
    pub id: String,
    pub secret: String,
    pub poll: String,
    pub code: String,
}

/// Screens come from any address: of one, so many a minute are let in.
pub fn for_screens(config: Config) -> Config {
    config.set("trusted_proxies", vec!["127.0.0.0/8"])
}

pub async fn sent(request: RequestBuilder) -> Response {
    soon("the displays", request.send()).await.unwrap()
}

pub async fn said(answer: Response, status: u16) -> Value {
    let (got, text) = (answer.status(), answer.text().await.unwrap());
    assert_eq!(got, status, "{text}");
    serde_json::from_str(&text).unwrap()
}

/// Of a screen at that address.
pub fn asking_for_a_code(gateway: &Gateway, address: &str) -> RequestBuilder {
    gateway.request("POST", "/v1/displays/pair").header("X-Forwarded-For", address)
}

/// Of a screen at an address of its own.
pub async fn begin(gateway: &Gateway) -> Value {
    let address = std::net::Ipv6Addr::from_bits(uuid::Uuid::new_v4().as_u128()).to_string();
    said(sent(asking_for_a_code(gateway, &address)).await, 200).await
}

/// The same, and what people read there.
pub async fn code(gateway: &Gateway) -> String {
    begin(gateway).await["code"].as_str().unwrap().to_owned()
}

pub async fn poll(gateway: &Gateway, poll: &str) -> Response {
    sent(gateway.request("GET", &format!("/v1/displays/pair/{poll}"))).await
}

pub fn as_user(gateway: &Gateway, method: &str, path: &str, token: &Token) -> RequestBuilder {
    gateway.request(method, &format!("/v1/displays{path}")).bearer_auth(token.mint())
}

pub async fn answer(gateway: &Gateway, token: &Token, body: &Value) -> Response {
    sent(as_user(gateway, "POST", "", token).json(body)).await
}

/// From the code on the screen to the secret in it.
pub async fn pair(gateway: &Gateway, tenant: &str) -> Paired {
    let begun = begin(gateway).await;
    let code = begun["code"].as_str().unwrap();
    said(answer(gateway, &Token::supervisor(tenant), &json!({"code": code})).await, 201).await;
    told(gateway, &begun).await
}

/// What a screen is told once its code was entered.
pub async fn told(gateway: &Gateway, begun: &Value) -> Paired {
    let text = |value: &Value, name: &str| value[name].as_str().unwrap().to_owned();
    let told = said(poll(gateway, &text(begun, "poll")).await, 200).await;
    assert_eq!(told["state"], "paired", "{told}");
    Paired {
        id: text(&told, "display_id"),
        secret: text(&told, "secret"),
        poll: text(begun, "poll"),
        code: text(begun, "code"),
    }
}

pub async fn list(gateway: &Gateway, tenant: &str) -> Vec<Value> {
    let answer = sent(as_user(gateway, "GET", "", &Token::supervisor(tenant))).await;
    said(answer, 200).await["displays"].as_array().unwrap().clone()
}

pub async fn ids(gateway: &Gateway, tenant: &str) -> Vec<String> {
    list(gateway, tenant).await.iter().map(|it| it["display_id"].as_str().unwrap().to_owned()).collect()
}

pub async fn revoke(gateway: &Gateway, tenant: &str, id: &str) -> Response {
    sent(as_user(gateway, "DELETE", &format!("/{id}"), &Token::supervisor(tenant))).await
}

/// A handshake that shows a secret.
pub fn showing(gateway: &Gateway, secret: &str) -> Connect {
    Connect::new(gateway.public, None).display(secret)
}

/// Whether a secret is known: then it is refused for what it asks, and otherwise for what it is.
pub async fn is_known(gateway: &Gateway, secret: &str) -> bool {
    match showing(gateway, secret).refused().await {
        4403 => true,
        4401 => false,
        code => panic!("{code}"),
    }
}
