//! Displays on several nodes, while Redis is away, and when the journal's old files go.

use crate::support::{
    Config, Engine, Gateway, Token,
    displays::{
        answer, begin, code, for_screens, ids, is_known, list, pair, poll, revoke, said, showing, told,
    },
    engine::on_redis,
    eventually,
    gateway::problem,
    new_tenant,
    redis::{self, Aof, Server},
    store,
};
use futures_util::future::join_all;
use serde_json::{Value, json};

async fn three(config: &Config) -> [Gateway; 3] {
    [config.start().await, config.start().await, config.start().await]
}

#[tokio::test]
async fn a_screen_is_paired_by_way_of_whichever_nodes() {
    for engine in [Engine::Redis, Engine::Cluster] {
        let nodes = three(&for_screens(engine.config().await)).await;
        for nth in 0..6 {
            let node = |step: usize| &nodes[(nth + step) % 3];
            let tenant = new_tenant();
            let begun = begin(node(0)).await;
            let polled = begun["poll"].as_str().unwrap();
            assert_eq!(said(poll(node(2), polled).await, 200).await["state"], "waiting");
            let body = json!({"code": begun["code"], "groups": ["g"]});
            let display = said(answer(node(1), &Token::supervisor(&tenant), &body).await, 201).await;
            let paired = told(node(2), &begun).await;
            assert_eq!(told(node(0), &begun).await.secret, paired.secret);
            for node in &nodes {
                assert!(is_known(node, &paired.secret).await);
                assert_eq!(ids(node, &tenant).await, [display["display_id"].as_str().unwrap()]);
                problem(poll(node, polled).await, 410).await;
                problem(answer(node, &Token::supervisor(&tenant), &body).await, 409).await;
            }
            assert_eq!(revoke(node(1), &tenant, &paired.id).await.status(), 204);
            for node in &nodes {
                assert!(!is_known(node, &paired.secret).await);
                assert_eq!(list(node, &tenant).await, [] as [Value; 0]);
            }
        }
    }
}

#[tokio::test]
async fn of_those_who_enter_a_code_at_several_nodes_one_wins() {
    let nodes = three(&for_screens(Engine::Redis.config().await)).await;
    for _ in 0..10 {
        let begun = begin(&nodes[0]).await;
        let body = json!({"code": begun["code"]});
        let bosses: Vec<Token> = (0..6).map(|_| Token::supervisor(&new_tenant())).collect();
        let answers = bosses.iter().enumerate().map(|(nth, boss)| answer(&nodes[nth % 3], boss, &body));
        let answers = join_all(answers).await;
        assert_eq!(answers.iter().filter(|answer| answer.status() == 201).count(), 1);
        assert_eq!(answers.iter().filter(|answer| answer.status() == 409).count(), 5);
        told(&nodes[1], &begun).await;
    }
}

#[tokio::test]
async fn a_code_ends_after_five_minutes() {
    let config = for_screens(Engine::Redis.config().await);
    let (node, server) = (config.start().await, redis::shared().await);
    let begun = begin(&node).await;
    let key =
        format!("{}:{{{}}}:waiting", config.text("engine.redis_prefix"), begun["code"].as_str().unwrap());
    let left = server.command(&["PTTL", &key]).await.as_u64().unwrap();
    assert!((200_000..=300_000).contains(&left), "{left}");
    server.command(&["PEXPIRE", &key, "0"]).await;
    problem(poll(&node, begun["poll"].as_str().unwrap()).await, 404).await;
    let body = json!({"code": begun["code"]});
    problem(answer(&node, &Token::supervisor(&new_tenant()), &body).await, 404).await;
}

#[tokio::test]
async fn what_is_kept_of_displays_in_redis_ends_by_itself() {
    let config = for_screens(Engine::Redis.config().await);
    let (node, server, tenant) = (config.start().await, redis::shared().await, new_tenant());
    pair(&node, &tenant).await;
    let prefix = config.text("engine.redis_prefix");
    let key = format!("{prefix}:{{{tenant}}}:displays");
    let left = server.command(&["PTTL", &key]).await.as_u64().unwrap();
    let day = 24 * 60 * 60 * 1000;
    assert!((30 * day - 1000..=30 * day + day).contains(&left), "{left}");
    let all = server.command(&["KEYS", &format!("{prefix}:*")]).await;
    for key in all.as_array().unwrap().iter().map(|key| key.as_str().unwrap()) {
        let of_pairing = ["waiting", "claim", "answered"].iter().any(|part| key.ends_with(part));
        if of_pairing {
            let left = server.command(&["PTTL", key]).await.as_i64().unwrap();
            assert!((0..=300_000).contains(&left), "{key}: {left}");
        }
    }
}

#[tokio::test]
async fn unused_displays_in_redis_go_when_their_places_are_needed() {
    let config = for_screens(Engine::Redis.config().await).set("displays.unused", "1s");
    let (node, server, tenant) = (config.start().await, redis::shared().await, new_tenant());
    let old = pair(&node, &tenant).await;
    eventually("it to be unused", async || ids(&node, &tenant).await.is_empty().then_some(())).await;
    let key = format!("{}:{{{tenant}}}:displays", config.text("engine.redis_prefix"));
    let stored = server.command(&["HGET", &key, &old.id]).await;
    for _ in 1..200 {
        let id = uuid::Uuid::new_v4().to_string();
        server.command(&["HSET", &key, &id, stored.as_str().unwrap()]).await;
    }
    let fresh = pair(&node, &tenant).await;
    assert_eq!(server.command(&["HKEYS", &key]).await, json!([fresh.id]));
}

#[tokio::test]
async fn unused_displays_leave_the_store() {
    let config = for_screens(Config::new()).set("displays.unused", "1s");
    let (gateway, tenant) = (config.start().await, new_tenant());
    let old = pair(&gateway, &tenant).await;
    eventually("the journal to say that it is gone", async || {
        let rows = store::rows(&config.data_dir(), "events");
        let rows = rows.iter().map(|row| serde_json::from_slice::<Value>(row).unwrap());
        rows.map(|row| row["display"].clone())
            .any(|row| row["id"] == json!(old.id) && row["display"].is_null())
            .then_some(())
    })
    .await;
}

#[tokio::test]
async fn while_redis_is_away_nobody_is_told_that_a_secret_is_wrong() {
    let mut server = Server::start(Aof::Always).await;
    let node = for_screens(on_redis(server.url())).start().await;
    let tenant = new_tenant();
    let display = pair(&node, &tenant).await;
    let begun = begin(&node).await;
    server.kill();
    let refused = showing(&node, &display.secret).refused().await;
    assert_eq!(refused, 4500, "it is to come again");
    let boss = Token::supervisor(&tenant);
    for answer in [
        answer(&node, &boss, &json!({"code": begun["code"]})).await,
        poll(&node, begun["poll"].as_str().unwrap()).await,
        revoke(&node, &tenant, &display.id).await,
    ] {
        assert!(answer.headers().contains_key("retry-after"));
        problem(answer, 503).await;
    }
    server.restart().await;
    eventually("Redis to be back", async || {
        (showing(&node, &display.secret).refused().await == 4403).then_some(())
    })
    .await;
    assert_eq!(ids(&node, &tenant).await, [display.id]);
}

/// A journal whose files are as small as they may be.
fn small_files() -> Config {
    for_screens(Config::new()).timeless().set("engine.settle_after", "1s").set("engine.file_bytes", 65_536)
}

#[tokio::test]
async fn displays_outlive_the_files_in_which_they_were_written() {
    let config = small_files();
    let (mut gateway, tenant) = (config.start().await, new_tenant());
    let (kept, gone) = (pair(&gateway, &tenant).await, pair(&gateway, &tenant).await);
    assert_eq!(revoke(&gateway, &tenant, &gone.id).await.status(), 204);
    let before = list(&gateway, &tenant).await;
    store::outlive_first_file(&gateway, &tenant).await;
    gateway = gateway.restart_after_kill().await;
    assert_eq!(list(&gateway, &tenant).await, before);
    assert!(is_known(&gateway, &kept.secret).await && !is_known(&gateway, &gone.secret).await);
    let begun = code(&gateway).await;
    said(answer(&gateway, &Token::supervisor(&tenant), &json!({"code": begun})).await, 201).await;
}

#[tokio::test]
async fn a_copy_of_the_store_has_the_displays_and_is_sound() {
    let config = for_screens(Config::new());
    let (mut gateway, tenant) = (config.start().await, new_tenant());
    let (kept, gone) = (pair(&gateway, &tenant).await, pair(&gateway, &tenant).await);
    assert!(is_known(&gateway, &kept.secret).await);
    assert_eq!(revoke(&gateway, &tenant, &gone.id).await.status(), 204);
    let before = list(&gateway, &tenant).await;
    let copy = config.data_dir().with_extension("copy");
    store::command(&gateway, &["backup", copy.to_str().unwrap()]).await;
    gateway.stop().await;
    store::command(&gateway, &["verify"]).await;
    let restored = config.clone().set("engine.data_dir", copy.to_str().unwrap()).start().await;
    assert_eq!(list(&restored, &tenant).await, before);
    assert!(is_known(&restored, &kept.secret).await && !is_known(&restored, &gone.secret).await);
    assert_eq!(restored.metric("callpop_stored_rows_unreadable_total").await, 0.0);
}
