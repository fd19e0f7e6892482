//! What stays in Redis, for how long, and how much of its memory that takes.

use crate::support::{
    Engine, Gateway, Leg,
    engine::on_redis,
    eventually, eventually_within, new_tenant, now,
    redis::{Aof, Server, shared},
    telsmart::NUMBER,
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};

const SAID: &str = "a secret. ";

/// Every key below a prefix.
async fn keys(redis: &Server, prefix: &str) -> Vec<String> {
    let keys = redis.command(&["KEYS", &format!("{prefix}*")]).await;
    keys.as_array().unwrap().iter().map(|key| key.as_str().unwrap().to_owned()).collect()
}

/// All that a key holds; nothing where it has gone meanwhile.
async fn content(redis: &Server, key: &str) -> Value {
    let kind = redis.command(&["TYPE", key]).await;
    let read: &[&str] = match kind.as_str().unwrap() {
        "string" => &["GET", key],
        "hash" => &["HGETALL", key],
        "list" => &["LRANGE", key, "0", "-1"],
        "set" => &["SMEMBERS", key],
        "zset" => &["ZRANGE", key, "0", "-1", "WITHSCORES"],
        "stream" => &["XRANGE", key, "-", "+"],
        "none" => return Value::Null,
        other => panic!("{key} is a {other}"),
    };
    redis.command(read).await
}

/// An answered call with a summary, which ended a moment ago.
fn ended(tenant: &str, extension: &str) -> [Value; 4] {
    let leg = Leg::inbound(tenant, extension).starting_at(now() - 30_000_000);
    let summary = leg.summary(25, json!({"title": SAID.repeat(50)}));
    [leg.ringing(0), leg.active(5), leg.hangup(20), summary]
}

/// Has the ended calls of several users taken, hundreds in a webhook.
async fn deliver_ended(node: &Gateway, tenant: &str, users: usize, calls: usize) {
    let calls: Vec<[Value; 4]> =
        (0..calls).map(|number| ended(tenant, &format!("{}", 1000 + number % users))).collect();
    for calls in calls.chunks(100) {
        node.deliver(&json!(calls.concat())).await;
    }
}

#[tokio::test]
async fn ended_calls_are_gone_from_redis_after_keep_ended() {
    let prefix = format!("callpop:retention-{}", new_tenant());
    let config = Engine::Redis.config().await.set("engine.redis_prefix", prefix.clone());
    let node = config.set("calls.keep_ended", "1s").start().await;
    let redis = shared().await;
    let tenant = new_tenant();
    deliver_ended(&node, &tenant, 10, 200).await;
    let live = Leg::inbound(&tenant, "200").with("caller_number", "+32470999999").with("caller_name", "");
    node.deliver(&live.ringing(0)).await;
    eventually("what was said in them to go", async || {
        for key in keys(redis, &prefix).await {
            let content = content(redis, &key).await.to_string();
            if content.contains(NUMBER) || content.contains(SAID) {
                return None;
            }
        }
        Some(())
    })
    .await;
    let client = node.supervisor(&tenant).await;
    assert_eq!((client.calls.len(), client.call(&live).is_some()), (1, true));
}

#[tokio::test]
async fn a_tenant_of_which_nothing_is_heard_leaves_nothing_in_redis() {
    let prefix = format!("callpop:retention-{}", new_tenant());
    let config = Engine::Redis.config().await.set("engine.redis_prefix", prefix.clone());
    // A tenant's own keys stay as long as the kind that stays the longest.
    let config = config.set("calls.keep_ended", "1s").set("notices.keep", "1s");
    let node = config.set("calls.expire_after", "1s").start().await;
    let redis = shared().await;
    let tenant = new_tenant();
    deliver_ended(&node, &tenant, 3, 30).await;
    node.deliver(&Leg::inbound(&tenant, "200").ringing(0)).await;
    assert!(keys(redis, &prefix).await.len() > 30);
    eventually_within(Duration::from_secs(30), "every key of the tenant to go", async || {
        let mut left = keys(redis, &prefix).await;
        left.retain(|key| {
            ![":sweeper", ":fence", ":nodes", ":trial:hash"]
                .iter()
                .any(|short_lived| key.ends_with(short_lived))
        });
        left.is_empty().then_some(())
    })
    .await;
}

/// What Redis uses for data, in bytes.
async fn used(redis: &Server) -> f64 {
    redis.info("used_memory_dataset").await.unwrap().parse().unwrap()
}

/// What the ended calls of so many users take.
async fn cost(redis: &Server, node: &Gateway, users: usize, calls: usize) -> f64 {
    let before = used(redis).await;
    deliver_ended(node, &new_tenant(), users, calls).await;
    used(redis).await - before
}

/// What Redis uses for a tenant's keys: their number and mean by kind.
async fn by_kind(redis: &Server) -> String {
    let mut kinds = BTreeMap::<String, (u64, u64)>::new();
    for key in keys(redis, "").await {
        let Some((_, name)) = key.split_once("}:") else { continue };
        let bytes = redis.command(&["MEMORY", "USAGE", &key]).await.as_u64().unwrap();
        let (count, sum) = kinds.entry(name.split(':').next().unwrap().to_owned()).or_default();
        (*count, *sum) = (*count + 1, *sum + bytes);
    }
    let kinds = kinds.iter().map(|(kind, (count, sum))| format!("{count} x {kind} of {}", sum / count));
    kinds.collect::<Vec<_>>().join(", ")
}

/// Set `CALLPOP_CALLS_TO_MEASURE` for another number of calls than is quick.
#[tokio::test]
async fn memory_per_ended_call_and_per_user_is_bounded() {
    let calls = std::env::var("CALLPOP_CALLS_TO_MEASURE").map_or(1000, |calls| calls.parse().unwrap());
    let redis = Server::start(Aof::Off).await;
    let node = on_redis(redis.url()).set("engine.durability", "memory").start().await;
    // What is there once: scripts, connections, the first tables.
    cost(&redis, &node, 1, 100).await;
    let few = cost(&redis, &node, 10, calls).await;
    let many = cost(&redis, &node, calls, calls).await;
    let (per_call, per_user) = (few / calls as f64, (many - few) / (calls - 10) as f64);
    let said = ended("tenant", "200").iter().map(|event| event.to_string().len()).sum::<usize>();
    eprintln!(
        "{calls} ended calls of 4 events, {said} bytes as webhooks: {per_call:.0} bytes each in Redis; a user more: \
        {per_user:.0}; keys: {}",
        by_kind(&redis).await
    );
    assert!(per_call < 4.0 * said as f64, "{per_call} bytes for a call");
    assert!(per_user < 1024.0, "{per_user} bytes for a user");
}

/// Prose of about so many bytes, as the minutes of a call are: hardly a sentence of it stands twice.
fn minutes(nth: usize, bytes: usize) -> Value {
    const PROSE: &str = include_str!("../../docs/security.md");
    let sentences: Vec<&str> =
        PROSE.split(['.', '|', '\n']).map(str::trim).filter(|it| it.len() > 30).collect();
    let mut said = Vec::new();
    for sentence in sentences.iter().cycle().skip(nth * 7) {
        if json!(said).to_string().len() + sentence.len() > bytes {
            break;
        }
        said.push(*sentence);
    }
    json!({"meeting_title": format!("Phone call {nth}"), "quick_summary": said})
}

#[tokio::test]
async fn what_a_summary_says_is_compressed_in_redis() {
    const CALLS: usize = 200;
    let redis = Server::start(Aof::Off).await;
    let node = on_redis(redis.url()).set("engine.durability", "memory").start().await;
    let tenant = new_tenant();
    let mut said = 0;
    for nth in 0..CALLS {
        let leg = Leg::inbound(&tenant, "200");
        let content = minutes(nth, 5 * 1024);
        said += content.to_string().len();
        let events = [leg.ringing(0), leg.active(5), leg.held(9), leg.hangup(20), leg.summary(60, content)];
        node.deliver(&json!(events)).await;
    }
    let mut bytes = 0;
    for key in keys(&redis, "").await {
        if [":item:", ":content:", ":ghost:"].iter().any(|part| key.contains(part)) {
            let used = redis.command(&["MEMORY", "USAGE", &key, "SAMPLES", "0"]).await;
            bytes += used.as_u64().unwrap() as usize;
        }
    }
    eprintln!(
        "{CALLS} ended calls with summaries of {} bytes: {} bytes each in Redis; keys: {}",
        said / CALLS,
        bytes / CALLS,
        by_kind(&redis).await
    );
    assert!(bytes / CALLS < 4400, "{} bytes for a call", bytes / CALLS);
}

/// A summary of about 5 KB in the form of the provider's own example: its sections and some of other calls, which say
/// what no other text here says.
fn summary(nth: usize) -> Value {
    const BYTES: usize = 5 * 1024;
    let texts = include_str!("../fixtures/summaries.jsonl").lines();
    let texts: Vec<Value> = texts.map(|text| serde_json::from_str(text).unwrap()).collect();
    let sections = |text: &Value| text["meeting_notes_sections"].as_array().unwrap().clone();
    let others = (1..texts.len()).flat_map(|more| sections(&texts[(nth + more) % texts.len()]));
    let mut said = texts[nth % texts.len()].clone();
    for section in others {
        let length = said.to_string().len() + section.to_string().len();
        if length < BYTES + 200 {
            said["meeting_notes_sections"].as_array_mut().unwrap().push(section);
        }
    }
    said["meeting_title"] = json!(format!("Phone call {nth}"));
    said
}

/// What an ended call takes in Redis once it is settled, in bytes: the slope of what Redis uses for data, from some
/// calls of five events and a summary to four times as many; and how long the summaries are.
async fn settled_cost(said: impl Fn(usize) -> Value) -> (f64, usize) {
    const CALLS: usize = 150;
    let redis = Server::start(Aof::Off).await;
    let config = on_redis(redis.url()).set("engine.durability", "memory").set("engine.settle_after", "1s");
    // Names are a part of it, so they are as they are in use.
    let node = config.set("engine.redis_prefix", "callpop").start().await;
    let tenant = new_tenant();
    let (mut bytes, mut used_then) = (0, Vec::new());
    for calls in [0..CALLS, CALLS..4 * CALLS] {
        for nth in calls.clone() {
            let leg = Leg::inbound(&tenant, &format!("{}", 200 + nth % 10));
            let said = said(nth);
            bytes += said.to_string().len();
            let phases = [leg.ringing(0), leg.active(5), leg.held(9), leg.active(12), leg.hangup(20)];
            node.deliver(&json!([&phases[..], &[leg.summary(60, said)]].concat())).await;
        }
        eventually_within(Duration::from_secs(60), "the calls to be settled", async || {
            (node.metric("callpop_redis_settled_total").await >= calls.end as f64).then_some(())
        })
        .await;
        used_then.push(used(&redis).await);
    }
    eprintln!("{}", by_kind(&redis).await);
    ((used_then[1] - used_then[0]) / (3 * CALLS) as f64, bytes / (4 * CALLS))
}

#[tokio::test]
async fn an_ended_call_with_a_summary_of_5_kb_takes_half_of_that_of_redis() {
    let (cost, length) = settled_cost(summary).await;
    eprintln!("an ended call with a summary of {length} bytes: {cost:.0} bytes in Redis");
    assert!(cost < 2.5 * 1024.0, "{cost} bytes for a call");
    let (cost, length) = settled_cost(|nth| minutes(nth, 5 * 1024)).await;
    eprintln!("and with {length} bytes of prose that hardly repeats itself: {cost:.0}");
    assert!(cost < 3.25 * 1024.0, "{cost} bytes for a call");
}
