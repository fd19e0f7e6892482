//! How many files the process may open: each connection is one.

use crate::places::MOST_FILES;
use rustix::{
    io::fcntl_dupfd_cloexec,
    process::{Resource, getrlimit, setrlimit},
};
use std::io::stderr;

/// Fewer than this are too few for a gateway.
const FEW: u64 = 4096;

/// How many files the process may open; none is any number.
pub(crate) fn limit() -> Option<u64> {
    getrlimit(Resource::Nofile).current
}

/// Raises the limit to what the system allows, and says so where that is little.
pub(crate) fn raise_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(%error, "the limit of open files could not be raised");
    }
    let files = self::limit();
    match files {
        Some(files) if files < FEW => {
            tracing::warn!(
                files,
                "few open files are allowed: each connection is one, and some are for other things"
            )
        }
        _ => tracing::debug!(?files, "open files"),
    }
    make_table(files);
}

/// Has the system make its table of our files as large as it will ever be. Linux doubles the table as files
/// come, and of a process that has threads none can open a file until all cores have seen the new one: on busy
/// cores that takes some 20 ms, and in a burst of connections it would be so seven times.
fn make_table(files: Option<u64>) {
    let most = files.map_or(MOST_FILES, |files| files.min(MOST_FILES));
    // The table never shrinks, so it stays when this file is closed at once.
    if let Err(error) = fcntl_dupfd_cloexec(stderr(), most.saturating_sub(1) as i32) {
        tracing::debug!(%error, "the table of open files could not be made");
    }
}
