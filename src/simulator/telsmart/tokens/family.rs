//! One family: the tokens that came of one consent, and what became of each.

use serde::{Serialize, Serializer};
use sha2::{Digest as _, Sha256};
use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// What a token suffered is kept up to so many faults.
const MAX_SUFFERED: usize = 16;

/// The SHA-256 of a token.
pub(super) type Digest = [u8; 32];

pub(super) fn digest(token: &str) -> Digest {
    Sha256::digest(token).into()
}

/// The user who consented.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub(crate) struct Owner {
    pub(crate) tenant_id: String,
    pub(crate) extension: String,
}

/// What ended a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum End {
    /// A consumed refresh token was presented.
    Reuse,
    /// The client asked for it at `/oauth/revoke`.
    Client,
    /// The user disconnected in the portal, or the client refused the activation.
    Portal,
}

/// The tokens of one consent. It serialises without any token: they are shown as hashes.
#[derive(Serialize)]
pub(crate) struct Family {
    #[serde(flatten)]
    pub(crate) owner: Owner,
    /// The client confirmed the activation.
    pub(crate) activated: bool,
    #[serde(rename = "revoked")]
    pub(crate) end: Option<End>,
    /// The highest of its refresh tokens.
    pub(crate) generation: u64,
    /// Refreshes that were accepted.
    pub(crate) rotations: u64,
    /// Those of them that presented a consumed token within the grace.
    pub(crate) graced: u64,
    /// How often a consumed token was presented beyond the grace.
    pub(crate) reuses: u64,
    /// How often the client asked to revoke it.
    pub(crate) revocations: u64,
    #[serde(rename = "refresh_tokens")]
    pub(super) refresh: VecDeque<Refresh>,
    #[serde(skip)]
    pub(super) access: VecDeque<Access>,
}

/// A refresh token.
#[derive(Serialize)]
pub(super) struct Refresh {
    #[serde(rename = "hash", serialize_with = "short")]
    pub(super) digest: Digest,
    generation: u64,
    presented: u32,
    accepted: u32,
    #[serde(rename = "consumed", serialize_with = "whether")]
    consumed_at: Option<Instant>,
    /// A token that came of it was consumed: the grace is over.
    #[serde(skip)]
    superseded: bool,
    #[serde(skip)]
    parent: Option<Digest>,
    suffered: Vec<&'static str>,
}

pub(super) struct Access {
    pub(super) digest: Digest,
    pub(super) ends_at: Instant,
}

/// What a refresh token is worth by itself, whether or not its family has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Unused,
    InGrace,
    Spent,
}

impl Family {
    pub(super) fn new(owner: Owner) -> Self {
        Self {
            owner,
            activated: false,
            end: None,
            generation: 0,
            rotations: 0,
            graced: 0,
            reuses: 0,
            revocations: 0,
            refresh: VecDeque::new(),
            access: VecDeque::new(),
        }
    }

    /// How many of its access tokens are valid.
    pub(crate) fn access_tokens(&self, now: Instant) -> usize {
        self.access.iter().filter(|access| now < access.ends_at).count()
    }

    /// How often its refresh tokens were presented, all together.
    pub(crate) fn presented(&self) -> u64 {
        self.refresh.iter().map(|refresh| u64::from(refresh.presented)).sum()
    }

    pub(super) fn is_live(&self, access: &Digest, now: Instant) -> bool {
        self.access.iter().any(|known| known.digest == *access && now < known.ends_at)
    }

    pub(super) fn on_presented(&mut self, token: &Digest) {
        if let Some(refresh) = self.find(token) {
            refresh.presented += 1;
        }
    }

    pub(super) fn on_fault(&mut self, token: &Digest, fault: &'static str) {
        if let Some(refresh) = self.find(token).filter(|refresh| refresh.suffered.len() < MAX_SUFFERED) {
            refresh.suffered.push(fault);
        }
    }

    pub(super) fn on_accepted(&mut self, token: &Digest, standing: Standing) {
        self.rotations += 1;
        self.graced += u64::from(standing == Standing::InGrace);
        if let Some(refresh) = self.find(token) {
            refresh.accepted += 1;
        }
    }

    pub(super) fn standing(&mut self, token: &Digest, grace: Duration, now: Instant) -> Standing {
        match self.find(token) {
            Some(Refresh { consumed_at: None, .. }) => Standing::Unused,
            Some(Refresh { consumed_at: Some(at), superseded: false, .. })
                if now.duration_since(*at) < grace =>
            {
                Standing::InGrace
            }
            Some(_) | None => Standing::Spent,
        }
    }

    /// The first time counts: the grace does not begin again. Its parent's ends.
    pub(super) fn consume(&mut self, token: &Digest, now: Instant) {
        let Some(refresh) = self.find(token) else { return };
        refresh.consumed_at.get_or_insert(now);
        if let Some(parent) = refresh.parent
            && let Some(parent) = self.find(&parent)
        {
            parent.superseded = true;
        }
    }

    pub(super) fn add_refresh(&mut self, token: Digest, parent: Option<Digest>) {
        let before = parent.and_then(|parent| Some(self.find(&parent)?.generation));
        let generation = before.unwrap_or(self.generation) + 1;
        self.generation = self.generation.max(generation);
        self.refresh.push_back(Refresh {
            digest: token,
            generation,
            presented: 0,
            accepted: 0,
            consumed_at: None,
            superseded: false,
            parent,
            suffered: Vec::new(),
        });
    }

    pub(super) fn add_access(&mut self, token: Digest, ends_at: Instant) {
        self.access.push_back(Access { digest: token, ends_at });
    }

    /// The latest first: that is the one that is asked for.
    fn find(&mut self, token: &Digest) -> Option<&mut Refresh> {
        self.refresh.iter_mut().rev().find(|refresh| refresh.digest == *token)
    }
}

/// Enough to tell tokens apart: the first eight bytes, in hex.
fn short<S: Serializer>(digest: &Digest, serializer: S) -> Result<S::Ok, S::Error> {
    let hex: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    serializer.serialize_str(&hex)
}

fn whether<S: Serializer>(instant: &Option<Instant>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bool(instant.is_some())
}
