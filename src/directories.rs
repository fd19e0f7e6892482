//! Which directory counts for a tenant: the one of the operator's file where that has the tenant, and
//! otherwise the stored one.

mod file;
mod metrics;

pub(crate) use file::check;
pub(crate) use metrics::Fate;

use crate::{
    auth::Identity,
    config::{self, ReloadMetrics},
    directory::{Directory, Expected},
    engine::{EngineError, PutDirectory, StoredDirectories},
    feed::Feed,
    id::{Extension, TenantId},
    metrics::Metrics,
    warnings::Warnings,
};
use file::DirectoryFile;
use metrics::WriteMetrics;
use std::sync::Arc;

/// The directories of all tenants, as one node sees them.
pub(crate) struct Directories {
    stored: StoredDirectories,
    file: Option<DirectoryFile>,
    feed: Arc<Feed>,
    writes: Arc<WriteMetrics>,
    reloads: Arc<ReloadMetrics>,
    warnings: Arc<Warnings>,
}

impl Directories {
    /// # Errors
    /// The file cannot be used.
    pub(crate) fn open(
        config: &config::Directory,
        stored: StoredDirectories,
        feed: Arc<Feed>,
        metrics: &Metrics,
    ) -> anyhow::Result<Self> {
        let file = config.file.as_deref().map(DirectoryFile::open).transpose()?;
        let (writes, reloads, warnings) = (metrics.of(), metrics.of(), metrics.of());
        Ok(Self { stored, file, feed, writes, reloads, warnings })
    }

    /// Reads the file again whenever it changed, and at SIGHUP; for ever.
    pub(crate) async fn follow_file(self: Arc<Self>) {
        let Some(file) = &self.file else { return std::future::pending().await };
        loop {
            file.changed().await;
            match file.read_again().await {
                Ok(changed) => {
                    self.reloads.count(file::KEY, true);
                    self.warnings.lower(file::KEY);
                    for tenant in changed {
                        self.feed.reassign(&tenant, |_| true);
                    }
                }
                Err(why) => {
                    self.reloads.count(file::KEY, false);
                    self.warnings.raise(file::KEY, format!("{} is not used: {why}", file::KEY));
                    file.complain(&why);
                }
            }
        }
    }

    /// The directory of a tenant.
    pub(crate) async fn get(&self, tenant: &TenantId) -> Result<Arc<Directory>, EngineError> {
        match self.of_file(tenant) {
            Some(directory) => Ok(directory),
            None => self.stored.get(tenant).await,
        }
    }

    /// What a user is given. Who follows the directory in the feed before asking hears of every change after it.
    pub(crate) async fn extensions_of(
        &self,
        tenant: &TenantId,
        sub: &str,
    ) -> Result<Arc<[Extension]>, EngineError> {
        Ok(self.held(tenant).await?.extensions_of(sub))
    }

    /// The extensions of some groups, in the order of texts; the same holds.
    pub(crate) async fn extensions_in(
        &self,
        tenant: &TenantId,
        groups: &[Arc<str>],
    ) -> Result<Arc<[Extension]>, EngineError> {
        Ok(self.held(tenant).await?.extensions_in(groups))
    }

    /// The bearer of a token, with what the directory gives where the token names no extension.
    pub(crate) async fn complete(&self, identity: Identity) -> Result<Identity, EngineError> {
        if !identity.extensions.is_empty() {
            return Ok(identity);
        }
        let extensions = self.extensions_of(&identity.tenant, &identity.sub).await?;
        Ok(Identity { extensions, ..identity })
    }

    async fn held(&self, tenant: &TenantId) -> Result<Arc<Directory>, EngineError> {
        match self.of_file(tenant) {
            Some(directory) => Ok(directory),
            None => self.stored.held(tenant).await,
        }
    }

    /// Whether the operator's file has the directory of a tenant: then it is written there.
    pub(crate) fn is_in_file(&self, tenant: &TenantId) -> bool {
        self.of_file(tenant).is_some()
    }

    /// Stores the directory of a tenant in place of the one that is expected there.
    pub(crate) async fn put(
        &self,
        tenant: &TenantId,
        expected: &Expected,
        fresh: Directory,
    ) -> Result<PutDirectory, EngineError> {
        self.stored.put(tenant, expected, fresh).await
    }

    /// Counts a directory that was to be written.
    pub(crate) fn count(&self, fate: Fate) {
        self.writes.count(fate);
    }

    fn of_file(&self, tenant: &TenantId) -> Option<Arc<Directory>> {
        self.file.as_ref()?.get(tenant)
    }
}
