//! How many files the process may open: each connection is one.

use rustix::process::{Resource, getrlimit, setrlimit};

/// Fewer than this are too few for a gateway.
const FEW: u64 = 4096;

/// Raises the limit to what the system allows, and says so where that is little.
pub(crate) fn raise_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(%error, "the limit of open files could not be raised");
    }
    let files = getrlimit(Resource::Nofile).current;
    match files {
        Some(files) if files < FEW => {
            tracing::warn!(files, "few open files are allowed: each connection is one")
        }
        _ => tracing::debug!(?files, "open files"),
    }
}
