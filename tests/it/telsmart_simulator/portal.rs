//! MyTelsmart's pages, as a browser without scripts sees them.

use super::{Client, TokenServer};
use crate::support::soon;
use reqwest::Response;

const KEY: &str = "the-key";

struct Portal {
    telsmart: TokenServer,
    client: Client,
}

impl Portal {
    async fn begin() -> Self {
        let (telsmart, client) = (TokenServer::start("--slug my-app").await, Client::start().await);
        telsmart.call_back(&client.url).await;
        Self { telsmart, client }
    }

    async fn get(&self, path: &str) -> Response {
        soon(path, self.telsmart.http.get(self.telsmart.url(path)).send()).await.unwrap()
    }

    async fn ask(&self, fields: &[(&str, &str)]) -> Response {
        self.get(&format!("/mytelsmart/my-app?{}", serde_urlencoded::to_string(fields).unwrap())).await
    }

    async fn decide(&self, decision: &str, redirect_url: &str) -> Response {
        let form = [
            ("confirmation_key", KEY),
            ("redirect_url", redirect_url),
            ("extension", "210"),
            ("decision", decision),
        ];
        soon("the decision", self.telsmart.post_form("/mytelsmart/my-app", &form).send()).await.unwrap()
    }

    async fn connections(&self) -> String {
        self.get("/mytelsmart/my-app/connections").await.text().await.unwrap()
    }
}

fn policy(page: &Response) -> String {
    page.headers()["content-security-policy"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn who_allows_is_connected_and_sent_back() {
    let portal = Portal::begin().await;
    let back = format!("{}/done?a=1&b=2#c", portal.client.url);
    let page = portal.ask(&[("confirmation_key", KEY), ("redirect_url", &back), ("extension", "210")]).await;
    assert_eq!(page.status(), 200);
    assert!(
        policy(&page).ends_with(&format!("form-action 'self' {}", portal.client.url)),
        "{}",
        policy(&page)
    );
    let html = page.text().await.unwrap();
    assert!(
        html.contains("value=\"210\" required checked>") && html.contains("value=\"200\" required>"),
        "{html}"
    );
    let sent = portal.decide("allow", &back).await;
    assert_eq!((sent.status().as_u16(), sent.headers()["location"].to_str().unwrap()), (303, back.as_str()));
    let (path, body) = portal.client.got().pop().unwrap();
    assert_eq!(path, "/integrations/telsmart/activate");
    assert_eq!((&body["user_extension"], &body["confirmation_key"]), (&"210".into(), &KEY.into()));

    // Connected twice is shown once, and disconnected at once.
    portal.decide("allow", &back).await;
    assert_eq!(portal.connections().await.matches("Extension 210").count(), 1);
    let tenant = body["tenant_id"].as_str().unwrap();
    let user = [("tenant_id", tenant), ("extension", "210")];
    let done = portal.telsmart.post_form("/mytelsmart/my-app/deactivate", &user).send().await.unwrap();
    assert_eq!(
        (done.status().as_u16(), &done.headers()["location"]),
        (303, &"/mytelsmart/my-app/connections".parse().unwrap())
    );
    assert!(!portal.connections().await.contains("Extension"));
    assert_eq!(portal.telsmart.summary().await["revoked"]["portal"], 2);
    assert_eq!(portal.client.got().len(), 3);
}

#[tokio::test]
async fn who_denies_stays_and_nobody_is_told() {
    let portal = Portal::begin().await;
    let page = portal.decide("deny", &portal.client.url).await;
    assert_eq!(page.status(), 200);
    assert!(page.text().await.unwrap().contains("given nothing"));
    assert!(portal.client.got().is_empty());
    assert_eq!(portal.telsmart.summary().await["families"], 0);
}

#[tokio::test]
async fn a_failed_activation_says_how_it_was_answered() {
    let portal = Portal::begin().await;
    for status in [201, 403, 500] {
        portal.client.answers(status);
        let page = portal.decide("allow", &portal.client.url).await;
        assert_eq!((page.status().as_u16(), page.headers().get("location")), (502, None));
        assert!(page.text().await.unwrap().contains(&format!("<strong>{status}</strong>")));
    }
    portal.telsmart.call_back("http://127.0.0.1:9").await;
    let page = portal.decide("allow", &portal.client.url).await;
    assert!(page.text().await.unwrap().contains("could not be reached"));
    assert!(portal.connections().await.contains("Nobody"));
}

#[tokio::test]
async fn a_disconnection_that_is_not_confirmed_ends_the_tokens_all_the_same() {
    let portal = Portal::begin().await;
    portal.decide("allow", &portal.client.url).await;
    let tenant = portal.client.got()[0].1["tenant_id"].as_str().unwrap().to_owned();
    portal.client.answers(503);
    let user = [("tenant_id", tenant.as_str()), ("extension", "210")];
    let page = portal.telsmart.post_form("/mytelsmart/my-app/deactivate", &user).send().await.unwrap();
    assert_eq!(page.status(), 502);
    assert!(page.text().await.unwrap().contains("<strong>503</strong>"));
    assert_eq!(portal.telsmart.summary().await["active"], 0);
}

#[tokio::test]
async fn hostile_values_are_escaped_or_refused() {
    let portal = Portal::begin().await;
    let hostile = "\"><script>alert(1)</script><input value='";
    let back = format!("{}/?x={hostile}", portal.client.url);
    let page =
        portal.ask(&[("confirmation_key", hostile), ("redirect_url", &back), ("extension", hostile)]).await;
    assert_eq!(page.status(), 200);
    let html = page.text().await.unwrap();
    assert!(!html.contains("<script") && html.contains("&lt;script&gt;"), "{html}");
    assert_eq!(html.matches("<input").count(), 4);

    for url in [
        "javascript:alert(1)",
        "data:text/html,x",
        "/here",
        "//there",
        "http://a;script-src%20*/",
        "http://a,b/",
        "",
    ] {
        let page = portal.ask(&[("confirmation_key", KEY), ("redirect_url", url)]).await;
        assert_eq!(page.status(), 400, "{url}");
        assert!(policy(&page).starts_with("default-src 'none'; style-src 'sha256-"));
        assert!(policy(&page).ends_with("form-action 'self'"));
        assert_eq!(portal.decide("allow", url).await.status(), 400, "{url}");
    }
    for fields in [&[][..], &[("redirect_url", "http://a/")], &[("confirmation_key", KEY)]] {
        assert_eq!(portal.ask(fields).await.status(), 400, "{fields:?}");
    }
    assert_eq!(portal.decide("perhaps", "http://a/").await.status(), 400);
    let nobody = [
        ("confirmation_key", KEY),
        ("redirect_url", "http://a/"),
        ("extension", "999"),
        ("decision", "allow"),
    ];
    let answer = portal.telsmart.post_form("/mytelsmart/my-app", &nobody).send().await.unwrap();
    assert_eq!(answer.status(), 400);
    for path in ["/mytelsmart/another", "/mytelsmart/another/connections", "/mytelsmart/%3Cscript%3E"] {
        let page = portal.get(path).await;
        assert_eq!(page.status(), 404);
        assert!(!page.text().await.unwrap().contains("script>"));
    }
    assert!(portal.client.got().is_empty());
}
