//! Data as an earlier version stored it, in `tests/fixtures/stored`: it is opened, and says what it said then. Whoever
//! changes the form of what is stored writes a new one beside it, and lets the old one be read, or refused by its name.
//! `STORED=write cargo test --test it stored::` writes the files of this version.

use crate::support::{
    Config, Gateway, Leg, eventually, eventually_within,
    process::{callpop, run},
    redis::Server,
    soon, store,
};
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

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

fn unpack(archive: &Path, config: &Config) {
    let parent = config.data_dir().parent().unwrap().to_owned();
    let tar = run(Command::new("tar").arg("xzf").arg(archive).arg("-C").arg(parent));
    assert!(tar.status.success(), "{tar:?}");
}

#[test]
fn a_journal_of_a_version_before_the_store_is_refused_by_its_name() {
    let config = Config::new();
    unpack(&file("journal.tar.gz"), &config);
    let output = run(callpop().arg("serve").arg("--config").arg(config.write()));
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("its store is of an earlier version of callpop"), "{said}");
    let kept = fs::read_dir(config.data_dir()).unwrap().count();
    assert!(kept > 2, "nothing was changed");
}

#[tokio::test]
async fn the_stored_fixture_opens() {
    let config = timeless(Config::new());
    let archive = file("store.tar.gz");
    let parent = config.data_dir().parent().unwrap().to_owned();
    if is_to_be_written() {
        let mut gateway = config.clone().set("engine.settle_after", "1s").start().await;
        fill(&gateway).await;
        eventually("what has ended to be settled", async || {
            (store::rows(&config.data_dir(), "items").len() >= 3).then_some(())
        })
        .await;
        let shown = serde_json::to_string_pretty(&shown(&gateway).await).unwrap();
        fs::write(file("shown.json"), shown + "\n").unwrap();
        gateway.stop().await;
        let tar = run(Command::new("tar").arg("czf").arg(&archive).arg("-C").arg(&parent).arg("data"));
        assert!(tar.status.success(), "{tar:?}");
    } else {
        unpack(&archive, &config);
    }
    let gateway = config.start().await;
    assert_eq!(shown(&gateway).await, expected());
    assert_eq!(gateway.metric("callpop_stored_rows_unreadable_total").await, 0.0);
}

/// What Redis held: with summaries in their events; with what they say apart; with what has ended as one value.
const REDIS: [&str; 3] = ["redis.rdb", "redis-apart.rdb", "redis-settled.rdb"];

#[tokio::test]
async fn a_redis_of_an_earlier_version_is_opened() {
    // Only the latest form is written.
    for name in REDIS.iter().skip(if is_to_be_written() { REDIS.len() - 1 } else { 0 }) {
        redis_is_opened(name).await;
    }
}

async fn redis_is_opened(name: &str) {
    let dump = file(name);
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
        let gateway = config.clone().set("engine.settle_after", "1s").start().await;
        fill(&gateway).await;
        eventually_within(Duration::from_secs(30), "what has ended to be settled", async || {
            (gateway.metric("callpop_redis_settled_total").await >= 1.0).then_some(())
        })
        .await;
        server.command(&["SAVE"]).await;
        fs::copy(server.folder().join("dump.rdb"), &dump).unwrap();
    }
    let gateway = config.start().await;
    assert_eq!(shown(&gateway).await, expected());
    assert_eq!(gateway.metric("callpop_stored_rows_unreadable_total").await, 0.0);
}
