//! A closed day as three texts of bytes, each of which goes at its own time: what is of nobody, what is of extensions,
//! and the key. Each begins with its form, so that a later one can tell.

use super::{
    super::{agents::AgentTally, figures::Tally, packed::Pack, tile::TimeOnCalls},
    DayFigures, DayKey, Sums,
};
use crate::{clock::Micros, id::Extension};
use std::{collections::BTreeMap, sync::Arc};

/// Which form this is.
const FORM: u8 = 1;
/// Of zstd: it is done once a night.
const LEVEL: i32 = 9;
/// No day has more, however many extensions it has.
const MOST_BYTES: usize = 256 * 1024 * 1024;

/// The tallies of a cell by group or line.
type Tallies = BTreeMap<Arc<str>, Tally>;
/// The part of a cell that is of nobody.
type Calls = (Tally, (Tallies, Tallies));
/// The part that is of extensions.
type People = (BTreeMap<Extension, AgentTally>, BTreeMap<Extension, TimeOnCalls>);

impl DayFigures {
    /// The figures of the tenant, its groups and its lines.
    pub(crate) fn calls_to_bytes(&self) -> Vec<u8> {
        let calls = |sums: &Sums| {
            let figures = sums.figures.clone();
            (figures.tenant, (figures.groups, figures.lines))
        };
        let cells: BTreeMap<Micros, Calls> = self.cells.iter().map(|(from, it)| (*from, calls(it))).collect();
        shrink(&(self.answer_within, cells))
    }

    /// The figures of extensions.
    pub(crate) fn people_to_bytes(&self) -> Vec<u8> {
        let people = |sums: &Sums| (sums.figures.extensions.clone(), sums.times.clone());
        let cells: BTreeMap<Micros, People> =
            self.cells.iter().map(|(from, it)| (*from, people(it))).collect();
        shrink(&cells)
    }

    /// Both together again; none where they cannot be read.
    pub(crate) fn of_bytes(calls: &[u8], people: Option<&[u8]>) -> Option<Self> {
        let (answer_within, cells): (Micros, BTreeMap<Micros, Calls>) = grow(calls)?;
        let mut figures = Self { answer_within, cells: BTreeMap::new() };
        for (from, (tenant, (groups, lines))) in cells {
            let cell = figures.cells.entry(from).or_default();
            (cell.figures.tenant, cell.figures.groups, cell.figures.lines) = (tenant, groups, lines);
        }
        let people: BTreeMap<Micros, People> = people.map_or(Some(BTreeMap::new()), grow)?;
        for (from, (extensions, times)) in people {
            let cell = figures.cells.entry(from).or_default();
            (cell.figures.extensions, cell.times) = (extensions, times);
        }
        Some(figures)
    }
}

impl DayKey {
    /// All of it.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        shrink(self)
    }

    /// None where it cannot be read.
    pub(crate) fn of_bytes(bytes: &[u8]) -> Option<Self> {
        grow(bytes)
    }
}

fn shrink(what: &impl Pack) -> Vec<u8> {
    let mut plain = Vec::new();
    what.pack(&mut plain);
    let mut bytes = vec![FORM];
    (plain.len() as u64).pack(&mut bytes);
    // It fails for want of memory alone.
    bytes.extend(zstd::bulk::compress(&plain, LEVEL).unwrap_or_default());
    bytes
}

fn grow<P: Pack>(bytes: &[u8]) -> Option<P> {
    let mut small = bytes.strip_prefix(&[FORM])?;
    let length = usize::try_from(u64::unpack(&mut small)?).ok().filter(|length| *length <= MOST_BYTES)?;
    let plain = zstd::bulk::decompress(small, length).ok()?;
    P::unpack(&mut plain.as_slice())
}
