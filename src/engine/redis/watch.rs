//! How far this node has delivered each tenant that someone listens to. A published change with
//! the next number is delivered at once; whatever else is noticed ends in a read of the store.
//!
//! A position is locked while its tenant's changes are handed to the feed, so that all listeners hear
//! them in one order. Sessions are woken after that, since to wake one costs more than all the rest.

use super::{
    keyspace::{Found, FoundItems},
    known::Known,
    stored::{Head, Published, Said},
};
use crate::engine::metrics::{EngineMetrics, Missed};
use crate::{
    call::Rules,
    clock::{Micros, now},
    feed::{Change, Feed},
    id::{ItemKey, TenantId},
    item::ItemSet,
};
use dashmap::DashMap;
use hashbrown::DefaultHashBuilder;
use parking_lot::Mutex;
use std::{
    cmp::Ordering::{Equal, Greater, Less},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::Waker,
};
use tokio::sync::{Notify, OnceCell};

/// So many messages wait while a gap before them is read.
const MOST_HELD: usize = 1024;

/// The tenants that are watched, by their channel.
pub(crate) struct Watches {
    by_channel: DashMap<String, Arc<Watch>, DefaultHashBuilder>,
    /// Those that are behind the store.
    behind: Mutex<Vec<Arc<Watch>>>,
    pub(crate) someone_is_behind: Notify,
    /// A channel stays silent, though it was subscribed to again.
    pub(crate) is_deaf: AtomicBool,
    pub(crate) feed: Arc<Feed>,
    pub(crate) metrics: Arc<EngineMetrics>,
    pub(crate) rules: Rules,
    known: Known,
}

/// One tenant.
pub(crate) struct Watch {
    pub(crate) tenant: TenantId,
    pub(crate) channel: String,
    /// Whether Redis was told to send what is published.
    pub(crate) is_subscribed: AtomicBool,
    /// Set once the position is known; from then on nothing is missed.
    pub(crate) begun: OnceCell<()>,
    position: Mutex<Position>,
}

#[derive(Default)]
struct Position {
    /// What was delivered last; none before the first look.
    head: Option<Head>,
    /// Where the store was at the last look.
    seen: Option<u64>,
    /// How often in a row the store was ahead, and nothing had come.
    deaf: u32,
    /// Messages that came while the changes before them are being read; none where nothing is.
    held: Option<Vec<Vec<u8>>>,
}

impl Watches {
    pub(crate) fn new(feed: Arc<Feed>, metrics: Arc<EngineMetrics>, rules: Rules) -> Self {
        Self {
            by_channel: DashMap::default(),
            behind: Mutex::default(),
            someone_is_behind: Notify::new(),
            is_deaf: AtomicBool::new(false),
            feed,
            metrics,
            rules,
            known: Known::default(),
        }
    }

    /// The watch of a tenant, new or not. Whoever asks has registered a listener before.
    pub(crate) fn of(&self, tenant: &TenantId, channel: &str) -> Arc<Watch> {
        if let Some(watch) = self.by_channel.get(channel) {
            return watch.clone();
        }
        self.by_channel
            .entry(channel.to_owned())
            .or_insert_with(|| Arc::new(Watch::new(tenant, channel)))
            .clone()
    }

    /// All of them.
    pub(crate) fn all(&self) -> Vec<Arc<Watch>> {
        self.by_channel.iter().map(|watch| watch.value().clone()).collect()
    }

    /// Whether that is the watch of its tenant still.
    pub(crate) fn has(&self, watch: &Arc<Watch>) -> bool {
        self.by_channel.get(&watch.channel).is_some_and(|ours| Arc::ptr_eq(&ours, watch))
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.by_channel.len()
    }

    /// Forgets the tenants that nobody listens to; returns them.
    pub(crate) fn drop_idle(&self) -> Vec<Arc<Watch>> {
        let idle: Vec<_> =
            self.all().into_iter().filter(|watch| !self.feed.has_listeners(&watch.tenant)).collect();
        // Looked at again while nobody can ask for the watch: who asks later gets a new one.
        let is_idle = |_: &String, watch: &Arc<Watch>| !self.feed.has_listeners(&watch.tenant);
        idle.into_iter()
            .filter(|watch| self.by_channel.remove_if(&watch.channel, is_idle).is_some())
            .collect()
    }

    /// One that was to be read for, and was not.
    pub(crate) fn put_back(&self, watch: &Arc<Watch>) {
        self.behind.lock().push(watch.clone());
        self.someone_is_behind.notify_one();
    }

    /// Those that are behind, once.
    pub(crate) fn take_behind(&self) -> Vec<Arc<Watch>> {
        std::mem::take(&mut *self.behind.lock())
    }

    /// All subscriptions are gone.
    pub(crate) fn unsubscribed(&self) {
        for watch in &self.by_channel {
            watch.is_subscribed.store(false, Ordering::Relaxed);
        }
    }

    /// One subscription is gone: on a cluster, since its slot moved.
    pub(crate) fn unsubscribed_from(&self, channel: &str) {
        if let Some(watch) = self.by_channel.get(channel) {
            watch.is_subscribed.store(false, Ordering::Relaxed);
        }
    }

    /// Something was published.
    pub(crate) fn on_message(&self, channel: &str, message: Vec<u8>) {
        let Some(watch) = self.by_channel.get(channel).map(|watch| watch.clone()) else { return };
        let Some(published) = Published::parse(&message) else { return };
        let lag = now().saturating_sub(published.at);
        self.metrics.redis_publish_lag.observe(lag as f64 / 1e6);
        let mut position = watch.position.lock();
        // Before the first look nothing was promised: whoever listens reads a snapshot first.
        let Position { head: Some(head), held, deaf, .. } = &mut *position else { return };
        *deaf = 0;
        if let Some(held) = held {
            // It cannot be delivered before what was missed. One too many is dropped without a word: it
            // leaves a gap, which is seen when the held ones are taken, and read.
            if held.len() < MOST_HELD {
                held.push(message);
            }
            return;
        }
        let mut sleepers = Vec::new();
        if let Err(cause) = self.take(&watch.tenant, head, published, &mut sleepers) {
            self.fall_behind(&watch, &mut position, cause, Some(message));
        }
        drop(position);
        sleepers.into_iter().for_each(Waker::wake);
    }

    /// A look at the store. True where it is ahead: what is on its way is given a moment.
    pub(crate) fn on_look(&self, watch: &Arc<Watch>, store: &Head) -> bool {
        let mut position = watch.position.lock();
        let Position { head: Some(head), seen, held: None, .. } = &mut *position else { return false };
        if store.epoch != head.epoch {
            self.fall_behind(watch, &mut position, Missed::Epoch, None);
            return false;
        }
        // The store is ahead whenever a message is on its way, so this alone is no sign of a loss.
        *seen = Some(store.seq);
        store.seq > head.seq
    }

    /// A moment after a look that found the store ahead.
    pub(crate) fn on_overdue(&self, watch: &Arc<Watch>) {
        let mut position = watch.position.lock();
        let Position { head: Some(head), seen: Some(seen), held: None, .. } = &*position else { return };
        if head.seq < *seen {
            // Its messages do not come, so it may be that nothing is subscribed, or at the wrong server.
            watch.is_subscribed.store(false, Ordering::Relaxed);
            position.deaf += 1;
            // Once may be a single lost message. Twice in a row, with nothing heard in between, is a
            // subscription that looks alive and is not: the connection is made anew.
            if position.deaf > 1 {
                self.is_deaf.store(true, Ordering::Relaxed);
            }
            self.fall_behind(watch, &mut position, Missed::Probe, None);
        }
    }

    /// A session has read this: of another epoch than ours, and all sessions are to know of it.
    pub(crate) fn on_read(&self, watch: &Arc<Watch>, read: &Head) {
        let mut position = watch.position.lock();
        let Position { head: Some(head), held: None, .. } = &*position else { return };
        if head.epoch != read.epoch {
            self.fall_behind(watch, &mut position, Missed::Epoch, None);
        }
    }

    /// Where the tenant's changes are to be read from; none where nothing is known.
    pub(crate) fn head(&self, watch: &Watch) -> Option<Head> {
        watch.position.lock().head.clone()
    }

    /// Begins to deliver what comes after a position.
    pub(crate) fn begin(&self, watch: &Watch, head: Head) {
        watch.position.lock().head = Some(head);
    }

    /// What was missed, read from the store; then what came meanwhile.
    pub(crate) fn catch_up(&self, watch: &Arc<Watch>, FoundItems { head, found: missed }: FoundItems) {
        let mut sleepers = Vec::new();
        let mut position = watch.position.lock();
        // Another epoch has begun meanwhile, perhaps, of which the missed changes are no part.
        if let Some(ours) = position.head.as_mut().filter(|ours| ours.epoch == head.epoch) {
            // An item that changed again since comes with its latest number, and counts once.
            for Found { key, stored } in missed.iter().filter(|found| found.stored.seq > ours.seq) {
                let change = || {
                    self.known.hold(key, &head.epoch, stored);
                    self.change(key, stored.seq, &stored.set, None)
                };
                sleepers.extend(self.feed.deliver(&watch.tenant, key.extension.as_str(), key.kind, change));
            }
            ours.seq = ours.seq.max(head.seq);
        }
        self.let_go(watch, position, &mut sleepers);
        sleepers.into_iter().for_each(Waker::wake);
    }

    /// The store cannot tell what was missed: every session reads for itself.
    pub(crate) fn start_over(&self, watch: &Arc<Watch>, head: Head) {
        let mut sleepers = Vec::new();
        let mut position = watch.position.lock();
        self.begin_anew(watch, &mut position, head);
        self.let_go(watch, position, &mut sleepers);
        sleepers.into_iter().for_each(Waker::wake);
    }

    /// Goes on with the messages that came while the store was read.
    fn let_go(
        &self,
        watch: &Arc<Watch>,
        mut position: parking_lot::MutexGuard<'_, Position>,
        sleepers: &mut Vec<Waker>,
    ) {
        let Position { head: Some(head), seen, held, .. } = &mut *position else { return };
        // The look before the reading says nothing any more.
        *seen = None;
        for message in held.take().unwrap_or_default() {
            let Some(published) = Published::parse(&message).filter(|it| *it.epoch == *head.epoch) else {
                continue;
            };
            if let Err(cause) = self.take(&watch.tenant, head, published, sleepers) {
                return self.fall_behind(watch, &mut position, cause, None);
            }
        }
    }

    fn begin_anew(&self, watch: &Watch, position: &mut Position, head: Head) {
        // Sessions read for themselves, each its own stream, as after a reconnect: what one of them has
        // seen of the old epoch is not known here.
        position.head = Some(head);
        self.feed.overflow(&watch.tenant);
    }

    fn fall_behind(
        &self,
        watch: &Arc<Watch>,
        position: &mut Position,
        cause: Missed,
        message: Option<Vec<u8>>,
    ) {
        self.metrics.resync(cause);
        // From here on messages wait, until `catch_up` or `start_over` lets them go.
        position.held = Some(message.into_iter().collect());
        self.put_back(watch);
    }

    /// Delivers what is next of what was published; tells why it stops before the end.
    fn take(
        &self,
        tenant: &TenantId,
        head: &mut Head,
        published: Published<'_>,
        sleepers: &mut Vec<Waker>,
    ) -> Result<(), Missed> {
        if *head.epoch != *published.epoch {
            return Err(Missed::Epoch);
        }
        let at = published.at;
        for said in published {
            match said.seq.cmp(&(head.seq + 1)) {
                // Delivered already, by a read of the store that was faster than the message.
                Less => {}
                Greater => return Err(Missed::Gap),
                Equal if said.is_bare() => return Err(Missed::Large),
                Equal => {
                    sleepers.extend(self.deliver(tenant, &head.epoch, &said, at)?);
                    head.seq = said.seq;
                }
            }
        }
        Ok(())
    }

    fn deliver(
        &self,
        tenant: &TenantId,
        epoch: &Arc<str>,
        said: &Said<'_>,
        at: Micros,
    ) -> Result<Vec<Waker>, Missed> {
        // The feed makes the change only if someone listens. Where nobody does, an unknown item is no loss.
        let mut is_known = true;
        let sleepers = self.feed.deliver(tenant, said.extension, said.kind, || {
            let change = |key: &ItemKey, set: &ItemSet| self.change(key, said.seq, set, Some(at));
            let shown = said.key(tenant).and_then(|key| self.known.show(key, epoch, said, change));
            is_known = shown.is_some();
            shown.flatten()
        });
        if is_known { Ok(sleepers) } else { Err(Missed::Unknown) }
    }

    fn change(&self, key: &ItemKey, seq: u64, set: &ItemSet, at: Option<Micros>) -> Option<Change> {
        Some(Change::new(seq, set.fold(key, &self.rules)?, at))
    }

    /// Keeps what a session has read of live items: what is published next will say only what is new.
    pub(crate) fn hold(&self, FoundItems { head, found }: &FoundItems) {
        for Found { key, stored } in found.iter().filter(|found| found.stored.set.is_live()) {
            self.known.hold(key, &head.epoch, stored);
        }
    }
}

impl Watch {
    fn new(tenant: &TenantId, channel: &str) -> Self {
        Self {
            tenant: tenant.clone(),
            channel: channel.to_owned(),
            is_subscribed: AtomicBool::new(false),
            begun: OnceCell::new(),
            position: Mutex::default(),
        }
    }
}
