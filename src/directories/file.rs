//! `[directory] file`: CSV of many tenants, which is read at the start and again when it changed. One that is
//! bad later changes nothing: the one before it counts on.

use crate::{
    config,
    directory::{Directory, Refusal},
    id::TenantId,
    log::Seldom,
};
use parking_lot::Mutex;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::Mutex as AsyncMutex,
    task::spawn_blocking,
    time::sleep,
};

/// The key that names it.
pub(super) const KEY: &str = "directory.file";
/// The largest that is read, in bytes: sixteen of the largest directories.
const MAX_FILE: u64 = 64 * 1024 * 1024;
/// How often it is looked at. One that is just being written is read when it has stood still for so long.
const EVERY: Duration = Duration::from_secs(5);
/// Between two lines about a bad one.
const COMPLAIN_EVERY: Duration = Duration::from_secs(60);

/// The file of a running process.
pub(super) struct DirectoryFile {
    path: PathBuf,
    current: Mutex<Arc<Tenants>>,
    /// When it is to be read: used by the one task that follows it.
    watch: AsyncMutex<Watch>,
    complaints: Seldom,
}

type Tenants = BTreeMap<TenantId, Arc<Directory>>;

struct Watch {
    hangup: Signal,
    /// The file that was read last, good or bad; none where there was none.
    read: Option<Stamp>,
    /// How it was at the last look.
    seen: Option<Stamp>,
}

/// What tells one state of a file from another: also where a link leads elsewhere than before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

/// Why a file is no directory; for the log, so it quotes nothing of it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BadFile {
    #[error("{}: cannot be read: {why}", path.display())]
    Unreadable { path: PathBuf, why: io::Error },
    #[error("{}: is over 64 MiB", path.display())]
    TooLarge { path: PathBuf },
    #[error("{}: {why}", path.display())]
    Refused { path: PathBuf, why: Refusal },
}

/// Says what is wrong with the configured file, if there is one.
pub(crate) fn check(config: &config::Directory) -> Result<(), BadFile> {
    config.file.as_deref().map_or(Ok(()), |path| read(path).map(drop))
}

fn read(path: &Path) -> Result<(Tenants, Stamp), BadFile> {
    let unreadable = |why| BadFile::Unreadable { path: path.to_owned(), why };
    let file = File::open(path).map_err(unreadable)?;
    let stamp = Stamp::of(&file.metadata().map_err(unreadable)?);
    let mut text = Vec::new();
    file.take(MAX_FILE + 1).read_to_end(&mut text).map_err(unreadable)?;
    if text.len() as u64 > MAX_FILE {
        return Err(BadFile::TooLarge { path: path.to_owned() });
    }
    let all = Directory::all_from_csv(&text);
    let all = all.map_err(|why| BadFile::Refused { path: path.to_owned(), why })?;
    Ok((all.into_iter().map(|(tenant, directory)| (tenant, Arc::new(directory))).collect(), stamp))
}

impl DirectoryFile {
    /// Reads it for the first time.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let (tenants, stamp) = read(path)?;
        let watch = Watch { hangup: signal(SignalKind::hangup())?, read: Some(stamp), seen: Some(stamp) };
        Ok(Self {
            path: path.to_owned(),
            current: Mutex::new(Arc::new(tenants)),
            watch: AsyncMutex::new(watch),
            complaints: Seldom::new(COMPLAIN_EVERY),
        })
    }

    pub(super) fn get(&self, tenant: &TenantId) -> Option<Arc<Directory>> {
        self.current.lock().get(tenant).cloned()
    }

    /// Waits until it is to be read again.
    pub(super) async fn changed(&self) {
        let mut watch = self.watch.lock().await;
        loop {
            tokio::select! {
                Some(()) = watch.hangup.recv() => break,
                () = sleep(EVERY) => {}
            }
            let path = self.path.clone();
            let now =
                spawn_blocking(move || path.metadata().ok().as_ref().map(Stamp::of)).await.ok().flatten();
            let stands_still = now == watch.seen;
            watch.seen = now;
            if stands_still && now != watch.read {
                break;
            }
        }
        watch.read = watch.seen;
    }

    /// Reads it; gives the tenants whose directory is another one now, or none any more.
    pub(super) async fn read_again(&self) -> Result<BTreeSet<TenantId>, BadFile> {
        let path = self.path.clone();
        let gone =
            |_| BadFile::Unreadable { path: self.path.clone(), why: io::Error::other("reading ended") };
        let (fresh, stamp) = spawn_blocking(move || read(&path)).await.map_err(gone)??;
        {
            let mut watch = self.watch.lock().await;
            (watch.read, watch.seen) = (Some(stamp), Some(stamp));
        }
        let fresh = Arc::new(fresh);
        let old = std::mem::replace(&mut *self.current.lock(), fresh.clone());
        let is_other = |tenant: &&TenantId| {
            old.get(*tenant).map(|it| it.etag()) != fresh.get(*tenant).map(|it| it.etag())
        };
        Ok(old.keys().chain(fresh.keys()).filter(is_other).cloned().collect())
    }

    /// Logs why it was not taken.
    pub(super) fn complain(&self, why: &BadFile) {
        if let Some(unsaid) = self.complaints.may_say(KEY) {
            tracing::error!(key = KEY, %why, unsaid, "the file cannot be used; what was read before counts on");
        }
    }
}

impl Stamp {
    fn of(about: &std::fs::Metadata) -> Self {
        Self {
            device: about.dev(),
            inode: about.ino(),
            size: about.size(),
            modified: (about.mtime(), about.mtime_nsec()),
            changed: (about.ctime(), about.ctime_nsec()),
        }
    }
}
