//! The set of a notice's events, and the fold that makes a notice of it.

use super::{Event, Micros, Notice, NoticeState, Post, What};
use crate::{event_set::EventSet, id::ItemKey};
use std::sync::Arc;

/// The distinct events of one notice.
pub(crate) type Posts = EventSet<Event>;

impl Posts {
    /// What the events make together; none where it was never posted.
    pub(crate) fn fold(&self, key: &ItemKey) -> Option<Notice> {
        let (at, post) = self.latest_post()?;
        let Post { kind, title, body, remote, link, expires_at, attributes } = (**post).clone();
        let since = |what: &What| self.latest(what).filter(|event| event.at >= at).map(|event| event.at);
        let (done_at, dismissed_at) = (since(&What::Done), since(&What::Dismissed));
        Some(Notice {
            notice_id: key.name.id.clone(),
            source: key.name.source.clone(),
            tenant_id: key.tenant.clone(),
            extension: key.extension.clone(),
            version: self.version(),
            kind,
            title,
            body,
            remote,
            link,
            at,
            expires_at,
            state: if done_at.is_some() { NoticeState::Done } else { NoticeState::Open },
            done_at,
            dismissed_at,
            attributes,
        })
    }

    /// The event by which its user says now that it is done, and saw that version of it, or whichever there is: a new
    /// one, or that which said so already. None where it was never posted.
    pub(crate) fn done(&self, now: Micros, seen: Option<u32>) -> Option<Event> {
        self.act(What::Done, now, seen)
    }

    /// The same for a user who closed it.
    pub(crate) fn dismissal(&self, now: Micros, seen: Option<u32>) -> Option<Event> {
        self.act(What::Dismissed, now, seen)
    }

    fn act(&self, what: What, now: Micros, seen: Option<u32>) -> Option<Event> {
        let (posted, _) = self.latest_post()?;
        if let Some(known) = self.latest(&what).filter(|event| event.at >= posted) {
            return Some(known.clone());
        }
        // The provider's clock may be ahead of ours, and what its user saw was posted before. What may have been posted
        // unseen is not meant.
        let has_seen_all = seen.is_none_or(|seen| seen >= self.version());
        let at = if has_seen_all { now.max(posted) } else { now.min(posted.saturating_sub(1)) };
        Some(Event::new(at, what))
    }

    fn latest_post(&self) -> Option<(Micros, &Arc<Post>)> {
        self.events().iter().rev().find_map(|event| match &event.what {
            What::Posted(post) => Some((event.at, post)),
            What::Done | What::Dismissed => None,
        })
    }

    fn latest(&self, what: &What) -> Option<&Event> {
        self.events().iter().rev().find(|event| event.what == *what)
    }
}

#[cfg(test)]
#[path = "posts/tests.rs"]
mod tests;
