//! What a stranger learns of what there is: nothing. A request without a valid token is 401 before it is 404.

use crate::{
    sidecar::scene::with_sidecar,
    support::{Config, Engine, Gateway, Token, TokenServer, gateway::problem, new_tenant, soon},
};
use reqwest::RequestBuilder;

/// Nobody is there, and a stranger is told that he has no token.
async fn assert_hidden(what: &str, request: impl Fn() -> RequestBuilder, own: &Token) {
    let bad = own.clone().expiring_in(-100).mint();
    for stranger in [request(), request().bearer_auth(&bad), request().bearer_auth("x")] {
        let answer = soon(what, stranger.send()).await.unwrap();
        assert_eq!(
            answer.headers().get("www-authenticate").map(|it| it.as_bytes()),
            Some(&b"Bearer"[..]),
            "{what}"
        );
        problem(answer, 401).await;
    }
    problem(soon(what, request().bearer_auth(own.mint()).send()).await.unwrap(), 404).await;
}

#[tokio::test]
async fn below_v1_a_request_without_a_valid_token_is_401_before_it_is_404() {
    let gateway = Gateway::new().await;
    let user = Token::agent(&new_tenant(), &["200"]);
    // Those of a sidecar, where there is none, and what never was.
    for (method, path) in [
        ("GET", "/v1/integrations"),
        ("POST", "/v1/tickets"),
        ("GET", "/v1/contacts?number=200"),
        ("GET", "/v1/nothing"),
        ("DELETE", "/v1/nothing/at/all"),
    ] {
        assert_hidden(path, || gateway.request(method, path), &user).await;
    }
    // Elsewhere is nothing to be shown a token for.
    for path in ["/v1", "/nothing", "/v2/nothing"] {
        problem(gateway.request("GET", path).send().await.unwrap(), 404).await;
    }
}

#[tokio::test]
async fn of_sources_a_request_without_a_valid_token_is_401_before_it_is_404() {
    let telsmart = TokenServer::start("").await;
    let gateway = with_sidecar(Config::new(), &telsmart).start().await;
    let (user, tenant) = (Token::agent(&new_tenant(), &["200"]), new_tenant());
    for (method, what) in [("GET", "connect"), ("GET", "connect?ticket=x"), ("POST", "disconnect")] {
        let path = format!("/integrations/other/{what}");
        if what.contains('?') {
            problem(gateway.request(method, &path).send().await.unwrap(), 401).await;
        } else {
            assert_hidden(&path, || gateway.request(method, &path).json(&[0; 0]), &user).await;
        }
    }
    let url = format!("http://{}/internal/other/access-token", gateway.private().await);
    assert_hidden("vending", || telsmart.http.post(&url).json(&[0; 0]), &Token::service(&tenant)).await;
}

#[tokio::test]
async fn at_a_sidecar_alone_a_request_without_a_valid_token_is_401_before_it_is_404() {
    let telsmart = TokenServer::start("").await;
    let config = with_sidecar(Engine::Redis.config().await, &telsmart).set("sidecar.mode", "separate");
    let sidecar = Gateway::start_sidecar(&config).await;
    let user = Token::agent(&new_tenant(), &["200"]);
    assert_hidden("/v1/stream", || sidecar.request("GET", "/v1/stream"), &user).await;
}
