//! docs/webhook.md, run as it stands: its command, its bodies and its replies.

use crate::support::{
    Client, Config, Gateway, docs,
    engine::on_redis,
    eventually,
    gateway::{problem, problem_detail},
    process::run,
    raw::Raw,
    redis::{Aof, Server},
    soon,
    token::WEBHOOK_SECRET,
};
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use serde_json::Value;
use std::{collections::BTreeSet, process::Command};

/// The address in the command; that of a gateway stands in its place when it is run.
const ADDRESS: &str = "http://127.0.0.1:8080";

fn page() -> String {
    docs::page("webhook.md")
}

/// The command, and the secret that it shows.
fn command() -> (String, String) {
    let commands = docs::blocks(&page(), "sh");
    let [command] = commands.as_slice() else { panic!("there is one command: {commands:?}") };
    let secret = command.split("X-Webhook-Secret: ").nth(1).unwrap().split('\'').next().unwrap();
    (command.clone(), secret.to_owned())
}

/// The bodies, each on a line of its own.
fn bodies() -> Vec<Value> {
    let blocks = docs::blocks(&page(), "json");
    blocks.iter().map(|block| serde_json::from_str(block).expect(block)).collect()
}

/// What the rows of the table under a heading begin with.
fn rows(heading: &str) -> Vec<String> {
    let page = page();
    let section = page.split(&format!("\n## {heading}\n")).nth(1).unwrap_or_else(|| panic!("no {heading}"));
    let lines = section.split("\n## ").next().unwrap().lines();
    let rows = lines.filter(|line| {
        line.starts_with("| `")
            || line.starts_with("| 2")
            || line.starts_with("| 4")
            || line.starts_with("| 5")
    });
    rows.map(|line| line.split('|').nth(1).unwrap().trim().trim_matches('`').to_owned()).collect()
}

async fn supervisor_of(gateway: &Gateway, event: &Value) -> Client {
    gateway.supervisor(event["tenant_id"].as_str().unwrap()).await
}

#[tokio::test]
async fn the_command_of_the_page_makes_a_phone_ring() {
    let (command, secret) = command();
    assert!(command.contains(ADDRESS), "{command}");
    let gateway = Config::new().set("sources.telsmart.secrets", vec![secret]).start().await;
    let command = command.replace(ADDRESS, &format!("http://{}", gateway.public));
    let body = bodies().into_iter().next().unwrap();
    let mut supervisor = supervisor_of(&gateway, &body).await;
    let curl =
        move || run(Command::new("sh").args(["-c", &command]).env("NO_PROXY", "*").env_remove("http_proxy"));
    let output = tokio::task::spawn_blocking(curl).await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.starts_with("HTTP/1.1 204 No Content"), "{said}{}", String::from_utf8_lossy(&output.stderr));
    supervisor.until("a call", |client| client.calls.len() == 1).await;
    let call = supervisor.calls.values().next().unwrap();
    assert_eq!(call["state"], "ringing");
    // It rings now, and is not shown as one of which nothing was heard for long.
    assert!(call["stale_at"].as_u64().unwrap() > crate::support::now(), "{call}");
}

#[tokio::test]
async fn every_body_of_the_page_is_taken_and_they_are_what_was_recorded() {
    let recorded: Vec<Value> =
        (1..=7).flat_map(|number| crate::support::telsmart::scenario(number, "")).collect();
    let gateway = Config::new().timeless().start().await;
    let bodies = bodies();
    let states: BTreeSet<String> =
        bodies.iter().map(|body| body["state"].as_str().unwrap().to_owned()).collect();
    assert_eq!(states, rows("States").into_iter().collect(), "one body a state");
    for body in &bodies {
        let mut anonymous = body.clone();
        anonymous["tenant_id"] = "".into();
        assert!(recorded.contains(&anonymous), "{body} is no recorded event");
        let fields: Vec<&String> = body.as_object().unwrap().keys().collect();
        let known = rows("Fields");
        assert!(fields.iter().all(|field| known.contains(field)), "{fields:?}");
        gateway.deliver(body).await;
    }
    let shown = supervisor_of(&gateway, &bodies[0]).await.calls;
    let legs: BTreeSet<&str> = bodies.iter().map(|body| body["id"].as_str().unwrap()).collect();
    assert_eq!(shown.len(), legs.len());
}

#[tokio::test]
async fn a_required_field_of_the_page_is_one_and_the_others_are_not() {
    let gateway = Config::new().timeless().start().await;
    let page = page();
    for field in rows("Fields") {
        let row = page.lines().find(|line| line.starts_with(&format!("| `{field}` |"))).unwrap();
        let is_required = row.split('|').nth(3).unwrap().trim().starts_with("yes");
        let is_summary = |body: &Value| body["state"] == "SUMMARY_REPORTING";
        let mut body = bodies().into_iter().find(is_summary).unwrap();
        body.as_object_mut().unwrap().remove(&field);
        let answer = gateway.post(&body).await;
        assert_eq!(answer.status().as_u16(), if is_required { 422 } else { 204 }, "without {field}");
    }
}

#[tokio::test]
async fn every_reply_of_the_page_is_given() {
    let open = Gateway::new().await;
    let body = bodies()[0].to_string();
    let closed = Config::new().set("sources.telsmart.allow_ips", vec!["192.0.2.1"]).start().await;
    let slow = Config::new().set("sources.telsmart.rate_limit", 1).start().await;
    let mut server = Server::start(Aof::EverySecond).await;
    let away = on_redis(server.url()).start().await;
    server.kill();
    let begun = open.request("POST", "/webhooks/telsmart").header("X-Webhook-Secret", WEBHOOK_SECRET);
    let text = begun.header(CONTENT_TYPE, "text/plain").body(body.clone());
    let unsigned = open.request("POST", "/webhooks/telsmart").header(CONTENT_TYPE, "application/json");
    let mut given = BTreeSet::from(["408".to_owned()]);
    for (status, request) in [
        (204, open.webhook(body.clone())),
        (400, open.webhook("{")),
        (401, unsigned.body(body.clone())),
        (403, closed.webhook(body.clone())),
        (415, text),
        (422, open.webhook("{}")),
        (503, away.webhook(body.clone())),
    ] {
        let answer = soon("a reply", request.send()).await.unwrap();
        assert_eq!(answer.headers().contains_key(RETRY_AFTER), status == 503, "{status}");
        if status == 204 {
            assert_eq!(answer.status(), 204);
        } else {
            problem(answer, status).await;
        }
        given.insert(status.to_string());
    }
    let mut large = Raw::begin_good_webhook(open.public, "Content-Length: 262145").await;
    let reply = large.reply().await;
    assert_eq!(reply.status, 413);
    problem_detail(&reply.body, 413);
    given.insert("413".to_owned());
    let refused = eventually("too many requests", async || {
        let answer = slow.webhook(body.clone()).send().await.unwrap();
        (answer.status() == 429).then_some(answer)
    })
    .await;
    assert!(refused.headers().contains_key(RETRY_AFTER));
    problem_detail(&refused.text().await.unwrap(), 429);
    given.insert("429".to_owned());
    // 408 takes as long as a body may: `webhook_bodies` waits for it.
    assert_eq!(rows("Replies").into_iter().collect::<BTreeSet<_>>(), given);
}

#[tokio::test]
async fn the_address_is_in_the_log_and_on_the_first_page() {
    let gateway = Config::new().set("sources.telsmart.header", "X-Agreed").start().await;
    let url = format!("http://{}/webhooks/telsmart", gateway.public);
    eventually("the address in the log", async || {
        let log = gateway.process.log();
        let line = log.lines().find(|line| line.contains(&url))?;
        let line: Value = serde_json::from_str(line).unwrap();
        assert_eq!((&line["level"], &line["header"]), (&"INFO".into(), &"X-Agreed".into()));
        Some(())
    })
    .await;
    let welcome = soon("the page", gateway.request("GET", "/").send()).await.unwrap().text().await.unwrap();
    assert!(welcome.contains("</span>/webhooks/telsmart"), "{welcome}");
}

#[test]
fn whoever_looks_for_the_webhook_finds_the_page() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    for text in [readme, docs::page("embedding.md"), docs::page("configuration.md")] {
        assert!(text.contains("webhook.md"));
    }
}
