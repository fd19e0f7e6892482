//! What survives a restart, and what is said when nothing can be stored.

use crate::support::{
    Config, Gateway, Leg, Token,
    gateway::problem,
    new_tenant, oracle,
    process::{callpop, run},
};
use serde_json::{Value, json};
use std::process::Command;

#[tokio::test]
async fn a_restart_keeps_every_call_in_a_new_epoch() {
    let gateway = Gateway::new().await;
    let tenant = new_tenant();
    let (ended, live) = (Leg::inbound(&tenant, "200"), Leg::outbound(&tenant, "210"));
    let mut client = gateway.supervisor(&tenant).await;
    gateway.deliver_each(&ended.whole()).await;
    gateway.deliver_each(&[ended.summary(30, json!({"b": 1, "a": [2]})), live.ringing(0)]).await;
    client.version(&live, 1).await;
    let mut agent = gateway.agent(&tenant, "210").await;
    agent.dismiss(&live).await;
    client.version(&live, 2).await;

    let gateway = gateway.restart().await;
    let again = gateway.supervisor(&tenant).await;
    assert_ne!(again.epoch, client.epoch);
    assert_eq!(again.calls, client.calls);

    let calls = client.calls.clone();
    let resumed = client.reconnect_by(gateway.stream(&Token::supervisor(&tenant)).scope("tenant")).await;
    assert_eq!((resumed.first_kind(), &resumed.calls), ("snapshot", &calls));

    // Duplicates are still known for what they are, and news is still news.
    gateway.deliver_each(&[ended.whole(), vec![live.ringing(0), live.active(9)]].concat()).await;
    let mut client = gateway.supervisor(&tenant).await;
    assert_eq!(client.version(&live, 3).await["version"], 3);
    assert_eq!(client.call(&ended), again.call(&ended));
}

#[tokio::test]
async fn a_power_cut_keeps_every_acked_event() {
    let gateway = Gateway::new().await;
    let tenant = new_tenant();
    let legs: Vec<Leg> = (0..20).map(|_| Leg::inbound(&tenant, "200")).collect();
    for leg in &legs {
        gateway.deliver(&json!(leg.whole())).await;
    }
    let gateway = gateway.restart_after_kill().await;
    let client = gateway.supervisor(&tenant).await;
    for leg in &legs {
        assert_eq!(client.call(leg), Some(&oracle::call(&leg.whole())));
    }
}

#[tokio::test]
async fn in_memory_a_restart_begins_empty() {
    let gateway = Config::new().set("engine.durability", "memory").start().await;
    let leg = Leg::inbound(&new_tenant(), "200");
    gateway.deliver(&leg.ringing(0)).await;
    let client = gateway.supervisor(&leg.tenant).await;
    assert_eq!(client.calls.len(), 1);
    let gateway = gateway.restart().await;
    let resumed = client.reconnect_by(gateway.stream(&Token::supervisor(&leg.tenant)).scope("tenant")).await;
    assert_eq!((resumed.first_kind(), resumed.calls.len()), ("snapshot", 0));
}

#[tokio::test]
async fn a_second_process_on_the_same_data_ends_with_1_and_harms_nothing() {
    let config = Config::new();
    let gateway = config.start().await;
    let output = run(callpop().arg("serve").arg("--config").arg(config.write()));
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let leg = Leg::inbound(&new_tenant(), "200");
    gateway.deliver(&leg.ringing(0)).await;
    let gateway = gateway.restart_after_kill().await;
    assert_eq!(gateway.supervisor(&leg.tenant).await.calls.len(), 1);
}

#[tokio::test]
async fn a_disk_that_takes_no_more_is_503_and_what_was_acked_stays() {
    let config = Config::new();
    // No file may grow beyond this; writing more fails as on a full disk.
    let mut limited = Command::new("sh");
    limited.args(["-c", "trap '' XFSZ; ulimit -f 2048; exec \"$@\"", "sh"]).arg(callpop().get_program());
    let gateway = Gateway::start_with(&config, limited).await;
    let tenant = new_tenant();
    let mut acked: Vec<Leg> = Vec::new();
    let refused = loop {
        let leg = Leg::inbound(&tenant, "200");
        let answer = gateway.post(&leg.summary(0, "x".repeat(100_000))).await;
        if answer.status() != 204 {
            break answer;
        }
        acked.push(leg);
        assert!(acked.len() < 500, "the disk never filled");
    };
    assert!(refused.headers().contains_key("Retry-After"));
    problem(refused, 503).await;
    let ready = gateway.operator("/readyz").await;
    assert_eq!(ready.status(), 503);
    assert_eq!(gateway.operator("/healthz").await.status(), 200);

    let gateway = gateway.restart_after_kill().await;
    let client = gateway.supervisor(&tenant).await;
    for leg in &acked {
        assert!(client.call(leg).is_some_and(|call| call["summary"] != Value::Null), "{} is lost", leg.id);
    }
    gateway.deliver(&Leg::inbound(&tenant, "200").ringing(0)).await;
}
