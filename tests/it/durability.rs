//! What survives a restart, and what is said when nothing can be stored.

use crate::support::{
    Client, Config, Disk, Gateway, Leg, Token, eventually,
    gateway::problem,
    new_tenant, oracle,
    process::{callpop, callpop_after, run},
};
use serde_json::{Value, json};
use std::{os::unix::fs::PermissionsExt, pin::pin};

/// The files of the journal that is written ahead.
const LOGS: &str = "*/events/*.rows";

/// A gateway for which it is an error to write a file beyond its limit, as on a full disk,
/// since the signal of that is ignored.
async fn with_a_disk_that_can_be_full() -> Gateway {
    Gateway::start_with(&Config::new(), callpop_after("trap '' XFSZ")).await
}

/// Fails unless each of these legs of one tenant is there, and rings.
async fn assert_ring(gateway: &Gateway, legs: impl IntoIterator<Item = &Leg>) {
    let mut legs = legs.into_iter().peekable();
    let client = gateway.supervisor(&legs.peek().unwrap().tenant).await;
    for leg in legs {
        assert_eq!(client.call(leg), Some(&oracle::call(&[leg.ringing(0)])), "{} is lost", leg.id);
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
    let gateway = with_a_disk_that_can_be_full().await;
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
    assert_ring(&gateway.restart_after_kill().await, acked.iter().chain([&late])).await;
}

#[tokio::test]
async fn a_full_disk_takes_a_node_out_of_rotation_after_unready_after_only() {
    for (limit, bears_it) in [("1h", true), ("200ms", false)] {
        let config = Config::new().set("engine.unready_after", limit);
        let gateway = Gateway::start_with(&config, callpop_after("trap '' XFSZ")).await;
        assert!(gateway.is_in_rotation().await);
        gateway.process.limit_files(Some(0));
        problem(gateway.post(&Leg::inbound(&new_tenant(), "200").ringing(0)).await, 503).await;
        assert_eq!(gateway.operator("/readyz").await.status(), 503);
        eventually("the public answer", async || (gateway.is_in_rotation().await == bears_it).then_some(()))
            .await;
        gateway.process.limit_files(None);
        eventually("the node to be back", async || gateway.is_in_rotation().await.then_some(())).await;
    }
}

#[tokio::test]
async fn a_204_waits_for_fdatasync() {
    let (disk, config) = (Disk::new(), Config::new());
    let mut gateway = Gateway::start_with(&config, disk.under(callpop())).await;
    let tenant = new_tenant();
    let legs: [Leg; 3] = std::array::from_fn(|_| Leg::inbound(&tenant, "200"));
    for leg in &legs {
        disk.hold(LOGS);
        let ringing = leg.ringing(0);
        let mut posted = pin!(gateway.post(&ringing));
        tokio::select! {
            answer = &mut posted => panic!("{} while nothing was on the disk", answer.status()),
            () = disk.holds() => {}
        }
        // An answer that does not wait would be here before one that was asked for later.
        for _ in 0..5 {
            tokio::select! {
                biased;
                answer = &mut posted => panic!("{} before the sync was done", answer.status()),
                other = gateway.operator("/healthz") => assert_eq!(other.status(), 200),
            }
        }
        disk.heal();
        assert_eq!(posted.await.status(), 204);
    }
    gateway.process.kill();
    disk.cut_power(&config.data_dir());
    assert_ring(&config.start().await, &legs).await;
}

#[tokio::test]
async fn a_disk_that_cannot_sync_is_503_and_what_was_acked_stays() {
    let (disk, config) = (Disk::new(), Config::new());
    let mut gateway = Gateway::start_with(&config, disk.under(callpop())).await;
    let tenant = new_tenant();
    let legs: [Leg; 2] = std::array::from_fn(|_| Leg::inbound(&tenant, "200"));
    gateway.deliver(&legs[0].ringing(0)).await;
    disk.fail(LOGS);
    problem(gateway.post(&legs[1].ringing(0)).await, 503).await;
    assert_eq!(gateway.operator("/readyz").await.status(), 503);
    disk.heal();
    eventually("the disk to be used again", async || {
        (gateway.post(&legs[1].ringing(0)).await.status() == 204).then_some(())
    })
    .await;
    gateway.process.kill();
    disk.cut_power(&config.data_dir());
    assert_ring(&config.start().await, &legs).await;
}

#[tokio::test]
async fn what_is_refused_on_a_broken_disk_is_shown_to_nobody() {
    let gateway = with_a_disk_that_can_be_full().await;
    let tenant = new_tenant();
    let mut client = gateway.supervisor(&tenant).await;
    gateway.process.limit_files(Some(0));
    // By this one it is known that the disk is broken: what was shown of it is sent again.
    let found_out = Leg::inbound(&tenant, "200");
    problem(gateway.post(&found_out.ringing(0)).await, 503).await;
    client.version(&found_out, 1).await;
    let refused: [Leg; 3] = std::array::from_fn(|_| Leg::inbound(&tenant, "200"));
    for leg in &refused {
        problem(gateway.post(&leg.ringing(0)).await, 503).await;
        problem(gateway.post(&found_out.active(5)).await, 503).await;
        problem(gateway.post(&leg.event("PARKED", 0)).await, 503).await;
    }
    client.assert_open().await;
    let expected = [oracle::call(&[found_out.ringing(0)])];
    let shown = |client: &Client| client.calls.values().cloned().collect::<Vec<_>>();
    assert_eq!(shown(&client), expected, "an event is shown that was refused");
    assert_eq!(shown(&gateway.supervisor(&tenant).await), expected, "a refused event is in a snapshot");
    let archive: Vec<Value> = gateway.look_up("/archive").await.json().await.unwrap();
    assert!(archive.is_empty(), "{archive:?}");
    assert_eq!(gateway.metric("callpop_events_committed_total").await, 1.0);

    gateway.process.limit_files(None);
    eventually("the disk to be used again", async || {
        (gateway.post(&found_out.ringing(0)).await.status() == 204).then_some(())
    })
    .await;
    let gateway = gateway.restart_after_kill().await;
    assert_eq!(shown(&gateway.supervisor(&tenant).await), expected, "a refused event was written");
}

#[tokio::test]
async fn a_duplicate_is_204_only_once_the_first_copy_is_durable() {
    let gateway = with_a_disk_that_can_be_full().await;
    let leg = Leg::inbound(&new_tenant(), "200");
    let mut client = gateway.agent(&leg.tenant, "200").await;
    let ringing = leg.ringing(0);
    gateway.process.limit_files(Some(0));
    // The second comes while the first waits for the disk, the third when that has been given up.
    let first = gateway.post(&ringing);
    let second = async {
        client.version(&leg, 1).await;
        gateway.post(&ringing).await
    };
    let (first, second) = tokio::join!(first, second);
    let third = gateway.post(&ringing).await;
    for answer in [first, second, third] {
        problem(answer, 503).await;
    }
    assert_eq!(gateway.metric("callpop_events_committed_total").await, 1.0);
    assert_eq!(gateway.metric("callpop_events_duplicate_total").await, 2.0);

    gateway.process.limit_files(None);
    eventually("the disk to be used again", async || {
        (gateway.post(&ringing).await.status() == 204).then_some(())
    })
    .await;
    let expected = oracle::call(&[ringing]);
    assert_eq!(gateway.agent(&leg.tenant, "200").await.call(&leg), Some(&expected));
    client.assert_open().await;
    assert_eq!(client.call(&leg), Some(&expected));
    let gateway = gateway.restart_after_kill().await;
    assert_eq!(gateway.agent(&leg.tenant, "200").await.call(&leg), Some(&expected), "acked, and lost");
}

#[tokio::test]
async fn the_data_is_for_its_owner_only() {
    let config = Config::new();
    let gateway = Gateway::start_with(&config, callpop_after("umask 000")).await;
    gateway.deliver(&Leg::inbound(&new_tenant(), "200").ringing(0)).await;
    let mode = std::fs::metadata(config.data_dir()).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o700, "{mode:o}");
}

#[tokio::test]
async fn what_is_too_old_at_a_restart_is_forgotten_for_good() {
    let long = Config::new().timeless();
    let gateway = long.start().await;
    let tenant = new_tenant();
    let old: [Leg; 5] = std::array::from_fn(|_| Leg::inbound(&tenant, "200"));
    let live = Leg::inbound(&tenant, "210");
    for leg in &old {
        gateway.deliver(&json!(leg.whole())).await;
    }
    gateway.deliver(&live.ringing(0)).await;
    let gateway = gateway.restart().await;
    assert_eq!(gateway.supervisor(&tenant).await.calls.len(), 6);

    let gateway = gateway.restart_by(&long.clone().set("calls.keep_ended", "1s")).await;
    eventually("the calls to be forgotten", async || {
        (gateway.metric("callpop_items_forgotten_total").await == 5.0).then_some(())
    })
    .await;
    let kept = |client: &Client| client.calls.values().cloned().collect::<Vec<_>>();
    let expected = [oracle::call(&[live.ringing(0)])];
    assert_eq!(kept(&gateway.supervisor(&tenant).await), expected);
    let gateway = gateway.restart_by(&long).await;
    assert_eq!(kept(&gateway.supervisor(&tenant).await), expected, "the journal has them still");
}

#[tokio::test]
async fn once_a_disk_is_used_again_the_first_event_is_204() {
    let gateway = with_a_disk_that_can_be_full().await;
    let tenant = new_tenant();
    gateway.process.limit_files(Some(0));
    problem(gateway.post(&Leg::inbound(&tenant, "200").ringing(0)).await, 503).await;
    gateway.process.limit_files(None);
    eventually("the node to be ready", async || {
        (gateway.operator("/readyz").await.status() == 200).then_some(())
    })
    .await;
    gateway.deliver(&Leg::inbound(&tenant, "200").ringing(0)).await;
}

#[tokio::test]
async fn an_unknown_event_again_is_204_only_once_the_first_copy_is_durable() {
    let gateway = with_a_disk_that_can_be_full().await;
    let parked = Leg::inbound(&new_tenant(), "200").event("PARKED", 0);
    gateway.process.limit_files(Some(0));
    for _ in 0..2 {
        problem(gateway.post(&parked).await, 503).await;
    }
    gateway.process.limit_files(None);
    eventually("the disk to be used again", async || {
        (gateway.post(&parked).await.status() == 204).then_some(())
    })
    .await;
    let gateway = gateway.restart_after_kill().await;
    let archive: Vec<Value> = gateway.look_up("/archive").await.json().await.unwrap();
    assert_eq!(archive.len(), 1, "{archive:?}");
}
