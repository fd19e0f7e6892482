//! Ids that changed: a late leg may come before the one that its conversation was named after. Whoever holds the old id
//! is told of the new one for a while.

use super::{
    SECOND,
    conversation::{Conversation, ConversationId},
};
use crate::clock::Micros;
use hashbrown::HashSet;
use std::{borrow::Borrow, collections::HashMap};

/// How long an old id is told.
const TOLD_FOR: Micros = 10 * 60 * SECOND;

/// An id that a conversation had before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Replaced {
    pub(crate) id: ConversationId,
    /// Until when it is told.
    pub(crate) until: Micros,
}

/// Tells the conversations that came of a cluster which ids their legs had before, in those that came of it last, and
/// have no more: those that stand are still theirs.
pub(crate) fn tell_replaced(
    before: &[impl Borrow<Conversation>],
    after: &mut [Conversation],
    standing: &HashSet<ConversationId>,
    now: Micros,
) {
    let mut was = HashMap::new();
    for old in before.iter().map(Borrow::borrow) {
        was.extend(old.legs.iter().map(|leg| (&leg.key, old)));
    }
    for conversation in after {
        let mut old: Vec<&Conversation> =
            conversation.legs.iter().filter_map(|leg| was.get(&leg.key).copied()).collect();
        old.sort_by_key(|old| old.id);
        old.dedup_by_key(|old| old.id);
        let gone = old.iter().map(|old| Replaced { id: old.id, until: now + TOLD_FOR });
        let older = old.iter().flat_map(|old| old.replaces.iter().copied());
        let mut replaces: Vec<Replaced> =
            gone.chain(older).filter(|it| it.until > now && !standing.contains(&it.id)).collect();
        replaces.sort_by_key(|it| (it.id, std::cmp::Reverse(it.until)));
        replaces.dedup_by_key(|it| it.id);
        conversation.replaces = replaces;
    }
}
