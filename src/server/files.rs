//! How many files the process may open: each connection is one.

use rustix::process::{Resource, getrlimit, setrlimit};

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
}
