//! Waits until what was written is as durable as was promised: on so many replicas, and on the
//! disk where the server can tell. One wait is for all that came before it.

use super::{Link, Wire, field};
use crate::config;
use futures_util::{StreamExt, stream};
use parking_lot::Mutex;
use redis::{RedisError, RedisResult, Value, from_redis_value, pipe};
use std::{
    collections::HashMap,
    mem,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

/// How long replicas and disk may take. With `appendfsync everysec` the disk takes up to a second.
const WAIT: Duration = Duration::from_millis(1500);
const DEADLINE: Duration = Duration::from_secs(2);
/// Writes that may wait at the same time.
const MOST_WAITING: usize = 8192;
/// Fences of a cluster that are under way at the same time.
const AT_ONCE: usize = 256;
/// The first version with `WAITAOF`.
const WAITAOF_SINCE: (u32, u32) = (7, 2);

/// Why it is not known to be durable.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[error("{}", self.reason())]
pub(crate) enum Unconfirmed {
    Away,
    Late,
    TooFew,
    TooMany,
}

/// Tells when it is done, and how it went.
pub(crate) type Confirmed = oneshot::Receiver<Result<(), Unconfirmed>>;

/// Those that wait for the task.
pub(crate) struct Waiters(mpsc::Receiver<Waiter>);

/// Whoever waits.
struct Waiter {
    /// A key beside what was written.
    fence: String,
    /// In which history that was: another server knows nothing of it.
    history: Arc<str>,
    done: oneshot::Sender<Result<(), Unconfirmed>>,
}

/// Confirms what was written before it is asked.
pub(crate) struct Confirm {
    pub(crate) link: Arc<Link>,
    asked: mpsc::Sender<Waiter>,
    /// Whether the primary was ever seen with a replica.
    has_replicas: Arc<AtomicBool>,
    /// As configured; otherwise one, where there ever was any.
    replicas: Option<usize>,
    disk: AtomicU8,
    /// Why what was asked last was not confirmed, if so.
    trouble: Mutex<Option<Unconfirmed>>,
}

/// Whether the server tells how far its disk is.
mod disk {
    pub(crate) const UNKNOWN: u8 = 0;
    pub(crate) const SILENT: u8 = 1;
    pub(crate) const TELLS: u8 = 2;
}

impl Confirm {
    pub(crate) fn new(
        engine: &config::Engine,
        link: Arc<Link>,
        has_replicas: Arc<AtomicBool>,
    ) -> (Self, Waiters) {
        let (asked, waiters) = mpsc::channel(MOST_WAITING);
        let (replicas, disk) = (engine.redis_wait_replicas, AtomicU8::new(disk::UNKNOWN));
        let trouble = Mutex::default();
        (Self { link, asked, has_replicas, replicas, disk, trouble }, Waiters(waiters))
    }

    /// Confirms what was written so far beside the key `fence`; at once where there is nothing
    /// to wait for.
    pub(crate) fn ask(&self, fence: String, history: Arc<str>) -> Result<Option<Confirmed>, Unconfirmed> {
        if self.waits_for_nothing() {
            return Ok(None);
        }
        let (done, confirmed) = oneshot::channel();
        self.asked.try_send(Waiter { fence, history, done }).map_err(|_| Unconfirmed::TooMany)?;
        Ok(Some(confirmed))
    }

    /// Why what is written now will not be confirmed, as far as the last one tells.
    pub(crate) fn trouble(&self) -> Option<&'static str> {
        if self.waits_for_nothing() { None } else { self.trouble.lock().map(Unconfirmed::reason) }
    }

    /// Confirms, for ever. Where the writes keep going to another server than this link leads to,
    /// one of the two has not noticed who is primary: both are made anew.
    pub(crate) async fn run(self: Arc<Self>, Waiters(mut waiters): Waiters, writes: Arc<Link>) {
        let (mut seen, mut strange) = (0, 0);
        let mut waiting = Vec::new();
        while waiters.recv_many(&mut waiting, MOST_WAITING).await > 0 {
            let Ok((mut wire, nth)) = self.link.wire().await else {
                waiting.drain(..).for_each(|waiter| waiter.answer(Err(Unconfirmed::Away)));
                continue;
            };
            if nth != seen {
                self.disk.store(learn(&mut wire).await, Ordering::Relaxed);
                seen = nth;
            }
            let fences = by_fence(waiting.drain(..), wire.is_cluster());
            let went = timeout(DEADLINE, self.confirm(&wire, fences)).await.unwrap_or_else(|_| {
                *self.trouble.lock() = Some(Unconfirmed::Late);
                Went::Broken
            });
            strange = if went == Went::Elsewhere { strange + 1 } else { 0 };
            if strange > 1 {
                writes.give_up_any();
            }
            if went != Went::Well && !wire.is_cluster() {
                self.link.give_up(nth);
            }
        }
    }

    /// Writes all fences first, so that the first wait at a server is for all of its tenants.
    async fn confirm(&self, wire: &Wire, fences: HashMap<String, Vec<Waiter>>) -> Went {
        let written = fences.into_iter().map(|(fence, waiters)| async {
            let written = write(wire.clone(), &fence).await;
            (fence, waiters, written)
        });
        let waits = stream::iter(written).buffer_unordered(AT_ONCE).collect::<Vec<_>>().await.into_iter();
        let waits = waits.map(|(fence, waiters, written)| async move {
            let Ok(written) = written else {
                *self.trouble.lock() = Some(Unconfirmed::Away);
                waiters.into_iter().for_each(|waiter| waiter.answer(Err(Unconfirmed::Away)));
                return Went::Broken;
            };
            let outcome = self.wait(wire.clone(), &fence, &written).await;
            *self.trouble.lock() = outcome.err();
            let mut went = if outcome == Err(Unconfirmed::Away) { Went::Broken } else { Went::Well };
            for waiter in waiters {
                let is_same = *waiter.history == *written.history;
                went = if is_same { went } else { Went::Elsewhere };
                waiter.answer(if is_same { outcome } else { Err(Unconfirmed::Away) });
            }
            went
        });
        let went: Vec<Went> = stream::iter(waits).buffer_unordered(AT_ONCE).collect().await;
        went.into_iter().max().unwrap_or(Went::Well)
    }

    /// Waits for all that the connection has written.
    async fn wait(&self, mut wire: Wire, fence: &str, written: &WrittenFence) -> Result<(), Unconfirmed> {
        let replicas = self.replicas();
        let mut ask = pipe();
        ask.get(fence).cmd("CLIENT").arg("ID");
        ask.cmd("WAIT").arg(replicas).arg(WAIT.as_millis() as u64);
        if self.disk.load(Ordering::Relaxed) == disk::TELLS {
            ask.cmd("WAITAOF").arg(1).arg(0).arg(WAIT.as_millis() as u64);
        }
        let answers = wire.together(&ask).await.map_err(|_| Unconfirmed::Away)?;
        let (client, confirmed, on_disk) = match answers.as_slice() {
            [_, client, confirmed] => (number(client), number(confirmed), Some(1)),
            [_, client, confirmed, Value::Array(disks)] => {
                (number(client), number(confirmed), disks.first().and_then(number))
            }
            _ => return Err(Unconfirmed::Away),
        };
        // Another connection has written nothing, and waits for nothing.
        let is_same = client == Some(written.client);
        let is_enough = confirmed.is_some_and(|confirmed| confirmed >= replicas as u64) && on_disk == Some(1);
        match (is_same, is_enough) {
            (true, true) => Ok(()),
            (true, false) => Err(Unconfirmed::TooFew),
            (false, _) => Err(Unconfirmed::Away),
        }
    }

    /// There is no replica, and the server cannot tell of its disk.
    fn waits_for_nothing(&self) -> bool {
        self.replicas() == 0 && self.disk.load(Ordering::Relaxed) == disk::SILENT
    }

    fn replicas(&self) -> usize {
        self.replicas.unwrap_or_else(|| usize::from(self.has_replicas.load(Ordering::Relaxed)))
    }
}

impl Unconfirmed {
    /// In words.
    pub(crate) const fn reason(self) -> &'static str {
        match self {
            Self::Away => "Redis does not confirm what is written",
            Self::Late => "Redis does not confirm in time what is written",
            Self::TooFew => "too few replicas, or no disk, confirmed it in time",
            Self::TooMany => "too many wait for replicas or the disk",
        }
    }
}

impl Waiter {
    fn answer(self, outcome: Result<(), Unconfirmed>) {
        // Whoever asked may be gone.
        let _ = self.done.send(outcome);
    }
}

/// How a batch went, the worst last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Went {
    Well,
    Broken,
    /// Writes were made in another history.
    Elsewhere,
}

/// A fence that is written: by which connection, and in which history.
struct WrittenFence {
    client: u64,
    history: String,
}

async fn write(mut wire: Wire, fence: &str) -> RedisResult<WrittenFence> {
    let mut ask = pipe();
    ask.cmd("SET").arg(fence).arg(1).arg("PX").arg(60_000);
    ask.cmd("CLIENT").arg("ID").cmd("INFO").arg("replication");
    let (_, client, info): (Value, u64, String) = from_redis_value(Value::Array(wire.together(&ask).await?))?;
    Ok(WrittenFence { client, history: field(&info, "master_replid").unwrap_or_default().into() })
}

fn number(value: &Value) -> Option<u64> {
    from_redis_value(value.clone()).ok()
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

/// Whether every server has a log on disk, and a command that waits for it.
async fn learn(wire: &mut Wire) -> u8 {
    let infos =
        timeout(DEADLINE, async { Ok::<_, RedisError>((wire.info("server").await?, wire.has_log().await?)) });
    let Ok(Ok((servers, has_log))) = infos.await else { return disk::UNKNOWN };
    let version = |info: &String| {
        let mut parts = field(info, "redis_version")?.split('.');
        Some((parts.next()?.parse::<u32>().ok()?, parts.next()?.parse::<u32>().ok()?))
    };
    let has_command = servers.iter().all(|info| version(info).is_some_and(|it| it >= WAITAOF_SINCE));
    if has_command && has_log { disk::TELLS } else { disk::SILENT }
}
