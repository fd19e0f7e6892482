//! The bytes of a series' files: a head, and then groups of rows. Every byte is under a checksum, and every length is
//! checked before it is believed.
//!
//! ```text
//! file    magic 8, store 16, series 8, number 8, first row 8, nothing 8, checksum 8
//! group   magic 4, rows 4, bytes 8, first row 8, checksum 8      then its rows
//! row     length 4, checksum 8, what it says
//! ```

use super::SeriesName;
use uuid::Uuid;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

const FILE_MAGIC: &[u8; 8] = b"callpop1";
const GROUP_MAGIC: &[u8; 4] = b"rows";
/// Before the first group.
pub(crate) const FILE_HEAD: usize = 64;
/// Before the rows of a group.
pub(crate) const GROUP_HEAD: usize = 32;
/// Before what a row says.
pub(crate) const ROW_HEAD: usize = 12;

/// What a file says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileHead {
    pub(crate) store: Uuid,
    pub(crate) series: SeriesName,
    pub(crate) number: u32,
    /// The number of its first row.
    pub(crate) first: u64,
}

/// What a group says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GroupHead {
    pub(crate) rows: u32,
    /// Of all its rows together.
    pub(crate) bytes: u64,
    /// The number of its first row; of a group without rows, the number at which they go on.
    pub(crate) first: u64,
}

/// Rows that go to the disk together.
pub(crate) struct Group {
    bytes: Vec<u8>,
    rows: u32,
}

impl FileHead {
    pub(crate) fn encode(&self) -> [u8; FILE_HEAD] {
        let mut head = [0; FILE_HEAD];
        head[..8].copy_from_slice(FILE_MAGIC);
        head[8..24].copy_from_slice(self.store.as_bytes());
        head[24..32].copy_from_slice(&self.series.tag());
        head[32..40].copy_from_slice(&u64::from(self.number).to_le_bytes());
        head[40..48].copy_from_slice(&self.first.to_le_bytes());
        let check = xxh3_64(&head[..56]);
        head[56..].copy_from_slice(&check.to_le_bytes());
        head
    }

    /// The head of a file; none where it is not whole.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.get(..FILE_HEAD)?;
        let series = SeriesName::ALL.into_iter().find(|series| series.tag() == bytes[24..32])?;
        let head = Self {
            store: Uuid::from_slice(&bytes[8..24]).ok()?,
            series,
            number: u32::try_from(number(&bytes[32..40])).ok()?,
            first: number(&bytes[40..48]),
        };
        (head.encode() == *bytes).then_some(head)
    }

    /// Goes into every checksum of the file's groups, so that none of another file is taken for one of this.
    pub(crate) fn seed(&self) -> u64 {
        xxh3_64(&self.encode()[..40])
    }
}

impl GroupHead {
    fn encode(&self, seed: u64) -> [u8; GROUP_HEAD] {
        let mut head = [0; GROUP_HEAD];
        head[..4].copy_from_slice(GROUP_MAGIC);
        head[4..8].copy_from_slice(&self.rows.to_le_bytes());
        head[8..16].copy_from_slice(&self.bytes.to_le_bytes());
        head[16..24].copy_from_slice(&self.first.to_le_bytes());
        let check = xxh3_64_with_seed(&head[..24], seed);
        head[24..].copy_from_slice(&check.to_le_bytes());
        head
    }

    /// None where these bytes are none.
    pub(crate) fn decode(bytes: &[u8], seed: u64) -> Option<Self> {
        let head = bytes.get(..GROUP_HEAD)?;
        let is_sound =
            head[..4] == *GROUP_MAGIC && number(&head[24..]) == xxh3_64_with_seed(&head[..24], seed);
        let rows = u32::from_le_bytes(head[4..8].try_into().ok()?);
        is_sound.then(|| Self { rows, bytes: number(&head[8..]), first: number(&head[16..]) })
    }
}

impl Default for Group {
    fn default() -> Self {
        Self { bytes: vec![0; GROUP_HEAD], rows: 0 }
    }
}

impl Group {
    /// Adds a row; tells where it begins within the group, and how many bytes it has in all.
    pub(crate) fn push(&mut self, says: &[u8]) -> (usize, usize) {
        let at = self.bytes.len();
        // Whoever appends bounds what a row says by far less.
        let length = u32::try_from(says.len()).unwrap_or(u32::MAX);
        self.bytes.extend(length.to_le_bytes());
        self.bytes.extend(xxh3_64(says).to_le_bytes());
        self.bytes.extend(says);
        self.rows += 1;
        (at, ROW_HEAD + says.len())
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows as usize
    }

    /// With its head.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// As it is written into a file.
    pub(crate) fn finish(&mut self, first: u64, seed: u64) -> &[u8] {
        let head = GroupHead { rows: self.rows, bytes: (self.bytes.len() - GROUP_HEAD) as u64, first };
        self.bytes[..GROUP_HEAD].copy_from_slice(&head.encode(seed));
        &self.bytes
    }
}

/// What a row at the beginning of these bytes says; none where it is not whole.
pub(crate) fn row(bytes: &[u8]) -> Option<&[u8]> {
    let length = u32::from_le_bytes(bytes.get(..4)?.try_into().ok()?) as usize;
    let check = number(bytes.get(4..ROW_HEAD)?);
    let says = bytes.get(ROW_HEAD..ROW_HEAD + length)?;
    (xxh3_64(says) == check).then_some(says)
}

/// A line of JSON and its checksum on another: for the small files beside the rows.
pub(crate) fn with_check(mut json: Vec<u8>) -> Vec<u8> {
    let check = check_line(&json);
    json.extend(check.bytes());
    json
}

/// The JSON of such a text; none where it is damaged.
pub(crate) fn checked(text: &[u8]) -> Option<&[u8]> {
    let (json, check) = text.split_last_chunk::<18>()?;
    (*check == *check_line(json).as_bytes()).then_some(json)
}

fn check_line(json: &[u8]) -> String {
    format!("\n{:016x}\n", xxh3_64(json))
}

/// The first eight bytes as a number.
pub(crate) fn number(bytes: &[u8]) -> u64 {
    let mut eight = [0; 8];
    bytes.iter().zip(&mut eight).for_each(|(byte, place)| *place = *byte);
    u64::from_le_bytes(eight)
}
