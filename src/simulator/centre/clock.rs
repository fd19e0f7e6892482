//! Which timestamp a time of the day has.

use super::day::At;
use crate::simulator::{
    pace::{Speed, Stamps},
    webhook::Micros,
};
use std::time::Duration;

/// The times of a play.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    /// When the day begins.
    pub(crate) begin: Micros,
    pub(crate) speed: Speed,
    pub(crate) stamps: Stamps,
}

impl Clock {
    /// The timestamp of a clock that is so far ahead.
    pub(super) fn stamp(&self, at: At, skew: i64) -> Micros {
        let offset = self.stamps.offset(at.cast_signed().saturating_add(skew), self.speed);
        self.begin.saturating_add_signed(offset)
    }

    /// When it is to be sent, from the beginning of the play.
    pub(crate) fn sends(&self, sent: At) -> Duration {
        self.speed.scale(Duration::from_micros(sent))
    }

    /// The clock by which nothing is stamped later than it is sent, if the play begins now: the day began
    /// earlier where it is played faster than it was. Of everything: when it was, and when it is sent.
    pub(crate) fn of_now(
        times: impl Iterator<Item = (At, At)>,
        speed: Speed,
        stamps: Stamps,
        now: Micros,
    ) -> Self {
        let clock = Self { begin: now, speed, stamps };
        let ahead = times.map(|(at, sent)| {
            let stamp = stamps.offset(at.cast_signed(), speed);
            stamp.saturating_sub(clock.sends(sent).as_micros() as i64)
        });
        Self { begin: now.saturating_sub_signed(ahead.max().unwrap_or(0).max(0)), ..clock }
    }
}
