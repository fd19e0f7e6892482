//! A tenant's calls page by page, those that changed last first.

use super::{Tenant, latest_first, shelf::Kept};
use crate::{
    clock::Micros,
    engine::embedded::series::Place,
    id::{ItemKey, Kind, TenantId},
    item::ItemSet,
};
use std::ops::Range;

/// A page, as far as it is in memory.
#[derive(Default)]
pub(crate) struct Paged {
    pub(crate) warm: Vec<(ItemKey, ItemSet)>,
    /// These are to be read there.
    pub(crate) settled: Vec<(ItemKey, Place)>,
    /// Below which number the next page begins; none where this is the last.
    pub(crate) next: Option<u64>,
    /// When the first of them changed last.
    pub(crate) since: Micros,
}

impl Tenant {
    /// The calls whose last change has a number between two, so many at most.
    pub(crate) fn page(&self, id: &TenantId, between: Range<u64>, most: usize) -> Paged {
        // A look at what changed since the last one is about few of many users.
        let users = self.users.iter().filter_map(|(extension, shelves)| {
            let mut calls = shelves[Kind::Call.number()].before(between.end).peekable();
            calls.peek().is_some_and(|(seq, _)| *seq >= between.start).then_some((extension, calls))
        });
        let mut page = Paged::default();
        let calls = latest_first(users).take_while(|(_, seq, _)| *seq >= between.start);
        for (nth, (extension, seq, (name, kept))) in calls.enumerate() {
            if nth == most {
                page.next = Some(seq + 1);
                break;
            }
            let (tenant, extension) = (id.clone(), extension.clone());
            let key = ItemKey { tenant, extension, kind: Kind::Call, name: name.clone() };
            page.since = kept.touched();
            match kept {
                Kept::Warm(item) => page.warm.push((key, item.set.clone())),
                Kept::Settled(item) => page.settled.push((key, item.place)),
            }
        }
        page
    }
}
