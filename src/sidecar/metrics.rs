//! What the sidecar counts.

use super::integration::Integration;
use crate::{
    clock::Micros,
    metrics::{RoomMetrics, labels},
    protocol::IntegrationStatus,
};
use prometheus_client::{
    encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder},
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};
use std::{
    fmt::{self, Write},
    sync::Arc,
};

/// The sidecar's metrics.
#[derive(Default)]
pub(crate) struct SidecarMetrics {
    pub(crate) integrations: Family<Stands, Gauge>,
    /// Alert on it: users who will have to connect again, or have no access token, if nobody acts.
    pub(crate) at_risk: Gauge,
    pub(crate) refreshes: Family<ByOutcome, Counter>,
    pub(crate) vended: Family<ByStatus, Counter>,
    pub(crate) callbacks: Family<ByReply, Counter>,
    pub(crate) replayed: Counter,
    /// Answers that could not be read, and are kept.
    pub(crate) escrowed: Counter,
    pub(crate) journal_errors: Counter,
    pub(crate) journal_damaged: Gauge,
    pub(crate) audit_errors: Counter,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Stands {
    pub(crate) status: IntegrationStatus,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct ByOutcome {
    pub(crate) outcome: Refresh,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct ByStatus {
    pub(crate) status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct ByReply {
    pub(crate) kind: &'static str,
    pub(crate) status: u16,
}

/// How an attempt went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Refresh {
    Done,
    NotSent,
    Refused,
    Ambiguous,
    /// The user has to connect again.
    Ended,
    /// Tokens that came too late were revoked.
    Stray,
    StoreFailed,
    /// The key ring does not open the token.
    SealedShut,
}

impl SidecarMetrics {
    pub(crate) fn count(&self, outcome: Refresh) {
        self.refreshes.get_or_create(&ByOutcome { outcome }).inc();
    }

    /// Counts how all integrations stand.
    pub(crate) fn measure(&self, all: &[Arc<Integration>], now: Micros) {
        for status in IntegrationStatus::ALL {
            let count = all.iter().filter(|it| it.status() == status).count();
            self.integrations.get_or_create(&Stands { status }).set(count as i64);
        }
        self.at_risk.set(all.iter().filter(|it| it.is_at_risk(now)).count() as i64);
    }
}

impl RoomMetrics for SidecarMetrics {
    fn name(&self, r: &mut Registry) {
        r.register("integrations", "Users' integrations, by status", self.integrations.clone());
        let text = "Integrations that may not be refreshed before their access token ends";
        r.register("integrations_at_risk", text, self.at_risk.clone());
        r.register("token_refreshes", "Attempts to refresh, by outcome", self.refreshes.clone());
        r.register("access_tokens_vended", "Requests for access tokens, by status", self.vended.clone());
        r.register("activation_callbacks", "Callbacks of the provider, by status", self.callbacks.clone());
        r.register("token_answers_replayed", "Kept answers that were read at start", self.replayed.clone());
        r.register("token_answers_unreadable", "Answers that are kept unread", self.escrowed.clone());
        r.register("token_journal_errors", "Answers that could not be kept", self.journal_errors.clone());
        let text = "Files of the journal that are no answers";
        r.register("token_journal_damaged", text, self.journal_damaged.clone());
        r.register("audit_errors", "Events that are not in the audit log", self.audit_errors.clone());
    }
}

impl EncodeLabelValue for IntegrationStatus {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        encoder.write_str(self.as_str())
    }
}

labels!(Refresh {
    Done: "done",
    NotSent: "not_sent",
    Refused: "refused",
    Ambiguous: "ambiguous",
    Ended: "reauth_required",
    Stray: "stray",
    StoreFailed: "store_failed",
    SealedShut: "sealed_shut",
});
