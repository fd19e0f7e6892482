//! The boards of tenants on this node: each is there while somebody watches it, or asked a moment ago, and then costs
//! nothing any more. A board is computed from what the engine has, so all nodes say the same.
//!
//! ```text
//! keeper   one task a board: reads the calls, hears of changes, tells those who watch
//! tenant   what the board knows, behind a lock that is never held across an await
//! sight    whose calls somebody may see;      people   names and groups
//! rows     tiles and figures as JSON;         channel  what waits for those who see the same
//! inbox    conversations for one session;     health   how the board is fed
//! intake   how events come in, here and elsewhere
//! guard    alarms;                             past     what is older than the two days that a board holds
//! closing  rolls up days that are over;        days     what was stored of them, for an answer
//! ```
//!
//! It listens as a session does, and is never on the way of a commit.

mod channel;
mod closing;
mod days;
mod guard;
mod health;
mod inbox;
mod intake;
mod keeper;
mod metrics;
mod past;
mod people;
mod rows;
mod sight;
mod tenant;

pub(crate) use channel::{Channel, Place as ChannelPlace};
pub(crate) use days::{ClosedDays, Piece, StoredWindow};
pub(crate) use inbox::{Inbox, Interest};
pub(crate) use people::People;
pub(crate) use rows::{By, Wanted, name_of, shown_conversation};
pub(crate) use sight::Sight;
pub(crate) use tenant::{Kept as KeptBoard, TenantBoard};

use crate::{
    board::{BoardRules, LegFact, Zone},
    clock::micros,
    config::{self, AlarmRule, Config},
    directories::Directories,
    engine::{Engine, EngineError, StoredDays},
    feed::{Feed, FeedMetrics},
    id::{Extension, ItemKey, TenantId},
    item::ItemSet,
    metrics::Metrics,
    tasks::Tasks,
};
use metrics::BoardMetrics;
use parking_lot::Mutex;
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};
use tokio_util::task::TaskTracker;

/// The most boards of one node: each holds the calls of two days.
const MOST: usize = 1000;

/// The boards of one node.
pub(crate) struct Boards {
    shared: Arc<Shared>,
}

/// What they share.
struct Shared {
    config: config::Board,
    alarms: Arc<[AlarmRule]>,
    reached: Duration,
    heartbeat: Duration,
    keep_ended: Duration,
    engine: Arc<Engine>,
    days: StoredDays,
    directories: Arc<Directories>,
    feed: Arc<Feed>,
    metrics: Arc<BoardMetrics>,
    outboxes: Arc<FeedMetrics>,
    tasks: Tasks,
    running: TaskTracker,
    open: Mutex<HashMap<TenantId, Arc<TenantBoard>>>,
    /// Who reads old calls of which tenant.
    past: Mutex<HashMap<TenantId, Arc<tokio::sync::Mutex<()>>>>,
    looks: Mutex<closing::Looks>,
    intake: intake::Intake,
    is_closing: AtomicBool,
}

/// Names that calls taught, by extension.
pub(crate) type Learned = BTreeMap<Extension, Arc<str>>;

/// How long somebody who asks for names waits for them.
const PATIENCE: Duration = Duration::from_millis(500);

/// A board that stays while this is held.
pub(crate) struct Held {
    pub(crate) board: Arc<TenantBoard>,
}

/// Why there is no board.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoBoard {
    #[error("there are no boards here: board.enabled is false")]
    Disabled,
    #[error("too many tenants' boards are open on this node")]
    TooMany,
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// An outbound call that is talked for less reached nobody for certain.
const REACHED: Duration = Duration::from_secs(10);

impl Boards {
    /// Those of a node; none is open yet.
    pub(crate) fn new(
        config: &Config,
        engine: &Arc<Engine>,
        directories: &Arc<Directories>,
        feed: &Arc<Feed>,
        metrics: &Metrics,
        tasks: &Tasks,
    ) -> Self {
        let shared = Shared {
            alarms: config.board.alarms.clone().into(),
            config: config.board.clone(),
            reached: REACHED,
            heartbeat: config.sessions.heartbeat,
            keep_ended: config.calls.keep_ended,
            engine: engine.clone(),
            days: engine.days(),
            directories: directories.clone(),
            feed: feed.clone(),
            metrics: metrics.of(),
            outboxes: metrics.of(),
            tasks: tasks.clone(),
            running: TaskTracker::new(),
            open: Mutex::default(),
            past: Mutex::default(),
            looks: Mutex::default(),
            intake: intake::Intake::default(),
            is_closing: AtomicBool::new(false),
        };
        Self { shared: Arc::new(shared) }
    }

    /// What agents see of others.
    pub(crate) fn agents_see(&self) -> config::AgentsSee {
        self.shared.config.agents_see
    }

    /// How board sessions are counted.
    pub(crate) fn metrics(&self) -> &BoardMetrics {
        &self.shared.metrics
    }

    /// The names that colleagues' telephones showed of extensions, of some groups or of all. Nothing where there is no
    /// board, or it cannot be read now.
    pub(crate) async fn learned(&self, tenant: &TenantId, groups: Option<&[Arc<str>]>) -> Learned {
        let Ok(held) = self.hold(tenant) else { return Learned::new() };
        let _ = held.board.catch_up(PATIENCE).await;
        let kept = held.board.kept();
        let is_shown =
            |extension: &Extension| groups.is_none_or(|groups| kept.people.is_in(extension, groups));
        let names = kept.ledger.names().filter(|(extension, _)| is_shown(extension));
        names.map(|(extension, name)| (extension.clone(), name.clone())).collect()
    }

    /// The board of a tenant, for as long as it is held.
    pub(crate) fn hold(&self, tenant: &TenantId) -> Result<Held, NoBoard> {
        let shared = &self.shared;
        if !shared.config.enabled {
            return Err(NoBoard::Disabled);
        }
        let mut open = shared.open.lock();
        if let Some(board) = open.get(tenant).filter(|board| !board.is_over()) {
            return Ok(Held::of(board));
        }
        if open.len() >= MOST {
            return Err(NoBoard::TooMany);
        }
        let kept = shared.nothing_known(tenant);
        let (board, asked) = TenantBoard::new(tenant.clone(), kept, shared.heartbeat);
        let board = Arc::new(board);
        let held = Held::of(&board);
        open.insert(tenant.clone(), board.clone());
        drop(open);
        shared.metrics.open.inc();
        shared.tasks.contain(&shared.running, "board", keeper::run(shared.clone(), board, asked));
        Ok(held)
    }
}

impl Shared {
    fn rules(&self) -> BoardRules {
        BoardRules {
            answer_within: micros(self.config.answer_within),
            short: micros(self.config.short),
            reached: micros(self.reached),
        }
    }

    /// What is known of a tenant's calls before any was read.
    fn nothing_known(&self, tenant: &TenantId) -> KeptBoard {
        KeptBoard::new(self.rules(), self.alarms.clone(), self.zone(tenant))
    }

    fn zone(&self, tenant: &TenantId) -> Zone {
        Zone::new(self.config.zone_of(tenant).clone())
    }

    /// What boards take of calls; notices are no part of them.
    fn facts<'a>(&'a self, items: &'a [(ItemKey, ItemSet)]) -> impl Iterator<Item = LegFact> + 'a {
        items.iter().filter_map(|(key, set)| match set {
            ItemSet::Call(leg) => LegFact::of(key, leg, self.engine.rules()),
            ItemSet::Notice(_) => None,
        })
    }

    /// The turn of a tenant's reader of old calls.
    fn past_turn(&self, tenant: &TenantId) -> Arc<tokio::sync::Mutex<()>> {
        let mut past = self.past.lock();
        past.retain(|_, turn| Arc::strong_count(turn) > 1);
        past.entry(tenant.clone()).or_default().clone()
    }

    /// Closes a board, unless somebody holds it again.
    fn close(&self, board: &Arc<TenantBoard>) -> bool {
        let mut open = self.open.lock();
        if board.is_held() {
            return false;
        }
        if open.get(&board.tenant).is_some_and(|ours| Arc::ptr_eq(ours, board)) {
            open.remove(&board.tenant);
        }
        true
    }
}

impl Held {
    fn of(board: &Arc<TenantBoard>) -> Self {
        board.watched(true);
        Self { board: board.clone() }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.board.watched(false);
    }
}
