//! All that there is in the model: the stored record, what the two processes do and have in
//! their journals, what is on its way, and the token server. What happens to it is in
//! [`super::steps`].

use super::{Scenario, TICK};
use crate::{
    clock::Micros,
    sidecar::{
        integration::{Integration, Key, Tokens},
        machine::{Answer, Due, Input, InputRefusal},
    },
};
use uuid::Uuid;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct World {
    pub(crate) record: Integration,
    pub(crate) now: Micros,
    pub(crate) attempts: Vec<Attempt>,
    /// What the server knows, by consent.
    pub(crate) families: Vec<Family>,
    pub(crate) crashes: u8,
    pub(crate) backup: Option<Box<Integration>>,
    pub(crate) is_restored: bool,
    /// Since the last activation.
    pub(crate) is_deactivated: bool,
    pub(crate) is_stray_revoked: bool,
    pub(crate) fault: Fault,
}

/// What must not happen, and did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Fault {
    pub(crate) sent_twice: bool,
    pub(crate) probed_twice: bool,
    pub(crate) lost: bool,
}

/// One try of one process to refresh.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Attempt {
    pub(crate) replica: u8,
    pub(crate) consent: u64,
    pub(crate) generation: u64,
    /// The refresh token that it has, as the server counts them.
    pub(crate) serial: u64,
    pub(crate) until: Micros,
    pub(crate) kind: Kind,
    pub(crate) phase: Phase,
    pub(crate) wire: Wire,
    /// Durable, and of its process alone.
    pub(crate) journal: Option<Outcome>,
    /// Given up for lost before the answer came.
    pub(crate) is_late: bool,
    /// The answer never came.
    pub(crate) is_lost: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    First,
    Again,
    Probe,
}

/// Where the process is with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Phase {
    /// It connects, or sleeps.
    Claimed,
    /// It is about to send, or sleeps.
    Armed,
    Waits,
    /// It gave the answer up for lost, and listens on.
    Listens,
    Over,
}

/// What is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Wire {
    Idle,
    Request,
    Response(Outcome),
}

/// What the server answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Outcome {
    Issued(u64),
    Rejected,
    Refused,
}

/// The refresh tokens of one consent: the server accepts the newest only.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Family {
    pub(crate) newest: u64,
    /// When the one before was consumed.
    pub(crate) consumed_at: Micros,
    pub(crate) probed: Option<u64>,
    pub(crate) is_revoked: bool,
}

impl Attempt {
    pub(crate) fn is_run(&self) -> bool {
        self.phase != Phase::Over
    }

    pub(crate) fn answer(&self, nth: usize) -> Answer {
        Answer { consent: self.consent, generation: self.generation, attempt: id(nth) }
    }
}

pub(super) fn id(nth: usize) -> Uuid {
    Uuid::from_u128(nth as u128 + 1)
}

/// Tokens that tell which they are.
pub(super) fn tokens(serial: u64, now: Micros, scenario: &Scenario) -> Tokens {
    let sealed = |kind: char| {
        let text = format!("\"v2.k.{:A>96}.{:A>54}\"", "", format!("{kind}{serial}"));
        serde_json::from_str(&text).unwrap()
    };
    let expires_at = now + scenario.life * TICK;
    Tokens { refresh: sealed('R'), access: sealed('A'), issued_at: now, expires_at }
}

pub(super) fn serial(tokens: &Tokens) -> u64 {
    tokens.refresh.as_str().rsplit('R').next().unwrap().parse().unwrap()
}

impl World {
    pub(crate) fn begin(scenario: &Scenario) -> Self {
        let key = Key {
            source: "s".try_into().unwrap(),
            tenant: "t".try_into().unwrap(),
            extension: "200".try_into().unwrap(),
        };
        let mut world = Self {
            record: Integration::new(key, 0),
            now: 0,
            attempts: Vec::new(),
            families: Vec::new(),
            crashes: 0,
            backup: None,
            is_restored: false,
            is_deactivated: false,
            is_stray_revoked: false,
            fault: Fault::default(),
        };
        world.activate(scenario).unwrap();
        world.tidy();
        world
    }

    pub(crate) fn family(&self) -> &Family {
        &self.families[self.record.consent as usize - 1]
    }

    /// The attempt that brought the tokens.
    pub(crate) fn made_by(&self) -> Option<&Attempt> {
        let by = self.record.made_by?;
        self.attempts.get(by.as_u128() as usize - 1)
    }

    /// What makes no difference is not told apart.
    pub(crate) fn tidy(&mut self) {
        (self.record.since, self.record.failures, self.record.retry_at) = (0, 0, 0);
        self.record.activated_by = None;
        let idle =
            |attempt: &Attempt| !attempt.is_run() && attempt.wire == Wire::Idle && attempt.journal.is_none();
        let made_by = self.record.made_by;
        for (nth, attempt) in self.attempts.iter_mut().enumerate() {
            if idle(attempt) {
                (attempt.until, attempt.consent, attempt.generation, attempt.serial) = (0, 0, 0, 0);
                if made_by != Some(id(nth)) {
                    (attempt.kind, attempt.is_late) = (Kind::First, false);
                }
            }
        }
    }

    pub(crate) fn on(&mut self, input: Input, scenario: &Scenario) -> Result<(), InputRefusal> {
        self.record = self.record.on(input, self.now, scenario.policy())?;
        Ok(())
    }

    /// The newest token of a sound consent is in the store or in a journal, and nobody is about
    /// to find that out by a probe.
    pub(crate) fn has_the_good_token(&self) -> bool {
        let (family, consent) = (self.family(), self.record.consent);
        let is_spoilt = family.is_revoked || self.record.sent.iter().any(|sent| sent.is_probe);
        let is_stored = self.record.tokens.as_ref().is_some_and(|held| serial(held) == family.newest);
        let is_written = self
            .attempts
            .iter()
            .any(|a| a.consent == consent && a.journal == Some(Outcome::Issued(family.newest)));
        !self.is_deactivated && !self.is_restored && !is_spoilt && (is_stored || is_written)
    }

    /// The processes come back, nothing is on its way, and one of them does what is due.
    pub(crate) fn recover(&mut self, scenario: &Scenario) {
        for nth in 0..self.attempts.len() {
            (self.attempts[nth].phase, self.attempts[nth].wire) = (Phase::Over, Wire::Idle);
            self.apply(nth, scenario);
        }
        for _ in 0..12 {
            let due = self.record.due(self.now, scenario.policy());
            match due {
                Due::Never | Due::Refresh(_) => return,
                Due::Settle(at) => {
                    self.now = self.now.max(at);
                    let attempt = self.record.claim().map(|claim| claim.attempt);
                    let _ = attempt.map(|attempt| self.on(Input::Orphaned { attempt }, scenario));
                }
                Due::Again(at) | Due::Probe(at) => {
                    self.now = self.now.max(at);
                    self.refresh(scenario);
                }
                Due::Revoke(_) => {
                    self.revoke(scenario);
                }
            }
        }
    }

    /// A refresh with nothing in its way.
    fn refresh(&mut self, scenario: &Scenario) {
        let nth = self.attempts.len();
        let goes_well = self.claim(0, scenario).is_some();
        if goes_well && self.on(Input::Arm { attempt: id(nth) }, scenario).is_ok() {
            self.attempts[nth].journal = Some(self.serve(nth, scenario));
            self.apply(nth, scenario);
        }
    }
}
