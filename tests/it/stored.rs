//! Data as an earlier version stored it, in `tests/fixtures/stored`: it is opened, and says what it said then. Whoever
//! changes the form of what is stored writes a new one beside it, and lets the old one be read, or refused by its name.
//! `STORED=write cargo test --test it stored::` writes the files of this version.

use crate::support::{Config, Gateway, Leg, process::run, redis::Server, soon};
use serde_json::{Value, json};
use std::{fs, path::PathBuf, process::Command};

const TENANT: &str = "stored";
/// 2025, long before it is read.
const START: u64 = 1_765_209_366_000_000;
const SECRET: &str = "webhook-secret-of-the-desk-0123";

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/stored").join(name)
}

fn is_to_be_written() -> bool {
    std::env::var("STORED").is_ok_and(|what| what == "write")
}

/// Nothing of it is too old.
fn timeless(config: Config) -> Config {
    let config = config.timeless().set("notices.keep", "3650d");
    config.set("sources.desk.kind", "callpop").set("sources.desk.secrets", vec![SECRET])
}

/// Stores a bit of everything.
async fn fill(gateway: &Gateway) {
    let leg = |id: &str| Leg::inbound(TENANT, "200").named(id).starting_at(START);
    let (ended, live) = (leg("ended"), leg("live"));
    gateway.deliver_each(&ended.whole()).await;
    gateway.deliver(&ended.summary(60, json!({"title": "What was said"}))).await;
    gateway.deliver_each(&[live.ringing(100), live.active(105), live.held(110)]).await;
    let notice = |id: &str, event: &str, second: u64| {
        json!({"event": event, "tenant_id": TENANT, "extension": "200", "notice_id": id, "kind": "ticket", "title": id,
            "link": "https://crm.example/", "at": START + second * 1_000_000})
    };
    let events = json!([notice("open", "posted", 5), notice("done", "posted", 6), notice("done", "done", 7)]);
    let request = gateway.request("POST", "/webhooks/desk").header("X-Webhook-Secret", SECRET).json(&events);
    assert_eq!(soon("the answer", request.send()).await.unwrap().status(), 204);
    let mut client = gateway.agent(TENANT, "200").await;
    client.wrap_up(&ended, None, "a note").await;
    client.next_of("durable").await;
    client.dismiss(&ended).await;
    client.next_of("durable").await;
}

/// What a user sees of it, without what is of the moment.
async fn shown(gateway: &Gateway) -> Value {
    let client = gateway.agent(TENANT, "200").await;
    let mut calls = client.first["calls"].clone();
    for call in calls.as_array_mut().unwrap() {
        if call["dismissed_at"].is_u64() {
            (call["dismissed_at"], call["wrap_up"]["at"]) = (json!("then"), json!("then"));
        }
        call["wrap_up"]["by"] = json!("its user");
    }
    json!({"calls": calls, "notices": client.first["notices"]})
}

fn expected() -> Value {
    serde_json::from_slice(&fs::read(file("shown.json")).unwrap()).unwrap()
}

#[tokio::test]
async fn a_journal_of_an_earlier_version_is_opened() {
    let config = timeless(Config::new());
    let archive = file("journal.tar.gz");
    let parent = config.data_dir().parent().unwrap().to_owned();
    if is_to_be_written() {
        let mut gateway = config.start().await;
        fill(&gateway).await;
        let shown = serde_json::to_string_pretty(&shown(&gateway).await).unwrap();
        fs::write(file("shown.json"), shown + "\n").unwrap();
        gateway.stop().await;
        let tar = run(Command::new("tar").arg("czf").arg(&archive).arg("-C").arg(&parent).arg("data"));
        assert!(tar.status.success(), "{tar:?}");
    } else {
        let tar = run(Command::new("tar").arg("xzf").arg(&archive).arg("-C").arg(&parent));
        assert!(tar.status.success(), "{tar:?}");
    }
    let gateway = config.start().await;
    assert_eq!(shown(&gateway).await, expected());
    assert_eq!(gateway.metric("callpop_stored_rows_unreadable_total").await, 0.0);
}

#[tokio::test]
async fn a_redis_of_an_earlier_version_is_opened() {
    let dump = file("redis.rdb");
    let server = Server::start_by(|folder, port| {
        if !is_to_be_written() {
            fs::copy(&dump, folder.join("dump.rdb")).unwrap();
        }
        let (folder, port) = (folder.to_str().unwrap(), port.to_string());
        ["--port", &port, "--dir", folder, "--dbfilename", "dump.rdb", "--save", ""]
            .map(str::to_owned)
            .to_vec()
    })
    .await;
    let config = timeless(Config::new()).set("engine.kind", "redis").set("engine.redis_url", server.url());
    let config = config.set("engine.redis_require_aof", false);
    if is_to_be_written() {
        fill(&config.start().await).await;
        server.command(&["SAVE"]).await;
        fs::copy(server.folder().join("dump.rdb"), &dump).unwrap();
    }
    let gateway = config.start().await;
    assert_eq!(shown(&gateway).await, expected());
    assert_eq!(gateway.metric("callpop_stored_rows_unreadable_total").await, 0.0);
}
