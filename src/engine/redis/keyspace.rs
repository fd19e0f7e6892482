//! What the scripts do, as calls: commit an event, look at a tenant's head, read legs.

use super::{
    keys::{self, Keys},
    packed::Pack,
    stored::{Head, Stored},
};
use crate::{
    call::{Added, CallEvent, LegKey, MAX_EVENTS, MAX_PHASES, MAX_WITH_ENDS, MAX_WRAP_UPS, Phase, What},
    clock::now,
    config,
    engine::{EngineError, EngineMetrics, MAX_ARCHIVED, MAX_ARCHIVED_BYTES},
    feed::Stream,
    id::{Extension, TenantId},
    link::{Link, LinkError, Request, call, call_of},
};
use redis::Script;
use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
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
/// How often a read is begun again since Redis was replaced meanwhile.
const TRIES: usize = 3;
const CHANGING: EngineError = EngineError::Unavailable("Redis is being replaced");
const UNREADABLE: EngineError = EngineError::Unavailable("Redis holds something else than callpop wrote");

/// The data in Redis.
pub(crate) struct Keyspace {
    pub(crate) keys: Keys,
    pub(crate) link: Arc<Link>,
    metrics: Arc<EngineMetrics>,
    /// How long an ended leg stays.
    keep: Duration,
    /// How long any leg stays after its last change.
    hold: Duration,
    recent_per_user: usize,
    recent_per_tenant: usize,
    /// Of this node's life, and how many epochs it has given a name.
    name: String,
    epochs: AtomicU64,
    commit: Script,
    head: Script,
    index: Script,
    legs: Script,
    archive: Script,
}

/// What a server says of the history that it is in: each primary begins its own.
pub(crate) type History = Arc<str>;

/// An event on its way to Redis.
pub(crate) struct Addition {
    event: CallEvent,
    json: String,
}

/// A leg of a stream, as it was when the stream was looked at.
pub(crate) struct Found {
    pub(crate) key: LegKey,
    pub(crate) stored: Stored,
}

/// The legs of a stream at one instant.
pub(crate) struct Legs {
    pub(crate) head: Head,
    pub(crate) found: Vec<Found>,
}

/// What an index says.
struct Index {
    head: Head,
    floor: u64,
    live: Vec<LegKey>,
    /// Legs and their numbers, one list for each user of the stream, or one for the tenant.
    lists: Vec<Vec<(LegKey, u64)>>,
}

/// Members and their numbers, as an index holds them.
type List = Vec<(String, u64)>;

/// Which part of an index is read.
enum Part<'a> {
    /// The live legs, and so many of those that changed last.
    Latest(usize),
    /// At most so many of those that changed after a number of an epoch.
    After { epoch: &'a str, seq: u64, most: usize },
}

impl Addition {
    pub(crate) fn new(event: CallEvent) -> Result<Self, EngineError> {
        let json = serde_json::to_string(&Pack(&event.event)).map_err(|_| UNREADABLE)?;
        Ok(Self { event, json })
    }

    /// What it has to say.
    pub(crate) fn bytes(&self) -> usize {
        self.json.len()
    }
}

impl Keyspace {
    pub(crate) fn new(
        link: Arc<Link>,
        engine: &config::Engine,
        calls: &config::Calls,
        metrics: Arc<EngineMetrics>,
    ) -> Self {
        Self {
            keys: Keys::new(&engine.redis_prefix),
            link,
            metrics,
            keep: calls.keep_ended,
            hold: calls.keep_ended + calls.expire_after,
            recent_per_user: calls.recent_per_user,
            recent_per_tenant: calls.recent_per_tenant,
            name: Uuid::new_v4().simple().to_string(),
            epochs: AtomicU64::new(0),
            commit: script!("commit"),
            head: script!("head"),
            index: script!("index"),
            legs: script!("legs"),
            archive: script!("archive"),
        }
    }

    /// Adds events of one tenant to their legs, and publishes the changes: one call. Tells what became of each, and
    /// in which history.
    pub(crate) async fn commit<'a>(
        &self,
        tenant: &TenantId,
        entries: impl ExactSizeIterator<Item = &'a Addition> + Clone,
    ) -> Result<(Vec<Result<Added, EngineError>>, History), EngineError> {
        let keys = self.keys.tenant(tenant);
        let publish = if self.link.is_cluster() { "SPUBLISH" } else { "PUBLISH" };
        let hold = millis(self.hold);
        let bytes = entries.clone().map(Addition::bytes).sum();
        let mut ask = call_of(&self.commit, 3 + 3 * entries.len(), bytes);
        ask.arg(keys.head()).arg(keys.changes()).arg(keys.live());
        for Addition { event: CallEvent { extension, leg, .. }, .. } in entries.clone() {
            ask.arg(keys.leg(extension, leg)).arg(keys.ghost(extension, leg)).arg(keys.user(extension));
        }
        ask.arg(self.fresh_epoch()).arg(now()).arg(millis(self.keep)).arg(hold).arg(2 * hold).arg(4 * hold);
        // The bounds are ranks from the end, at which to cut.
        ask.arg(publish).arg(keys.channel());
        ask.arg(-1 - self.most_of_user() as i64).arg(-1 - self.most_of_tenant() as i64);
        ask.arg(MAX_PHASES).arg(MAX_EVENTS).arg(MAX_WITH_ENDS).arg(MAX_WRAP_UPS);
        for Addition { event: CallEvent { event, .. }, json } in entries {
            ask.arg(event.identity()).arg(json).arg(kind(&event.what));
        }
        let answer: Vec<String> = self.link.ask(Request::Script(&self.commit, &ask)).await?;
        let [history, outcomes, why @ ..] = answer.as_slice() else { return Err(UNREADABLE) };
        why.iter().for_each(|why| self.link.complain(why));
        let outcome = |outcome| match outcome {
            b'0' => Ok(Added::Known),
            b'1' => Ok(Added::New),
            b'2' => Ok(Added::Full),
            _ => Err(LinkError::Refused.into()),
        };
        Ok((outcomes.bytes().map(outcome).collect(), history.as_str().into()))
    }

    /// Keeps what is no call's event, once, within the bounds of every engine. Tells in which history.
    pub(crate) async fn archive(&self, row: String) -> Result<History, EngineError> {
        let [rows, bytes, _] = self.keys.archive();
        let mut ask = call(&self.archive, 2);
        ask.arg(rows).arg(bytes).arg(now()).arg(row).arg(MAX_ARCHIVED).arg(MAX_ARCHIVED_BYTES);
        let history: String = self.link.ask(Request::Script(&self.archive, &ask)).await?;
        Ok(history.into())
    }

    /// A tenant's head, which is made where there is none. `seen` is what was there before, if
    /// anything: where the store has gone back, a new epoch begins.
    pub(crate) async fn head(&self, tenant: &TenantId, seen: Option<&Head>) -> Result<Head, EngineError> {
        let mut ask = call(&self.head, 1);
        ask.arg(self.keys.tenant(tenant).head());
        ask.arg(self.fresh_epoch()).arg(now() / 1000).arg(millis(self.hold));
        if let Some(seen) = seen {
            ask.arg(&*seen.epoch).arg(seen.seq);
        }
        let (epoch, seq): (String, u64) = self.link.ask(Request::Script(&self.head, &ask)).await?;
        Ok(Head { epoch: epoch.into(), seq })
    }

    /// All live legs of a stream, and the ended ones that changed last: of each user, or of the tenant.
    pub(crate) async fn latest(&self, stream: &Stream) -> Result<Legs, EngineError> {
        let recent = match stream {
            Stream::User { .. } => self.recent_per_user,
            Stream::Tenant { .. } => self.recent_per_tenant,
        };
        for _ in 0..TRIES {
            let Index { head, live, lists, .. } = self.index(stream, Part::Latest(recent)).await?;
            let listed = lists.iter().flatten().map(|(key, _)| key);
            let keys = live.iter().chain(listed).cloned().collect::<HashSet<_>>().into_iter().collect();
            if let Ok(legs) = self.read(stream.tenant(), keys, Some(&head)).await? {
                return Ok(Legs { head, found: choose(legs, &lists, recent) });
            }
        }
        Err(CHANGING)
    }

    /// The legs that changed after a number, in the order of their last changes; an error is where
    /// the stream is now, if that cannot be told any more, or is more than a snapshot would hold.
    pub(crate) async fn changes(
        &self,
        stream: &Stream,
        epoch: &str,
        after: u64,
    ) -> Result<Result<Legs, Head>, EngineError> {
        let indexed = match stream {
            Stream::User { .. } => self.most_of_user(),
            Stream::Tenant { .. } => self.most_of_tenant(),
        };
        let Index { head, floor, lists, .. } =
            self.index(stream, Part::After { epoch, seq: after, most: indexed }).await?;
        let is_held = *head.epoch == *epoch && (floor..=head.seq).contains(&after);
        if !is_held || lists.iter().any(|list| list.len() >= indexed) {
            return Ok(Err(head));
        }
        let keys: Vec<LegKey> = lists.into_iter().flatten().map(|(key, _)| key).collect();
        let wanted = keys.len();
        let legs = match self.read(stream.tenant(), keys, Some(&head)).await? {
            Ok(legs) if legs.len() == wanted => legs,
            // Some are forgotten.
            Ok(_) => return Ok(Err(head)),
            Err(head) => return Ok(Err(head)),
        };
        let mut found: Vec<Found> = legs.into_iter().map(|(key, stored)| Found { key, stored }).collect();
        found.sort_by_key(|found| found.stored.seq);
        Ok(Ok(Legs { head, found }))
    }

    /// Legs of a tenant, without those that are forgotten: as they were `at` a head, or as they
    /// are. An error is where the tenant is now, if that is another epoch.
    pub(crate) async fn read(
        &self,
        tenant: &TenantId,
        keys: Vec<LegKey>,
        at: Option<&Head>,
    ) -> Result<Result<HashMap<LegKey, Stored>, Head>, EngineError> {
        let names = self.keys.tenant(tenant);
        let mut legs = HashMap::with_capacity(keys.len());
        for some in keys.chunks(TOGETHER) {
            let mut ask = call(&self.legs, 1 + some.len());
            ask.arg(names.head());
            some.iter().for_each(|key| _ = ask.arg(names.leg(&key.extension, &key.leg)));
            ask.arg(self.fresh_epoch()).arg(now() / 1000).arg(millis(self.hold));
            let (epoch, seq, found): (String, u64, Vec<Vec<String>>) =
                self.link.ask(Request::Script(&self.legs, &ask)).await?;
            if at.is_some_and(|at| *at.epoch != *epoch) {
                return Ok(Err(Head { epoch: epoch.into(), seq }));
            }
            let upto = at.map_or(u64::MAX, |at| at.seq);
            legs.extend(some.iter().zip(&found).filter_map(|(key, values)| {
                let values = values.iter().map(String::as_str);
                let stored = Stored::read(values, upto, || self.metrics.on_unreadable(key.leg.id.as_str()));
                Some((key.clone(), stored?))
            }));
        }
        Ok(Ok(legs))
    }

    async fn index(&self, stream: &Stream, part: Part<'_>) -> Result<Index, EngineError> {
        let tenant = stream.tenant();
        let keys = self.keys.tenant(tenant);
        let (users, indexes): (&[Extension], Vec<String>) = match stream {
            Stream::Tenant { .. } => (&[], vec![keys.changes()]),
            Stream::User { extensions, .. } => {
                (extensions, extensions.iter().map(|it| keys.user(it)).collect())
            }
        };
        let mut ask = call(&self.index, 2 + indexes.len());
        ask.arg(keys.head()).arg(keys.live()).arg(indexes);
        ask.arg(self.fresh_epoch()).arg(now() / 1000).arg(millis(self.hold));
        match part {
            Part::Latest(most) => ask.arg("latest").arg(0).arg(most),
            Part::After { epoch, seq, most } => ask.arg(epoch).arg(seq).arg(most),
        };
        users.iter().for_each(|user| _ = ask.arg(user.as_str()));
        let (epoch, seq, floor, live, lists): (String, u64, u64, Vec<String>, Vec<List>) =
            self.link.ask(Request::Script(&self.index, &ask)).await?;
        let list = |list: List| {
            list.into_iter().filter_map(|(member, seq)| Some((keys::leg_of(tenant, &member)?, seq))).collect()
        };
        Ok(Index {
            head: Head { epoch: epoch.into(), seq },
            floor,
            live: live.iter().filter_map(|member| keys::leg_of(tenant, member)).collect(),
            lists: lists.into_iter().map(list).collect(),
        })
    }

    /// The name of an epoch, should one begin. No two are the same, on whichever node.
    fn fresh_epoch(&self) -> String {
        format!("{}-{:x}", self.name, self.epochs.fetch_add(1, Ordering::Relaxed))
    }

    /// How many ended calls a snapshot of the stream holds.
    pub(crate) fn most_recent(&self, stream: &Stream) -> usize {
        match stream {
            Stream::User { extensions, .. } => self.recent_per_user * extensions.len(),
            Stream::Tenant { .. } => self.recent_per_tenant,
        }
    }

    fn most_of_user(&self) -> usize {
        self.recent_per_user + MORE_OF_USER
    }

    fn most_of_tenant(&self) -> usize {
        self.recent_per_tenant + MORE_OF_TENANT
    }
}

/// The live legs, and of each list the first `recent` that are not: the index does not know how
/// a leg without a hangup ended, so it holds some too many.
fn choose(mut legs: HashMap<LegKey, Stored>, lists: &[Vec<(LegKey, u64)>], recent: usize) -> Vec<Found> {
    let (live, ended): (HashSet<LegKey>, HashSet<LegKey>) =
        legs.keys().cloned().partition(|key| legs[key].leg.is_live());
    let recently = lists
        .iter()
        .flat_map(|list| list.iter().map(|(key, _)| key).filter(|key| ended.contains(*key)).take(recent));
    let chosen = live.iter().chain(recently);
    chosen.filter_map(|key| Some(Found { key: key.clone(), stored: legs.remove(key)? })).collect()
}

/// What the commit script needs to know of an event.
fn kind(what: &What) -> &'static str {
    match what {
        What::Phase { phase: Phase::Hangup, .. } => "hangup",
        What::Phase { .. } => "phase",
        What::Summary { .. } => "summary",
        What::Dismissed => "dismissed",
        What::Expired { .. } => "expired",
        What::WrapUp { .. } => "wrap_up",
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
