//! The conversations that nobody can be sure of, so that those who watch are told how many there are.

use super::{
    conversation::{Conversation, ConversationId},
    turn::Turn,
    window::Window,
};
use crate::{clock::Micros, id::Extension};
use std::collections::BTreeMap;

/// Those of a ledger, by their starts.
#[derive(Debug, Default)]
pub(super) struct Oddities(BTreeMap<(Micros, ConversationId), Odd>);

/// What is odd of one.
#[derive(Debug)]
pub(crate) struct Odd {
    /// Nobody knows how it went.
    pub(crate) unknown: bool,
    /// Some leg of it ended since nothing was heard of it any more.
    pub(crate) expired: bool,
    /// It was answered, and nobody knows when it began.
    pub(crate) unknown_start: bool,
    /// It is open where some leg of it belongs.
    pub(crate) ambiguous: bool,
    /// Whose telephones had part in it.
    pub(crate) extensions: Box<[Extension]>,
}

impl Oddities {
    /// Takes a conversation in, or out, if it is odd.
    pub(super) fn count(&mut self, turn: Turn, it: &Conversation) {
        let odd = Odd {
            unknown: it.is_unknown(),
            expired: it.expired,
            unknown_start: !it.rang && it.answer.is_some(),
            ambiguous: it.is_ambiguous(),
            extensions: Box::default(),
        };
        if !(odd.unknown || odd.expired || odd.unknown_start || odd.ambiguous) {
            return;
        }
        let key = (it.start, it.id);
        match turn {
            Turn::Goes => _ = self.0.remove(&key),
            Turn::Comes => {
                let extensions = it.legs.iter().map(|leg| leg.key.extension.clone()).collect();
                self.0.insert(key, Odd { extensions, ..odd });
            }
        }
    }

    /// Those that began in a window.
    pub(super) fn within(&self, window: Window) -> impl Iterator<Item = &Odd> {
        let none = ConversationId::default();
        self.0.range((window.from, none)..(window.to.max(window.from), none)).map(|(_, odd)| odd)
    }
}
