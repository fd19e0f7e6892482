//! What a board's frames hold: rows that are encoded once for all who see the same.

use crate::{call::Direction, clock::Micros, config::AlarmRule, id::Extension};
use serde::Serialize;
use serde_json::value::RawValue;
use std::sync::Arc;

/// A whole board: replaces everything that the client shows.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) struct BoardState<'a> {
    /// Another one begins when the store lost or replaced its data.
    pub(crate) epoch: &'a str,
    /// Callpop's clock.
    #[cfg_attr(test, ts(type = "number"))]
    pub(crate) at: Micros,
    /// Of which `day` is one.
    pub(crate) time_zone: &'a str,
    pub(crate) day: BoardDay,
    /// Which part of the calls is counted already; below 1 all figures are too low.
    pub(crate) complete: f64,
    pub(crate) rules: ShownRules<'a>,
    /// The version of callpop: a page of another one is to be loaded again.
    pub(crate) build: &'static str,
    #[cfg_attr(test, ts(type = "TileRow[]"))]
    pub(crate) tiles: Vec<&'a RawValue>,
    pub(crate) columns: FigureColumns,
    #[cfg_attr(test, ts(type = "FigureRow[]"))]
    pub(crate) figures: Vec<&'a RawValue>,
    /// Changes with the directory, by which names and groups are shown.
    pub(crate) directory_rev: &'a str,
    /// How often a client sends `tick`.
    #[cfg_attr(test, ts(type = "number"))]
    pub(crate) heartbeat_ms: u64,
}

/// A local day, from its first moment to that of the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) struct BoardDay {
    #[cfg_attr(test, ts(type = "number"))]
    pub(crate) from: Micros,
    #[cfg_attr(test, ts(type = "number"))]
    pub(crate) to: Micros,
}

/// By which figures are read, in milliseconds.
#[derive(Clone, Copy, Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) struct ShownRules<'a> {
    #[cfg_attr(test, ts(type = "number"))]
    pub(crate) answer_within_ms: u64,
    #[cfg_attr(test, ts(type = "number"))]
    pub(crate) short_ms: u64,
    #[cfg_attr(test, ts(type = "number"))]
    pub(crate) reached_ms: u64,
    #[cfg_attr(test, ts(type = "AlarmRule[]"))]
    pub(crate) alarms: &'a [AlarmRule],
}

/// What the values of figures by extension are, in their order.
#[derive(Clone, Copy, Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) struct FigureColumns {
    #[cfg_attr(test, ts(type = "string[]"))]
    pub(crate) extension: &'static [&'static str],
}

/// What the tile of an extension shows.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) struct TileRow {
    pub(crate) extension: Extension,
    /// As the directory has it, or as colleagues' telephones showed it.
    pub(crate) name: Option<Arc<str>>,
    pub(crate) groups: Vec<Arc<str>>,
    /// None where there is no call.
    #[cfg_attr(test, ts(type = "\"ringing\" | \"active\" | \"held\" | null"))]
    pub(crate) state: Option<&'static str>,
    /// Since when; with no call, since the end of the last.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub(crate) since: Option<Micros>,
    pub(crate) direction: Option<Direction>,
    /// The other side is a colleague.
    pub(crate) internal: bool,
    pub(crate) number: Option<Arc<str>>,
    /// The name of the other side.
    pub(crate) party: Option<Arc<str>>,
    /// How many calls it has at that moment.
    pub(crate) legs: usize,
    #[cfg_attr(test, ts(type = "string | null"))]
    pub(crate) conversation: Option<String>,
    /// Nothing came of it for so long that it may be over.
    pub(crate) unconfirmed: bool,
    /// The telephone system says that a call goes on which is over, as the events tell.
    pub(crate) clamped: bool,
    /// 0, or how loudly it gives alarm: 1, or 2 for what is worse.
    pub(crate) alarm: u8,
}

/// How a board is fed. Times are callpop's, durations are in milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) struct HealthState {
    #[cfg_attr(test, ts(type = "number"))]
    pub(crate) at: Micros,
    /// When all that was committed before was read; where that is long ago, the store cannot be read.
    #[cfg_attr(test, ts(type = "number"))]
    pub(crate) as_of: Micros,
    /// When an event came last, by callpop's clock; none where none came since this node began to look.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub(crate) last_event_at: Option<Micros>,
    /// From when something happened to when it was committed, over the last quarter of an hour.
    pub(crate) lag: HealthLag,
    /// The least of these: below 0 the provider's clock is ahead of callpop's, by as much or more.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub(crate) skew_ms: Option<i64>,
    /// Events of today that came more than a minute after they happened; that came once more; after one of the same
    /// call that happened later.
    #[cfg_attr(test, ts(type = "number"))]
    pub(crate) late: u64,
    #[cfg_attr(test, ts(type = "number"))]
    pub(crate) duplicate: u64,
    #[cfg_attr(test, ts(type = "number"))]
    pub(crate) out_of_order: u64,
    /// How many nodes there are; null until this one knows.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub(crate) nodes: Option<u64>,
    /// Calls of today of which nothing was heard for so long that they may be over; that ended for want of news; of
    /// which nobody knows how they went, or when they began; of which it is open where a leg belongs.
    #[cfg_attr(test, ts(type = "number"))]
    pub(crate) unconfirmed: u64,
    #[cfg_attr(test, ts(type = "number"))]
    pub(crate) expired: u64,
    #[cfg_attr(test, ts(type = "number"))]
    pub(crate) unknown: u64,
    #[cfg_attr(test, ts(type = "number"))]
    pub(crate) unknown_start: u64,
    #[cfg_attr(test, ts(type = "number"))]
    pub(crate) ambiguous: u64,
    /// Calls whose start is more than five minutes ahead of callpop's clock.
    #[cfg_attr(test, ts(type = "number"))]
    pub(crate) ahead: u64,
    /// Extensions of the directory, and those of them that were ever heard of in two days.
    #[cfg_attr(test, ts(type = "number"))]
    pub(crate) extensions: u64,
    #[cfg_attr(test, ts(type = "number"))]
    pub(crate) connected: u64,
    pub(crate) complete: f64,
}

/// What half of the events did not exceed, and 95 of a hundred.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) struct HealthLag {
    #[cfg_attr(test, ts(type = "number | null"))]
    pub(crate) p50_ms: Option<u64>,
    #[cfg_attr(test, ts(type = "number | null"))]
    pub(crate) p95_ms: Option<u64>,
}
