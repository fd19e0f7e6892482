//! The rights in Redis that docs/operations.md asks for: the contract suite runs with them; here are the
//! corners that it does not come to, and what they do not allow.

use crate::support::{
    Engine, Leg,
    engine::on_redis,
    new_tenant,
    redis::{
        self, Aof, Sentinels,
        rights::{grant, url},
        sentinel::MASTER,
    },
};
use futures_util::future::join_all;
use serde_json::{Value, json};

#[tokio::test]
async fn the_documented_rights_suffice_behind_sentinels() {
    let set = Sentinels::start(Aof::EverySecond).await;
    join_all(set.servers.iter().map(grant)).await;
    let by_user = url(&set.servers[0]);
    let (user, _) = by_user.rsplit_once('@').unwrap();
    let sentinels = set.sentinels.iter().map(|sentinel| format!("{user}@{}", sentinel.address()));
    let config = on_redis(sentinels.collect::<Vec<_>>().join(","));
    let node = config.set("engine.redis_master", MASTER).set("engine.redis_wait_replicas", 1).start().await;
    let leg = Leg::inbound(&new_tenant(), "200");
    let mut client = node.agent(&leg.tenant, "200").await;
    node.deliver_each(&leg.whole()).await;
    client.version(&leg, 3).await;
}

#[tokio::test]
async fn the_archive_is_cleaned_up_with_the_documented_rights() {
    let config = Engine::Redis.config().await;
    let server = redis::shared().await;
    let node = config.start().await;
    // Of what is no longer there more bytes are counted than are kept: the count begins anew.
    let bytes = format!("{}:{{archive}}:bytes", config.text("engine.redis_prefix"));
    server.command(&["SET", &bytes, "100000000"]).await;
    let parked = |number: u64| Leg::inbound(&new_tenant(), "200").event("PARKED", number);
    node.deliver(&parked(0)).await;
    assert_eq!(server.command(&["EXISTS", &bytes]).await, json!(0));
    // And the oldest go when there are too many.
    let events: Vec<Value> = (0..1100).map(parked).collect();
    for some in events.chunks(100) {
        node.deliver(&json!(some)).await;
    }
    let kept: Vec<Value> = node.look_up("/archive").await.json().await.unwrap();
    assert_eq!(kept.len(), 1000);
}

#[tokio::test]
async fn the_documented_rights_end_at_the_prefix_and_rule_no_server() {
    let server = redis::shared().await;
    let by_user = url(server);
    let (user, password) =
        by_user.strip_prefix("redis://").unwrap().split_once('@').unwrap().0.split_once(':').unwrap();
    assert!(password.len() > 8, "{password}");
    let commands = "GET callpops|SET other 1|PUBLISH other x|SPUBLISH other x|SUBSCRIBE other|KEYS *|FLUSHALL|FLUSHDB|\
        CONFIG GET dir|ACL LIST|CLIENT LIST|CLIENT KILL ID 1|CLIENT PAUSE 1|SHUTDOWN|DEBUG SLEEP 0|MONITOR|REPLICAOF NO ONE|\
        CLUSTER RESET|SCRIPT FLUSH|MIGRATE h 1 k 0 1|SWAPDB 0 1|FAILOVER|MODULE LIST|SAVE|BGREWRITEAOF|FUNCTION FLUSH";
    for command in commands.split('|') {
        let words: Vec<&str> =
            ["ACL", "DRYRUN", user].into_iter().chain(command.split_whitespace()).collect();
        let verdict = server.command(&words).await;
        let verdict = verdict.as_str().unwrap().to_owned();
        assert!(verdict.contains("has no permissions") || verdict.contains("can't"), "{command}: {verdict}");
    }
}
