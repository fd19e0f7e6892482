//! What a display is: a screen, such as a television, that shows a tenant's wallboard. It is no user, so it has no token:
//! it shows a secret of its own, which a supervisor let it have, until that is revoked or was not used for long.
//!
//! Pure: what is stored, and how it is paired; where that is kept is the engine's to know. No secret is in any of it that
//! is stored, only what recognises one.

mod pairing;
mod wish;

pub(crate) use pairing::{CODE_LIFE, Code, Pairing, Poll, Proof, SECRET_LIFE, Secret};
pub(crate) use wish::{BadWish, Wish};

use crate::clock::{Micros, micros};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use uuid::Uuid;

/// The most displays of a tenant.
pub(crate) const MOST_OF_TENANT: usize = 200;

/// One display, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Display {
    pub(crate) id: Uuid,
    /// What supervisors call it.
    pub(crate) name: Option<String>,
    /// Which groups of the directory it shows; none: all of the tenant.
    pub(crate) groups: Vec<String>,
    pub(crate) language: Language,
    pub(crate) paired_at: Micros,
    /// When its secret was last shown, about to the hour.
    pub(crate) last_seen_at: Option<Micros>,
    pub(crate) proof: Proof,
}

/// In which language a display speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Language {
    #[default]
    En,
    Nl,
    Fr,
}

impl Display {
    /// The one whose secret has that proof, as a supervisor wishes it.
    pub(crate) fn new(proof: Proof, wish: Wish, now: Micros) -> Self {
        let Wish { name, groups, language } = wish;
        Self { id: proof.display(), name, groups, language, paired_at: now, last_seen_at: None, proof }
    }

    /// Whether it was last used so long before `now` that it is gone.
    pub(crate) fn is_unused(&self, now: Micros, unused: Duration) -> bool {
        now.saturating_sub(self.used_at()) >= micros(unused)
    }

    /// When it was last used, or paired.
    pub(crate) fn used_at(&self) -> Micros {
        self.last_seen_at.unwrap_or_default().max(self.paired_at)
    }
}

impl Language {
    /// That of its two letters.
    pub(crate) fn of(letters: &str) -> Option<Self> {
        match letters {
            "en" => Some(Self::En),
            "nl" => Some(Self::Nl),
            "fr" => Some(Self::Fr),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
