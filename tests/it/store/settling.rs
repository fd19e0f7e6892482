//! What has ended lives on the disk.

use super::{config, ended, settled, shown};
use crate::support::{Leg, eventually, new_tenant, oracle, store};
use serde_json::json;

#[tokio::test]
async fn a_settled_call_is_shown_as_before() {
    let (config, tenant) = (config(), new_tenant());
    let gateway = config.start().await;
    ended(&gateway, &tenant, 5, 100).await;
    let before = shown(&gateway, &tenant).await;
    settled(&config, 5).await;
    assert_eq!(shown(&gateway, &tenant).await, before);
    let gateway = gateway.restart_after_kill().await;
    assert_eq!(shown(&gateway, &tenant).await, before);
}

#[tokio::test]
async fn a_late_event_finds_its_settled_call() {
    let (config, tenant) = (config(), new_tenant());
    let gateway = config.start().await;
    let leg = Leg::inbound(&tenant, "200");
    gateway.deliver_each(&leg.whole()).await;
    settled(&config, 1).await;
    let mut client = gateway.agent(&tenant, "200").await;
    let version = client.call(&leg).unwrap()["version"].as_u64().unwrap();
    // What is known is known there, too.
    gateway.deliver_each(&leg.whole()).await;
    let summary = leg.summary(60, json!({"title": "late"}));
    gateway.deliver(&summary).await;
    client.version(&leg, version + 1).await;
    let mut events = leg.whole();
    events.push(summary);
    let expected = oracle::call(&events);
    assert_eq!(client.call(&leg), Some(&expected));
    // It is settled again, as it is now.
    settled(&config, 2).await;
    assert_eq!(gateway.agent(&tenant, "200").await.call(&leg), Some(&expected));
    client.dismiss(&leg).await;
    // Others see it before it is on the disk.
    client.next_of("durable").await;
    let gateway = gateway.restart_after_kill().await;
    let client = gateway.agent(&tenant, "200").await;
    assert!(client.call(&leg).unwrap()["dismissed_at"].is_u64());
}

#[tokio::test]
async fn what_is_forgotten_goes_from_the_disk_with_its_file() {
    let (config, tenant) =
        (config().set("calls.keep_ended", "3s").set("engine.file_bytes", 65_536), new_tenant());
    let gateway = config.start().await;
    let marker = "a-name-that-is-to-be-forgotten";
    let named = Leg::inbound(&tenant, "200").with("caller_name", marker);
    gateway.deliver_each(&named.whole()).await;
    let mentions = || {
        let files = store::files(&config.data_dir()).into_iter();
        let has = |path: &std::path::PathBuf| {
            std::fs::read(path)
                .is_ok_and(|bytes| bytes.windows(marker.len()).any(|part| part == marker.as_bytes()))
        };
        files.filter(has).count()
    };
    assert!(mentions() > 0);
    eventually("what was forgotten to go", async || {
        ended(&gateway, &tenant, 3, 10_000).await;
        (mentions() == 0).then_some(())
    })
    .await;
    let gateway = gateway.restart_after_kill().await;
    assert!(gateway.agent(&tenant, "200").await.call(&named).is_none());
}

#[tokio::test]
async fn what_is_live_stays_when_files_go() {
    let (config, tenant) =
        (config().set("calls.keep_ended", "3s").set("engine.file_bytes", 65_536), new_tenant());
    let gateway = config.start().await;
    let live = Leg::inbound(&tenant, "210");
    gateway.deliver_each(&[live.ringing(0), live.active(5)]).await;
    let parked = Leg::inbound(&tenant, "210").event("PARKED", 0);
    gateway.deliver(&parked).await;
    eventually("the file of its events to go", async || {
        ended(&gateway, &tenant, 3, 10_000).await;
        let oldest = store::row_files(&config.data_dir(), "events").swap_remove(0);
        (!oldest.ends_with("0000000001.rows")).then_some(())
    })
    .await;
    gateway.deliver(&live.held(7)).await;
    let expected = oracle::call(&[live.ringing(0), live.active(5), live.held(7)]);
    assert_eq!(gateway.agent(&tenant, "210").await.call(&live), Some(&expected));
    let gateway = gateway.restart_after_kill().await;
    assert_eq!(gateway.agent(&tenant, "210").await.call(&live), Some(&expected));
    let archived: Vec<serde_json::Value> = gateway.look_up("/archive").await.json().await.unwrap();
    assert_eq!(archived.len(), 1);
    assert!(shown(&gateway, &tenant).await.len() < 1000);
}

#[tokio::test]
async fn tenants_of_which_nothing_is_left_are_forgotten() {
    let config = config().set("calls.keep_ended", "1s").set("notices.keep", "1s");
    let gateway = config.start().await;
    let tenants: [String; 20] = std::array::from_fn(|_| new_tenant());
    for tenant in &tenants {
        gateway.deliver_each(&Leg::inbound(tenant, "200").whole()).await;
    }
    let client = gateway.agent(&tenants[0], "200").await;
    eventually("all to go", async || (gateway.metric("callpop_tenants").await == 0.0).then_some(())).await;
    // One that comes again goes on behind what its clients have seen.
    let leg = Leg::inbound(&tenants[0], "200");
    let missed = Leg::inbound(&tenants[0], "200");
    let resumed = {
        gateway.deliver(&missed.ringing(0)).await;
        client.reconnect_by(gateway.stream(&crate::support::Token::agent(&tenants[0], &["200"]))).await
    };
    assert!(resumed.call(&missed).is_some());
    let mut resumed = resumed;
    gateway.deliver(&leg.ringing(0)).await;
    resumed.version(&leg, 1).await;
}
