//! Many nodes are as one: any of them takes an event, every one of them shows it, once.

use super::scene::Scene;
use crate::support::{
    Client, Leg, PATIENCE,
    client::{Calls, key},
    eventually, eventually_within,
    fleet::{Fleet, on_redis},
    load::Plan,
    new_tenant, now, oracle,
    redis::{self, Aof, Server},
};
use futures_util::{StreamExt, future::join_all, stream};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::Ordering::Relaxed,
    time::Duration,
};

#[tokio::test]
async fn three_nodes_one_truth() {
    let plan = Plan::of(vec![new_tenant(), new_tenant()], 400);
    let scene = Scene::on(Server::start(Aof::EverySecond).await, &plan).await;
    scene.load.flows(1200).await;
    let tally = scene.load.tally.clone();
    let outcome = scene.end("three_nodes_one_truth").await;
    outcome.assert_epochs(1);
    assert_eq!(tally.refused.load(Relaxed) + tally.broken.load(Relaxed), 0, "{tally}");
}

/// So many calls, an event of each state of a call's life, each sent to all nodes at once.
const CALLS: usize = 500;
const STATES: [&str; 5] = ["RINGING", "ACTIVE", "HELD", "ACTIVE", "HANGUP"];

#[tokio::test]
async fn duplicates_over_two_nodes_are_one_event() {
    let fleet = Fleet::on(&redis::shared().await.url(), 3).await;
    let tenant = new_tenant();
    let supervisors = fleet.supervisors(&tenant).await;
    let calls: Vec<(Leg, Vec<Value>)> = (0..CALLS)
        .map(|number| {
            let leg = Leg::inbound(&tenant, &format!("{}", 200 + number % 5));
            let events = (0..).zip(STATES).map(|(second, state)| leg.event(state, second)).collect();
            (leg, events)
        })
        .collect();
    let sending = stream::iter(&calls).for_each_concurrent(8, async |(_, events)| {
        for event in events {
            fleet.deliver_to_all(event).await;
        }
    });
    let watching = join_all(supervisors.into_iter().map(watch));
    let ((), watched) = tokio::join!(sending, watching);
    let mut frames = 0;
    for (client, seen) in watched {
        for (leg, events) in &calls {
            assert_eq!(client.call(leg), Some(&oracle::call(events)));
        }
        // The numbers of a tenant count its events, so none was counted twice.
        assert_eq!(client.seq, (CALLS * STATES.len()) as u64);
        frames += seen.values().sum::<usize>();
        assert!(seen.values().all(|times| *times == 1), "a version came twice");
    }
    eprintln!("{} events thrice each, {frames} frames to three clients", CALLS * STATES.len());
}

/// Reads until all calls have ended; counts how often each version of a call came.
async fn watch(mut client: Client) -> (Client, BTreeMap<(String, String, u64), usize>) {
    let (mut seen, mut ended) = (BTreeMap::new(), BTreeSet::new());
    while ended.len() < CALLS {
        let frame = client.next_of("call").await;
        let (extension, leg) = key(&frame["call"]);
        if frame["call"]["state"] == "ended" {
            ended.insert(leg.clone());
        }
        *seen.entry((extension, leg, frame["call"]["version"].as_u64().unwrap())).or_default() += 1;
    }
    (client, seen)
}

#[tokio::test]
async fn tenants_never_mix() {
    let plan = Plan::of((0..8).map(|_| new_tenant()).collect(), 200);
    let scene = Scene::on(Server::start(Aof::EverySecond).await, &plan).await;
    // The same legs in all of them; and what was published is lost now and then.
    let legs: Vec<Leg> =
        plan.tenants.iter().map(|tenant| Leg::inbound(tenant, "230").named("the-same")).collect();
    for (count, leg) in (1..).zip(&legs) {
        scene.links[count % 3].cut_subscribers();
        for second in 0..count as u64 {
            let event = leg.event("ACTIVE", second);
            eventually("the event to be taken", async || {
                (scene.fleet.node(count % 3).post(&event).await.status() == 204).then_some(())
            })
            .await;
        }
        scene.heal();
    }
    for (count, leg) in (1..).zip(&legs) {
        let client = scene.fleet.node(0).agent(&leg.tenant, "230").await;
        assert_eq!(client.calls.len(), 1);
        assert_eq!(client.call(leg).unwrap()["version"], count);
    }
    let same: Vec<(Leg, Vec<Value>)> = (1..)
        .zip(legs)
        .map(|(count, leg)| {
            let events = (0..count).map(|second| leg.event("ACTIVE", second)).collect();
            (leg, events)
        })
        .collect();
    // The oracle knows the tenant of every call, and that a viewer holds no other.
    scene.end_as("tenants_never_mix", |truth| truth.with(same)).await;
}

/// Names that mean something to Redis, to its patterns and to its hash tags, or that run into each other.
const ODD: [&str; 9] = ["a", "{a}", "a}", "{", "a:b", "*", "a[b]?", "%7B", "a:item:200:x"];

#[tokio::test]
async fn odd_names_never_mix() {
    let fleet = Fleet::on(&redis::shared().await.url(), 2).await;
    let run = new_tenant();
    let names: Vec<String> = ODD.iter().map(|odd| format!("{run}{odd}")).collect();
    let mut clients = join_all(names.iter().map(async |name| fleet.node(1).supervisor(name).await)).await;
    let extensions = ["2", "2:0", "2:0:0", "{2}", "2*"];
    let mut expected = Vec::new();
    for tenant in &names {
        for extension in extensions {
            for id in ["0:0:x", "0:x", "x", "head", "{x}"] {
                let leg = Leg::inbound(tenant, extension).named(id);
                fleet.node(0).deliver(&leg.ringing(0)).await;
                expected.push(leg);
            }
        }
    }
    for (client, tenant) in clients.iter_mut().zip(&names) {
        let legs = expected.iter().filter(|leg| leg.tenant == *tenant);
        for leg in legs.clone() {
            assert_eq!(client.version(leg, 1).await, oracle::call(&[leg.ringing(0)]));
        }
        assert_eq!(client.calls.len(), legs.count());
        assert_eq!(fleet.node(0).supervisor(tenant).await.calls, client.calls);
        for extension in extensions {
            let agent = fleet.node(0).agent(tenant, extension).await;
            assert!(agent.calls.keys().all(|(of, _)| of == extension) && agent.calls.len() == 5);
        }
    }
}

#[tokio::test]
async fn dismiss_is_seen_on_other_nodes() {
    let fleet = Fleet::on(&redis::shared().await.url(), 3).await;
    let leg = Leg::inbound(&new_tenant(), "200");
    let mut sessions = Vec::new();
    for node in 0..3 {
        sessions.push(fleet.node(node).agent(&leg.tenant, "200").await);
    }
    fleet.node(0).deliver(&leg.ringing(0)).await;
    for session in &mut sessions {
        session.version(&leg, 1).await;
    }
    // All at once, as many tabs may; the popup closes once.
    for session in &mut sessions {
        session.dismiss(&leg).await;
    }
    let mut dismissed_at = Vec::new();
    for session in &mut sessions {
        let call = session.until_call(&leg, |call| !call["dismissed_at"].is_null()).await;
        assert_eq!(call["version"], json!(2));
        dismissed_at.push(call["dismissed_at"].clone());
    }
    dismissed_at.dedup();
    assert_eq!(dismissed_at.len(), 1, "{dismissed_at:?}");
    fleet.node(1).deliver(&leg.hangup(5)).await;
    for session in &mut sessions {
        assert_eq!(session.version(&leg, 3).await["dismissed_at"], dismissed_at[0]);
    }
}

/// A call of more events than a published change holds, and with a summary larger than any frame from a client.
#[tokio::test]
async fn a_large_call_is_seen_on_other_nodes() {
    let fleet = Fleet::on(&redis::shared().await.url(), 3).await;
    let leg = Leg::inbound(&new_tenant(), "200");
    let mut clients = fleet.supervisors(&leg.tenant).await;
    let mut events = vec![leg.summary(500, json!({"text": "<b>fat</b>".repeat(15_000)}))];
    events.extend((0..150).map(|second| leg.event(["HELD", "ACTIVE"][second as usize % 2], second)));
    events.push(leg.hangup(400));
    for (number, event) in events.iter().enumerate() {
        fleet.node(number % 3).deliver(event).await;
    }
    for client in &mut clients {
        assert_eq!(client.version(&leg, events.len() as u64).await, oracle::call(&events));
    }
}

/// Clients that come just when something happens, to a node that did not watch their tenant, and go again.
#[tokio::test]
async fn clients_that_come_and_go_miss_nothing() {
    let fleet = Fleet::on(&redis::shared().await.url(), 2).await;
    let tenants: Vec<String> = (0..60).map(|_| new_tenant()).collect();
    stream::iter(&tenants)
        .for_each_concurrent(6, async |tenant| {
            let mut held = Calls::new();
            for _ in 0..4 {
                let leg = Leg::inbound(tenant, "200");
                let (ringing, hangup) = (leg.ringing(0), leg.hangup(1));
                let coming = fleet.node(1).agent(tenant, "200");
                let (mut client, ()) = tokio::join!(coming, fleet.node(0).deliver(&ringing));
                tokio::join!(client.version(&leg, 2), fleet.node(0).deliver(&hangup));
                held.insert((leg.extension.clone(), leg.id.clone()), oracle::call(&[ringing, hangup]));
                assert_eq!(client.calls, held);
            }
        })
        .await;
    // Those that went are forgotten, and their channels with them.
    for tenant in tenants {
        let channel = format!("callpop:{{{tenant}}}");
        eventually("nobody to be subscribed", async || {
            let subscribers = redis::shared().await.command(&["PUBSUB", "NUMSUB", &channel]).await;
            (subscribers == json!([channel, 0])).then_some(())
        })
        .await;
    }
}

/// The nodes take turns to look for calls that are silent; the one whose turn it was dies.
#[tokio::test]
async fn silent_calls_expire_once_whichever_node_dies() {
    let url = redis::shared().await.url();
    // Of other prefixes nobody knows, and what others hold under this one does not expire.
    let prefix = new_tenant();
    let config = || {
        let config = on_redis(&url).set("engine.redis_prefix", prefix.as_str());
        config.set("calls.expire_after", "3s")
    };
    let mut fleet = Fleet::start(vec![config(), config(), config()]).await;
    for dies in 0..2 {
        let tenant = new_tenant();
        let legs: Vec<Leg> =
            (0..20).map(|_| Leg::inbound(&tenant, "200").starting_at(now() - 1_000_000)).collect();
        let mut client = fleet.node(2).agent(&tenant, "200").await;
        for leg in &legs {
            fleet.node(dies).deliver(&leg.ringing(0)).await;
        }
        fleet.kill(dies);
        let is_over =
            |client: &Client| client.calls.values().filter(|call| call["outcome"] == "expired").count() == 20;
        eventually_within(PATIENCE * 2, "all calls to expire", async || {
            let _ = tokio::time::timeout(Duration::from_millis(100), client.next_or_end()).await;
            is_over(&client).then_some(())
        })
        .await;
        assert!(client.calls.values().all(|call| call["version"] == 2), "{:?}", client.calls);
    }
}
