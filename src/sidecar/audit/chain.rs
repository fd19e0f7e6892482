//! The chain of hashes: a line's hash, its last field, is the SHA-256 of the line's bytes
//! before `,"hash":`, among which is the hash of the line before it, `prev`.

use super::{AuditError, MAX_LINE, writer::full_files};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

/// What the first line has as `prev`.
const NONE: &str = "0000000000000000000000000000000000000000000000000000000000000000";
/// What stands before and behind a hash.
const BEFORE: &str = ",\"hash\":\"";
const BEHIND: &str = "\"}";

const NO_CHAIN: &str = "it does not follow from the line before: lines are missing, added or out of order";

/// What a log holds whose every line follows from the one before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verified {
    pub(crate) entries: u64,
    /// The last line's hash: whoever noted an earlier one elsewhere finds it in the log.
    pub(crate) head: String,
}

/// The end of the chain.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// The number of the last line; they count from one.
    pub(crate) n: u64,
    pub(crate) hash: String,
}

/// The fields that link a line to the one before.
#[derive(Deserialize)]
struct Link {
    n: u64,
    prev: String,
}

/// Reads a log from its beginning, with the files that were full, and checks every line. It may be in use.
/// Where the oldest files are gone, the chain begins with the oldest that is there. Blocks.
pub(crate) fn verify(path: &Path) -> Result<Verified, AuditError> {
    let cannot = |error| AuditError::CannotOpen { path: path.to_owned(), error };
    // Looked at first: one that is put aside meanwhile is read as the present one, or breaks the chain.
    let full = full_files(path).map_err(cannot)?;
    let mut log = Reading::default();
    for file in full.iter().map(PathBuf::as_path).chain([path]) {
        log.read(file, file != path)?;
    }
    Ok(Verified { entries: log.entries, head: log.head.hash })
}

/// How far a log was read.
#[derive(Default)]
struct Reading {
    entries: u64,
    head: Head,
}

impl Reading {
    fn read(&mut self, file: &Path, is_full: bool) -> Result<(), AuditError> {
        let cannot = |error| AuditError::CannotOpen { path: file.to_owned(), error };
        let mut reader = BufReader::new(File::open(file).map_err(cannot)?);
        let (mut line, mut number) = (Vec::new(), 0);
        loop {
            line.clear();
            let read = reader.by_ref().take(MAX_LINE).read_until(b'\n', &mut line).map_err(cannot)?;
            if read == 0 {
                return Ok(());
            }
            number += 1;
            // Files that were full before the oldest may be gone.
            let is_oldest = is_full && self.entries == 0;
            let next = if is_oldest { Head::of_oldest(&line) } else { self.head.followed_by(&line) };
            let broken = |why| AuditError::Broken { file: file.to_owned(), line: Some(number), why };
            self.head = next.map_err(broken)?;
            self.entries += 1;
        }
    }
}

impl Default for Head {
    fn default() -> Self {
        Self { n: 0, hash: NONE.to_owned() }
    }
}

impl Head {
    /// Completes a line, a JSON object without its hash, and tells the head that it makes.
    pub(crate) fn next(&self, mut open: String) -> (String, Self) {
        open.pop();
        let hash = hash(&open);
        let line = format!("{open}{BEFORE}{hash}{BEHIND}\n");
        (line, Self { n: self.n + 1, hash })
    }

    /// The head that the last finished line of a log's end makes, and how many bytes of an
    /// unfinished one stand behind it.
    pub(crate) fn of_tail(tail: &[u8], is_all: bool) -> Result<(Self, u64), &'static str> {
        let newline = |bytes: &[u8]| bytes.iter().rposition(|byte| *byte == b'\n');
        let end = newline(tail).map_or(0, |last| last + 1);
        let torn = (tail.len() - end) as u64;
        if end == 0 {
            return if is_all { Ok((Self::default(), torn)) } else { Err("it is too long") };
        }
        let begin = match newline(&tail[..end - 1]) {
            Some(before) => before + 1,
            None if is_all => 0,
            None => return Err("it is too long"),
        };
        let (link, hash) = Link::of(&tail[begin..end])?;
        Ok((Self { n: link.n, hash }, torn))
    }

    /// The head that the oldest line makes. Only the very first has nothing before it.
    fn of_oldest(line: &[u8]) -> Result<Self, &'static str> {
        let (link, hash) = Link::of(line)?;
        if (link.n == 1) != (link.prev == NONE) {
            return Err(NO_CHAIN);
        }
        Ok(Self { n: link.n, hash })
    }

    fn followed_by(&self, line: &[u8]) -> Result<Self, &'static str> {
        let (link, hash) = Link::of(line)?;
        if link.prev != self.hash || link.n != self.n + 1 {
            return Err(NO_CHAIN);
        }
        Ok(Self { n: link.n, hash })
    }
}

impl Link {
    /// Reads a line and checks it against its own hash, which is returned too.
    fn of(line: &[u8]) -> Result<(Self, String), &'static str> {
        const UNFINISHED: &str = "it is not finished: it is being written, or a crash tore it";
        const CHANGED: &str = "it is not what was written: its hash is another";
        let line = match line.strip_suffix(b"\n") {
            Some(line) => str::from_utf8(line).map_err(|_| CHANGED)?,
            None if line.len() as u64 == MAX_LINE => return Err("it is too long"),
            None => return Err(UNFINISHED),
        };
        let (open, said) =
            line.strip_suffix(BEHIND).and_then(|line| line.rsplit_once(BEFORE)).ok_or(CHANGED)?;
        let hash = hash(open);
        if hash != said {
            return Err(CHANGED);
        }
        let link = serde_json::from_str(&format!("{open}}}")).map_err(|_| "it is no event")?;
        Ok((link, hash))
    }
}

fn hash(open: &str) -> String {
    Sha256::digest(open).iter().map(|byte| format!("{byte:02x}")).collect()
}
