//! An event as the commit script takes it.

use super::{content::shrink, keys::TenantKeys, keyspace::UNREADABLE};
use crate::{
    engine::EngineError,
    event_set::{Effect, Manner},
    id::ItemKey,
    item::{Event, ItemEvent},
};

/// The least that an item has room for, and that events of one rank may take; the commit script knows it too.
const LEAST_ROOM: usize = 32;

/// An event on its way to Redis.
pub(crate) struct Addition {
    key: ItemKey,
    /// Its identity, what is stored of it, and how it is to be taken.
    pub(super) field: String,
    pub(super) packed: String,
    pub(super) manner: String,
    /// What it says that is stored apart.
    pub(super) content: Option<Vec<u8>>,
}

impl Addition {
    pub(crate) fn new(ItemEvent { key, event }: ItemEvent) -> Result<Self, EngineError> {
        let (packed, content) = event.pack_apart().map_err(|_| UNREADABLE)?;
        let content = content.map(shrink).transpose()?;
        Ok(Self { field: event.identity().to_string(), manner: manner(&event), key, packed, content })
    }

    /// Of which item it is.
    pub(crate) fn key(&self) -> &ItemKey {
        &self.key
    }

    /// Where it is written: its item, the item's ghost, and the index of the item's user.
    pub(crate) fn keys(&self, keys: &TenantKeys) -> [String; 3] {
        let Self { key, .. } = self;
        let [item, ghost] = keys.item_and_ghost(key);
        [item, ghost, keys.user(key.kind, &key.extension)]
    }

    /// What it has to say.
    pub(crate) fn bytes(&self) -> usize {
        self.packed.len() + self.content.as_ref().map_or(0, Vec::len)
    }
}

/// What the commit script needs to know of an event: the kind of its item, its effect, whether it shows the item, its
/// room, and how much of that events of its rank may take.
fn manner(event: &Event) -> String {
    let Manner { room, alike, effect, shows } = event.manner();
    debug_assert!(room.min(alike) >= LEAST_ROOM, "the script looks at no room in a smaller item");
    let effect = match effect {
        Effect::Nothing => 0,
        Effect::Lives => 1,
        Effect::Rests => 2,
        Effect::EndsForGood => 3,
    };
    format!("{}{effect}{}:{room}:{alike}", event.kind().number(), u8::from(shows))
}
