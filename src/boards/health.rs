//! How a board is fed: what it heard lately, and what of today it cannot be sure of.

use super::{sight::Sight, tenant::Kept};
use crate::{
    board::{Conversation, Odd, WindowName},
    call::{Call, Outcome},
    clock::Micros,
    engine::Heard,
    feed::Change,
    id::{Extension, ItemName},
    item::Item,
    protocol::{HealthLag, HealthState},
};
use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

/// Over so long, and so many events, lags are told.
const LATELY: Micros = 15 * 60 * 1_000_000;
const MOST: usize = 4096;
/// Who starts more than this after now has a clock that is wrong.
const AHEAD: Micros = 5 * 60 * 1_000_000;

/// The events that were heard lately.
#[derive(Default)]
pub(crate) struct Pulse {
    last: Option<Micros>,
    /// When each was committed, and when it had happened.
    times: VecDeque<(Micros, Micros)>,
    /// How the legs stood of which something was heard last, and these in the order in which that was first.
    legs: HashMap<Leg, Standing>,
    order: VecDeque<Leg>,
    /// How many nodes there are, and what they counted of today; none before they were asked.
    nodes: Option<u64>,
    heard: Heard,
}

type Leg = (Extension, ItemName);

/// What tells one change of a leg from another.
struct Standing {
    version: u32,
    /// When the latest of what the provider said of it happened.
    news: Micros,
    /// What others say of it: its user twice, and callpop.
    said: (Option<Micros>, Option<Micros>, bool),
}

impl Standing {
    fn of(call: &Call) -> Self {
        let noted = call.wrap_up.as_ref().map(|wrap_up| wrap_up.at);
        let is_expired = call.outcome == Some(Outcome::Expired);
        Self { version: call.version, news: call.updated_at, said: (noted, call.dismissed_at, is_expired) }
    }
}

impl Pulse {
    /// A change is heard; true where the provider said what happened before something that was heard already.
    pub(super) fn hear(&mut self, change: &Change) -> bool {
        let Item::Call(call) = &change.item else { return false };
        let leg = (call.extension.clone(), ItemName { source: call.source.clone(), id: call.leg_id.clone() });
        let standing = Standing::of(call);
        let news = standing.news;
        let (is_new, is_old) = match self.legs.get(&leg) {
            None => (true, false),
            Some(known) if standing.version <= known.version => return false,
            Some(known) => (news > known.news, news == known.news && standing.said == known.said),
        };
        self.keep(leg, standing);
        let Some(committed) = change.committed_at else { return false };
        if is_new || is_old {
            self.last = self.last.max(Some(committed));
        }
        // When an older one happened, a call does not say.
        if is_new {
            self.times.push_back((committed, news));
            if self.times.len() > MOST {
                self.times.pop_front();
            }
        }
        is_old
    }

    fn keep(&mut self, leg: Leg, standing: Standing) {
        if self.legs.insert(leg.clone(), standing).is_some() {
            return;
        }
        self.order.push_back(leg);
        if self.legs.len() > MOST {
            self.order.pop_front().inspect(|first| _ = self.legs.remove(first));
        }
    }

    /// What all nodes counted of today.
    pub(super) fn compare(&mut self, nodes: u64, heard: Heard) {
        (self.nodes, self.heard) = (Some(nodes), heard);
    }

    fn lately(&self, now: Micros) -> impl Iterator<Item = &(Micros, Micros)> {
        self.times.iter().filter(move |(committed, _)| *committed + LATELY > now)
    }

    /// The least time from when something happened to when it was committed, in milliseconds.
    fn skew(&self, now: Micros) -> Option<i64> {
        let ms = |(committed, happened): &(Micros, Micros)| committed.cast_signed() - happened.cast_signed();
        self.lately(now).map(ms).min().map(|least| least / 1000)
    }

    fn lag(&self, now: Micros) -> HealthLag {
        let lag = |(committed, happened): &(Micros, Micros)| committed.saturating_sub(*happened);
        let mut lags: Vec<Micros> = self.lately(now).map(lag).collect();
        lags.sort_unstable();
        let at = |percent: usize| {
            let rank = (lags.len() * percent).div_ceil(100).max(1);
            lags.get(rank - 1).map(|lag| lag / 1000)
        };
        HealthLag { p50_ms: at(50), p95_ms: at(95) }
    }
}

impl Kept {
    /// When an event came last; none where none came since this node began to look.
    pub(super) fn last_event_at(&self) -> Option<Micros> {
        self.pulse.last
    }

    /// How the board is fed now.
    pub(super) fn health(&self, sight: &Sight, now: Micros) -> HealthState {
        let today = WindowName::Today.at(now, &self.zone);
        let is_seen = |it: &&Extension| sight.sees(it, &self.people);
        let is_theirs = |it: &Arc<Conversation>| sight.sees_conversation(it, &self.people);
        let mut health = HealthState {
            at: now,
            last_event_at: self.pulse.last,
            lag: self.pulse.lag(now),
            skew_ms: self.pulse.skew(now),
            nodes: self.pulse.nodes,
            as_of: self.as_of,
            extensions: self.people.extensions().filter(is_seen).count() as u64,
            connected: self.people.extensions().filter(is_seen).filter(|it| self.ledger.has_had(it)).count()
                as u64,
            complete: self.complete,
            ..HealthState::default()
        };
        // At midnight the nodes have not told yet what they count of the new day.
        let heard = Some(self.pulse.heard).filter(|heard| heard.day == today.from).unwrap_or_default();
        (health.late, health.duplicate, health.out_of_order) =
            (heard.late, heard.duplicate, heard.out_of_order);
        let theirs = self.tiles.iter().filter(|(extension, _)| is_seen(&extension));
        health.unconfirmed = theirs.filter(|(_, tile)| tile.unconfirmed).count() as u64;
        let odd = self.ledger.odd(today);
        let theirs = odd.filter(|it| sight.sees_any(it.extensions.iter(), &self.people));
        theirs.for_each(|odd| count(&mut health, odd));
        let ahead = crate::board::Window { from: now + AHEAD, to: Micros::MAX };
        health.ahead = self.ledger.within(ahead).filter(is_theirs).count() as u64;
        health
    }
}

fn count(health: &mut HealthState, odd: &Odd) {
    health.unknown += u64::from(odd.unknown);
    health.expired += u64::from(odd.expired);
    health.unknown_start += u64::from(odd.unknown_start);
    health.ambiguous += u64::from(odd.ambiguous);
}
