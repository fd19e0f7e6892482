//! How long a ringing call takes from the telephone to the eye, hop by hop, in seconds.
//!
//! The clocks are the provider's, each node's, and the browser's, which its page sets by ours. Where one is
//! behind another, a hop would take less than no time: it counts as 0, and is counted apart.

use crate::{
    clock::{self, Micros},
    metrics::{RoomMetrics, labels},
};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, histogram::Histogram},
    registry::{Registry, Unit},
};
use std::time::Duration;

/// From 0.5 ms, and closest around the 20 ms in which a popup is to be painted.
const SECONDS: [f64; 20] = [
    0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1, 0.2, 0.5, 1.0,
    2.0, 5.0, 15.0, 60.0,
];

/// The hops, and those that cannot be.
pub(crate) struct Ringing {
    seconds: Family<Passed, Histogram, fn() -> Histogram>,
    negative: Family<Passed, Counter>,
}

/// From one place to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Hop {
    /// The provider's timestamp to the webhook's head.
    Arrive,
    /// From there until the engine has it.
    Commit,
    /// From the commit until a session's frame is written to its socket.
    Send,
    /// From there until the page has painted it.
    Paint,
    /// All of it: the provider's timestamp to the painted popup.
    Total,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Passed {
    hop: Hop,
}

labels!(Hop { Arrive: "arrive", Commit: "commit", Send: "send", Paint: "paint", Total: "total" });

impl Default for Ringing {
    fn default() -> Self {
        Self {
            seconds: Family::new_with_constructor(|| Histogram::new(SECONDS)),
            negative: Family::default(),
        }
    }
}

impl Ringing {
    /// A new ringing event of the provider's timestamp `rang_at` is committed, so long after it arrived.
    pub(crate) fn on_commit(&self, rang_at: Micros, took: Duration, now: Micros) {
        self.pass(Hop::Arrive, rang_at, now.saturating_sub(clock::micros(took)));
        self.seconds.get_or_create(&Passed { hop: Hop::Commit }).observe(took.as_secs_f64());
    }

    /// A hop, from one clock's time to another's.
    pub(crate) fn pass(&self, hop: Hop, from: Micros, to: Micros) {
        if to < from {
            self.negative.get_or_create(&Passed { hop }).inc();
        }
        let seconds = to.saturating_sub(from) as f64 / 1e6;
        self.seconds.get_or_create(&Passed { hop }).observe(seconds);
    }
}

impl RoomMetrics for Ringing {
    fn name(&self, r: &mut Registry) {
        let text = "A ringing call's way from the telephone to the screen, by hop";
        r.register_with_unit("ringing_hop_duration", text, Unit::Seconds, self.seconds.clone());
        let text = "Hops that took less than no time, since clocks differ; they count as 0";
        r.register("ringing_hops_negative", text, self.negative.clone());
    }
}
