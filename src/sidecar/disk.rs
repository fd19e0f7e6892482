//! What makes files durable and private: a file is on the disk once its folder is, too.

use std::{
    fs::{DirBuilder, File},
    io,
    os::unix::fs::DirBuilderExt,
    path::Path,
    time::Duration,
};

/// A disk that has not written after this long hangs: nobody waits for it any longer.
pub(super) const LATE: Duration = Duration::from_secs(10);

/// Makes a folder, and those above it that are missing, for nobody else on the machine; durable.
pub(super) fn make_dir(dir: &Path) -> io::Result<()> {
    let dir = std::path::absolute(dir)?;
    let missing: Vec<&Path> = dir.ancestors().take_while(|dir| !dir.exists()).collect();
    DirBuilder::new().recursive(true).mode(0o700).create(&dir)?;
    for parent in missing.iter().filter_map(|made| made.parent()) {
        sync_dir(parent)?;
    }
    Ok(())
}

/// Makes durable what was created in, renamed in or removed from a folder.
pub(super) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}
