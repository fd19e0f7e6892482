//! What the handlers and sessions of one node share.

use crate::{
    auth::Verifier,
    config::{Config, SidecarMode},
    engine::Engine,
    metrics::{Closed, Metrics},
    protocol::CloseCode,
    registry::Registry,
    sidecar::{Followed, Sidecar},
    webhook::{Gate, UnknownStates},
};
use axum::http::{HeaderMap, header};
use rand::RngExt;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio_util::task::TaskTracker;

/// One node.
pub struct Gateway {
    pub config: Config,
    pub engine: Engine,
    pub registry: Arc<Registry>,
    pub metrics: Arc<Metrics>,
    pub verifier: Arc<Verifier>,
    pub origins: Origins,
    pub telsmart: Gate,
    pub unknown_states: UnknownStates,
    /// Users' integrations, where there is a sidecar, in whichever process.
    pub integrations: Option<Followed>,
    /// The sidecar of this process.
    pub sidecar: Option<Arc<Sidecar>>,
    /// The tasks of the WebSockets.
    pub sessions: TaskTracker,
    leaving: AtomicBool,
}

/// The web pages that may connect.
pub struct Origins(Vec<String>);

impl Gateway {
    /// Opens the engine and learns the keys; nothing listens yet.
    pub async fn new(config: Config) -> anyhow::Result<Self> {
        let (registry, metrics) = (Arc::<Registry>::default(), Arc::<Metrics>::default());
        let engine = Engine::open(&config, registry.clone(), metrics.clone()).await?;
        let verifier = Arc::new(Verifier::new(&config.auth)?);
        let (integrations, sidecar) = open_sidecar(&config, &verifier, &metrics).await?;
        Ok(Self {
            engine,
            verifier,
            integrations,
            sidecar,
            origins: Origins(config.auth.allowed_origins.clone()),
            telsmart: Gate::new(&config),
            unknown_states: UnknownStates::default(),
            registry,
            metrics,
            config,
            sessions: TaskTracker::new(),
            leaving: AtomicBool::new(false),
        })
    }

    /// From now on the node says that it is not ready.
    pub fn leave(&self) {
        self.leaving.store(true, Ordering::SeqCst);
    }

    /// Why the node cannot commit and deliver, if so.
    pub fn unready(&self) -> Vec<&'static str> {
        let leaving = self.leaving.load(Ordering::SeqCst).then_some("draining");
        let integrations = self.integrations.as_ref().and_then(|followed| followed.directory.trouble());
        leaving.into_iter().chain(self.engine.trouble()).chain(integrations).collect()
    }

    /// A moment within the configured spread, so that not all clients come back at once.
    pub fn reconnect_after_ms(&self) -> u64 {
        rand::rng().random_range(0..=self.config.shutdown.spread.as_millis() as u64)
    }

    /// How long to wait before the engine is asked again; not the same for all sessions.
    pub fn pause(&self) -> Duration {
        Duration::from_millis(rand::rng().random_range(100..500))
    }

    /// Counts a session that this node ends.
    pub fn count_close(&self, code: CloseCode) {
        self.metrics.closed.get_or_create(&Closed { code }).inc();
    }
}

/// The integrations, where there is a sidecar, and the sidecar, where it is in this process.
async fn open_sidecar(
    config: &Config,
    verifier: &Arc<Verifier>,
    metrics: &Arc<Metrics>,
) -> anyhow::Result<(Option<Followed>, Option<Arc<Sidecar>>)> {
    let Some(wanted) = &config.sidecar else { return Ok((None, None)) };
    let followed = Followed::open(config, wanted, metrics.clone()).await?;
    if wanted.mode == SidecarMode::Separate {
        return Ok((Some(followed), None));
    }
    let directory = followed.directory.clone();
    let sidecar = Sidecar::open(config, wanted, directory, verifier.clone(), metrics.sidecar.clone());
    let sidecar = sidecar.await?;
    Ok((Some(followed), Some(sidecar)))
}

impl Origins {
    /// Whether a handshake may go on: what is no browser has no origin, and a browser's must be
    /// listed, or where none is, be that of the host it connects to.
    pub fn allow(&self, headers: &HeaderMap) -> bool {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let Some(origin) = headers.get(header::ORIGIN) else { return true };
        let Ok(origin) = origin.to_str() else { return false };
        if !self.0.is_empty() {
            return self.0.iter().any(|allowed| allowed.eq_ignore_ascii_case(origin));
        }
        let host = origin.split_once("://").map(|(_, host)| host);
        host.is_some_and(|host| text(header::HOST).is_some_and(|ours| ours.eq_ignore_ascii_case(host)))
    }
}
