//! What waits for one socket. Pushing never blocks; what a slow reader has not taken yet is
//! conflated to the latest version of each item, and beyond a bound it is dropped, for the
//! session to read from the engine instead.

use super::{Change, FeedMetrics, Stream};
use crate::{
    id::{Extension, SourceName},
    protocol::Frame,
};
use futures_util::task::AtomicWaker;
use parking_lot::Mutex;
use std::{
    collections::HashSet,
    future::poll_fn,
    mem,
    sync::Arc,
    task::{Poll, Waker},
};

/// So many changes wait before the first look for ones that a later one replaces.
const FIRST_LOOK: usize = 64;
/// The most items that wait, and the most bytes of them; one more, and the session reads them from the engine.
pub(crate) const MAX_ITEMS: usize = 4096;
const MAX_BYTES: usize = 8 * 1024 * 1024;

/// Between whoever commits and one session.
pub(crate) struct Outbox {
    queue: Mutex<Queue>,
    waker: AtomicWaker,
    metrics: Arc<FeedMetrics>,
}

/// Changes in the order of their sequence.
#[derive(Default)]
struct Queue {
    waiting: Vec<Arc<Change>>,
    /// What they weigh together.
    bytes: usize,
    /// The length at which to look again; doubles with what is left, so that looking costs little.
    look_at: usize,
    /// Beside the items: the latest of each extension at each source, and at most so many as items.
    asides: Vec<(Extension, SourceName, Frame)>,
    overflowed: bool,
    reassigned: bool,
    draining: bool,
}

/// What a session is to do next.
pub(crate) struct Taken {
    /// At most one an item, in the order of their sequence.
    pub(crate) changes: Vec<Arc<Change>>,
    /// The latest of each extension at each source.
    pub(crate) asides: Vec<(Extension, SourceName, Frame)>,
    /// Some were dropped: read on from the last that was delivered.
    pub(crate) overflowed: bool,
    /// The directory may give the user other extensions than before.
    pub(crate) reassigned: bool,
    /// Say goodbye.
    pub(crate) draining: bool,
}

impl Outbox {
    /// An empty one.
    pub(crate) fn new(metrics: Arc<FeedMetrics>) -> Self {
        Self { queue: Mutex::default(), waker: AtomicWaker::new(), metrics }
    }

    /// Lets a change wait for the session, and returns whom to wake, if the session sleeps.
    /// Changes come in the order of their sequence.
    pub(crate) fn push(&self, change: &Arc<Change>) -> Option<Waker> {
        let mut queue = self.queue.lock();
        if queue.overflowed {
            return None;
        }
        queue.waiting.push(change.clone());
        queue.bytes += change.bytes;
        let is_heavy = queue.bytes > MAX_BYTES;
        if is_heavy || queue.waiting.len() >= queue.look_at.max(FIRST_LOOK) {
            self.metrics.conflated.inc_by(conflate(&mut queue.waiting));
            queue.bytes = queue.waiting.iter().map(|change| change.bytes).sum();
            queue.look_at = (2 * queue.waiting.len()).min(MAX_ITEMS + 1);
            // Half of the bytes are to be free after such a look, so that these stay far between.
            if queue.waiting.len() > MAX_ITEMS || is_heavy && queue.bytes > MAX_BYTES / 2 {
                queue.drop_items();
                self.metrics.overflows.inc();
            }
        }
        drop(queue);
        self.waker.take()
    }

    /// Lets something beside the items, about an extension at a source, wait, in place of the one before.
    pub(crate) fn tell(&self, extension: &Extension, source: &SourceName, aside: &Frame) {
        let mut queue = self.queue.lock();
        queue.asides.retain(|(other, at, _)| (other, at) != (extension, source));
        if queue.asides.len() < MAX_ITEMS {
            queue.asides.push((extension.clone(), source.clone(), aside.clone()));
        }
        drop(queue);
        self.waker.wake();
    }

    /// Drops all the items that wait: the session reads from the engine instead.
    pub(crate) fn overflow(&self) {
        self.queue.lock().drop_items();
        self.waker.wake();
    }

    /// Lets the session look which extensions are its user's.
    pub(crate) fn reassign(&self) {
        self.queue.lock().reassigned = true;
        self.waker.wake();
    }

    /// Drops what waits of other extensions than those of the stream that is heard from now on, and what was taken: it
    /// is in the stream's snapshot, or of extensions that are not seen any more.
    pub(crate) fn move_to(&self, stream: &Stream, taken: &mut Taken) {
        taken.changes.clear();
        taken.asides.retain(|(extension, ..)| stream.has_own(extension));
        taken.overflowed = false;
        let mut queue = self.queue.lock();
        queue.waiting.retain(|change| stream.has(change.item.identity().0.as_str()));
        queue.bytes = queue.waiting.iter().map(|change| change.bytes).sum();
        queue.asides.retain(|(extension, ..)| stream.has_own(extension));
    }

    /// Asks the session to say goodbye.
    pub(crate) fn drain(&self) {
        self.queue.lock().draining = true;
        self.waker.wake();
    }

    /// Waits until there is something to take. Cancel safe; for one task at a time.
    pub(crate) async fn ready(&self) {
        poll_fn(|context| {
            self.waker.register(context.waker());
            let queue = self.queue.lock();
            if queue.is_idle() { Poll::Pending } else { Poll::Ready(()) }
        })
        .await;
    }

    /// Takes all that waits.
    pub(crate) fn take(&self) -> Taken {
        let mut queue = mem::take(&mut *self.queue.lock());
        if queue.waiting.len() > 1 {
            self.metrics.conflated.inc_by(conflate(&mut queue.waiting));
        }
        let Queue { waiting, asides, overflowed, reassigned, draining, .. } = queue;
        Taken { changes: waiting, asides, overflowed, reassigned, draining }
    }
}

impl Queue {
    fn drop_items(&mut self) {
        (self.waiting, self.bytes, self.overflowed) = (Vec::new(), 0, true);
    }

    fn is_idle(&self) -> bool {
        let is_told = self.overflowed || self.reassigned || self.draining;
        self.waiting.is_empty() && self.asides.is_empty() && !is_told
    }
}

/// Keeps the last change of each item, in order; tells how many went.
fn conflate(waiting: &mut Vec<Arc<Change>>) -> u64 {
    let before = waiting.len();
    let mut later = HashSet::with_capacity(before);
    let is_last: Vec<bool> =
        waiting.iter().rev().map(|change| later.insert(change.item.identity())).collect();
    let mut is_last = is_last.into_iter().rev();
    waiting.retain(|_| is_last.next().unwrap_or(true));
    (before - waiting.len()) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        id::{ItemKey, ItemName, Kind},
        item::Item,
        notice::{Event, Post, Posts, What},
        protocol::ServerFrame,
    };

    fn change(seq: u64, nth: usize) -> Arc<Change> {
        change_of(seq, nth, 0)
    }

    /// Of an item with a text of that many bytes.
    fn change_of(seq: u64, nth: usize, bytes: usize) -> Arc<Change> {
        let key = ItemKey {
            tenant: "t".try_into().unwrap(),
            extension: "200".try_into().unwrap(),
            kind: Kind::Notice,
            name: ItemName::of(&nth.to_string()),
        };
        let mut posts = Posts::default();
        let post = Post { body: Some("x".repeat(bytes).into()), ..Post::default() };
        posts.add(Event::new(1, What::Posted(Arc::new(post))));
        Arc::new(Change::new(seq, Item::Notice(posts.fold(&key).unwrap()), None))
    }

    fn seqs(taken: &Taken) -> Vec<u64> {
        taken.changes.iter().map(|change| change.seq).collect()
    }

    #[test]
    fn one_change_an_item_waits_and_the_order_is_kept() {
        let outbox = Outbox::new(Arc::default());
        for (seq, nth) in [(1, 1), (2, 2), (3, 1), (4, 3), (5, 2)] {
            outbox.push(&change(seq, nth));
        }
        assert_eq!(seqs(&outbox.take()), [3, 4, 5]);
        assert!(outbox.take().changes.is_empty());
    }

    #[test]
    fn a_reader_that_takes_nothing_does_not_make_it_grow() {
        let outbox = Outbox::new(Arc::default());
        for seq in 0..100_000 {
            outbox.push(&change(seq, seq as usize % 10));
        }
        assert!(outbox.queue.lock().waiting.capacity() <= 4 * FIRST_LOOK);
        assert_eq!(seqs(&outbox.take()), (99_990..100_000).collect::<Vec<_>>());
    }

    #[test]
    fn the_latest_of_an_extension_waits_for_each_source() {
        let outbox = Outbox::new(Arc::default());
        let extension = Extension::try_from("200").unwrap();
        for (t0, source) in [(1, "telsmart"), (2, "clinic"), (3, "telsmart")] {
            let frame = ServerFrame::Tock { t0: t0.into(), t1: 0, t2: 0 }.encode();
            outbox.tell(&extension, &source.try_into().unwrap(), &frame);
        }
        let told = outbox.take().asides.into_iter();
        let told: Vec<_> = told
            .map(|(_, source, frame)| {
                (source.to_string(), String::from_utf8_lossy(frame.as_bytes()).into_owned())
            })
            .collect();
        let says = |nth: usize, source: &str, t0: &str| told[nth].0 == source && told[nth].1.contains(t0);
        assert!(
            told.len() == 2 && says(0, "clinic", "\"t0\":2") && says(1, "telsmart", "\"t0\":3"),
            "{told:?}"
        );
    }

    #[test]
    fn too_many_bytes_are_dropped_and_the_session_is_told() {
        let change = |seq, nth| change_of(seq, nth, 10_000);
        let (outbox, each) = (Outbox::new(Arc::default()), change(0, 0).bytes);
        let most = MAX_BYTES / each;
        assert!(each > 0 && most < MAX_ITEMS);
        for seq in 0..=most as u64 {
            assert!(!outbox.queue.lock().overflowed, "at {seq}");
            outbox.push(&change(seq, seq as usize));
        }
        assert!(outbox.take().overflowed);
        // Versions of a few items are no more than these.
        for seq in 0..10 * most as u64 {
            outbox.push(&change(seq, seq as usize % 10));
        }
        assert!(!outbox.take().overflowed);
    }

    #[test]
    fn too_many_items_are_dropped_and_the_session_is_told() {
        let outbox = Outbox::new(Arc::default());
        for seq in 0..3 * MAX_ITEMS as u64 {
            outbox.push(&change(seq, seq as usize));
        }
        let taken = outbox.take();
        assert!(taken.overflowed && taken.changes.is_empty());
        outbox.push(&change(7, 7));
        assert_eq!(seqs(&outbox.take()), [7]);
    }
}
