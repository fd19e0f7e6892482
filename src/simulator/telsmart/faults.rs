//! What goes wrong with refreshes, as told: the next ones in turn, then a random share of the
//! others. It decides only; [`super::oauth`] does it.

use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use serde::Deserialize;
use std::collections::{BTreeMap, VecDeque};

/// How many refreshes may be told in advance.
const MAX_NEXT: usize = 10_000;
/// The longest wait of a late answer: 10 minutes.
const MAX_LATE_MS: u64 = 600_000;

/// What one refresh suffers. The braces make serde refuse fields that a fault does not have.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Fault {
    /// The connection is dropped; nothing is consumed.
    DropBefore {},
    /// The token is consumed, the connection dropped without an answer.
    DropAfter {},
    /// The token is consumed, the answer comes late.
    Late { ms: u64 },
    /// The token is consumed, the answer is an error.
    ErrorAfter {
        #[serde(default = "unavailable")]
        status: u16,
    },
    /// The token is consumed; the answer is 200 with the new tokens in broken JSON.
    Malformed {},
    /// 200 without a refresh token; the old one stays valid.
    OmitRefresh {},
    /// 307 to another path, which counts who follows; nothing is consumed.
    Redirect {},
    /// An error, and nothing is consumed.
    ErrorBefore {
        #[serde(default = "unavailable")]
        status: u16,
        /// The RFC's error code; none: `temporarily_unavailable`.
        #[serde(default)]
        error: Option<String>,
    },
    /// The request stays open until it is released.
    Hold {},
}

/// What is to go wrong: the body of `POST /telsmart/faults`, which replaces what was told before.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Told {
    #[serde(default)]
    pub(crate) next: Vec<Turn>,
    #[serde(default)]
    pub(crate) random: Option<Random>,
}

/// A fault of so many refreshes in a row.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Turn {
    #[serde(flatten)]
    pub(crate) fault: Fault,
    #[serde(default = "once")]
    pub(crate) times: usize,
}

/// Faults, all equally likely, of a share of the refreshes.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Random {
    /// From 0 to 1.
    pub(crate) share: f64,
    /// The same seed, the same choices in the order in which refreshes arrive.
    #[serde(default)]
    pub(crate) seed: u64,
    pub(crate) faults: Vec<Fault>,
}

/// What will go wrong, and what has.
#[derive(Default)]
pub(crate) struct Faults {
    next: VecDeque<Fault>,
    random: Option<(Random, StdRng)>,
    counts: BTreeMap<&'static str, u64>,
}

impl Fault {
    /// As in JSON.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::DropBefore {} => "drop_before",
            Self::DropAfter {} => "drop_after",
            Self::Late { .. } => "late",
            Self::ErrorAfter { .. } => "error_after",
            Self::Malformed {} => "malformed",
            Self::OmitRefresh {} => "omit_refresh",
            Self::Redirect {} => "redirect",
            Self::ErrorBefore { .. } => "error_before",
            Self::Hold {} => "hold",
        }
    }

    fn check(&self) -> Result<(), String> {
        match self {
            Self::Late { ms } if *ms > MAX_LATE_MS => Err(format!("ms must be at most {MAX_LATE_MS}")),
            Self::ErrorAfter { status } | Self::ErrorBefore { status, .. }
                if !(400..600).contains(status) =>
            {
                Err("status must be from 400 to 599".to_owned())
            }
            _ => Ok(()),
        }
    }
}

impl Faults {
    /// Forgets what was told before; says why where this cannot be done, and then changes nothing.
    pub(crate) fn tell(&mut self, told: Told) -> Result<(), String> {
        let random = told.random.iter().flat_map(|random| &random.faults);
        told.next.iter().map(|turn| &turn.fault).chain(random).try_for_each(Fault::check)?;
        let next = told.next.iter().try_fold(0_usize, |sum, turn| sum.checked_add(turn.times));
        if next.is_none_or(|next| next > MAX_NEXT) {
            return Err(format!("at most {MAX_NEXT} refreshes can be told in advance"));
        }
        if let Some(random) = &told.random
            && (!(0.0..=1.0).contains(&random.share) || random.faults.is_empty())
        {
            return Err("random needs a share from 0 to 1 and at least one fault".to_owned());
        }
        self.next = told.next.into_iter().flat_map(|turn| vec![turn.fault; turn.times]).collect();
        self.random = told.random.map(|random| {
            let seed = random.seed;
            (random, StdRng::seed_from_u64(seed))
        });
        Ok(())
    }

    /// What the refresh that has just arrived suffers.
    pub(crate) fn on_refresh(&mut self) -> Option<Fault> {
        let fault = self.next.pop_front().or_else(|| {
            let (random, chance) = self.random.as_mut()?;
            let hit = chance.random_bool(random.share);
            random.faults.choose(chance).filter(|_| hit).cloned()
        })?;
        *self.counts.entry(fault.name()).or_default() += 1;
        Some(fault)
    }

    /// How often each fault has been suffered.
    pub(crate) fn counts(&self) -> &BTreeMap<&'static str, u64> {
        &self.counts
    }
}

fn once() -> usize {
    1
}

fn unavailable() -> u16 {
    503
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn told(json: Value) -> Told {
        serde_json::from_value(json).unwrap()
    }

    fn suffered(faults: &mut Faults, refreshes: usize) -> Vec<&'static str> {
        (0..refreshes).map(|_| faults.on_refresh().map_or("-", |fault| fault.name())).collect()
    }

    #[test]
    fn the_next_refreshes_suffer_in_turn() {
        let mut faults = Faults::default();
        assert_eq!(faults.on_refresh(), None);
        let next = json!({"next": [{"fault": "drop_after", "times": 2}, {"fault": "late", "ms": 5}, {"fault": "error_after"}]});
        faults.tell(told(next)).unwrap();
        assert_eq!(suffered(&mut faults, 3), ["drop_after", "drop_after", "late"]);
        assert_eq!(faults.on_refresh(), Some(Fault::ErrorAfter { status: 503 }));
        assert_eq!(faults.on_refresh(), None);
        assert_eq!(faults.counts().get("drop_after"), Some(&2));
    }

    #[test]
    fn a_share_suffers_and_the_seed_says_which() {
        let random = |seed: u64| {
            let faults = json!([{"fault": "drop_before"}, {"fault": "malformed"}]);
            told(
                json!({"random": {"share": 0.25, "seed": seed, "faults": faults}, "next": [{"fault": "redirect"}]}),
            )
        };
        let mut runs = Vec::new();
        for seed in [1, 1, 2] {
            let mut faults = Faults::default();
            faults.tell(random(seed)).unwrap();
            runs.push(suffered(&mut faults, 1000));
        }
        assert_eq!(runs[0][0], "redirect");
        assert_eq!(runs[0], runs[1]);
        assert_ne!(runs[0], runs[2]);
        for fault in ["drop_before", "malformed"] {
            let times = runs[0].iter().filter(|name| **name == fault).count();
            assert!((75..175).contains(&times), "{times} {fault}");
        }
    }

    #[test]
    fn telling_again_replaces_and_nonsense_changes_nothing() {
        let mut faults = Faults::default();
        faults.tell(told(json!({"next": [{"fault": "hold"}, {"fault": "hold"}]}))).unwrap();
        for bad in [
            json!({"next": [{"fault": "late", "ms": 600_001}]}),
            json!({"next": [{"fault": "error_before", "status": 200}]}),
            json!({"next": [{"fault": "hold", "times": 10_001}]}),
            json!({"random": {"share": 1.5, "faults": [{"fault": "hold"}]}}),
            json!({"random": {"share": 0.5, "faults": []}}),
        ] {
            faults.tell(told(bad.clone())).expect_err(&bad.to_string());
        }
        assert_eq!(suffered(&mut faults, 1), ["hold"]);
        faults.tell(Told::default()).unwrap();
        assert_eq!(suffered(&mut faults, 1), ["-"]);
        for unknown in [
            json!({"next": [{"fault": "explode"}]}),
            json!({"nxt": []}),
            json!({"next": [{"fault": "late"}]}),
        ] {
            assert!(serde_json::from_value::<Told>(unknown).is_err());
        }
    }
}
