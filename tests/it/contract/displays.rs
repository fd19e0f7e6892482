//! Displays: how a screen is paired, whom its secret lets in, and who may say so.

mod bounds;

use super::{config, engine};
use crate::support::{
    Engine, Gateway, Token,
    connect::Connect,
    displays::{
        Paired, answer, as_user, begin, code, for_screens, ids, is_known, list, pair, poll, revoke, said,
        sent, showing, told,
    },
    eventually,
    gateway::problem,
    new_tenant, now, redis,
};
use futures_util::future::join_all;
use reqwest::header;
use serde_json::{Value, json};

async fn gateway() -> Gateway {
    for_screens(config().await).start().await
}

fn boss(tenant: &str) -> Token {
    Token::supervisor(tenant)
}

#[tokio::test]
async fn a_screen_becomes_a_display_when_a_supervisor_enters_its_code() {
    let gateway = gateway().await;
    let (tenant, before) = (new_tenant(), now());
    let begun = begin(&gateway).await;
    let code = begun["code"].as_str().unwrap();
    assert_eq!((code.len(), &begun["expires_in"]), (8, &json!(300)));
    let polled = begun["poll"].as_str().unwrap();
    assert!(polled.len() >= 22, "at least 128 bits: {polled}");
    let waiting = said(poll(&gateway, polled).await, 200).await;
    assert_eq!(waiting["state"], "waiting");
    assert!((240..=300).contains(&waiting["expires_in"].as_u64().unwrap()), "{waiting}");

    let typed = format!(" {}-{} ", code[..4].to_lowercase(), &code[4..]);
    let wish = json!({"code": typed, "name": "Hal 2", "groups": ["verkoop", "nord é"], "language": "nl"});
    let display = said(answer(&gateway, &boss(&tenant), &wish).await, 201).await;
    assert!((before..=now()).contains(&display["paired_at"].as_u64().unwrap()));
    let as_wished = json!({
        "display_id": display["display_id"], "name": "Hal 2", "groups": ["verkoop", "nord é"],
        "language": "nl", "paired_at": display["paired_at"], "last_seen_at": null,
    });
    assert_eq!(display, as_wished);
    assert_eq!(list(&gateway, &tenant).await, [as_wished]);

    // An answer may be lost: the next one is the same.
    let first = poll(&gateway, polled).await;
    assert_eq!(first.headers()[header::CACHE_CONTROL], "no-store");
    let first = said(first, 200).await;
    let secret = first["secret"].as_str().unwrap();
    assert!(secret.len() >= 43, "at least 256 bits");
    let expected = json!({
        "state": "paired", "secret": secret, "tenant_id": tenant, "display_id": display["display_id"],
        "name": "Hal 2", "groups": ["verkoop", "nord é"], "language": "nl",
    });
    assert_eq!(first, expected);
    assert_eq!(said(poll(&gateway, polled).await, 200).await, expected);

    // Until the secret is used.
    assert!(is_known(&gateway, secret).await);
    problem(poll(&gateway, polled).await, 410).await;
    let seen = list(&gateway, &tenant).await[0]["last_seen_at"].as_u64().unwrap();
    assert!((before..=now()).contains(&seen));
}

#[tokio::test]
async fn a_wish_has_defaults_and_the_latest_display_is_the_first_of_the_list() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    assert_eq!(list(&gateway, &tenant).await, [] as [Value; 0]);
    let mut expected = Vec::new();
    for wish in [json!({}), json!({"name": " ", "groups": []}), json!({"language": "fr"})] {
        let mut wish = wish;
        wish["code"] = json!(code(&gateway).await);
        expected.insert(0, said(answer(&gateway, &boss(&tenant), &wish).await, 201).await);
    }
    assert_eq!(list(&gateway, &tenant).await, expected);
    let plain = &expected[2];
    assert_eq!(
        (&plain["name"], &plain["groups"], &plain["language"]),
        (&json!(null), &json!([]), &json!("en"))
    );
    assert_eq!(expected[0]["language"], "fr");
}

#[tokio::test]
async fn a_code_is_good_once() {
    let gateway = gateway().await;
    let (tenant, other) = (new_tenant(), new_tenant());
    for _ in 0..5 {
        let begun = begin(&gateway).await;
        let body = json!({"code": begun["code"]});
        let bosses = [boss(&tenant), boss(&other), boss(&tenant), boss(&other)];
        let answers = join_all(bosses.iter().map(|boss| answer(&gateway, boss, &body))).await;
        let mut codes: Vec<u16> = answers.iter().map(|it| it.status().as_u16()).collect();
        codes.sort_unstable();
        assert_eq!(codes, [201, 409, 409, 409]);
        told(&gateway, &begun).await;
        problem(answer(&gateway, &boss(&tenant), &body).await, 409).await;
    }
    assert_eq!(ids(&gateway, &tenant).await.len() + ids(&gateway, &other).await.len(), 5);
}

#[tokio::test]
async fn displays_are_for_supervisors_alone() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let Paired { id, secret, .. } = pair(&gateway, &tenant).await;
    let body = json!({"code": code(&gateway).await});
    let one = format!("/{id}");
    for (method, path) in [("GET", ""), ("POST", ""), ("DELETE", one.as_str())] {
        for token in [Token::agent(&tenant, &["200"]), Token::service(&tenant)] {
            problem(sent(as_user(&gateway, method, path, &token).json(&body)).await, 403).await;
        }
        let path = format!("/v1/displays{path}");
        problem(sent(gateway.request(method, &path).json(&body)).await, 401).await;
        // A secret is no token.
        problem(sent(gateway.request(method, &path).bearer_auth(&secret).json(&body)).await, 401).await;
    }
    for path in ["/v1/directory", "/v1/summaries/telsmart/200/x"] {
        problem(sent(gateway.request("GET", path).bearer_auth(&secret)).await, 401).await;
    }
    // No token is a display's.
    let token = boss(&tenant).claim("role", "display");
    problem(sent(as_user(&gateway, "GET", "", &token)).await, 401).await;
    assert_eq!(gateway.stream(&token).refused().await, 4401);
    said(answer(&gateway, &boss(&tenant), &body).await, 201).await;
}

#[tokio::test]
async fn nobody_else_is_told_of_a_pairing() {
    let gateway = gateway().await;
    let begun = begin(&gateway).await;
    let other = begin(&gateway).await["poll"].as_str().unwrap().to_owned();
    let begun = begun["poll"].as_str().unwrap();
    let almost = format!("{}{}", &begun[..40], &other[40..]);
    for strange in [almost.as_str(), "x", "%00", "%ff", &"A".repeat(43), &"A".repeat(5000)] {
        problem(poll(&gateway, strange).await, 404).await;
    }
    assert_eq!(said(poll(&gateway, begun).await, 200).await["state"], "waiting");
}

#[tokio::test]
async fn a_display_that_is_revoked_is_no_more() {
    let gateway = gateway().await;
    let (tenant, other) = (new_tenant(), new_tenant());
    let (kept, gone) = (pair(&gateway, &tenant).await, pair(&gateway, &tenant).await);
    assert!(is_known(&gateway, &gone.secret).await && is_known(&gateway, &kept.secret).await);
    // What others have is not theirs to see or to revoke.
    assert_eq!(ids(&gateway, &other).await, [] as [String; 0]);
    problem(revoke(&gateway, &other, &gone.id).await, 404).await;
    for strange in ["x", "0", "%ff", &uuid::Uuid::new_v4().to_string()] {
        problem(revoke(&gateway, &tenant, strange).await, 404).await;
    }
    assert!(is_known(&gateway, &gone.secret).await);
    let revoked = revoke(&gateway, &tenant, &gone.id).await;
    assert_eq!((revoked.status().as_u16(), revoked.text().await.unwrap().as_str()), (204, ""));
    assert!(!is_known(&gateway, &gone.secret).await && is_known(&gateway, &kept.secret).await);
    assert_eq!(ids(&gateway, &tenant).await, [kept.id]);
    problem(revoke(&gateway, &tenant, &gone.id).await, 404).await;
    problem(poll(&gateway, &gone.poll).await, 410).await;
    problem(answer(&gateway, &boss(&tenant), &json!({"code": gone.code})).await, 409).await;
    assert!(!is_known(&gateway, &gone.secret).await);
}

#[tokio::test]
async fn one_that_is_revoked_before_its_screen_asks_gets_no_secret() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let begun = begin(&gateway).await;
    let display = said(answer(&gateway, &boss(&tenant), &json!({"code": begun["code"]})).await, 201).await;
    assert_eq!(revoke(&gateway, &tenant, display["display_id"].as_str().unwrap()).await.status(), 204);
    problem(poll(&gateway, begun["poll"].as_str().unwrap()).await, 410).await;
}

#[tokio::test]
async fn displays_are_still_there_after_a_kill_and_revoked_ones_are_not() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let (kept, gone) = (pair(&gateway, &tenant).await, pair(&gateway, &tenant).await);
    assert!(is_known(&gateway, &kept.secret).await);
    assert_eq!(revoke(&gateway, &tenant, &gone.id).await.status(), 204);
    let before = list(&gateway, &tenant).await;
    let mut gateway = gateway.restart_after_kill().await;
    // Once more, since the first start may have changed something.
    for _ in 0..2 {
        assert_eq!(list(&gateway, &tenant).await, before);
        assert!(is_known(&gateway, &kept.secret).await && !is_known(&gateway, &gone.secret).await);
        gateway = gateway.restart_after_kill().await;
    }
    assert_eq!(revoke(&gateway, &tenant, &kept.id).await.status(), 204);
    let gateway = gateway.restart_after_kill().await;
    assert_eq!(list(&gateway, &tenant).await, [] as [Value; 0]);
    assert!(!is_known(&gateway, &kept.secret).await);
}

#[tokio::test]
async fn one_that_is_not_used_is_gone() {
    let config = for_screens(config().await).set("displays.unused", "1s");
    let gateway = config.start().await;
    let tenant = new_tenant();
    let display = pair(&gateway, &tenant).await;
    eventually("it to be gone", async || ids(&gateway, &tenant).await.is_empty().then_some(())).await;
    assert!(!is_known(&gateway, &display.secret).await);
    pair(&gateway, &tenant).await;
}

#[tokio::test]
async fn those_who_show_no_secret_of_a_display_are_refused() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let display = pair(&gateway, &tenant).await;
    let other = pair(&gateway, &new_tenant()).await;
    let longer = format!("{}A", display.secret);
    // The one's own bits with the other's tenant.
    let mixed = format!("{}{}", &display.secret[..42], &other.secret[42..]);
    for strange in
        ["", "x", &display.secret[1..], &longer, &mixed, &display.id, &display.poll, &boss(&tenant).mint()]
    {
        assert_eq!(showing(&gateway, strange).refused().await, 4401, "{strange}");
    }
    let both = gateway.stream(&boss(&tenant)).display(&display.secret);
    assert_eq!(both.clone().refused().await, 4400);
    assert_eq!(both.with_header().refused().await, 4400);
    problem(showing(&gateway, "x").refused_plainly().await, 401).await;
    // As a token it is none.
    assert_eq!(gateway.stream_by(&display.secret).refused().await, 4401);
    // Whatever else than a board it asks for, it may not have.
    for scope in ["user", "tenant", "all"] {
        assert_eq!(showing(&gateway, &display.secret).scope(scope).refused().await, 4403, "{scope}");
    }
    let elsewhere = showing(&gateway, &display.secret).origin("https://evil.example");
    assert_eq!(elsewhere.refused().await, 4403);
}

#[tokio::test]
async fn nothing_that_is_kept_is_a_secret() {
    let config = for_screens(config().await).set("log.filter", "debug");
    let mut gateway = config.start().await;
    let tenant = new_tenant();
    let begun = begin(&gateway).await;
    let display = pair(&gateway, &tenant).await;
    assert!(is_known(&gateway, &display.secret).await);
    let mut kept = match engine() {
        Engine::Redis => in_redis(config.text("engine.redis_prefix")).await,
        _ => Vec::new(),
    };
    gateway.stop().await;
    if engine() == Engine::Embedded {
        kept = crate::support::store::files(&config.data_dir())
            .iter()
            .flat_map(|file| std::fs::read(file).unwrap())
            .collect();
    }
    if engine() != Engine::Cluster {
        assert!(contains(&kept, display.id.as_bytes()), "the display itself is there");
    }
    kept.extend(gateway.process.log().into_bytes());
    let raw = base64::Engine::decode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, &display.secret).unwrap();
    let waiting = begun["poll"].as_str().unwrap();
    for hidden in [
        display.secret.as_bytes(),
        &display.secret.as_bytes()[..40],
        &raw[..32],
        display.poll.as_bytes(),
        waiting.as_bytes(),
    ] {
        assert!(!contains(&kept, hidden), "{:?}", String::from_utf8_lossy(hidden));
    }
}

fn contains(all: &[u8], part: &[u8]) -> bool {
    all.windows(part.len()).any(|window| window == part)
}

/// All that is in Redis under a prefix.
async fn in_redis(prefix: &str) -> Vec<u8> {
    let server = redis::shared().await;
    let keys = server.command(&["KEYS", &format!("{prefix}:*")]).await;
    let mut all = String::new();
    for key in keys.as_array().unwrap().iter().map(|key| key.as_str().unwrap()) {
        let read = match server.command(&["TYPE", key]).await.as_str().unwrap() {
            "hash" => "HGETALL",
            "string" => "GET",
            _ => continue,
        };
        all += &format!("{key} {}\n", server.command(&[read, key]).await);
    }
    all.into_bytes()
}

#[tokio::test]
async fn a_page_of_an_allowed_origin_may_revoke() {
    let page = "https://board.example";
    let config = for_screens(config().await).set("auth.allowed_origins", vec![page]);
    let gateway = config.start().await;
    for (origin, is_allowed) in [(page, true), ("https://evil.example", false)] {
        let request = gateway.request("OPTIONS", "/v1/displays/x").header(header::ORIGIN, origin);
        let answer = sent(request.header("Access-Control-Request-Method", "DELETE")).await;
        let allowed = answer.headers().get("access-control-allow-methods").map(|it| it.to_str().unwrap());
        assert!(allowed.is_none_or(|it| it.contains("DELETE")));
        assert_eq!(answer.headers().get("access-control-allow-origin").is_some(), is_allowed);
    }
}

#[tokio::test]
async fn pairings_are_counted() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    pair(&gateway, &tenant).await;
    begin(&gateway).await;
    problem(answer(&gateway, &boss(&tenant), &json!({"code": "AAAACCCC"})).await, 404).await;
    let metrics = gateway.operator("/metrics").await.text().await.unwrap();
    for (result, count) in [("started", 2), ("answered", 1), ("expired", 0), ("wrong_code", 1)] {
        let line = format!("callpop_display_pairings_total{{result=\"{result}\"}} {count}\n");
        assert!(metrics.contains(&line), "{line}");
    }
    assert_eq!(Connect::new(gateway.public, None).refused().await, 4401);
}
