//! Which files a series consists of: so a missing one is noticed, and one that is of no use any more.

use super::{
    SeriesName,
    bytes::{checked, with_check},
};
use crate::{clock::Micros, files};
use serde::{Deserialize, Serialize};
use std::{fs, io, path::Path};
use uuid::Uuid;

pub(crate) const FILE: &str = "manifest";
const VERSION: u32 = 1;

/// One line of JSON, and its checksum on another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    version: u32,
    pub(crate) store: Uuid,
    pub(crate) series: SeriesName,
    /// Oldest first. The last is the one that is written; there is always one.
    pub(crate) files: Vec<Listed>,
}

/// A file of the series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Listed {
    pub(crate) number: u32,
    /// The number of its first row.
    pub(crate) first: u64,
    /// When it was begun, by callpop's clock.
    pub(crate) since: Micros,
    /// How it ended; none while it is written.
    pub(crate) end: Option<FileEnd>,
}

/// How a file ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileEnd {
    pub(crate) bytes: u64,
    /// The number after its last row's.
    pub(crate) next: u64,
}

impl Manifest {
    pub(crate) fn new(store: Uuid, series: SeriesName, files: Vec<Listed>) -> Self {
        Self { version: VERSION, store, series, files }
    }

    pub(crate) fn write(&self, dir: &Path) -> io::Result<()> {
        files::replace(&dir.join(FILE), &self.encode()?)
    }

    pub(crate) fn encode(&self) -> io::Result<Vec<u8>> {
        Ok(with_check(serde_json::to_vec(self)?))
    }

    /// That of a folder; the inner error says what is wrong with it.
    pub(crate) fn read(dir: &Path) -> io::Result<Result<Self, &'static str>> {
        let text = match fs::read(dir.join(FILE)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Err("it is missing")),
            other => other?,
        };
        Ok(decode(&text))
    }
}

fn decode(text: &[u8]) -> Result<Manifest, &'static str> {
    let damaged = "it is damaged";
    let json = checked(text).ok_or(damaged)?;
    let manifest: Manifest =
        serde_json::from_slice(json).map_err(|_| "another version of callpop wrote it")?;
    match manifest.version {
        VERSION if !manifest.files.is_empty() => Ok(manifest),
        VERSION => Err(damaged),
        _ => Err("another version of callpop wrote it"),
    }
}
