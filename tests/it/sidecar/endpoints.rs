//! How a user begins to connect, and what he sees of his integration.

use super::scene::{
    Scene, USER, base, confirmation_key, connect, http, integration, integrations, sent_to, vend,
    with_sidecar,
};
use crate::support::{Config, Token, TokenServer, gateway::problem, new_tenant, now, soon};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use std::collections::HashSet;

async fn ticket(scene: &Scene, token: &Token) -> String {
    let request = scene.gateway.request("POST", "/v1/tickets").bearer_auth(token.mint());
    let answer = soon("a ticket", request.send()).await.unwrap();
    assert_eq!(answer.status(), StatusCode::CREATED);
    assert_eq!(answer.headers()["cache-control"], "no-store");
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["expires_in"], 30);
    body["ticket"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_user_is_sent_to_the_portal_with_a_key_and_a_way_back() {
    let scene = Scene::living(300).await;
    let answer = connect(&scene.gateway, "", Some(&scene.token(USER))).await;
    let location = answer.headers()["location"].to_str().unwrap().to_owned();
    assert!(location.starts_with(&scene.telsmart.url("/mytelsmart/callpop?")), "{location}");
    assert_eq!(answer.headers()["cache-control"], "no-store");
    let fields = sent_to(&answer);
    assert_eq!(fields["redirect_url"], format!("{}/integrations", base(&scene.gateway)));
    assert!(fields["confirmation_key"].len() >= 22, "128 bits");
    let stands = scene.integration(USER).await;
    assert_eq!(
        (&stands["status"], &stands["tenant_id"], &stands["extension"], &stands["provider"]),
        (&json!("pending"), &json!(scene.tenant), &json!(USER), &json!("telsmart"))
    );
    let mut keys = HashSet::new();
    for _ in 0..20 {
        assert!(keys.insert(confirmation_key(&scene.gateway, &scene.token(USER)).await));
    }
}

#[tokio::test]
async fn the_whole_way_through_the_portal_ends_with_an_active_integration() {
    let scene = Scene::living(300).await;
    let scene = Scene { tenant: telsmart_tenant(&scene).await, ..scene };
    let fields = sent_to(&connect(&scene.gateway, "", Some(&scene.token(USER))).await);
    let decision = [
        ("confirmation_key", fields["confirmation_key"].as_str()),
        ("redirect_url", fields["redirect_url"].as_str()),
        ("extension", USER),
        ("decision", "allow"),
    ];
    let answer = scene.telsmart.post_form("/mytelsmart/callpop", &decision).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::SEE_OTHER, "{}", answer.text().await.unwrap());
    assert_eq!(scene.status(USER).await, "active");
    scene.is_well(USER).await;
}

/// The tenant whose users the portal knows.
async fn telsmart_tenant(scene: &Scene) -> String {
    let key = confirmation_key(&scene.gateway, &scene.token(USER)).await;
    let body = json!({"extension": USER, "confirmation_key": key});
    let answer = http().post(scene.telsmart.url("/telsmart/activate")).json(&body).send().await.unwrap();
    let sent: Value = answer.json().await.unwrap();
    assert_eq!(sent["status"], 403, "of another tenant");
    sent["body"]["tenant_id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_ticket_is_good_once() {
    let scene = Scene::living(300).await;
    let text = ticket(&scene, &scene.token(USER)).await;
    let query = format!("?ticket={text}");
    let key = sent_to(&connect(&scene.gateway, &query, None).await).remove("confirmation_key").unwrap();
    problem(connect(&scene.gateway, &query, None).await, 401).await;
    problem(connect(&scene.gateway, &query, Some(&scene.token(USER))).await, 401).await;
    assert_eq!(scene.telsmart.activate(&scene.tenant, USER, &key).await.status, Some(200));
    for unknown in ["", "?ticket=", "?ticket=unheard-of"] {
        problem(connect(&scene.gateway, unknown, None).await, 401).await;
    }
    let answer = scene.gateway.request("POST", "/v1/tickets").send().await.unwrap();
    problem(answer, 401).await;
}

#[tokio::test]
async fn a_ticket_is_good_for_thirty_seconds() {
    let scene = Scene::living(300).await;
    let text = ticket(&scene, &scene.token(USER)).await;
    let begun = now();
    crate::support::eventually_within(super::scene::PATIENCE, "30 s to pass", async || {
        (now() > begun + 30_100_000).then_some(())
    })
    .await;
    problem(connect(&scene.gateway, &format!("?ticket={text}"), None).await, 401).await;
}

#[tokio::test]
async fn the_extension_is_named_where_there_are_several_and_is_ones_own() {
    let scene = Scene::living(300).await;
    let both = Token::agent(&scene.tenant, &["200", "210"]);
    problem(connect(&scene.gateway, "", Some(&both)).await, 422).await;
    let key = sent_to(&connect(&scene.gateway, "?extension=210", Some(&both)).await);
    let consent = scene.telsmart.activate(&scene.tenant, "210", &key["confirmation_key"]).await;
    assert_eq!(consent.status, Some(200));
    problem(connect(&scene.gateway, "?extension=220", Some(&both)).await, 403).await;
    let text = ticket(&scene, &both).await;
    problem(connect(&scene.gateway, &format!("?ticket={text}&extension=220"), None).await, 403).await;
    problem(connect(&scene.gateway, "", Some(&Token::agent(&scene.tenant, &[]))).await, 403).await;
    problem(connect(&scene.gateway, "", Some(&Token::service(&scene.tenant))).await, 403).await;
    let all = integrations(&scene.gateway, &both).await;
    let shown: Vec<_> = all.iter().map(|one| (one["extension"].as_str(), one["status"].as_str())).collect();
    assert_eq!(shown, [(Some("210"), Some("active"))]);
}

#[tokio::test]
async fn the_way_back_is_ours_or_of_an_allowed_origin() {
    let telsmart = TokenServer::start("").await;
    let config = with_sidecar(Config::new(), &telsmart)
        .set("auth.allowed_origins", vec!["https://crm.example.com"])
        .set("public_url", "https://calls.example.com");
    let gateway = config.start().await;
    let scene = Scene::on(telsmart, config, gateway).await;
    let token = scene.token(USER);
    let asked = async |url: &str| {
        let query = serde_urlencoded::to_string([("redirect_url", url)]).unwrap();
        connect(&scene.gateway, &format!("?{query}"), Some(&token)).await
    };
    for (wanted, back) in [
        ("https://crm.example.com/a?b=c", "https://crm.example.com/a?b=c"),
        ("https://calls.example.com/page", "https://calls.example.com/page"),
        ("/page", "https://calls.example.com/page"),
    ] {
        assert_eq!(sent_to(&asked(wanted).await)["redirect_url"], back);
    }
    for bad in [
        "https://evil.example.com/",
        "http://crm.example.com/",
        "https://crm.example.com:8443/",
        "https://crm.example.com.evil.example.com/",
        "https://crm.example.com@evil.example.com/",
        "//evil.example.com/",
        "/\\evil.example.com/",
        "javascript:alert(1)",
        "data:text/html,x",
    ] {
        assert_eq!(asked(bad).await.status(), 403, "{bad}");
    }
}

#[tokio::test]
async fn integrations_never_show_a_token_and_nobody_elses() {
    let scene = Scene::living(300).await;
    let consent = scene.activate(USER).await;
    scene.activate("210").await;
    let answer = scene.gateway.request("GET", "/v1/integrations").bearer_auth(scene.token(USER).mint());
    let answer = answer.send().await.unwrap();
    assert_eq!(answer.headers()["cache-control"], "no-store");
    let text = answer.text().await.unwrap();
    for secret in [consent.access_token(), consent.refresh_token(), "tsa_", "tsr_", "\"210\""] {
        assert!(!text.contains(secret), "{text}");
    }
    let shown = integration(&scene.gateway, &scene.token(USER)).await;
    let ends_at = shown["access_token_expires_at"].as_u64().unwrap();
    assert!((now() / 1_000_000 + 290..=now() / 1_000_000 + 300).contains(&ends_at));
    assert!(now() - shown["since"].as_u64().unwrap() < 10_000_000);
    for other in [Token::agent(&new_tenant(), &[USER]), scene.token("220"), Token::supervisor(&scene.tenant)]
    {
        assert!(integrations(&scene.gateway, &other).await.is_empty());
    }
    for bad in
        [scene.token(USER).expiring_in(-120), scene.token(USER).secret("another secret of enough length!!")]
    {
        let request = scene.gateway.request("GET", "/v1/integrations").bearer_auth(bad.mint());
        problem(request.send().await.unwrap(), 401).await;
    }
    assert_eq!(vend(&scene.gateway, &new_tenant(), USER).await.status(), 409);
}

/// Of every kind of request of a page: the method and the path.
const OF_PAGES: [[&str; 2]; 4] = [
    ["GET", "/v1/integrations"],
    ["GET", "/v1/contacts"],
    ["POST", "/v1/tickets"],
    ["POST", "/integrations/telsmart/disconnect"],
];

/// What a browser asks before it lets a page of an origin make that request.
async fn preflight(scene: &Scene, [method, path]: [&str; 2], origin: &str) -> Response {
    let request = scene.gateway.request("OPTIONS", path).header("Origin", origin);
    let request = request.header("Access-Control-Request-Method", method);
    let request = request.header("Access-Control-Request-Headers", "authorization,content-type");
    soon("what is allowed", request.send()).await.unwrap()
}

/// The request itself, by the user.
async fn from_page(scene: &Scene, [method, path]: [&str; 2], origin: &str) -> Response {
    let request = scene.gateway.request(method, path).header("Origin", origin);
    soon("the answer", request.bearer_auth(scene.token(USER).mint()).send()).await.unwrap()
}

/// The origin of the pages that may read an answer.
fn readable_by(answer: &Response) -> Option<&str> {
    assert!(!answer.headers().contains_key("access-control-allow-credentials"), "{answer:?}");
    Some(answer.headers().get("access-control-allow-origin")?.to_str().unwrap())
}

#[tokio::test]
async fn only_pages_of_listed_origins_may_ask() {
    const LISTED: [&str; 2] = ["https://crm.example", "https://desk.example:8443"];
    const OTHERS: [&str; 7] = [
        "https://evil.example",
        "http://crm.example",
        "https://crm.example:8443",
        "https://crm.example.evil.example",
        "https://evilcrm.example",
        "https://desk.example",
        "null",
    ];
    let scene = Scene::begin_by("", |config| config.set("auth.allowed_origins", LISTED.to_vec())).await;
    for request in OF_PAGES {
        for origin in LISTED {
            let allowed = preflight(&scene, request, origin).await;
            assert_eq!(readable_by(&allowed), Some(origin), "{request:?}");
            let says = |name: &str| allowed.headers()[name].to_str().unwrap().to_lowercase();
            assert!(says("access-control-allow-methods").contains(&request[0].to_lowercase()), "{allowed:?}");
            assert!(says("access-control-allow-headers").contains("authorization"), "{allowed:?}");
            assert_eq!(readable_by(&from_page(&scene, request, origin).await), Some(origin), "{request:?}");
        }
        for origin in OTHERS {
            assert_eq!(readable_by(&preflight(&scene, request, origin).await), None, "{request:?}, {origin}");
            assert_eq!(readable_by(&from_page(&scene, request, origin).await), None, "{request:?}, {origin}");
        }
    }
}

#[tokio::test]
async fn where_no_origin_is_listed_no_page_of_elsewhere_may_ask() {
    let scene = Scene::begin("").await;
    for request in OF_PAGES {
        for origin in ["https://evil.example", "null"] {
            assert_eq!(readable_by(&preflight(&scene, request, origin).await), None, "{request:?}, {origin}");
            assert_eq!(readable_by(&from_page(&scene, request, origin).await), None, "{request:?}, {origin}");
        }
    }
}

/// How often a user was answered before he was told to wait. Fails where that is not his rate:
/// sixty at once, and one more with each second.
async fn until_too_many(what: &str, begin: impl AsyncFn() -> Response) {
    let began = now();
    for taken in 0.. {
        let answer = begin().await;
        let seconds = (now() - began) / 1_000_000;
        if answer.status() == StatusCode::TOO_MANY_REQUESTS {
            assert!(taken >= 60, "{what}: refused after {taken}");
            assert!(answer.headers().contains_key("retry-after"), "{answer:?}");
            problem(answer, 429).await;
            return;
        }
        assert!([StatusCode::CREATED, StatusCode::SEE_OTHER].contains(&answer.status()), "{answer:?}");
        assert!(taken <= 60 + seconds, "{what}: {taken} were taken in {seconds} s");
    }
}

#[tokio::test]
async fn each_user_begins_sixty_times_a_minute() {
    let scene = Scene::begin("").await;
    let ticket = async |token: &Token| {
        let request = scene.gateway.request("POST", "/v1/tickets").bearer_auth(token.mint());
        soon("a ticket", request.send()).await.unwrap()
    };
    let ann = scene.token(USER).claim("sub", "ann");
    until_too_many("tickets", async || ticket(&ann).await).await;
    // A colleague has a rate of his own, and so has whoever is called the same in another tenant.
    let bob = scene.token(USER).claim("sub", "bob");
    until_too_many("a colleague's connects", async || connect(&scene.gateway, "", Some(&bob)).await).await;
    let other = Token::agent(&new_tenant(), &[USER]).claim("sub", "ann");
    until_too_many("another tenant's tickets", async || ticket(&other).await).await;
}
