//! A Redis that answers, and does not take what is written: the node is not ready, says why, and is ready again
//! when Redis is well, though nobody sends anything.

use super::scene::readyz;
use crate::support::{
    Config, Leg,
    engine::on_redis,
    eventually,
    fleet::Fleet,
    new_tenant,
    redis::{Aof, Server},
};
use serde_json::{Value, json};
use std::fs;

/// Commands of `redis-server`, by words.
type Commands<'a> = &'a [&'a str];

async fn run(redis: &Server, commands: Commands<'_>) {
    for command in commands {
        redis.command(&command.split(' ').collect::<Vec<_>>()).await;
    }
}

/// What `/readyz` says.
async fn reasons(fleet: &Fleet) -> String {
    let answer: Value = fleet.node(0).operator("/readyz").await.json().await.unwrap();
    assert_eq!(answer["ready"], false, "{answer}");
    answer["reasons"].to_string()
}

/// The node of a Redis whose rights can be taken away without the test losing its own.
async fn node_of(redis: &Server) -> Fleet {
    run(redis, &["ACL SETUSER desk on >secret ~* &* +@all"]).await;
    let config = on_redis(format!("redis://desk:secret@{}", redis.address()));
    Fleet::start(vec![config.set("engine.redis_prefix", "callpop")]).await
}

/// What is done to Redis, and what makes it well again.
const CAUSES: &[(Commands<'static>, Commands<'static>, &str)] = &[
    (&["CONFIG SET maxmemory 1"], &["CONFIG SET maxmemory 0"], "Redis refuses"),
    (&["CONFIG SET min-replicas-to-write 1"], &["CONFIG SET min-replicas-to-write 0"], "Redis refuses"),
    (&["ACL SETUSER desk -@write"], &["ACL SETUSER desk +@all"], "Redis refuses"),
    (&["ACL SETUSER desk -hset"], &["ACL SETUSER desk +@all"], "Redis refuses"),
    (&["ACL SETUSER desk -publish"], &["ACL SETUSER desk +@all"], "Redis refuses"),
    (&["ACL SETUSER desk -evalsha"], &["ACL SETUSER desk +@all"], "Redis refuses"),
    (&["CLIENT PAUSE 600000 WRITE"], &["CLIENT UNPAUSE"], "Redis does not answer in time"),
];

#[tokio::test]
async fn readyz_follows_commits() {
    let redis = Server::start(Aof::EverySecond).await;
    let fleet = node_of(&redis).await;
    for (break_it, mend_it, why) in CAUSES {
        let leg = Leg::inbound(&new_tenant(), "200");
        assert_eq!(fleet.node(0).post(&leg.ringing(0)).await.status(), 204, "{break_it:?}");
        readyz(&fleet, 0, 200).await;
        run(&redis, break_it).await;
        assert_eq!(fleet.node(0).post(&leg.hangup(5)).await.status(), 503, "{break_it:?}");
        // What is known already tells nothing of what Redis takes.
        fleet.node(0).post(&leg.ringing(0)).await;
        assert_eq!(fleet.node(0).operator("/readyz").await.status(), 503, "{break_it:?}");
        assert!(reasons(&fleet).await.contains(why), "{break_it:?}: {}", reasons(&fleet).await);
        run(&redis, mend_it).await;
        readyz(&fleet, 0, 200).await;
    }
}

#[tokio::test]
async fn readyz_notices_without_a_webhook_that_redis_takes_nothing() {
    let redis = Server::start(Aof::EverySecond).await;
    let fleet = node_of(&redis).await;
    readyz(&fleet, 0, 200).await;
    run(&redis, &["CONFIG SET maxmemory 1"]).await;
    readyz(&fleet, 0, 503).await;
    run(&redis, &["CONFIG SET maxmemory 0"]).await;
    readyz(&fleet, 0, 200).await;
}

/// A node that bears trouble of its Redis for so long.
fn bearing(redis: &Server, limit: &str) -> Config {
    on_redis(redis.url()).set("engine.unready_after", limit)
}

#[tokio::test]
async fn the_public_readyz_bears_a_redis_that_takes_nothing_for_a_while_and_heals_without_traffic() {
    let redis = Server::start(Aof::EverySecond).await;
    let fleet = Fleet::start(vec![bearing(&redis, "1h"), bearing(&redis, "500ms")]).await;
    fleet.ready(200).await;
    for node in fleet.nodes() {
        assert!(node.is_in_rotation().await);
    }
    run(&redis, &["CONFIG SET maxmemory 1"]).await;
    for node in fleet.nodes() {
        let answer = node.post(&Leg::inbound(&new_tenant(), "200").ringing(0)).await;
        assert!(answer.status() == 503 && answer.headers().contains_key("retry-after"), "{answer:?}");
        assert_eq!(node.operator("/readyz").await.status(), 503, "it is told at once");
    }
    eventually("the impatient node to be out", async || {
        (!fleet.node(1).is_in_rotation().await).then_some(())
    })
    .await;
    assert!(fleet.node(0).is_in_rotation().await, "it goes with all the others at once");
    run(&redis, &["CONFIG SET maxmemory 0"]).await;
    eventually("the impatient node to be back", async || fleet.node(1).is_in_rotation().await.then_some(()))
        .await;
}

#[tokio::test]
async fn readyz_follows_a_redis_that_cannot_save() {
    let options = ["--save", "3600 1000000"];
    let redis = Server::start_with(Aof::EverySecond, &options).await;
    let fleet = node_of(&redis).await;
    readyz(&fleet, 0, 200).await;
    // Its dump is written beside the folder's other files, under a name that is taken by a folder.
    let dump = redis.folder().join("dump.rdb");
    fs::create_dir_all(dump.join("taken")).unwrap();
    saved(&redis, "err").await;
    assert_eq!(post_to(&fleet, &new_tenant()).await, 503);
    let said = reasons(&fleet).await;
    assert!(said.contains("Redis refuses"), "{said}");
    fs::remove_dir_all(dump).unwrap();
    saved(&redis, "ok").await;
    readyz(&fleet, 0, 200).await;
}

/// Has Redis save what it holds, until that went so.
async fn saved(redis: &Server, went: &str) {
    eventually(&format!("a save to be {went}"), async || {
        let _ = redis.try_command(&["BGSAVE"]).await;
        (redis.info("rdb_last_bgsave_status").await.as_deref() == Some(went)).then_some(())
    })
    .await;
}

async fn post_to(fleet: &Fleet, tenant: &str) -> u16 {
    fleet.node(0).post(&Leg::inbound(tenant, "200").ringing(0)).await.status().as_u16()
}

#[tokio::test]
async fn readyz_follows_what_replicas_confirm() {
    let primary = Server::start(Aof::EverySecond).await;
    let follow = format!("127.0.0.1 {}", primary.port);
    let replica = Server::start_with(Aof::EverySecond, &["--replicaof", &follow]).await;
    let config = on_redis(primary.url()).set("engine.redis_wait_replicas", 1);
    let fleet = Fleet::start(vec![config]).await;
    let tenant = new_tenant();
    eventually("the replica to confirm", async || (post_to(&fleet, &tenant).await == 204).then_some(()))
        .await;
    readyz(&fleet, 0, 200).await;
    drop(replica);
    assert_eq!(post_to(&fleet, &tenant).await, 503);
    assert!(reasons(&fleet).await.contains("too few replicas"));
    let _another = Server::start_with(Aof::EverySecond, &["--replicaof", &follow]).await;
    readyz(&fleet, 0, 200).await;
}

#[tokio::test]
async fn readyz_follows_a_key_that_holds_something_else() {
    let redis = Server::start(Aof::EverySecond).await;
    let fleet = node_of(&redis).await;
    for name in ["head", "live", "changes:0", "user:0:200"] {
        let (tenant, other) = (new_tenant(), new_tenant());
        let key = format!("callpop:{{{tenant}}}:{name}");
        redis.command(&["SET", &key, "something else"]).await;
        assert_eq!(post_to(&fleet, &tenant).await, 503, "{name}");
        let said = reasons(&fleet).await;
        assert!(said.contains("Redis refuses"), "{name}: {said}");
        // One broken tenant is no reason to send the others' webhooks away.
        assert_eq!(post_to(&fleet, &other).await, 204, "{name}");
        assert_eq!(fleet.node(0).operator("/readyz").await.status(), 200, "{name}");
        assert_eq!(post_to(&fleet, &tenant).await, 503, "{name}");
        redis.command(&["DEL", &key]).await;
        readyz(&fleet, 0, 200).await;
        assert_eq!(post_to(&fleet, &tenant).await, 204, "{name}");
    }
}

#[tokio::test]
async fn what_could_not_be_indexed_is_new_when_it_comes_again() {
    let redis = Server::start(Aof::EverySecond).await;
    let fleet = node_of(&redis).await;
    for name in ["live", "changes:0"] {
        let tenant = new_tenant();
        let (known, new) = (Leg::inbound(&tenant, "200"), Leg::inbound(&tenant, "200"));
        fleet.node(0).deliver(&known.ringing(0)).await;
        let key = format!("callpop:{{{tenant}}}:{name}");
        let aside = format!("{key}:aside");
        run(&redis, &[&format!("RENAME {key} {aside}"), &format!("SET {key} else")]).await;
        // Two of one item, and one of an item that is there already, in one commit.
        let events = json!([new.ringing(1), known.active(2), new.active(3), new.hangup(4)]);
        assert_eq!(fleet.node(0).post(&events).await.status(), 503, "{name}");
        run(&redis, &[&format!("DEL {key}"), &format!("RENAME {aside} {key}")]).await;
        readyz(&fleet, 0, 200).await;
        fleet.node(0).deliver(&events).await;
        let agent = fleet.node(0).agent(&tenant, "200").await;
        for (leg, version) in [(&known, 2), (&new, 3)] {
            assert_eq!(agent.call(leg).expect("it is shown")["version"], version, "{name}");
        }
    }
}
