//! What the sidecar counts.

use super::{audit::AuditError, integration::Integration};
use crate::{
    clock::Micros,
    id::SourceName,
    metrics::{RoomMetrics, labels},
    protocol::IntegrationStatus,
};
use prometheus_client::{
    encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder},
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};
use std::{
    collections::BTreeSet,
    fmt::{self, Write},
    sync::Arc,
};

/// The sidecar's metrics.
#[derive(Default)]
pub(crate) struct SidecarMetrics {
    pub(crate) integrations: Family<Stands, Gauge>,
    /// Alert on it: users who will have to connect again, or have no access token, if nobody acts.
    pub(crate) at_risk: Family<BySource, Gauge>,
    pub(crate) refreshes: Family<ByOutcome, Counter>,
    pub(crate) vended: Family<ByStatus, Counter>,
    pub(crate) callbacks: Family<ByReply, Counter>,
    replayed: Family<BySource, Counter>,
    /// Answers that could not be read, and are kept.
    escrowed: Family<BySource, Counter>,
    pub(crate) journal_errors: Counter,
    pub(crate) journal_damaged: Gauge,
    pub(crate) audit_errors: Counter,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct BySource {
    pub(crate) source: SourceName,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Stands {
    pub(crate) source: SourceName,
    pub(crate) status: IntegrationStatus,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct ByOutcome {
    pub(crate) source: SourceName,
    pub(crate) outcome: Refresh,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct ByStatus {
    pub(crate) source: SourceName,
    pub(crate) status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct ByReply {
    pub(crate) source: SourceName,
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
    /// An event is not in the audit log.
    pub(crate) fn on_audit_loss(&self, error: &AuditError) {
        self.audit_errors.inc();
        tracing::error!(%error, "an event is missing in the audit log");
    }

    /// Shows what has not happened yet, so that the first time is seen as an increase.
    pub(crate) fn begin<'a>(&self, sources: impl Iterator<Item = &'a SourceName>) {
        for source in sources {
            for counter in [&self.replayed, &self.escrowed] {
                drop(counter.get_or_create(&BySource { source: source.clone() }));
            }
        }
    }

    pub(crate) fn count(&self, source: &SourceName, outcome: Refresh) {
        self.refreshes.get_or_create(&ByOutcome { source: source.clone(), outcome }).inc();
    }

    pub(crate) fn count_replayed(&self, source: &SourceName) {
        self.replayed.get_or_create(&BySource { source: source.clone() }).inc();
    }

    pub(crate) fn count_unreadable(&self, source: &SourceName) {
        self.escrowed.get_or_create(&BySource { source: source.clone() }).inc();
    }

    /// Counts how all integrations of these sources stand, and of every other that has any.
    pub(crate) fn measure<'a>(
        &self,
        sources: impl Iterator<Item = &'a SourceName>,
        all: &'a [Arc<Integration>],
        now: Micros,
    ) {
        let found = all.iter().map(|it| &it.key.source);
        for source in sources.chain(found).collect::<BTreeSet<_>>() {
            let own = || all.iter().filter(|it| it.key.source == *source);
            for status in IntegrationStatus::ALL {
                let count = own().filter(|it| it.status() == status).count();
                self.integrations.get_or_create(&Stands { source: source.clone(), status }).set(count as i64);
            }
            let at_risk = own().filter(|it| it.is_at_risk(now)).count();
            self.at_risk.get_or_create(&BySource { source: source.clone() }).set(at_risk as i64);
        }
    }
}

impl RoomMetrics for SidecarMetrics {
    fn name(&self, r: &mut Registry) {
        r.register("integrations", "Users' integrations, by source and status", self.integrations.clone());
        let text = "Integrations that may not be refreshed before their access token ends";
        r.register("integrations_at_risk", text, self.at_risk.clone());
        r.register("token_refreshes", "Attempts to refresh, by source and outcome", self.refreshes.clone());
        r.register(
            "access_tokens_vended",
            "Requests for access tokens, by source and status",
            self.vended.clone(),
        );
        r.register(
            "activation_callbacks",
            "Callbacks of the providers, by source and status",
            self.callbacks.clone(),
        );
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
