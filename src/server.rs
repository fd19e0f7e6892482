//! The life of a node, from its listeners to its drained end.
//!
//! Its own tasks are supervised: one that fails ends the node as a signal would, but with an error.

mod files;
mod refusals;
mod requests;
mod sidecar;

pub(crate) use files::raise_limit;
pub(crate) use requests::listen;
pub(crate) use sidecar::SidecarServer;

use crate::{config::Shutdown, gateway::Gateway, integrations, routes, session::Sessions, webhook::Webhooks};
use anyhow::Context;
use axum::Router;
use requests::{Listens, Requests};
use std::{io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    net::TcpListener,
    time::{MissedTickBehavior, interval, sleep, timeout},
};

const SWEEP: Duration = Duration::from_millis(250);

/// A node that listens.
pub(crate) struct Server {
    gateway: Arc<Gateway>,
    sessions: Arc<Sessions>,
    webhooks: Arc<Webhooks>,
    public: TcpListener,
    admin: TcpListener,
    lookups: TcpListener,
    /// Of the sidecar, where it is in this process.
    private: Option<TcpListener>,
    routes: Router,
}

impl Server {
    /// Binds the listeners.
    pub(crate) fn bind(gateway: Gateway) -> anyhow::Result<Self> {
        let addr = gateway.config.listen;
        Self::bind_others(listen(addr).with_context(|| format!("listen = {addr}"))?, gateway)
    }

    /// The same, where the public listener is there already.
    pub(crate) fn bind_others(public: TcpListener, gateway: Gateway) -> anyhow::Result<Self> {
        let gateway = Arc::new(gateway);
        let admin = gateway.config.admin_listen;
        let admin = listen(admin).with_context(|| format!("admin_listen = {admin}"))?;
        let lookups = gateway.config.operator_listen;
        let lookups = listen(lookups).with_context(|| format!("operator_listen = {lookups}"))?;
        let private = gateway.sidecar.as_ref().map(|sidecar| sidecar.listen());
        let private = private.map(|addr| listen(addr).with_context(|| format!("sidecar.listen = {addr}")));
        let sessions = Arc::new(Sessions::new(gateway.clone()));
        let webhooks = Arc::new(Webhooks::new(gateway.clone()));
        let routes = routes::public(&gateway, &sessions, &webhooks)?;
        let private = private.transpose()?;
        Ok(Self { gateway, sessions, webhooks, public, admin, lookups, private, routes })
    }

    /// Where the public listener is, with the port that the system chose.
    pub(crate) fn public_addr(&self) -> io::Result<SocketAddr> {
        self.public.local_addr()
    }

    /// Where the private listener is, for the demo to show.
    #[cfg(feature = "simulator")]
    pub(crate) fn admin_addr(&self) -> io::Result<SocketAddr> {
        self.admin.local_addr()
    }

    /// Where operators look things up, for the demo to show.
    #[cfg(feature = "simulator")]
    pub(crate) fn lookups_addr(&self) -> io::Result<SocketAddr> {
        self.lookups.local_addr()
    }

    /// With more public routes.
    pub(crate) fn with(self, more: Router) -> Self {
        Self { routes: self.routes.merge(more), ..self }
    }

    /// Serves until `stop`, then drains: not ready, clients told, what is under way finished,
    /// everything on the disk.
    ///
    /// # Errors
    /// A task of the node failed, and it was drained for that; or the engine could not be closed.
    pub(crate) async fn run(self, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
        let Self { gateway, sessions, webhooks, public, admin, lookups, private, routes } = self;
        tracing::info!(
            public = %public.local_addr()?,
            admin = %admin.local_addr()?,
            operator = %lookups.local_addr()?,
            "listening"
        );
        let tasks = &gateway.tasks;
        let requests = Requests::new(tasks.clone(), &gateway.metrics, &gateway.config.trusted_proxies);
        let accept_public = requests.accept("accept", public, routes, Listens::ToAll);
        let mut kept = vec![
            requests.watch(),
            tasks.keep("sweep", sweep(gateway.clone(), webhooks)),
            tasks.keep("readiness", gateway.clone().watch_stores()),
            tasks.keep("directory file", gateway.directories.clone().follow_file()),
            tasks.keep("displays", gateway.displays.clone().run()),
            tasks.keep("nodes", gateway.boards.compare()),
        ];
        kept.extend(requests.accept("admin accept", admin, routes::admin(&gateway), Listens::ToFew));
        kept.extend(requests.accept("operator accept", lookups, routes::lookups(&gateway), Listens::ToFew));
        if let (Some(private), Some(sidecar)) = (private, &gateway.sidecar) {
            tracing::info!(private = %private.local_addr()?, "access tokens are given there");
            let routes = routes::vending(sidecar);
            kept.extend(requests.accept("sidecar accept", private, routes, Listens::ToFew));
        }
        if let Some(followed) = &gateway.integrations {
            let tell = integrations::tell(followed.integrations.clone(), gateway.feed.clone());
            kept.push(tasks.keep("tell", tell));
        }
        tasks.until(stop).await;
        let Shutdown { delay, grace, .. } = gateway.config.shutdown;
        tracing::info!(sessions = sessions.count(), "draining");
        gateway.leave();
        sleep(delay).await;
        // Who comes now is to go to another node.
        drop(accept_public);
        gateway.feed.drain();
        let drained = timeout(grace, async {
            let refreshes = async {
                if let Some(sidecar) = &gateway.sidecar {
                    sidecar.drain().await;
                }
            };
            tokio::join!(sessions.ended(), refreshes);
            for task in kept {
                task.abort();
                // It was told to end, so that it did is all there is to know.
                let _ = task.await;
            }
            requests.finish().await;
            if let Some(sidecar) = &gateway.sidecar {
                sidecar.flush().await;
            }
        });
        if drained.await.is_err() {
            tracing::warn!(sessions = sessions.count(), "cut off what was not done after shutdown.grace");
        }
        let closed = timeout(grace, gateway.engine.close()).await;
        // What failed first is what to look for; a disk that cannot be closed may follow from it.
        tasks.outcome()?;
        closed.context("the engine could not be closed in time")??;
        tracing::info!("stopped");
        Ok(())
    }
}

async fn sweep(gateway: Arc<Gateway>, webhooks: Arc<Webhooks>) {
    let mut ticks = interval(SWEEP);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let swept = gateway.engine.sweep().await;
        gateway.boards.close_days(swept);
        webhooks.sweep();
    }
}
