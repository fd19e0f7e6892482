//! The store of many nodes: one script call a step, in one slot of a cluster, and then the wait
//! for replicas and the disk, as far as is configured. A step that is tried again since its answer
//! was lost is the same attempt, and finds what the first try did.

use super::{Changes, MOST_CALLS, MOST_SECRETS, Row, StoreError, Swap, TOO_MANY, millis};
use crate::{
    config::{self, Durability},
    link::{Confirm, Link, LinkError, Request, Source, call},
    metrics::Metrics,
    tasks::{Kept, Tasks},
};
use redis::{FromRedisValue, Script, pipe};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    sync::{Semaphore, SemaphorePermit, oneshot},
    time::timeout_at,
};
use uuid::Uuid;

macro_rules! script {
    ($name:literal) => {
        Script::new(concat!(
            include_str!("scripts/begin.lua"),
            include_str!(concat!("scripts/", $name, ".lua"))
        ))
    };
}

/// How long the start waits to learn whether Redis can be used.
const START: Duration = Duration::from_secs(5);
/// How long an attempt is known: much longer than it is tried.
const ATTEMPT: Duration = Duration::from_secs(60);
const UNREADABLE: StoreError = StoreError::Unavailable("Redis holds something else than callpop wrote");

/// This node's way to the store.
pub struct Redis {
    link: Arc<Link>,
    /// None where memory is enough.
    confirm: Option<Arc<Confirm>>,
    has_replicas: Arc<AtomicBool>,
    keys: Keys,
    scripts: Scripts,
    calls: Semaphore,
    _kept: Vec<Kept>,
}

struct Scripts {
    swap: Script,
    get: Script,
    changes: Script,
    put: Script,
    take: Script,
}

/// A server's replication history, and how many replicas follow it.
type Replication = (String, u32);

impl Redis {
    /// Connects, and keeps connected. A Redis that is away is no error, one that cannot be used is.
    pub(crate) async fn open(
        engine: &config::Engine,
        metrics: &Metrics,
        tasks: &Tasks,
    ) -> Result<Self, StoreError> {
        let source =
            Source::new(engine).map_err(|why| StoreError::CannotOpen(format!("engine.redis_url: {why}")))?;
        let source = Arc::new(source);
        let link = Arc::new(Link::new("sidecar", metrics));
        let mut kept = Vec::new();
        let (first, went) = oneshot::channel();
        let keep = link.clone().keep(source.clone(), None, || {}, |outcome| _ = first.send(outcome));
        kept.push(tasks.keep("sidecar redis", keep));
        let (tried, confirms) = oneshot::channel();
        let has_replicas = Arc::<AtomicBool>::default();
        let confirm = (engine.durability == Durability::Fsync).then(|| {
            let own = Arc::new(Link::new("sidecar confirmations", metrics));
            let (confirm, waiters) = Confirm::new(engine, own.clone(), has_replicas.clone());
            let confirm = Arc::new(confirm);
            let keep = own.keep(source, None, || {}, |_| _ = tried.send(()));
            kept.push(tasks.keep("sidecar redis confirmations", keep));
            let run = confirm.clone().run(waiters, link.clone());
            kept.push(tasks.keep("sidecar confirm", run));
            confirm
        });
        let end = Instant::now() + START;
        if let Ok(Ok(Err(why))) = timeout_at(end.into(), went).await
            && why.is_final()
        {
            return Err(StoreError::CannotOpen(format!("cannot use this Redis: {why}")));
        }
        // Who writes at once would otherwise be told that a Redis is away which is only slow to connect to.
        let _ = timeout_at(end.into(), confirms).await;
        Ok(Self {
            link,
            confirm,
            has_replicas,
            keys: Keys::new(&engine.redis_prefix),
            scripts: Scripts {
                swap: script!("swap"),
                get: script!("get"),
                changes: script!("changes"),
                put: script!("put"),
                take: script!("take"),
            },
            calls: Semaphore::new(MOST_CALLS),
            _kept: kept,
        })
    }

    pub(crate) async fn get(&self, name: &str) -> Result<Option<Row>, StoreError> {
        let _place = self.place()?;
        let mut get = pipe();
        get.hget(self.keys.rows(), name);
        let (stored,): (Option<String>,) = self.ask(Request::Pipeline(&get)).await.map_err(not_read)?;
        stored.map(|stored| row(name, &stored)).transpose()
    }

    pub(crate) async fn get_durable(&self, name: &str) -> Result<Option<Row>, StoreError> {
        let _place = self.place()?;
        let mut ask = call(&self.scripts.get, 1);
        ask.arg(self.keys.rows()).arg(name);
        let (stored, history, replicas): (Option<String>, _, _) =
            self.ask(Request::Script(&self.scripts.get, &ask)).await.map_err(not_read)?;
        self.confirm((history, replicas)).await.map_err(|error| match error {
            StoreError::Unknown(why) => StoreError::Unavailable(why),
            error => error,
        })?;
        stored.map(|stored| row(name, &stored)).transpose()
    }

    pub(crate) async fn swap(&self, name: &str, was: u64, value: &str) -> Result<Swap, StoreError> {
        let _place = self.place()?;
        let mut ask = call(&self.scripts.swap, 4);
        ask.arg(self.keys.head()).arg(self.keys.rows()).arg(self.keys.order());
        ask.arg(self.keys.attempt(&token()));
        ask.arg(token()).arg(name).arg(was).arg(value).arg(millis(ATTEMPT));
        let (seq, stands, history, replicas): (Option<u64>, Option<String>, _, _) =
            self.ask(Request::Script(&self.scripts.swap, &ask)).await.map_err(not_written)?;
        let Some(seq) = seq else {
            return Ok(Swap::Lost(stands.map(|stands| row(name, &stands)).transpose()?));
        };
        self.confirm((history, replicas)).await?;
        Ok(Swap::Done(Row { name: name.to_owned(), revision: was + 1, seq, value: value.to_owned() }))
    }

    pub(crate) async fn changes(
        &self,
        lineage: &str,
        after: u64,
        most: usize,
    ) -> Result<Changes, StoreError> {
        let _place = self.place()?;
        let mut ask = call(&self.scripts.changes, 3);
        ask.arg(self.keys.head()).arg(self.keys.rows()).arg(self.keys.order());
        ask.arg(token()).arg(lineage).arg(after).arg(most);
        let (lineage, names, rows): (String, Vec<String>, Vec<Option<String>>) =
            self.ask(Request::Script(&self.scripts.changes, &ask)).await.map_err(not_read)?;
        let rows = names.iter().zip(rows).map(|(name, stored)| row(name, &stored.ok_or(UNREADABLE)?));
        Ok(Changes { lineage, rows: rows.collect::<Result<_, _>>()? })
    }

    pub(crate) async fn put_once(&self, name: &str, value: &str, ttl: Duration) -> Result<(), StoreError> {
        let _place = self.place()?;
        let mut ask = call(&self.scripts.put, 2);
        ask.arg(self.keys.secret(name)).arg(self.keys.secrets());
        ask.arg(token()).arg(value).arg(millis(ttl).max(1)).arg(MOST_SECRETS);
        let (outcome, history, replicas): (u8, _, _) =
            self.ask(Request::Script(&self.scripts.put, &ask)).await.map_err(not_written)?;
        match outcome {
            0 => Err(StoreError::Taken),
            1 => self.confirm((history, replicas)).await,
            _ => Err(StoreError::Full),
        }
    }

    pub(crate) async fn take(&self, name: &str) -> Result<Option<String>, StoreError> {
        let _place = self.place()?;
        let mut ask = call(&self.scripts.take, 1);
        ask.arg(self.keys.secret(name)).arg(token());
        let (secret, history, replicas): (Option<String>, _, _) =
            self.ask(Request::Script(&self.scripts.take, &ask)).await.map_err(not_written)?;
        if secret.is_some() {
            self.confirm((history, replicas)).await?;
        }
        Ok(secret)
    }

    fn place(&self) -> Result<SemaphorePermit<'_>, StoreError> {
        self.calls.try_acquire().map_err(|_| TOO_MANY)
    }

    async fn ask<T: FromRedisValue>(&self, request: Request<'_>) -> Result<T, LinkError> {
        let began = Instant::now();
        let answer = self.link.ask(request).await;
        // Slow or silent: a new connection tells which, unless others were answered meanwhile.
        if matches!(answer, Err(LinkError::Late)) && !self.link.has_answered_since(began) {
            self.link.give_up_any();
        }
        answer
    }

    /// Waits until what was written in that history is as durable as is configured.
    async fn confirm(&self, (history, replicas): Replication) -> Result<(), StoreError> {
        if replicas > 0 {
            self.has_replicas.store(true, Ordering::Relaxed);
        }
        let Some(confirm) = &self.confirm else { return Ok(()) };
        let asked = confirm.ask(self.keys.fence(), history.into());
        let Some(confirmed) = asked.map_err(|why| StoreError::Unknown(why.reason()))? else { return Ok(()) };
        match confirmed.await {
            Ok(outcome) => outcome.map_err(|why| StoreError::Unknown(why.reason())),
            Err(_) => Err(StoreError::Unknown("the store is being closed")),
        }
    }
}

/// The names in Redis. No tenant's keys end like these, whatever the tenant's name is.
struct Keys {
    base: String,
}

impl Keys {
    fn new(prefix: &str) -> Self {
        Self { base: format!("{prefix}:{{sidecar}}:integrations") }
    }

    /// A hash: the lineage, its history, and the last number.
    fn head(&self) -> String {
        format!("{}:head", self.base)
    }

    /// A hash by name: revision, number and value.
    fn rows(&self) -> String {
        format!("{}:rows", self.base)
    }

    /// Every row's name at its number.
    fn order(&self) -> String {
        format!("{}:order", self.base)
    }

    /// The number that a swap has.
    fn attempt(&self, token: &str) -> String {
        format!("{}:attempt:{token}", self.base)
    }

    /// A one-time secret, with who put it and who took it.
    fn secret(&self, name: &str) -> String {
        format!("{}:secret:{name}", self.base)
    }

    /// The keys of the secrets by when they expire.
    fn secrets(&self) -> String {
        format!("{}:secrets", self.base)
    }

    /// Written only to know how far replication and the disk are.
    fn fence(&self) -> String {
        format!("{}:fence", self.base)
    }
}

fn row(name: &str, stored: &str) -> Result<Row, StoreError> {
    let mut parts = stored.splitn(3, ':');
    let mut number = || parts.next()?.parse().ok();
    let (revision, seq) = (number(), number());
    match (revision, seq, parts.next()) {
        (Some(revision), Some(seq), Some(value)) => {
            Ok(Row { name: name.to_owned(), revision, seq, value: value.to_owned() })
        }
        _ => Err(UNREADABLE),
    }
}

fn not_read(error: LinkError) -> StoreError {
    StoreError::Unavailable(error.reason())
}

fn not_written(error: LinkError) -> StoreError {
    match error {
        LinkError::Away | LinkError::Refused => StoreError::Unavailable(error.reason()),
        LinkError::Late | LinkError::Broken => StoreError::Unknown(error.reason()),
    }
}

fn token() -> String {
    Uuid::new_v4().simple().to_string()
}
