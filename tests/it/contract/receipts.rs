//! How fast a ringing call is on the screen, as far as clients can be believed, and how many of them
//! can alert their user.

use super::{config, gateway};
use crate::support::{Client, Gateway, Leg, eventually, new_tenant, now, soon};
use serde_json::{Value, json};
use tokio::time::{Duration, interval};
use tokio_tungstenite::tungstenite::Message;

const SECOND: u64 = 1_000_000;

/// How often a hop was measured, and how many seconds all of them took.
async fn hop(gateway: &Gateway, hop: &str) -> (f64, f64) {
    let part = async |part| {
        gateway.metric(&format!("callpop_ringing_hop_duration_seconds_{part}{{hop=\"{hop}\"}}")).await
    };
    (part("count").await, part("sum").await)
}

async fn counts(gateway: &Gateway) -> [f64; 5] {
    let mut counts = [0.0; 5];
    for (count, name) in counts.iter_mut().zip(["arrive", "commit", "send", "paint", "total"]) {
        *count = hop(gateway, name).await.0;
    }
    counts
}

async fn refused(gateway: &Gateway, reason: &str) -> f64 {
    gateway.metric(&format!("callpop_receipts_refused_total{{reason=\"{reason}\"}}")).await
}

/// Says that a call was painted, and waits until that is taken in.
async fn painted(client: &mut Client, leg_id: &str, at: u64) {
    client.send(&json!({"type": "painted", "leg_id": leg_id, "painted_at": at})).await;
    unanswered(client).await;
}

/// Shows that what was sent before is not answered.
async fn unanswered(client: &mut Client) {
    client.send(&json!({"type": "tick", "t0": 1})).await;
    let mut kind = client.next().await["type"].clone();
    // What was said before that may become durable only now.
    while kind == "durable" {
        kind = client.next().await["type"].clone();
    }
    assert_eq!(kind, "tock");
}

/// An agent's session, and a call that rings there.
async fn ringing(gateway: &Gateway) -> (Client, Leg) {
    let leg = Leg::inbound(&new_tenant(), "200");
    let mut client = gateway.agent(&leg.tenant, "200").await;
    gateway.deliver(&leg.ringing(0)).await;
    client.version(&leg, 1).await;
    (client, leg)
}

#[tokio::test]
async fn every_hop_of_a_ringing_call_is_measured_once() {
    let gateway = gateway().await;
    let (mut client, leg) = ringing(&gateway).await;
    client.assert_open().await;
    assert_eq!(counts(&gateway).await, [1.0, 1.0, 1.0, 0.0, 0.0]);
    painted(&mut client, &leg.id, now()).await;
    assert_eq!(counts(&gateway).await, [1.0; 5]);
    // The leg began to ring a minute ago.
    for late in ["arrive", "total"] {
        let (_, seconds) = hop(&gateway, late).await;
        assert!((60.0..70.0).contains(&seconds), "{late} took {seconds} s");
    }
    for quick in ["commit", "send", "paint"] {
        let (_, seconds) = hop(&gateway, quick).await;
        assert!((0.0..5.0).contains(&seconds), "{quick} took {seconds} s");
    }
    assert_eq!(gateway.metric("callpop_receipts_total").await, 1.0);

    // Nothing else of the call is, nor a duplicate.
    gateway.deliver_each(&leg.whole()).await;
    client.version(&leg, 3).await;
    client.assert_open().await;
    assert_eq!(counts(&gateway).await, [1.0; 5]);
    assert_eq!(gateway.metric("callpop_ringing_hops_negative_total").await, 0.0);
}

#[tokio::test]
async fn a_liar_is_counted_and_changes_no_figure() {
    let gateway = gateway().await;
    let (mut client, leg) = ringing(&gateway).await;
    painted(&mut client, "nobody", now()).await;
    painted(&mut client, &Leg::inbound(&leg.tenant, "200").id, now()).await;
    assert_eq!(refused(&gateway, "unknown").await, 2.0);
    for early in [0, 1, leg.start, now() - 30 * SECOND] {
        painted(&mut client, &leg.id, early).await;
    }
    assert_eq!(refused(&gateway, "early").await, 4.0);
    for late in [now() + 60 * SECOND, u64::MAX] {
        painted(&mut client, &leg.id, late).await;
    }
    assert_eq!(refused(&gateway, "late").await, 2.0);
    assert_eq!(counts(&gateway).await[3..], [0.0, 0.0]);

    painted(&mut client, &leg.id, now()).await;
    for _ in 0..3 {
        painted(&mut client, &leg.id, now()).await;
    }
    // Closing the popup sends the call again, still ringing: it is the same one.
    client.dismiss(&leg).await;
    client.version(&leg, 2).await;
    painted(&mut client, &leg.id, now()).await;
    assert_eq!(refused(&gateway, "again").await, 4.0);
    assert_eq!(counts(&gateway).await, [1.0; 5]);

    // What never rang here.
    let active = Leg::inbound(&leg.tenant, "200");
    gateway.deliver(&active.active(0)).await;
    client.version(&active, 1).await;
    painted(&mut client, &active.id, now()).await;
    let elsewhere = ringing(&gateway).await.1;
    painted(&mut client, &elsewhere.id, now()).await;
    assert_eq!(refused(&gateway, "unknown").await, 4.0);
    assert_eq!(hop(&gateway, "paint").await.0, 1.0);
}

#[tokio::test]
async fn what_rang_before_the_session_began_counts_from_when_it_was_sent() {
    let gateway = gateway().await;
    let (first, leg) = ringing(&gateway).await;
    let mut late = gateway.agent(&leg.tenant, "200").await;
    painted(&mut late, &leg.id, now()).await;
    let mut again = first.reconnect().await;
    assert_eq!(again.first_kind(), "resumed");
    painted(&mut again, &leg.id, now()).await;
    // Nothing changed since, so that call was not sent again.
    assert_eq!(refused(&gateway, "unknown").await, 1.0);
    assert_eq!(counts(&gateway).await, [1.0, 1.0, 1.0, 1.0, 0.0]);
}

#[tokio::test]
async fn a_provider_whose_clock_is_ahead_is_counted_apart() {
    let gateway = gateway().await;
    let leg = Leg::inbound(&new_tenant(), "200").starting_at(now() + 3600 * SECOND);
    let mut client = gateway.agent(&leg.tenant, "200").await;
    gateway.deliver(&leg.ringing(0)).await;
    client.version(&leg, 1).await;
    painted(&mut client, &leg.id, now()).await;
    for ahead in ["arrive", "total"] {
        assert_eq!(hop(&gateway, ahead).await, (1.0, 0.0), "{ahead}");
        let name = format!("callpop_ringing_hops_negative_total{{hop=\"{ahead}\"}}");
        assert_eq!(gateway.metric(&name).await, 1.0, "{ahead}");
    }
}

#[tokio::test]
async fn malformed_receipts_and_beats_are_answered() {
    let gateway = gateway().await;
    let (mut client, leg) = ringing(&gateway).await;
    for malformed in [
        json!({"type": "painted", "leg_id": leg.id}),
        json!({"type": "painted", "leg_id": leg.id, "painted_at": -1}),
        json!({"type": "painted", "leg_id": leg.id, "painted_at": 1.5}),
        json!({"type": "painted", "leg_id": 7, "painted_at": 1}),
        json!({"type": "beat", "visible": true, "sound": true}),
        json!({"type": "beat", "visible": 1, "sound": true, "notifications": true}),
    ] {
        let code = client.error_for(Message::text(malformed.to_string())).await;
        assert_eq!(code, "malformed_frame", "{malformed}");
    }
    client.assert_open().await;
}

/// Visible, sound, notifications, alertable, never told, stale.
async fn reach(gateway: &Gateway) -> [f64; 6] {
    const NAMES: [&str; 6] = [
        "callpop_sessions_reach{way=\"visible\"}",
        "callpop_sessions_reach{way=\"sound\"}",
        "callpop_sessions_reach{way=\"notifications\"}",
        "callpop_sessions_alertable",
        "callpop_sessions_reach_unknown{why=\"never\"}",
        "callpop_sessions_reach_unknown{why=\"stale\"}",
    ];
    let mut counts = [0.0; 6];
    for (count, name) in counts.iter_mut().zip(NAMES) {
        *count = gateway.metric(name).await;
    }
    counts
}

fn beat(visible: bool, sound: bool, notifications: bool) -> Value {
    json!({"type": "beat", "visible": visible, "sound": sound, "notifications": notifications})
}

#[tokio::test]
async fn operators_see_how_many_sessions_can_alert_their_user_and_by_what() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    assert_eq!(reach(&gateway).await, [0.0; 6]);
    let mut first = gateway.agent(&tenant, "200").await;
    let mut second = gateway.agent(&tenant, "210").await;
    assert_eq!(reach(&gateway).await, [0.0, 0.0, 0.0, 0.0, 2.0, 0.0]);
    for (frame, expected) in [
        (beat(true, true, false), [1.0, 1.0, 0.0, 1.0, 1.0, 0.0]),
        (beat(true, true, false), [1.0, 1.0, 0.0, 1.0, 1.0, 0.0]),
        (beat(false, false, true), [0.0, 0.0, 1.0, 1.0, 1.0, 0.0]),
        (beat(false, false, false), [0.0, 0.0, 0.0, 0.0, 1.0, 0.0]),
        (beat(true, true, true), [1.0, 1.0, 1.0, 1.0, 1.0, 0.0]),
    ] {
        first.send(&frame).await;
        unanswered(&mut first).await;
        assert_eq!(reach(&gateway).await, expected, "{frame}");
    }
    second.send(&beat(false, true, false)).await;
    unanswered(&mut second).await;
    assert_eq!(reach(&gateway).await, [1.0, 2.0, 1.0, 2.0, 0.0, 0.0]);

    // One drops its connection, one breaks the protocol.
    drop(first);
    eventually("the first to be gone", async || {
        (reach(&gateway).await == [0.0, 1.0, 0.0, 1.0, 0.0, 0.0]).then_some(())
    })
    .await;
    second.send_message(Message::binary([1].as_slice())).await;
    assert_eq!(second.closed().await, 4400);
    assert_eq!(reach(&gateway).await, [0.0; 6]);
}

#[tokio::test]
async fn who_tells_nothing_for_three_heartbeats_is_not_believed_any_longer() {
    let gateway = config().await.set("sessions.heartbeat", "1s").start().await;
    let mut client = gateway.agent(&new_tenant(), "200").await;
    client.send(&beat(true, false, false)).await;
    unanswered(&mut client).await;
    let began = std::time::Instant::now();
    // It lives, and says nothing of itself.
    let mut ticks = interval(Duration::from_millis(200));
    let stale = async {
        while reach(&gateway).await != [0.0, 0.0, 0.0, 0.0, 0.0, 1.0] {
            ticks.tick().await;
            unanswered(&mut client).await;
        }
    };
    soon("it to be stale", stale).await;
    assert!(began.elapsed() >= Duration::from_secs(3), "too early");
    client.send(&beat(true, false, false)).await;
    unanswered(&mut client).await;
    assert_eq!(reach(&gateway).await, [1.0, 0.0, 0.0, 1.0, 0.0, 0.0]);
}
