//! What survives a restart, and what is said when nothing can be stored.

use crate::support::{
    Config, Gateway, Leg, Token, eventually,
    gateway::problem,
    new_tenant, oracle,
    process::{callpop, run},
};
use serde_json::json;
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
    // The signal of a file that grows beyond its limit is ignored: to write is an error, as on a full disk.
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; exec \"$@\"", "sh"]).arg(callpop().get_program());
    let gateway = Gateway::start_with(&Config::new(), command).await;
    let tenant = new_tenant();
    let acked: [Leg; 5] = std::array::from_fn(|_| Leg::inbound(&tenant, "200"));
    for leg in &acked {
        gateway.deliver(&leg.ringing(0)).await;
    }
    gateway.process.limit_files(Some(0));
    let refused = gateway.post(&Leg::inbound(&tenant, "200").ringing(0)).await;
    let retry_after: u64 = refused.headers()["Retry-After"].to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&retry_after), "{retry_after}");
    problem(refused, 503).await;
    // What is known needs no disk; what is not yet durable is no duplicate.
    gateway.deliver(&acked[0].ringing(0)).await;
    assert_eq!(gateway.operator("/readyz").await.status(), 503);
    assert_eq!(gateway.operator("/healthz").await.status(), 200);

    gateway.process.limit_files(None);
    let late = Leg::inbound(&tenant, "200");
    eventually("the disk to be used again", async || {
        (gateway.post(&late.ringing(0)).await.status() == 204).then_some(())
    })
    .await;
    assert_eq!(gateway.operator("/readyz").await.status(), 200);
    let gateway = gateway.restart_after_kill().await;
    let client = gateway.supervisor(&tenant).await;
    for leg in acked.iter().chain([&late]) {
        assert_eq!(client.call(leg), Some(&oracle::call(&[leg.ringing(0)])), "{} is lost", leg.id);
    }
}
