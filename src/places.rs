//! How many connections a process has room for: made from the files that the system lets it open, less a
//! reserve that connections never get, since the stores and whatever is asked elsewhere need files too.
//!
//! One count over all listeners. A connection holds its [`Place`] until its end, also as a WebSocket. While
//! most places are taken, whoever only waits goes first, and an address has a share: but nobody who has
//! shown a token or a secret is a stranger, so an office, or a balancer, behind one address keeps its own.

mod bounds;
mod holder;
mod metrics;
mod state;
mod strangers;

pub(crate) use bounds::MOST_FILES;
pub(crate) use holder::{Holder, Proof, UnderWay, prove, sit_down};
pub(crate) use strangers::Group;

use crate::{log::Seldom, metrics::Metrics};
use bounds::Bounds;
use metrics::{Cause, PlaceMetrics};
use parking_lot::Mutex;
use state::State;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    sync::Notify,
    time::{MissedTickBehavior, interval},
};

/// How often it is looked for connections that wait too long, and what time it is.
const LOOK: Duration = Duration::from_millis(250);
/// Between two lines about connections that had to go.
const SAY_EVERY: Duration = Duration::from_secs(10);

/// The places of a process. Clones are one.
#[derive(Clone)]
pub(crate) struct Places {
    shared: Arc<Shared>,
}

struct Shared {
    began: Instant,
    /// The time of the last look: every request asks for it, and it need not be exact.
    clock: AtomicU64,
    state: Mutex<State>,
    /// Somebody has gone.
    left: Notify,
    metrics: Arc<PlaceMetrics>,
    lines: Seldom,
}

/// A connection's place, until it is dropped.
pub(crate) struct Place {
    holder: Arc<Holder>,
}

impl Places {
    /// Those of a process that may open so many files.
    pub(crate) fn new(files: Option<u64>, metrics: &Metrics) -> Self {
        let bounds = Bounds::of(files);
        let metrics: Arc<PlaceMetrics> = metrics.of();
        metrics.places.set(bounds.total as i64);
        let shared = Shared {
            began: Instant::now(),
            clock: AtomicU64::new(0),
            state: Mutex::new(State::new(bounds)),
            left: Notify::new(),
            metrics,
            lines: Seldom::new(SAY_EVERY),
        };
        Self { shared: Arc::new(shared) }
    }

    /// A place for a connection that has just come. Where there is none, somebody else is told to go, or
    /// there is no room for it. Waits only for those who were told.
    pub(crate) async fn enter(&self, group: Group) -> Option<Place> {
        loop {
            // Before it is looked, so that nobody goes unseen in between.
            let left = self.shared.left.notified();
            if !self.shared.state.lock().is_overfull() {
                return self.try_enter(group);
            }
            left.await;
        }
    }

    fn try_enter(&self, group: Group) -> Option<Place> {
        let now = self.shared.now();
        let mut state = self.shared.state.lock();
        let told = state.make_room(group, now);
        let entered = told.is_ok().then(|| {
            let holder = Arc::new(Holder::new(self.shared.clone(), state.next_id(), now));
            state.add(group, holder.clone(), now);
            self.shared.metrics.taken.inc();
            Place { holder }
        });
        drop(state);
        match told {
            Ok(None) => {}
            Ok(Some(cause)) => self.shared.note(cause, 1),
            Err(_) => self.shared.note(Cause::NoRoom, 1),
        }
        entered
    }

    /// Keeps the time, and ends what waits too long while most places are taken; for ever.
    pub(crate) async fn watch(self) {
        let mut ticks = interval(LOOK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let shared = &self.shared;
            shared.clock.store(shared.began.elapsed().as_millis() as u64, Ordering::Relaxed);
            let thinned = shared.state.lock().thin(shared.now());
            shared.note(Cause::Idle, thinned);
        }
    }

    /// Counts a connection that the system did not give us.
    pub(crate) fn on_accept_failed(&self) {
        self.shared.metrics.accept_failures.inc();
    }
}

impl Shared {
    /// Milliseconds since the process began, a quarter of a second behind at most.
    fn now(&self) -> u64 {
        self.clock.load(Ordering::Relaxed)
    }

    /// Counts, and says once in a while, that connections had to go.
    fn note(&self, cause: Cause, count: u64) {
        if count == 0 {
            return;
        }
        self.metrics.closed(cause, count);
        if let Some(unsaid) = self.lines.may_say(cause.word()) {
            let (taken, places) = (self.metrics.taken.get(), self.metrics.places.get());
            tracing::warn!(
                cause = cause.word(),
                taken,
                places,
                count,
                unsaid,
                "most places are taken: connections are closed"
            );
        }
    }
}

impl Place {
    /// Who has it, to say what it does.
    pub(crate) fn holder(&self) -> &Arc<Holder> {
        &self.holder
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.holder.gone();
    }
}

#[cfg(test)]
mod tests;
