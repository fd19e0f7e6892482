//! Keeps the node subscribed to the channels of the tenants that it watches, on a connection of
//! their own. What is lost here costs time only: the probe finds it.

use super::{
    probe::Probe,
    watch::{Watch, Watches},
};
use crate::link::{Link, Listener, Wire};
use redis::{FromRedisValue, PushInfo, PushKind, aio::SendError, cmd};
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::{
    sync::Notify,
    time::{MissedTickBehavior, interval, timeout},
};

/// Between two looks at what is subscribed, and signs of life.
const EVERY: Duration = Duration::from_secs(1);
/// How long the connection may take for one command.
const DEADLINE: Duration = Duration::from_secs(2);
/// Channels in one command.
const TOGETHER: usize = 128;

/// The connection is of no use.
struct Broken;

/// The subscriptions of one node.
pub(crate) struct Subscriber {
    pub(crate) link: Arc<Link>,
    watches: Arc<Watches>,
    /// Something is to be done before the next round is due.
    pub(crate) hurry: Notify,
}

impl Subscriber {
    pub(crate) fn new(link: Arc<Link>, watches: Arc<Watches>) -> Self {
        Self { link, watches, hurry: Notify::new() }
    }

    /// What the connection calls with all that Redis sends unasked.
    pub(crate) fn listener(self: &Arc<Self>) -> Listener {
        // The connection holds it, and the subscriber the connection.
        let subscriber = Arc::downgrade(self);
        Arc::new(move |push| {
            subscriber.upgrade().ok_or(SendError)?.on_push(push);
            Ok::<(), SendError>(())
        })
    }

    /// A new connection has no subscriptions.
    pub(crate) fn on_connected(&self) {
        self.watches.unsubscribed();
        self.hurry.notify_one();
    }

    /// Goes round, for ever; after each new subscription the probe looks for what it came too late for.
    pub(crate) async fn run(self: Arc<Self>, probe: Arc<Probe>) {
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = self.hurry.notified() => {}
            }
            let Ok((mut wire, nth)) = self.link.wire().await else { continue };
            let is_deaf = self.watches.is_deaf.swap(false, Ordering::Relaxed);
            match self.round(&mut wire).await {
                Ok(_) if is_deaf => self.link.give_up(nth),
                Ok(0) => {}
                Ok(_) => probe.now.notify_one(),
                Err(_) => self.link.give_up(nth),
            }
        }
    }

    /// Drops what nobody listens to, subscribes to what is not yet; tells how many.
    async fn round(&self, wire: &mut Wire) -> Result<usize, Broken> {
        let idle = self.watches.drop_idle();
        for some in idle.chunks(TOGETHER) {
            let went = timeout(DEADLINE, wire.unsubscribe(&channels(some))).await;
            went.map_err(|_| Broken)?.map_err(|_| Broken)?;
        }
        let missing: Vec<Arc<Watch>> = self
            .watches
            .all()
            .into_iter()
            .filter(|watch| !watch.is_subscribed.load(Ordering::Relaxed))
            .collect();
        let mut subscribed = 0;
        for some in missing.chunks(TOGETHER) {
            // Before, so that a loss meanwhile is not overwritten.
            some.iter().for_each(|watch| watch.is_subscribed.store(true, Ordering::Relaxed));
            let went = timeout(DEADLINE, wire.subscribe(&channels(some))).await.unwrap_or_default();
            for (nth, watch) in some.iter().enumerate() {
                let is_subscribed = went.get(nth).copied().unwrap_or(false);
                subscribed += usize::from(is_subscribed);
                watch.is_subscribed.fetch_and(is_subscribed, Ordering::Relaxed);
            }
        }
        if subscribed == 0 && !missing.is_empty() {
            return Err(Broken);
        }
        // A server of a cluster may be away alone, which is no reason to leave the others.
        if missing.is_empty() && !wire.is_cluster() {
            let pong = timeout(DEADLINE, cmd("PING").exec_async(wire)).await;
            pong.map_err(|_| Broken)?.map_err(|_| Broken)?;
        }
        Ok(subscribed)
    }

    fn on_push(&self, push: PushInfo) {
        let mut data = push.data.into_iter();
        match push.kind {
            PushKind::Message | PushKind::SMessage => {
                let parts = data.next().zip(data.next());
                let parts = parts.and_then(|(channel, message)| {
                    Some((String::from_redis_value(channel).ok()?, Vec::from_redis_value(message).ok()?))
                });
                if let Some((channel, message)) = parts {
                    self.watches.on_message(&channel, message);
                }
            }
            // The slot of the channel has moved to another server.
            PushKind::SUnsubscribe => {
                if let Some(channel) = data.next().and_then(|channel| String::from_redis_value(channel).ok())
                {
                    self.watches.unsubscribed_from(&channel);
                    self.hurry.notify_one();
                }
            }
            PushKind::Disconnection => self.hurry.notify_one(),
            _ => {}
        }
    }
}

fn channels(watches: &[Arc<Watch>]) -> Vec<&str> {
    watches.iter().map(|watch| watch.channel.as_str()).collect()
}
