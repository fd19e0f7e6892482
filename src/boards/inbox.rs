//! Conversations of which one session is to be told: their ids wait, and what they are is said when it is taken, so that
//! a slow reader is told the latest of each.

use super::{People, rows::shown_conversation, sight::Sight, tenant::Kept};
use crate::{
    board::{Conversation, ConversationId, LATELY, Window},
    clock::{Micros, now},
    id::TenantId,
    protocol::{Frame, ServerFrame},
};
use parking_lot::Mutex;
use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
    sync::Arc,
};
use tokio::sync::Notify;

/// So many are told at once.
const TOGETHER: usize = 256;
/// So many wait; where there are more, all that are of interest are told.
const MOST: usize = 16 * 1024;
/// The most that one session watches by id.
const MOST_WATCHED: usize = 4;

/// What a session is to be told of.
#[derive(Clone, Debug)]
pub(crate) struct Interest {
    pub(crate) sight: Sight,
    /// Every conversation that is seen; else those that are watched by their ids.
    pub(crate) all: bool,
}

/// Between a board and one session.
pub(crate) struct Inbox {
    interest: Interest,
    watched: Mutex<Vec<ConversationId>>,
    waiting: Mutex<BTreeSet<ConversationId>>,
    news: Notify,
}

impl Inbox {
    pub(super) fn new(interest: Interest) -> Self {
        Self { interest, watched: Mutex::default(), waiting: Mutex::default(), news: Notify::new() }
    }

    /// Waits until there is something to take. Cancel safe; for one task at a time.
    pub(crate) async fn ready(&self) {
        while self.waiting.lock().is_empty() {
            self.news.notified().await;
        }
    }

    /// What waits, as it is now; of much, a part.
    pub(crate) fn take(&self, tenant: &TenantId, kept: &Kept) -> Vec<Frame> {
        let mut waiting = self.waiting.lock();
        let rest = waiting.iter().nth(TOGETHER).copied().map(|first| waiting.split_off(&first));
        let some = mem::replace(&mut *waiting, rest.unwrap_or_default());
        drop(waiting);
        // What was called otherwise before is told once.
        let standing = some.iter().filter_map(|id| kept.ledger.conversation(*id).map(|it| (it.id, it)));
        let standing: BTreeMap<_, _> = standing.collect();
        let seen = standing.values().filter(|it| self.sees(it, &kept.people));
        let json = seen.filter_map(|it| shown_conversation(tenant, &self.interest.sight, it));
        json.map(|json| ServerFrame::Conversation { conversation: &json }.encode()).collect()
    }

    /// Watches one more conversation, and forgets the oldest of too many. False where there is none to be seen.
    pub(crate) fn watch(&self, kept: &Kept, id: ConversationId) -> bool {
        let seen = kept.ledger.conversation(id).filter(|it| self.sees(it, &kept.people));
        let Some(conversation) = seen else { return false };
        let mut watched = self.watched.lock();
        watched.retain(|known| *known != conversation.id);
        watched.push(conversation.id);
        if watched.len() > MOST_WATCHED {
            watched.remove(0);
        }
        drop(watched);
        self.put([conversation.id]);
        true
    }

    /// Lets those wait that go on, or were over a moment ago, where all that are seen are of interest.
    pub(super) fn greet(&self, kept: &Kept) {
        if !self.interest.all {
            return;
        }
        let since = now().saturating_sub(LATELY);
        if let Some(own) = self.interest.sight.own(&kept.people) {
            return self.put(kept.ledger.since(&own, since).iter().map(|it| it.id));
        }
        let lately = kept.ledger.within(Window { from: since, to: Micros::MAX });
        let seen = kept.ledger.going_on(since).chain(lately).filter(|it| self.sees(it, &kept.people));
        self.put(seen.map(|it| it.id));
    }

    /// Lets those conversations wait that are of interest; tells whether they were too many.
    pub(super) fn hear(&self, kept: &Kept, changed: &[(ConversationId, Arc<Conversation>)]) -> bool {
        let news = changed.iter().filter(|(id, it)| self.is_of_interest(it, *id, &kept.people));
        self.put(news.map(|(_, it)| it.id));
        let is_too_much = self.waiting.lock().len() > MOST;
        if is_too_much {
            self.waiting.lock().clear();
            self.greet(kept);
        }
        is_too_much
    }

    fn is_of_interest(&self, conversation: &Conversation, was: ConversationId, people: &People) -> bool {
        if self.interest.all {
            return !conversation.is_over(now().saturating_sub(LATELY)) && self.sees(conversation, people);
        }
        let mut watched = self.watched.lock();
        // Whoever watches a conversation goes on to do so under its new name.
        let known = watched.iter_mut().find(|id| **id == was || **id == conversation.id);
        known.map(|id| *id = conversation.id).is_some() && self.sees(conversation, people)
    }

    fn sees(&self, conversation: &Conversation, people: &People) -> bool {
        self.interest.sight.sees_conversation(conversation, people)
    }

    fn put(&self, ids: impl IntoIterator<Item = ConversationId>) {
        let mut waiting = self.waiting.lock();
        waiting.extend(ids);
        let is_news = !waiting.is_empty();
        drop(waiting);
        if is_news {
            self.news.notify_one();
        }
    }
}
