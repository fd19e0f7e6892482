//! The tasks of a process, each with a name, and what becomes of the process when one fails.
//!
//! A task of the node, such as an accept loop or the heartbeat of a link, runs for as long as the
//! node does. Should it panic, or end before the node was told to stop, then [`Tasks::failed`] says
//! so and the node stops: a node is never ready and deaf. A task of one connection, request or
//! refresh ends only itself: a panic of it is logged with its name and counted.
//!
//! Whoever spawns a task of the node holds what [`Tasks::keep`] returns; the task ends with it.

mod metrics;
mod provoke;

use crate::metrics::Metrics;
use anyhow::anyhow;
use futures_util::FutureExt;
use metrics::TaskMetrics;
use provoke::provoked;
use std::{
    any::Any,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};
use tokio::{
    runtime::{Handle, RuntimeFlavor},
    sync::watch,
    task::block_in_place,
};
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

/// A task of the node; it ends when this is dropped.
pub(crate) type Kept = AbortOnDropHandle<()>;

/// Spawns tasks, and hears how they end. Clones are one.
#[derive(Clone)]
pub struct Tasks {
    shared: Arc<Shared>,
}

struct Shared {
    metrics: Arc<TaskMetrics>,
    /// The first task of the node that failed.
    failed: watch::Sender<Option<&'static str>>,
    is_stopping: AtomicBool,
}

impl Tasks {
    /// Those of one process.
    pub fn new(metrics: &Metrics) -> Self {
        let shared = Shared {
            metrics: metrics.of(),
            failed: watch::Sender::new(None),
            is_stopping: AtomicBool::new(false),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Spawns a task of the node that is not to end before it. Needs a Tokio runtime.
    #[must_use = "the task ends when this is dropped"]
    pub(crate) fn keep(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) -> Kept {
        let tasks = self.clone();
        AbortOnDropHandle::new(tokio::spawn(self.watch(name, task).map(move |ended| {
            if ended.is_some() {
                tasks.on_end(name);
            }
        })))
    }

    /// Work of the node's own that comes to an end. It may end, but a panic of it fails the node;
    /// then there is no result. Cancel safe.
    pub(crate) fn watch<W: Future>(
        &self,
        name: &'static str,
        work: W,
    ) -> impl Future<Output = Option<W::Output>> + use<W> {
        let tasks = self.clone();
        caught(name, work).map(move |ended| match ended {
            Ok(done) => Some(done),
            Err(_) => {
                tasks.on_panic(name);
                tasks.fail(name, "panicked");
                None
            }
        })
    }

    /// Starts a thread of the node. It knows when it may end, so only a panic of it fails the node.
    ///
    /// # Errors
    /// The system has no thread to give.
    pub(crate) fn thread(
        &self,
        name: &'static str,
        work: impl FnOnce() + Send + 'static,
    ) -> io::Result<thread::JoinHandle<()>> {
        let tasks = self.clone();
        thread::Builder::new().name(name.to_owned()).spawn(move || {
            if catch_unwind(AssertUnwindSafe(work)).is_err() {
                tasks.on_panic(name);
                tasks.fail(name, "panicked");
            }
        })
    }

    /// Spawns the work of one connection, request or refresh. A panic of it harms nothing else.
    pub(crate) fn contain(
        &self,
        among: &TaskTracker,
        name: &'static str,
        work: impl Future<Output = ()> + Send + 'static,
    ) {
        let tasks = self.clone();
        among.spawn(caught(name, work).map(move |ended| {
            if ended.is_err() {
                tasks.on_panic(name);
            }
        }));
    }

    /// From now on tasks of the node may end.
    pub(crate) fn stop(&self) {
        self.shared.is_stopping.store(true, Ordering::SeqCst);
    }

    /// The task of the node that failed first, if any did.
    pub(crate) fn failure(&self) -> Option<&'static str> {
        *self.shared.failed.borrow()
    }

    /// The same in words, for whoever asks whether the node is ready.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.failure().map(|name| format!("the task {name:?} of this node failed"))
    }

    /// Waits until the node is to stop: for `stop`, or for a task of the node that fails.
    pub(crate) async fn until(&self, stop: impl Future<Output = ()>) {
        tokio::select! {
            () = stop => {}
            _ = self.failed() => {}
        }
    }

    /// How the node ended.
    ///
    /// # Errors
    /// A task of the node failed.
    pub(crate) fn outcome(&self) -> anyhow::Result<()> {
        match self.failure() {
            Some(name) => Err(anyhow!("stopped, since the task {name:?} failed")),
            None => Ok(()),
        }
    }

    /// Waits until a task of the node fails, and names it; for ever where none does. Cancel safe.
    async fn failed(&self) -> &'static str {
        let mut failed = self.shared.failed.subscribe();
        let name = failed.wait_for(Option::is_some).await.ok().and_then(|name| *name);
        match name {
            Some(name) => name,
            // The sender lives as long as this.
            None => std::future::pending().await,
        }
    }

    /// A task of the node ended; once the node stops, it may.
    fn on_end(&self, name: &'static str) {
        if !self.shared.is_stopping.load(Ordering::SeqCst) {
            self.fail(name, "ended unasked");
        }
    }

    fn fail(&self, name: &'static str, how: &'static str) {
        tracing::error!(task = name, how, "a task of the node failed; the node stops");
        self.shared.failed.send_if_modified(|failed| {
            let is_first = failed.is_none();
            *failed = failed.or(Some(name));
            is_first
        });
    }

    /// What a panic says may quote what it was about, so only its task is told; the hook tells its place.
    fn on_panic(&self, name: &'static str) {
        self.shared.metrics.panicked(name);
        tracing::error!(task = name, "a task panicked");
    }
}

/// The work, and what it panicked with. Combinators, since an `async` block would hold the work twice,
/// and a session is one of them.
fn caught<W: Future>(
    name: &'static str,
    work: W,
) -> impl Future<Output = Result<W::Output, Box<dyn Any + Send>>> {
    AssertUnwindSafe(provoked(name, work)).catch_unwind()
}

/// Does something where nobody else waits for this thread, if it is much.
pub(crate) fn apart_if<T>(is_much: bool, work: impl FnOnce() -> T) -> T {
    let can_move = Handle::current().runtime_flavor() == RuntimeFlavor::MultiThread;
    if is_much && can_move { block_in_place(work) } else { work() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tasks() -> (Metrics, Tasks) {
        let metrics = Metrics::default();
        let tasks = Tasks::new(&metrics);
        (metrics, tasks)
    }

    #[tokio::test]
    async fn a_task_of_the_node_that_ends_or_panics_fails_it() {
        let (_, tasks) = tasks();
        let _ends = tasks.keep("ends", async {});
        assert_eq!(tasks.failed().await, "ends");
        let (metrics, tasks) = self::tasks();
        let _panics = tasks.keep("panics", async { panic!("on purpose") });
        assert_eq!(tasks.failed().await, "panics");
        assert!(metrics.text().contains("callpop_panics_total{task=\"panics\"} 1"));
    }

    #[tokio::test]
    async fn the_first_failure_is_told() {
        let (_, tasks) = tasks();
        assert!(tasks.watch("first", async { panic!("on purpose") }).await.is_none_or(|(): ()| false));
        tasks.fail("second", "panicked");
        assert_eq!(tasks.failure(), Some("first"));
    }

    #[tokio::test]
    async fn what_ends_once_the_node_stops_is_no_failure() {
        let (_, tasks) = tasks();
        tasks.stop();
        let ends = tasks.keep("ends", async {});
        ends.await.unwrap();
        assert_eq!(tasks.failure(), None);
    }

    #[tokio::test]
    async fn a_panic_while_the_node_stops_is_a_failure_still() {
        let (_, tasks) = tasks();
        tasks.stop();
        let panics = tasks.keep("panics", async { panic!("on purpose") });
        panics.await.unwrap();
        assert_eq!(tasks.failure(), Some("panics"));
    }

    #[tokio::test]
    async fn a_thread_that_panics_fails_the_node() {
        let (_, tasks) = tasks();
        tasks.thread("reader", || {}).unwrap().join().unwrap();
        assert_eq!(tasks.failure(), None);
        tasks.thread("writer", || panic!("on purpose")).unwrap().join().unwrap();
        assert_eq!(tasks.failure(), Some("writer"));
    }

    #[tokio::test]
    async fn what_is_contained_ends_only_itself() {
        let (metrics, tasks) = tasks();
        let among = TaskTracker::new();
        tasks.contain(&among, "request", async { panic!("on purpose") });
        among.close();
        among.wait().await;
        assert_eq!(tasks.failure(), None);
        assert!(metrics.text().contains("callpop_panics_total{task=\"request\"} 1"));
    }
}
