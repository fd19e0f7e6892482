//! Copies of a store that is written, and a clock that jumps.

use super::{config, shown};
use crate::support::{
    Gateway, Leg, Token,
    client::Calls,
    eventually, new_tenant, oracle,
    process::{callpop, run},
};
use serde_json::Value;
use std::{path::PathBuf, process::Command, sync::Mutex};
use tokio::task::spawn_blocking;

/// So many copies are made while events come.
const COPIES: usize = 3;

#[tokio::test]
async fn a_backup_taken_under_load_restores_every_acked_event() {
    let config = config().set("engine.file_bytes", 65_536);
    let gateway = config.start().await;
    let tenant = new_tenant();
    let acked: Mutex<Vec<(Leg, Vec<Value>)>> = Mutex::default();
    let send = async {
        loop {
            let leg = Leg::inbound(&tenant, "200");
            acked.lock().unwrap().push((leg.clone(), Vec::new()));
            for event in leg.whole() {
                gateway.deliver(&event).await;
                acked.lock().unwrap().last_mut().unwrap().1.push(event);
            }
        }
    };
    let copy = async {
        let mut copies = Vec::new();
        for nth in 0..COPIES {
            let before = acked.lock().unwrap().clone();
            let to = config.data_dir().with_extension(format!("copy-{nth}"));
            let mut command = callpop();
            command.env("CALLPOP_OPERATOR_LISTEN", gateway.lookups().to_string());
            command.args(["store", "backup"]).arg(&to).arg("--config").arg(config.write());
            let output = spawn_blocking(move || run(&mut command)).await.unwrap();
            assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
            copies.push((before, to));
        }
        copies
    };
    let copies = tokio::select! {
        copies = copy => copies,
        () = send => unreachable!(),
    };
    drop(gateway);
    for (before, to) in copies {
        let restored = config.clone().set("engine.data_dir", to.to_str().unwrap()).start().await;
        let calls = shown(&restored, &tenant).await;
        for (leg, events) in before.iter().filter(|(_, events)| !events.is_empty()) {
            let call = &calls[&(leg.extension.clone(), leg.id.clone())];
            let version = call["version"].as_u64().unwrap() as usize;
            assert!(version >= events.len(), "{call} has less than {events:?}");
            if version == events.len() {
                assert_eq!(call, &oracle::call(events));
            }
        }
    }
}

/// What is shown by a gateway that may live in another week.
async fn shown_then(gateway: &Gateway, tenant: &str) -> Calls {
    let token = Token::supervisor(tenant).expiring_in(30 * 24 * 3600);
    gateway.stream(&token).scope("tenant").open().await.calls
}

/// The library that gives a process another time.
fn faketime() -> PathBuf {
    let machines = std::fs::read_dir("/usr/lib").unwrap().map(|entry| entry.unwrap().path());
    let mut libraries = machines.map(|machine| machine.join("faketime/libfaketime.so.1"));
    libraries.find(|library| library.exists()).expect("libfaketime (scripts/need tests)")
}

#[tokio::test]
async fn a_clock_that_jumps_forgets_nothing() {
    let config = config().set("calls.keep_ended", "7d").set("calls.expire_after", "12h");
    let time = config.data_dir().with_extension("time");
    let set = |offset: &str| {
        let fresh = time.with_extension("new");
        std::fs::write(&fresh, format!("{offset}\n")).unwrap();
        std::fs::rename(fresh, &time).unwrap();
    };
    set("+0");
    let faked = |mut command: Command| {
        command.env("LD_PRELOAD", faketime()).env("FAKETIME_TIMESTAMP_FILE", &time);
        command.env("FAKETIME_NO_CACHE", "1").env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        command
    };
    let gateway = Gateway::start_with(&config, faked(callpop())).await;
    let tenant = new_tenant();
    let legs: Vec<_> = (0..20).map(|_| Leg::inbound(&tenant, "200")).collect();
    for leg in &legs {
        gateway.deliver_each(&leg.whole()).await;
    }
    let live = Leg::inbound(&tenant, "210");
    gateway.deliver(&live.ringing(0)).await;
    let before = shown_then(&gateway, &tenant).await;
    set("+8d");
    eventually("the jump to be seen", async || {
        gateway.process.log().contains("the clock is ahead of the time that passed").then_some(())
    })
    .await;
    assert_eq!(shown_then(&gateway, &tenant).await, before);
    set("+0");
    drop(gateway);
    // A start with a clock that is wrong from the beginning.
    set("+8d");
    let mut gateway = Gateway::start_with(&config, faked(callpop())).await;
    assert_eq!(shown_then(&gateway, &tenant).await, before);
    assert_eq!(gateway.metric("callpop_items_forgotten_total").await, 0.0);
    gateway.stop().await;
    set("+0");
    let gateway = config.start().await;
    assert_eq!(shown_then(&gateway, &tenant).await, before);
}
