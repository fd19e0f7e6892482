//! What sessions count.

use super::{end::Cause, reach::Reach, receipts::Disbelief};
use crate::{metrics::RoomMetrics, protocol::CloseCode};
use prometheus_client::{
    encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder},
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};
use std::{fmt, sync::Arc};

/// The metrics of sessions.
#[derive(Default)]
pub(crate) struct SessionMetrics {
    sessions: Gauge,
    pub(crate) frames_sent: Counter,
    pub(crate) frames_received: Counter,
    pub(crate) reach: Arc<Reach>,
    /// Sessions, by why they ended.
    ended: Family<ByCause, Counter>,
    /// Sessions that this node ended, by close code.
    closed: Family<Closed, Counter>,
    /// Receipts that were believed.
    receipts: Counter,
    snapshots: Counter,
    pub(crate) snapshots_shared: Counter,
    /// Times somebody waited for their turn to be sent something large.
    pub(crate) turns_waited: Counter,
    snapshot_bytes: Gauge,
    refused: Family<Disbelieved, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Closed {
    code: CloseCode,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByCause {
    cause: Cause,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Disbelieved {
    reason: Disbelief,
}

/// One session in the gauge, until it is dropped: a session that panics is counted no longer, too.
pub(crate) struct InGauge(Gauge);

impl Drop for InGauge {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl SessionMetrics {
    /// Counts a session for as long as it is there.
    pub(crate) fn session(&self) -> InGauge {
        self.sessions.inc();
        InGauge(self.sessions.clone())
    }

    /// Counts the end of a session, or a handshake that was refused.
    pub(crate) fn end(&self, cause: Cause) {
        self.ended.get_or_create(&ByCause { cause }).inc();
    }

    /// Counts a session that this node ends.
    pub(crate) fn close(&self, code: CloseCode) {
        self.closed.get_or_create(&Closed { code }).inc();
    }

    /// Counts a snapshot that was encoded, until it is forgotten.
    pub(crate) fn encoded(&self, bytes: usize) {
        self.snapshots.inc();
        self.snapshot_bytes.inc_by(bytes as i64);
    }

    pub(crate) fn forgotten(&self, bytes: usize) {
        self.snapshot_bytes.dec_by(bytes as i64);
    }

    /// Counts what a client says that it painted, by whether it is believed.
    pub(crate) fn receipt(&self, refused: Option<Disbelief>) {
        match refused {
            None => self.receipts.inc(),
            Some(reason) => self.refused.get_or_create(&Disbelieved { reason }).inc(),
        };
    }
}

impl RoomMetrics for SessionMetrics {
    fn name(&self, r: &mut Registry) {
        r.register("sessions", "WebSocket sessions", self.sessions.clone());
        r.register("sessions_closed", "Sessions that this node ended, by code", self.closed.clone());
        // From the start, so that the first of each is seen as a change.
        for cause in Cause::ALL {
            drop(self.ended.get_or_create(&ByCause { cause }));
        }
        let text = "Sessions that ended, and handshakes refused, by cause";
        r.register("sessions_ended", text, self.ended.clone());
        r.register("frames_sent", "Frames to clients", self.frames_sent.clone());
        r.register("frames_received", "Frames from clients", self.frames_received.clone());
        let text = "Snapshots and what changed since, as they were encoded";
        r.register("snapshots_encoded", text, self.snapshots.clone());
        let text = "Snapshots that were encoded for another session";
        r.register("snapshots_shared", text, self.snapshots_shared.clone());
        let text = "Bytes of encoded snapshots on their way to clients";
        r.register("snapshot_bytes", text, self.snapshot_bytes.clone());
        let text = "Times a session waited for its turn to be sent a snapshot or a summary";
        r.register("turns_waited", text, self.turns_waited.clone());
        r.register("receipts", "Popups that clients say they painted", self.receipts.clone());
        r.register("receipts_refused", "Receipts that are not believed", self.refused.clone());
        self.reach.name(r);
    }
}

impl EncodeLabelValue for CloseCode {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        self.number().encode(encoder)
    }
}
