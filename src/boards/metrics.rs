//! What boards cost, and what they send.

use crate::{
    board::Window,
    id::TenantId,
    metrics::{RoomMetrics, SECONDS},
};
use prometheus_client::{
    metrics::{counter::Counter, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

/// The metrics of boards.
pub(crate) struct BoardMetrics {
    /// Boards that this node computes.
    pub(crate) open: Gauge,
    /// Sessions with `view=board`.
    pub(crate) sessions: Gauge,
    /// Legs that the boards know.
    pub(crate) legs: Gauge,
    /// How long it took until a board was complete.
    pub(crate) build_seconds: Histogram,
    /// What an update cost this node's processors.
    pub(crate) update_seconds: Histogram,
    /// Rows of tiles and figures that changed for those who see the same.
    pub(crate) rows: Counter,
    /// Times that more conversations waited for a slow reader than may.
    pub(crate) conversation_overflows: Counter,
    /// Closed days that were stored.
    pub(crate) days: Counter,
    /// What a roll-up of a tenant took.
    pub(crate) roll_up_seconds: Histogram,
    pub(crate) roll_ups_failed: Counter,
    /// Days that nobody could read.
    unreadable_days: Counter,
}

impl BoardMetrics {
    /// A stored day cannot be read: damaged, or of a later version.
    pub(super) fn on_unreadable_day(&self, tenant: &TenantId, day: Window) {
        tracing::error!(%tenant, day.from, "a closed day cannot be read");
        self.unreadable_days.inc();
    }
}

impl Default for BoardMetrics {
    fn default() -> Self {
        Self {
            open: Gauge::default(),
            sessions: Gauge::default(),
            legs: Gauge::default(),
            build_seconds: Histogram::new(SECONDS),
            update_seconds: Histogram::new(SECONDS),
            rows: Counter::default(),
            conversation_overflows: Counter::default(),
            days: Counter::default(),
            roll_up_seconds: Histogram::new(SECONDS),
            roll_ups_failed: Counter::default(),
            unreadable_days: Counter::default(),
        }
    }
}

impl RoomMetrics for BoardMetrics {
    fn name(&self, r: &mut Registry) {
        r.register("boards", "Tenants whose board this node computes", self.open.clone());
        r.register("board_sessions", "WebSocket sessions with view=board", self.sessions.clone());
        r.register("board_legs", "Legs that the boards of this node know", self.legs.clone());
        let text = "From the opening of a board until all its calls were counted";
        r.register("board_build_seconds", text, self.build_seconds.clone());
        let text = "What an update of a board cost, up to ten times a second";
        r.register("board_update_seconds", text, self.update_seconds.clone());
        r.register(
            "board_rows",
            "Rows of boards that changed, once for all who see the same",
            self.rows.clone(),
        );
        let text = "Times that too many conversations waited for a slow session, which is told all of the present instead";
        r.register("board_conversation_overflows", text, self.conversation_overflows.clone());
        r.register("board_days_stored", "Closed days that were rolled up and stored", self.days.clone());
        let text = "What it took to roll up the closed days of a tenant";
        r.register("board_roll_up_seconds", text, self.roll_up_seconds.clone());
        let text = "Roll-ups of a tenant's days that failed; each is tried again";
        r.register("board_roll_ups_failed", text, self.roll_ups_failed.clone());
        let text = "Closed days that could not be read, and are left out";
        r.register("board_days_unreadable", text, self.unreadable_days.clone());
    }
}
