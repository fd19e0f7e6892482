//! A store copied while it is written: a tar of its files as they were at one instant, which a start takes for a store
//! that was stopped then.
//!
//! Items are looked at before events are: an item that goes to the disk meanwhile is in the events still. Files that go
//! meanwhile can be read by whoever opened them before.

use super::{
    Embedded, folder,
    series::{
        SeriesName, Still, file_name,
        manifest::{self, Manifest},
        mark::{self, Mark},
    },
};
use std::{
    fs,
    io::{self, Read, Write},
    os::unix::fs::FileExt,
    path::Path,
};
use uuid::Uuid;

/// What is to be copied.
pub(crate) struct Backup {
    store: Uuid,
    series: [(SeriesName, Still); 2],
}

/// Reads an open file that others write, up to a length, from its beginning.
struct Part<'a> {
    file: &'a fs::File,
    at: u64,
    end: u64,
}

impl Embedded {
    /// The store as it is now: all that was durable when this was asked. None where nothing is stored.
    pub(in crate::engine) fn backup(&self) -> Option<Backup> {
        let (journal, settled) = (self.disk.0.as_ref()?, self.settled.as_ref()?);
        let before = journal.reader().still();
        let items = settled.reader().still();
        let mut events = journal.reader().still();
        // What has gone since is in the items, but not in those that were looked at.
        let gone = before.listed.into_iter().filter(|file| !events.files.contains_key(&file.number));
        let mut listed: Vec<_> = gone.collect();
        listed.append(&mut events.listed);
        events.listed = listed;
        for (number, file) in before.files {
            events.files.entry(number).or_insert(file);
        }
        let series = [(SeriesName::Events, events), (SeriesName::Items, items)];
        Some(Backup { store: journal.store(), series })
    }
}

impl Backup {
    /// Writes it as a tar. Blocks.
    pub(crate) fn write(&self, to: impl Write) -> io::Result<()> {
        let mut tar = tar::Builder::new(to);
        for (name, still) in &self.series {
            let manifest = Manifest::new(self.store, *name, still.listed.clone()).encode()?;
            append(&mut tar, &name.path_of(manifest::FILE), &manifest)?;
            let mark = Mark::bytes(still.reach, name.seed(self.store));
            append(&mut tar, &name.path_of(mark::FILE), &mark)?;
            for listed in &still.listed {
                let Some(file) = still.files.get(&listed.number) else { continue };
                let end = listed.end.map_or(still.reach.bytes, |end| end.bytes);
                let mut header = header(end);
                let part = Part { file, at: 0, end };
                tar.append_data(&mut header, name.path_of(&file_name(listed.number)), part)?;
            }
        }
        // Last: without it there is no store.
        append(&mut tar, folder::MARKER, &folder::marker(self.store)?)?;
        tar.into_inner()?.flush()
    }
}

/// Makes a store of a tar in a folder that is not there yet.
pub(crate) fn restore(tar: impl Read, dir: &Path) -> io::Result<()> {
    crate::files::make_dir(dir)?;
    let mut archive = tar::Archive::new(tar);
    archive.set_preserve_permissions(false);
    archive.unpack(dir)?;
    for name in SeriesName::ALL {
        let folder = dir.join(name.folder());
        for entry in fs::read_dir(&folder)? {
            fs::File::open(entry?.path())?.sync_all()?;
        }
        crate::files::sync_dir(&folder)?;
    }
    fs::File::open(dir.join(folder::MARKER))?.sync_all()?;
    crate::files::sync_dir(dir)
}

fn header(bytes: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes);
    header.set_mode(0o600);
    header
}

fn append(tar: &mut tar::Builder<impl Write>, name: &str, bytes: &[u8]) -> io::Result<()> {
    tar.append_data(&mut header(bytes.len() as u64), name, bytes)
}

impl Read for Part<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.end - self.at).unwrap_or(usize::MAX).min(to.len());
        let read = self.file.read_at(&mut to[..most], self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}
