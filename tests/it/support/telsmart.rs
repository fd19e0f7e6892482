//! What Telsmart sends: the events of legs, and the recorded scenarios.

use super::now;
use serde_json::{Value, json};

/// The number at the other end of every leg here.
pub const NUMBER: &str = "+32470112233";

/// One participant's part of a call.
#[derive(Clone)]
pub struct Leg {
    pub tenant: String,
    pub extension: String,
    pub id: String,
    /// What all its events have in common.
    event: Value,
    /// The timestamp that the events count from, in microseconds.
    pub start: u64,
}

impl Leg {
    /// A call to `extension` that began a minute ago.
    pub fn inbound(tenant: &str, extension: &str) -> Self {
        let parties = json!({
            "direction": "in",
            "caller_number": NUMBER, "caller_name": NUMBER,
            "callee_number": extension, "callee_name": "John Doe",
        });
        Self::new(tenant, extension, parties)
    }

    /// A call from `extension` that began a minute ago.
    pub fn outbound(tenant: &str, extension: &str) -> Self {
        let parties = json!({
            "direction": "out",
            "caller_number": extension, "caller_name": "John Doe",
            "callee_number": NUMBER, "callee_name": "",
        });
        Self::new(tenant, extension, parties)
    }

    fn new(tenant: &str, extension: &str, event: Value) -> Self {
        let leg = Self {
            tenant: tenant.to_owned(),
            extension: extension.to_owned(),
            id: String::new(),
            event,
            start: now() - 60_000_000,
        };
        leg.with("tenant_id", tenant)
            .with("user_extension", extension)
            .named(&uuid::Uuid::new_v4().to_string())
    }

    /// The same leg by another id.
    pub fn named(self, id: &str) -> Self {
        Self { id: id.to_owned(), ..self }.with("id", id)
    }

    /// The same leg with a field of all its events set.
    pub fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.event[field] = value.into();
        self
    }

    /// The same leg, begun at another time.
    pub fn starting_at(self, start: u64) -> Self {
        Self { start, ..self }
    }

    /// When its events of that many seconds are.
    pub fn at(&self, seconds: u64) -> u64 {
        self.start + seconds * 1_000_000
    }

    /// An event so many seconds after the start.
    pub fn event(&self, state: &str, seconds: u64) -> Value {
        let mut event = self.event.clone();
        event["state"] = state.into();
        event["timestamp"] = self.at(seconds).to_string().into();
        event
    }

    pub fn ringing(&self, seconds: u64) -> Value {
        self.event("RINGING", seconds)
    }

    pub fn active(&self, seconds: u64) -> Value {
        self.event("ACTIVE", seconds)
    }

    pub fn held(&self, seconds: u64) -> Value {
        self.event("HELD", seconds)
    }

    pub fn hangup(&self, seconds: u64) -> Value {
        self.event("HANGUP", seconds)
    }

    pub fn summary(&self, seconds: u64, content: impl Into<Value>) -> Value {
        let mut event = self.event("SUMMARY_REPORTING", seconds);
        event["summary"] = json!({"language": "en-GB", "content": content.into()});
        event
    }

    /// An answered call from its first event to its last.
    pub fn whole(&self) -> Vec<Value> {
        vec![self.ringing(0), self.active(5), self.hangup(20)]
    }
}

/// The events of a recorded scenario, as if they were of `tenant`.
pub fn scenario(number: usize, tenant: &str) -> Vec<Value> {
    let lines = match number {
        1 => include_str!("../../fixtures/telsmart/1-answered-inbound.jsonl"),
        2 => include_str!("../../fixtures/telsmart/2-answered-outbound.jsonl"),
        3 => include_str!("../../fixtures/telsmart/3-held-and-resumed.jsonl"),
        4 => include_str!("../../fixtures/telsmart/4-internal.jsonl"),
        5 => include_str!("../../fixtures/telsmart/5-blind-transfer.jsonl"),
        6 => include_str!("../../fixtures/telsmart/6-attended-transfer.jsonl"),
        7 => include_str!("../../fixtures/telsmart/7-summary.jsonl"),
        _ => panic!("there are seven scenarios"),
    };
    let event = |line| {
        let mut event: Value = serde_json::from_str(line).unwrap();
        event["tenant_id"] = tenant.into();
        event
    };
    lines.lines().map(event).collect()
}

/// Adds an unknown field that makes the event exactly `bytes` long.
pub fn padded(mut event: Value, bytes: usize) -> String {
    event["padding"] = "".into();
    let missing = bytes - event.to_string().len();
    event["padding"] = "x".repeat(missing).into();
    event.to_string()
}

/// Calls of a tenant that are nothing but a summary, each nearly as long as frames carry, in posts of some: too many for
/// the system to hold for a client that does not read.
pub fn fat_summaries(tenant: &str, extension: &str) -> Vec<Value> {
    let fat = |_| Leg::inbound(tenant, extension).summary(0, json!({"text": "x".repeat(15 * 1024)}));
    (0..FAT_SUMMARIES / 12).map(|_| (0..12).map(fat).collect()).collect()
}

/// How many of them there are.
pub const FAT_SUMMARIES: usize = 600;
