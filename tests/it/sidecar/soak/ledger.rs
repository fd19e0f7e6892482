//! What the token server remembers, held against what may be: nothing accepted twice, nothing
//! presented twice but by a probe or after a refusal, and no consent lost without a reason.

use super::super::scene::audit;
use crate::support::Config;
use serde_json::Value;
use std::{
    collections::{BTreeMap, HashSet},
    fmt,
};

/// Faults after which the new pair was consumed, and never came.
const LOSSY: [&str; 3] = ["drop_after", "error_after", "malformed"];
/// Faults after which nobody can know.
const UNCLEAR: [&str; 3] = ["drop_before", "redirect", "error_before"];

/// A consent: an extension, and the how manieth of it.
type Consent = (String, u64);

/// What the soak saw beside the token server's records.
#[derive(Default)]
pub struct Ledger {
    /// Consents of which a refresh was under way in a process that was killed.
    pub killed: HashSet<Consent>,
    /// Consents of which a claim was settled by the other process.
    pub overtaken: HashSet<Consent>,
    /// Consents that ended since the token server refused a token that was sent once.
    pub rejected: HashSet<Consent>,
    /// How often each user had to connect again.
    pub ended: BTreeMap<String, u64>,
}

/// The sums, for whoever ran it.
#[derive(Default)]
pub struct Counts {
    tokens: u64,
    rotated: u64,
    again: u64,
    /// Of the probed.
    saved: u64,
    lost_by_fault: u64,
    lost_by_faults: u64,
    lost_by_kill: u64,
    lost_by_delay: u64,
}

/// The consents that a process had a refresh of under way, by the end of its audit log.
pub fn in_flight(config: &Config) -> Vec<Consent> {
    let mut last = BTreeMap::new();
    for line in audit(config) {
        if let Some(consent) = consent(&line) {
            last.insert(consent, line["event"].as_str().unwrap().to_owned());
        }
    }
    let is_open = |event: &str| matches!(event, "claimed" | "sent");
    last.into_iter().filter(|(_, event)| is_open(event)).map(|(consent, _)| consent).collect()
}

/// The consents of which a claim was settled.
pub fn settled_by_others(configs: &[&Config]) -> HashSet<Consent> {
    let lines = configs.iter().flat_map(|config| audit(config));
    lines.filter(|line| line["event"] == "claim_settled").filter_map(|line| consent(&line)).collect()
}

fn consent(line: &Value) -> Option<Consent> {
    Some((line["extension"].as_str()?.to_owned(), line["consent"].as_u64()?))
}

fn count(token: &Value, field: &str) -> u64 {
    token[field].as_u64().unwrap()
}

/// How often a token suffered one of these.
fn suffered(token: &Value, faults: &[&str]) -> u64 {
    let suffered = token["suffered"].as_array().unwrap().iter();
    suffered.filter(|fault| faults.contains(&fault.as_str().unwrap())).count() as u64
}

impl Ledger {
    /// A consent is over: what was lost, or what a process sent too late, has cost it.
    pub fn note_end(&mut self, integration: &Value) {
        let user = integration["extension"].as_str().unwrap().to_owned();
        let ended = self.ended.entry(user.clone()).or_default();
        *ended += 1;
        match integration["cause"].as_str() {
            Some("response_lost") => {}
            Some("rejected") => _ = self.rejected.insert((user, *ended)),
            _ => panic!("{integration}"),
        }
    }

    /// Checks every consent of every user, and every token of it.
    pub fn settle(&self, state: &Value, users: &[String]) -> Counts {
        let mut counts = Counts::default();
        let unexplained: Vec<_> = self.rejected.difference(&self.overtaken).collect();
        assert!(unexplained.is_empty(), "refused, and no claim of theirs was settled: {unexplained:?}");
        for user in users {
            let families = state["families"].as_array().unwrap().iter();
            let own: Vec<&Value> = families.filter(|family| family["extension"] == **user).collect();
            let ended = self.ended.get(user).copied().unwrap_or_default();
            for (nth, family) in own.iter().enumerate() {
                let consent = (user.clone(), nth as u64 + 1);
                for token in family["refresh_tokens"].as_array().unwrap() {
                    self.check_token(&consent, token, &mut counts);
                }
                if (nth as u64) < ended {
                    self.check_lost(&consent, family, &mut counts);
                } else {
                    assert_eq!(family["revoked"], Value::Null, "{consent:?} is active: {family}");
                    assert_eq!(family["reuses"], 0, "{family}");
                }
            }
            assert!(own.len() as u64 <= ended + 1, "{user} connected again without need");
        }
        assert_eq!(state["summary"]["presented_unknown"], 0);
        counts
    }

    fn check_token(&self, consent: &Consent, token: &Value, counts: &mut Counts) {
        counts.tokens += 1;
        counts.rotated += u64::from(token["consumed"] == true);
        let omitted = suffered(token, &["omit_refresh"]);
        let accepted = count(token, "accepted");
        assert!(accepted <= 1 + omitted, "{consent:?} accepted twice: {token}");
        let presented = count(token, "presented");
        assert!(presented <= 2 + in_order(token), "{consent:?} presented too often: {token}");
        if presented <= 1 + suffered(token, &["omit_refresh"]) {
            return;
        }
        counts.again += 1;
        counts.saved += u64::from(presented > 1 + in_order(token));
        let is_explained = suffered(token, &LOSSY) + suffered(token, &UNCLEAR) > 0
            || self.killed.contains(consent)
            || self.overtaken.contains(consent);
        assert!(is_explained, "{consent:?} presented twice without a reason: {token}");
    }

    /// The user had to connect again: the newest pair was lost on its way, or the probe's answer was
    /// as well; and nothing else.
    fn check_lost(&self, consent: &Consent, family: &Value, counts: &mut Counts) {
        let tokens = family["refresh_tokens"].as_array().unwrap();
        let newest = tokens.last().unwrap();
        let suffered_by = |token| suffered(token, &LOSSY) + suffered(token, &UNCLEAR);
        let was_hidden = self.killed.contains(consent) || self.overtaken.contains(consent);
        let lost = if count(newest, "presented") == 0 && tokens.len() > 1 {
            let lost = &tokens[tokens.len() - 2];
            assert_eq!((&lost["consumed"], &newest["consumed"]), (&true.into(), &false.into()), "{family}");
            lost
        } else {
            assert!(suffered_by(newest) >= 2 || was_hidden, "{consent:?} had the newest: {family}");
            newest
        };
        // One fault, and then the probe, which is a consumed token's second use.
        if suffered_by(lost) == 1 && !was_hidden {
            assert_eq!((&family["revoked"], &family["reuses"]), (&"reuse".into(), &1.into()), "{family}");
        }
        let place = match () {
            () if suffered_by(lost) >= 2 => &mut counts.lost_by_faults,
            () if suffered(lost, &LOSSY) > 0 => &mut counts.lost_by_fault,
            () if self.killed.contains(consent) => &mut counts.lost_by_kill,
            () if self.overtaken.contains(consent) => &mut counts.lost_by_delay,
            () => panic!("{consent:?} lost a pair that was answered: {family}"),
        };
        *place += 1;
        counts.saved -= u64::from(count(lost, "presented") > 1 + in_order(lost));
    }
}

/// How often a token was sent again in good order: who gets no new one, or is refused himself, does.
fn in_order(token: &Value) -> u64 {
    suffered(token, &["omit_refresh", "error_before"])
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tokens, rotated, again, saved, .. } = self;
        let Self { lost_by_fault, lost_by_faults, lost_by_kill, lost_by_delay, .. } = self;
        write!(
            f,
            "{tokens} refresh tokens, {rotated} of them exchanged, each once; {again} presented again, by a probe \
             or after a refusal; probes saved {saved} consents; lost: {lost_by_fault} by an answer that the token \
             server dropped, {lost_by_faults} since the probe met a fault too, {lost_by_kill} by a kill -9 while it \
             was awaited, {lost_by_delay} by an answer later than the claim"
        )
    }
}
