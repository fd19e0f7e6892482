//! A sidecar alone: what `callpop sidecar` serves, beside gateways that share its Redis.

use super::{Listens, Requests, listen};
use crate::{
    auth::Verifier,
    config::{Config, Loaded},
    directories::Directories,
    engine::StoredDirectories,
    metrics::Metrics,
    operator::SidecarProcess,
    routes,
    sidecar::{Followed, Sidecar, users::Users},
    tasks::{Kept, Tasks},
    warnings::Warnings,
};
use anyhow::Context;
use std::{net::SocketAddr, sync::Arc};
use tokio::{net::TcpListener, time::timeout};

/// A sidecar that listens.
pub(crate) struct SidecarServer {
    config: Config,
    sidecar: Arc<Sidecar>,
    followed: Followed,
    directories: Arc<Directories>,
    metrics: Arc<Metrics>,
    tasks: Tasks,
    public: TcpListener,
    private: TcpListener,
    admin: TcpListener,
    kept: Vec<Kept>,
}

impl SidecarServer {
    /// Opens everything, and binds the listeners.
    ///
    /// # Errors
    /// What cannot be opened or bound.
    pub(crate) async fn bind(Loaded { config, warnings }: Loaded) -> anyhow::Result<Self> {
        let wanted = config.sidecar.clone().context("there is no [sidecar] in the configuration")?;
        let metrics = Arc::<Metrics>::default();
        metrics.of::<Warnings>().configure(warnings.iter().map(ToString::to_string));
        let tasks = Tasks::new(&metrics);
        let verifier = Arc::new(Verifier::new(&config.auth, &tasks)?);
        let followed = Followed::open(&config, &wanted, &metrics, &tasks).await?;
        let integrations = followed.integrations.clone();
        let (stored, kept) = StoredDirectories::alone(&config.engine, &metrics, &tasks)?;
        let directories = Directories::open(&config.directory, stored, Arc::default(), &metrics)?;
        let directories = Arc::new(directories);
        let users = Users::new(integrations, verifier, directories.clone());
        let sidecar = Sidecar::open(&config, &wanted, users, &metrics, &tasks).await?;
        let bind = |name: &str, addr: SocketAddr| listen(addr).with_context(|| format!("{name} = {addr}"));
        let public = bind("listen", config.listen)?;
        let private = bind("sidecar.listen", wanted.listen)?;
        let admin = bind("admin_listen", config.admin_listen)?;
        Ok(Self { config, sidecar, followed, directories, metrics, tasks, public, private, admin, kept })
    }

    /// Serves until `stop`, then lets refreshes that are under way end.
    ///
    /// # Errors
    /// A task of the process failed, and it was drained for that.
    pub(crate) async fn run(self, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
        let Self { config, sidecar, followed, directories, metrics, tasks, public, private, admin, mut kept } =
            self;
        kept.push(tasks.keep("directory file", directories.follow_file()));
        tracing::info!(
            public = %public.local_addr()?,
            private = %private.local_addr()?,
            admin = %admin.local_addr()?,
            "listening"
        );
        let requests = Requests::new(tasks.clone(), &metrics, &config.trusted_proxies);
        kept.push(requests.watch());
        let process = SidecarProcess::new(&sidecar, &tasks, &metrics, config.engine.unready_after);
        kept.push(tasks.keep("readiness", process.clone().watch_store()));
        let routes = routes::sidecar(&sidecar, &process, &config.auth.allowed_origins);
        let accept_public = requests.accept("accept", public, routes, Listens::ToAll);
        let routes = routes::vending(&sidecar);
        let accept_private = requests.accept("sidecar accept", private, routes, Listens::ToFew);
        let routes = routes::sidecar_admin(process);
        let accept_admin = requests.accept("admin accept", admin, routes, Listens::ToFew);
        tasks.until(stop).await;
        tracing::info!("draining");
        tasks.stop();
        drop(accept_public);
        let drained = timeout(config.shutdown.grace, async {
            sidecar.drain().await;
            drop((accept_private, accept_admin));
            requests.finish().await;
            sidecar.flush().await;
        });
        if drained.await.is_err() {
            tracing::warn!("cut off what was not done after shutdown.grace");
        }
        drop((followed, kept));
        tasks.outcome()?;
        tracing::info!("stopped");
        Ok(())
    }
}
