//! A power cut at any instant loses nothing that was acked.

use crate::support::{
    Config, Disk, Gateway, Leg,
    client::Calls,
    new_tenant, oracle,
    process::{self, callpop},
    times,
};
use futures_util::future::join_all;
use rustix::process::Signal;
use serde_json::{Value, json};
use std::{process::Stdio, time::Duration};
use tokio::time::sleep;

const SENDERS: usize = 6;
/// One store is not cut more often: a start reads all that was acked before, and is not to take longer than anyone waits.
const CUTS_OF_A_STORE: usize = 50;

/// What one sender has got through: two legs at a time, an event of each in one webhook.
#[derive(Default)]
struct Ledger {
    /// Legs with their acked events.
    legs: Vec<(Leg, Vec<Value>)>,
    /// Sent and not acked: it may or may not be there, an event of each of the last two legs.
    doubtful: Option<[Value; 2]>,
}

impl Ledger {
    /// Sends without a pause until the gateway is gone.
    async fn send(&mut self, gateway: &Gateway, tenant: &str) {
        loop {
            let legs = [Leg::inbound(tenant, "200"), Leg::outbound(tenant, "210")];
            self.legs.extend(legs.clone().map(|leg| (leg, Vec::new())));
            let states = ["RINGING", "ACTIVE", "HELD", "ACTIVE", "HANGUP", "SUMMARY_REPORTING"];
            for (second, state) in (0..).zip(states) {
                let events = legs.each_ref().map(|leg| match state {
                    "SUMMARY_REPORTING" => leg.summary(second, json!({"title": "x".repeat(500)})),
                    state => leg.event(state, second),
                });
                let answer = gateway.webhook(json!(events).to_string()).send().await;
                let Ok(answer) = answer else {
                    self.doubtful = Some(events);
                    return;
                };
                assert_eq!(answer.status(), 204);
                for ((_, acked), event) in self.legs.iter_mut().rev().zip(events.into_iter().rev()) {
                    acked.push(event);
                }
            }
        }
    }

    /// Fails unless all that was acked is among the calls, and nothing that was never sent.
    fn check(&self, calls: &Calls) {
        let newest = self.legs.len().saturating_sub(2);
        for (index, (leg, acked)) in self.legs.iter().enumerate() {
            let call = calls.get(&(leg.extension.clone(), leg.id.clone()));
            let doubtful =
                self.doubtful.as_ref().filter(|_| index >= newest).map(|events| &events[index - newest]);
            let with_doubtful: Vec<Value> = acked.iter().chain(doubtful).cloned().collect();
            let possible =
                [acked, &with_doubtful].map(|events| (!events.is_empty()).then(|| oracle::call(events)));
            assert!(
                possible.iter().any(|possible| possible.as_ref() == call),
                "{call:?} is not {possible:?}"
            );
        }
    }

    fn acked(&self) -> usize {
        self.legs.iter().map(|(_, acked)| acked.len()).sum()
    }
}

#[tokio::test]
async fn acked_events_survive_kill_9() {
    let mut acked = Vec::new();
    for _ in 0..times(1, 20) {
        acked.extend(cut_again_and_again().await);
    }
    let power_cuts = acked.len();
    let (total, fewest, most) = (acked.iter().sum::<usize>(), acked.iter().min(), acked.iter().max());
    eprintln!("{power_cuts} power cuts, {total} acked events ({fewest:?} to {most:?} a round), none lost");
    assert!(total > power_cuts * 10, "hardly anything was acked: {acked:?}");
}

/// Cuts the power of one store many times; tells how many events were acked before each.
async fn cut_again_and_again() -> Vec<usize> {
    let disk = Disk::new();
    let config = Config::new().set("calls.recent_per_tenant", 100_000);
    let mut rounds: Vec<(String, Vec<Ledger>)> = Vec::new();
    for round in 0..CUTS_OF_A_STORE {
        if round % 5 == 4 {
            kill_while_starting(&config, &disk).await;
        }
        let mut gateway = Gateway::start_with(&config, disk.under(callpop())).await;
        if let Some((tenant, ledgers)) = rounds.last() {
            check(&gateway, tenant, ledgers).await;
        }
        let tenant = new_tenant();
        let mut ledgers: Vec<Ledger> = (0..SENDERS).map(|_| Ledger::default()).collect();
        let pid = gateway.process.pid();
        let power_cut = async {
            sleep(Duration::from_micros(rand::random_range(1000..250_000))).await;
            process::signal(pid, Signal::KILL);
        };
        tokio::join!(join_all(ledgers.iter_mut().map(|ledger| ledger.send(&gateway, &tenant))), power_cut);
        gateway.process.kill();
        disk.cut_power(&config.data_dir());
        rounds.push((tenant, ledgers));
    }
    let gateway = config.start().await;
    for (tenant, ledgers) in &rounds {
        check(&gateway, tenant, ledgers).await;
    }
    rounds.iter().map(|(_, ledgers)| ledgers.iter().map(Ledger::acked).sum()).collect()
}

async fn check(gateway: &Gateway, tenant: &str, ledgers: &[Ledger]) {
    let calls = gateway.supervisor(tenant).await.calls;
    for ledger in ledgers {
        ledger.check(&calls);
    }
    let sent: usize = ledgers.iter().map(|ledger| ledger.legs.len()).sum();
    assert!(calls.len() <= sent, "{} calls of {sent} legs", calls.len());
}

/// Starts a gateway, and ends it at any instant, perhaps while it reads its data.
async fn kill_while_starting(config: &Config, disk: &Disk) {
    let mut command = disk.under(callpop());
    command.arg("serve").arg("--config").arg(config.write()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    sleep(Duration::from_micros(rand::random_range(1000..150_000))).await;
    child.kill().unwrap();
    child.wait().unwrap();
    disk.cut_power(&config.data_dir());
}
