//! What goes from a webhook to a browser: a call or a notice. The list of kinds is closed and stands here alone; whoever
//! keeps or delivers items need not know what they are.

use crate::{
    call::{self, Call, Leg, Pack, Rules, Unpacked},
    clock::Micros,
    event_set::{Added, Identity, Manner, SetEvent},
    id::{Extension, ItemKey, ItemName, Kind, TenantId},
    notice::{self, Notice, Posts},
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// An item as it now stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Item {
    Call(Call),
    Notice(Notice),
}

/// Something that happened to an item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Event {
    Call(call::Event),
    Notice(notice::Event),
}

/// An event and whose it is: what a source makes of a webhook, and what is stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ItemEvent {
    pub(crate) key: ItemKey,
    pub(crate) event: Event,
}

/// The distinct events of one item.
#[derive(Clone, Debug)]
pub(crate) enum ItemSet {
    Call(Leg),
    Notice(Posts),
}

/// The same of either kind.
macro_rules! either {
    ($of:ident, $it:expr, $is:ident => $does:expr) => {
        match $it {
            $of::Call($is) => $does,
            $of::Notice($is) => $does,
        }
    };
}

impl Event {
    /// Of which kind of item it is.
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Call(_) => Kind::Call,
            Self::Notice(_) => Kind::Notice,
        }
    }

    pub(crate) fn identity(&self) -> Identity {
        either!(Self, self, event => event.identity())
    }

    pub(crate) fn manner(&self) -> Manner {
        either!(Self, self, event => event.manner())
    }

    /// When it began to ring, where it says so.
    pub(crate) fn rang_at(&self) -> Option<Micros> {
        match self {
            Self::Call(event) => event.rang_at(),
            Self::Notice(_) => None,
        }
    }

    /// As few bytes as can be read back, without a control character.
    pub(crate) fn pack(&self) -> serde_json::Result<String> {
        match self {
            Self::Call(event) => serde_json::to_string(&Pack(event)),
            Self::Notice(event) => serde_json::to_string(event),
        }
    }

    /// What was packed.
    pub(crate) fn unpack(kind: Kind, packed: &str) -> serde_json::Result<Self> {
        match kind {
            Kind::Call => serde_json::from_str(packed).map(|Unpacked(event)| Self::Call(event)),
            Kind::Notice => serde_json::from_str(packed).map(Self::Notice),
        }
    }

    fn of_call(self) -> Option<call::Event> {
        match self {
            Self::Call(event) => Some(event),
            Self::Notice(_) => None,
        }
    }

    fn of_notice(self) -> Option<notice::Event> {
        match self {
            Self::Notice(event) => Some(event),
            Self::Call(_) => None,
        }
    }
}

impl ItemEvent {
    pub(crate) fn new(tenant: TenantId, extension: Extension, name: ItemName, event: Event) -> Self {
        Self { key: ItemKey { tenant, extension, kind: event.kind(), name }, event }
    }
}

impl ItemSet {
    /// A set of which so many events are forgotten: its version goes on from there.
    pub(crate) fn after(kind: Kind, forgotten: u32) -> Self {
        match kind {
            Kind::Call => Self::Call(Leg::after(forgotten)),
            Kind::Notice => Self::Notice(Posts::after(forgotten)),
        }
    }

    /// A set as it was stored: the events that are kept of it, all of its kind, and its version.
    pub(crate) fn of(kind: Kind, events: Vec<Event>, version: u32) -> Self {
        let events = events.into_iter();
        match kind {
            Kind::Call => Self::Call(Leg::of(events.filter_map(Event::of_call).collect(), version)),
            Kind::Notice => Self::Notice(Posts::of(events.filter_map(Event::of_notice).collect(), version)),
        }
    }

    pub(crate) fn version(&self) -> u32 {
        either!(Self, self, set => set.version())
    }

    /// How many events are kept.
    pub(crate) fn len(&self) -> usize {
        either!(Self, self, set => set.events().len())
    }

    /// What adding an event would do.
    pub(crate) fn check(&self, event: &Event) -> Added {
        match (self, event) {
            (Self::Call(leg), Event::Call(event)) => leg.check(event),
            (Self::Notice(posts), Event::Notice(event)) => posts.check(event),
            _ => Added::Full,
        }
    }

    /// Adds an event if it is new; one of another kind has no room.
    pub(crate) fn add(&mut self, event: Event) -> Added {
        match (self, event) {
            (Self::Call(leg), Event::Call(event)) => leg.add(event),
            (Self::Notice(posts), Event::Notice(event)) => posts.add(event),
            _ => Added::Full,
        }
    }

    /// Whether it is a call that still rings or goes on.
    pub(crate) fn is_live(&self) -> bool {
        match self {
            Self::Call(leg) => leg.is_live(),
            Self::Notice(_) => false,
        }
    }

    /// The event that ends it for want of news, `after` what was heard last; none where it needs no end, or has no room.
    pub(crate) fn expiry(&self, after: Duration) -> Option<Event> {
        match self {
            Self::Call(leg) => leg.expiry(after).map(Event::Call),
            Self::Notice(_) => None,
        }
    }

    /// Whether the events make an item: some of them come before the one that says what it is.
    pub(crate) fn makes_item(&self) -> bool {
        either!(Self, self, set => set.events().iter().any(|event| event.manner().shows))
    }

    /// What the events make together; none where they do not make an item yet.
    pub(crate) fn fold(&self, key: &ItemKey, rules: &Rules) -> Option<Item> {
        match self {
            Self::Call(leg) => leg.fold(key, rules).map(Item::Call),
            Self::Notice(posts) => posts.fold(key).map(Item::Notice),
        }
    }

    /// The event by which its user, who closed it and saw that version, says so; none where there is nothing to close.
    pub(crate) fn dismissal(&self, now: Micros, seen: Option<u32>) -> Option<Event> {
        match self {
            Self::Call(leg) => Some(Event::Call(leg.dismissal(now, seen))),
            Self::Notice(posts) => posts.dismissal(now, seen).map(Event::Notice),
        }
    }
}

impl Item {
    /// Which of its user's items it is.
    pub(crate) fn identity(&self) -> (&Extension, Kind, &str, &str) {
        match self {
            Self::Call(it) => (&it.extension, Kind::Call, it.source.as_str(), it.leg_id.as_str()),
            Self::Notice(it) => (&it.extension, Kind::Notice, it.source.as_str(), it.notice_id.as_str()),
        }
    }
}
