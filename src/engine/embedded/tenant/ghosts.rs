//! The versions of items that were forgotten.

use super::is_past;
use crate::{
    clock::Micros,
    id::{Extension, ItemKey, ItemName, Kind},
};
use std::{collections::HashMap, mem, time::Duration};

/// The versions of forgotten items, by the hash of their key: a client may still hold one, and
/// within an epoch its version must not go down if it comes back. Held for as long as items are kept at least,
/// and twice that at most.
#[derive(Default)]
pub(super) struct Ghosts {
    young: HashMap<u64, u32>,
    old: HashMap<u64, u32>,
    turned_at: Micros,
}

impl Ghosts {
    pub(super) fn is_empty(&self) -> bool {
        self.young.is_empty() && self.old.is_empty()
    }

    pub(super) fn add(&mut self, extension: &Extension, kind: Kind, name: &ItemName, version: u32) {
        self.young.insert(ghost(extension, kind, name), version);
    }

    pub(super) fn version(&self, ItemKey { extension, kind, name, .. }: &ItemKey) -> u32 {
        if self.is_empty() {
            return 0;
        }
        let ghost = ghost(extension, *kind, name);
        self.young.get(&ghost).or_else(|| self.old.get(&ghost)).copied().unwrap_or_default()
    }

    pub(super) fn turn(&mut self, now: Micros, age: Duration) {
        if is_past(self.turned_at, age, now) {
            self.old = mem::take(&mut self.young);
            self.turned_at = now;
        }
    }
}

fn ghost(extension: &Extension, kind: Kind, name: &ItemName) -> u64 {
    let kind = kind.number().to_string();
    let key = [extension.as_str(), name.source.as_str(), &kind, name.id.as_str()].join("\n");
    xxhash_rust::xxh3::xxh3_64(key.as_bytes())
}
