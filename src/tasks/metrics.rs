//! Panics, by the task that they ended.

use crate::metrics::RoomMetrics;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};

/// The metrics of tasks.
pub(crate) struct TaskMetrics {
    panics: Family<ByTask, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByTask {
    task: &'static str,
}

impl Default for TaskMetrics {
    fn default() -> Self {
        let metrics = Self { panics: Family::default() };
        // From the start, so that the first panic is seen as a change.
        for task in ["connection", "session", "refresh"] {
            drop(metrics.panics.get_or_create(&ByTask { task }));
        }
        metrics
    }
}

impl TaskMetrics {
    /// Counts one.
    pub(crate) fn panicked(&self, task: &'static str) {
        self.panics.get_or_create(&ByTask { task }).inc();
    }
}

impl RoomMetrics for TaskMetrics {
    fn name(&self, r: &mut Registry) {
        r.register("panics", "Tasks that panicked, by name", self.panics.clone());
    }
}
