//! One connection to Redis that is kept: made again, with jitter, whenever it is lost. Every
//! call has a deadline, and where Redis has been away for a while it fails at once.
//!
//! Knows nothing of what is kept there, nor of who asks.

mod confirm;
mod metrics;
mod source;
mod wire;

use crate::{log::Seldom, metrics::Metrics};
use metrics::{LinkMetrics, Trouble};
use rand::RngExt;
use redis::{Cmd, ErrorKind, FromRedisValue, Pipeline, RedisError, RedisResult, Script, ServerErrorKind};
use std::{
    fmt::Display,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    sync::{Notify, watch},
    time::{sleep, timeout},
};

pub(crate) use confirm::{Confirm, Confirmed, Unconfirmed};
pub(crate) use source::{Listener, NotConnected, Source};
pub(crate) use wire::{Wire, field};

/// The longest that a call takes, with all that is tried.
pub(crate) const DEADLINE: Duration = Duration::from_secs(2);
/// After Redis was away for so long, a call does not wait for it to come back.
const PATIENCE: Duration = Duration::from_millis(500);
/// How long one try to connect may take, with all servers that are asked.
const CONNECT: Duration = Duration::from_secs(4);
/// Between tries to connect: from the first to the second, and at most.
const RETRY: [Duration; 2] = [Duration::from_millis(50), Duration::from_millis(300)];
/// Between two lines about commands that are refused.
const COMPLAIN_EVERY: Duration = Duration::from_secs(10);
/// Before a command is sent again that the server could not take just now.
const AGAIN: Duration = Duration::from_millis(25);

/// A kept connection.
pub(crate) struct Link {
    name: &'static str,
    state: watch::Sender<State>,
    lost: Notify,
    is_cluster: AtomicBool,
    complaints: Seldom,
    began: Instant,
    /// When something was answered last, in microseconds since the beginning.
    answered: AtomicU64,
    metrics: Arc<LinkMetrics>,
}

#[derive(Clone)]
enum State {
    Up { wire: Wire, nth: u64 },
    Down { since: Instant },
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[error("{}", self.reason())]
pub(crate) enum LinkError {
    /// There is no connection: nothing was done.
    Away,
    /// The same would be refused again: nothing was done.
    Refused,
    /// Not before the deadline: it may have been done, or may be done later.
    Late,
    /// The connection broke before the answer: as with `Late`.
    Broken,
}

/// What can be asked of Redis.
pub(crate) enum Request<'a> {
    /// By its hash, as [`call`] begins it.
    Script(&'a Script, &'a Cmd),
    Pipeline(&'a Pipeline),
}

/// What an error means for the connection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// It is of no use any more.
    Connection,
    /// The same may work soon.
    Passing,
    /// The same will not work.
    Lasting,
}

impl Link {
    pub(crate) fn new(name: &'static str, metrics: &Metrics) -> Self {
        let down = State::Down { since: Instant::now() };
        Self {
            name,
            state: watch::Sender::new(down),
            lost: Notify::new(),
            is_cluster: AtomicBool::new(false),
            complaints: Seldom::new(COMPLAIN_EVERY),
            began: Instant::now(),
            answered: AtomicU64::new(0),
            metrics: metrics.of(),
        }
    }

    /// Connects, and connects again, for ever. Tells `first` how the first try went, and calls
    /// `greet` after each that succeeded.
    pub(crate) async fn keep(
        self: Arc<Self>,
        source: Arc<Source>,
        listener: Option<Listener>,
        greet: impl Fn(),
        first: impl FnOnce(Result<(), NotConnected>),
    ) {
        let (mut first, mut nth, mut failures) = (Some(first), 0, 0);
        let mut said = String::new();
        loop {
            let connected = timeout(CONNECT, source.connect(listener.as_ref())).await;
            let outcome = match connected.unwrap_or(Err(NotConnected::TimedOut)) {
                Ok(wire) => {
                    (nth, failures) = (nth + 1, 0);
                    said.clear();
                    tracing::info!(connection = self.name, "connected to Redis");
                    self.is_cluster.store(wire.is_cluster(), Ordering::Relaxed);
                    self.state.send_replace(State::Up { wire, nth });
                    greet();
                    Ok(())
                }
                Err(why) => {
                    // Once for each reason, however often it is tried.
                    if said != why.to_string() {
                        said = why.to_string();
                        tracing::warn!(
                            connection = self.name,
                            why = said,
                            "cannot connect to Redis; trying again"
                        );
                    }
                    failures += 1;
                    self.metrics.count(Trouble::Connect);
                    Err(why)
                }
            };
            let is_up = outcome.is_ok();
            if let Some(first) = first.take() {
                first(outcome);
            }
            if is_up {
                self.lost.notified().await;
                tracing::warn!(connection = self.name, "lost the connection to Redis");
            } else {
                sleep(backoff(failures)).await;
            }
        }
    }

    /// Asks, again where that may help, until the deadline. What is asked must do no harm twice.
    pub(crate) async fn ask<T: FromRedisValue>(&self, request: Request<'_>) -> Result<T, LinkError> {
        timeout(DEADLINE, self.insist(request)).await.unwrap_or_else(|_| {
            self.metrics.count(Trouble::Timeout);
            Err(LinkError::Late)
        })
    }

    async fn insist<T: FromRedisValue>(&self, request: Request<'_>) -> Result<T, LinkError> {
        let mut may_be_done = false;
        let or_broken = |error, may_be_done| if may_be_done { LinkError::Broken } else { error };
        loop {
            let (mut wire, nth) = self.wire().await.map_err(|away| or_broken(away, may_be_done))?;
            let error = match request.send(&mut wire).await {
                Ok(answer) => {
                    self.answered.store(self.began.elapsed().as_micros() as u64, Ordering::Relaxed);
                    return Ok(answer);
                }
                Err(error) => error,
            };
            // A server that refuses does nothing; but a cluster's connection may have asked two.
            may_be_done |= wire.is_cluster() || !request.is_refusal_of_all(&error);
            match self.weigh(&error) {
                // A cluster mends the connections to its servers itself.
                Fault::Connection if wire.is_cluster() => sleep(AGAIN).await,
                Fault::Connection => self.give_up(nth),
                Fault::Passing => sleep(AGAIN).await,
                Fault::Lasting => {
                    self.complain(&error);
                    return Err(or_broken(LinkError::Refused, may_be_done));
                }
            }
        }
    }

    /// The connection, and which one it is in the order in which they were made.
    pub(crate) async fn wire(&self) -> Result<(Wire, u64), LinkError> {
        if let State::Up { wire, nth } = &*self.state.borrow() {
            return Ok((wire.clone(), *nth));
        }
        let mut state = self.state.subscribe();
        let patience = match &*state.borrow() {
            State::Down { since } => PATIENCE.saturating_sub(since.elapsed()),
            State::Up { .. } => PATIENCE,
        };
        let up = timeout(patience, state.wait_for(|state| matches!(state, State::Up { .. }))).await;
        match up.map(|state| state.map(|state| state.clone())) {
            Ok(Ok(State::Up { wire, nth })) => Ok((wire, nth)),
            _ => Err(LinkError::Away),
        }
    }

    /// Whether anything was answered after an instant.
    pub(crate) fn has_answered_since(&self, instant: Instant) -> bool {
        let since = instant.saturating_duration_since(self.began).as_micros() as u64;
        self.answered.load(Ordering::Relaxed) > since
    }

    /// Lets that connection go, unless it is gone already.
    pub(crate) fn give_up(&self, which: u64) {
        let went = self.state.send_if_modified(|state| {
            let is_it = matches!(state, State::Up { nth, .. } if *nth == which);
            if is_it {
                *state = State::Down { since: Instant::now() };
            }
            is_it
        });
        if went {
            self.lost.notify_one();
        }
    }

    /// Lets the connection go, whichever it is.
    pub(crate) fn give_up_any(&self) {
        let nth = match &*self.state.borrow() {
            State::Up { nth, .. } => *nth,
            State::Down { .. } => return,
        };
        self.give_up(nth);
    }

    /// Whether it is to a cluster, as far as was seen.
    pub(crate) fn is_cluster(&self) -> bool {
        self.is_cluster.load(Ordering::Relaxed)
    }

    /// Whether there is a connection.
    pub(crate) fn is_up(&self) -> bool {
        matches!(&*self.state.borrow(), State::Up { .. })
    }

    /// Says what Redis refuses, now and then: a full one refuses everything.
    pub(crate) fn complain(&self, error: &impl Display) {
        if let Some(unsaid) = self.complaints.may_say("refused") {
            tracing::error!(%error, unsaid, "Redis refuses a command");
        }
    }

    fn weigh(&self, error: &RedisError) -> Fault {
        let (kind, fault) = match error.kind() {
            _ if error.is_timeout() => (Trouble::Timeout, Fault::Passing),
            _ if error.is_connection_dropped() || error.is_io_error() => {
                (Trouble::Connection, Fault::Connection)
            }
            ErrorKind::Server(ServerErrorKind::ReadOnly | ServerErrorKind::MasterDown) => {
                (Trouble::NotPrimary, Fault::Connection)
            }
            ErrorKind::Server(
                ServerErrorKind::BusyLoading
                | ServerErrorKind::TryAgain
                | ServerErrorKind::ClusterDown
                | ServerErrorKind::Moved
                | ServerErrorKind::Ask
                | ServerErrorKind::NoScript,
            )
            | ErrorKind::ClusterConnectionNotFound => (Trouble::NotNow, Fault::Passing),
            _ => (Trouble::Refused, Fault::Lasting),
        };
        self.metrics.count(kind);
        fault
    }
}

impl LinkError {
    /// In words.
    pub(crate) const fn reason(self) -> &'static str {
        match self {
            Self::Away => "Redis is away",
            Self::Refused => "Redis refuses the command",
            Self::Late => "Redis does not answer in time",
            Self::Broken => "the connection to Redis broke",
        }
    }
}

impl Request<'_> {
    /// Whether the server refuses all of it. A script may have written before it was stopped.
    fn is_refusal_of_all(&self, error: &RedisError) -> bool {
        match (self, error.clone().into_server_errors()) {
            (Self::Pipeline(pipeline), Some(refused)) => refused.len() == pipeline.len(),
            _ => error.code().is_some(),
        }
    }

    async fn send<T: FromRedisValue>(&self, wire: &mut Wire) -> RedisResult<T> {
        match self {
            Self::Script(script, call) => match call.query_async(wire).await {
                Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                    script.load_async(wire).await?;
                    call.query_async(wire).await
                }
                answer => answer,
            },
            Self::Pipeline(pipeline) => pipeline.query_async(wire).await,
        }
    }
}

/// Begins the call of a script with so many keys; keys and arguments are to follow.
pub(crate) fn call(script: &Script, keys: usize) -> Cmd {
    call_of(script, keys, 0)
}

/// The same, with room for so many bytes of more than names and numbers.
pub(crate) fn call_of(script: &Script, keys: usize, bytes: usize) -> Cmd {
    let mut call = Cmd::with_capacity(16 + 3 * keys, 512 + 96 * keys + bytes);
    call.arg("EVALSHA").arg(script.get_hash()).arg(keys);
    call
}

/// Longer after each failure, and never the same for all nodes.
fn backoff(failures: u32) -> Duration {
    let [first, most] = RETRY;
    let longest = first.saturating_mul(1 << failures.min(10)).min(most);
    longest.mul_f64(rand::rng().random_range(0.5..1.0))
}
