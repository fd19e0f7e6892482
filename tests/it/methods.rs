//! HEAD, on every route of every listener: where GET does something or tells something, HEAD is refused and
//! does nothing; a page answers it as it answers GET. A route that is not listed here fails a test.

use crate::support::{
    Config, Engine, Gateway, Token, TokenServer, connect::Connect, gateway::problem, new_tenant,
    process::Process, soon,
};
use reqwest::{Method, Response, header::ALLOW};
use serde_json::Value;
use std::{collections::BTreeSet, net::SocketAddr, path::Path};

use crate::sidecar::scene::{Scene, USER, connect, with_sidecar};

/// Files and pages, which are looked at and change nothing.
const PAGES: [&str; 6] = [
    "/",
    "/integrations",
    "/assets/{*path}",
    "/embed/{*path}",
    "/mytelsmart/{slug}",
    "/mytelsmart/{slug}/connections",
];
const PUBLIC: [&str; 8] = [
    "/webhooks/{source}",
    "/v1/stream",
    "/v1/summaries/{source}/{extension}/{leg}",
    "/v1/conversations",
    "/v1/conversations.csv",
    "/v1/conversations/{named}",
    "/v1/figures",
    "/v1/figures.csv",
];
const USERS: [&str; 6] = [
    "/v1/integrations",
    "/v1/tickets",
    "/integrations/{source}/connect",
    "/integrations/{source}/activate",
    "/integrations/{source}/deactivate",
    "/integrations/{source}/disconnect",
];
const CONTACTS: [&str; 1] = ["/v1/contacts"];
const REPLACED: [&str; 1] = ["/v1/directory"];
const ADDED_TO: [&str; 1] = ["/v1/displays"];
const REMOVED: [&str; 1] = ["/v1/displays/{display}"];
const SCREENS: [&str; 2] = ["/v1/displays/pair", "/v1/displays/pair/{poll}"];
const PRIVATE: [&str; 1] = ["/internal/{source}/access-token"];
const ROTATION: [&str; 1] = ["/readyz"];
const HEALTH: [&str; 3] = ["/healthz", "/readyz", "/metrics"];
const LOOKED_UP: [&str; 4] = [
    "/archive",
    "/backup",
    "/calls/{tenant}/{source}/{extension}/{leg}",
    "/notices/{tenant}/{source}/{extension}/{notice}",
];
const DEMO: [&str; 4] = ["/demo/config", "/demo/token", "/demo/notices", "/demo/notices/done"];
const SIMULATOR: [&str; 16] = [
    "/simulator/state",
    "/simulator/events",
    "/simulator/play",
    "/simulator/phones/{extension}/{action}",
    "/simulator/legs/{leg_id}/{action}",
    "/mytelsmart/{slug}/deactivate",
    "/oauth/token",
    "/oauth/moved",
    "/oauth/revoke",
    "/api/v1/contacts",
    "/telsmart/activate",
    "/telsmart/deactivate",
    "/telsmart/families",
    "/telsmart/faults",
    "/telsmart/release",
    "/telsmart/urls",
];

/// Asks a listener without following anything; gives the head, and what follows it where that ends.
async fn ask(address: SocketAddr, method: Method, path: &str) -> Response {
    let http = reqwest::Client::builder().no_proxy().tls_certs_only([]);
    let http = http.redirect(reqwest::redirect::Policy::none()).build().unwrap();
    soon(path, http.request(method, format!("http://{address}{path}")).send()).await.unwrap()
}

/// A path of that route.
fn filled(route: &str) -> String {
    route
        .replace("{slug}", "callpop")
        .replace("{source}", "telsmart")
        .replace("{*path}", "none.js")
        .replace(['{', '}'], "")
}

async fn refuse_head(address: SocketAddr, routes: &[&str]) {
    for route in routes {
        let path = filled(route);
        let answer = ask(address, Method::HEAD, &path).await;
        assert_eq!(answer.status(), 405, "HEAD {path}");
        let allowed = answer.headers()[ALLOW].to_str().unwrap().to_owned();
        assert!(["GET", "POST"].contains(&allowed.as_str()), "{path}: {allowed}");
        // What else is refused does not recommend it.
        let answer = ask(address, Method::PUT, &path).await;
        assert_eq!((answer.status().as_u16(), answer.headers()[ALLOW].to_str().unwrap()), (405, &*allowed));
        if !answer.text().await.unwrap().is_empty() {
            problem(ask(address, Method::PUT, &path).await, 405).await;
        }
    }
}

/// What is read and changed takes GET and one more, or that alone.
async fn refuse_all_but(allowed: &str, address: SocketAddr, routes: &[&str]) {
    let all = [Method::HEAD, Method::GET, Method::POST, Method::PUT, Method::DELETE, Method::PATCH];
    for route in routes {
        let path = filled(route);
        for method in all.iter().filter(|method| !allowed.split(", ").any(|it| it == method.as_str())) {
            let answer = ask(address, method.clone(), &path).await;
            assert_eq!(answer.status(), 405, "{method} {path}");
            assert_eq!(answer.headers()[ALLOW], allowed, "{method} {path}");
        }
        problem(ask(address, Method::PATCH, &path).await, 405).await;
    }
}

/// What else than GET or POST alone the public listener takes.
async fn refuse_others(address: SocketAddr) {
    refuse_all_but("GET, PUT", address, &REPLACED).await;
    refuse_all_but("GET, POST", address, &ADDED_TO).await;
    refuse_all_but("DELETE", address, &REMOVED).await;
}

/// A page says by HEAD what it says by GET.
async fn answer_head(address: SocketAddr, routes: &[&str]) {
    for route in routes {
        let path = filled(route);
        let (head, get) = (ask(address, Method::HEAD, &path).await, ask(address, Method::GET, &path).await);
        assert_eq!(head.status(), get.status(), "{path}");
        assert_ne!(head.status(), 405, "{path}");
        assert_eq!(head.headers().get("content-type"), get.headers().get("content-type"), "{path}");
        assert_eq!(head.text().await.unwrap(), "", "{path}");
    }
}

#[tokio::test]
async fn head_is_refused_on_every_listener_of_a_gateway() {
    let telsmart = TokenServer::start("").await;
    let gateway = with_sidecar(Config::new(), &telsmart).start().await;
    for routes in [PUBLIC.as_slice(), &SCREENS, &USERS, &CONTACTS, &ROTATION] {
        refuse_head(gateway.public, routes).await;
    }
    refuse_others(gateway.public).await;
    answer_head(gateway.public, &PAGES[..4]).await;
    refuse_head(gateway.admin, &HEALTH).await;
    refuse_head(gateway.admin, &LOOKED_UP).await;
    refuse_head(gateway.lookups(), &LOOKED_UP).await;
    refuse_head(gateway.private().await, &PRIVATE).await;
    refuse_head(telsmart.address, &SIMULATOR).await;
    answer_head(telsmart.address, &PAGES[4..]).await;
}

#[tokio::test]
async fn head_is_refused_on_every_listener_of_a_sidecar_alone() {
    let telsmart = TokenServer::start("").await;
    let config = with_sidecar(Engine::Redis.config().await, &telsmart).set("sidecar.mode", "separate");
    let sidecar = Gateway::start_sidecar(&config).await;
    refuse_head(sidecar.public, &USERS).await;
    refuse_head(sidecar.public, &ROTATION).await;
    refuse_head(sidecar.admin, &HEALTH).await;
    refuse_head(sidecar.private().await, &PRIVATE).await;
}

#[tokio::test]
async fn head_is_refused_by_a_demo() {
    let folder = tempfile::tempdir().unwrap();
    let (_process, address) = Process::start_demo(folder.path()).await;
    for routes in [PUBLIC.as_slice(), &SCREENS, &USERS, &CONTACTS, &ROTATION, &DEMO, &SIMULATOR] {
        refuse_head(address, routes).await;
    }
    refuse_others(address).await;
    answer_head(address, &PAGES).await;
}

#[tokio::test]
async fn a_head_opens_no_stream() {
    let gateway = Gateway::new().await;
    let token = Token::agent(&new_tenant(), &["200"]).mint();
    let handshake = |method| {
        let request = gateway.request(method, "/v1/stream");
        let headers = [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13")];
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let offers = format!("callpop.v1, bearer.{token}");
        request
            .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
            .header("Sec-WebSocket-Protocol", offers)
    };
    assert_eq!(soon("the refusal", handshake("HEAD").send()).await.unwrap().status(), 405);
    assert_eq!(soon("the upgrade", handshake("GET").send()).await.unwrap().status(), 101);
    Connect::new(gateway.public, Some(&token)).open().await.assert_open().await;
}

#[tokio::test]
async fn a_head_uses_no_ticket_up_and_begins_no_consent() {
    let scene = Scene::begin("").await;
    let request = scene.gateway.request("POST", "/v1/tickets").bearer_auth(scene.token(USER).mint());
    let ticket: Value = soon("a ticket", request.send()).await.unwrap().json().await.unwrap();
    let query = format!("?ticket={}", ticket["ticket"].as_str().unwrap());
    let path = format!("/integrations/telsmart/connect{query}");
    assert_eq!(ask(scene.gateway.public, Method::HEAD, &path).await.status(), 405);
    let shown = scene.gateway.request("GET", "/v1/integrations").bearer_auth(scene.token(USER).mint());
    let shown: Value = soon("the integrations", shown.send()).await.unwrap().json().await.unwrap();
    assert_eq!(shown, serde_json::json!([]));
    assert_eq!(connect(&scene.gateway, &query, None).await.status(), 303);
}

/// Every path that the sources give to a router, but for those of tests.
fn routed() -> BTreeSet<String> {
    let (mut folders, mut paths) = (vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")], BTreeSet::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else if entry.extension().is_some_and(|it| it == "rs") && !entry.ends_with("tests.rs") {
                let text = std::fs::read_to_string(&entry).unwrap();
                paths.extend(routes_of(text.split("#[cfg(test)]\nmod").next().unwrap()));
            }
        }
    }
    paths
}

/// What a source names where it makes a route, be it a text or a constant of the file.
fn routes_of(source: &str) -> Vec<String> {
    let quoted = |text: &str| text.strip_prefix('"').map(|rest| rest.split('"').next().unwrap().to_owned());
    let calls = source.split(".route(").skip(1).chain(source.split("page_at(").skip(1));
    let named = calls.filter_map(|rest| {
        let rest = rest.trim_start().trim_start_matches('&');
        let name = rest.split([',', ')', ':', '.']).next().unwrap();
        quoted(rest).or_else(|| quoted(source.split(&format!("const {name}: &str = ")).nth(1)?))
    });
    named.collect()
}

#[test]
fn every_route_is_looked_at() {
    let of_users: [&[&str]; 6] = [&USERS, &CONTACTS, &REPLACED, &ADDED_TO, &REMOVED, &SCREENS];
    let others: [&[&str]; 7] = [&PAGES, &PUBLIC, &PRIVATE, &HEALTH, &LOOKED_UP, &DEMO, &SIMULATOR];
    let lists = [of_users.as_slice(), &others].concat();
    let looked_at: BTreeSet<String> = lists.concat().into_iter().map(str::to_owned).collect();
    assert_eq!(routed(), looked_at);
}
