//! The figures of a window, kept cell by cell: what did not change since is not added up again. A day is in quarters of
//! an hour, the last minutes are in minutes.

use super::{
    agents::AgentTally,
    figures::{Figures, Membership, Tally, Values},
    ledger::Ledger,
    window::{CELL, MINUTE, Window},
};
use crate::{clock::Micros, id::Extension};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Cells that are older are added up once for all, until one of them changes.
const RECENT: Micros = 4 * CELL;

/// The cells of one window, which goes on with the time.
#[derive(Debug, Default)]
pub(crate) struct Cells {
    cells: BTreeMap<Micros, Cell>,
    old: Old,
}

/// Figures of what began from then until before `to`.
#[derive(Debug)]
struct Cell {
    to: Micros,
    figures: Figures,
}

/// What the old cells come to.
#[derive(Debug, Default)]
struct Old {
    window: Window,
    figures: Figures,
}

/// The figures of a window in two parts, so that the one which did not change is not copied.
pub(crate) struct Parts<'a> {
    old: &'a Figures,
    recent: Figures,
}

/// What figures are made of beside the conversations.
#[derive(Clone, Copy)]
pub(crate) struct FigureBasis<'a> {
    pub(crate) ledger: &'a Ledger,
    pub(crate) membership: &'a Membership,
    pub(crate) now: Micros,
}

impl Cells {
    /// Forgets the cells of conversations that are other than they were.
    pub(crate) fn forget(&mut self, starts: &BTreeSet<Micros>) {
        for start in starts {
            let Some((from, _)) =
                self.cells.range(..=*start).next_back().map(|(from, cell)| (*from, cell.to))
            else {
                continue;
            };
            self.cells.remove(&from);
            if self.old.window.holds(from) {
                self.old = Old::default();
            }
        }
    }

    /// The figures of a window.
    pub(crate) fn of(&mut self, window: Window, basis: FigureBasis<'_>) -> Parts<'_> {
        let width = if window.to - window.from > RECENT + CELL { CELL } else { MINUTE };
        self.cells = self.cells.split_off(&window.from);
        let recent = (basis.now - basis.now % CELL).saturating_sub(RECENT).clamp(window.from, window.to);
        self.grow_old(Window { to: recent, ..window }, width, basis);
        let mut sum = Figures::default();
        for cell in split(Window { from: recent, ..window }, width) {
            sum.merge(self.cell(cell, basis));
        }
        sum.carry(basis.ledger.going_on(window.from).map(|it| &**it), basis.membership);
        Parts { old: &self.old.figures, recent: sum }
    }

    /// Adds up the cells that are old by now: more of them than before, as time goes on.
    fn grow_old(&mut self, window: Window, width: Micros, basis: FigureBasis<'_>) {
        let known = self.old.window;
        if known.from != window.from || known.to > window.to {
            self.old = Old { window: Window { from: window.from, to: window.from }, ..Old::default() };
        }
        for cell in split(Window { from: self.old.window.to, ..window }, width) {
            let mut old = std::mem::take(&mut self.old);
            old.figures.merge(self.cell(cell, basis));
            old.window.to = cell.to;
            self.old = old;
        }
    }

    fn cell(&mut self, cell: Window, FigureBasis { ledger, membership, now }: FigureBasis<'_>) -> &Figures {
        let figures =
            || Figures::of(ledger.within(cell).map(|it| &**it), cell, membership, ledger.rules(), now);
        let known = self.cells.entry(cell.from).or_insert_with(|| Cell { to: cell.to, figures: figures() });
        // The last cell goes on with the time; what began ahead of it is part of it from then on.
        let more = Window { from: known.to, to: cell.to };
        if known.to > cell.to || ledger.within(more).next().is_some() {
            known.figures = figures();
        }
        known.to = cell.to;
        &known.figures
    }
}

impl Parts<'_> {
    /// The figures of the tenant.
    pub(crate) fn tenant(&self) -> Values {
        self.recent.tenant.values_after(Some(&self.old.tenant))
    }

    /// Those of each group.
    pub(crate) fn groups(&self) -> BTreeMap<Arc<str>, Values> {
        by_key(&self.old.groups, &self.recent.groups)
    }

    /// Those of each line.
    pub(crate) fn lines(&self) -> BTreeMap<Arc<str>, Values> {
        by_key(&self.old.lines, &self.recent.lines)
    }

    /// What the conversations of an extension come to.
    pub(crate) fn extension(&self, of: &Extension) -> AgentTally {
        let mut sum = self.old.extensions.get(of).copied().unwrap_or_default();
        if let Some(recent) = self.recent.extensions.get(of) {
            sum.merge(recent);
        }
        sum
    }
}

fn by_key(old: &BTreeMap<Arc<str>, Tally>, recent: &BTreeMap<Arc<str>, Tally>) -> BTreeMap<Arc<str>, Values> {
    let none = Tally::default();
    let keys: BTreeSet<&Arc<str>> = old.keys().chain(recent.keys()).collect();
    let values = |key| recent.get(key).unwrap_or(&none).values_after(old.get(key));
    keys.into_iter().map(|key| (key.clone(), values(key))).collect()
}

/// The cells of that width in a window; the last is as long as what is left.
fn split(window: Window, width: Micros) -> impl Iterator<Item = Window> {
    let end = move |from: Micros| from - from % width + width;
    let starts = std::iter::successors(Some(window.from), move |from| Some(end(*from)));
    let starts = starts.take_while(move |from| *from < window.to);
    starts.map(move |from| Window { from, to: end(from).min(window.to) })
}
