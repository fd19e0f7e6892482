//! The store of the embedded engine: what has ended is on the disk and is found there, damage is noticed and never
//! silently cut, and a copy is whole.

mod care;
mod damage;
mod settling;

use crate::support::{Config, Gateway, Leg, client::Calls, eventually, new_tenant, store};
use serde_json::json;

/// A store in which all kinds of files have something to lose.
struct Filled {
    config: Config,
    tenant: String,
    calls: Calls,
}

fn config() -> Config {
    Config::new().timeless().set("engine.settle_after", "1s").set("calls.recent_per_tenant", 10_000)
}

/// Calls that have ended, with summaries of so many bytes.
async fn ended(gateway: &Gateway, tenant: &str, count: usize, bytes: usize) -> Vec<Leg> {
    let legs: Vec<_> = (0..count).map(|_| Leg::inbound(tenant, "200")).collect();
    for leg in &legs {
        gateway.deliver_each(&leg.whole()).await;
        gateway.deliver(&leg.summary(60, json!({"title": "s".repeat(bytes)}))).await;
    }
    legs
}

/// Waits until so many rows stand in the items of a store.
async fn settled(config: &Config, rows: usize) {
    eventually("what has ended to be settled", async || {
        (store::rows(&config.data_dir(), "items").len() >= rows).then_some(())
    })
    .await;
}

/// A store with settled and live calls, in several files, of a gateway that was stopped.
async fn filled() -> Filled {
    let (config, tenant) = (config(), new_tenant());
    let mut gateway = config.start().await;
    ended(&gateway, &tenant, 30, 100).await;
    settled(&config, 30).await;
    let live: [Leg; 5] = std::array::from_fn(|_| Leg::inbound(&tenant, "210"));
    for leg in &live {
        gateway.deliver(&leg.ringing(0)).await;
    }
    let calls = gateway.supervisor(&tenant).await.calls;
    assert_eq!(calls.len(), 35);
    gateway.stop().await;
    Filled { config, tenant, calls }
}

async fn shown(gateway: &Gateway, tenant: &str) -> Calls {
    gateway.supervisor(tenant).await.calls
}
