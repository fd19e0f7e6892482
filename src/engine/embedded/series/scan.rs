//! Reads a file of a series whole, and tells what a crash left of a write (torn, which was promised to nobody) from
//! what was changed or lost later (damage). What is sound behind the damage is found too.

use super::{
    Place,
    bytes::{self, FILE_HEAD, FileHead, GROUP_HEAD, GroupHead, ROW_HEAD},
    manifest::FileEnd,
};
use std::ops::Range;

/// A disk that loses power leaves whole sectors of zeros.
const SECTOR: usize = 512;

/// A row that is whole.
pub(crate) struct Row<'a> {
    pub(crate) number: u64,
    pub(crate) place: Place,
    pub(crate) says: &'a [u8],
}

/// How a file should end.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ends {
    /// It was closed there.
    At(FileEnd),
    /// It is written, and was durable up to there at least.
    Behind(FileEnd),
}

/// What is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Damage {
    pub(crate) at: u64,
    /// The numbers of rows that cannot be read for it.
    pub(crate) rows: Range<u64>,
    pub(crate) what: &'static str,
}

impl Damage {
    /// How many rows cannot be read for it.
    pub(crate) fn lost(&self) -> u64 {
        self.rows.end - self.rows.start
    }
}

/// How many rows cannot be read for all of it, by the names of files.
pub(crate) fn lost(damage: &[(String, Damage)]) -> u64 {
    damage.iter().map(|(_, damage)| damage.lost()).sum()
}

/// What a file holds.
#[derive(Debug, Default)]
pub(crate) struct Scanned {
    /// Where the next group is to be written.
    pub(crate) end: u64,
    pub(crate) next: u64,
    /// How many bytes of a write that was not finished follow.
    pub(crate) torn: u64,
    pub(crate) damage: Vec<Damage>,
}

/// Hands every row that is whole to `visit`, in their order.
pub(crate) fn scan(file: &[u8], head: &FileHead, ends: Ends, mut visit: impl FnMut(Row)) -> Scanned {
    let seed = head.seed();
    let mut found = Scanned { end: FILE_HEAD as u64, next: head.first, ..Scanned::default() };
    if file.get(..FILE_HEAD) != Some(&head.encode()[..]) {
        found.damage(0, head.first, "its head is not that of this file");
    }
    while let Some(rest) = file.get(found.end as usize..).filter(|rest| !rest.is_empty()) {
        let group = GroupHead::decode(rest, seed).filter(|group| group.follows(found.next));
        let whole = group.filter(|group| group.bytes <= (rest.len() - GROUP_HEAD) as u64);
        if let Some(group) = whole {
            let rows = &rest[GROUP_HEAD..][..group.bytes as usize];
            if !ends_in_zeros(rows) || !found.may_be_torn(ends) || is_whole(&group, rows) {
                found.read_group(&group, rows, head.number, &mut visit);
                continue;
            }
        }
        if let Some((later, next)) = next_group(rest, seed, found.next) {
            let at = found.end;
            found.damage(at, next, "what stands there was never written by callpop");
            found.end = at + later as u64;
            continue;
        }
        let is_cut = group.is_some() || rest.len() < GROUP_HEAD || ends_in_zeros(rest);
        if is_cut && found.may_be_torn(ends) {
            let is_empty = rest.iter().all(|byte| *byte == 0);
            found.torn = if is_empty { 0 } else { rest.len() as u64 };
            break;
        }
        let at = found.end;
        found.damage(at, ends.next().max(found.next), "what stands there was never written by callpop");
        return found;
    }
    found.compare(ends);
    found
}

impl Ends {
    fn next(self) -> u64 {
        let (Self::At(end) | Self::Behind(end)) = self;
        end.next
    }
}

impl GroupHead {
    /// Whether it may come there: one without rows says that some were given up.
    fn follows(&self, next: u64) -> bool {
        self.first == next || self.rows == 0 && self.first > next
    }
}

impl Scanned {
    fn damage(&mut self, at: u64, next: u64, what: &'static str) {
        self.damage.push(Damage { at, rows: self.next..next.max(self.next), what });
        self.next = self.next.max(next);
    }

    /// Whether what stands there was promised to nobody.
    fn may_be_torn(&self, ends: Ends) -> bool {
        matches!(ends, Ends::Behind(reach) if self.end >= reach.bytes)
    }

    /// Reads the rows of a group; one that is damaged hides the others only where its length is.
    fn read_group(&mut self, group: &GroupHead, rows: &[u8], file: u32, visit: &mut impl FnMut(Row)) {
        let begin = self.end + GROUP_HEAD as u64;
        let mut at = 0;
        for nth in 0..u64::from(group.rows) {
            let number = group.first + nth;
            let length = rows.get(at..at + 4).map(|bytes| bytes::number(bytes) as usize + ROW_HEAD);
            let Some(row) = length.and_then(|length| rows.get(at..at + length)) else {
                self.next = number;
                self.damage(begin + at as u64, group.first + u64::from(group.rows), "a row is damaged");
                break;
            };
            // A file has less than 4 GiB.
            let place = Place { file, at: (begin + at as u64) as u32, bytes: row.len() as u32 };
            match bytes::row(row) {
                Some(says) => visit(Row { number, place, says }),
                None => {
                    self.next = number;
                    self.damage(begin + at as u64, number + 1, "a row is damaged");
                }
            }
            at += row.len();
        }
        if at != rows.len() && self.damage.last().is_none_or(|damage| damage.at < begin) {
            self.next = group.first;
            self.damage(begin, group.first, "a group has other rows than it says");
        }
        self.next = group.first + u64::from(group.rows);
        self.end = begin + group.bytes;
    }

    /// Sound as it is, it may still be too short.
    fn compare(&mut self, ends: Ends) {
        let (is_there, expected) = match ends {
            Ends::At(end) => (self.end == end.bytes && self.next == end.next, end),
            Ends::Behind(reach) => (self.end >= reach.bytes && self.next >= reach.next, reach),
        };
        if !is_there {
            self.damage(self.end, expected.next, "the file ends too early");
        }
    }
}

/// Whether the end of these bytes was not written, though the file was made longer.
fn ends_in_zeros(bytes: &[u8]) -> bool {
    let zeros = bytes.iter().rev().take_while(|byte| **byte == 0).count();
    zeros > 0 && zeros >= SECTOR.min(bytes.len())
}

fn is_whole(group: &GroupHead, rows: &[u8]) -> bool {
    let mut at = 0;
    (0..group.rows).all(|_| {
        let row = rows.get(at..).and_then(bytes::row);
        at += row.map_or(0, |says| says.len() + ROW_HEAD);
        row.is_some()
    })
}

/// The next group that is sound, and the number of its first row.
fn next_group(rest: &[u8], seed: u64, next: u64) -> Option<(usize, u64)> {
    (1..rest.len()).find_map(|at| {
        let group = GroupHead::decode(&rest[at..], seed)?;
        (group.first >= next).then_some((at, group.first))
    })
}
