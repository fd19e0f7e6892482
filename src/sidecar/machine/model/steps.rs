//! What happens in the model, a step at a time. It does what the driver, the network and the
//! token server do; the record changes by the machine only.

use super::{
    Scenario, TICK,
    world::{Attempt, Family, Kind, Outcome, Phase, Wire, World, id, serial, tokens},
};
use crate::{
    clock::Micros,
    sidecar::{
        integration::{Asked, Callback, Claim, Integration, State},
        machine::{Input, InputRefusal},
    },
};
use uuid::Uuid;

/// A step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Does {
    Claim(u8),
    NotSent(usize),
    Arm(usize),
    Send(usize),
    GiveUp(usize),
    Receive(usize),
    /// The store first, the journal then; a crash between the two leaves the entry.
    Apply {
        nth: usize,
        forgets: bool,
    },
    Settle(usize),
    Crash(u8),
    Deliver(usize),
    Refuse(usize),
    Lose(usize),
    Tick,
    Activate,
    Deactivate,
    Revoke,
    Backup,
    Restore,
}

impl World {
    /// A step; none where it changes nothing.
    pub(crate) fn does(&mut self, does: Does, scenario: &Scenario) -> Option<()> {
        match does {
            Does::Claim(replica) => self.claim(replica, scenario)?,
            Does::NotSent(nth) => self.not_sent(nth, scenario),
            Does::Arm(nth) => match self.on(Input::Arm { attempt: id(nth) }, scenario) {
                Ok(()) => self.attempts[nth].phase = Phase::Armed,
                Err(_) => self.not_sent(nth, scenario),
            },
            Does::Send(nth) => self.send(nth, scenario),
            Does::GiveUp(nth) => {
                self.on(Input::Lost { attempt: id(nth) }, scenario).ok();
                (self.attempts[nth].phase, self.attempts[nth].is_late) = (Phase::Listens, true);
            }
            Does::Receive(nth) => self.receive(nth),
            Does::Apply { nth, forgets: true } => self.apply(nth, scenario),
            Does::Apply { nth, forgets: false } => {
                let (entry, replica) = (self.attempts[nth].journal, self.attempts[nth].replica);
                self.apply(nth, scenario);
                self.attempts[nth].journal = entry;
                self.crash(replica);
            }
            Does::Settle(nth) => self.settle(nth, scenario)?,
            Does::Crash(replica) => self.crash(replica),
            Does::Deliver(nth) => self.attempts[nth].wire = Wire::Response(self.serve(nth, scenario)),
            Does::Refuse(nth) => self.attempts[nth].wire = Wire::Response(Outcome::Refused),
            Does::Lose(nth) => self.lose(nth),
            Does::Tick => self.tick(scenario),
            Does::Activate => self.activate(scenario).ok()?,
            Does::Deactivate => self.deactivate(scenario)?,
            Does::Revoke => self.revoke(scenario)?,
            Does::Backup => self.backup = Some(Box::new(self.record.clone())),
            Does::Restore => self.restore(scenario)?,
        }
        Some(())
    }

    pub(crate) fn claim(&mut self, replica: u8, scenario: &Scenario) -> Option<()> {
        let attempt = id(self.attempts.len());
        let owner = Uuid::from_u128(100 + u128::from(replica));
        let until = self.now + scenario.claim * TICK;
        let is_first = self.record.sent.is_empty();
        self.on(Input::Claim(Claim { attempt, owner, until, is_armed: false }), scenario).ok()?;
        let kind = match self.record.state {
            State::Probing(_) => Kind::Probe,
            _ if is_first => Kind::First,
            _ => Kind::Again,
        };
        self.attempts.push(Attempt {
            replica,
            consent: self.record.consent,
            generation: self.record.generation,
            serial: serial(self.record.tokens.as_ref()?),
            until: self.record.claim()?.until,
            kind,
            phase: Phase::Claimed,
            wire: Wire::Idle,
            journal: None,
            is_late: false,
            is_lost: false,
        });
        Some(())
    }

    fn not_sent(&mut self, nth: usize, scenario: &Scenario) {
        self.attempts[nth].phase = Phase::Over;
        self.on(Input::NotSent { attempt: id(nth), retry_at: 0 }, scenario).ok();
    }

    /// Who comes too late to send has certainly not sent.
    fn send(&mut self, nth: usize, scenario: &Scenario) {
        if scenario.keeps_deadline && self.attempts[nth].until <= self.now {
            self.attempts[nth].phase = Phase::Over;
            self.on(Input::Refused { attempt: id(nth), retry_at: 0 }, scenario).ok();
        } else {
            (self.attempts[nth].phase, self.attempts[nth].wire) = (Phase::Waits, Wire::Request);
        }
    }

    fn receive(&mut self, nth: usize) {
        let attempt = &mut self.attempts[nth];
        if let (true, Wire::Response(outcome)) = (attempt.is_run(), attempt.wire) {
            attempt.journal = Some(outcome);
        }
        (attempt.phase, attempt.wire) = (Phase::Over, Wire::Idle);
    }

    /// The connection breaks: nobody waits on for what it would have brought.
    fn lose(&mut self, nth: usize) {
        self.attempts[nth].is_lost |= matches!(self.attempts[nth].wire, Wire::Response(Outcome::Issued(_)));
        self.attempts[nth].wire = Wire::Idle;
    }

    pub(crate) fn apply(&mut self, nth: usize, scenario: &Scenario) {
        let Some(outcome) = self.attempts[nth].journal.take() else { return };
        let (answer, attempt) = (self.attempts[nth].answer(nth), id(nth));
        let issued = match outcome {
            Outcome::Refused => {
                self.on(Input::Refused { attempt, retry_at: 0 }, scenario).ok();
                return;
            }
            Outcome::Rejected => {
                self.on(Input::Rejected(answer), scenario).ok();
                return;
            }
            Outcome::Issued(serial) => serial,
        };
        let tokens = tokens(issued, self.now, scenario);
        let held = |record: &Integration| record.tokens.as_ref().is_some_and(|held| issued <= serial(held));
        self.fault.lost |= match self.on(Input::Issued { answer, tokens }, scenario) {
            Ok(()) => !held(&self.record),
            Err(InputRefusal::Known) => false,
            Err(InputRefusal::Superseded) => self.record.tokens.is_some() && !held(&self.record),
            Err(InputRefusal::Stray) => {
                self.is_stray_revoked = true;
                self.families[answer.consent as usize - 1].is_revoked = true;
                !self.is_deactivated && answer.consent == self.record.consent
            }
            // What is newer than a backup stays in the journal, for a person.
            Err(_) => !self.is_restored,
        };
    }

    /// Anybody may settle a claim whose time is over; its own process when it comes back, after
    /// its journal.
    fn settle(&mut self, nth: usize, scenario: &Scenario) -> Option<()> {
        let of = self.record.claim()?;
        let mut its = self.attempts.iter().filter(|other| other.replica == self.attempts[nth].replica);
        let is_back = !self.attempts[nth].is_run() && its.all(|other| other.journal.is_none());
        if of.attempt != id(nth) || !(of.until <= self.now || is_back) {
            return None;
        }
        self.on(Input::Orphaned { attempt: id(nth) }, scenario).ok()
    }

    /// What was sent still arrives; the answer finds nobody.
    fn crash(&mut self, replica: u8) {
        self.crashes += 1;
        for attempt in self.attempts.iter_mut().filter(|attempt| attempt.replica == replica) {
            attempt.phase = Phase::Over;
        }
    }

    /// The server's part, when a request arrives.
    pub(crate) fn serve(&mut self, nth: usize, scenario: &Scenario) -> Outcome {
        let attempt = &self.attempts[nth];
        let family = &mut self.families[attempt.consent as usize - 1];
        let is_probe = attempt.kind == Kind::Probe;
        self.fault.probed_twice |= is_probe && family.probed == Some(attempt.serial);
        if is_probe {
            family.probed = Some(attempt.serial);
        }
        if family.is_revoked {
            Outcome::Rejected
        } else if attempt.serial == family.newest {
            family.newest += 1;
            family.consumed_at = self.now;
            Outcome::Issued(family.newest)
        } else if attempt.serial + 1 == family.newest && self.now < family.consumed_at + scenario.grace * TICK
        {
            Outcome::Issued(family.newest)
        } else {
            family.is_revoked = true;
            self.fault.sent_twice |= !is_probe;
            Outcome::Rejected
        }
    }

    fn tick(&mut self, scenario: &Scenario) {
        self.now += TICK;
        for attempt in &mut self.attempts {
            if scenario.keeps_deadline && attempt.wire == Wire::Request && attempt.until <= self.now {
                attempt.wire = Wire::Idle;
            }
        }
    }

    pub(crate) fn activate(&mut self, scenario: &Scenario) -> Result<(), InputRefusal> {
        let (key_hash, consent) = (format!("{}", self.record.consent), self.record.consent + 1);
        let asked = Asked { key_hash: key_hash.clone(), sub: "u".into(), expires_at: Micros::MAX };
        self.on(Input::Connect(asked), scenario)?;
        let callback = Callback { key_hash, tokens_hash: format!("{consent}") };
        let tokens = tokens(0, self.now, scenario);
        self.on(Input::Activate { callback, tokens }, scenario)?;
        self.families.resize(self.record.consent as usize, Family::default());
        self.is_deactivated = false;
        Ok(())
    }

    fn deactivate(&mut self, scenario: &Scenario) -> Option<()> {
        self.on(Input::Deactivate { revoke: true }, scenario).ok()?;
        self.is_deactivated = true;
        Some(())
    }

    pub(crate) fn revoke(&mut self, scenario: &Scenario) -> Option<()> {
        self.on(Input::Revoked { consent: self.record.consent }, scenario).ok()?;
        let nth = self.record.consent as usize - 1;
        self.families[nth].is_revoked = true;
        Some(())
    }

    /// The processes are down for it, and what they sent is through; their journals stay.
    fn restore(&mut self, scenario: &Scenario) -> Option<()> {
        if self.attempts.iter().any(|attempt| attempt.wire == Wire::Request) {
            return None;
        }
        for attempt in &mut self.attempts {
            attempt.phase = Phase::Over;
        }
        self.record = *self.backup.take()?;
        self.is_restored = true;
        self.on(Input::Restore, scenario).ok()
    }
}
