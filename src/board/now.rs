//! The figures of the moment. Of what lasts longest they say since when, so that nothing needs to be sent because time
//! passed.

use super::{
    clamp::earlier,
    conversation::Conversation,
    outcome::ConversationKind,
    tile::{Tile, TileState},
};
use crate::clock::Micros;
use serde::Serialize;

/// What goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Now {
    /// Inbound conversations, not legs, that ring and that nobody answered: a group of twenty telephones is one caller.
    pub(crate) ringing: u64,
    /// Since when the one rings that rings longest.
    pub(crate) ringing_since: Option<Micros>,
    /// Extensions whose tile is active, also with a colleague.
    pub(crate) on_call: u64,
    /// Extensions whose tile is held.
    pub(crate) on_hold: u64,
    /// Since when the customer is held who is held longest.
    pub(crate) held_since: Option<Micros>,
    /// Since when the customer talks who talks longest.
    pub(crate) talking_since: Option<Micros>,
    /// Extensions whose tile is unconfirmed.
    pub(crate) unconfirmed: u64,
}

impl Now {
    /// What goes on in these conversations, on these tiles.
    pub(crate) fn of<'a>(
        conversations: impl IntoIterator<Item = &'a Conversation>,
        tiles: impl IntoIterator<Item = &'a Tile>,
    ) -> Self {
        let mut now = Self::default();
        for conversation in conversations {
            if conversation.kind == ConversationKind::Inbound && conversation.ringing {
                now.ringing += 1;
                longest(&mut now.ringing_since, Some(conversation.start));
            }
            if conversation.kind != ConversationKind::Internal {
                longest(&mut now.held_since, conversation.held_since);
                longest(&mut now.talking_since, conversation.talking_since);
            }
        }
        for tile in tiles {
            now.on_call += u64::from(tile.state == TileState::Active);
            now.on_hold += u64::from(tile.state == TileState::Held);
            now.unconfirmed += u64::from(tile.unconfirmed);
        }
        now
    }
}

fn longest(known: &mut Option<Micros>, since: Option<Micros>) {
    *known = earlier(*known, since);
}
