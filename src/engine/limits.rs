//! How long and how much of each kind of item an engine holds.

use super::View;
use crate::{config::Config, feed::Stream, id::Kind};
use std::time::Duration;

/// Of all kinds.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    kinds: [KindLimits; Kind::ALL.len()],
    /// A live item that nothing is heard of for so long is ended.
    pub(crate) expire_after: Duration,
}

/// Of one kind.
#[derive(Clone, Copy)]
pub(crate) struct KindLimits {
    /// How long an item that is not live stays after its last change.
    pub(crate) keep: Duration,
    /// How many of those a snapshot holds.
    pub(crate) recent_per_user: usize,
    pub(crate) recent_per_tenant: usize,
    /// How many can be read page by page, the latest first; none where nobody wants to.
    pub(crate) paged: Option<usize>,
}

/// Ten days of 100,000 calls. Beyond it the oldest are in no figure.
const MOST_PAGED: usize = 1_000_000;

impl Limits {
    /// As they are configured.
    pub(crate) fn new(Config { calls, notices, board, .. }: &Config) -> Self {
        let of_calls = KindLimits {
            keep: calls.keep_ended,
            recent_per_user: calls.recent_per_user,
            recent_per_tenant: calls.recent_per_tenant,
            paged: board.enabled.then_some(MOST_PAGED),
        };
        let of_notices = KindLimits {
            keep: notices.keep,
            recent_per_user: notices.recent_per_user,
            recent_per_tenant: calls.recent_per_tenant,
            paged: None,
        };
        Self { kinds: [of_calls, of_notices], expire_after: calls.expire_after }
    }

    /// Those of one kind.
    pub(crate) fn of(&self, kind: Kind) -> &KindLimits {
        &self.kinds[kind.number()]
    }

    /// How many items of a kind beside the live ones a snapshot of the stream holds.
    pub(crate) fn recent(&self, stream: &Stream, kind: Kind) -> usize {
        match stream {
            Stream::User { extensions, .. } => self.of(kind).recent_per_user * extensions.len(),
            Stream::Tenant { .. } => self.of(kind).recent_per_tenant,
        }
    }

    /// Whether a view holds no more than a snapshot would.
    pub(crate) fn allow(&self, stream: &Stream, view: &View) -> bool {
        let ended = view.calls.iter().filter(|call| !call.is_live()).count();
        ended <= self.recent(stream, Kind::Call) && view.notices.len() <= self.recent(stream, Kind::Notice)
    }

    /// How long the kind stays that stays the longest.
    pub(crate) fn longest(&self) -> Duration {
        self.kinds.iter().map(|kind| kind.keep).max().unwrap_or_default()
    }
}
