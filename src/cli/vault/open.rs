//! The store and the keys, opened beside a server.

use crate::{
    config::{Config, EngineKind},
    metrics::Metrics,
    sidecar::{
        integration::{Integration, Tokens},
        integrations::Integrations,
        rotation::label,
        store::{Store, embedded_file},
        vault::{Kind, Label, Ring, Sealed, Vault},
    },
    tasks::Tasks,
};
use anyhow::{Context, ensure};
use std::path::PathBuf;

pub(crate) struct Opened {
    pub(crate) integrations: Integrations,
    pub(crate) vault: Vault,
    /// Where the journal and the audit log are.
    pub(crate) data_dir: PathBuf,
    pub(crate) tasks: Tasks,
}

impl Opened {
    /// Opens what is there; it makes no store.
    pub(crate) async fn open(config: &Config) -> anyhow::Result<Self> {
        let sidecar = config.sidecar.as_ref().context("there is no [sidecar] in the configuration")?;
        let ring = sidecar.vault_key.as_ref().context("sidecar.vault_key_file is missing")?;
        let vault = Vault::new(Ring::parse(ring).context("sidecar.vault_key_file")?);
        let data_dir = sidecar.data_dir.clone();
        if config.engine.kind == EngineKind::Embedded {
            let file = embedded_file(&data_dir);
            ensure!(file.exists(), "{} is not there: is sidecar.data_dir the server's?", file.display());
        }
        let metrics = Metrics::default();
        let tasks = Tasks::new(&metrics);
        let store = Store::open(&config.engine, &data_dir, &metrics, &tasks).await?;
        Ok(Self { integrations: Integrations::new(store, &sidecar.portals), vault, data_dir, tasks })
    }
}

/// Both sealed tokens of an integration, with what they are and where they belong.
pub(crate) fn sealed<'a>(
    of: &'a Integration,
    tokens: &'a Tokens,
) -> [(&'static str, Label<'a>, &'a Sealed); 2] {
    let label = |kind| label(&of.key, kind, of.consent, of.generation);
    [
        ("access token", label(Kind::Access), &tokens.access),
        ("refresh token", label(Kind::Refresh), &tokens.refresh),
    ]
}
