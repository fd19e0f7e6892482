//! How far a series is known to be durable: written after every group, without a sync of its own. A file that ends
//! before its mark was cut, and not torn while it was written.

use super::bytes::number;
use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::FileExt,
    path::Path,
};
use xxhash_rust::xxh3::xxh3_64_with_seed;

pub(crate) const FILE: &str = "mark";
/// There are two, written in turns, each in a sector of its own: a crash can spoil one.
const SLOT: usize = 512;
/// So many bytes of one say something.
const SAYS: usize = 40;

/// A place up to which all is on the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Reach {
    /// The next row's number.
    pub(crate) next: u64,
    /// Of the file that is written.
    pub(crate) number: u32,
    pub(crate) bytes: u64,
}

/// The file that says it. Its seed, that of the series, goes into its checksums.
pub(crate) struct Mark {
    file: File,
    turn: u64,
    seed: u64,
}

impl Mark {
    /// Makes one.
    pub(crate) fn create(dir: &Path, reach: Reach, seed: u64) -> io::Result<Self> {
        let file = OpenOptions::new().write(true).create(true).truncate(true).open(dir.join(FILE))?;
        let mut mark = Self { file, turn: 0, seed };
        mark.set(reach)?;
        mark.set(reach)?;
        mark.sync()?;
        Ok(mark)
    }

    /// The one of a folder, and what it says; none where it says nothing that is sound.
    pub(crate) fn open(dir: &Path, seed: u64) -> io::Result<(Self, Option<Reach>)> {
        let file = OpenOptions::new().read(true).write(true).open(dir.join(FILE))?;
        let mut slots = [0; 2 * SLOT];
        // One that is cut short says less, or nothing.
        let _ = file.read_exact_at(&mut slots, 0).or_else(|_| file.read_exact_at(&mut slots[..SLOT], 0));
        let latest = slots.chunks(SLOT).filter_map(|slot| decode(slot, seed)).max();
        let (turn, reach) = latest.map_or((0, None), |(turn, reach)| (turn + 1, Some(reach)));
        Ok((Self { file, turn, seed }, reach))
    }

    /// The whole file of one that says that.
    pub(crate) fn bytes(reach: Reach, seed: u64) -> Vec<u8> {
        [encode(0, reach, seed), encode(1, reach, seed)].concat()
    }

    pub(crate) fn set(&mut self, reach: Reach) -> io::Result<()> {
        let at = self.turn % 2 * SLOT as u64;
        self.file.write_all_at(&encode(self.turn, reach, self.seed), at)?;
        self.turn += 1;
        Ok(())
    }

    pub(crate) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}

fn encode(turn: u64, Reach { next, number, bytes }: Reach, seed: u64) -> [u8; SLOT] {
    let mut slot = [0; SLOT];
    let parts = [turn, next, u64::from(number), bytes];
    slot.chunks_mut(8).zip(parts).for_each(|(place, part)| place.copy_from_slice(&part.to_le_bytes()));
    let check = xxh3_64_with_seed(&slot[..SAYS - 8], seed);
    slot[SAYS - 8..SAYS].copy_from_slice(&check.to_le_bytes());
    slot
}

fn decode(slot: &[u8], seed: u64) -> Option<(u64, Reach)> {
    let part = |nth: usize| slot.get(8 * nth..).map(number);
    let is_sound = part(4)? == xxh3_64_with_seed(&slot[..SAYS - 8], seed);
    let number = u32::try_from(part(2)?).ok()?;
    is_sound.then_some((part(0)?, Reach { next: part(1)?, number, bytes: part(3)? }))
}
