//! A closed day: the figures of each of its quarters of an hour, so that they answer when its legs are gone. They are
//! summed as any others; how they come to be once some legs are gone already, says [`roll_up`].
//!
//! No number of a caller is in them: a caller is a number in the order of the day, and the key to it goes when the last
//! leg has gone.

mod bytes;
mod key;
mod rolling;

pub(crate) use key::DayKey;
pub(crate) use rolling::{KnownDay, RolledUp, add_fresh, has_all, roll_up};

use super::{
    figures::{Figures, Membership, Tally},
    ledger::Ledger,
    tile::TimeOnCalls,
    window::Window,
};
use crate::{clock::Micros, id::Extension};
use std::{collections::BTreeMap, iter, sync::Arc};

/// The figures of a day, cell by cell; a cell in which nothing was is not there.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct DayFigures {
    /// With which time to answer within they were counted.
    answer_within: Micros,
    cells: BTreeMap<Micros, Sums>,
}

/// What conversations and states add up to in some time.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Sums {
    pub(crate) figures: Figures,
    /// How long each extension was in which state.
    pub(crate) times: BTreeMap<Extension, TimeOnCalls>,
}

impl DayFigures {
    /// Counts what a ledger has of a day; `key` learns of which legs and callers that is.
    fn of(ledger: &Ledger, day: Window, membership: &Membership, key: &mut DayKey, now: Micros) -> Self {
        let mut cells = BTreeMap::new();
        for cell in day.cells() {
            let conversations = ledger.going_on(cell.from).chain(ledger.within(cell));
            let mut sums = Sums {
                figures: Figures::of(conversations, cell, membership, ledger.rules(), now),
                times: BTreeMap::new(),
            };
            tallies(&mut sums.figures).for_each(|tally| key.disguise(&mut tally.callers));
            for extension in ledger.extensions() {
                let time = ledger.time(extension, cell, now);
                if time != TimeOnCalls::default() {
                    sums.times.insert(extension.clone(), time);
                }
            }
            if sums != Sums::default() {
                cells.insert(cell.from, sums);
            }
        }
        let all = ledger.going_on(day.from).chain(ledger.within(day));
        all.for_each(|it| it.legs.iter().for_each(|leg| key.learn(&leg.key)));
        Self { answer_within: ledger.rules().answer_within, cells }
    }

    /// Adds what was counted of other conversations of the same day.
    fn add(&mut self, other: &Self) {
        for (from, sums) in &other.cells {
            let ours = self.cells.entry(*from).or_default();
            ours.add(sums);
            ours.carry(sums);
        }
    }

    /// What a part of the day that consists of whole cells adds up to. Callers are other ones than those of other days.
    /// With another time to answer within than it was counted with, waits count by their buckets.
    pub(crate) fn within(&self, window: Window, answer_within: Micros) -> Sums {
        let mut sum = Sums::default();
        self.cells.range(window.from..window.to.max(window.from)).for_each(|(_, cell)| sum.add(cell));
        if let Some(first) = self.cells.get(&window.from) {
            sum.carry(first);
        }
        let of_day = self.cells.first_key_value().map_or(0, |(from, _)| *from);
        for tally in tallies(&mut sum.figures) {
            let callers = std::mem::take(&mut tally.callers).into_iter();
            tally.callers =
                callers.map(|(caller, times)| (format!("{of_day}#{caller}").into(), times)).collect();
            if answer_within != self.answer_within {
                tally.within = tally.waits.within(answer_within);
            }
        }
        sum
    }

    /// The extensions that have something in it.
    pub(crate) fn extensions(&self) -> impl Iterator<Item = &Extension> {
        self.cells.values().flat_map(|sums| sums.figures.extensions.keys().chain(sums.times.keys()))
    }
}

impl Sums {
    /// Of conversations alone.
    pub(crate) fn of(figures: Figures) -> Self {
        Self { figures, times: BTreeMap::new() }
    }

    /// Adds what is of another time, later or not at all in this one. What is carried into it is no figure of both.
    pub(crate) fn add(&mut self, other: &Self) {
        self.figures.merge(&other.figures);
        for (extension, time) in &other.times {
            self.times.entry(extension.clone()).or_default().add(time);
        }
    }

    /// Adds what was carried into the beginning of it.
    fn carry(&mut self, first: &Self) {
        self.figures.tenant.carried += first.figures.tenant.carried;
        let groups = (&mut self.figures.groups, &first.figures.groups);
        let lines = (&mut self.figures.lines, &first.figures.lines);
        for (ours, firsts) in [groups, lines] {
            for (name, tally) in firsts {
                carry_into(ours, name, tally);
            }
        }
    }
}

fn carry_into(ours: &mut BTreeMap<Arc<str>, Tally>, name: &Arc<str>, first: &Tally) {
    if first.carried > 0 {
        ours.entry(name.clone()).or_default().carried += first.carried;
    }
}

/// All tallies of figures.
fn tallies(figures: &mut Figures) -> impl Iterator<Item = &mut Tally> {
    let Figures { tenant, groups, lines, .. } = figures;
    iter::once(tenant).chain(groups.values_mut()).chain(lines.values_mut())
}
