//! Waits until what was committed is as durable as was promised: on so many replicas, and on the
//! disk where the server can tell. One wait is for all that came before it.

use super::{
    link::Link,
    probe::Probe,
    wire::{Wire, field},
};
use crate::{config, engine::EngineError};
use redis::{RedisResult, pipe};
use std::{
    collections::HashMap,
    io, mem,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
    time::timeout,
};

/// How long replicas and disk may take. With `appendfsync everysec` the disk takes up to a second.
const WAIT: Duration = Duration::from_millis(1500);
const DEADLINE: Duration = Duration::from_secs(2);
/// Commits that may wait at the same time.
const MOST_WAITING: usize = 8192;
/// The first version with `WAITAOF`.
const WAITAOF_SINCE: (u32, u32) = (7, 2);

const AWAY: EngineError = EngineError::Unavailable("Redis is away");
const TOO_FEW: EngineError =
    EngineError::Unavailable("too few replicas, or no disk, confirmed the event in time");
const TOO_MANY: EngineError = EngineError::Unavailable("too many events wait for replicas or the disk");

/// Tells when it is done, and how it went.
pub type Confirmed = oneshot::Receiver<Result<(), EngineError>>;

/// Those that wait for the task.
pub struct Waiters(mpsc::Receiver<Waiter>);

/// Whoever waits, and the key beside what was committed.
struct Waiter {
    fence: String,
    done: oneshot::Sender<Result<(), EngineError>>,
}

/// Confirms what was committed before it is asked.
pub struct Confirm {
    asked: mpsc::Sender<Waiter>,
    probe: Arc<Probe>,
    /// As configured; otherwise one, where the primary has any.
    replicas: Option<usize>,
    disk: AtomicU8,
}

/// Whether the server tells how far its disk is.
mod disk {
    pub const UNKNOWN: u8 = 0;
    pub const SILENT: u8 = 1;
    pub const TELLS: u8 = 2;
}

impl Confirm {
    pub fn new(engine: &config::Engine, probe: Arc<Probe>) -> (Self, Waiters) {
        let (asked, waiters) = mpsc::channel(MOST_WAITING);
        let replicas = engine.redis_wait_replicas;
        (Self { asked, probe, replicas, disk: AtomicU8::new(disk::UNKNOWN) }, Waiters(waiters))
    }

    /// Confirms what was committed so far beside the key `fence`; at once where there is nothing
    /// to wait for.
    pub fn ask(&self, fence: String) -> Result<Option<Confirmed>, EngineError> {
        if self.replicas() == 0 && self.disk.load(Ordering::Relaxed) == disk::SILENT {
            return Ok(None);
        }
        let (done, confirmed) = oneshot::channel();
        self.asked.try_send(Waiter { fence, done }).map_err(|_| TOO_MANY)?;
        Ok(Some(confirmed))
    }

    /// Confirms, for ever.
    pub async fn run(self: Arc<Self>, Waiters(mut waiters): Waiters, link: Arc<Link>) {
        let mut seen = 0;
        let mut waiting = Vec::new();
        while waiters.recv_many(&mut waiting, MOST_WAITING).await > 0 {
            let Ok((mut wire, nth)) = link.wire().await else {
                waiting.drain(..).for_each(|waiter| waiter.answer(Err(AWAY)));
                continue;
            };
            if nth != seen {
                self.disk.store(learn(&mut wire).await, Ordering::Relaxed);
                seen = nth;
            }
            let mut fences = JoinSet::new();
            for (fence, waiters) in by_fence(waiting.drain(..), wire.is_cluster()) {
                fences.spawn(self.clone().fence(wire.clone(), fence, waiters));
            }
            while let Some(went) = fences.join_next().await {
                if matches!(went, Ok(Err(_))) {
                    link.give_up(nth);
                }
            }
        }
    }

    /// A write, and a wait for all up to it.
    async fn fence(self: Arc<Self>, mut wire: Wire, fence: String, waiters: Vec<Waiter>) -> RedisResult<()> {
        let replicas = self.replicas();
        let tells = self.disk.load(Ordering::Relaxed) == disk::TELLS;
        let mut pipeline = pipe();
        pipeline.cmd("SET").arg(fence).arg(1).arg("PX").arg(60_000).ignore();
        match tells {
            true => pipeline.cmd("WAITAOF").arg(1).arg(replicas),
            false => pipeline.cmd("WAIT").arg(replicas),
        };
        pipeline.arg(WAIT.as_millis() as u64);
        let asked = async {
            // `WAITAOF` answers for the local disk and for the replicas' disks, `WAIT` for replicas.
            if tells {
                let ((local, remote),): ((usize, usize),) = pipeline.query_async(&mut wire).await?;
                return Ok(local == 1 && remote >= replicas);
            }
            let (confirmed,): (usize,) = pipeline.query_async(&mut wire).await?;
            Ok(confirmed >= replicas)
        };
        let went = timeout(DEADLINE, asked)
            .await
            .unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut).into()));
        let outcome = match &went {
            Ok(true) => Ok(()),
            Ok(false) => Err(TOO_FEW),
            Err(_) => Err(AWAY),
        };
        waiters.into_iter().for_each(|waiter| waiter.answer(outcome.clone()));
        went.map(drop)
    }

    fn replicas(&self) -> usize {
        self.replicas.unwrap_or_else(|| self.probe.replicas.load(Ordering::Relaxed).min(1))
    }
}

impl Waiter {
    fn answer(self, outcome: Result<(), EngineError>) {
        // Whoever asked may be gone.
        let _ = self.done.send(outcome);
    }
}

/// One wait is enough for one server; which of a cluster's it is, the key says.
fn by_fence(waiters: impl Iterator<Item = Waiter>, is_cluster: bool) -> HashMap<String, Vec<Waiter>> {
    let mut fences: HashMap<String, Vec<Waiter>> = HashMap::new();
    for mut waiter in waiters {
        let fence = match fences.keys().next() {
            Some(one) if !is_cluster => one.clone(),
            _ => mem::take(&mut waiter.fence),
        };
        fences.entry(fence).or_default().push(waiter);
    }
    fences
}

async fn learn(wire: &mut Wire) -> u8 {
    let infos = timeout(DEADLINE, wire.info("server")).await.ok().and_then(Result::ok).unwrap_or_default();
    let version = |info: &String| {
        let mut parts = field(info, "redis_version")?.split('.');
        Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
    };
    match infos.iter().map(version).collect::<Option<Vec<(u32, u32)>>>() {
        Some(versions) if versions.is_empty() => disk::UNKNOWN,
        Some(versions) if versions.iter().all(|version| *version >= WAITAOF_SINCE) => disk::TELLS,
        _ => disk::SILENT,
    }
}
