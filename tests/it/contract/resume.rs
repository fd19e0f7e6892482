//! A stream goes on where it was left.

use super::{config, gateway};
use crate::support::{Client, Leg, Token, client::Calls, connect::Connect, eventually, new_tenant, oracle};
use futures_util::future::join_all;
use rand::{Rng, RngExt, seq::SliceRandom};
use serde_json::{Value, json};
use std::{cell::Cell, collections::BTreeSet, time::Duration};
use tokio::time::timeout;

const EXTENSIONS: [&str; 3] = ["200", "210", "220"];

/// Reads a while, loses the connection, resumes, again and again, until `done`.
async fn come_and_go(mut client: Client, done: &Cell<bool>, reconnects: &Cell<usize>) -> Client {
    let epoch = client.epoch.clone();
    while !done.get() {
        for _ in 0..rand::rng().random_range(0..15) {
            let _ = timeout(Duration::from_millis(20), client.next()).await;
        }
        client = client.reconnect().await;
        assert_eq!(client.first_kind(), "resumed");
        assert_eq!(client.epoch, epoch);
        reconnects.set(reconnects.get() + 1);
    }
    client
}

/// Several legs' events, each sent twice, in any order, some in arrays.
fn webhooks(legs: &[Leg], random: &mut impl Rng) -> Vec<Value> {
    let mut events: Vec<Value> = legs.iter().flat_map(events_of).collect();
    events.extend(events.clone());
    events.shuffle(random);
    let some = events.chunks(4).map(|some| match some {
        [first, second, rest @ ..] => vec![first.clone(), second.clone(), json!(rest)],
        few => few.to_vec(),
    });
    some.flatten().collect()
}

fn events_of(leg: &Leg) -> Vec<Value> {
    let states = ["RINGING", "ACTIVE", "HELD", "ACTIVE", "HELD", "ACTIVE", "HANGUP"];
    let mut events: Vec<Value> = (0..).zip(states).map(|(second, state)| leg.event(state, second)).collect();
    events.push(leg.summary(30, json!({"title": "x".repeat(300)})));
    events
}

#[tokio::test]
async fn resume_has_no_gap_and_no_duplicate() {
    let gateway =
        config().await.set("calls.recent_per_user", 1000).set("sessions.max_per_user", 1000).start().await;
    let tenant = new_tenant();
    let mut clients = vec![gateway.supervisor(&tenant).await, gateway.supervisor(&tenant).await];
    for extension in EXTENSIONS {
        clients.push(gateway.agent(&tenant, extension).await);
    }
    let mut truth = Calls::new();
    let reconnects = Cell::new(0);
    // In waves, since a change that was missed only shows where no later one of its call comes.
    for _ in 0..10 {
        let legs: Vec<Leg> = (0..9).map(|index| Leg::inbound(&tenant, EXTENSIONS[index % 3])).collect();
        let expected = |leg: &Leg| ((leg.extension.clone(), leg.id.clone()), oracle::call(&events_of(leg)));
        truth.extend(legs.iter().map(expected));
        let done = Cell::new(false);
        let load = async {
            let webhooks = webhooks(&legs, &mut rand::rng());
            join_all(webhooks.chunks(webhooks.len() / 3).map(|part| gateway.deliver_each(part))).await;
            done.set(true);
        };
        let reading = join_all(clients.into_iter().map(|client| come_and_go(client, &done, &reconnects)));
        (clients, ()) = tokio::join!(reading, load);
        for (index, client) in clients.iter_mut().enumerate() {
            let mut mine = truth.clone();
            if index >= 2 {
                mine.retain(|(extension, _), _| extension == EXTENSIONS[index - 2]);
            }
            client.until("the end", |client| client.calls == mine).await;
        }
    }
    eprintln!("{} reconnects under load", reconnects.get());
    assert!(reconnects.get() >= 50, "only {} reconnects", reconnects.get());
}

#[tokio::test]
async fn resumed_holds_only_what_changed() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let legs: [Leg; 3] = std::array::from_fn(|_| Leg::inbound(&tenant, "200"));
    let mut client = gateway.agent(&tenant, "200").await;
    for leg in &legs {
        gateway.deliver(&leg.ringing(0)).await;
        client.version(leg, 1).await;
    }
    let client = client.reconnect().await;
    assert_eq!((client.first_kind(), &client.first["calls"]), ("resumed", &json!([])));
    gateway.deliver_each(&[legs[1].active(5), legs[1].held(6)]).await;
    let mut client = client.reconnect().await;
    let expected = oracle::call(&[legs[1].ringing(0), legs[1].active(5), legs[1].held(6)]);
    assert_eq!((client.first_kind(), &client.first["calls"]), ("resumed", &json!([expected])));
    gateway.deliver(&legs[2].hangup(9)).await;
    client.version(&legs[2], 2).await;
}

#[tokio::test]
async fn one_number_resumes_any_stream_of_the_tenant() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let (before, after) = (Leg::inbound(&tenant, "210"), Leg::inbound(&tenant, "210"));
    let mine = Leg::inbound(&tenant, "200");
    let mut agent = gateway.agent(&tenant, "200").await;
    gateway.deliver_each(&[before.ringing(0), mine.ringing(0)]).await;
    agent.version(&mine, 1).await;
    gateway.deliver(&after.ringing(0)).await;
    let supervisor =
        gateway.stream(&Token::supervisor(&tenant)).scope("tenant").resume(&agent.epoch, agent.seq);
    let first = supervisor.first_frame().await;
    assert_eq!(
        (&first["type"], &first["calls"]),
        (&json!("resumed"), &json!([oracle::call(&[after.ringing(0)])]))
    );
}

#[tokio::test]
async fn a_number_of_another_epoch_or_of_the_future_gets_a_snapshot() {
    let gateway = gateway().await;
    let leg = Leg::inbound(&new_tenant(), "200");
    gateway.deliver(&leg.ringing(0)).await;
    let agent = gateway.agent(&leg.tenant, "200").await;
    let token = Token::agent(&leg.tenant, &["200"]);
    for (epoch, seq) in
        [("another", agent.seq), ("another", 0), (&agent.epoch, agent.seq + 1), (&agent.epoch, u64::MAX)]
    {
        let again = gateway.stream(&token).resume(epoch, seq).open().await;
        assert_eq!((again.first_kind(), &again.calls), ("snapshot", &agent.calls), "{epoch}:{seq}");
    }
}

#[tokio::test]
async fn what_was_dismissed_or_expired_meanwhile_is_resumed_too() {
    let gateway = config().await.set("calls.expire_after", "1s").start().await;
    let tenant = new_tenant();
    let mut tabs = [gateway.agent(&tenant, "200").await, gateway.agent(&tenant, "200").await];
    let leg = Leg::inbound(&tenant, "200");
    gateway.deliver(&leg.ringing(0)).await;
    let [tab, other] = &mut tabs;
    tab.version(&leg, 1).await;
    other.version(&leg, 1).await;
    other.dismiss(&leg).await;
    let truth =
        other.until_call(&leg, |call| call["outcome"] == "expired" && call["dismissed_at"].is_u64()).await;
    let [tab, _] = tabs;
    let tab = tab.reconnect().await;
    assert_eq!((tab.first_kind(), tab.call(&leg)), ("resumed", Some(&truth)));
}

#[tokio::test]
async fn a_resume_is_read_as_browsers_write_it() {
    let gateway = gateway().await;
    let leg = Leg::inbound(&new_tenant(), "200");
    gateway.deliver(&leg.ringing(0)).await;
    let agent = gateway.agent(&leg.tenant, "200").await;
    let stream = gateway.stream(&Token::agent(&leg.tenant, &["200"]));
    let encoded = stream.clone().asking("resume", &format!("{}%3A{}", agent.epoch, agent.seq));
    assert_eq!(encoded.first_frame().await["type"], "resumed");
    for nonsense in ["", ":", "x", &agent.epoch, &format!("{}:", agent.epoch), &format!("{}:-1", agent.epoch)]
    {
        let first = stream.clone().asking("resume", nonsense).first_frame().await;
        assert_eq!(
            (&first["type"], &first["calls"][0]["leg_id"]),
            (&json!("snapshot"), &json!(leg.id)),
            "{nonsense}"
        );
    }
}

#[tokio::test]
async fn what_is_no_longer_held_is_a_snapshot() {
    let gateway = config().await.set("calls.keep_ended", "1s").start().await;
    let leg = Leg::inbound(&new_tenant(), "200");
    let client = gateway.agent(&leg.tenant, "200").await;
    gateway.deliver_each(&leg.whole()).await;
    eventually("the call to be forgotten", async || {
        gateway.agent(&leg.tenant, "200").await.calls.is_empty().then_some(())
    })
    .await;
    let client = client.reconnect().await;
    assert_eq!((client.first_kind(), client.calls.len()), ("snapshot", 0));
}

#[tokio::test]
async fn more_than_a_snapshot_would_hold_is_a_snapshot() {
    let gateway = config().await.set("calls.recent_per_user", 2).start().await;
    let tenant = new_tenant();
    let client = gateway.agent(&tenant, "200").await;
    let live = Leg::inbound(&tenant, "200");
    gateway.deliver(&live.ringing(0)).await;
    for _ in 0..5 {
        gateway.deliver_each(&Leg::inbound(&tenant, "200").whole()).await;
    }
    let client = client.reconnect().await;
    assert_eq!((client.first_kind(), client.calls.len()), ("snapshot", 3));
    assert!(client.call(&live).is_some());
}

#[tokio::test]
async fn a_stream_has_the_same_name_for_the_same_calls_only() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let name = async |connect: Connect| connect.first_frame().await["stream"].clone();
    let of = |extensions: &[&str]| gateway.stream(&Token::agent(&tenant, extensions));
    let both = name(of(&["200", "210"])).await;
    for same in [&["200", "210"][..], &["210", "200"], &["200", "210", "200"]] {
        assert_eq!(name(of(same)).await, both, "{same:?}");
    }
    let supervisor = Token::supervisor(&tenant).claim("extensions", ["210", "200"]);
    assert_eq!(name(gateway.stream(&supervisor)).await, both);
    let mut names = vec![both];
    for other in [&["200"][..], &["210"], &["200210"], &["200", "210", "220"]] {
        names.push(name(of(other)).await);
    }
    names.push(name(gateway.stream(&supervisor).scope("tenant")).await);
    names.push(name(gateway.stream(&Token::agent(&new_tenant(), &["200", "210"]))).await);
    let distinct: BTreeSet<_> = names.iter().map(Value::as_str).collect();
    assert_eq!(distinct.len(), names.len(), "{names:?}");
}

#[tokio::test]
async fn a_stream_of_other_calls_is_not_resumed() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let [mine, other] = ["200", "210"].map(|extension| Leg::inbound(&tenant, extension));
    gateway.deliver_each(&[mine.ringing(0), other.ringing(0)]).await;
    let of = |extensions: &[&str]| gateway.stream(&Token::agent(&tenant, extensions));
    let old = of(&["200"]).first_frame().await;
    assert_eq!(old["type"], "snapshot");
    // What is new with the old number is more than what changed since.
    let supervisor = gateway.stream(&Token::supervisor(&tenant).claim("extensions", ["200"])).scope("tenant");
    for changed in [of(&["210"]), of(&["210", "200"]), supervisor] {
        let first = changed.clone().resume_stream(&old).first_frame().await;
        assert_eq!(first["type"], "snapshot");
        let calls = first["calls"].as_array().unwrap();
        assert!(calls.iter().any(|call| call["leg_id"] == *other.id), "{first}");
        let again = changed.clone().resume_stream(&first).first_frame().await;
        assert_eq!((&again["type"], &again["calls"]), (&json!("resumed"), &json!([])));
        assert_eq!(again["stream"], first["stream"]);
        let (epoch, seq) = (first["epoch"].as_str().unwrap(), first["seq"].as_u64().unwrap());
        let unnamed = changed.resume(epoch, seq).first_frame().await;
        assert_eq!((&unnamed["type"], &unnamed["calls"]), (&json!("resumed"), &json!([])));
    }
    // The same calls of the same number: what changed since, and nothing else.
    gateway.deliver(&mine.active(5)).await;
    let expected = json!([oracle::call(&[mine.ringing(0), mine.active(5)])]);
    for same in [of(&["200"]).resume_stream(&old), of(&["200", "200"]).resume_stream(&old)] {
        let again = same.first_frame().await;
        assert_eq!((&again["type"], &again["calls"]), (&json!("resumed"), &expected));
    }
}
