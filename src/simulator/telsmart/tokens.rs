//! The rules of the token server, without HTTP, clock or chance: single-use refresh tokens that
//! rotate, short-lived access tokens, and families that are revoked whole.
//!
//! Presenting a consumed refresh token revokes its family, unless it is within the grace. Within
//! it, as Auth0's leeway, it answers a further pair, and only while no token that came of it has
//! been consumed. Tokens are kept as hashes; everything is forgotten with the process.

mod family;

pub(crate) use family::{End, Family, Owner};

use family::{Digest, Standing, digest};
use std::{
    collections::{BTreeMap, HashMap},
    time::{Duration, Instant},
};

/// What the server gives out: unguessable, and never the same twice.
#[derive(Clone)]
pub(crate) struct Pair {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

/// How long tokens are good for, and how many are remembered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Policy {
    pub(crate) access_life: Duration,
    /// How long a consumed refresh token is accepted again.
    pub(crate) reuse_grace: Duration,
    pub(crate) max_families: usize,
    /// Of either kind. The oldest is forgotten; presented then, it is unknown.
    pub(crate) max_tokens: usize,
}

/// What a refresh gives beside the access token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rotation {
    /// A new refresh token; the old one is consumed.
    Rotate,
    /// None; the old one stays valid, as RFC 6749, section 6 allows.
    Keep,
}

/// Why a refresh token was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Unknown,
    /// Its family had ended before.
    Ended,
    /// It was consumed, and its family ends because of it.
    Reused,
}

/// There is no room for another family.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Full;

/// All families and their tokens.
pub(crate) struct Tokens {
    policy: Policy,
    families: BTreeMap<u64, Family>,
    /// The family that a refresh, or an access, token is of.
    refresh: HashMap<Digest, u64>,
    access: HashMap<Digest, u64>,
    latest: u64,
    unknown: u64,
}

impl Tokens {
    pub(crate) fn new(policy: Policy) -> Self {
        let (families, refresh, access) = (BTreeMap::new(), HashMap::new(), HashMap::new());
        Self { policy, families, refresh, access, latest: 0, unknown: 0 }
    }

    /// Begins a family with a consent; gives its number. Where there is no room, the oldest that
    /// has ended makes it.
    pub(crate) fn grant(&mut self, owner: Owner, pair: &Pair, now: Instant) -> Result<u64, Full> {
        if self.families.len() >= self.policy.max_families {
            let ended = self.families.iter().find(|(_, family)| family.end.is_some());
            let oldest = ended.map(|(&number, _)| number).ok_or(Full)?;
            self.forget(oldest);
        }
        self.latest += 1;
        self.families.insert(self.latest, Family::new(owner));
        self.issue_refresh(self.latest, &pair.refresh, None);
        self.issue_access(self.latest, &pair.access, now);
        Ok(self.latest)
    }

    /// Counts that a refresh token has arrived, whatever becomes of it.
    pub(crate) fn on_presented(&mut self, token: &str) {
        let token = digest(token);
        match self.refresh.get(&token).and_then(|number| self.families.get_mut(number)) {
            Some(family) => family.on_presented(&token),
            None => self.unknown += 1,
        }
    }

    /// Notes what a refresh token suffers on its way.
    pub(crate) fn on_fault(&mut self, token: &str, fault: &'static str) {
        let token = digest(token);
        if let Some(family) = self.refresh.get(&token).and_then(|number| self.families.get_mut(number)) {
            family.on_fault(&token, fault);
        }
    }

    /// Exchanges a refresh token for `pair`, of which `Rotation::Keep` gives the access token only.
    pub(crate) fn refresh(
        &mut self,
        token: &str,
        rotation: Rotation,
        pair: &Pair,
        now: Instant,
    ) -> Result<(), Refused> {
        let token = digest(token);
        let number = *self.refresh.get(&token).ok_or(Refused::Unknown)?;
        let family = self.families.get_mut(&number).ok_or(Refused::Unknown)?;
        let standing = family.standing(&token, self.policy.reuse_grace, now);
        match standing {
            Standing::Spent => {
                family.reuses += 1;
                let ended = family.end.is_some();
                self.end(number, End::Reuse);
                return Err(if ended { Refused::Ended } else { Refused::Reused });
            }
            _ if family.end.is_some() => return Err(Refused::Ended),
            Standing::Unused | Standing::InGrace => {}
        }
        family.on_accepted(&token, standing);
        if rotation == Rotation::Rotate {
            family.consume(&token, now);
            self.issue_refresh(number, &pair.refresh, Some(token));
        }
        self.issue_access(number, &pair.access, now);
        Ok(())
    }

    /// Ends the family of a token of either kind, as RFC 7009; an unknown token is no error.
    pub(crate) fn revoke(&mut self, token: &str) {
        let token = digest(token);
        if let Some(&number) = self.refresh.get(&token).or_else(|| self.access.get(&token)) {
            if let Some(family) = self.families.get_mut(&number) {
                family.revocations += 1;
            }
            self.end(number, End::Client);
        }
    }

    /// Ends all families of a user; says how many had not ended before.
    pub(crate) fn end_all(&mut self, owner: &Owner, end: End) -> usize {
        let live = self.families.iter().filter(|(_, family)| family.end.is_none() && family.owner == *owner);
        let live: Vec<u64> = live.map(|(&number, _)| number).collect();
        live.iter().for_each(|&number| self.end(number, end));
        live.len()
    }

    /// Ends one family; what ended it first stays.
    pub(crate) fn end(&mut self, number: u64, end: End) {
        let Some(family) = self.families.get_mut(&number) else { return };
        family.end.get_or_insert(end);
        for access in family.access.drain(..) {
            self.access.remove(&access.digest);
        }
    }

    /// The client has confirmed the activation that began this family.
    pub(crate) fn on_activated(&mut self, number: u64) {
        if let Some(family) = self.families.get_mut(&number) {
            family.activated = true;
        }
    }

    /// Whose access token this is, while it is valid.
    pub(crate) fn owner_of(&self, access: &str, now: Instant) -> Option<&Owner> {
        let token = digest(access);
        let family = self.families.get(self.access.get(&token)?)?;
        family.is_live(&token, now).then_some(&family.owner)
    }

    /// The families by number, oldest first.
    pub(crate) fn families(&self) -> impl Iterator<Item = (u64, &Family)> {
        self.families.iter().map(|(&number, family)| (number, family))
    }

    /// How often a refresh token was presented that nobody knows, or knows any more.
    pub(crate) fn unknown(&self) -> u64 {
        self.unknown
    }

    fn issue_refresh(&mut self, number: u64, token: &str, parent: Option<Digest>) {
        let Some(family) = self.families.get_mut(&number) else { return };
        if family.refresh.len() >= self.policy.max_tokens
            && let Some(oldest) = family.refresh.pop_front()
        {
            self.refresh.remove(&oldest.digest);
        }
        let token = digest(token);
        family.add_refresh(token, parent);
        self.refresh.insert(token, number);
    }

    fn issue_access(&mut self, number: u64, token: &str, now: Instant) {
        let Some(family) = self.families.get_mut(&number) else { return };
        // All live equally long, so the front is the next to expire.
        while family.access.front().is_some_and(|access| access.ends_at <= now)
            || family.access.len() >= self.policy.max_tokens
        {
            let Some(oldest) = family.access.pop_front() else { break };
            self.access.remove(&oldest.digest);
        }
        let token = digest(token);
        family.add_access(token, now + self.policy.access_life);
        self.access.insert(token, number);
    }

    fn forget(&mut self, number: u64) {
        let Some(family) = self.families.remove(&number) else { return };
        for refresh in family.refresh {
            self.refresh.remove(&refresh.digest);
        }
        for access in family.access {
            self.access.remove(&access.digest);
        }
    }
}

#[cfg(test)]
mod tests;
