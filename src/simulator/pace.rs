//! How fast something is played, and what its timestamps say of that.

use clap::ValueEnum;
use std::{str::FromStr, time::Duration};

/// Why a number is no speed.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("must be a number from 0 (at once) to 1000000")]
pub(crate) struct BadSpeed;

/// How many times faster than recorded; zero is at once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Speed(f64);

/// What the timestamps count in: recorded time, in which a call lasts as long as it was recorded, however fast it
/// is played; or that of the real clock, by which what is played twice as fast lasts half as long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Stamps {
    Recorded,
    Scaled,
}

impl Speed {
    /// Everything at once.
    pub(crate) const INSTANT: Self = Self(0.0);
    /// As recorded.
    pub(crate) const REAL: Self = Self(1.0);

    pub(crate) fn scale(self, time: Duration) -> Duration {
        if self == Self::INSTANT { Duration::ZERO } else { time.div_f64(self.0) }
    }
}

impl TryFrom<f64> for Speed {
    type Error = BadSpeed;

    fn try_from(times: f64) -> Result<Self, BadSpeed> {
        // Below a thousandth an hour takes weeks, and the arithmetic would have to be watched.
        let sound = times == 0.0 || (1e-3..=1e6).contains(&times);
        if sound { Ok(Self(times)) } else { Err(BadSpeed) }
    }
}

impl FromStr for Speed {
    type Err = BadSpeed;

    fn from_str(text: &str) -> Result<Self, BadSpeed> {
        text.parse::<f64>().map_err(|_| BadSpeed)?.try_into()
    }
}

impl Stamps {
    /// How far a timestamp is from the first one, in microseconds, if it was recorded so far from it.
    pub(crate) fn offset(self, recorded: i64, speed: Speed) -> i64 {
        match self {
            Self::Recorded => recorded,
            Self::Scaled => {
                let scaled = speed.scale(Duration::from_micros(recorded.unsigned_abs())).as_micros();
                i64::try_from(scaled).unwrap_or(i64::MAX) * recorded.signum()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scaled_stamps_shrink_with_the_speed_and_recorded_ones_do_not() {
        let speed = "4".parse().unwrap();
        assert_eq!(Stamps::Recorded.offset(-4_000, speed), -4_000);
        assert_eq!([4_000, -4_000, 0].map(|at| Stamps::Scaled.offset(at, speed)), [1_000, -1_000, 0]);
        assert_eq!(Stamps::Scaled.offset(4_000, "0.5".parse().unwrap()), 8_000);
    }
    #[test]
    fn speeds_are_checked() {
        for bad in ["-1", "NaN", "inf", "1e9", "1e-9", "fast"] {
            assert_eq!(bad.parse::<Speed>(), Err(BadSpeed), "{bad}");
        }
        assert_eq!("0".parse(), Ok(Speed::INSTANT));
    }
}
