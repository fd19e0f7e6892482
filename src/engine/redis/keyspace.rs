//! What the scripts do, as calls: commit events, look at a tenant's head, read items.

mod index;

use super::{
    addition::Addition,
    keys::Keys,
    stored::{Head, Stored},
};
use crate::{
    call::MAX_TOLD_CONTENT,
    clock::now,
    config::Config,
    engine::{EngineError, EngineMetrics, MAX_ARCHIVED, MAX_ARCHIVED_BYTES, limits::Limits},
    event_set::Added,
    feed::Stream,
    id::{ItemKey, Kind, TenantId},
    link::{Link, LinkError, Request, call, call_of},
};
use index::{Index, Indexed, Part};
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

/// Beside the items that a snapshot holds, so many more of a user and of a tenant are indexed.
const MORE_OF_USER: usize = 256;
const MORE_OF_TENANT: usize = 4096;
/// Items that are read in one go.
const TOGETHER: usize = 256;
/// And bytes of their events, about: a script keeps everybody waiting.
const MOST_BYTES: usize = 256 * 1024;
/// What the commit script is told for all events.
const ARGS_OF_ALL: usize = 7;
/// How often a read is begun again since Redis was replaced meanwhile.
const TRIES: usize = 3;
const CHANGING: EngineError = EngineError::Unavailable("Redis is being replaced");
pub(super) const UNREADABLE: EngineError =
    EngineError::Unavailable("Redis holds something else than callpop wrote");

/// The data in Redis.
pub(crate) struct Keyspace {
    pub(crate) keys: Keys,
    pub(crate) link: Arc<Link>,
    metrics: Arc<EngineMetrics>,
    pub(crate) limits: Limits,
    /// How long any item stays after its last change.
    pub(super) hold: Duration,
    /// Of this node's life, and how many epochs it has given a name.
    name: String,
    epochs: AtomicU64,
    commit: Script,
    head: Script,
    index: Script,
    items: Script,
    archive: Script,
}

/// What a server says of the history that it is in: each primary begins its own.
pub(crate) type History = Arc<str>;

/// What became of an event, and the number of the change that made it known; 0 where it has no room.
pub(crate) type Outcome = (Added, u64);

/// The same, and in which history.
pub(crate) type Fate = Result<(Outcome, History), EngineError>;

/// The same; none where its item is settled, and must be warm before.
pub(crate) type Verdict = Result<Option<(Outcome, History)>, EngineError>;

/// An item of a stream, as it was when the stream was looked at.
pub(crate) struct Found {
    pub(crate) key: ItemKey,
    pub(crate) stored: Stored,
}

/// The items of a stream at one instant.
pub(crate) struct FoundItems {
    pub(crate) head: Head,
    pub(crate) found: Vec<Found>,
}

impl Keyspace {
    pub(crate) fn new(link: Arc<Link>, config: &Config, metrics: Arc<EngineMetrics>) -> Self {
        let limits = Limits::new(config);
        Self {
            keys: Keys::new(&config.engine.redis_prefix),
            link,
            metrics,
            limits,
            hold: limits.longest().max(config.calls.keep_ended + limits.expire_after),
            name: Uuid::new_v4().simple().to_string(),
            epochs: AtomicU64::new(0),
            commit: script!("commit"),
            head: script!("head"),
            index: script!("index"),
            items: script!("items"),
            archive: script!("archive"),
        }
    }

    /// Adds events of one tenant to their items, and publishes the changes: one call. Tells what became of each.
    pub(crate) async fn commit<'a>(
        &self,
        tenant: &TenantId,
        entries: impl ExactSizeIterator<Item = &'a Addition> + Clone,
    ) -> Result<Vec<Verdict>, EngineError> {
        let keys = self.keys.tenant(tenant);
        let hold = millis(self.hold);
        let bytes = entries.clone().map(Addition::bytes).sum();
        let mut ask = call_of(&self.commit, 2 + Kind::ALL.len() + 3 * entries.len(), bytes);
        ask.arg(keys.head()).arg(keys.live());
        Kind::ALL.iter().for_each(|kind| _ = ask.arg(keys.changes(*kind)));
        entries.clone().for_each(|entry| _ = ask.arg(&entry.keys(&keys)));
        ask.arg(self.fresh_epoch()).arg(now()).arg(hold).arg(self.hold_ghost()).arg(self.hold_index());
        ask.arg(self.publish()).arg(keys.channel());
        for kind in Kind::ALL {
            // The bounds are ranks from the end, at which to cut.
            ask.arg(millis(self.limits.of(kind).keep));
            ask.arg(-1 - self.most_of_user(kind) as i64).arg(-1 - self.kept_of_tenant(kind) as i64);
        }
        // What is stored apart comes last of all; its event says where.
        let mut last = ARGS_OF_ALL + Kind::ALL.len() * 3 + entries.len() * 3;
        for Addition { field, packed, manner, content, .. } in entries.clone() {
            ask.arg(field).arg(packed);
            match content {
                None => _ = ask.arg(manner),
                Some(_) => {
                    last += 1;
                    ask.arg(format!("{manner}:{last}"));
                }
            }
        }
        entries.filter_map(|entry| entry.content.as_deref()).for_each(|content| _ = ask.arg(content));
        let answer: Vec<String> = self.link.ask(Request::Script(&self.commit, &ask)).await?;
        let [history, outcomes, why @ ..] = answer.as_slice() else { return Err(UNREADABLE) };
        why.iter().for_each(|why| self.link.complain(why));
        let history: History = history.as_str().into();
        let verdict =
            |said: &str| -> Verdict { Ok(outcome(said)?.map(|outcome| (outcome, history.clone()))) };
        Ok(outcomes.split(' ').map(verdict).collect())
    }

    /// How long the version of an item stays, in milliseconds.
    pub(super) fn hold_ghost(&self) -> u64 {
        2 * millis(self.hold)
    }

    /// How long an index of a tenant stays, in milliseconds.
    pub(super) fn hold_index(&self) -> u64 {
        4 * millis(self.hold)
    }

    /// The command that publishes.
    pub(crate) fn publish(&self) -> &'static str {
        if self.link.is_cluster() { "SPUBLISH" } else { "PUBLISH" }
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

    /// All live items of a stream, and beside them those that changed last: of each user, or of the tenant.
    pub(crate) async fn latest(&self, stream: &Stream) -> Result<FoundItems, EngineError> {
        for _ in 0..TRIES {
            let Index { head, live, lists, .. } = self.index(stream, Part::Latest).await?;
            let listed = lists.iter().flat_map(|list| list.items.iter().map(|(key, _)| key));
            let keys = live.iter().chain(listed).cloned().collect::<HashSet<_>>().into_iter().collect();
            if let Ok(items) = self.read(stream.tenant(), keys, Some(&head)).await? {
                let mut found = self.choose(stream, items, &lists);
                self.tell(stream.tenant(), &mut found, MAX_TOLD_CONTENT).await?;
                return Ok(FoundItems { head, found });
            }
        }
        Err(CHANGING)
    }

    /// The items that changed after a number, in the order of their last changes; an error is where
    /// the stream is now, if that cannot be told any more, or is more than a snapshot would hold.
    pub(crate) async fn changes(
        &self,
        stream: &Stream,
        epoch: &str,
        after: u64,
    ) -> Result<Result<FoundItems, Head>, EngineError> {
        let Index { head, floor, lists, .. } = self.index(stream, Part::After { epoch, seq: after }).await?;
        let is_held = *head.epoch == *epoch && (floor..=head.seq).contains(&after);
        if !is_held || lists.iter().any(|list| list.is_full) {
            return Ok(Err(head));
        }
        let keys: Vec<ItemKey> = lists.into_iter().flat_map(|list| list.items).map(|(key, _)| key).collect();
        let wanted = keys.len();
        let items = match self.read(stream.tenant(), keys, Some(&head)).await? {
            Ok(items) if items.len() == wanted => items,
            // Some are forgotten.
            Ok(_) => return Ok(Err(head)),
            Err(head) => return Ok(Err(head)),
        };
        let mut found: Vec<Found> = items.into_iter().map(|(key, stored)| Found { key, stored }).collect();
        found.sort_by_key(|found| found.stored.seq);
        self.tell(stream.tenant(), &mut found, MAX_TOLD_CONTENT).await?;
        Ok(Ok(FoundItems { head, found }))
    }

    /// Reads items of a tenant, without those that are forgotten: as they were `at` a head, or as they
    /// are. An error is where the tenant is now, if that is another epoch.
    pub(crate) async fn read(
        &self,
        tenant: &TenantId,
        keys: Vec<ItemKey>,
        at: Option<&Head>,
    ) -> Result<Result<HashMap<ItemKey, Stored>, Head>, EngineError> {
        let names = self.keys.tenant(tenant);
        let mut items = HashMap::with_capacity(keys.len());
        let mut left = keys.as_slice();
        while !left.is_empty() {
            let some = &left[..left.len().min(TOGETHER)];
            let mut ask = call(&self.items, 1 + some.len());
            ask.arg(names.head());
            some.iter().for_each(|key| _ = ask.arg(names.item(key)));
            ask.arg(self.fresh_epoch()).arg(now() / 1000).arg(millis(self.hold)).arg(MOST_BYTES);
            let (epoch, seq, found): (String, u64, Vec<Vec<Vec<u8>>>) =
                self.link.ask(Request::Script(&self.items, &ask)).await?;
            if at.is_some_and(|at| *at.epoch != *epoch) {
                return Ok(Err(Head { epoch: epoch.into(), seq }));
            }
            // As many as the script had the bytes for.
            left = left.get(found.len().max(1)..).unwrap_or_default();
            let upto = at.map_or(u64::MAX, |at| at.seq);
            items.extend(some.iter().zip(&found).filter_map(|(key, values)| {
                let tell = || self.metrics.on_unreadable(key.name.id.as_str());
                Some((key.clone(), Stored::found(key.kind, values, upto, tell)?))
            }));
        }
        Ok(Ok(items))
    }

    /// The live items, and of each list the first that are not, as many as a snapshot holds: the index does not know
    /// how a call without a hangup ended, so it holds some too many.
    fn choose(&self, stream: &Stream, mut items: HashMap<ItemKey, Stored>, lists: &[Indexed]) -> Vec<Found> {
        let (live, others): (HashSet<ItemKey>, HashSet<ItemKey>) =
            items.keys().cloned().partition(|key| items[key].set.is_live());
        let recently = lists.iter().flat_map(|list| {
            let listed = list.items.iter().map(|(key, _)| key).filter(|key| others.contains(*key));
            listed.take(self.recent(stream, list.kind))
        });
        let chosen = live.iter().chain(recently);
        chosen.filter_map(|key| Some(Found { key: key.clone(), stored: items.remove(key)? })).collect()
    }

    /// The name of an epoch, should one begin. No two are the same, on whichever node.
    pub(super) fn fresh_epoch(&self) -> String {
        format!("{}-{:x}", self.name, self.epochs.fetch_add(1, Ordering::Relaxed))
    }

    /// How many items that are not live a snapshot takes from each index of the stream.
    fn recent(&self, stream: &Stream, kind: Kind) -> usize {
        let limits = self.limits.of(kind);
        match stream {
            Stream::User { .. } => limits.recent_per_user,
            Stream::Tenant { .. } => limits.recent_per_tenant,
        }
    }

    /// How many items each index of the stream holds at most.
    fn indexed(&self, stream: &Stream, kind: Kind) -> usize {
        match stream {
            Stream::User { .. } => self.most_of_user(kind),
            Stream::Tenant { .. } => self.most_of_tenant(kind),
        }
    }

    fn most_of_user(&self, kind: Kind) -> usize {
        self.limits.of(kind).recent_per_user + MORE_OF_USER
    }

    fn most_of_tenant(&self, kind: Kind) -> usize {
        self.limits.of(kind).recent_per_tenant + MORE_OF_TENANT
    }

    /// How many the tenant's index holds, though one read takes less of it.
    fn kept_of_tenant(&self, kind: Kind) -> usize {
        self.limits.of(kind).paged.unwrap_or_else(|| self.most_of_tenant(kind))
    }

    /// How long a head that is read stays, in milliseconds.
    pub(super) fn hold(&self) -> u64 {
        millis(self.hold)
    }
}

/// What the commit script says of an event.
fn outcome(said: &str) -> Result<Option<Outcome>, EngineError> {
    let (added, seq) = said.split_at_checked(1).unwrap_or((said, ""));
    let seq = seq.parse().unwrap_or_default();
    match added {
        "0" => Ok(Some((Added::Known, seq))),
        "1" => Ok(Some((Added::New, seq))),
        "2" => Ok(Some((Added::Full, 0))),
        "4" => Ok(None),
        _ => Err(LinkError::Refused.into()),
    }
}

pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
