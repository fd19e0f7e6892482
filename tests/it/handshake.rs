//! Who may open a stream, and how the others are told.

use crate::support::{
    Client, Config, Gateway, Leg, Token, connect::Connect, eventually, gateway::problem, new_tenant, oracle,
    token::SECRET,
};
use futures_util::future::join_all;
use serde_json::{Value, json};

/// Tokens that nobody may come in with.
fn bad_tokens() -> Vec<(&'static str, String)> {
    let agent = || Token::agent(&new_tenant(), &["200"]);
    let good = agent().mint();
    let (start, signature) = good.rsplit_once('.').unwrap();
    let mut unsigned = start.to_owned();
    unsigned.push('.');
    let other_payload = format!("{}.{signature}", agent().mint().rsplit_once('.').unwrap().0);
    vec![
        ("alg none", agent().mint_unsigned()),
        ("no signature", unsigned),
        ("another's signature", other_payload),
        ("expired", agent().expiring_in(-100).mint()),
        ("just expired", agent().expiring_in(-2).mint()),
        ("without exp", agent().without("exp").mint()),
        ("exp is text", agent().claim("exp", "tomorrow").mint()),
        ("not yet valid", agent().claim("nbf", u32::MAX).mint()),
        ("wrong secret", agent().secret("another-secret-of-forty-characters-long!").mint()),
        ("empty secret", agent().secret("").mint()),
        ("without tenant_id", agent().without("tenant_id").mint()),
        ("without sub", agent().without("sub").mint()),
        ("extensions is no list", agent().claim("extensions", "200").mint()),
        ("role is unknown", agent().claim("role", "root").mint()),
        ("not a token", "nonsense".to_owned()),
        ("three empty parts", "..".to_owned()),
    ]
}

#[tokio::test]
async fn a_bad_token_is_4401_after_the_upgrade() {
    let gateway = Gateway::new().await;
    for (what, token) in bad_tokens() {
        assert_eq!(gateway.stream_by(&token).refused().await, 4401, "{what}");
        assert_eq!(gateway.stream_by(&token).with_header().refused().await, 4401, "{what}, in the header");
    }
    assert_eq!(Connect::new(gateway.public, None).refused().await, 4401, "no token");
}

#[tokio::test]
async fn a_bad_token_is_plain_401_for_those_who_do_not_offer_the_subprotocol() {
    let gateway = Gateway::new().await;
    for (what, token) in bad_tokens() {
        let answer = gateway.stream_by(&token).with_header().refused_plainly().await;
        assert_eq!(answer.status(), 401, "{what}");
        problem(answer, 401).await;
    }
    problem(Connect::new(gateway.public, None).refused_plainly().await, 401).await;
}

#[tokio::test]
async fn other_hmac_algorithms_are_refused() {
    let gateway = Gateway::new().await;
    let key = jsonwebtoken::EncodingKey::from_secret(SECRET.as_bytes());
    for algorithm in [jsonwebtoken::Algorithm::HS384, jsonwebtoken::Algorithm::HS512] {
        let token = Token::agent(&new_tenant(), &["200"]).mint_as(algorithm, None, &key);
        assert_eq!(gateway.stream_by(&token).refused().await, 4401, "{algorithm:?}");
    }
}

#[tokio::test]
async fn what_is_not_allowed_is_4403_or_plain_403() {
    let gateway = Gateway::new().await;
    let tenant = new_tenant();
    let agent = gateway.stream(&Token::agent(&tenant, &["200"]));
    let cases = [
        ("an agent who asks for the tenant", agent.clone().scope("tenant")),
        ("a server", gateway.stream(&Token::service(&tenant))),
        ("a server that asks for the tenant", gateway.stream(&Token::service(&tenant)).scope("tenant")),
        ("a page of elsewhere", agent.clone().origin("https://evil.example")),
        ("a page without an origin of its own", agent.clone().origin("null")),
    ];
    for (what, connect) in cases {
        assert_eq!(connect.clone().refused().await, 4403, "{what}");
        problem(connect.with_header().refused_plainly().await, 403).await;
    }
}

#[tokio::test]
async fn a_handshake_that_makes_no_sense_is_refused() {
    let gateway = Gateway::new().await;
    let agent = gateway.stream(&Token::agent(&new_tenant(), &["200"]));
    for scope in ["everything", "", "USER"] {
        assert_eq!(agent.clone().scope(scope).refused().await, 4400, "scope={scope}");
    }
}

#[tokio::test]
async fn a_page_of_the_same_origin_is_let_in() {
    let gateway = Gateway::new().await;
    let agent = gateway.stream(&Token::agent(&new_tenant(), &["200"]));
    agent.clone().origin(&format!("http://{}", gateway.public)).open().await.assert_open().await;
    let other_port = format!("http://127.0.0.1:{}", gateway.admin.port());
    for elsewhere in [&other_port, "http://127.0.0.1", "http://localhost"] {
        assert_eq!(agent.clone().origin(elsewhere).refused().await, 4403, "{elsewhere}");
    }
}

#[tokio::test]
async fn a_page_whose_origin_only_looks_like_ours_is_refused() {
    let gateway = Gateway::new().await;
    let agent = gateway.stream(&Token::agent(&new_tenant(), &["200"]));
    let ours = gateway.public;
    let near = [
        format!("http://{ours}.evil.example"),
        format!("http://{ours}@evil.example"),
        format!("http://{ours}0"),
        format!("http://evil.example.{ours}"),
        format!("http://evil.example@{ours}"),
        format!("http://evil.example#{ours}"),
        format!("http://{ours}/"),
        format!("{ours}"),
    ];
    for origin in near {
        assert_eq!(agent.clone().origin(&origin).refused().await, 4403, "{origin}");
    }
}

#[tokio::test]
async fn allowed_origins_are_let_in_and_no_others() {
    let allowed = vec!["https://crm.example", "https://desk.example:8443"];
    let gateway = Config::new().set("auth.allowed_origins", allowed).start().await;
    let agent = gateway.stream(&Token::agent(&new_tenant(), &["200"]));
    for origin in ["https://crm.example", "https://desk.example:8443"] {
        agent.clone().origin(origin).open().await.assert_open().await;
    }
    let near = [
        "http://crm.example",
        "https://crm.example:8443",
        "https://crm.example.evil.example",
        "https://evilcrm.example",
        "https://desk.example",
    ];
    for origin in near {
        assert_eq!(agent.clone().origin(origin).refused().await, 4403, "{origin}");
    }
}

#[tokio::test]
async fn servers_bring_the_token_in_a_header() {
    let gateway = Gateway::new().await;
    let tenant = new_tenant();
    let token = Token::agent(&tenant, &["200"]);
    let mut client = gateway.stream(&token).with_header().open().await;
    let leg = Leg::inbound(&tenant, "200");
    gateway.deliver(&leg.ringing(0)).await;
    assert_eq!(client.version(&leg, 1).await, oracle::call(&[leg.ringing(0)]));
}

#[tokio::test]
async fn the_scheme_of_the_header_is_read_in_any_case() {
    let gateway = Gateway::new().await;
    let token = Token::agent(&new_tenant(), &["200"]).mint();
    for scheme in ["bearer", "BEARER"] {
        let stream = Connect::new(gateway.public, None).header("Authorization", &format!("{scheme} {token}"));
        stream.open().await.assert_open().await;
    }
}

#[tokio::test]
async fn a_request_that_is_no_handshake_is_told_so() {
    let gateway = Gateway::new().await;
    let answer = gateway.request("GET", "/v1/stream").send().await.unwrap();
    assert_eq!(answer.headers()["Upgrade"], "websocket");
    problem(answer, 426).await;
}

#[tokio::test]
async fn the_first_frame_says_where_the_stream_stands() {
    let gateway = Gateway::new().await;
    let token = Token::agent(&new_tenant(), &["200"]).expiring_in(1000);
    let client = gateway.stream(&token).open().await;
    let first = &client.first;
    assert_eq!(first["type"], "snapshot");
    assert_eq!(first["token_expires_at"], token.exp());
    let off = crate::support::now().abs_diff(first["server_time"].as_u64().unwrap());
    assert!(off < 5_000_000, "{first}");
    let other = gateway.stream(&token).scope("user").open().await;
    assert_ne!(other.first["session_id"], first["session_id"]);
    assert_eq!(other.epoch, client.epoch);
}

#[tokio::test]
async fn one_session_too_many_is_4409() {
    let gateway = Config::new().set("sessions.max_per_user", 2).start().await;
    let tenant = new_tenant();
    let token = |sub: &str| Token::agent(&tenant, &["200"]).claim("sub", sub);
    let mut first = gateway.stream(&token("ann")).open().await;
    let mut second = gateway.stream(&token("ann")).open().await;
    assert_eq!(gateway.stream(&token("ann")).refused().await, 4409);
    first.assert_open().await;
    second.assert_open().await;
    let mut others = [
        gateway.stream(&token("bob")).open().await,
        gateway.stream(&Token::agent(&new_tenant(), &["200"]).claim("sub", "ann")).open().await,
    ];
    join_all(others.iter_mut().map(Client::assert_open)).await;

    // A place is free again once one has gone.
    drop(first);
    let third = gateway.stream(&token("ann"));
    eventually("a free place", async || third.is_let_in().await.then_some(())).await;
    second.assert_open().await;
}

#[tokio::test]
async fn a_full_node_sends_new_sockets_away_with_4503_and_stays_ready() {
    let gateway = Config::new().set("sessions.max", 2).start().await;
    let tenant = new_tenant();
    let token = || Token::agent(&tenant, &["200"]);
    let first = gateway.stream(&token()).open().await;
    let mut second = gateway.stream(&token()).open().await;
    let late = gateway.stream(&token());
    assert_eq!(late.clone().refused().await, 4503);
    problem(late.clone().with_header().refused_plainly().await, 503).await;
    // Who may not come in at all is told that.
    assert_eq!(gateway.stream(&token().expiring_in(-100)).refused().await, 4401);
    assert_eq!(gateway.operator("/readyz").await.status(), 200);
    assert!(gateway.is_in_rotation().await);
    let leg = Leg::inbound(&tenant, "200");
    gateway.deliver(&leg.ringing(0)).await;
    second.version(&leg, 1).await;

    drop(first);
    eventually("a free place", async || late.is_let_in().await.then_some(())).await;
    second.assert_open().await;
}

#[tokio::test]
async fn audience_and_issuer_are_honoured_where_configured() {
    let config = Config::new().set("auth.audience", "callpop").set("auth.issuer", "https://login.example");
    let gateway = config.start().await;
    let token = |audience: &str, issuer: &str| {
        gateway.stream(&Token::agent(&new_tenant(), &["200"]).claim("aud", audience).claim("iss", issuer))
    };
    token("callpop", "https://login.example").open().await.assert_open().await;
    assert_eq!(token("mail", "https://login.example").refused().await, 4401);
    assert_eq!(token("callpop", "https://evil.example").refused().await, 4401);
    assert_eq!(gateway.stream(&Token::agent(&new_tenant(), &["200"])).refused().await, 4401);
}

#[tokio::test]
async fn an_audience_or_issuer_that_only_looks_like_ours_is_refused() {
    let config = Config::new().set("auth.audience", "callpop").set("auth.issuer", "https://login.example");
    let gateway = config.start().await;
    let token = |audience: Value, issuer: &str| {
        gateway.stream(&Token::agent(&new_tenant(), &["200"]).claim("aud", audience).claim("iss", issuer))
    };
    for audience in ["callpop-x", "callpop ", "x-callpop", "call", "Callpop", ""] {
        for audience in [json!(audience), json!([audience]), json!(["mail", audience])] {
            let refused = token(audience.clone(), "https://login.example").refused().await;
            assert_eq!(refused, 4401, "aud is {audience}");
        }
    }
    for issuer in ["https://login.example.evil.example", "https://login.example/", "https://login", ""] {
        assert_eq!(token(json!("callpop"), issuer).refused().await, 4401, "iss is {issuer:?}");
    }
    // Among others, it is ours.
    let of_several = token(json!(["callpop-x", "callpop"]), "https://login.example");
    of_several.open().await.assert_open().await;
}
