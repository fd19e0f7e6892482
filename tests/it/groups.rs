//! Events that are committed together on Redis: each is what it would be alone, whatever is beside it.

use crate::support::{
    Client, Config, Engine, Gateway, Leg, engine::on_redis, eventually, gateway::problem, new_tenant, oracle,
    proxy::Proxy, raw::Raw, redis,
};
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// The longest that a webhook may take to say no.
const ANSWERED: Duration = Duration::from_secs(4);

async fn config() -> Config {
    Engine::Redis.config().await
}

/// A node on a Redis of its own, far away.
async fn far_away() -> (redis::Server, Proxy, Gateway) {
    let server = redis::Server::start(redis::Aof::Always).await;
    let link = Proxy::to(&server.address()).await;
    let config = on_redis(link.url()).set("engine.redis_prefix", "groups");
    (server, link, config.set("calls.recent_per_tenant", 100_000).start().await)
}

/// Posts each in a webhook of its own, all at once; gives their status and how long the slowest took.
async fn post_at_once(node: &Gateway, events: &[Value]) -> (Vec<u16>, Duration) {
    let began = Instant::now();
    let answers = join_all(events.iter().map(|event| node.post(event))).await;
    (answers.iter().map(|answer| answer.status().as_u16()).collect(), began.elapsed())
}

/// Waits until a client has every leg at a version.
async fn all(client: &mut Client, legs: &[Leg], version: u64) {
    let has = |client: &Client, leg| client.call(leg).is_some_and(|call| call["version"] == version);
    client.until("every leg", |client| legs.iter().all(|leg| has(client, leg))).await;
}

#[tokio::test]
async fn duplicates_and_disorder_in_one_group_make_the_same_call() {
    let nodes = [config().await.start().await, config().await.start().await];
    let tenant = new_tenant();
    let (leg, other) = (Leg::inbound(&tenant, "200"), Leg::outbound(&tenant, "201"));
    let mut agent = nodes[0].agent(&tenant, "200").await;
    let mut supervisor = nodes[0].supervisor(&tenant).await;
    let said: Vec<Value> =
        [leg.whole(), vec![leg.held(10), leg.active(12), leg.summary(40, json!({"title": "x"}))]].concat();
    let disorder = [5, 2, 2, 0, 4, 1, 0, 3, 5, 1].map(|nth: usize| said[nth].clone());
    let group = [&disorder[..5], &other.whole(), &disorder[5..], &other.whole()].concat();
    nodes[0].deliver(&json!(group)).await;
    for client in [&mut agent, &mut supervisor] {
        assert_eq!(client.version(&leg, 6).await, oracle::call(&said));
    }
    assert_eq!(supervisor.version(&other, 3).await, oracle::call(&other.whole()));
    // Six events of one leg, three of the other.
    assert_eq!(supervisor.seq, 9);
    assert_eq!(nodes[0].metric("callpop_events_duplicate_total").await, 7.0);
    assert_eq!(nodes[0].supervisor(&tenant).await.calls, supervisor.calls);
}

#[tokio::test]
async fn a_full_leg_hinders_no_other_in_its_group() {
    let node = config().await.start().await;
    let tenant = new_tenant();
    let [full, one, other] = [(); 3].map(|()| Leg::inbound(&tenant, "200"));
    let mut client = node.agent(&tenant, "200").await;
    let phases: Vec<Value> = (0..512).map(|second| full.event("HELD", second)).collect();
    node.deliver(&json!(phases)).await;
    node.deliver(&json!([one.ringing(0), full.active(600), other.ringing(0), full.hangup(700)])).await;
    client.version(&one, 1).await;
    client.version(&other, 1).await;
    let ended = client.version(&full, 513).await;
    assert_eq!((&ended["state"], &ended["outcome"]), (&json!("ended"), &json!("missed")), "{ended}");
    assert_eq!(node.metric("callpop_events_refused_full_item_total").await, 1.0);
}

#[tokio::test]
async fn a_leg_that_redis_refuses_hinders_no_other_in_its_group() {
    let prefix = format!("callpop:groups-{}", new_tenant());
    let node = config().await.set("engine.redis_prefix", prefix.clone()).start().await;
    let tenant = new_tenant();
    let legs: [Leg; 5] = [(); 5].map(|()| Leg::inbound(&tenant, "200"));
    let mut client = node.supervisor(&tenant).await;
    // Something else is where this leg belongs.
    let place = format!("{prefix}:{{{tenant}}}:item:200\u{1e}telsmart\u{1e}0\u{1e}{}", legs[1].id);
    redis::shared().await.command(&["SET", &place, "x"]).await;
    let group = json!(legs.each_ref().map(|leg| leg.ringing(0)));
    problem(node.post(&group).await, 503).await;
    problem(node.post(&legs[1].ringing(0)).await, 503).await;
    let others = [&legs[..1], &legs[2..]].concat();
    all(&mut client, &others, 1).await;
    redis::shared().await.command(&["DEL", &place]).await;
    node.deliver(&group).await;
    all(&mut client, &legs, 1).await;
    assert_eq!(client.seq, 5, "what was refused has taken no number");
}

#[tokio::test]
async fn webhooks_that_are_dropped_hinder_no_other() {
    let (_server, link, node) = far_away().await;
    let tenant = new_tenant();
    let mut client = node.supervisor(&tenant).await;
    link.delay(Duration::from_millis(100));
    let legs: Vec<Leg> = (0..40).map(|_| Leg::inbound(&tenant, "200")).collect();
    let events: Vec<Value> = legs.iter().map(|leg| leg.ringing(0)).collect();
    let (kept, dropped) = events.split_at(20);
    let drop_each = async {
        for event in dropped {
            let body = event.to_string();
            let length = format!("Content-Length: {}", body.len());
            let mut webhook = Raw::begin_good_webhook(node.public, &length).await;
            assert!(webhook.send(body.as_bytes()).await);
        }
    };
    let ((statuses, _), ()) = tokio::join!(post_at_once(&node, kept), drop_each);
    assert_eq!(statuses, [204; 20]);
    all(&mut client, &legs[..20], 1).await;
    // Their senders come again, and all that was committed before is known.
    node.deliver(&json!(dropped)).await;
    all(&mut client, &legs, 1).await;
    assert_eq!(client.seq, 40);
}

#[tokio::test]
async fn a_redis_that_dies_before_it_answers_a_group_refuses_all_and_absorbs_the_retry() {
    let (mut server, link, node) = far_away().await;
    let tenant = new_tenant();
    let legs: Vec<Leg> = (0..60).map(|_| Leg::inbound(&tenant, "200")).collect();
    let events: Vec<Value> = legs.iter().map(|leg| leg.ringing(0)).collect();
    let head = format!("groups:{{{tenant}}}:head");
    link.delay(Duration::from_millis(400));
    let die = async {
        let held = async || server.command(&["HGET", &head, "seq"]).await.as_str().map(str::to_owned);
        eventually("something to be committed", held).await;
    };
    let ((statuses, slowest), ()) = tokio::join!(post_at_once(&node, &events), async {
        die.await;
        link.cut();
    });
    assert_eq!(statuses, [503; 60]);
    assert!(slowest < ANSWERED, "{slowest:?}");
    server.kill();
    server.restart().await;
    link.heal();
    eventually("all to be taken again", async || {
        (post_at_once(&node, &events).await.0 == [204; 60]).then_some(())
    })
    .await;
    let mut client = node.supervisor(&tenant).await;
    all(&mut client, &legs, 1).await;
    assert_eq!(client.seq, 60, "each counts once");
}

/// Has an event taken. A Redis as far away as this may be lost for a moment where the machine is busy.
async fn deliver_unless_refused_as_too_many(node: &Gateway, event: &Value) {
    eventually("the event to be taken", async || {
        let answer = node.post(event).await;
        if answer.status() == 204 {
            return Some(());
        }
        let why = problem(answer, 503).await;
        assert!(!why.contains("too many"), "{why}");
        None
    })
    .await;
}

#[tokio::test]
async fn a_tenant_with_too_much_does_not_keep_out_another() {
    let (_server, link, node) = far_away().await;
    let (busy, calm) = (new_tenant(), new_tenant());
    for tenant in [&busy, &calm] {
        node.deliver(&Leg::inbound(tenant, "200").ringing(0)).await;
    }
    link.delay(Duration::from_millis(150));
    let legs: Vec<Leg> = (0..3000).map(|_| Leg::inbound(&busy, "200")).collect();
    let webhooks: Vec<Value> =
        legs.chunks(30).map(|legs| legs.iter().map(|leg| leg.ringing(0)).collect()).collect();
    let flood = post_at_once(&node, &webhooks);
    let others = async {
        for _ in 0..5 {
            deliver_unless_refused_as_too_many(&node, &Leg::inbound(&calm, "200").ringing(0)).await;
        }
    };
    let ((statuses, flooded), ()) = tokio::join!(flood, others);
    assert!(statuses.contains(&503), "that much is refused: {statuses:?}");
    assert!(flooded < ANSWERED, "{flooded:?}");
    link.heal();
    for webhook in &webhooks {
        node.deliver(webhook).await;
    }
    let client = node.supervisor(&busy).await;
    assert_eq!((client.calls.len(), client.seq), (3001, 3001), "each counts once");
}

#[tokio::test]
async fn a_node_that_does_not_hold_a_leg_reads_it_once() {
    const UNKNOWN: &str = "callpop_redis_resyncs_total{cause=\"unknown\"}";
    let config = config().await;
    let nodes = [config.start().await, config.start().await];
    let tenant = new_tenant();
    let (over, live) = (Leg::inbound(&tenant, "200"), Leg::inbound(&tenant, "200"));
    nodes[0].deliver(&json!([over.ringing(0), over.hangup(20), live.ringing(0)])).await;
    let mut client = nodes[1].agent(&tenant, "200").await;
    // It was read with the session's snapshot.
    nodes[0].deliver(&live.active(5)).await;
    assert_eq!(client.version(&live, 2).await, oracle::call(&[live.ringing(0), live.active(5)]));
    assert_eq!(nodes[1].metric(UNKNOWN).await, 0.0);
    // An ended one was not; news of it come late.
    nodes[0].deliver(&over.active(5)).await;
    assert_eq!(client.version(&over, 3).await, oracle::call(&over.whole()));
    assert_eq!(nodes[1].metric(UNKNOWN).await, 1.0);
    nodes[0].deliver(&over.held(10)).await;
    let said = [over.whole(), vec![over.held(10)]].concat();
    assert_eq!(client.version(&over, 4).await, oracle::call(&said));
    assert_eq!(nodes[1].metric(UNKNOWN).await, 1.0);
}

#[tokio::test]
async fn a_summary_says_all_of_its_call() {
    let config = config().await;
    let nodes = [config.start().await, config.start().await];
    let leg = Leg::inbound(&new_tenant(), "200");
    nodes[0].deliver(&json!(leg.whole())).await;
    let mut client = nodes[1].agent(&leg.tenant, "200").await;
    let summary = leg.summary(40, json!({"title": "x"}));
    nodes[0].deliver(&summary).await;
    let said = [leg.whole(), vec![summary]].concat();
    assert_eq!(client.version(&leg, 4).await, oracle::call(&said));
    assert_eq!(nodes[1].metric("callpop_redis_resyncs_total").await, 0.0);
}
