//! Group commit: while one call commits events of a tenant, those that come meanwhile wait, and are
//! committed together by the next. An event that finds nothing under way is sent at once.
//!
//! Calls are made by tasks of the engine, so whoever waits may go away, and hinders nobody.

use super::{addition::Addition, keyspace::Fate, settling::Settling, sweep::Sweeper, writes::Writes};
use crate::{
    engine::EngineError,
    event_set::Added,
    id::TenantId,
    item::ItemEvent,
    link::{DEADLINE, LinkError},
    tasks::Tasks,
};
use dashmap::{DashMap, Entry as Place};
use futures_util::FutureExt;
use parking_lot::Mutex;
use std::{collections::VecDeque, mem, sync::Arc, time::Instant};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, oneshot},
    task::{JoinSet, yield_now},
    time::timeout,
};

/// Events that wait or are under way; one more is refused.
const MOST_EVENTS: usize = 4096;
/// The most of them that one tenant may have waiting, so that it cannot keep out all others.
const MOST_OF_TENANT: usize = 2048;
/// Events in one call; and bytes, unless a single event has more.
const MOST_TOGETHER: usize = 32;
const MOST_BYTES: usize = 64 * 1024;

const TOO_MANY: EngineError = EngineError::Unavailable("too many events wait for Redis");

/// The commits of one node.
pub(crate) struct Groups {
    lanes: Arc<Lanes>,
    places: Arc<Semaphore>,
    /// One for each tenant of which something is under way.
    under_way: Mutex<JoinSet<()>>,
    tasks: Tasks,
}

struct Lanes {
    settling: Arc<Settling>,
    sweeper: Arc<Sweeper>,
    writes: Arc<Writes>,
    /// What waits, for each tenant of which something is under way.
    waiting: DashMap<TenantId, VecDeque<WaitingEvent>>,
}

/// An event, and who wants to know what becomes of it.
struct WaitingEvent {
    addition: Addition,
    since: Instant,
    answer: oneshot::Sender<Fate>,
    _place: OwnedSemaphorePermit,
}

/// A tenant's lane while a task works on it.
struct Lane {
    lanes: Arc<Lanes>,
    tenant: TenantId,
    is_open: bool,
}

impl Groups {
    pub(crate) fn new(
        settling: Arc<Settling>,
        sweeper: Arc<Sweeper>,
        writes: Arc<Writes>,
        tasks: Tasks,
    ) -> Self {
        Self {
            lanes: Arc::new(Lanes { settling, sweeper, writes, waiting: DashMap::new() }),
            places: Arc::new(Semaphore::new(MOST_EVENTS)),
            under_way: Mutex::default(),
            tasks,
        }
    }

    /// Commits an event, together with others of its tenant. It may be committed though this fails, or is dropped.
    pub(crate) async fn commit(&self, event: ItemEvent) -> Fate {
        let place = self.places.clone().try_acquire_owned().map_err(|_| TOO_MANY)?;
        let tenant = event.key.tenant.clone();
        let (answer, answered) = oneshot::channel();
        let addition = Addition::new(event)?;
        let waiting = WaitingEvent { addition, since: Instant::now(), answer, _place: place };
        if self.lanes.join(&tenant, waiting)? {
            let lane = Lane { lanes: self.lanes.clone(), tenant, is_open: true };
            let mut under_way = self.under_way.lock();
            while under_way.try_join_next().is_some() {}
            under_way.spawn(self.tasks.watch("lane", lane.run()).map(drop));
        }
        match timeout(DEADLINE, answered).await {
            Ok(answer) => answer.unwrap_or(Err(LinkError::Away.into())),
            Err(_) => Err(LinkError::Late.into()),
        }
    }
}

impl Lanes {
    /// Lets an event wait; tells whether nothing is under way, so that someone has to begin.
    fn join(&self, tenant: &TenantId, event: WaitingEvent) -> Result<bool, EngineError> {
        match self.waiting.entry(tenant.clone()) {
            Place::Occupied(lane) if lane.get().len() >= MOST_OF_TENANT => Err(TOO_MANY),
            Place::Occupied(mut lane) => {
                lane.get_mut().push_back(event);
                Ok(false)
            }
            Place::Vacant(lane) => {
                lane.insert(VecDeque::from([event]));
                Ok(true)
            }
        }
    }
}

impl Lane {
    /// Commits group after group, until nothing waits.
    async fn run(mut self) {
        loop {
            // What has come already is taken along: the rest of a webhook, and others that are ready to be read.
            yield_now().await;
            let group = self.next();
            if group.is_empty() {
                return;
            }
            self.commit(group).await;
        }
    }

    async fn commit(&self, group: Vec<WaitingEvent>) {
        let commit = async {
            self.lanes.sweeper.list(&self.tenant).await?;
            self.lanes.settling.commit(&self.tenant, additions(&group)).await
        };
        match commit.await {
            Ok(fates) => {
                self.note(&group, &fates);
                group.into_iter().zip(fates).for_each(|(event, fate)| event.answer(fate));
            }
            Err(error) => {
                self.lanes.writes.on_refused(&error, &self.tenant, additions(&group));
                group.into_iter().for_each(|event| event.answer(Err(error.clone())));
            }
        }
    }

    /// What the fates tell of Redis: what was known already was not written.
    fn note(&self, group: &[WaitingEvent], fates: &[Fate]) {
        if let Some(Err(error)) = fates.iter().find(|fate| fate.is_err()) {
            self.lanes.writes.on_refused(error, &self.tenant, additions(group));
        } else if fates.iter().any(|fate| matches!(fate, Ok(((Added::New, _), _)))) {
            self.lanes.writes.on_taken();
        }
    }

    /// Those that have waited; closes the lane where there are none.
    fn next(&mut self) -> Vec<WaitingEvent> {
        let mut group = Vec::new();
        let closed = self.lanes.waiting.remove_if_mut(&self.tenant, |_, waiting| {
            group = take(waiting);
            group.is_empty()
        });
        self.is_open = closed.is_none();
        group
    }
}

impl Drop for Lane {
    /// A task that does not come to its end leaves nobody waiting.
    fn drop(&mut self) {
        if self.is_open {
            self.lanes.waiting.remove(&self.tenant);
        }
    }
}

impl WaitingEvent {
    fn answer(self, answer: Fate) {
        // Whoever asked may be gone.
        let _ = self.answer.send(answer);
    }
}

fn additions(group: &[WaitingEvent]) -> impl ExactSizeIterator<Item = &Addition> + Clone {
    group.iter().map(|event| &event.addition)
}

/// Takes what goes into one call, without those that nobody waits for any longer.
fn take(waiting: &mut VecDeque<WaitingEvent>) -> Vec<WaitingEvent> {
    let (mut group, mut bytes) = (Vec::new(), 0);
    while let Some(next) = waiting.front() {
        let is_late = next.since.elapsed() >= DEADLINE;
        bytes += if is_late { 0 } else { next.addition.bytes() };
        if group.len() == MOST_TOGETHER || bytes > MOST_BYTES && !group.is_empty() {
            break;
        }
        let next = waiting.pop_front();
        group.extend(next.filter(|_| !is_late));
    }
    // A burst does not keep its room.
    if waiting.is_empty() {
        mem::take(waiting);
    }
    group
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        id::ItemName,
        item::Event,
        notice::{self, Post, What},
    };
    use std::time::Duration;

    fn waiting(texts: &[usize], since: Instant) -> VecDeque<WaitingEvent> {
        let places = Arc::new(Semaphore::new(texts.len()));
        let event = |(nth, bytes): (usize, &usize)| {
            let post = Post { body: Some("x".repeat(*bytes).into()), ..Post::default() };
            let event = Event::Notice(notice::Event::new(1, What::Posted(post.into())));
            let (tenant, extension) = ("t".try_into().unwrap(), "200".try_into().unwrap());
            let event = ItemEvent::new(tenant, extension, ItemName::of(&nth.to_string()), event);
            let place = places.clone().try_acquire_owned().unwrap();
            WaitingEvent {
                addition: Addition::new(event).unwrap(),
                since,
                answer: oneshot::channel().0,
                _place: place,
            }
        };
        texts.iter().enumerate().map(event).collect()
    }

    #[test]
    fn a_group_is_bounded_by_number_and_bytes() {
        let now = Instant::now();
        let sizes = |texts: &[usize]| {
            let mut waiting = waiting(texts, now);
            let groups = std::iter::from_fn(|| Some(take(&mut waiting).len()).filter(|taken| *taken > 0));
            groups.collect::<Vec<_>>()
        };
        assert_eq!(sizes(&[1; 70]), [32, 32, 6]);
        assert_eq!(sizes(&[30_000, 30_000, 30_000, 200_000, 200_000, 1]), [2, 1, 1, 1, 1]);
    }

    #[test]
    fn nobody_waits_any_longer_for_what_is_late() {
        let mut queue = waiting(&[1; 40], Instant::now() - DEADLINE);
        queue.extend(waiting(&[1; 3], Instant::now() + Duration::from_secs(1)));
        assert_eq!(take(&mut queue).len(), 3);
        assert!(queue.is_empty() && queue.capacity() == 0);
    }
}
