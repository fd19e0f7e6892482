//! Two sources of one kind beside each other: what one says is never the other's.

use super::config;
use crate::support::{
    Client, Config, Gateway, Leg, Token, gateway::problem, new_tenant, now, soon, token::WEBHOOK_SECRET,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use reqwest::Response;
use serde_json::{Value, json};

const CLINIC_SECRET: &str = "webhook-secret-two-0123456789";

async fn two_sources() -> Config {
    let config = config().await.set("sources.clinic.kind", "telsmart");
    config.set("sources.clinic.secrets", vec![CLINIC_SECRET]).set("sources.clinic.header", "X-Clinic")
}

async fn post(gateway: &Gateway, source: &str, (header, secret): (&str, &str), body: &Value) -> Response {
    let request = gateway.request("POST", &format!("/webhooks/{source}")).header(header, secret);
    soon("the webhook's answer", request.json(body).send()).await.unwrap()
}

async fn deliver_to_clinic(gateway: &Gateway, event: &Value) {
    let answer = post(gateway, "clinic", ("X-Clinic", CLINIC_SECRET), event).await;
    assert_eq!(answer.status(), 204, "{event}");
}

/// Sources and states of the calls that a frame holds.
fn shown(frame: &Value) -> Vec<(&str, &str)> {
    let calls = frame["calls"].as_array().unwrap().iter();
    let mut shown: Vec<_> =
        calls.map(|call| (call["source"].as_str().unwrap(), call["state"].as_str().unwrap())).collect();
    shown.sort_unstable();
    shown
}

/// The next call's source and version.
async fn next(client: &mut Client) -> (String, u64) {
    let frame = client.next_of("call").await;
    (frame["call"]["source"].as_str().unwrap().to_owned(), frame["call"]["version"].as_u64().unwrap())
}

#[tokio::test]
async fn one_leg_id_from_two_sources_is_two_calls() {
    let gateway = two_sources().await.start().await;
    let leg = Leg::inbound(&new_tenant(), "200");
    let mut client = gateway.agent(&leg.tenant, "200").await;
    gateway.deliver_each(&[leg.ringing(0), leg.active(5)]).await;
    deliver_to_clinic(&gateway, &leg.ringing(0)).await;
    client.version(&leg, 2).await;
    let theirs = ("200".to_owned(), format!("clinic/{}", leg.id));
    client
        .until("the other's call", |client| {
            client.calls.get(&theirs).is_some_and(|call| call["version"] == 1)
        })
        .await;
    // An end of one is none of the other's; what each has is there for who comes later.
    deliver_to_clinic(&gateway, &leg.hangup(9)).await;
    let both = [("clinic", "ended"), ("telsmart", "active")];
    assert_eq!(shown(&gateway.agent(&leg.tenant, "200").await.first), both);
    assert_eq!(shown(&gateway.supervisor(&leg.tenant).await.first), both);
    let of = async |source: &str| {
        let path = format!("/calls/{}/{source}/200/{}", leg.tenant, leg.id);
        gateway.look_up(&path).await.json::<Value>().await.unwrap()["events"].as_array().unwrap().len()
    };
    assert_eq!((of("telsmart").await, of("clinic").await), (2, 2));
    let gateway = gateway.restart().await;
    assert_eq!(shown(&gateway.supervisor(&leg.tenant).await.first), both);
}

#[tokio::test]
async fn secrets_do_not_cross() {
    let gateway = two_sources().await.start().await;
    let leg = Leg::inbound(&new_tenant(), "200");
    let usual = ("X-Webhook-Secret", WEBHOOK_SECRET);
    for (source, shown) in [
        ("clinic", usual),
        ("clinic", ("X-Clinic", WEBHOOK_SECRET)),
        ("clinic", ("X-Webhook-Secret", CLINIC_SECRET)),
        ("telsmart", ("X-Clinic", CLINIC_SECRET)),
        ("telsmart", ("X-Webhook-Secret", CLINIC_SECRET)),
    ] {
        problem(post(&gateway, source, shown, &leg.ringing(0)).await, 401).await;
    }
    problem(post(&gateway, "other", usual, &leg.ringing(0)).await, 404).await;
    assert_eq!(gateway.agent(&leg.tenant, "200").await.first["calls"], json!([]));
}

#[tokio::test]
async fn a_source_speaks_for_its_tenants_only() {
    let (its, foreign) = (new_tenant(), new_tenant());
    let config = two_sources().await.set("sources.clinic.tenants", vec![its.clone()]);
    let gateway = config.start().await;
    let [own, other] = [&its, &foreign].map(|tenant| Leg::inbound(tenant, "200"));
    let both = json!([own.ringing(0), other.ringing(0)]);
    let detail = problem(post(&gateway, "clinic", ("X-Clinic", CLINIC_SECRET), &both).await, 403).await;
    assert!(detail.contains("tenant") && !detail.contains(&foreign), "{detail}");
    for tenant in [&its, &foreign] {
        assert_eq!(gateway.supervisor(tenant).await.first["calls"], json!([]), "the whole body is refused");
    }
    // Also of what is only archived.
    let unknown = json!([own.event("PARKED", 0), other.event("PARKED", 0)]);
    problem(post(&gateway, "clinic", ("X-Clinic", CLINIC_SECRET), &unknown).await, 403).await;
    deliver_to_clinic(&gateway, &own.ringing(0)).await;
    // The other source may.
    gateway.deliver(&other.ringing(0)).await;
    assert_eq!(shown(&gateway.supervisor(&foreign).await.first), [("telsmart", "ringing")]);
}

#[tokio::test]
async fn what_a_user_does_is_for_the_calls_that_the_frame_names() {
    let gateway = two_sources().await.start().await;
    let tenant = new_tenant();
    let token = Token::agent(&tenant, &["200", "210"]);
    let mut client = gateway.stream(&token).open().await;
    for extension in ["200", "210"] {
        let leg = Leg::inbound(&tenant, extension).named("the-same");
        gateway.deliver(&leg.ringing(0)).await;
        deliver_to_clinic(&gateway, &leg.ringing(0)).await;
    }
    for _ in 0..4 {
        assert_eq!(next(&mut client).await.1, 1);
    }
    let dismiss = |more: Value| with(json!({"type": "dismiss", "leg_id": "the-same"}), more);
    for nobodys in [json!({"source": "other"}), json!({"extension": "220"})] {
        client.send(&dismiss(nobodys)).await;
        assert_eq!(client.next_of("error").await["code"], "unknown_call");
    }
    client.send(&dismiss(json!({"source": "clinic", "extension": "210"}))).await;
    assert_eq!(next(&mut client).await, ("clinic".to_owned(), 2));
    let wrap_up = json!({"type": "wrap_up", "leg_id": "the-same", "disposition": null, "note": "x"});
    client.send(&with(wrap_up, json!({"extension": "200"}))).await;
    let mut noted = [next(&mut client).await, next(&mut client).await];
    noted.sort();
    assert_eq!(noted, [("clinic".to_owned(), 2), ("telsmart".to_owned(), 2)]);
    // Without more it is for all of them; one is dismissed already.
    client.send(&dismiss(json!({}))).await;
    for _ in 0..3 {
        next(&mut client).await;
    }
    let view = gateway.stream(&token).open().await;
    let calls = view.first["calls"].as_array().unwrap();
    assert!(calls.len() == 4 && calls.iter().all(|call| call["dismissed_at"].is_u64()), "{calls:?}");
}

#[tokio::test]
async fn a_source_may_show_a_bearer_token_or_a_password_in_place_of_the_header() {
    let config =
        config().await.set("sources.desk.kind", "callpop").set("sources.desk.bearer", vec!["one", "two"]);
    let gateway = config.set("sources.desk.basic", vec!["crm:a:b é", "crm:new"]).start().await;
    let tenant = new_tenant();
    let mut client = gateway.agent(&tenant, "200").await;
    let authorization = "Authorization";
    let basic = |pair: &str| format!("Basic {}", BASE64_STANDARD.encode(pair));
    for (header, wrong) in [
        (authorization, "Bearer three".to_owned()),
        (authorization, "Bearer".to_owned()),
        (authorization, "Bearer crm:new".to_owned()),
        (authorization, basic("one")),
        (authorization, basic("crm:")),
        (authorization, basic("crm:new ")),
        (authorization, "Basic crm:new".to_owned()),
        (authorization, "one".to_owned()),
        ("X-Webhook-Secret", "one".to_owned()),
        ("X-Webhook-Secret", String::new()),
        ("X-Webhook-Secret", WEBHOOK_SECRET.to_owned()),
    ] {
        let answer = post(&gateway, "desk", (header, &wrong), &notice(&tenant, "refused")).await;
        let detail = problem(answer, 401).await;
        assert_eq!(detail, "the header Authorization is missing or wrong", "{header}: {wrong}");
    }
    // Each value that is live, and the scheme in whichever case.
    let lower = format!("basic {}", BASE64_STANDARD.encode("crm:new"));
    let live = ["Bearer one".to_owned(), "bearer two".to_owned(), basic("crm:a:b é"), lower];
    for (nth, value) in live.iter().enumerate() {
        let id = format!("n{nth}");
        let answer = post(&gateway, "desk", (authorization, value), &notice(&tenant, &id)).await;
        assert_eq!(answer.status(), 204, "{value}");
        assert_eq!(client.next_of("notice").await["notice"]["notice_id"], id);
    }
}

#[tokio::test]
async fn a_source_of_one_tenant_need_not_name_it() {
    let (its, foreign) = (new_tenant(), new_tenant());
    let config = two_sources().await.set("sources.clinic.tenant_id", its.clone());
    let config = config.set("sources.desk.kind", "callpop").set("sources.desk.bearer", vec!["one"]);
    let gateway = config.set("sources.desk.tenant_id", its.clone()).start().await;
    let mut client = gateway.agent(&its, "200").await;
    let bearer = ("Authorization", "Bearer one");
    let leg = Leg::inbound(&its, "200");
    let nameless = without_tenant(leg.ringing(0));
    deliver_to_clinic(&gateway, &nameless).await;
    assert_eq!(next(&mut client).await, ("clinic".to_owned(), 1));
    let said = post(&gateway, "desk", bearer, &without_tenant(notice(&its, "n"))).await;
    assert_eq!(said.status(), 204);
    assert_eq!(client.next_of("notice").await["notice"]["tenant_id"], its);
    // It may name its own, and no other.
    deliver_to_clinic(&gateway, &leg.active(5)).await;
    let other = Leg::inbound(&foreign, "200").ringing(0);
    problem(post(&gateway, "clinic", ("X-Clinic", CLINIC_SECRET), &other).await, 403).await;
    problem(post(&gateway, "desk", bearer, &notice(&foreign, "n")).await, 403).await;
    // The other source is of no tenant.
    let usual = ("X-Webhook-Secret", WEBHOOK_SECRET);
    let detail = problem(post(&gateway, "telsmart", usual, &nameless).await, 422).await;
    assert!(detail.starts_with("tenant_id"), "{detail}");
}

#[tokio::test]
async fn a_source_says_how_large_its_bodies_may_be() {
    let config = two_sources().await.set("sources.clinic.max_body", "1MiB");
    let gateway = config.start().await;
    let leg = Leg::inbound(&new_tenant(), "200");
    let large = |bytes: usize| with(leg.ringing(0), json!({"more": "x".repeat(bytes)}));
    let usual = ("X-Webhook-Secret", WEBHOOK_SECRET);
    let detail = problem(post(&gateway, "telsmart", usual, &large(256 * 1024)).await, 413).await;
    assert_eq!(detail, "the body is over 256 KiB");
    let clinic = ("X-Clinic", CLINIC_SECRET);
    let detail = problem(post(&gateway, "clinic", clinic, &large(1024 * 1024)).await, 413).await;
    assert_eq!(detail, "the body is over 1 MiB");
    let many = json!(vec![large(200 * 1024); 3]);
    deliver_to_clinic(&gateway, &many).await;
    assert_eq!(shown(&gateway.agent(&leg.tenant, "200").await.first), [("clinic", "ringing")]);
}

fn notice(tenant: &str, id: &str) -> Value {
    json!({"event": "posted", "tenant_id": tenant, "extension": "200", "notice_id": id, "at": now(), "title": "A notice"})
}

fn without_tenant(mut event: Value) -> Value {
    event.as_object_mut().unwrap().remove("tenant_id").unwrap();
    event
}

fn with(mut frame: Value, more: Value) -> Value {
    frame.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    frame
}
