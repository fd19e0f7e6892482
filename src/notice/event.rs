//! What can happen to a notice.

use super::{Micros, Post};
use crate::event_set::{Effect, Identity, Manner, SetEvent};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_64;

/// So often one notice may be posted with other words.
pub(super) const MAX_POSTS: usize = 256;
/// The most events: it may be done and dismissed as often as it may be posted.
const MAX_EVENTS: usize = 3 * MAX_POSTS;

/// Something that happened to a notice.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(from = "AsStored")]
pub(crate) struct Event {
    /// The provider's timestamp; for what its user did, callpop's.
    pub(crate) at: Micros,
    pub(crate) what: What,
    #[serde(skip)]
    digest: u64,
}

#[derive(Deserialize)]
struct AsStored {
    at: Micros,
    what: What,
}

/// The kinds of event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum What {
    /// It is there, or there again, and says this.
    Posted(Arc<Post>),
    /// Nothing is to be done about it any more.
    Done,
    /// Its user closed it.
    Dismissed,
}

impl Event {
    /// Makes an event; its digest follows from what it says.
    pub(crate) fn new(at: Micros, what: What) -> Self {
        let digest = match &what {
            What::Posted(post) => xxh3_64(&serde_json::to_vec(&**post).unwrap_or_default()),
            What::Done | What::Dismissed => 0,
        };
        Self { at, what, digest }
    }
}

impl SetEvent for Event {
    /// By timestamp; at the same time it is posted, then done, then dismissed.
    fn identity(&self) -> Identity {
        let rank = match self.what {
            What::Posted(_) => 0,
            What::Done => 1,
            What::Dismissed => 2,
        };
        Identity { at: self.at, rank, digest: self.digest }
    }

    /// A notice is never live: it is kept for so long after whatever happened to it last.
    fn manner(&self) -> Manner {
        let shows = matches!(self.what, What::Posted(_));
        Manner { room: MAX_EVENTS, alike: MAX_POSTS, effect: Effect::Rests, shows }
    }
}

impl From<AsStored> for Event {
    fn from(AsStored { at, what }: AsStored) -> Self {
        Self::new(at, what)
    }
}

impl PartialEq for Event {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }
}
