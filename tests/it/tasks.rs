//! What a panic ends: one of its own connection's work only that, one of the node's own work the
//! node, in good order. A debug build panics where `PANIC_IN` says so.

use crate::support::{Client, Config, Gateway, eventually, new_tenant, process::callpop, redis, soon};
use serde_json::{Value, json};
use std::{fs, path::PathBuf, process::Command};

/// The file at whose sight a task panics, and a callpop that looks for it.
fn callpop_that_panics_in(task: &str, config: &Config) -> (PathBuf, Command) {
    let flag = PathBuf::from(config.file("panic", "")).with_file_name("panic-now");
    let mut command = callpop();
    command.env("PANIC_IN", format!("{task}:{}", flag.display()));
    (flag, command)
}

/// The lines of a log that are about a task.
fn lines_about(gateway: &Gateway, task: &str) -> Vec<Value> {
    let log = gateway.process.log();
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| line["task"] == task).collect()
}

#[tokio::test]
async fn a_panic_in_one_session_ends_one_session() {
    let config = Config::new();
    let (flag, command) = callpop_that_panics_in("session", &config);
    let gateway = Gateway::start_with(&config, command).await;
    let tenant = new_tenant();
    let mut one = gateway.agent(&tenant, "200").await;
    let mut others = [gateway.agent(&tenant, "200").await, gateway.agent(&tenant, "210").await];
    fs::write(&flag, "").unwrap();
    one.send(&json!({"type": "tick", "t0": 1})).await;
    let ended = soon("the session to end", async { while one.next_or_end().await.is_ok() {} });
    ended.await;
    for other in &mut others {
        other.assert_open().await;
    }
    assert!(!flag.exists(), "somebody panicked");
    assert_eq!(gateway.metric("callpop_panics_total{task=\"session\"}").await, 1.0);
    assert_eq!(gateway.metric("callpop_sessions").await, 2.0);
    assert_eq!(gateway.operator("/readyz").await.status(), 200);
    eventually("the panic to be in the log", async || {
        (!lines_about(&gateway, "session").is_empty()).then_some(())
    })
    .await;
    // A user's seat is free again, too.
    gateway.agent(&tenant, "200").await.assert_open().await;
}

#[tokio::test]
async fn a_panic_in_one_connection_ends_one_connection() {
    let config = Config::new();
    let (flag, command) = callpop_that_panics_in("connection", &config);
    let gateway = Gateway::start_with(&config, command).await;
    fs::write(&flag, "").unwrap();
    let broken = gateway.request("GET", "/nothing").send().await;
    assert!(broken.is_err(), "{broken:?}");
    assert_eq!(gateway.request("GET", "/nothing").send().await.unwrap().status(), 404);
    assert_eq!(gateway.metric("callpop_panics_total{task=\"connection\"}").await, 1.0);
}

/// Panics in a task of the node, and expects the node to end as it should.
async fn expect_the_node_to_stop(task: &str, config: &Config) {
    let config = config.clone().set("shutdown.delay", "1s").set("shutdown.spread", "1s");
    let (flag, command) = callpop_that_panics_in(task, &config);
    let mut gateway = Gateway::start_with(&config, command).await;
    let mut client: Client = gateway.agent(&new_tenant(), "200").await;
    fs::write(&flag, "").unwrap();
    let unready = eventually("the node to say that it is not ready", async || {
        // The accept loop is polled when somebody comes.
        let _ = gateway.request("GET", "/nothing").send().await;
        let answer = gateway.try_operator("/readyz").await?;
        (answer.status() == 503).then_some(answer)
    });
    let unready: Value = unready.await.json().await.unwrap();
    let reasons = unready["reasons"].as_array().unwrap();
    assert!(reasons.iter().any(|why| why.as_str().unwrap().contains(task)), "{unready}");
    client.next_of("reconnect").await;
    assert_eq!(client.closed().await, 4503);
    assert_eq!(gateway.process.exit().await.code(), Some(1), "{task}");
    let said = lines_about(&gateway, task);
    assert!(said.iter().any(|line| line["level"] == "ERROR"), "{task}: {}", gateway.process.log());
}

#[tokio::test]
async fn a_panic_in_a_task_of_the_node_stops_it_in_order() {
    let config = Config::new();
    for task in ["sweep", "accept"] {
        expect_the_node_to_stop(task, &config.elsewhere()).await;
    }
}

#[tokio::test]
async fn a_panic_in_a_task_on_redis_stops_the_node_in_order() {
    let url = redis::shared().await.url().to_owned();
    for task in ["probe", "subscriber"] {
        let config = Config::new().set("engine.kind", "redis").set("engine.redis_url", url.clone());
        let prefix = format!("{}:", new_tenant());
        expect_the_node_to_stop(task, &config.set("engine.redis_prefix", prefix)).await;
    }
}
