//! A sidecar alone: what `callpop sidecar` serves, beside gateways that share its Redis.

use super::{Requests, cors, listen, method_not_allowed, not_found};
use crate::{
    auth::Verifier,
    config::Config,
    metrics::Metrics,
    operator,
    sidecar::{Followed, Sidecar, activation, users, vending},
};
use anyhow::Context;
use axum::Router;
use std::{net::SocketAddr, sync::Arc};
use tokio::{net::TcpListener, task::JoinSet, time::timeout};

/// A sidecar that listens.
pub struct SidecarServer {
    config: Config,
    sidecar: Arc<Sidecar>,
    followed: Followed,
    metrics: Arc<Metrics>,
    public: TcpListener,
    private: TcpListener,
    admin: TcpListener,
}

impl SidecarServer {
    /// Opens everything, and binds the listeners.
    ///
    /// # Errors
    /// What cannot be opened or bound.
    pub async fn bind(config: Config) -> anyhow::Result<Self> {
        let wanted = config.sidecar.clone().context("there is no [sidecar] in the configuration")?;
        let metrics = Arc::<Metrics>::default();
        let verifier = Arc::new(Verifier::new(&config.auth)?);
        let followed = Followed::open(&config, &wanted, metrics.clone()).await?;
        let directory = followed.directory.clone();
        let sidecar = Sidecar::open(&config, &wanted, directory, verifier, metrics.sidecar.clone()).await?;
        let bind = |name: &str, addr: SocketAddr| listen(addr).with_context(|| format!("{name} = {addr}"));
        let public = bind("listen", config.listen)?;
        let private = bind("sidecar.listen", wanted.listen)?;
        let admin = bind("admin_listen", config.admin_listen)?;
        Ok(Self { config, sidecar, followed, metrics, public, private, admin })
    }

    /// Serves until `stop`, then lets refreshes that are under way end.
    pub async fn run(self, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
        let Self { config, sidecar, followed, metrics, public, private, admin } = self;
        tracing::info!(
            public = %public.local_addr()?,
            private = %private.local_addr()?,
            admin = %admin.local_addr()?,
            "listening"
        );
        let routes = Router::new()
            .merge(activation::routes(sidecar.clone()))
            .merge(users::routes(sidecar.users.clone()))
            .layer(cors(&config.auth.allowed_origins))
            .fallback(not_found)
            .method_not_allowed_fallback(method_not_allowed);
        let requests = Requests::default();
        let mut tasks = JoinSet::new();
        let public = tasks.spawn(requests.clone().accept(public, routes));
        tasks.spawn(requests.clone().accept(private, vending::routes(sidecar.clone())));
        let admin_routes = operator::sidecar_routes(sidecar.clone(), metrics);
        tasks.spawn(requests.clone().accept(admin, admin_routes));
        stop.await;
        tracing::info!("draining");
        public.abort();
        let drained = timeout(config.shutdown.grace, async {
            sidecar.drain().await;
            tasks.shutdown().await;
            requests.finish().await;
        });
        if drained.await.is_err() {
            tracing::warn!("cut off what was not done after shutdown.grace");
        }
        drop(followed);
        tracing::info!("stopped");
        Ok(())
    }
}
