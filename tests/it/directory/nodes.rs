//! Several nodes on one Redis: what is written at one is followed by all, also when Redis was away meanwhile.

use crate::support::{
    Config, Engine, Gateway, Leg,
    directory::{JSON, assign, boss, get, put, replace, request, row, rows, sent, user},
    engine::on_redis,
    eventually,
    gateway::problem,
    new_tenant,
    redis::{Aof, Server},
};
use futures_util::future::join_all;
use serde_json::json;

/// One after the other, since they write the same file of configuration.
async fn three(config: &Config) -> [Gateway; 3] {
    [config.start().await, config.start().await, config.start().await]
}

/// The key of a tenant's directory.
fn key(node: &Gateway, tenant: &str) -> String {
    format!("{}:{{{tenant}}}:directory", node.config().text("engine.redis_prefix"))
}

#[tokio::test]
async fn what_is_written_at_one_node_is_followed_by_the_others() {
    for engine in [Engine::Redis, Engine::Cluster] {
        let config = engine.config().await;
        let nodes = three(&config).await;
        // On a cluster they are at several servers.
        let tenants: Vec<String> = (0..6).map(|_| new_tenant()).collect();
        for tenant in &tenants {
            assign(&nodes[0], tenant, &[("ann", "200")]).await;
        }
        let mut anns = Vec::new();
        for (nth, tenant) in tenants.iter().enumerate() {
            let ann = nodes[nth % 3].stream(&user(tenant, "ann")).open().await;
            assert_eq!(ann.first["extensions"], json!(["200"]));
            anns.push(ann);
        }
        for (nth, tenant) in tenants.iter().enumerate() {
            assign(&nodes[(nth + 1) % 3], tenant, &[("bob", "200"), ("ann", "210")]).await;
        }
        for (ann, tenant) in anns.iter_mut().zip(&tenants) {
            assert_eq!(ann.next_of("snapshot").await["extensions"], json!(["210"]));
            let leg = Leg::inbound(tenant, "210");
            nodes[2].deliver(&leg.ringing(0)).await;
            ann.version(&leg, 1).await;
        }
        // Whichever node is asked says the same at once.
        let written = replace(&nodes[0], &tenants[0], &[row("220", &["sub:ann"])]).await;
        for node in &nodes {
            assert_eq!(get(node, &tenants[0]).await.0, written);
        }
        problem(put(&nodes[1], &tenants[0], "\"another\"", JSON, &rows(&[])).await, 412).await;
    }
}

#[tokio::test]
async fn who_is_kept_to_groups_follows_what_is_written_at_another_node() {
    for engine in [Engine::Redis, Engine::Cluster] {
        let nodes = three(&engine.config().await).await;
        let tenant = new_tenant();
        let leg = Leg::inbound(&tenant, "200");
        nodes[2].deliver(&leg.ringing(0)).await;
        let token = boss(&tenant).claim("groups", ["sales"]);
        let mut client = nodes[0].stream(&token).scope("tenant").open().await;
        assert!(client.calls.is_empty());
        let mut row = row("200", &[]);
        row["groups"] = json!(["sales"]);
        replace(&nodes[1], &tenant, &[row]).await;
        client.next_of("snapshot").await;
        nodes[2].deliver(&leg.active(1)).await;
        client.version(&leg, 2).await;
        replace(&nodes[2], &tenant, &[]).await;
        assert_eq!(client.next_of("snapshot").await["calls"], json!([]));
        nodes[1].deliver(&leg.hangup(2)).await;
        client.assert_open().await;
        assert!(client.calls.is_empty());
    }
}

#[tokio::test]
async fn of_those_who_write_at_several_nodes_one_wins() {
    let config = Engine::Redis.config().await;
    let nodes = three(&config).await;
    let tenant = new_tenant();
    let nothing = get(&nodes[0], &tenant).await.0;
    let bodies: Vec<String> = (0..9).map(|nth| rows(&[row(&nth.to_string(), &[])])).collect();
    let puts = bodies.iter().enumerate();
    let puts = puts.map(|(nth, body)| put(&nodes[nth % 3], &tenant, &nothing, JSON, body));
    let answers = join_all(puts).await;
    assert_eq!(answers.iter().filter(|answer| answer.status().is_success()).count(), 1);
    assert_eq!(answers.iter().filter(|answer| answer.status() == 412).count(), 8);
}

#[tokio::test]
async fn while_redis_is_away_everybody_keeps_what_they_have() {
    let server = Server::start(Aof::EverySecond).await;
    let config = on_redis(server.url());
    let nodes = [config.start().await, config.start().await];
    let tenant = new_tenant();
    assign(&nodes[0], &tenant, &[("ann", "200")]).await;
    let mut ann = nodes[0].stream(&user(&tenant, "ann")).open().await;
    server.pause();
    for method in ["GET", "PUT"] {
        let asked = request(&nodes[0], method, &boss(&tenant)).header("If-Match", "*");
        let answer = sent(asked.header("Content-Type", JSON).body(rows(&[]))).await;
        assert!(answer.headers().contains_key("retry-after"));
        problem(answer, 503).await;
    }
    eventually("looks in vain", async || {
        (nodes[0].metric("callpop_directory_looks_failed_total").await >= 1.0).then_some(())
    })
    .await;
    ann.assert_open().await;
    server.unpause();
    eventually("Redis to be back", async || {
        (nodes[1].operator("/readyz").await.status() == 200).then_some(())
    })
    .await;
    assign(&nodes[1], &tenant, &[("ann", "210")]).await;
    // What was sent while it was away may be done or not; in the end the last counts.
    while ann.next_of("snapshot").await["extensions"] != json!(["210"]) {}
}

#[tokio::test]
async fn what_nobody_follows_is_held_by_nobody_for_long_and_what_cannot_be_read_changes_nothing() {
    let node = Engine::Redis.config().await.start().await;
    let tenant = new_tenant();
    assign(&node, &tenant, &[("ann", "200")]).await;
    let mut ann = node.stream(&user(&tenant, "ann")).open().await;
    eventually("it to be held", async || {
        (node.metric("callpop_directories_held").await == 1.0).then_some(())
    })
    .await;
    let server = crate::support::redis::shared().await;
    let key = key(&node, &tenant);
    server.command(&["HSET", &key, "etag", "strange", "rows", "{\"rows\":7}"]).await;
    eventually("it to be counted", async || {
        (node.metric("callpop_stored_rows_unreadable_total").await >= 1.0).then_some(())
    })
    .await;
    ann.assert_open().await;
    problem(sent(request(&node, "GET", &boss(&tenant))).await, 503).await;
    // Whoever replaces it mends it.
    assign(&node, &tenant, &[("ann", "210")]).await;
    assert_eq!(ann.next_of("snapshot").await["extensions"], json!(["210"]));
    // A Redis that lost it has an empty one.
    server.command(&["DEL", &key]).await;
    assert_eq!(ann.next_of("snapshot").await["extensions"], json!([]));
    // More that are only asked for than are held without a follower.
    for _ in 0..70 {
        get(&node, &new_tenant()).await;
    }
    eventually("the others to go", async || {
        (node.metric("callpop_directories_held").await == 1.0).then_some(())
    })
    .await;
}
