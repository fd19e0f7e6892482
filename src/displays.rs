//! The displays of all tenants, as one node sees them: how they are paired, whom a secret lets in, and when one that is
//! connected here is no more. Beside that, the endpoints of screens and supervisors.
//!
//! What is stored is the truth: a secret is looked up there at each handshake, and twice a second it is looked whether
//! the displays that are connected here still exist. Nothing is published that could be missed.

mod connected;
mod endpoints;
mod metrics;
mod pass;

pub(crate) use endpoints::{DisplayDoor, answer, list, pair, poll, revoke};
pub(crate) use pass::DisplayPass;

use crate::{
    clock::{Micros, now},
    config,
    display::{CODE_LIFE, Code, Display, Poll, Secret, Wish},
    engine::{Claim, EngineError, Paired, StoredDisplays},
    id::TenantId,
    metrics::Metrics,
};
use connected::Connected;
use metrics::{DisplayMetrics, Fate};
use parking_lot::Mutex;
use secrecy::SecretString;
use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::time::{MissedTickBehavior, interval};
use uuid::Uuid;

/// Between two looks: one that is revoked at another node is gone within a second.
const LOOK: Duration = Duration::from_millis(500);
/// How often it is stored that a display is in use.
const SEE: Duration = Duration::from_secs(60 * 60);
/// The most pairings that were begun at this node and can still be answered.
const MOST_PAIRINGS: usize = 1000;
/// How often another poll is tried since the code is taken, which it hardly ever is.
const TRIES: usize = 4;
const FULL: EngineError = EngineError::Unavailable("too many screens wait to be paired");

/// Those of one node.
pub(crate) struct Displays {
    stored: StoredDisplays,
    unused: Duration,
    connected: Connected,
    /// The pairings that were begun here, oldest first, until they are over.
    begun: Mutex<VecDeque<(Instant, Code)>>,
    metrics: Arc<DisplayMetrics>,
}

/// What a screen is told that asks for its pairing.
enum Polled {
    Waiting {
        left: Duration,
    },
    Paired {
        secret: SecretString,
        tenant: TenantId,
        display: Display,
    },
    /// There is no such pairing, or it is over.
    Unknown,
    /// It was answered, and there is nothing more to tell.
    Over,
}

/// What a supervisor is told who entered a code.
enum Answered {
    Paired(Display),
    Unknown,
    Taken,
    /// The tenant has as many displays as it may.
    Full,
}

impl Displays {
    pub(crate) fn new(config: config::Displays, stored: StoredDisplays, metrics: &Metrics) -> Self {
        let (connected, begun) = (Connected::default(), Mutex::default());
        Self { stored, unused: config.unused, connected, begun, metrics: metrics.of() }
    }

    /// The display whose secret that is; none where there is none any more.
    ///
    /// # Errors
    /// It cannot be told now.
    pub(crate) async fn authenticate(&self, secret: &str) -> Result<Option<DisplayPass>, EngineError> {
        let Some(secret) = Secret::parse(secret) else { return Ok(None) };
        let (proof, tenant) = (secret.proof(), secret.tenant);
        let display = self.stored.get(&tenant, proof.display()).await?;
        let is_good = |display: &Display| display.proof == proof && !display.is_unused(now(), self.unused);
        let Some(display) = display.filter(is_good) else { return Ok(None) };
        let presence = self.connected.enter(&tenant, &display);
        if presence.is_due(now(), self.see_every()) {
            // Where it cannot be written, it is still known who that is.
            let _ = self.stored.see(&tenant, display.id, now()).await;
        }
        Ok(Some(DisplayPass::new(tenant, display, presence)))
    }

    /// Looks, for ever, whether the displays that are connected here still exist.
    pub(crate) async fn run(self: Arc<Self>) {
        let mut ticks = interval(LOOK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.look().await;
            self.count_expired().await;
        }
    }

    async fn look(&self) {
        let all = self.connected.all();
        if all.is_empty() {
            return;
        }
        let looked = self.stored.look(all.iter().map(|(key, _)| key.clone()).collect()).await;
        looked.gone.iter().for_each(|key| self.connected.revoke(key));
        self.metrics.failed_looks.inc_by(looked.failed);
        for ((tenant, id), presence) in &all {
            if presence.is_due(now(), self.see_every()) {
                // What cannot be written now is written in an hour: that is soon enough.
                let _ = self.stored.see(tenant, *id, now()).await;
            }
        }
    }

    /// Often enough that no display is unused while it is connected.
    fn see_every(&self) -> Duration {
        SEE.min(self.unused / 4)
    }

    /// Begins a pairing: the poll is for the screen alone.
    async fn begin(&self) -> Result<Poll, EngineError> {
        if self.begun.lock().len() >= MOST_PAIRINGS {
            return Err(FULL);
        }
        for _ in 0..TRIES {
            let (poll, pairing) = Poll::begin(now());
            if self.stored.begin(&poll.code(), &pairing).await? {
                self.begun.lock().push_back((Instant::now() + CODE_LIFE, poll.code()));
                self.metrics.count(Fate::Started);
                return Ok(poll);
            }
        }
        Err(FULL)
    }

    /// Counts those of this node's pairings that nobody answered in time.
    async fn count_expired(&self) {
        while let Some(code) = self.over(Instant::now()) {
            if let Ok(false) = self.stored.was_claimed(&code).await {
                self.metrics.count(Fate::Expired);
            }
        }
    }

    fn over(&self, now: Instant) -> Option<Code> {
        let mut begun = self.begun.lock();
        let is_over = begun.front().is_some_and(|(end, _)| *end <= now);
        is_over.then(|| begun.pop_front()).flatten().map(|(_, code)| code)
    }

    async fn poll(&self, poll: &Poll) -> Result<Polled, EngineError> {
        match self.stored.pairing(&poll.code()).await? {
            Some(Paired::Waiting(pairing)) if poll.is_of(&pairing) => {
                Ok(Polled::Waiting { left: Duration::from_micros(pairing.until.saturating_sub(now())) })
            }
            Some(Paired::Answered(pairing, tenant)) => {
                let Some(secret) = poll.secret(&pairing, &tenant) else { return Ok(Polled::Unknown) };
                let display = self.stored.get(&tenant, pairing.proof.display()).await?;
                // Once the secret was used, whoever has the poll gets nothing by it.
                let display = display.filter(|display| display.last_seen_at.is_none());
                let paired = display.map(|display| Polled::Paired { secret: secret.text(), tenant, display });
                Ok(paired.unwrap_or(Polled::Over))
            }
            _ => Ok(Polled::Unknown),
        }
    }

    /// Makes a display of the screen that shows a code. The screen hears of it when the display is durable.
    async fn answer(&self, tenant: &TenantId, code: &Code, wish: Wish) -> Result<Answered, EngineError> {
        let pairing = match self.stored.claim(code).await? {
            Claim::Theirs(pairing) => pairing,
            Claim::Taken => return Ok(Answered::Taken),
            Claim::Unknown => return Ok(Answered::Unknown),
        };
        let display = Display::new(pairing.proof, wish, now());
        let stored = match self.store(tenant, &display).await {
            Ok(true) => self.stored.answer(code, &pairing, tenant).await.map(|()| true),
            other => other,
        };
        if !matches!(stored, Ok(true)) {
            self.take_back(tenant, code, display.id).await;
        }
        if !stored? {
            return Ok(Answered::Full);
        }
        self.metrics.count(Fate::Answered);
        Ok(Answered::Paired(display))
    }

    /// Stores one durably. False where the tenant has as many as it may.
    async fn store(&self, tenant: &TenantId, display: &Display) -> Result<bool, EngineError> {
        match self.stored.add(tenant, display).await? {
            Some(receipt) => receipt.durable().await.map(|()| true),
            None => Ok(false),
        }
    }

    /// As if nobody had answered: so that it can be done again. What this cannot do is no harm, for nobody has the
    /// secret: the code ends by itself, and the display is one that was never seen.
    async fn take_back(&self, tenant: &TenantId, code: &Code, id: Uuid) {
        if self.stored.remove(tenant, id).await.is_ok() {
            let _ = self.stored.release(code).await;
        }
    }

    /// Those of a tenant, the one that was paired last first.
    async fn list(&self, tenant: &TenantId, now: Micros) -> Result<Vec<Display>, EngineError> {
        let mut all = self.stored.list(tenant).await?;
        all.retain(|display| !display.is_unused(now, self.unused));
        all.sort_by_key(|display| (std::cmp::Reverse(display.paired_at), display.id));
        Ok(all)
    }

    /// Takes a display away, durably. False where there is none.
    async fn revoke(&self, tenant: &TenantId, id: Uuid) -> Result<bool, EngineError> {
        let Some(receipt) = self.stored.remove(tenant, id).await? else { return Ok(false) };
        self.connected.revoke(&(tenant.clone(), id));
        receipt.durable().await?;
        Ok(true)
    }
}

#[cfg(test)]
mod tests;
