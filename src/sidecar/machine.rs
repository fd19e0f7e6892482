//! How an integration changes: one pure function of what stands, what happens and the time. Who
//! stores the result by compare-and-swap, and only then acts, can crash at any step.
//!
//! A refresh token leaves the process only after two stored steps: the claim, and the arming of
//! it when the connection to the provider stands. What is not armed was certainly not sent, and
//! may be tried again; what is armed may have been sent, and is not sent again for its own sake.
//! Neither is undone by time.

mod due;

pub(crate) use due::{Due, Policy};

use super::integration::{Asked, Callback, Cause, Claim, Integration, Sent, State, Tokens};
use crate::clock::Micros;
use uuid::Uuid;

/// Consents of one user that may be under way at the same time; the oldest goes.
const MOST_ASKED: usize = 8;

/// What happens to an integration.
#[derive(Clone, Debug)]
pub(crate) enum Input {
    /// The user is sent to the portal.
    Connect(Asked),
    /// The provider calls back. The tokens are sealed for the consent after the one that stands.
    Activate { callback: Callback, tokens: Tokens },
    /// Somebody wants to refresh; it is [`Due`].
    Claim(Claim),
    /// The connection stands, the token is about to leave.
    Arm { attempt: Uuid },
    /// Certainly nothing was sent.
    NotSent { attempt: Uuid, retry_at: Micros },
    /// The provider refused the client or the request, and so consumed nothing.
    Refused { attempt: Uuid, retry_at: Micros },
    /// It was sent, and there is no answer that tells anything.
    Lost { attempt: Uuid },
    /// The provider does not accept the refresh token.
    Rejected(Answer),
    /// The provider issued tokens. They are sealed for the generation after the answer's.
    Issued { answer: Answer, tokens: Tokens },
    /// The claim's owner is gone, or its time is over.
    Orphaned { attempt: Uuid },
    /// The user, or the provider, ends it; `revoke` keeps the tokens for that.
    Deactivate { revoke: bool },
    /// The tokens of that consent are revoked, or it was tried for long enough.
    Revoked { consent: u64 },
    /// It was restored from a backup.
    Restore,
    /// The same tokens under another key of the ring, if they are still those.
    Rewrap { was: Tokens, tokens: Tokens },
}

/// What an answer of the provider is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) consent: u64,
    pub(crate) generation: u64,
    pub(crate) attempt: Uuid,
}

/// Why something does not change what stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InputRefusal {
    /// It is so already.
    #[error("known")]
    Known,
    /// There is no such consent under way.
    #[error("no such consent is under way")]
    NotAsked,
    /// It does not go with where the integration stands.
    #[error("not now")]
    NotNow,
    /// A newer generation is there; the answer is of no use, and of no harm.
    #[error("superseded")]
    Superseded,
    /// Another activation, or a deactivation, came first: what was issued is to be revoked.
    #[error("stray")]
    Stray,
}

impl Integration {
    /// What this is after an input. Pure: the same gives the same.
    ///
    /// # Errors
    /// Nothing changes, and why.
    pub(crate) fn on(&self, input: Input, now: Micros, policy: Policy) -> Result<Self, InputRefusal> {
        let mut next = self.clone();
        match input {
            Input::Connect(asked) => next.connect(asked, now),
            Input::Activate { callback, tokens } => next.activate(callback, tokens, now)?,
            Input::Claim(claim) => next.take(claim, now, policy)?,
            Input::Arm { attempt } => next.arm(attempt, now)?,
            Input::NotSent { attempt, retry_at } => next.not_sent(attempt, retry_at)?,
            Input::Refused { attempt, retry_at } => next.refused(attempt, retry_at)?,
            Input::Lost { attempt } => next.lost(attempt)?,
            Input::Rejected(answer) => next.rejected(answer)?,
            Input::Issued { answer, tokens } => next.issued(answer, tokens)?,
            Input::Orphaned { attempt } => next.orphaned(attempt)?,
            Input::Deactivate { revoke } => next.deactivate(revoke)?,
            Input::Revoked { consent } => next.revoked(consent)?,
            Input::Restore => next.restore()?,
            Input::Rewrap { was, tokens } => next.rewrap(&was, tokens)?,
        }
        if next.meaning() != self.meaning() || next.consent != self.consent {
            next.since = now;
        }
        Ok(next)
    }

    /// Where it is when nobody has a claim on it.
    fn at_rest(&self) -> State {
        match self.is_restored {
            true => State::Suspect,
            false if self.sent.is_empty() => State::Active,
            false => State::Ambiguous,
        }
    }

    fn held_by(&mut self, attempt: Uuid) -> Result<&mut Claim, InputRefusal> {
        match &mut self.state {
            State::InFlight(claim) | State::Probing(claim) if claim.attempt == attempt => Ok(claim),
            _ => Err(InputRefusal::NotNow),
        }
    }

    fn connect(&mut self, asked: Asked, now: Micros) {
        self.asked.retain(|other| now < other.expires_at);
        if self.asked.len() == MOST_ASKED {
            self.asked.remove(0);
        }
        self.asked.push(asked);
    }

    fn activate(&mut self, callback: Callback, tokens: Tokens, now: Micros) -> Result<(), InputRefusal> {
        match &self.activated_by {
            Some(last) if *last == callback => return Err(InputRefusal::Known),
            Some(last) if last.key_hash == callback.key_hash => return Err(InputRefusal::NotAsked),
            _ => {}
        }
        let is_it = |asked: &Asked| asked.key_hash == callback.key_hash && now < asked.expires_at;
        let nth = self.asked.iter().position(is_it).ok_or(InputRefusal::NotAsked)?;
        self.asked.remove(nth);
        self.activated_by = Some(callback);
        (self.consent, self.generation) = (self.consent + 1, 0);
        self.renew(tokens);
        Ok(())
    }

    /// Tokens that were never sent.
    fn renew(&mut self, tokens: Tokens) {
        self.tokens = Some(tokens);
        self.state = State::Active;
        self.sent.clear();
        (self.is_restored, self.made_by) = (false, None);
        (self.failures, self.retry_at) = (0, 0);
    }

    fn take(&mut self, mut claim: Claim, now: Micros, policy: Policy) -> Result<(), InputRefusal> {
        if self.tokens.is_none() {
            return Err(InputRefusal::NotNow);
        }
        self.state = match (&self.state, self.due(now, policy)) {
            // Somebody may need a fresh one before it is due.
            (State::Active, _) if self.retry_at <= now => State::InFlight(claim),
            (State::Ambiguous, Due::Again(at)) if at <= now => {
                claim.until = claim.until.min(self.grace_ends(policy));
                State::InFlight(claim)
            }
            (State::Ambiguous | State::Suspect, _) if self.may_probe(now) => State::Probing(claim),
            _ => return Err(InputRefusal::NotNow),
        };
        Ok(())
    }

    fn may_probe(&self, now: Micros) -> bool {
        let near = self.tokens.as_ref().map(|tokens| self.probe_at(tokens));
        near.is_some_and(|near| near.max(self.retry_at) <= now)
    }

    fn arm(&mut self, attempt: Uuid, now: Micros) -> Result<(), InputRefusal> {
        let is_probe = matches!(self.state, State::Probing(_));
        let claim = self.held_by(attempt)?;
        if claim.is_armed || claim.until <= now {
            return Err(InputRefusal::NotNow);
        }
        claim.is_armed = true;
        let until = claim.until;
        self.sent.push(Sent { attempt, at: now, until, is_probe });
        Ok(())
    }

    fn not_sent(&mut self, attempt: Uuid, retry_at: Micros) -> Result<(), InputRefusal> {
        if self.held_by(attempt)?.is_armed {
            return Err(InputRefusal::NotNow);
        }
        self.try_later(retry_at);
        Ok(())
    }

    fn refused(&mut self, attempt: Uuid, retry_at: Micros) -> Result<(), InputRefusal> {
        let is_known = self.sent.iter().any(|sent| sent.attempt == attempt);
        // The answer may come when it was given up for lost.
        if !is_known || self.held_by(attempt).is_err() && self.state != State::Ambiguous {
            return Err(InputRefusal::NotNow);
        }
        self.sent.retain(|sent| sent.attempt != attempt);
        self.try_later(retry_at);
        Ok(())
    }

    fn try_later(&mut self, retry_at: Micros) {
        self.failures = self.failures.saturating_add(1);
        self.retry_at = retry_at;
        self.state = self.at_rest();
    }

    fn lost(&mut self, attempt: Uuid) -> Result<(), InputRefusal> {
        if !self.held_by(attempt)?.is_armed {
            return Err(InputRefusal::NotNow);
        }
        match self.state {
            State::Probing(_) => self.give_up(self.cause_of_loss()),
            _ => self.state = self.at_rest(),
        }
        Ok(())
    }

    fn cause_of_loss(&self) -> Cause {
        if self.is_restored { Cause::Restored } else { Cause::ResponseLost }
    }

    fn orphaned(&mut self, attempt: Uuid) -> Result<(), InputRefusal> {
        if self.held_by(attempt)?.is_armed {
            return self.lost(attempt);
        }
        self.state = self.at_rest();
        Ok(())
    }

    /// Whether an answer is about what stands.
    fn answers(&self, answer: Answer) -> Result<(), InputRefusal> {
        let is_over = matches!(self.state, State::Deactivating | State::Deactivated);
        // What is ahead of a backup is neither of no use nor of an activation that is over.
        if answer.consent < self.consent || is_over {
            Err(InputRefusal::Stray)
        } else if self.made_by == Some(answer.attempt) {
            Err(InputRefusal::Known)
        } else if (answer.consent, answer.generation) < (self.consent, self.generation) {
            Err(InputRefusal::Superseded)
        } else if (answer.consent, answer.generation) > (self.consent, self.generation) {
            Err(InputRefusal::NotNow)
        } else if self.sent.iter().any(|sent| sent.attempt == answer.attempt) {
            Ok(())
        } else {
            Err(InputRefusal::NotNow)
        }
    }

    fn rejected(&mut self, answer: Answer) -> Result<(), InputRefusal> {
        self.answers(answer)?;
        if matches!(self.state, State::ReauthRequired { .. }) {
            return Err(InputRefusal::Known);
        }
        let is_first = self.sent.len() == 1 && !self.is_restored;
        self.give_up(if is_first { Cause::Rejected } else { self.cause_of_loss() });
        Ok(())
    }

    /// What was sent stays on record: the answer to an earlier attempt may still come.
    fn give_up(&mut self, cause: Cause) {
        self.state = State::ReauthRequired { cause };
        self.tokens = None;
    }

    fn issued(&mut self, answer: Answer, tokens: Tokens) -> Result<(), InputRefusal> {
        self.answers(answer)?;
        // Sent before the backup was restored: newer tokens may have followed.
        let is_old = self.is_restored && self.held_by(answer.attempt).is_err();
        self.generation += 1;
        self.renew(tokens);
        self.made_by = Some(answer.attempt);
        if is_old {
            (self.is_restored, self.state) = (true, State::Suspect);
        }
        Ok(())
    }

    fn deactivate(&mut self, revoke: bool) -> Result<(), InputRefusal> {
        if self.state == State::Deactivated || (revoke && self.state == State::Deactivating) {
            return Err(InputRefusal::Known);
        }
        // A refresh token that is being sent is consumed: the answer to it is revoked when it comes.
        let is_at_rest = self.claim().is_none_or(|claim| !claim.is_armed);
        self.asked.clear();
        self.sent.clear();
        (self.failures, self.retry_at) = (0, 0);
        if revoke && is_at_rest && self.tokens.is_some() {
            self.state = State::Deactivating;
        } else {
            self.state = State::Deactivated;
            self.tokens = None;
        }
        Ok(())
    }

    fn revoked(&mut self, consent: u64) -> Result<(), InputRefusal> {
        if self.state != State::Deactivating || consent != self.consent {
            return Err(InputRefusal::NotNow);
        }
        self.state = State::Deactivated;
        self.tokens = None;
        Ok(())
    }

    fn restore(&mut self) -> Result<(), InputRefusal> {
        match self.state {
            State::Active | State::InFlight(_) | State::Ambiguous | State::Probing(_) => {
                self.is_restored = true;
                self.state = State::Suspect;
                Ok(())
            }
            _ => Err(InputRefusal::Known),
        }
    }

    fn rewrap(&mut self, was: &Tokens, tokens: Tokens) -> Result<(), InputRefusal> {
        if self.tokens.as_ref() != Some(was) {
            return Err(InputRefusal::Superseded);
        }
        self.tokens = Some(tokens);
        Ok(())
    }
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod proptests;
#[cfg(test)]
mod tests;
