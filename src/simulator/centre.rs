//! A call centre that plays itself: ring groups, hunts, transfers, callers who try again, and what goes wrong
//! with their events on the way. What is played is known: the truth can be held against whatever is made of
//! the events.
//!
//! ```text
//! deck -> shift -> day -> disturb -> events -> whoever sends them
//! (kinds)  (plan)  (truth)  (late, twice)  (JSON)
//! ```
//!
//! Pure: a day is a function of the extensions, of how long it lasts and of the seed, its events and its truth
//! of the day and of a clock. Nothing here sends, reads a clock, or opens a file.

mod cast;
mod clock;
mod day;
mod deal;
mod deck;
mod disturb;
mod events;
mod options;
mod ringing;
mod shift;
mod staff;
mod talking;
mod truth;

pub(crate) use clock::Clock;
pub(crate) use day::Day;
pub(crate) use events::Event;
pub(crate) use options::CentreOptions;
pub(crate) use shift::Extent;

use shift::gap;
use staff::{FEWEST, MOST};

impl Day {
    /// The day of a seed, and what went wrong with its events: always the same ones.
    pub(crate) fn of(extensions: u16, extent: Extent, seed: u64) -> Self {
        let mut day = Self::plan(extensions, extent, seed);
        disturb::disturb(&mut day, seed);
        day
    }
}

#[cfg(test)]
mod tests;
