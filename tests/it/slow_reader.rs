//! A client that does not read neither loses the truth nor costs the server memory.

use crate::support::{Config, Leg, PATIENCE, Token, new_tenant, oracle};
use serde_json::{Value, json};

/// The numbers of legs, and how many events each of them gets.
const LEGS: usize = 100;
const FAT_LEGS: usize = 10;
const EVENTS: u64 = 100;

fn changes(leg: &Leg) -> impl Iterator<Item = Value> {
    (1..EVENTS).map(|second| leg.event(if second % 2 == 0 { "ACTIVE" } else { "HELD" }, second))
}

#[tokio::test]
async fn slow_reader_converges_without_disconnect() {
    let gateway = Config::new().set("calls.recent_per_tenant", 10_000).start().await;
    let tenant = new_tenant();
    let supervisor = Token::supervisor(&tenant);
    let slow = gateway.stream(&supervisor).scope("tenant").receive_buffer(4096);
    let mut slow = slow.open().await;
    let mut fast = gateway.supervisor(&tenant).await;
    let before = gateway.process.resident_bytes();

    // Every change of a fat leg makes a frame of 150 KiB, 150 MB in all if nothing were conflated.
    let legs: Vec<Leg> =
        (0..LEGS).map(|index| Leg::inbound(&tenant, &format!("{}", 200 + index % 7))).collect();
    let mut truth = Vec::new();
    for (index, leg) in legs.iter().enumerate() {
        let mut events = vec![leg.ringing(0)];
        if index < FAT_LEGS {
            events.push(leg.summary(EVENTS + 10, json!({"text": "<b>fat</b>".repeat(15_000)})));
            gateway.deliver_each(&events).await;
        }
        events.extend(changes(leg));
        events.push(leg.hangup(EVENTS));
        truth.push(oracle::call(&events));
    }
    let everything: Vec<Value> =
        (1..=EVENTS).flat_map(|second| legs.iter().map(move |leg| round(leg, second))).collect();
    let load = async {
        for leg in &legs[FAT_LEGS..] {
            gateway.deliver(&leg.ringing(0)).await;
        }
        for events in everything.chunks(500) {
            gateway.deliver(&json!(events)).await;
        }
    };
    let is_true = |calls: &crate::support::client::Calls| {
        calls.len() == LEGS
            && truth.iter().all(|call| calls.get(&crate::support::client::key(call)) == Some(call))
    };
    let reading = async {
        tokio::time::timeout(PATIENCE * 2, async {
            while !is_true(&fast.calls) {
                fast.next().await;
            }
        })
        .await
        .expect("a fast reader is not hindered by a slow one");
    };
    tokio::join!(load, reading);
    let grown = gateway.process.resident_bytes().saturating_sub(before);

    let mut frames = 0;
    while !is_true(&slow.calls) {
        slow.next().await;
        frames += 1;
    }
    let events = LEGS as u64 * EVENTS;
    eprintln!("{events} events, {frames} frames to the slow reader, {} MiB more memory", grown >> 20);
    assert!(frames < events / 4, "{frames} frames for {events} events");
    assert!(grown < 80 << 20, "{} MiB more memory", grown >> 20);
    slow.assert_open().await;
}

/// The event of a leg at that second.
fn round(leg: &Leg, second: u64) -> Value {
    if second == EVENTS {
        leg.hangup(second)
    } else {
        changes(leg).nth(second as usize - 1).expect("a change")
    }
}
