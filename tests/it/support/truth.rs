//! What is true after a load: the calls that the acked events fold to, no more and no fewer, worked out by
//! [`oracle`], and held against what every client shows.

use super::{
    Gateway, Leg, Token,
    client::Calls,
    eventually,
    load::{Acked, Sent},
    oracle,
    viewer::Viewer,
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// Every call with what it may be: one thing, unless the store was told to forget while events were under way.
/// None among them says that it may be absent.
#[derive(Default)]
pub struct Truth {
    legs: Sent,
    calls: BTreeMap<Id, Vec<Option<Value>>>,
}

/// Tenant, extension and leg.
type Id = (String, String, String);

impl Truth {
    /// The truth where nothing was lost.
    pub fn of(legs: Sent) -> Self {
        let mut truth = Self { legs, calls: BTreeMap::new() };
        truth.fold(|_| Some(true));
        truth
    }

    /// The truth where all that the store held between these times was lost: what was acked before is gone,
    /// what was under way may be.
    pub fn after_loss(self, from: Instant, until: Instant) -> Self {
        self.of_held(|event| match event {
            Acked { acked, .. } if *acked < from => Some(false),
            Acked { sent, .. } if *sent > until => Some(true),
            _ => None,
        })
    }

    /// The truth where only those events are held; each of which nobody can say may be.
    pub fn of_held(mut self, is_held: impl Fn(&Acked) -> Option<bool>) -> Self {
        self.fold(is_held);
        self
    }

    /// Beside it, legs that were sent by hand and taken.
    pub fn with(mut self, legs: Vec<(Leg, Vec<Value>)>) -> Self {
        for (leg, events) in legs {
            self.calls.insert((leg.tenant, leg.extension, leg.id), vec![call(&events)]);
        }
        self
    }

    /// How many events were acked.
    pub fn events(&self) -> usize {
        self.legs.iter().map(|(_, events)| events.len()).sum()
    }

    /// How many of them are certainly in a call that is held.
    pub fn events_held(&self) -> usize {
        let fewest = |possible: &Vec<Option<Value>>| {
            let version =
                |call: &Option<Value>| call.as_ref().map_or(0, |call| call["version"].as_u64().unwrap());
            possible.iter().map(version).max().unwrap_or(0) as usize
        };
        self.calls.values().map(fewest).sum()
    }

    /// Folds the events that are held, with and without each of which nobody can say.
    fn fold(&mut self, is_held: impl Fn(&Acked) -> Option<bool>) {
        self.calls.clear();
        for (leg, events) in &self.legs {
            let mut choices: Vec<Vec<Value>> = vec![Vec::new()];
            for event in events {
                let held = is_held(event);
                let without = if held.is_none() { choices.clone() } else { Vec::new() };
                if held != Some(false) {
                    choices.iter_mut().for_each(|events| events.push(event.event.clone()));
                }
                choices.extend(without);
            }
            let possible: Vec<_> = choices.iter().map(|events| call(events)).collect();
            if possible != [None] {
                self.calls.insert((leg.tenant.clone(), leg.extension.clone(), leg.id.clone()), possible);
            }
        }
    }

    /// The first calls that a stream shows otherwise.
    fn differences(&self, tenant: &str, extension: Option<&str>, calls: &Calls) -> Vec<String> {
        let of_stream = |id: &Id| id.0 == tenant && extension.is_none_or(|extension| id.1 == extension);
        let mut differences = Vec::new();
        for (id, possible) in self.calls.iter().filter(|(id, _)| of_stream(id)) {
            let shown = calls.get(&(id.1.clone(), id.2.clone()));
            if !possible.iter().any(|possible| is_same(possible.as_ref(), shown)) {
                let show = |call: Option<&Value>| call.map_or("nothing".to_owned(), Value::to_string);
                let should: Vec<String> = possible.iter().map(|call| show(call.as_ref())).collect();
                differences.push(format!("shown: {}\nshould be: {}", show(shown), should.join(" or ")));
            }
        }
        for (extension, leg) in calls.keys() {
            if !self.calls.contains_key(&(tenant.to_owned(), extension.clone(), leg.clone())) {
                differences.push(format!("shown, and must not be: {leg} of {extension}"));
            }
        }
        differences
    }

    /// Waits until every viewer holds exactly this; gives how long that took.
    pub async fn is_seen_by(&self, viewers: &mut [Viewer]) -> Duration {
        let began = Instant::now();
        let mut behind = Vec::new();
        let waiting = async {
            for viewer in viewers.iter_mut() {
                let (tenant, extension) = (viewer.tenant.clone(), viewer.extension.clone());
                loop {
                    let look = |view: &super::viewer::View| {
                        self.differences(&tenant, extension.as_deref(), &view.calls)
                    };
                    behind = viewer.look(look).await;
                    if behind.is_empty() {
                        break;
                    }
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        };
        if tokio::time::timeout(super::PATIENCE, waiting).await.is_err() {
            panic!("{} calls differ:\n{}", behind.len(), behind[..behind.len().min(3)].join("\n"));
        }
        began.elapsed()
    }

    /// Fails unless new clients of a node are shown exactly this.
    pub async fn is_told_by(&self, node: &Gateway) {
        let mut tenants: Vec<&str> = self.calls.keys().map(|id| id.0.as_str()).collect();
        tenants.dedup();
        for tenant in tenants {
            eventually("a new client to be shown the truth", async || {
                let stream = node.stream(&Token::supervisor(tenant)).scope("tenant");
                let client = stream.open_at_last().await;
                self.differences(tenant, None, &client.calls).is_empty().then_some(())
            })
            .await;
        }
    }
}

/// The call of events, if there are any. Of summaries alone only their number is told.
fn call(events: &[Value]) -> Option<Value> {
    let has_phase = events.iter().any(|event| event["state"] != "SUMMARY_REPORTING");
    match events {
        [] => None,
        _ if has_phase => Some(oracle::call(events)),
        _ => Some(json!({"version": events.len()})),
    }
}

fn is_same(possible: Option<&Value>, shown: Option<&Value>) -> bool {
    match (possible, shown) {
        (Some(possible), Some(shown)) if possible.get("leg_id").is_none() => {
            possible["version"] == shown["version"]
        }
        _ => possible == shown,
    }
}
