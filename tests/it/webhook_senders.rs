//! Who may send webhooks: secrets, addresses, rates.

use crate::support::{Config, Gateway, Leg, gateway::problem, new_tenant, raw::Raw, token::WEBHOOK_SECRET};
use reqwest::{
    RequestBuilder, Response,
    header::{CONTENT_TYPE, HeaderValue},
};

const OTHER_SECRET: &str = "webhook-secret-two-9876543210";

/// A webhook that would be taken if it came with the right secret.
fn unsigned(gateway: &Gateway) -> RequestBuilder {
    let event = Leg::inbound(&new_tenant(), "200").ringing(0);
    gateway
        .request("POST", "/webhooks/telsmart")
        .header(CONTENT_TYPE, "application/json")
        .body(event.to_string())
}

async fn signed(gateway: &Gateway, secret: &str) -> Response {
    unsigned(gateway).header("X-Webhook-Secret", secret).send().await.unwrap()
}

#[tokio::test]
async fn a_wrong_or_missing_secret_is_401() {
    let gateway = Gateway::new().await;
    let tenant = new_tenant();
    let event = Leg::inbound(&tenant, "200").ringing(0);
    let longer = format!("{WEBHOOK_SECRET}x");
    for wrong in ["", "x", &WEBHOOK_SECRET[1..], &longer, &WEBHOOK_SECRET.to_uppercase()] {
        let request = gateway.request("POST", "/webhooks/telsmart").header("X-Webhook-Secret", wrong);
        problem(request.json(&event).send().await.unwrap(), 401).await;
    }
    problem(unsigned(&gateway).send().await.unwrap(), 401).await;
    problem(unsigned(&gateway).bearer_auth(WEBHOOK_SECRET).send().await.unwrap(), 401).await;
    assert!(gateway.supervisor(&tenant).await.calls.is_empty());
}

#[tokio::test]
async fn a_part_of_the_secret_is_401() {
    let gateway = Gateway::new().await;
    for at in 0..WEBHOOK_SECRET.len() {
        problem(signed(&gateway, &WEBHOOK_SECRET[..at]).await, 401).await;
        problem(signed(&gateway, &WEBHOOK_SECRET[at + 1..]).await, 401).await;
    }
    assert_eq!(signed(&gateway, WEBHOOK_SECRET).await.status(), 204);
}

#[tokio::test]
async fn two_secrets_live_while_rotating() {
    let config = Config::new().set("sources.telsmart.secrets", vec![WEBHOOK_SECRET, OTHER_SECRET]);
    let gateway = config.start().await;
    for secret in [WEBHOOK_SECRET, OTHER_SECRET] {
        assert_eq!(signed(&gateway, secret).await.status(), 204);
    }
    problem(signed(&gateway, "webhook-secret-three").await, 401).await;
}

#[tokio::test]
async fn the_secret_is_in_the_header_agreed_at_onboarding() {
    let gateway = Config::new().set("sources.telsmart.header", "X-Telsmart-Key").start().await;
    problem(signed(&gateway, WEBHOOK_SECRET).await, 401).await;
    let agreed = unsigned(&gateway).header("x-telsmart-key", WEBHOOK_SECRET).send().await.unwrap();
    assert_eq!(agreed.status(), 204);
}

#[tokio::test]
async fn nothing_else_is_looked_at_before_the_secret() {
    let gateway = Gateway::new().await;
    for (kind, body) in [("application/json", "{"), ("text/plain", "{}"), ("application/json", "{}")] {
        let request = gateway.request("POST", "/webhooks/telsmart").header(CONTENT_TYPE, kind).body(body);
        problem(request.header("X-Webhook-Secret", "wrong").send().await.unwrap(), 401).await;
    }
}

#[tokio::test]
async fn a_bad_secret_is_401_before_any_of_the_body_is_read() {
    let gateway = Gateway::new().await;
    for lines in ["Content-Length: 9000000000", "Content-Length: 200", "Transfer-Encoding: chunked"] {
        let mut raw = Raw::begin_webhook(gateway.public, "wrong", lines).await;
        assert_eq!(raw.reply().await.status, 401, "{lines}");
    }
    let endless = Raw::begin_webhook(gateway.public, "wrong", "Transfer-Encoding: chunked").await;
    assert_eq!(endless.send_chunks_for_ever().await.status, 401);
}

#[tokio::test]
async fn a_client_that_asks_first_learns_of_its_bad_secret_without_sending() {
    let gateway = Gateway::new().await;
    let lines = "Content-Length: 200\r\nExpect: 100-continue";
    let mut bad = Raw::begin_webhook(gateway.public, "wrong", lines).await;
    assert_eq!(bad.reply().await.status, 401);
    let mut good = Raw::begin_good_webhook(gateway.public, lines).await;
    assert_eq!(good.reply().await.status, 100);
}

#[tokio::test]
async fn an_address_that_is_not_on_the_list_is_403() {
    let gateway = Config::new().set("sources.telsmart.allow_ips", vec!["192.0.2.0/24"]).start().await;
    problem(signed(&gateway, WEBHOOK_SECRET).await, 403).await;
    problem(signed(&gateway, "wrong").await, 401).await;
    let forged = unsigned(&gateway)
        .header("X-Webhook-Secret", WEBHOOK_SECRET)
        .header("X-Forwarded-For", "192.0.2.7")
        .send()
        .await
        .unwrap();
    problem(forged, 403).await;
}

#[tokio::test]
async fn an_address_on_the_list_is_taken() {
    let listed = vec!["192.0.2.0/24", "127.0.0.0/8"];
    let gateway = Config::new().set("sources.telsmart.allow_ips", listed).start().await;
    assert_eq!(signed(&gateway, WEBHOOK_SECRET).await.status(), 204);
}

#[tokio::test]
async fn trusted_proxies_are_walked_from_the_right() {
    let gateway = Config::new()
        .set("trusted_proxies", vec!["127.0.0.0/8", "10.0.0.0/8"])
        .set("sources.telsmart.allow_ips", vec!["192.0.2.0/24", "2001:db8::/32"])
        .start()
        .await;
    let cases = [
        (&["192.0.2.7"][..], 204),
        (&["192.0.2.7, 10.1.2.3"], 204),
        (&["198.51.100.1, 192.0.2.7, 10.1.2.3"], 204),
        (&["198.51.100.1", "192.0.2.7", "10.1.2.3"], 204),
        (&["2001:db8::1"], 204),
        // What stands left of the first untrusted address is the sender's own claim.
        (&["192.0.2.7, 198.51.100.1"], 403),
        (&["192.0.2.7, 198.51.100.1, 10.1.2.3"], 403),
        (&["192.0.2.7", "198.51.100.1"], 403),
        (&["192.0.2.7, nonsense"], 403),
        (&[], 403),
    ];
    for (forwarded, status) in cases {
        let mut request = unsigned(&gateway).header("X-Webhook-Secret", WEBHOOK_SECRET);
        for line in forwarded {
            request = request.header("X-Forwarded-For", *line);
        }
        assert_eq!(request.send().await.unwrap().status(), status, "{forwarded:?}");
    }
    // Whatever a sender puts there does not hide what a proxy has added.
    let garbled = HeaderValue::from_bytes(b"\xff, 192.0.2.7").unwrap();
    let request = unsigned(&gateway).header("X-Webhook-Secret", WEBHOOK_SECRET);
    assert_eq!(request.header("X-Forwarded-For", garbled).send().await.unwrap().status(), 204);
}

#[tokio::test]
async fn too_many_requests_are_429_with_retry_after() {
    let gateway = Config::new().set("sources.telsmart.rate_limit", 5).start().await;
    let answers: Vec<Response> =
        futures_util::future::join_all((0..60).map(|_| signed(&gateway, WEBHOOK_SECRET))).await;
    let (refused, taken): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status() != 204);
    assert!(!taken.is_empty() && taken.len() <= 20, "{} were taken", taken.len());
    for answer in refused {
        let retry_after: u64 = answer.headers()["Retry-After"].to_str().unwrap().parse().unwrap();
        assert!((1..=60).contains(&retry_after));
        problem(answer, 429).await;
    }
}

#[tokio::test]
async fn the_rate_is_counted_for_each_client_address() {
    let gateway = Config::new()
        .set("trusted_proxies", vec!["127.0.0.0/8"])
        .set("sources.telsmart.rate_limit", 1)
        .start()
        .await;
    let from = async |address: String| {
        let request = unsigned(&gateway).header("X-Webhook-Secret", WEBHOOK_SECRET);
        request.header("X-Forwarded-For", address).send().await.unwrap().status()
    };
    let all = (1..=30).map(|host| from(format!("198.51.100.{host}")));
    for status in futures_util::future::join_all(all).await {
        assert_eq!(status, 204);
    }
}

#[tokio::test]
async fn a_head_is_at_most_64_kib() {
    let gateway = Gateway::new().await;
    for address in [gateway.public, gateway.admin] {
        let mut stranger = Raw::open(address).await;
        let endless = format!("GET /healthz HTTP/1.1\r\nHost: callpop\r\nX-Long: {}", "x".repeat(100 * 1024));
        stranger.send(endless.as_bytes()).await;
        assert_eq!(stranger.reply().await.status, 431, "without an end of the head");
        let mut other = Raw::open(address).await;
        let long = format!("GET / HTTP/1.1\r\nHost: callpop\r\nX-Long: {}\r\n\r\n", "x".repeat(40 * 1024));
        other.send(long.as_bytes()).await;
        assert_ne!(other.reply().await.status, 431, "a token may have 32 KiB");
    }
}
