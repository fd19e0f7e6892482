//! Closed days on several nodes, in Redis, when the journal's old files go, and in a copy of the store.

use crate::support::{
    Config, Engine, Gateway,
    closed_days::{
        calls, figures, gone, late, of_tenant, play, short_lived, stored, times_stored, two_days_ago,
    },
    eventually, new_tenant, redis, store,
};
use futures_util::future::join_all;
use serde_json::{Value, json};

async fn three(config: &Config) -> [Gateway; 3] {
    [config.start().await, config.start().await, config.start().await]
}

#[tokio::test]
async fn all_nodes_say_the_same_of_a_day_that_is_gone() {
    for engine in [Engine::Redis, Engine::Cluster] {
        let nodes = three(&short_lived(engine.config().await)).await;
        let (tenant, begin) = (new_tenant(), two_days_ago());
        let legs = calls(&tenant, begin);
        join_all(nodes.iter().zip(legs.chunks(4)).map(|(node, legs)| play(node, legs))).await;
        let before = figures(&nodes[0], &tenant, begin).await;
        assert_eq!(of_tenant(&nodes[0], &tenant, begin).await["offered"], 8);
        gone(&nodes[1], &tenant, begin).await;
        for node in &nodes {
            assert_eq!(figures(node, &tenant, begin).await, before);
        }
        nodes[2].deliver_each(&late(&tenant, begin)).await;
        gone(&nodes[2], &tenant, begin).await;
        for node in &nodes {
            assert_eq!(of_tenant(node, &tenant, begin).await["offered"], 9);
        }
    }
}

#[tokio::test]
async fn in_redis_no_part_of_a_day_stays_for_ever() {
    let config = short_lived(Engine::Redis.config().await);
    let (node, server) = (config.start().await, redis::shared().await);
    let (tenant, begin) = (new_tenant(), two_days_ago());
    play(&node, &calls(&tenant, begin)).await;
    stored(&node, 0.0).await;
    let key = |part: &str| format!("{}:{{{tenant}}}:days:{part}", config.text("engine.redis_prefix"));
    let days = async |part: &str| server.command(&["PTTL", &key(part)]).await.as_u64().unwrap() / 86_400_000;
    for (part, expected) in [("at", 400), ("calls", 400), ("people", 35), ("key", 0)] {
        let left = days(part).await;
        assert!((expected..=expected + 1).contains(&left), "{part}: {left} days");
    }
    // The key goes as soon as no leg of the day can be left.
    eventually("the key to go", async || {
        (server.command(&["EXISTS", &key("key")]).await == json!(0)).then_some(())
    })
    .await;
    assert_eq!(
        server.command(&["HLEN", &key("calls")]).await,
        server.command(&["HLEN", &key("people")]).await
    );
    assert_eq!(of_tenant(&node, &tenant, begin).await["offered"], 8);
}

/// A journal whose files are as small as they may be.
fn small_files() -> Config {
    short_lived(Config::new()).set("engine.settle_after", "1s").set("engine.file_bytes", 65_536)
}

#[tokio::test]
async fn closed_days_outlive_the_files_in_which_they_were_written() {
    let config = small_files();
    let (mut gateway, tenant, begin) = (config.start().await, new_tenant(), two_days_ago());
    play(&gateway, &calls(&tenant, begin)).await;
    let before = figures(&gateway, &tenant, begin).await;
    gone(&gateway, &tenant, begin).await;
    store::outlive_first_file(&gateway, &new_tenant()).await;
    gateway = gateway.restart_after_kill().await;
    assert_eq!(figures(&gateway, &tenant, begin).await, before);
}

#[tokio::test]
async fn a_copy_of_the_store_has_the_closed_days_and_is_sound() {
    let config = short_lived(Config::new());
    let (mut gateway, tenant, begin) = (config.start().await, new_tenant(), two_days_ago());
    play(&gateway, &calls(&tenant, begin)).await;
    let before: Vec<Value> = figures(&gateway, &tenant, begin).await;
    gone(&gateway, &tenant, begin).await;
    let copy = config.data_dir().with_extension("copy");
    store::command(&gateway, &["backup", copy.to_str().unwrap()]).await;
    gateway.stop().await;
    store::command(&gateway, &["verify"]).await;
    let restored = config.clone().set("engine.data_dir", copy.to_str().unwrap()).start().await;
    assert_eq!(figures(&restored, &tenant, begin).await, before);
    assert_eq!(restored.metric("callpop_stored_rows_unreadable_total").await, 0.0);
    assert_eq!(times_stored(&restored).await, 0.0);
}
