//! How a board is fed: what it heard lately, and what of today it cannot be sure of.

use super::{sight::Sight, tenant::Kept};
use crate::{
    board::{Conversation, Odd, WindowName},
    clock::Micros,
    id::Extension,
    protocol::{HealthLag, HealthState},
};
use std::{collections::VecDeque, sync::Arc};

/// Over so long, and so many events, lags are told.
const LATELY: Micros = 15 * 60 * 1_000_000;
const MOST: usize = 4096;
/// Who starts more than this after now has a clock that is wrong.
const AHEAD: Micros = 5 * 60 * 1_000_000;

/// The events that were heard lately.
#[derive(Default)]
pub(crate) struct Pulse {
    last: Option<Micros>,
    /// When each was committed, and how long after it had happened.
    lags: VecDeque<(Micros, Micros)>,
}

impl Pulse {
    /// An event was committed that happened at another time.
    pub(super) fn hear(&mut self, committed: Micros, happened: Micros) {
        self.last = self.last.max(Some(committed));
        self.lags.push_back((committed, committed.saturating_sub(happened)));
        if self.lags.len() > MOST {
            self.lags.pop_front();
        }
    }

    fn lag(&self, now: Micros) -> HealthLag {
        let lately = self.lags.iter().filter(|(at, _)| *at + LATELY > now);
        let mut lags: Vec<Micros> = lately.map(|(_, lag)| *lag).collect();
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
            as_of: self.as_of,
            extensions: self.people.extensions().filter(is_seen).count() as u64,
            connected: self.people.extensions().filter(is_seen).filter(|it| self.ledger.has_had(it)).count()
                as u64,
            complete: self.complete,
            ..HealthState::default()
        };
        let theirs = self.tiles.iter().filter(|(extension, _)| is_seen(&extension));
        health.unconfirmed = theirs.filter(|(_, tile)| tile.unconfirmed).count() as u64;
        let odd = self.ledger.odd(today);
        odd.filter(|it| it.extensions.iter().any(|of| sight.sees_calls(of, &self.people)))
            .for_each(|odd| count(&mut health, odd));
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
