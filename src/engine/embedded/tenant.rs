//! One tenant's calls: its sequence, its users, and which leg changed at which number.

use crate::{
    call::{Added, Call, CallEvent, Event, Leg, LegKey, LegName, Rules},
    clock::Micros,
    config,
    feed::Stream,
    id::{Extension, TenantId},
};
use std::{
    collections::{BTreeMap, BinaryHeap, HashMap, HashSet},
    mem,
    time::Duration,
};

/// How long and how much is held.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    keep_ended: Duration,
    expire_after: Duration,
    recent_per_user: usize,
    recent_per_tenant: usize,
}

/// Everything of one tenant.
#[derive(Default)]
pub(super) struct Tenant {
    seq: u64,
    /// The highest number among the changes that were forgotten.
    forgotten: u64,
    users: HashMap<Extension, UserCalls>,
    ghosts: Ghosts,
}

/// The versions of forgotten legs, by the hash of their key: a client may still hold one, and
/// within an epoch its version must not go down if it comes back. Held for `keep_ended` at least,
/// and twice that at most.
#[derive(Default)]
struct Ghosts {
    young: HashMap<u64, u32>,
    old: HashMap<u64, u32>,
    turned_at: Micros,
}

#[derive(Default)]
struct UserCalls {
    legs: HashMap<LegName, KeptLeg>,
    /// Each leg once, at its last change.
    by_seq: BTreeMap<u64, LegName>,
    live: HashSet<LegName>,
}

/// A leg and where it stands in the store.
#[derive(Default)]
pub(super) struct KeptLeg {
    leg: Leg,
    seq: u64,
    /// When the last change came, by callpop's clock.
    pub(super) touched: Micros,
    /// The journal's rows that hold its events.
    rows: Vec<u64>,
}

impl KeptLeg {
    pub(super) fn add(&mut self, event: Event, touched: Micros, row: Option<u64>) {
        self.leg.add(event);
        self.touched = self.touched.max(touched);
        self.rows.extend(row);
    }
}

impl Limits {
    pub(super) fn new(calls: &config::Calls) -> Self {
        Self {
            keep_ended: calls.keep_ended,
            expire_after: calls.expire_after,
            recent_per_user: calls.recent_per_user,
            recent_per_tenant: calls.recent_per_tenant,
        }
    }

    fn recent(&self, stream: &Stream) -> usize {
        match stream {
            Stream::User { extensions, .. } => self.recent_per_user * extensions.len(),
            Stream::Tenant { .. } => self.recent_per_tenant,
        }
    }
}

impl Tenant {
    pub(super) fn seq(&self) -> u64 {
        self.seq
    }

    pub(super) fn leg(&self, key: &LegKey) -> Option<&Leg> {
        self.kept(key).map(|kept| &kept.leg)
    }

    /// What adding an event would do.
    pub(super) fn check(&self, key: &LegKey, event: &Event) -> Added {
        self.leg(key).map_or(Added::New, |leg| leg.check(event))
    }

    /// The journal's row of a leg's latest change.
    pub(super) fn last_row(&self, key: &LegKey) -> Option<u64> {
        self.kept(key)?.rows.last().copied()
    }

    /// Adds an event, which must be new, under the tenant's next number.
    pub(super) fn add(&mut self, key: &LegKey, event: Event, now: Micros, row: Option<u64>) -> (u64, &Leg) {
        self.seq += 1;
        let user = self.users.entry(key.extension.clone()).or_default();
        let kept = user.legs.entry(key.leg.clone()).or_insert_with(|| KeptLeg {
            leg: Leg::after(self.ghosts.version(&key.extension, &key.leg)),
            ..KeptLeg::default()
        });
        user.by_seq.remove(&kept.seq);
        user.by_seq.insert(self.seq, key.leg.clone());
        kept.add(event, now, row);
        kept.seq = self.seq;
        note_live(&mut user.live, &key.leg, kept.leg.is_live());
        (self.seq, &kept.leg)
    }

    /// Puts a leg back as the journal knows it; to be called in the order of their last changes.
    pub(super) fn restore(&mut self, key: LegKey, mut kept: KeptLeg) {
        self.seq += 1;
        let user = self.users.entry(key.extension).or_default();
        note_live(&mut user.live, &key.leg, kept.leg.is_live());
        user.by_seq.insert(self.seq, key.leg.clone());
        kept.seq = self.seq;
        user.legs.insert(key.leg, kept);
    }

    /// All live calls and the recent ended ones, newest first.
    pub(super) fn snapshot(&self, stream: &Stream, rules: &Rules, limits: &Limits) -> Vec<Call> {
        let mut chosen = Vec::new();
        for (extension, user) in self.users_of(stream) {
            chosen.extend(user.live.iter().map(|id| (extension, id)));
            if let Stream::User { .. } = stream {
                chosen.extend(user.ended().take(limits.recent_per_user).map(|(_, id)| (extension, id)));
            }
        }
        if let Stream::Tenant { .. } = stream {
            chosen.extend(self.ended().take(limits.recent_per_tenant));
        }
        self.fold(stream, chosen.into_iter(), rules)
    }

    /// The calls that changed after a number; none where some of that is forgotten, or where it
    /// is more than a snapshot would hold.
    pub(super) fn changes(
        &self,
        stream: &Stream,
        after: u64,
        rules: &Rules,
        limits: &Limits,
    ) -> Option<Vec<Call>> {
        if after < self.forgotten || after > self.seq {
            return None;
        }
        let changed = self.users_of(stream).flat_map(|(extension, user)| {
            user.by_seq.range(after + 1..).map(move |(_, id)| (extension, user, id))
        });
        let most = limits.recent(stream);
        let ended = changed.clone().filter(|(_, user, id)| !user.live.contains(*id)).take(most + 1).count();
        (ended <= most).then(|| self.fold(stream, changed.map(|(extension, _, id)| (extension, id)), rules))
    }

    /// What ends the live legs that nothing was heard of for long.
    pub(super) fn silent(&self, tenant: &TenantId, now: Micros, limits: &Limits) -> Vec<CallEvent> {
        let live = self.users.iter().flat_map(|(extension, user)| {
            user.live.iter().filter_map(move |id| Some((extension, id, user.legs.get(id)?)))
        });
        let silent = live.filter(|(.., kept)| is_past(kept.touched, limits.expire_after, now));
        let expired = silent.filter_map(|(extension, leg, kept)| {
            let event = kept.leg.expiry(limits.expire_after)?;
            Some(CallEvent { tenant: tenant.clone(), extension: extension.clone(), leg: leg.clone(), event })
        });
        expired.collect()
    }

    /// Takes out legs that ended long ago, until about `most` rows are to go; tells how many legs,
    /// and their rows.
    pub(super) fn forget(&mut self, now: Micros, limits: &Limits, most: usize) -> (u64, Vec<u64>) {
        self.ghosts.turn(now, limits.keep_ended);
        let (mut legs, mut rows) = (0, Vec::new());
        for (extension, user) in &mut self.users {
            for (seq, id) in user.past(now, limits.keep_ended) {
                if rows.len() >= most {
                    return (legs, rows);
                }
                user.by_seq.remove(&seq);
                self.forgotten = self.forgotten.max(seq);
                let Some(kept) = user.legs.remove(&id) else { continue };
                self.ghosts.young.insert(ghost(extension, &id), kept.leg.version());
                rows.extend(kept.rows);
                legs += 1;
            }
        }
        self.users.retain(|_, user| !user.legs.is_empty());
        (legs, rows)
    }

    /// The users' ended legs, the latest change first.
    fn ended(&self) -> impl Iterator<Item = (&Extension, &LegName)> {
        let mut users: Vec<_> =
            self.users.iter().map(|(extension, user)| (extension, user.ended().peekable())).collect();
        let mut latest: BinaryHeap<(u64, usize)> =
            users.iter_mut().enumerate().filter_map(|(at, (_, ended))| Some((ended.peek()?.0, at))).collect();
        std::iter::from_fn(move || {
            let (_, at) = latest.pop()?;
            let (extension, ended) = &mut users[at];
            let (_, id) = ended.next()?;
            latest.extend(ended.peek().map(|(seq, _)| (*seq, at)));
            Some((*extension, id))
        })
    }

    fn users_of<'a>(
        &'a self,
        stream: &'a Stream,
    ) -> impl Iterator<Item = (&'a Extension, &'a UserCalls)> + Clone {
        let (some, all) = match stream {
            Stream::User { extensions, .. } => {
                (Some(extensions.iter().filter_map(|id| self.users.get_key_value(id))), None)
            }
            Stream::Tenant { .. } => (None, Some(self.users.iter())),
        };
        some.into_iter().flatten().chain(all.into_iter().flatten())
    }

    fn fold<'a>(
        &self,
        stream: &Stream,
        legs: impl Iterator<Item = (&'a Extension, &'a LegName)>,
        rules: &Rules,
    ) -> Vec<Call> {
        let calls = legs.filter_map(|(extension, leg)| {
            let key =
                LegKey { tenant: stream.tenant().clone(), extension: extension.clone(), leg: leg.clone() };
            self.leg(&key)?.fold(&key, rules)
        });
        let mut calls: Vec<Call> = calls.collect();
        calls.sort_by_key(|call| std::cmp::Reverse(call.started_at));
        calls
    }

    fn kept(&self, key: &LegKey) -> Option<&KeptLeg> {
        self.users.get(&key.extension)?.legs.get(&key.leg)
    }
}

impl UserCalls {
    /// Ended legs and their numbers, the latest change first.
    fn ended(&self) -> impl Iterator<Item = (u64, &LegName)> {
        self.by_seq.iter().rev().filter(|(_, id)| !self.live.contains(*id)).map(|(seq, id)| (*seq, id))
    }

    /// Ended legs whose last change is that long ago: they come first in the order of changes.
    fn past(&self, now: Micros, age: Duration) -> Vec<(u64, LegName)> {
        let is_old = |id| self.legs.get(id).is_some_and(|kept: &KeptLeg| is_past(kept.touched, age, now));
        let old = self.by_seq.iter().take_while(|(_, id)| is_old(*id));
        old.filter(|(_, id)| !self.live.contains(*id)).map(|(seq, id)| (*seq, id.clone())).collect()
    }
}

impl Ghosts {
    fn version(&self, extension: &Extension, leg: &LegName) -> u32 {
        if self.young.is_empty() && self.old.is_empty() {
            return 0;
        }
        let ghost = ghost(extension, leg);
        self.young.get(&ghost).or_else(|| self.old.get(&ghost)).copied().unwrap_or_default()
    }

    fn turn(&mut self, now: Micros, age: Duration) {
        if is_past(self.turned_at, age, now) {
            self.old = mem::take(&mut self.young);
            self.turned_at = now;
        }
    }
}

fn ghost(extension: &Extension, leg: &LegName) -> u64 {
    let key = [extension.as_str(), leg.source.as_str(), leg.id.as_str()].join("\n");
    xxhash_rust::xxh3::xxh3_64(key.as_bytes())
}

fn is_past(at: Micros, age: Duration, now: Micros) -> bool {
    now.saturating_sub(at) >= u64::try_from(age.as_micros()).unwrap_or(u64::MAX)
}

fn note_live(live: &mut HashSet<LegName>, id: &LegName, is_live: bool) {
    if !is_live {
        live.remove(id);
    } else if !live.contains(id) {
        live.insert(id.clone());
    }
}
