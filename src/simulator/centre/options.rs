//! How large the centre is, and how long it is played.

use super::{Extent, FEWEST, MOST, gap};
use crate::simulator::{play::duration, webhook::Micros};
use std::{path::PathBuf, time::Duration};

/// Calls that are planned when nothing is said of how many.
const CALLS: u32 = 100;
/// The most calls of one day; each is about a kilobyte until it is played.
const MOST_CALLS: u32 = 1_000_000;
/// What a gateway believes: from 2000 to 2100, in microseconds since 1970.
const BELIEVED: std::ops::RangeInclusive<u64> = 946_684_800_000_000..=4_102_444_800_000_000;
/// Monday, 5 January 2026, 7:00 UTC.
const A_MONDAY: Micros = 1_767_596_400_000_000;

/// A call centre to be played.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "With --centre: a call centre")]
pub(crate) struct CentreOptions {
    /// Play a call centre of so many extensions, from 6 to 5000, instead of scenarios
    #[arg(
        long,
        value_name = "EXTENSIONS",
        value_parser = clap::value_parser!(u16).range(i64::from(FEWEST)..=i64::from(MOST)),
        conflicts_with_all = ["scenarios", "listen", "as_recorded", "repeat"]
    )]
    pub(crate) centre: Option<u16>,
    /// How many calls there are, from 1 to 1000000; none: 100
    #[arg(
        long,
        value_name = "N",
        value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_CALLS)),
        requires = "centre",
        conflicts_with = "lasts"
    )]
    pub(crate) calls: Option<u32>,
    /// Calls begin for so long instead, such as 30m, 8h; each extension is called about every six minutes
    #[arg(long, value_name = "DUR", value_parser = duration, requires = "centre")]
    pub(crate) lasts: Option<Duration>,
    /// The time at which the day begins, in microseconds since 1970; none: now, or earlier where it is played fast,
    /// and with --to always the same Monday
    #[arg(long, value_name = "MICROS", value_parser = believed, requires = "centre")]
    pub(crate) begin: Option<Micros>,
    /// Write what truly happened to this file, a JSON object a line
    #[arg(long, value_name = "FILE", requires = "centre")]
    pub(crate) truth: Option<PathBuf>,
}

impl CentreOptions {
    /// What is wrong with the options together.
    pub(crate) fn check(&self) -> Result<(), String> {
        let (Some(extensions), Some(lasts)) = (self.centre, self.lasts) else { return Ok(()) };
        let calls = lasts.as_micros() / u128::from(gap(extensions));
        if calls > u128::from(MOST_CALLS) {
            return Err(format!("--lasts would be about {calls} calls; the most are {MOST_CALLS}"));
        }
        Ok(())
    }

    pub(crate) fn extent(&self) -> Extent {
        match self.lasts {
            Some(lasts) => Extent::Lasts(u64::try_from(lasts.as_micros()).unwrap_or(u64::MAX)),
            None => Extent::Calls(self.calls.unwrap_or(CALLS)),
        }
    }

    /// When the day begins if its events are only written.
    pub(crate) fn begin_of_file(&self) -> Micros {
        self.begin.unwrap_or(A_MONDAY)
    }
}

fn believed(text: &str) -> Result<Micros, String> {
    let at = text.parse().ok().filter(|at| BELIEVED.contains(at));
    at.ok_or_else(|| "must be microseconds since 1970, between the years 2000 and 2100".to_owned())
}
