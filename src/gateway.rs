//! What the handlers and sessions of one node share.

mod patience;
mod ringing;

pub(crate) use patience::Patience;
pub(crate) use ringing::{Hop, Ringing};

use crate::{
    auth::Verifier,
    boards::Boards,
    config::{Config, SidecarMode},
    directories::Directories,
    displays::Displays,
    engine::{self, Engine},
    feed::Feed,
    metrics::Metrics,
    sidecar::{Followed, Sidecar, users::Users},
    tasks::Tasks,
    warnings::Warnings,
};
use rand::RngExt;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// One node.
pub(crate) struct Gateway {
    pub(crate) config: Config,
    pub(crate) engine: Arc<Engine>,
    pub(crate) boards: Boards,
    pub(crate) directories: Arc<Directories>,
    pub(crate) displays: Arc<Displays>,
    pub(crate) feed: Arc<Feed>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) ringing: Arc<Ringing>,
    pub(crate) tasks: Tasks,
    pub(crate) verifier: Arc<Verifier>,
    /// Users' integrations, where there is a sidecar, in whichever process.
    pub(crate) integrations: Option<Followed>,
    /// The sidecar of this process.
    pub(crate) sidecar: Option<Arc<Sidecar>>,
    /// What is wrong, and makes the node no less ready.
    pub(crate) warnings: Arc<Warnings>,
    patience: Patience,
    leaving: AtomicBool,
}

impl Gateway {
    /// Opens the engine and learns the keys; nothing listens yet.
    pub(crate) async fn new(config: Config) -> anyhow::Result<Self> {
        let (feed, metrics) = (Arc::<Feed>::default(), Arc::<Metrics>::default());
        let tasks = Tasks::new(&metrics);
        let engine = Arc::new(Engine::open(&config, feed.clone(), &metrics, &tasks).await?);
        let verifier = Arc::new(Verifier::new(&config.auth, &tasks)?);
        let directories = Directories::open(&config.directory, engine.directories(), feed.clone(), &metrics)?;
        let directories = Arc::new(directories);
        let boards = Boards::new(&config, &engine, &directories, &feed, &metrics, &tasks);
        let displays = Arc::new(Displays::new(config.displays, engine.displays(), &metrics));
        let door = (&verifier, &directories);
        let (integrations, sidecar) = open_sidecar(&config, door, &metrics, &tasks).await?;
        Ok(Self {
            engine,
            boards,
            directories,
            displays,
            verifier,
            integrations,
            sidecar,
            feed,
            ringing: metrics.of(),
            warnings: metrics.of(),
            patience: Patience::new(config.engine.unready_after),
            metrics,
            tasks,
            config,
            leaving: AtomicBool::new(false),
        })
    }

    /// From now on the node says that it is not ready, and nothing that takes long is begun.
    pub(crate) fn leave(&self) {
        self.leaving.store(true, Ordering::SeqCst);
        self.tasks.stop();
        if let Some(sidecar) = &self.sidecar {
            sidecar.stop();
        }
    }

    /// Why the node cannot commit and deliver, if so.
    pub(crate) fn unready(&self) -> Vec<String> {
        self.own_trouble().chain(self.store_trouble().map(str::to_owned)).collect()
    }

    /// Whether nothing more is to be sent to the node. What other nodes have with it is borne for a while.
    pub(crate) fn is_out(&self) -> bool {
        let is_well = self.store_trouble().next().is_none();
        self.patience.is_out(is_well) || self.own_trouble().next().is_some()
    }

    /// Notes since when the stores are in trouble, for ever.
    pub(crate) async fn watch_stores(self: Arc<Self>) {
        self.patience.watch(|| self.store_trouble().next().is_none()).await;
    }

    /// What is wrong, though the node is ready.
    pub(crate) fn all_warnings(&self) -> Vec<String> {
        self.warnings.all(engine::warning(&self.metrics).into_iter().chain(self.verifier.warning()))
    }

    fn own_trouble(&self) -> impl Iterator<Item = String> {
        let leaving = self.leaving.load(Ordering::SeqCst).then_some("draining");
        leaving.into_iter().chain(self.verifier.trouble()).map(str::to_owned).chain(self.tasks.trouble())
    }

    fn store_trouble(&self) -> impl Iterator<Item = &'static str> {
        let integrations = self.integrations.as_ref().and_then(|followed| followed.integrations.trouble());
        self.engine.trouble().into_iter().chain(integrations)
    }

    /// A moment within the configured spread, so that not all clients come back at once.
    pub(crate) fn reconnect_after_ms(&self) -> u64 {
        rand::rng().random_range(0..=self.config.shutdown.spread.as_millis() as u64)
    }

    /// How long to wait before the engine is asked again; not the same for all sessions.
    pub(crate) fn pause(&self) -> Duration {
        Duration::from_millis(rand::rng().random_range(100..500))
    }
}

/// The integrations, where there is a sidecar, and the sidecar, where it is in this process.
async fn open_sidecar(
    config: &Config,
    (verifier, directories): (&Arc<Verifier>, &Arc<Directories>),
    metrics: &Metrics,
    tasks: &Tasks,
) -> anyhow::Result<(Option<Followed>, Option<Arc<Sidecar>>)> {
    let Some(wanted) = &config.sidecar else { return Ok((None, None)) };
    let followed = Followed::open(config, wanted, metrics, tasks).await?;
    if wanted.mode == SidecarMode::Separate {
        return Ok((Some(followed), None));
    }
    let integrations = followed.integrations.clone();
    let users = Users::new(integrations, verifier.clone(), directories.clone());
    let sidecar = Sidecar::open(config, wanted, users, metrics, tasks).await?;
    Ok((Some(followed), Some(sidecar)))
}
