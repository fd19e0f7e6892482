//! A node with many tenants heals as fast as one with few.

use crate::support::{
    Client, Leg,
    fleet::{Fleet, on_redis},
    new_tenant,
    proxy::Proxy,
    redis::{Aof, Server},
};
use futures_util::{StreamExt, future::join_all, stream};
use std::time::{Duration, Instant};

const TENANTS: usize = 300;

/// A quiet tenant and its only client.
struct Channel {
    tenant: String,
    client: Client,
}

#[tokio::test]
async fn many_quiet_channels_heal_at_once() {
    let redis = Server::start(Aof::EverySecond).await;
    let link = Proxy::to(&redis.address()).await;
    let fleet = Fleet::start(vec![on_redis(&link.url()), on_redis(&redis.url())]).await;
    let opening = stream::iter(0..TENANTS).map(|_| async {
        let tenant = new_tenant();
        Channel { client: fleet.node(0).agent(&tenant, "200").await, tenant }
    });
    let mut channels: Vec<Channel> = opening.buffer_unordered(16).collect().await;
    for (what, fault) in [("subscribers", Proxy::cut_subscribers as fn(&Proxy)), ("all", Proxy::cut)] {
        fault(&link);
        let legs: Vec<Leg> = channels.iter().map(|channel| Leg::inbound(&channel.tenant, "200")).collect();
        let sending = stream::iter(&legs).for_each_concurrent(8, async |leg| {
            fleet.node(1).deliver(&leg.ringing(0)).await;
        });
        sending.await;
        link.heal();
        let waits = seen(&mut channels, &legs).await;
        eprintln!("many_quiet_channels_heal_at_once: {what} cut, {TENANTS} channels healed within {waits:?}");
        assert!(waits < Duration::from_secs(3), "{waits:?}");
    }
    let began = Instant::now();
    redis.command(&["FLUSHALL"]).await;
    join_all(channels.iter_mut().map(|channel| channel.client.next_of("snapshot"))).await;
    let told = began.elapsed();
    eprintln!("many_quiet_channels_heal_at_once: {TENANTS} channels told of a new epoch within {told:?}");
    assert!(told < Duration::from_secs(3), "{told:?}");
    assert!(channels.iter().all(|channel| channel.client.calls.is_empty()));
}

/// Waits until every client has its leg; gives how long that took.
async fn seen(channels: &mut [Channel], legs: &[Leg]) -> Duration {
    let began = Instant::now();
    let waiting = channels.iter_mut().zip(legs).map(|(channel, leg)| channel.client.version(leg, 1));
    join_all(waiting).await;
    began.elapsed()
}
