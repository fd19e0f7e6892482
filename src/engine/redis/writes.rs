//! Whether Redis takes what is written. Commits tell; where none was taken lately, a trial does, so that the node of a
//! Redis that only answers is not ready, and is ready again as soon as Redis is well, though nobody sends anything.

use super::{addition::Addition, keys::TenantKeys, keyspace::Keyspace};
use crate::{
    engine::EngineError,
    id::{Kind, TenantId},
    link::{Confirm, Request, call},
};
use parking_lot::Mutex;
use redis::Script;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::time::{MissedTickBehavior, interval};

/// Between two trials while something is refused.
const EVERY: Duration = Duration::from_secs(1);
/// After so long without a commit, a trial is made though nothing was refused.
const QUIET: Duration = Duration::from_secs(10);
/// Whose keys such a trial is beside; none of them is a tenant's.
const NOBODY: &str = "trial";
/// The most keys of a refused commit that are tried.
const MOST_KEYS: usize = 256;

/// What is known of it.
pub(crate) struct Writes {
    store: Arc<Keyspace>,
    confirm: Option<Arc<Confirm>>,
    script: Script,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// When something was taken last.
    taken: Option<Instant>,
    /// What was refused last, if nothing was taken since.
    refused: Option<Arc<RefusedCommit>>,
}

/// A commit that was refused: why, and what it would have written to.
struct RefusedCommit {
    why: &'static str,
    keys: TenantKeys,
    touched: Vec<Touched>,
}

/// A key of a commit, and what it holds.
type Touched = (String, &'static str);

impl Writes {
    pub(crate) fn new(store: Arc<Keyspace>, confirm: Option<Arc<Confirm>>) -> Self {
        let script =
            Script::new(concat!(include_str!("scripts/open.lua"), include_str!("scripts/trial.lua")));
        Self { store, confirm, script, known: Mutex::default() }
    }

    /// Some event of a tenant was taken.
    pub(crate) fn on_taken(&self) {
        *self.known.lock() = Known { taken: Some(Instant::now()), refused: None };
    }

    /// A commit of a tenant was refused as a whole, or is not known to have been taken.
    pub(crate) fn on_refused<'a>(
        &self,
        error: &EngineError,
        tenant: &TenantId,
        entries: impl Iterator<Item = &'a Addition>,
    ) {
        let keys = self.store.keys.tenant(tenant);
        let mut touched = vec![(keys.head(), "hash"), (keys.live(), "set"), (keys.ended(), "list")];
        touched.extend(Kind::ALL.map(|kind| (keys.changes(kind), "set")));
        touched.extend(entries.flat_map(|entry| {
            let [item, ghost, user] = entry.keys(&keys);
            [(item, "hash"), (ghost, "text"), (user, "set")]
        }));
        touched.truncate(MOST_KEYS);
        self.known.lock().refused = Some(RefusedCommit { why: reason(error), keys, touched }.into());
    }

    /// Why the node should not be asked to commit anything, if so.
    pub(crate) fn trouble(&self) -> Option<&'static str> {
        let refused = self.known.lock().refused.as_ref().map(|refused| refused.why);
        refused.or_else(|| self.confirm.as_ref()?.trouble())
    }

    /// Tries, for ever, where that may tell something.
    pub(crate) async fn run(self: Arc<Self>) {
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let is_quiet = self.known.lock().taken.is_none_or(|taken| taken.elapsed() > QUIET);
            // Where there is no connection, that is known already.
            if self.store.link.is_up() && (is_quiet || self.trouble().is_some()) {
                self.try_once().await;
            }
        }
    }

    async fn try_once(&self) {
        let before = self.known.lock().refused.clone();
        let went = match before.as_deref() {
            Some(RefusedCommit { keys, touched, .. }) => self.write(keys, touched).await,
            None => self.write(&self.nobody(), &[]).await,
        };
        let mut known = self.known.lock();
        let is_as_before = before.as_ref().map(Arc::as_ptr) == known.refused.as_ref().map(Arc::as_ptr);
        match went {
            Ok(()) => {
                known.taken = Some(Instant::now());
                // Unless something was refused meanwhile.
                known.refused = known.refused.take().filter(|_| !is_as_before);
            }
            Err(error) if known.refused.is_none() && before.is_none() => {
                let (why, keys) = (reason(&error), self.nobody());
                known.refused = Some(RefusedCommit { why, keys, touched: Vec::new() }.into());
            }
            Err(_) => {}
        }
    }

    /// Writes beside these keys, and waits until that is as durable as a commit would be.
    async fn write(&self, keys: &TenantKeys, touched: &[Touched]) -> Result<(), EngineError> {
        let mut ask = call(&self.script, 4 + touched.len());
        ask.arg(keys.fence()).arg(&keys.trial());
        touched.iter().for_each(|(key, _)| _ = ask.arg(key));
        ask.arg(self.store.publish()).arg(keys.channel_of_trials());
        touched.iter().for_each(|(_, holds)| _ = ask.arg(*holds));
        let history: String = self.store.link.ask(Request::Script(&self.script, &ask)).await?;
        super::receipt(self.confirm.as_deref(), || keys.fence(), history.as_str().into())?.durable().await
    }

    fn nobody(&self) -> TenantKeys {
        self.store.keys.tag(NOBODY)
    }
}

fn reason(error: &EngineError) -> &'static str {
    match error {
        EngineError::Unavailable(why) => why,
        EngineError::CannotOpen(_) => "Redis cannot be used",
    }
}
