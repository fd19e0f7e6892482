//! What the provider answered: kept, sealed and on the disk, before anybody looks at it; then read
//! and stored. Kept answers are read once more when the process starts.

use super::{Refresh, Rotation, label, later};
use crate::{
    clock::{self, Micros},
    sidecar::{
        answers::{AnswersError, KeptAnswer},
        integration::{Integration, Key},
        integrations::ChangeError,
        machine::{Answer, Input, InputRefusal},
        provider::{self, Issued, Reading},
        store::StoreError,
        vault::{Kind, VaultError},
    },
};
use secrecy::SecretString;
use std::{sync::Arc, time::Duration};
use tokio::time::sleep;

/// Before what could not be stored is tried again.
const AGAIN: Duration = Duration::from_millis(500);
const AT_MOST: Duration = Duration::from_secs(10);
/// How often it is tried to keep an answer, before it is stored without.
const MOST_TRIES: u32 = 5;
/// How long an access token lives where the provider never said.
const USUAL_LIFE: Duration = Duration::from_secs(300);

impl Rotation {
    /// Keeps an answer, and does what it says.
    pub(super) async fn on_answer(&self, key: &Key, answer: Answer, status: u16, body: SecretString) {
        let entry = KeptAnswer {
            attempt: answer.attempt,
            key: key.clone(),
            consent: answer.consent,
            generation: answer.generation,
            received_at: clock::now(),
            status,
            body: self.vault.seal(&label(key, Kind::Response, answer.consent, answer.generation), &body),
        };
        if let Err(error) = self.keep(&entry).await {
            self.metrics.journal_errors.inc();
            tracing::error!(%error, "an answer cannot be kept before it is stored");
        }
        self.follow(answer, &entry, &body).await;
    }

    async fn keep(&self, entry: &KeptAnswer) -> Result<(), AnswersError> {
        let mut tries = 0;
        loop {
            match self.answers.keep(entry).await {
                Err(AnswersError::CannotWrite(_) | AnswersError::Late) if tries < MOST_TRIES => {
                    tries += 1;
                    sleep(AGAIN).await;
                }
                kept => return kept,
            }
        }
    }

    /// Reads what was kept when the process ended, and does what it says, as if it came now.
    ///
    /// # Errors
    /// The journal cannot be read, or the ring lacks a key that it needs; then nothing is done.
    pub(crate) async fn replay(self: &Arc<Self>) -> Result<(), AnswersError> {
        let kept = self.answers.entries()?;
        self.metrics.journal_damaged.set(kept.damaged as i64);
        let has_key = |entry: &&KeptAnswer| self.vault.key_ids().any(|id| id == entry.body.key_id());
        if let Some(shut) = kept.entries.iter().find(|entry| !has_key(entry)) {
            return Err(AnswersError::NoKey(VaultError::UnknownKey(shut.body.key_id().to_owned())));
        }
        for entry in kept.entries {
            let answer =
                Answer { consent: entry.consent, generation: entry.generation, attempt: entry.attempt };
            let label = label(&entry.key, Kind::Response, entry.consent, entry.generation);
            match self.vault.open(&label, &entry.body) {
                Ok(body) => {
                    self.metrics.count_replayed(&entry.key.source);
                    let rotation = self.clone();
                    self.tasks.contain(&self.under_way, "replay", async move {
                        rotation.follow(answer, &entry, &body).await;
                    });
                }
                Err(error) => {
                    tracing::error!(%error, attempt = %entry.attempt, "a kept answer cannot be opened")
                }
            }
        }
        Ok(())
    }

    /// Does what an answer says, until that is stored, and then no longer keeps it.
    async fn follow(&self, answer: Answer, entry: &KeptAnswer, body: &SecretString) {
        let (key, at, status) = (&entry.key, entry.received_at, entry.status);
        let reading = provider::read(status, body);
        let mut pause = AGAIN;
        loop {
            let done = match &reading {
                Reading::Issued(grant) => self.on_issued(key, answer, grant, at).await,
                Reading::Rejected => self.on_rejected(key, answer).await,
                Reading::Refused(why) => self.on_refused(key, answer, why).await,
                Reading::Unclear => self.on_unclear(key, answer, status).await,
            };
            match done {
                Ok(true) => break self.answers.forget(answer.attempt).await,
                Ok(false) => break,
                Err(ChangeError::Store(StoreError::TooLarge)) => {
                    tracing::error!(attempt = %answer.attempt, "tokens are too large; they stay in the journal");
                    break;
                }
                Err(_) if self.stop.is_cancelled() => return,
                Err(error) => {
                    tracing::warn!(%error, "an answer is not stored yet; trying again");
                    sleep(pause).await;
                    pause = (2 * pause).min(AT_MOST);
                }
            }
        }
    }

    /// Whether newer tokens stand than any that the answer may hold.
    async fn is_past(&self, key: &Key, answer: Answer) -> Result<bool, ChangeError> {
        let stands = self.integrations.load(key).await?;
        Ok(stands.is_some_and(|it| (it.consent, it.generation) > (answer.consent, answer.generation)))
    }

    /// This and those that follow tell whether the answer is done with; otherwise it stays.
    async fn on_issued(
        &self,
        key: &Key,
        answer: Answer,
        grant: &Issued,
        at: Micros,
    ) -> Result<bool, ChangeError> {
        let make = |stands: &Integration| {
            let old =
                || if stands.generation == answer.generation { self.refresh_token(stands) } else { None };
            let gone = || {
                let stands = Box::new(stands.clone());
                ChangeError::Refused { refusal: InputRefusal::Superseded, stands }
            };
            let refresh = grant.refresh_token.clone().or_else(old).ok_or_else(gone)?;
            let life = grant.expires_in.map(Duration::from_secs).unwrap_or_else(|| life_of(stands));
            let place = (answer.consent, answer.generation + 1);
            let tokens = self.seal(key, place, (&grant.access_token, &refresh), (at, life));
            Ok::<_, ChangeError>(Input::Issued { answer, tokens })
        };
        match self.integrations.try_change(key, make).await {
            Ok(rotated) => {
                self.metrics.count(&key.source, Refresh::Done);
                self.note(&rotated, "rotated", None).await;
                Ok(true)
            }
            Err(ChangeError::Refused { refusal: InputRefusal::Stray, stands }) => {
                self.metrics.count(&key.source, Refresh::Stray);
                let token = grant.refresh_token.as_ref().unwrap_or(&grant.access_token);
                let cause = if self.revoke_token(&key.source, token).await { None } else { Some("failed") };
                self.note(&stands, "late_tokens_revoked", cause).await;
                Ok(true)
            }
            Err(ChangeError::Refused { refusal: InputRefusal::NotNow, .. } | ChangeError::Nothing) => {
                self.metrics.count_unreadable(&key.source);
                let attempt = answer.attempt;
                tracing::error!(%attempt, "tokens came for what the store has lost; they stay in the journal");
                Ok(false)
            }
            other => ignore_refusals(other),
        }
    }

    async fn on_rejected(&self, key: &Key, answer: Answer) -> Result<bool, ChangeError> {
        match self.integrations.change(key, |_| Input::Rejected(answer)).await {
            Ok(ended) => {
                self.note_end(&ended).await;
                Ok(true)
            }
            // Another was first: what it got is there to be used.
            other => ignore_refusals(other),
        }
    }

    async fn on_refused(&self, key: &Key, answer: Answer, why: &'static str) -> Result<bool, ChangeError> {
        let attempt = answer.attempt;
        match self
            .integrations
            .change(key, |stands| Input::Refused { attempt, retry_at: later(stands) })
            .await
        {
            Ok(refused) => {
                self.metrics.count(&key.source, Refresh::Refused);
                tracing::error!(source = %key.source, why, "the provider refuses our client; nothing is lost while that is mended");
                if refused.failures == 1 {
                    self.note(&refused, "refused", Some(why)).await;
                }
                Ok(true)
            }
            other => ignore_refusals(other),
        }
    }

    /// What looks like tokens and cannot be read stays, sealed, for whoever can.
    async fn on_unclear(&self, key: &Key, answer: Answer, status: u16) -> Result<bool, ChangeError> {
        ignore_refusals(self.lost(key, answer.attempt).await)?;
        let may_hold_tokens = (200..300).contains(&status) && !self.is_past(key, answer).await?;
        if may_hold_tokens {
            self.metrics.count_unreadable(&key.source);
            let attempt = answer.attempt;
            tracing::error!(source = %key.source, %attempt, status, "an answer cannot be read; it stays in the journal");
        }
        Ok(!may_hold_tokens)
    }
}

/// What the machine does not want is done with; what the store could not do is not.
fn ignore_refusals<T>(changed: Result<T, ChangeError>) -> Result<bool, ChangeError> {
    match changed {
        Ok(_) | Err(ChangeError::Refused { .. } | ChangeError::Nothing) => Ok(true),
        Err(error) => Err(error),
    }
}

/// How long the access token before lived.
fn life_of(stands: &Integration) -> Duration {
    let life = stands.tokens.as_ref().map(|tokens| tokens.expires_at.saturating_sub(tokens.issued_at));
    life.map_or(USUAL_LIFE, Duration::from_micros)
}
