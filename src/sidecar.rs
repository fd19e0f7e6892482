//! The OAuth lifecycle of a user's integration: activation, refresh tokens that are sent once
//! and never lost, access tokens for those who need them.
//!
//! ```text
//! machine      how an integration changes: pure    integration  what is stored of one
//! integrations all of them, read and changed       store        compare-and-swap, durable
//! rotation     refreshes, detached                 provider     the token endpoint
//! vault        seals and opens                     answers, audit
//! activation   connect, callbacks, disconnect      users, vending
//! ```
//!
//! It knows nothing of calls: it imports neither `session` nor `feed` nor `engine`.

pub(crate) mod activation;
pub(crate) mod answers;
pub(crate) mod audit;
pub(crate) mod integration;
pub(crate) mod integrations;
pub(crate) mod machine;
pub(crate) mod metrics;
pub(crate) mod provider;
pub(crate) mod rotation;
pub(crate) mod store;
pub(crate) mod users;
pub(crate) mod vault;
pub(crate) mod vending;

use crate::{
    clock,
    config::{self, Config, EngineKind},
    metrics::Metrics,
    tasks::{Kept, Tasks},
};
use activation::Door;
use answers::Answers;
use anyhow::{Context, ensure};
use audit::{Audit, AuditError};
use integrations::Integrations;
use metrics::SidecarMetrics;
use provider::Providers;
use rotation::{Parts, Rotation};
use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};
use store::Store;
use tokio::time::timeout;
use users::Users;
use vault::{Ring, Vault, VaultError};

/// A disk that has not written after this long hangs: nobody waits for it any longer.
const LATE: Duration = Duration::from_secs(10);
/// How long the start waits for a store that is away, before it goes on without.
const FIRST_READ: Duration = Duration::from_secs(3);

/// The part that has the vault key.
pub(crate) struct Sidecar {
    pub(crate) integrations: Arc<Integrations>,
    pub(crate) rotation: Arc<Rotation>,
    pub(crate) users: Users,
    pub(crate) metrics: Arc<SidecarMetrics>,
    config: config::Sidecar,
    doors: Vec<Door>,
    /// Pages that may be come back to.
    origins: Vec<String>,
    _running: Kept,
}

/// All integrations, which follow the store for as long as this is there.
pub(crate) struct Followed {
    pub(crate) integrations: Arc<Integrations>,
    _task: Kept,
}

impl Followed {
    /// Opens the store, and waits a little until everything in it was read.
    ///
    /// # Errors
    /// The store cannot be opened; one that is away is no error.
    pub(crate) async fn open(
        config: &Config,
        sidecar: &config::Sidecar,
        metrics: &Metrics,
        tasks: &Tasks,
    ) -> anyhow::Result<Self> {
        let store = Store::open(&config.engine, &sidecar.data_dir, metrics, tasks).await?;
        let integrations = Arc::new(Integrations::new(store, &sidecar.portals));
        let task = tasks.keep("integrations", integrations.clone().follow());
        let _ = timeout(FIRST_READ, integrations.first_read()).await;
        Ok(Self { integrations, _task: task })
    }
}

impl Sidecar {
    /// Opens the vault, reads what was kept, and begins to refresh.
    ///
    /// # Errors
    /// The key ring lacks a key, or something cannot be opened. Nothing is deleted.
    pub(crate) async fn open(
        config: &Config,
        sidecar: &config::Sidecar,
        users: Users,
        metrics: &Metrics,
        tasks: &Tasks,
    ) -> anyhow::Result<Arc<Self>> {
        let integrations = users.integrations.clone();
        let ring = sidecar.vault_key.as_ref().context("sidecar.vault_key_file is missing")?;
        let vault = Vault::new(Ring::parse(ring).context("sidecar.vault_key_file")?);
        check_keys(&vault, &integrations)?;
        warn_of_others(&integrations);
        let counts: Arc<SidecarMetrics> = metrics.of();
        counts.begin(integrations.sources());
        let dir = &sidecar.data_dir;
        if config.engine.kind == EngineKind::Embedded && !integrations.all().is_empty() {
            check_beside(dir)?;
        }
        let losses = counts.clone();
        let on_loss = move |error: &AuditError| losses.on_audit_loss(error);
        let audit = Audit::open(&dir.join(audit::FILE), clock::now(), tasks, on_loss)?;
        let rotation = Arc::new(Rotation::new(Parts {
            integrations: integrations.clone(),
            vault,
            providers: Providers::new(&sidecar.portals)?,
            answers: Answers::open(&dir.join(answers::FOLDER))?,
            audit,
            metrics: counts.clone(),
            tasks: tasks.clone(),
        }));
        rotation.replay().await?;
        if config.engine.kind == EngineKind::Embedded {
            rotation.settle_all().await;
        }
        let running = tasks.keep("rotation", rotation.clone().run());
        Ok(Arc::new(Self {
            users,
            integrations,
            rotation,
            metrics: counts,
            doors: sidecar.portals.iter().map(Door::new).collect(),
            config: sidecar.clone(),
            origins: config.auth.allowed_origins.clone(),
            _running: running,
        }))
    }

    /// Where the private listener is to be.
    pub(crate) fn listen(&self) -> std::net::SocketAddr {
        self.config.listen
    }

    /// Brings the gauges up to date.
    pub(crate) fn measure(&self) {
        self.metrics.measure(self.integrations.sources(), &self.integrations.all(), clock::now());
    }

    /// Why it cannot do its work now, if so.
    pub(crate) fn trouble(&self) -> Option<&'static str> {
        self.integrations.trouble().or_else(|| self.users.trouble())
    }

    /// Begins no more refreshes.
    pub(crate) fn stop(&self) {
        self.rotation.stop();
    }

    /// Lets refreshes that are under way end; begins no more.
    pub(crate) async fn drain(&self) {
        self.rotation.drain().await;
    }

    /// Waits until what was noted is written; for when no request is under way any more.
    pub(crate) async fn flush(&self) {
        self.rotation.flush().await;
    }
}

/// Says of which sources integrations are kept that nobody refreshes.
fn warn_of_others(integrations: &Integrations) {
    let mut others = BTreeMap::<_, usize>::new();
    for found in integrations.all() {
        if integrations.kind(&found.key.source).is_none() {
            *others.entry(found.key.source.clone()).or_default() += 1;
        }
    }
    for (source, count) in others {
        tracing::warn!(%source, count, "there is no [sidecar.NAME] for a source of integrations: they are left as they are");
    }
}

/// Whether what stands beside a store that knows integrations is there, too: it was made with them.
fn check_beside(dir: &Path) -> anyhow::Result<()> {
    let log = dir.join(audit::FILE);
    ensure!(
        audit::exists(&log)?,
        "the audit log {log:?} is missing beside integrations; put it back, or an empty file to begin a new one"
    );
    let answers = dir.join(answers::FOLDER);
    ensure!(
        answers.exists(),
        "the journal of token responses in {answers:?} is missing beside integrations; put it back, or an empty \
         folder where it is lost: a token whose answer was in it then needs its user's consent anew"
    );
    Ok(())
}

/// Whether the ring has every key that something is sealed by.
fn check_keys(vault: &Vault, integrations: &Integrations) -> anyhow::Result<()> {
    for found in integrations.all() {
        let Some(tokens) = &found.tokens else { continue };
        for sealed in [&tokens.access, &tokens.refresh] {
            let id = sealed.key_id();
            if !vault.key_ids().any(|known| known == id) {
                return Err(VaultError::UnknownKey(id.to_owned()).into());
            }
        }
    }
    Ok(())
}
