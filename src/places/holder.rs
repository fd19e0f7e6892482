//! A connection that has a place: what it does, what it has shown, and whether it is to go.
//!
//! Who has shown something costs no lock at its next requests: what such a connection does is a number
//! of its own, which is looked at only where places are scarce.

use super::{
    Shared,
    strangers::{Group, Rank},
};
use futures_util::task::AtomicWaker;
use std::{
    future::poll_fn,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering::Relaxed, Ordering::SeqCst},
    },
    task::Poll,
};
use tokio::task_local;

task_local! {
    /// Who makes the request that is under way: what it shows is found out deep inside, in rooms that
    /// know of no connection.
    static ASKING: Arc<Holder>;
}

/// What a connection has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Proof {
    Nothing,
    /// A valid token.
    Token,
    /// The agreed secret of a provider.
    Secret,
    /// A valid token, in a handshake: it is a WebSocket.
    Socket,
}

const PROOFS: [Proof; 4] = [Proof::Nothing, Proof::Token, Proof::Secret, Proof::Socket];

/// A connection that has a place.
pub(crate) struct Holder {
    shared: Arc<Shared>,
    id: u64,
    proof: AtomicU8,
    /// Since when it waits, or its request is under way: milliseconds times two, and one more for the latter.
    moment: AtomicU64,
    is_to_go: AtomicBool,
    /// The task of the connection. Every request polls it, and a waker costs less than a list of who waits.
    waiting: AtomicWaker,
}

/// A request that is under way, until it is dropped.
pub(crate) struct UnderWay {
    holder: Arc<Holder>,
    /// There is no end of it: it became a WebSocket.
    stays: bool,
}

/// Says that whoever makes the request that is under way has shown something.
pub(crate) fn prove(proof: Proof) {
    let _ = ASKING.try_with(|holder| holder.prove(proof));
}

/// Whether whoever makes the request that is under way may become a WebSocket, which then stays.
pub(crate) fn sit_down() -> bool {
    ASKING.try_with(|holder| holder.sit_down()).unwrap_or(true)
}

impl Holder {
    pub(super) fn new(shared: Arc<Shared>, id: u64, now: u64) -> Self {
        let (proof, moment) = (AtomicU8::new(Proof::Nothing as u8), AtomicU64::new(now << 1));
        let (is_to_go, waiting) = (AtomicBool::new(false), AtomicWaker::new());
        Self { shared, id, proof, moment, is_to_go, waiting }
    }

    pub(super) fn id(&self) -> u64 {
        self.id
    }

    pub(super) fn proof(&self) -> Proof {
        PROOFS[usize::from(self.proof.load(Relaxed))]
    }

    /// What it does now, and since when.
    pub(super) fn rank(&self) -> Rank {
        let moment = self.moment.load(Relaxed);
        Rank { is_busy: moment & 1 == 1, since: moment >> 1, id: self.id }
    }

    pub(super) fn tell(&self) {
        self.is_to_go.store(true, SeqCst);
        self.waiting.wake();
    }

    pub(super) fn gone(&self) {
        self.shared.state.lock().remove(self.id);
        self.shared.left.notify_waiters();
        self.shared.metrics.taken.dec();
    }

    /// Waits until it is told to go. Cancel safe; for one task at a time.
    pub(crate) async fn told_to_go(&self) {
        poll_fn(|context| {
            self.waiting.register(context.waker());
            if self.is_to_go.load(SeqCst) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    /// A request begins; `whom` says whose it is, and is asked only of a stranger.
    pub(crate) fn begin(self: &Arc<Self>, whom: impl FnOnce() -> Group) -> UnderWay {
        self.moves(true, Some(whom));
        UnderWay { holder: self.clone(), stays: false }
    }

    /// Does what a request asks for, as this one's.
    pub(crate) fn asking<W: Future>(self: &Arc<Self>, work: W) -> impl Future<Output = W::Output> + use<W> {
        ASKING.scope(self.clone(), work)
    }

    fn moves(&self, is_busy: bool, whom: Option<impl FnOnce() -> Group>) {
        let now = self.shared.now();
        self.moment.store(now << 1 | u64::from(is_busy), Relaxed);
        if self.proof() == Proof::Nothing {
            let whom = whom.map(|whom| whom());
            self.shared.state.lock().stand(self.rank(), whom);
        }
    }

    pub(super) fn prove(&self, proof: Proof) {
        if self.proof() >= proof {
            return;
        }
        let mut state = self.shared.state.lock();
        self.proof.fetch_max(proof as u8, Relaxed);
        state.know(self.id);
    }

    pub(super) fn sit_down(&self) -> bool {
        let mut state = self.shared.state.lock();
        let may = state.sit_down(self.id);
        if may {
            self.proof.store(Proof::Socket as u8, Relaxed);
        }
        may
    }
}

impl UnderWay {
    /// The connection has become a WebSocket: it never waits for a request again.
    pub(crate) fn stays(mut self) {
        self.stays = true;
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if !self.stays {
            self.holder.moves(false, None::<fn() -> Group>);
        }
    }
}
