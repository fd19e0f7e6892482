//! What is to be done about an integration, and when: as pure as the machine.

use crate::{
    clock::{self, Micros},
    sidecar::integration::{Integration, Key, State, Tokens},
};
use std::time::Duration;

/// How often one refresh token is sent within the provider's grace.
pub(super) const MOST_SENT: usize = 8;

/// What is to be done about an integration, and from when on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    Never,
    /// Claim and refresh.
    Refresh(Micros),
    /// The same refresh token once more, while the provider accepts that.
    Again(Micros),
    /// The same refresh token once more, since otherwise all is lost anyway.
    Probe(Micros),
    /// Settle a claim that nobody holds any more.
    Settle(Micros),
    /// Revoke the tokens at the provider.
    Revoke(Micros),
}

impl Due {
    /// When, if ever.
    pub(crate) fn at(self) -> Option<Micros> {
        match self {
            Self::Never => None,
            Self::Refresh(at) | Self::Again(at) | Self::Probe(at) | Self::Settle(at) | Self::Revoke(at) => {
                Some(at)
            }
        }
    }
}

/// What the provider does.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Policy {
    /// How long the provider accepts a consumed refresh token again.
    pub(crate) reuse_grace: Duration,
}

impl Integration {
    /// What is to be done next, and when.
    pub(crate) fn due(&self, now: Micros, policy: Policy) -> Due {
        let Some(tokens) = &self.tokens else { return Due::Never };
        let not_before = |at: Micros| at.max(self.retry_at);
        match &self.state {
            State::Active => Due::Refresh(not_before(self.refresh_at(tokens))),
            State::Ambiguous if self.may_send_again(not_before(now), policy) => Due::Again(self.retry_at),
            State::Ambiguous | State::Suspect => Due::Probe(not_before(self.probe_at(tokens))),
            State::InFlight(claim) | State::Probing(claim) => Due::Settle(claim.until),
            State::Deactivating => Due::Revoke(self.retry_at),
            State::Pending | State::ReauthRequired { .. } | State::Deactivated => Due::Never,
        }
    }

    /// At 60 to 80 % of the access token's life, and not the same for all.
    fn refresh_at(&self, tokens: &Tokens) -> Micros {
        let life = tokens.expires_at.saturating_sub(tokens.issued_at);
        tokens.issued_at + life / 1000 * (600 + self.jitter() % 200)
    }

    /// In the last tenth of the access token's life, but with a minute at most; and never while
    /// what was sent before may still be on its way, which would be taken for the second.
    pub(super) fn probe_at(&self, tokens: &Tokens) -> Micros {
        let life = tokens.expires_at.saturating_sub(tokens.issued_at);
        let near_end = tokens.expires_at.saturating_sub((life / 10).min(60_000_000));
        self.sent.iter().map(|sent| sent.until).fold(near_end, Micros::max)
    }

    /// A number of this generation.
    fn jitter(&self) -> u64 {
        let Key { source, tenant, extension } = &self.key;
        let name = (source.as_str(), tenant.as_str(), extension.as_str(), self.consent, self.generation);
        xxhash_rust::xxh3::xxh3_64(format!("{name:?}").as_bytes())
    }

    /// Whether the provider takes the refresh token once more, though it may be consumed.
    fn may_send_again(&self, now: Micros, policy: Policy) -> bool {
        now < self.grace_ends(policy) && self.sent.len() < MOST_SENT && !self.is_restored
    }

    /// When the provider stops to take this generation's token again, at the earliest.
    pub(super) fn grace_ends(&self, policy: Policy) -> Micros {
        let grace = clock::micros(policy.reuse_grace);
        self.sent.first().map_or(0, |first| first.at.saturating_add(grace))
    }
}
