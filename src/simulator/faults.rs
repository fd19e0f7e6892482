//! What may go wrong between Telsmart and the gateway: copies, delays, another order. Pure:
//! the same script and the same random numbers give the same plan.

use super::{scenario::Step, webhook::Webhook};
use rand::{Rng, RngExt};
use std::time::Duration;

/// How much goes wrong. The default: nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Faults {
    /// The probability that an event is sent twice.
    pub(crate) duplicate: f64,
    /// The probability that an event changes place with the next one; by chance again, and
    /// so on, so that it may slip further back.
    pub(crate) reorder: f64,
    /// Every event and every copy is late by a random time up to this.
    pub(crate) max_delay: Duration,
}

/// An event as it will be sent.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Planned<W = Webhook> {
    /// Counted from the start of the play.
    pub(crate) at: Duration,
    pub(crate) webhook: W,
    /// Whether it was planned before.
    pub(crate) copy: bool,
}

impl Faults {
    /// Makes a plan of a script, in the order of sending.
    pub(crate) fn plan<W: Clone>(&self, mut steps: Vec<Step<W>>, random: &mut impl Rng) -> Vec<Planned<W>> {
        for at in 1..steps.len() {
            if random.random_bool(self.reorder) {
                let (before, after) = steps.split_at_mut(at);
                std::mem::swap(&mut before[at - 1].webhook, &mut after[0].webhook);
            }
        }
        let mut plan = Vec::with_capacity(steps.len());
        for Step { at, webhook } in steps {
            let copy = random.random_bool(self.duplicate).then(|| webhook.clone());
            let at = at + self.delay(random);
            plan.push(Planned { at, webhook, copy: false });
            if let Some(webhook) = copy {
                plan.push(Planned { at: at + self.delay(random), webhook, copy: true });
            }
        }
        plan.sort_by_key(|planned| planned.at);
        plan
    }

    fn delay(&self, random: &mut impl Rng) -> Duration {
        self.max_delay.mul_f64(random.random::<f64>())
    }
}

#[cfg(test)]
mod tests {
    use super::{super::scenario::Scenario, *};
    use rand::{SeedableRng, rngs::StdRng};

    fn script() -> Vec<Step> {
        Scenario::find("6-attended-transfer").unwrap().as_recorded("4".parse().unwrap())
    }

    fn plan(faults: &Faults, seed: u64) -> Vec<Planned> {
        faults.plan(script(), &mut StdRng::seed_from_u64(seed))
    }

    #[test]
    fn without_faults_the_plan_is_the_script() {
        let plan = plan(&Faults::default(), 1);
        let same = plan.iter().map(|p| Step { at: p.at, webhook: p.webhook.clone() });
        assert!(same.eq(script()));
        assert!(!plan.iter().any(|planned| planned.copy));
    }

    #[test]
    fn a_seed_always_gives_the_same_plan() {
        let faults = Faults { duplicate: 0.5, reorder: 0.5, max_delay: Duration::from_secs(3) };
        assert_eq!(plan(&faults, 7), plan(&faults, 7));
        assert_ne!(plan(&faults, 7), plan(&faults, 8));
        assert!(plan(&faults, 7).is_sorted_by_key(|planned| planned.at));
    }

    #[test]
    fn nothing_is_lost_by_another_order() {
        let plan = plan(&Faults { reorder: 1.0, ..Faults::default() }, 1);
        assert_eq!(plan.last().unwrap().webhook, script()[0].webhook);
        for step in script() {
            assert!(plan.iter().any(|planned| planned.webhook == step.webhook));
        }
    }

    #[test]
    fn every_event_is_doubled_by_certainty() {
        let plan = plan(&Faults { duplicate: 1.0, ..Faults::default() }, 1);
        assert_eq!(plan.len(), 2 * script().len());
        assert!(plan.chunks(2).all(|pair| pair[0].webhook == pair[1].webhook && pair[1].copy));
    }
}
