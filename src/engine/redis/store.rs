//! What the scripts do, as calls: commit an event, look at a tenant's head, read legs.

use super::{
    keys::{self, Keys},
    link::{Link, Request},
    stored::{Head, Stored},
};
use crate::{
    call::{CallEvent, Extension, Leg, LegKey, Phase, TenantId, What},
    config,
    engine::{EngineError, Stream, now},
};
use redis::{Script, pipe};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};
use uuid::Uuid;

macro_rules! script {
    ($name:literal) => {
        Script::new(concat!(
            include_str!("scripts/open.lua"),
            include_str!(concat!("scripts/", $name, ".lua"))
        ))
    };
}

/// Beside the ended calls that a snapshot holds, so many more legs of a user and of a tenant are indexed.
const MORE_OF_USER: usize = 256;
const MORE_OF_TENANT: usize = 4096;
/// Legs that are read in one go.
const TOGETHER: usize = 256;
const UNREADABLE: EngineError = EngineError::Unavailable("Redis holds something else than callpop wrote");

/// The data in Redis.
pub struct Store {
    pub keys: Keys,
    pub link: Arc<Link>,
    /// How long an ended leg stays.
    keep: Duration,
    /// How long any leg stays after its last change.
    hold: Duration,
    recent_per_user: usize,
    recent_per_tenant: usize,
    commit: Script,
    head: Script,
    index: Script,
}

/// What a commit did.
pub enum Outcome {
    Known,
    New { seq: u64 },
    Full,
}

/// A leg of a stream, as it was when the stream was looked at.
pub struct Found {
    pub key: LegKey,
    pub stored: Stored,
}

/// The legs of a stream at one instant.
pub struct Legs {
    pub head: Head,
    pub found: Vec<Found>,
}

/// What an index says.
struct Index {
    head: Head,
    floor: u64,
    live: Vec<LegKey>,
    /// Legs and their numbers, one list for each user of the stream, or one for the tenant.
    lists: Vec<Vec<(LegKey, u64)>>,
}

/// Names of legs and their numbers, as an index holds them.
type List = Vec<(String, u64)>;

/// Which part of an index is read.
enum Part {
    /// The live legs, and so many of those that changed last.
    Latest(usize),
    /// At most so many of those that changed after a number.
    After(u64, usize),
}

impl Store {
    pub fn new(link: Arc<Link>, engine: &config::Engine, calls: &config::Calls) -> Self {
        Self {
            keys: Keys::new(&engine.redis_prefix),
            link,
            keep: calls.keep_ended,
            hold: calls.keep_ended + calls.expire_after,
            recent_per_user: calls.recent_per_user,
            recent_per_tenant: calls.recent_per_tenant,
            commit: script!("commit"),
            head: script!("head"),
            index: script!("index"),
        }
    }

    /// Adds an event to its leg, and publishes the change: one call.
    pub async fn commit(&self, event: &CallEvent) -> Result<Outcome, EngineError> {
        let CallEvent { tenant, extension, leg, event } = event;
        let keys = self.keys.tenant(tenant);
        let json = serde_json::to_string(event).map_err(|_| UNREADABLE)?;
        let publish = if self.link.is_cluster() { "SPUBLISH" } else { "PUBLISH" };
        let mut call = self.commit.prepare_invoke();
        call.key(keys.head()).key(keys.leg(extension, leg)).key(keys.mark(extension, leg));
        call.key(keys.changes()).key(keys.user(extension)).key(keys.live());
        call.arg(fresh_epoch()).arg(now()).arg(millis(self.hold)).arg(millis(self.keep));
        call.arg(event.identity()).arg(json).arg(Leg::room_for(&event.what)).arg(kind(&event.what));
        call.arg(leg.as_str()).arg(keys::member(extension, leg)).arg(publish).arg(keys.channel());
        call.arg(self.most_of_user()).arg(self.most_of_tenant());
        let (outcome, seq): (u8, u64) = self.link.ask(Request::Script(&call)).await?;
        Ok(match outcome {
            0 => Outcome::Known,
            1 => Outcome::New { seq },
            _ => Outcome::Full,
        })
    }

    /// A tenant's head, which is made where there is none. `seen` is what was there before, if
    /// anything: where the store has gone back, a new epoch begins.
    pub async fn head(&self, tenant: &TenantId, seen: Option<&Head>) -> Result<Head, EngineError> {
        let mut call = self.head.prepare_invoke();
        call.key(self.keys.tenant(tenant).head()).arg(fresh_epoch()).arg(now() / 1000).arg(millis(self.hold));
        if let Some(seen) = seen {
            call.arg(&*seen.epoch).arg(seen.seq);
        }
        let (epoch, seq): (String, u64) = self.link.ask(Request::Script(&call)).await?;
        Ok(Head { epoch: epoch.into(), seq })
    }

    /// All live legs of a stream, and the ended ones that changed last: of each user, or of the tenant.
    pub async fn latest(&self, stream: &Stream) -> Result<Legs, EngineError> {
        let (recent, _) = self.limits(stream);
        let Index { head, live, lists, .. } = self.index(stream, Part::Latest(recent)).await?;
        let listed = lists.iter().flatten().map(|(key, _)| key);
        let keys: HashSet<LegKey> = live.iter().chain(listed).cloned().collect();
        let mut legs = self.read(keys, head.seq).await?;
        // The index does not know how a leg without a hangup ended, so it gives some too many.
        let (live, ended): (HashSet<LegKey>, HashSet<LegKey>) =
            legs.keys().cloned().partition(|key| legs[key].leg.is_live());
        let recently = lists
            .iter()
            .flat_map(|list| list.iter().map(|(key, _)| key).filter(|key| ended.contains(*key)).take(recent));
        let chosen = live.iter().chain(recently);
        let found =
            chosen.filter_map(|key| Some(Found { key: key.clone(), stored: legs.remove(key)? })).collect();
        Ok(Legs { head, found })
    }

    /// The legs that changed after a number, in the order of their last changes; an error is where
    /// the stream is now, if that cannot be told any more, or is more than a snapshot would hold.
    pub async fn changes(
        &self,
        stream: &Stream,
        epoch: &str,
        after: u64,
    ) -> Result<Result<Legs, Head>, EngineError> {
        let (_, indexed) = self.limits(stream);
        let Index { head, floor, lists, .. } = self.index(stream, Part::After(after, indexed)).await?;
        let is_held = *head.epoch == *epoch && (floor..=head.seq).contains(&after);
        if !is_held || lists.iter().any(|list| list.len() >= indexed) {
            return Ok(Err(head));
        }
        let keys: HashSet<LegKey> = lists.into_iter().flatten().map(|(key, _)| key).collect();
        let wanted = keys.len();
        let legs = self.read(keys, head.seq).await?;
        if legs.len() < wanted {
            return Ok(Err(head));
        }
        let mut found: Vec<Found> = legs.into_iter().map(|(key, stored)| Found { key, stored }).collect();
        found.sort_by_key(|found| found.stored.seq);
        Ok(Ok(Legs { head, found }))
    }

    /// Legs by their keys, as they were at number `upto`; without those that are forgotten.
    pub async fn read(
        &self,
        keys: impl IntoIterator<Item = LegKey>,
        upto: u64,
    ) -> Result<HashMap<LegKey, Stored>, EngineError> {
        let keys: Vec<LegKey> = keys.into_iter().collect();
        let mut legs = HashMap::with_capacity(keys.len());
        for some in keys.chunks(TOGETHER) {
            let mut values = pipe();
            for LegKey { tenant, extension, leg } in some {
                values.hvals(self.keys.tenant(tenant).leg(extension, leg));
            }
            let values: Vec<Vec<Vec<u8>>> = self.link.ask(Request::Pipeline(&values)).await?;
            legs.extend(some.iter().zip(&values).filter_map(|(key, values)| {
                Some((key.clone(), Stored::read(values.iter().map(Vec::as_slice), upto)?))
            }));
        }
        Ok(legs)
    }

    async fn index(&self, stream: &Stream, part: Part) -> Result<Index, EngineError> {
        let tenant = stream.tenant();
        let keys = self.keys.tenant(tenant);
        let mut call = self.index.prepare_invoke();
        call.key(keys.head()).key(keys.live());
        call.arg(fresh_epoch()).arg(now() / 1000).arg(millis(self.hold));
        match part {
            Part::Latest(most) => call.arg("latest").arg(0).arg(most),
            Part::After(seq, most) => call.arg("changes").arg(seq).arg(most),
        };
        let users: &[Extension] = match stream {
            Stream::User { extensions, .. } => extensions,
            Stream::Tenant { .. } => &[],
        };
        match stream {
            Stream::Tenant { .. } => _ = call.key(keys.changes()),
            Stream::User { .. } => users.iter().for_each(|user| {
                call.key(keys.user(user)).arg(user.as_str());
            }),
        }
        let (epoch, seq, floor, live, lists): (String, u64, u64, Vec<String>, Vec<List>) =
            self.link.ask(Request::Script(&call)).await?;
        let whole = |member: &str| keys::leg_of(tenant, member);
        let lists = lists.into_iter().enumerate().map(|(nth, list)| {
            list.into_iter()
                .filter_map(move |(name, seq)| match users.get(nth) {
                    Some(user) => Some((
                        LegKey {
                            tenant: tenant.clone(),
                            extension: user.clone(),
                            leg: name.try_into().ok()?,
                        },
                        seq,
                    )),
                    None => Some((keys::leg_of(tenant, &name)?, seq)),
                })
                .collect()
        });
        Ok(Index {
            head: Head { epoch: epoch.into(), seq },
            floor,
            live: live.iter().filter_map(|member| whole(member)).collect(),
            lists: lists.collect(),
        })
    }

    /// How many ended calls a snapshot of the stream holds.
    pub fn most_recent(&self, stream: &Stream) -> usize {
        match stream {
            Stream::User { extensions, .. } => self.recent_per_user * extensions.len(),
            Stream::Tenant { .. } => self.recent_per_tenant,
        }
    }

    /// How many ended calls each index gives a snapshot, and how many legs an index.
    fn limits(&self, stream: &Stream) -> (usize, usize) {
        match stream {
            Stream::User { .. } => (self.recent_per_user, self.most_of_user()),
            Stream::Tenant { .. } => (self.recent_per_tenant, self.most_of_tenant()),
        }
    }

    fn most_of_user(&self) -> usize {
        self.recent_per_user + MORE_OF_USER
    }

    fn most_of_tenant(&self) -> usize {
        self.recent_per_tenant + MORE_OF_TENANT
    }
}

/// What the commit script needs to know of an event.
fn kind(what: &What) -> &'static str {
    match what {
        What::Phase { phase: Phase::Hangup, .. } => "hangup",
        What::Phase { .. } => "phase",
        What::Summary { .. } => "summary",
        What::Dismissed => "dismissed",
        What::Expired { .. } => "expired",
    }
}

/// The name of an epoch, should one begin.
fn fresh_epoch() -> String {
    Uuid::new_v4().simple().to_string()
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
