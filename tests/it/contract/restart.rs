//! What a new process finds of what an old one was told.

use super::{config, engine, gateway};
use crate::support::{Disk, Gateway, Leg, Token, new_tenant, oracle, process::callpop};
use serde_json::{Value, json};

#[tokio::test]
async fn a_restart_keeps_every_call() {
    let gateway = gateway().await;
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
    assert_eq!(again.epoch == client.epoch, engine().keeps_its_epoch());
    assert_eq!(again.calls, client.calls);

    let calls = client.calls.clone();
    let resumed = client.reconnect_by(gateway.stream(&Token::supervisor(&tenant)).scope("tenant")).await;
    let kind = if engine().keeps_its_epoch() { "resumed" } else { "snapshot" };
    assert_eq!((resumed.first_kind(), &resumed.calls), (kind, &calls));

    // Duplicates are still known for what they are, and news is still news.
    gateway.deliver_each(&[ended.whole(), vec![live.ringing(0), live.active(9)]].concat()).await;
    let mut client = gateway.supervisor(&tenant).await;
    assert_eq!(client.version(&live, 3).await["version"], 3);
    assert_eq!(client.call(&ended), again.call(&ended));
}

#[tokio::test]
async fn a_power_cut_keeps_every_acked_event() {
    let (disk, config) = (Disk::new(), config().await);
    let mut gateway = Gateway::start_with(&config, disk.under(callpop())).await;
    let tenant = new_tenant();
    let legs: Vec<Leg> = (0..20).map(|_| Leg::inbound(&tenant, "200")).collect();
    for leg in &legs {
        gateway.deliver(&json!(leg.whole())).await;
    }
    gateway.process.kill();
    disk.cut_power(&config.data_dir());
    let client = config.start().await.supervisor(&tenant).await;
    for leg in &legs {
        assert_eq!(client.call(leg), Some(&oracle::call(&leg.whole())));
    }
}

#[tokio::test]
async fn a_repeated_unknown_event_is_archived_once_also_after_a_restart() {
    let mut gateway = gateway().await;
    let leg = Leg::inbound(&new_tenant(), "200");
    let events = [leg.event("PARKED", 1), leg.event("PARKED", 2)];
    for _ in 0..3 {
        for _ in 0..3 {
            gateway.deliver_each(&events).await;
            gateway.deliver(&json!(events)).await;
        }
        let archive: Vec<Value> = gateway.look_up("/archive").await.json().await.unwrap();
        let raw = |archived: &Value| serde_json::from_str(archived["raw"].as_str().unwrap()).unwrap();
        assert_eq!(archive.iter().map(raw).collect::<Vec<Value>>(), events);
        gateway = gateway.restart_after_kill().await;
        let again: Vec<Value> = gateway.look_up("/archive").await.json().await.unwrap();
        assert_eq!(again, archive);
    }
}
