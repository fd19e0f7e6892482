//! Who listens: users and tenants to the outboxes of their sessions. A registration removes
//! itself when it is dropped. Nothing here awaits, and an outbox never blocks.
//!
//! What is delivered is a change of a tenant's items, in the order of its sequence. Who commits it
//! is not known here, nor what a session does with it.

mod audience;
mod follow;
mod metrics;
mod outbox;
mod stream;

pub(crate) use follow::{Following, Whose};
pub(crate) use metrics::FeedMetrics;
pub(crate) use outbox::{Outbox, Taken};
pub(crate) use stream::{Change, Stream};

use crate::{
    id::{Extension, Kind, SourceName, TenantId},
    protocol::Frame,
};
use audience::Audiences;
use dashmap::DashMap;
use hashbrown::{DefaultHashBuilder, HashMap};
use std::{
    borrow::Borrow,
    hash::Hash,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::Waker,
};
use tokio_util::sync::CancellationToken;

/// The sessions of this node.
#[derive(Default)]
pub(crate) struct Feed {
    tenants: DashMap<TenantId, Listeners, DefaultHashBuilder>,
    draining: AtomicBool,
    drained: CancellationToken,
}

#[derive(Default)]
struct Listeners {
    users: HashMap<Extension, Vec<Arc<Outbox>>>,
    /// Of the whole tenant, by kind of item; each of them listens to calls.
    whole: [Vec<Arc<Outbox>>; Kind::ALL.len()],
    /// Of the extensions of some groups.
    audiences: Audiences,
    /// Of those who listen to the whole tenant, or to groups of it, by the extensions that are their own.
    owners: HashMap<Extension, Vec<Arc<Outbox>>>,
    /// By their `sub`, those who listen to what the directory gives them, be it nothing.
    followers: HashMap<Arc<str>, Vec<Arc<Outbox>>>,
    /// Those who listen to what the directory gives to their groups.
    watchers: Vec<Arc<Outbox>>,
}

/// A session's place in the feed, until it is dropped.
pub(crate) struct Registration {
    feed: Arc<Feed>,
    stream: Stream,
    outbox: Arc<Outbox>,
}

impl Feed {
    /// Hands a change to all who listen; it is made only if someone does. Returns the sessions to
    /// wake, which costs more than all the rest, and wants no lock held.
    pub(crate) fn deliver(
        &self,
        tenant: &TenantId,
        extension: &str,
        kind: Kind,
        make: impl FnOnce() -> Option<Change>,
    ) -> Vec<Waker> {
        let Some(listeners) = self.tenants.get(tenant) else { return Vec::new() };
        let users = listeners.users.get(extension).map(Vec::as_slice).unwrap_or_default();
        let whole = &listeners.whole[kind.number()];
        let mut hear = users.iter().chain(whole).chain(listeners.audiences.of(extension, kind)).peekable();
        if hear.peek().is_none() {
            return Vec::new();
        }
        let Some(change) = make().map(Arc::new) else { return Vec::new() };
        hear.filter_map(|outbox| outbox.push(&change)).collect()
    }

    /// Tells those whose extension it is something beside the calls, of a source.
    pub(crate) fn tell(&self, tenant: &TenantId, extension: &Extension, source: &SourceName, aside: &Frame) {
        let Some(listeners) = self.tenants.get(tenant) else { return };
        let theirs = [&listeners.users, &listeners.owners].into_iter().filter_map(|all| all.get(extension));
        for outbox in theirs.flatten() {
            outbox.tell(extension, source, aside);
        }
    }

    /// Lets a session hear a stream from now on.
    pub(crate) fn register(self: &Arc<Self>, stream: Stream, outbox: Arc<Outbox>) -> Registration {
        let mut listeners = self.tenants.entry(stream.tenant().clone()).or_default();
        match &stream {
            Stream::User { extensions, .. } => {
                for extension in extensions.iter() {
                    listeners.users.entry(extension.clone()).or_default().push(outbox.clone());
                }
            }
            Stream::Tenant { kinds, own, only, .. } => {
                match only {
                    Some(only) => listeners.audiences.add(only, kinds, &outbox),
                    None => kinds.iter().for_each(|kind| listeners.whole[kind.number()].push(outbox.clone())),
                }
                for extension in own.iter() {
                    listeners.owners.entry(extension.clone()).or_default().push(outbox.clone());
                }
            }
        }
        drop(listeners);
        if self.draining.load(Ordering::SeqCst) {
            outbox.drain();
        }
        Registration { feed: self.clone(), stream, outbox }
    }

    /// Whether any session listens to a tenant.
    pub(crate) fn has_listeners(&self, tenant: &TenantId) -> bool {
        self.tenants.contains_key(tenant)
    }

    /// Lets every session of a tenant read for itself where it stands.
    pub(crate) fn overflow(&self, tenant: &TenantId) {
        let Some(listeners) = self.tenants.get(tenant) else { return };
        for outbox in listeners.all() {
            outbox.overflow();
        }
    }

    /// Waits until every session is told to say goodbye.
    pub(crate) async fn drained(&self) {
        self.drained.cancelled().await;
    }

    /// Tells every session, and all that come later, to say goodbye.
    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::SeqCst);
        self.drained.cancel();
        for listeners in &self.tenants {
            for outbox in listeners.all() {
                outbox.drain();
            }
        }
    }

    /// Whether the node is going away.
    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::SeqCst)
    }
}

impl Listeners {
    /// Some of them more than once.
    fn all(&self) -> impl Iterator<Item = &Arc<Outbox>> {
        let users = self.users.values().chain(self.followers.values()).flatten();
        users.chain(self.of_tenant()).chain(self.audiences.all()).chain(&self.watchers)
    }

    fn is_empty(&self) -> bool {
        let has_no_tenant = self.of_tenant().is_empty() && self.audiences.is_empty();
        self.users.is_empty() && has_no_tenant && self.followers.is_empty() && self.watchers.is_empty()
    }

    fn remove(&mut self, stream: &Stream, outbox: &Arc<Outbox>) {
        match stream {
            Stream::User { extensions, .. } => {
                for extension in extensions.iter() {
                    take_out(&mut self.users, extension.as_str(), outbox);
                }
            }
            Stream::Tenant { own, only, .. } => {
                match only {
                    Some(only) => self.audiences.remove(only, outbox),
                    None => self.whole.iter_mut().for_each(|whole| take_one(whole, outbox)),
                }
                own.iter().for_each(|extension| take_out(&mut self.owners, extension.as_str(), outbox));
            }
        }
    }

    /// Those who listen to the whole tenant, each once.
    fn of_tenant(&self) -> &[Arc<Outbox>] {
        &self.whole[Kind::Call.number()]
    }
}

/// Takes an outbox out once: a session that moves to another stream is in both for a moment.
fn take_one(listeners: &mut Vec<Arc<Outbox>>, outbox: &Arc<Outbox>) {
    if let Some(at) = listeners.iter().position(|listener| Arc::ptr_eq(listener, outbox)) {
        listeners.swap_remove(at);
    }
}

/// The same, by whom it listens to.
fn take_out<K: Hash + Eq + Borrow<str>>(
    by_whom: &mut HashMap<K, Vec<Arc<Outbox>>>,
    whom: &str,
    outbox: &Arc<Outbox>,
) {
    let Some(listeners) = by_whom.get_mut(whom) else { return };
    take_one(listeners, outbox);
    if listeners.is_empty() {
        by_whom.remove(whom);
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.feed.tenants.remove_if_mut(self.stream.tenant(), |_, listeners| {
            listeners.remove(&self.stream, &self.outbox);
            listeners.is_empty()
        });
    }
}
