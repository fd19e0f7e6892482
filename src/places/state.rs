//! Who has a place, and who is to go when another comes. Pure: time is an argument, in milliseconds.

use super::{
    bounds::Bounds,
    holder::{Holder, Proof},
    metrics::Cause,
    strangers::{Group, Rank, Strangers},
};
use std::{collections::HashMap, sync::Arc};

/// Who has come, or was answered, less than so long ago does not wait yet.
const GRACE: u64 = 1000;
/// While places are scarce, who waits for longer than that goes.
const MOST_WAIT: u64 = 5000;
/// So many more than there are places at most, of whom as many were told to go: their files are of the reserve.
const MOST_OVER: usize = 64;
/// So many at most go at one look: all at once, they would all be back at once.
const THINNED: usize = 512;

/// The connections that have places.
pub(super) struct State {
    bounds: Bounds,
    members: HashMap<u64, Member>,
    strangers: Strangers,
    /// Those that were not told to go, by listener.
    public: usize,
    private: usize,
    sockets: usize,
    last_id: u64,
}

struct Member {
    holder: Arc<Holder>,
    is_private: bool,
    /// It was told to go.
    is_leaving: bool,
    /// Where it stands among the strangers, as long as it is one.
    spot: Option<(Group, Rank)>,
}

/// There is no room.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NoRoom;

impl State {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            members: HashMap::new(),
            strangers: Strangers::default(),
            public: 0,
            private: 0,
            sockets: 0,
            last_id: 0,
        }
    }

    pub(super) fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// Whether those who were told to go are to be waited for.
    pub(super) fn is_overfull(&self) -> bool {
        self.members.len() >= self.bounds.total + MOST_OVER.min(self.bounds.total / 4)
    }

    /// Makes room for one more of a group, and says for what reason somebody was told to go for it.
    pub(super) fn make_room(&mut self, group: Group, now: u64) -> Result<Option<Cause>, NoRoom> {
        let used = self.public + self.private.saturating_sub(self.bounds.private);
        let is_private = group == Group::Private;
        let has_own = is_private && self.private < self.bounds.private;
        if has_own || used < self.bounds.scarce || (is_private && used < self.bounds.common()) {
            return Ok(None);
        }
        let waits = |rank: &Rank| !rank.is_busy && rank.since + GRACE <= now;
        let gone = self.over_its_share(group).filter(waits).map(|rank| (rank, Cause::Share));
        let gone = gone.or_else(|| self.strangers.first().filter(waits).map(|rank| (rank, Cause::Longest)));
        if let Some((rank, cause)) = gone.filter(|_| !is_private) {
            self.tell(rank.id);
            return Ok(Some(cause));
        }
        if used < self.bounds.common() {
            return Ok(None);
        }
        let (id, cause) = self.last_resort(group).ok_or(NoRoom)?;
        self.tell(id);
        Ok(Some(cause))
    }

    fn over_its_share(&self, group: Group) -> Option<Rank> {
        let has_share = matches!(group, Group::Network(_));
        let is_over = has_share && self.strangers.count(group) >= self.bounds.share;
        is_over.then(|| self.strangers.first_of(group)).flatten()
    }

    /// Who goes where all places are taken: a stranger, however busy; then one that is known but waits;
    /// then one that has shown a token and is still asking. WebSockets and providers stay.
    fn last_resort(&self, group: Group) -> Option<(u64, Cause)> {
        if group == Group::Private {
            return self.strangers.first_of(group).map(|rank| (rank.id, Cause::Longest));
        }
        if let Some(rank) = self.strangers.first() {
            return Some((rank.id, Cause::Longest));
        }
        let may_go = |(rank, proof): &(Rank, Proof)| !rank.is_busy || *proof == Proof::Token;
        let first = self.evictable().filter(may_go).map(|(rank, _)| rank).min();
        first.map(|rank| (rank.id, Cause::Known))
    }

    /// Those of the public listener that stay, and are no WebSockets.
    fn evictable(&self) -> impl Iterator<Item = (Rank, Proof)> {
        let staying = self.members.values().filter(|member| !member.is_leaving && !member.is_private);
        let ranks = staying.map(|member| (member.holder.rank(), member.holder.proof()));
        ranks.filter(|(_, proof)| *proof != Proof::Socket)
    }

    /// Tells a connection to go.
    fn tell(&mut self, id: u64) {
        let Some(member) = self.members.get_mut(&id) else { return };
        member.is_leaving = true;
        member.holder.tell();
        let is_private = member.is_private;
        if let Some((group, rank)) = member.spot.take() {
            self.strangers.remove(group, &rank);
        }
        *self.staying(is_private) -= 1;
    }

    fn staying(&mut self, is_private: bool) -> &mut usize {
        if is_private { &mut self.private } else { &mut self.public }
    }

    /// Tells some to go that wait for too long, where places are scarce, the longest first; says how many.
    pub(super) fn thin(&mut self, now: u64) -> u64 {
        if self.public < self.bounds.scarce {
            return 0;
        }
        let waiting = self.evictable().filter(|(rank, _)| !rank.is_busy);
        let mut too_long: Vec<Rank> =
            waiting.map(|(rank, _)| rank).filter(|rank| rank.since + MOST_WAIT <= now).collect();
        too_long.sort_unstable();
        too_long.truncate(THINNED);
        too_long.iter().for_each(|rank| self.tell(rank.id));
        too_long.len() as u64
    }

    /// One more has come.
    pub(super) fn add(&mut self, group: Group, holder: Arc<Holder>, now: u64) {
        let rank = Rank { is_busy: false, since: now, id: holder.id() };
        let is_private = group == Group::Private;
        self.strangers.insert(group, rank);
        *self.staying(is_private) += 1;
        let member = Member { holder, is_private, is_leaving: false, spot: Some((group, rank)) };
        self.members.insert(rank.id, member);
    }

    /// A stranger has begun or ended something; `whom` says for whom, where that is known now.
    pub(super) fn stand(&mut self, rank: Rank, whom: Option<Group>) {
        let Some(spot) = self.members.get_mut(&rank.id).and_then(|member| member.spot.as_mut()) else {
            return;
        };
        let (group, before) = *spot;
        let after = if group == Group::Private { group } else { whom.unwrap_or(group) };
        *spot = (after, rank);
        self.strangers.remove(group, &before);
        self.strangers.insert(after, rank);
    }

    /// A connection is no stranger any more.
    pub(super) fn know(&mut self, id: u64) {
        let spot = self.members.get_mut(&id).and_then(|member| member.spot.take());
        if let Some((group, rank)) = spot {
            self.strangers.remove(group, &rank);
        }
    }

    /// A connection wants to become a WebSocket; false where there are too many.
    pub(super) fn sit_down(&mut self, id: u64) -> bool {
        if self.sockets >= self.bounds.sockets {
            return false;
        }
        self.sockets += 1;
        self.know(id);
        true
    }

    /// A connection has ended.
    pub(super) fn remove(&mut self, id: u64) {
        self.know(id);
        let Some(member) = self.members.remove(&id) else { return };
        if member.holder.proof() == Proof::Socket {
            self.sockets -= 1;
        }
        if !member.is_leaving {
            *self.staying(member.is_private) -= 1;
        }
    }
}
