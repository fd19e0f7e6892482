//! Keeps access tokens fresh: claims, sends, keeps the answer, stores what it says. What may be
//! done when is [`super::machine`]'s; this does it, one task an attempt, which no caller ends.

mod answer;
mod revoke;

use super::{
    answers::Answers,
    audit::{Audit, AuditEvent},
    integration::{Claim, Integration, Key, State, Tokens},
    integrations::{ChangeError, Integrations},
    machine::{Answer, Due, Input, InputRefusal},
    metrics::{Refresh, SidecarMetrics},
    provider::{CONNECT, Providers, Sending},
    vault::{Kind, Label, Vault, VaultError},
};
use crate::{
    clock::{self, Micros},
    id::SourceName,
    tasks::Tasks,
};
use parking_lot::Mutex;
use rand::RngExt;
use secrecy::SecretString;
use std::{collections::HashMap, pin::pin, sync::Arc, time::Duration};
use tokio::{sync::watch, time::timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

/// How often it is looked what is due.
const LOOK: Duration = Duration::from_millis(200);
/// Attempts that one look may begin, and that may be under way for one source.
const MOST_AT_ONCE: usize = 64;
/// How long a claim may be sent for: the eighth part of the access token's life, within these. A
/// quarter of it is for what is on its way when the last moment to send has come.
const LEASE: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(10)];
/// Before a refresh token is sent again within the grace, times how often it was.
const AGAIN: Duration = Duration::from_millis(500);
/// Between attempts that certainly consumed nothing: from the first to the second, and at most.
const RETRY: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(60)];

/// What refreshes. It has the vault key.
pub(crate) struct Rotation {
    pub(super) integrations: Arc<Integrations>,
    pub(super) vault: Vault,
    providers: Providers,
    answers: Answers,
    audit: Audit,
    pub(super) metrics: Arc<SidecarMetrics>,
    /// This process.
    me: Uuid,
    /// Attempts of this process, until they are settled.
    ongoing: Mutex<HashMap<Key, watch::Receiver<()>>>,
    tasks: Tasks,
    under_way: TaskTracker,
    stop: CancellationToken,
}

/// What a rotation is made of.
pub(crate) struct Parts {
    pub(crate) integrations: Arc<Integrations>,
    pub(crate) vault: Vault,
    pub(crate) providers: Providers,
    pub(crate) answers: Answers,
    pub(crate) audit: Audit,
    pub(crate) metrics: Arc<SidecarMetrics>,
    pub(crate) tasks: Tasks,
}

/// The mark that something is done about an integration here. It goes when the work ends, however
/// that ends: one that stayed would keep the integration from ever being refreshed again.
struct Ongoing {
    rotation: Arc<Rotation>,
    key: Key,
    ends: watch::Sender<()>,
}

impl Drop for Ongoing {
    fn drop(&mut self) {
        let mut ongoing = self.rotation.ongoing.lock();
        // What takes long lets go of its mark before, and another's may stand there.
        if ongoing.get(&self.key).is_some_and(|other| other.same_channel(&self.ends.subscribe())) {
            ongoing.remove(&self.key);
        }
    }
}

impl Rotation {
    pub(crate) fn new(parts: Parts) -> Self {
        let Parts { integrations, vault, providers, answers, audit, metrics, tasks } = parts;
        Self {
            integrations,
            vault,
            providers,
            answers,
            audit,
            metrics,
            me: Uuid::new_v4(),
            ongoing: Mutex::default(),
            tasks,
            under_way: TaskTracker::new(),
            stop: CancellationToken::new(),
        }
    }

    /// Does what is due, until it is told to stop.
    pub(crate) async fn run(self: Arc<Self>) {
        while !self.stop.is_cancelled() {
            if self.integrations.is_read() {
                for (found, due) in self.integrations.due(clock::now(), MOST_AT_ONCE) {
                    self.act(&found, due);
                }
            }
            let _ = timeout(LOOK, self.stop.cancelled()).await;
        }
    }

    fn act(self: &Arc<Self>, found: &Arc<Integration>, due: Due) {
        let (rotation, about) = (self.clone(), found.clone());
        match due {
            Due::Refresh(_) | Due::Again(_) | Due::Probe(_) => _ = self.begin(&found.key),
            Due::Settle(_) => _ = self.spawn(&found.key, async move { rotation.settle(&about).await }),
            Due::Revoke(_) => _ = self.spawn(&found.key, async move { rotation.revoke(&about).await }),
            Due::Never => {}
        }
    }

    /// Begins nothing new from now on.
    pub(crate) fn stop(&self) {
        self.stop.cancel();
    }

    /// Begins nothing new, and waits for what is under way.
    pub(crate) async fn drain(&self) {
        self.stop();
        self.under_way.close();
        self.under_way.wait().await;
    }

    /// Waits until the audit log has everything that was noted, but not for ever.
    pub(super) async fn flush(&self) {
        self.audit.flush().await;
    }

    /// Begins to refresh, unless something is under way here. What is returned ends with it;
    /// nothing where there is too much.
    pub(crate) fn begin(self: &Arc<Self>, key: &Key) -> Option<watch::Receiver<()>> {
        let is_too_soon = |found: Arc<Integration>| clock::now() < again_at(&found);
        if self.integrations.held(key).is_some_and(is_too_soon) {
            return None;
        }
        let (rotation, about) = (self.clone(), key.clone());
        self.spawn(key, async move {
            if let Err(error) = rotation.attempt(&about).await {
                rotation.on_error(&about.source, &error);
            }
        })
    }

    /// Does something about an integration, one thing at a time, whoever goes away meanwhile.
    fn spawn(
        self: &Arc<Self>,
        key: &Key,
        work: impl Future<Output = ()> + Send + 'static,
    ) -> Option<watch::Receiver<()>> {
        let mut ongoing = self.ongoing.lock();
        if let Some(done) = ongoing.get(key) {
            return Some(done.clone());
        }
        // A provider that does not answer does not hold up those of others.
        let is_beside = |other: &&Key| other.source == key.source;
        if ongoing.keys().filter(is_beside).count() >= MOST_AT_ONCE || self.stop.is_cancelled() {
            return None;
        }
        let (ends, done) = watch::channel(());
        ongoing.insert(key.clone(), done.clone());
        drop(ongoing);
        let mark = Ongoing { rotation: self.clone(), key: key.clone(), ends };
        self.tasks.contain(&self.under_way, "refresh", async move {
            work.await;
            drop(mark);
        });
        Some(done)
    }

    fn on_error(&self, source: &SourceName, error: &ChangeError) {
        match error {
            // Another process was first, or it is not the time any more.
            ChangeError::Refused { .. } | ChangeError::Nothing => {}
            error => {
                self.metrics.count(source, Refresh::StoreFailed);
                tracing::warn!(%source, %error, "an integration could not be refreshed now");
            }
        }
    }

    /// From the claim to what came of it.
    async fn attempt(self: &Arc<Self>, key: &Key) -> Result<(), ChangeError> {
        let Some(provider) = self.providers.of(&key.source) else { return Ok(()) };
        let attempt = Uuid::new_v4();
        let claim = |stands: &Integration| {
            let until = clock::now() + lease(stands);
            Input::Claim(Claim { attempt, owner: self.me, until, is_armed: false })
        };
        let claimed = self.integrations.change(key, claim).await?;
        // While tries consume nothing, they have lines when that begins.
        if claimed.failures == 0 {
            self.note(&claimed, "claimed", None).await;
        }
        let Some(token) = self.refresh_token(&claimed) else {
            return self.not_sent(key, attempt, Refresh::SealedShut).await;
        };
        let answer = Answer { consent: claimed.consent, generation: claimed.generation, attempt };
        let arm = self.clone().arm(key.clone(), attempt);
        let mut sending = pin!(provider.refresh(&token, arm));
        let sent = match timeout(CONNECT + provider.answer_timeout(), &mut sending).await {
            Ok(sent) => sent,
            Err(_) => {
                // Not telling yet; it may still come, and then it counts, wherever the store is.
                if let Err(error) = self.lost(key, attempt).await {
                    self.on_error(&key.source, &error);
                }
                // Nothing else has to wait for that: the probe may be due before.
                self.ongoing.lock().remove(key);
                let more = provider.late_timeout().saturating_sub(provider.answer_timeout());
                timeout(more, sending).await.unwrap_or(Sending::Unanswered)
            }
        };
        match sent {
            Sending::NotSent => self.not_sent(key, attempt, Refresh::NotSent).await,
            Sending::Unanswered => self.lost(key, attempt).await,
            Sending::Answered { status, body } => {
                self.on_answer(key, answer, status, body).await;
                Ok(())
            }
        }
    }

    /// The last step before the token leaves: from now on it counts as sent.
    async fn arm(self: Arc<Self>, key: Key, attempt: Uuid) -> Result<(), ChangeError> {
        let armed = self.integrations.change(&key, |_| Input::Arm { attempt }).await?;
        self.note(&armed, "sent", None).await;
        // To store it may have taken long, and what is sent is to be there when the claim ends.
        let until = armed.claim().map_or(0, |claim| claim.until);
        if clock::now() + lease(&armed) / 4 > until {
            let stands = Box::new(armed);
            return Err(ChangeError::Refused { refusal: InputRefusal::NotNow, stands });
        }
        Ok(())
    }

    async fn not_sent(&self, key: &Key, attempt: Uuid, why: Refresh) -> Result<(), ChangeError> {
        self.metrics.count(&key.source, why);
        let released =
            self.integrations.change(key, |stands| Input::NotSent { attempt, retry_at: later(stands) }).await;
        let released = match released {
            // Armed, and then too late to send, or nobody there to take it: nothing is consumed.
            Err(ChangeError::Refused { .. }) => {
                let refused = |stands: &Integration| Input::Refused { attempt, retry_at: later(stands) };
                self.integrations.change(key, refused).await?
            }
            other => other?,
        };
        if released.failures == 1 {
            self.note(&released, "not_sent", None).await;
        }
        Ok(())
    }

    async fn lost(&self, key: &Key, attempt: Uuid) -> Result<(), ChangeError> {
        match self.integrations.change(key, |_| Input::Lost { attempt }).await {
            Ok(lost) => {
                self.metrics.count(&key.source, Refresh::Ambiguous);
                self.note(&lost, "no_answer", None).await;
                self.note_end(&lost).await;
                Ok(())
            }
            // Settled already, by this process or another.
            Err(ChangeError::Refused { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Settles a claim whose owner is gone, or does nothing any more.
    async fn settle(&self, found: &Integration) {
        let Some(attempt) = found.claim().map(|claim| claim.attempt) else { return };
        match self.integrations.change(&found.key, |_| Input::Orphaned { attempt }).await {
            Ok(settled) => {
                self.note(&settled, "claim_settled", None).await;
                self.note_end(&settled).await;
            }
            Err(error) => self.on_error(&found.key.source, &error),
        }
    }

    /// Settles the claims of processes that are gone: those of others, where there are no others.
    pub(crate) async fn settle_all(&self) {
        for found in self.integrations.all() {
            if found.claim().is_some_and(|claim| claim.owner != self.me) {
                self.settle(&found).await;
            }
        }
    }

    fn refresh_token(&self, of: &Integration) -> Option<SecretString> {
        let tokens = of.tokens.as_ref()?;
        self.open(of, Kind::Refresh, tokens)
    }

    /// The access token that may be given away now.
    pub(super) fn access_token(&self, of: &Integration) -> Option<(SecretString, Micros)> {
        let tokens = of.vendible(clock::now())?;
        Some((self.open(of, Kind::Access, tokens)?, tokens.expires_at))
    }

    fn open(&self, of: &Integration, kind: Kind, tokens: &Tokens) -> Option<SecretString> {
        let sealed = if kind == Kind::Access { &tokens.access } else { &tokens.refresh };
        let opened = self.vault.open(&label(&of.key, kind, of.consent, of.generation), sealed);
        let log =
            |error: &VaultError| tracing::error!(%error, key = sealed.key_id(), "a token cannot be opened");
        opened.inspect_err(log).ok()
    }

    /// What is issued, sealed for where it is to stand.
    pub(super) fn seal(
        &self,
        key: &Key,
        (consent, generation): (u64, u64),
        (access, refresh): (&SecretString, &SecretString),
        (issued_at, life): (Micros, Duration),
    ) -> Tokens {
        Tokens {
            access: self.vault.seal(&label(key, Kind::Access, consent, generation), access),
            refresh: self.vault.seal(&label(key, Kind::Refresh, consent, generation), refresh),
            issued_at,
            expires_at: issued_at.saturating_add(clock::micros(life)),
        }
    }

    /// Writes into the audit log. Where that fails it is counted, and does not stop anything: a
    /// token that is out is worth more than its line.
    pub(super) async fn note(&self, about: &Integration, event: &'static str, cause: Option<&'static str>) {
        let Integration { key, consent, generation, .. } = about;
        let event = AuditEvent {
            at: clock::now(),
            key: key.clone(),
            consent: *consent,
            generation: *generation,
            event,
            cause,
        };
        if let Err(error) = self.audit.note_soon(event).await {
            self.metrics.on_audit_loss(&error);
        }
    }

    /// Notes that the user has to connect again, if that is what became of it.
    async fn note_end(&self, about: &Integration) {
        if let State::ReauthRequired { cause } = about.state {
            self.metrics.count(&about.key.source, Refresh::Ended);
            self.note(about, "reauth_required", Some(cause.as_str())).await;
        }
    }
}

pub(crate) fn label(key: &Key, kind: Kind, consent: u64, generation: u64) -> Label<'_> {
    let Key { source, tenant, extension } = key;
    let (source, tenant, extension) = (source.as_str(), tenant.as_str(), extension.as_str());
    Label { source, tenant, extension, kind, consent, generation }
}

/// How long a claim may be sent for.
fn lease(of: &Integration) -> Micros {
    let life = of.tokens.as_ref().map_or(0, |tokens| tokens.expires_at.saturating_sub(tokens.issued_at));
    (life / 8).clamp(clock::micros(LEASE[0]), clock::micros(LEASE[1]))
}

/// When a refresh token may be sent again within the grace.
fn again_at(of: &Integration) -> Micros {
    let pause = AGAIN.saturating_mul(of.sent.len() as u32);
    of.sent.last().map_or(0, |last| last.at + clock::micros(pause))
}

/// When to try again what consumed nothing: later after each failure, but early enough for the
/// access token that is still there.
fn later(stands: &Integration) -> Micros {
    let [first, most] = RETRY;
    let longest = first.saturating_mul(1 << stands.failures.min(10)).min(most);
    let now = clock::now();
    let left = stands.tokens.as_ref().map_or(0, |tokens| tokens.expires_at.saturating_sub(now));
    // Where it has ended there is nothing to be early for.
    let soon = if left > 0 { (left / 8).max(clock::micros(first)) } else { Micros::MAX };
    let pause = clock::micros(longest).min(soon);
    now + rand::rng().random_range(pause / 2..=pause)
}
