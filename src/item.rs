//! What goes from a webhook to a browser: a call or a notice. The list of kinds is closed and stands here alone; whoever
//! keeps or delivers items need not know what they are.

use crate::{
    call::{self, Call, Content, Leg, Pack, PackApart, Rules, Unpacked},
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

/// What an item says last of one rank, without the rest of it, which may be large.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Glimpse {
    /// How many of its events are of the rank.
    pub(crate) alike: usize,
    /// The latest of them; where there is none, any event of the item.
    pub(crate) event: Event,
}

impl Glimpse {
    fn of<E: SetEvent + Clone>(events: &[E], rank: u32, event: impl Fn(E) -> Event) -> Option<Self> {
        let alike = events.iter().filter(|event| event.identity().rank == rank);
        let latest = alike.clone().next_back().or(events.last())?;
        Some(Self { alike: alike.count(), event: event(latest.clone()) })
    }
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

    /// The same without what a summary says; and that, to be kept apart.
    pub(crate) fn pack_apart(&self) -> serde_json::Result<(String, Option<&str>)> {
        match self {
            Self::Call(event) => Ok((serde_json::to_string(&PackApart(event))?, event.content())),
            Self::Notice(_) => Ok((self.pack()?, None)),
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

    /// Appends all its events, each packed, and between them what no packed event has.
    pub(crate) fn pack(&self, between: char, to: &mut Vec<u8>) -> serde_json::Result<()> {
        match self {
            Self::Call(leg) => join(leg.events().iter().map(Pack), between, to),
            Self::Notice(posts) => join(posts.events().iter(), between, to),
        }
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

    /// What they say last of one rank; none where they do not make an item.
    pub(crate) fn glimpse(&self, rank: u32) -> Option<Glimpse> {
        match self {
            _ if !self.makes_item() => None,
            Self::Call(leg) => Glimpse::of(leg.events(), rank, Event::Call),
            Self::Notice(posts) => Glimpse::of(posts.events(), rank, Event::Notice),
        }
    }

    /// Which event says something that is kept apart and wanted now, and how many bytes.
    pub(crate) fn apart(&self) -> Option<(Identity, usize)> {
        match self {
            Self::Call(leg) => leg.apart(),
            Self::Notice(_) => None,
        }
    }

    /// What that event says, where it is here.
    pub(crate) fn content_of(&self, which: Identity) -> Option<&str> {
        match self {
            Self::Call(leg) => leg.events().iter().find(|event| event.identity() == which)?.content(),
            Self::Notice(_) => None,
        }
    }

    /// What that event says.
    pub(crate) fn tell(&mut self, which: Identity, told: Content) {
        if let Self::Call(leg) = self {
            leg.tell(which, told);
        }
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

fn join(events: impl Iterator<Item: Serialize>, between: char, to: &mut Vec<u8>) -> serde_json::Result<()> {
    let mut utf8 = [0; 4];
    for (nth, event) in events.enumerate() {
        if nth > 0 {
            to.extend(between.encode_utf8(&mut utf8).bytes());
        }
        serde_json::to_writer(&mut *to, &event)?;
    }
    Ok(())
}

/// What an item has beside its long texts, as it is held and as a frame, about.
const USUAL_BYTES: usize = 1024;

impl Item {
    /// The bytes that it holds, about, with the frame that is made of it.
    pub(crate) fn weight(&self) -> usize {
        let long = match self {
            Self::Call(it) => it.content_bytes() + it.wrap_up.as_ref().map_or(0, |it| it.note.len()),
            Self::Notice(it) => it.body.as_ref().map_or(0, |body| body.len()),
        };
        USUAL_BYTES + 2 * long
    }

    /// Which of its user's items it is.
    pub(crate) fn identity(&self) -> (&Extension, Kind, &str, &str) {
        match self {
            Self::Call(it) => (&it.extension, Kind::Call, it.source.as_str(), it.leg_id.as_str()),
            Self::Notice(it) => (&it.extension, Kind::Notice, it.source.as_str(), it.notice_id.as_str()),
        }
    }
}
