//! The transition function under every interleaving: two processes with a durable journal each,
//! one stored record, a strict token server, and a network that loses and delays. The processes
//! do what the driver of the machine does; the record changes by the real [`Integration::on`].
//!
//! What it takes for given, and the driver has to keep: a process sends nothing, and nothing of
//! it is on its way to the server any more, once its claim's `until` has passed.

mod steps;
mod world;

use super::Policy;
use crate::{
    clock::Micros,
    sidecar::integration::{Cause, State},
};
use stateright::{Checker, Model, Property};
use std::time::Duration;
use steps::Does;
use world::{Kind, Phase, Wire, World};

/// A step of the model's clock.
const TICK: Micros = 10_000_000;

/// What is looked at; each costs states.
#[derive(Clone, Copy)]
struct Scenario {
    last_tick: Micros,
    /// How many ticks the access token lives.
    life: Micros,
    /// For how many ticks a claim is left alone.
    claim: Micros,
    /// For how many ticks the server takes a consumed token again.
    grace: Micros,
    attempts: usize,
    crashes: u8,
    consents: u64,
    deactivates: bool,
    restores: bool,
    /// Nothing is on its way any more once the claim's time is over.
    keeps_deadline: bool,
    /// What has to happen somewhere for the rest to mean something.
    finds: &'static [Finding],
}

type Finding = (&'static str, fn(&Scenario, &World) -> bool);

const SENT_ONCE: &str = "no generation is sent twice outside a probe and the grace";

const PLAIN: Scenario = Scenario {
    last_tick: 2,
    life: 2,
    claim: 1,
    grace: 0,
    attempts: 2,
    crashes: 1,
    consents: 1,
    deactivates: false,
    restores: false,
    keeps_deadline: true,
    finds: &[],
};

impl Scenario {
    fn policy(&self) -> Policy {
        Policy { reuse_grace: Duration::from_micros(self.grace * TICK) }
    }
}

impl Model for Scenario {
    type State = World;
    type Action = Does;

    fn init_states(&self) -> Vec<World> {
        vec![World::begin(self)]
    }

    fn actions(&self, world: &World, does: &mut Vec<Does>) {
        let attempts = &world.attempts;
        for replica in 0..2 {
            // Which of the two begins makes no difference.
            if attempts.len() < self.attempts && (replica == 0 || !attempts.is_empty()) {
                does.push(Does::Claim(replica));
            }
            if world.crashes < self.crashes && attempts.iter().any(|a| a.replica == replica && a.is_run()) {
                does.push(Does::Crash(replica));
            }
        }
        for (nth, attempt) in attempts.iter().enumerate() {
            match attempt.phase {
                Phase::Claimed => does.extend([Does::Arm(nth), Does::NotSent(nth)]),
                Phase::Armed => does.push(Does::Send(nth)),
                Phase::Waits => does.push(Does::GiveUp(nth)),
                Phase::Listens | Phase::Over => {}
            }
            match attempt.wire {
                Wire::Idle => {}
                Wire::Request => does.extend([Does::Deliver(nth), Does::Refuse(nth), Does::Lose(nth)]),
                Wire::Response(_) => does.extend([Does::Receive(nth), Does::Lose(nth)]),
            }
            if attempt.journal.is_some() {
                does.push(Does::Apply { nth, forgets: true });
                if world.crashes < self.crashes {
                    does.push(Does::Apply { nth, forgets: false });
                }
            }
            does.push(Does::Settle(nth));
        }
        if world.now < self.last_tick * TICK {
            does.push(Does::Tick);
        }
        if self.deactivates {
            does.extend([Does::Deactivate, Does::Revoke]);
        }
        if world.record.consent < self.consents {
            does.push(Does::Activate);
        }
        if self.restores && !world.is_restored {
            does.push(if world.backup.is_none() { Does::Backup } else { Does::Restore });
        }
    }

    fn next_state(&self, world: &World, does: Does) -> Option<World> {
        let mut next = world.clone();
        next.does(does, self)?;
        next.tidy();
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut all: Vec<Property<Self>> = vec![
            Property::<Self>::always(SENT_ONCE, |_, world| !world.fault.sent_twice),
            Property::<Self>::always("a generation is probed once", |_, world| !world.fault.probed_twice),
            Property::<Self>::always("no answer in a journal is lost", |_, world| !world.fault.lost),
            Property::<Self>::always("a consent is not given up while its token is good", |_, world| {
                let is_spoilt =
                    world.family().is_revoked || world.record.sent.iter().any(|sent| sent.is_probe);
                world.record.cause().is_none() || is_spoilt
            }),
            Property::<Self>::always("deactivated stays so without an activation", |_, world| {
                !world.is_deactivated || world.record.vendible(world.now).is_none() && !world.record.is_live()
            }),
            Property::<Self>::always(
                "from everywhere it comes to rest, with the token that is good",
                comes_to_rest,
            ),
        ];
        all.extend(self.finds.iter().map(|(name, is_it)| Property::sometimes(name, *is_it)));
        all
    }
}

/// All that runs is gone, all that is on its way is lost; then one process does what is due, and
/// the network is well.
fn comes_to_rest(scenario: &Scenario, world: &World) -> bool {
    let mut after = world.clone();
    after.recover(scenario);
    let is_at_rest =
        matches!(after.record.state, State::Active | State::ReauthRequired { .. } | State::Deactivated);
    is_at_rest && (!world.has_the_good_token() || after.record.state == State::Active)
}

/// Explores all of a scenario: what must hold does, and what makes it worth looking at happens.
fn check(scenario: Scenario) {
    let checker = scenario.checker().threads(2).spawn_bfs().join();
    println!("{} states, {} steps deep", checker.unique_state_count(), checker.max_depth());
    checker.assert_properties();
}

const ANSWER_LOST: Finding =
    ("an answer is lost", |_, world| world.attempts.iter().any(|a| a.phase == Phase::Over && a.is_lost));
const LATE_WINS: Finding = ("a late answer wins", |_, world| world.made_by().is_some_and(|a| a.is_late));
const PROBE_TELLS: Finding =
    ("a probe brings tokens", |_, world| world.made_by().is_some_and(|a| a.kind == Kind::Probe));
const PROBE_REJECTED: Finding =
    ("a probe is rejected", |_, world| world.record.cause() == Some(Cause::ResponseLost));
const AGAIN_WINS: Finding =
    ("a token is taken again", |_, world| world.made_by().is_some_and(|a| a.kind == Kind::Again));
const REPLAYED: Finding = ("a journal is replayed after a crash", |_, world| {
    world.crashes > 0 && world.attempts.iter().any(|a| a.journal.is_some() && world.record.generation > 0)
});
const REVOKED_STRAY: Finding = ("a stray pair is revoked", |_, world| world.is_stray_revoked);
const RESTORED: Finding =
    ("a restored token is rejected", |_, world| world.record.cause() == Some(Cause::Restored));
const RESTORED_WELL: Finding =
    ("a restored token is good", |_, world| world.is_restored && world.record.state == State::Active);

#[test]
fn single_use_tokens_are_sent_once_and_never_lost() {
    check(Scenario { finds: &[ANSWER_LOST, LATE_WINS, PROBE_TELLS, PROBE_REJECTED, REPLAYED], ..PLAIN });
}

#[test]
fn a_grace_is_used_and_not_overstayed() {
    let finds = &[ANSWER_LOST, LATE_WINS, AGAIN_WINS, REPLAYED];
    check(Scenario { grace: 2, claim: 2, life: 3, finds, ..PLAIN });
}

#[test]
fn deactivation_and_activation_beat_what_is_on_its_way() {
    let finds = &[REVOKED_STRAY, LATE_WINS];
    check(Scenario { consents: 2, deactivates: true, last_tick: 1, finds, ..PLAIN });
}

#[test]
fn a_restored_backup_is_only_probed() {
    let finds = &[RESTORED, RESTORED_WELL];
    check(Scenario { crashes: 0, restores: true, finds, ..PLAIN });
}

/// Without the deadline the model finds the harm, so it is able to.
#[test]
fn what_is_on_its_way_after_its_claim_ended_spends_a_token_twice() {
    let checker = Scenario { keeps_deadline: false, ..PLAIN }.checker().spawn_bfs().join();
    checker.assert_any_discovery(SENT_ONCE);
}
