//! One user's consent at one source's provider, and where its tokens stand. This is what a store keeps, as
//! JSON; the tokens in it are sealed. How it changes is in [`super::machine`].

use super::vault::Sealed;
use crate::{
    clock::Micros,
    id::{Extension, SourceName, TenantId},
    protocol::IntegrationStatus,
};
use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

/// Whose integration it is, and where: an extension is unique within its tenant only, and its user
/// may consent at more than one source.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Key {
    pub(crate) source: SourceName,
    pub(crate) tenant: TenantId,
    pub(crate) extension: Extension,
}

/// An integration, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Integration {
    pub(crate) key: Key,
    /// Grows with each activation.
    pub(crate) consent: u64,
    /// Which refresh token of the consent it has; grows with each that comes.
    pub(crate) generation: u64,
    pub(crate) state: State,
    /// When `state` began to mean what it means to others.
    pub(crate) since: Micros,
    pub(crate) tokens: Option<Tokens>,
    /// Consents that users were sent to the portal for.
    pub(crate) asked: Vec<Asked>,
    /// The callback that activated it last.
    pub(crate) activated_by: Option<Callback>,
    /// When this generation's refresh token may have been sent, and by which attempts.
    pub(crate) sent: Vec<Sent>,
    /// It comes from a backup: newer generations may have been there.
    pub(crate) is_restored: bool,
    /// The attempt whose answer made this generation.
    pub(crate) made_by: Option<Uuid>,
    /// Attempts in a row that certainly consumed nothing.
    pub(crate) failures: u32,
    /// No attempt before this.
    pub(crate) retry_at: Micros,
}

/// Where an integration stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case")]
pub(crate) enum State {
    /// The user was sent to the portal; there was never a token.
    Pending,
    Active,
    /// Somebody refreshes. A claim has no end: it is settled, never forgotten.
    InFlight(Claim),
    /// The refresh token may be consumed, and the answer lost.
    Ambiguous,
    /// The one try that tells.
    Probing(Claim),
    /// From a backup, so the refresh token may be consumed.
    Suspect,
    ReauthRequired {
        cause: Cause,
    },
    /// Of no use any more, and to be revoked at the provider.
    Deactivating,
    Deactivated,
}

/// The right to send this generation's refresh token.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Claim {
    pub(crate) attempt: Uuid,
    /// The process that has it.
    pub(crate) owner: Uuid,
    /// Until then others leave it alone. A lease, for efficiency: nothing is sent since it ended.
    pub(crate) until: Micros,
    /// The token may have left the process.
    pub(crate) is_armed: bool,
}

/// What the provider issued.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Tokens {
    pub(crate) refresh: Sealed,
    pub(crate) access: Sealed,
    pub(crate) issued_at: Micros,
    pub(crate) expires_at: Micros,
}

/// A consent that is under way.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Asked {
    /// SHA-256 of the confirmation key, in hex.
    pub(crate) key_hash: String,
    /// The user who began it.
    pub(crate) sub: String,
    pub(crate) expires_at: Micros,
}

/// A callback, so that it is known when it comes again.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Callback {
    pub(crate) key_hash: String,
    /// SHA-256 of the tokens in it, in hex.
    pub(crate) tokens_hash: String,
}

/// Once that a refresh token may have been sent.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Sent {
    pub(crate) attempt: Uuid,
    pub(crate) at: Micros,
    /// When its claim ends: until then it may be on its way.
    pub(crate) until: Micros,
    pub(crate) is_probe: bool,
}

/// Why a user has to connect again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Cause {
    /// The provider refused a refresh token that was never sent before.
    Rejected,
    /// An answer was lost, and the provider does not give it again.
    ResponseLost,
    /// The refresh token came from a backup, and was not the newest.
    Restored,
}

impl Integration {
    /// One that nobody has asked for yet.
    pub(crate) fn new(key: Key, now: Micros) -> Self {
        Self {
            key,
            consent: 0,
            generation: 0,
            state: State::Pending,
            since: now,
            tokens: None,
            asked: Vec::new(),
            activated_by: None,
            sent: Vec::new(),
            is_restored: false,
            made_by: None,
            failures: 0,
            retry_at: 0,
        }
    }

    pub(crate) fn status(&self) -> IntegrationStatus {
        match &self.state {
            State::Pending => IntegrationStatus::Pending,
            State::Active => IntegrationStatus::Active,
            // Not the first to send this generation.
            State::InFlight(claim) if self.sent.len() > usize::from(claim.is_armed) => {
                IntegrationStatus::Ambiguous
            }
            State::InFlight(_) => IntegrationStatus::Refreshing,
            State::Ambiguous | State::Probing(_) | State::Suspect => IntegrationStatus::Ambiguous,
            State::ReauthRequired { .. } => IntegrationStatus::ReauthRequired,
            State::Deactivating | State::Deactivated => IntegrationStatus::Deactivated,
        }
    }

    /// The status, where a refresh that goes well is none of its own.
    pub(crate) fn meaning(&self) -> IntegrationStatus {
        match self.status() {
            IntegrationStatus::Refreshing => IntegrationStatus::Active,
            other => other,
        }
    }

    /// Why the user has to connect again, if so.
    pub(crate) fn cause(&self) -> Option<Cause> {
        match self.state {
            State::ReauthRequired { cause } => Some(cause),
            _ => None,
        }
    }

    /// Whether the user's consent stands, and its calls are to be delivered.
    pub(crate) fn is_live(&self) -> bool {
        matches!(
            self.status(),
            IntegrationStatus::Active | IntegrationStatus::Refreshing | IntegrationStatus::Ambiguous
        )
    }

    /// The access token that may be given away, while it is valid.
    pub(crate) fn vendible(&self, now: Micros) -> Option<&Tokens> {
        self.tokens.as_ref().filter(|tokens| self.is_live() && now < tokens.expires_at)
    }

    /// When the access token ends that is given away, in seconds since 1970.
    pub(crate) fn access_ends_at(&self) -> Option<u64> {
        let live = self.tokens.as_ref().filter(|_| self.is_live());
        live.map(|tokens| tokens.expires_at / 1_000_000)
    }

    /// Whether its access token may end before there is another: what should have been refreshed
    /// by now is not, or only a probe can tell.
    pub(crate) fn is_at_risk(&self, now: Micros) -> bool {
        let Some(tokens) = self.tokens.as_ref().filter(|_| self.is_live()) else { return false };
        let life = tokens.expires_at.saturating_sub(tokens.issued_at);
        let is_overdue = now > tokens.expires_at.saturating_sub(life / 10);
        is_overdue || self.status() == IntegrationStatus::Ambiguous
    }

    /// The claim that is held on it.
    pub(crate) fn claim(&self) -> Option<&Claim> {
        match &self.state {
            State::InFlight(claim) | State::Probing(claim) => Some(claim),
            _ => None,
        }
    }
}

// As an operator reads it.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.source, self.tenant, self.extension)
    }
}

impl Cause {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Rejected => "rejected",
            Self::ResponseLost => "response_lost",
            Self::Restored => "restored",
        }
    }
}
