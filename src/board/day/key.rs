//! Of which legs and callers a closed day is: hashes with a salt of that day. It is needed as long as legs of the day may
//! change; without it nobody can tell who called, however many numbers they try.

use super::super::{LegFact, LegKey, packed::Pack};
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use xxhash_rust::xxh3::Xxh3;

/// So many random bytes.
const SALT: usize = 16;

/// So many bits of a leg's hash are left out: the others take five bytes, in their order.
const LEFT_OUT: u32 = 16;

/// The key of one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DayKey {
    salt: [u8; SALT],
    legs: BTreeSet<u64>,
    /// The callers by their hash: each has the number that it was given as it came.
    callers: BTreeMap<u64, u32>,
}

impl DayKey {
    /// Of nothing yet; the salt is random.
    pub(crate) fn new(salt: [u8; SALT]) -> Self {
        Self { salt, legs: BTreeSet::new(), callers: BTreeMap::new() }
    }

    /// Of nothing yet, with the salt of this.
    pub(super) fn anew(&self) -> Self {
        Self::new(self.salt)
    }

    pub(super) fn learn(&mut self, leg: &LegKey) {
        self.legs.insert(self.hash(leg));
    }

    pub(super) fn knows(&self, leg: &LegKey) -> bool {
        self.legs.contains(&self.hash(leg))
    }

    /// Whether each leg that it knows is among these.
    pub(super) fn is_within(&self, legs: impl Iterator<Item = Arc<LegFact>>) -> bool {
        let mut missing = self.legs.len();
        let mut seen = BTreeSet::new();
        for leg in legs {
            if missing == 0 {
                return true;
            }
            let hash = self.hash(&leg.key);
            missing -= usize::from(self.legs.contains(&hash) && seen.insert(hash));
        }
        missing == 0
    }

    /// Puts numbers of callers in the place of theirs.
    pub(super) fn disguise(&mut self, callers: &mut BTreeMap<Arc<str>, u32>) {
        let open = std::mem::take(callers);
        *callers = open.into_iter().map(|(number, times)| (self.caller(&number), times)).collect();
    }

    fn caller(&mut self, number: &str) -> Arc<str> {
        let digest = Sha256::new_with_prefix(self.salt).chain_update(number).finalize();
        let hash = digest.iter().take(8).fold(0, |hash, byte| hash << 8 | u64::from(*byte));
        let next = self.callers.len() as u32;
        self.callers.entry(hash).or_insert(next).to_string().into()
    }

    /// An id says nothing of anybody, so this is as fast as it can be. Of a leg that is not among 200,000 it says that it
    /// is once in a thousand million times.
    fn hash(&self, leg: &LegKey) -> u64 {
        let mut hash = Xxh3::new();
        for part in [self.salt.as_slice(), leg.extension.as_str().as_bytes(), leg.source.as_str().as_bytes()]
        {
            hash.update(part);
            hash.update(&[0]);
        }
        hash.update(leg.id.as_str().as_bytes());
        hash.digest() >> LEFT_OUT
    }
}

impl Pack for DayKey {
    fn pack(&self, to: &mut Vec<u8>) {
        to.extend(self.salt);
        (self.legs.len() as u64).pack(to);
        let mut before = 0;
        for leg in &self.legs {
            (leg - before).pack(to);
            before = *leg;
        }
        self.callers.pack(to);
    }

    fn unpack(from: &mut &[u8]) -> Option<Self> {
        let (salt, rest) = from.split_first_chunk()?;
        *from = rest;
        let mut key = Self::new(*salt);
        let mut before = 0_u64;
        for _ in 0..u64::unpack(from)? {
            before = before.checked_add(u64::unpack(from)?)?;
            key.legs.insert(before);
        }
        key.callers = Pack::unpack(from)?;
        Some(key)
    }
}
