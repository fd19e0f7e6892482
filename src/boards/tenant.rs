//! The board of one tenant: what is known, and who watches. Its lock is held for as long as it takes to change or to read
//! what is in memory, and never across an await.

use super::{
    NoBoard, People,
    channel::{Channel, Publication},
    health::Pulse,
    inbox::{Inbox, Interest},
    rows::Wanted,
    sight::Sight,
};
use crate::{
    board::{Alarm, Alarms, BoardRules, ConversationId, Ledger, Tile, WindowName, Zone},
    clock::{Micros, now},
    config::AlarmRule,
    engine::EngineError,
    id::{Extension, TenantId},
};
use parking_lot::{Mutex, MutexGuard};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

/// Requests that wait for a board to be brought up to date.
const MOST_ASKED: usize = 256;
/// How long a board stays that nobody watches.
const LINGER: Duration = Duration::from_secs(60);

/// Whoever asks to be told when the board is up to date.
pub(super) type Asked = oneshot::Sender<Result<(), EngineError>>;

/// One tenant's.
pub(crate) struct TenantBoard {
    pub(crate) tenant: TenantId,
    kept: Mutex<Kept>,
    channels: Mutex<Vec<Weak<Channel>>>,
    inboxes: Mutex<Vec<Weak<Inbox>>>,
    ask: mpsc::Sender<Asked>,
    watchers: AtomicUsize,
    used: Mutex<Instant>,
    ended: CancellationToken,
    pub(super) heartbeat: Duration,
}

/// What a board knows.
pub(crate) struct Kept {
    pub(crate) ledger: Ledger,
    pub(crate) people: People,
    pub(crate) zone: Zone,
    /// Which part of the calls is counted already.
    pub(crate) complete: f64,
    pub(crate) epoch: Arc<str>,
    /// When all that was committed before was read.
    pub(super) as_of: Micros,
    /// How often something changed, as far as figures may tell it.
    pub(super) changes: u64,
    /// What the tiles of all extensions showed, once a second.
    pub(super) tiles: Vec<(Extension, Tile)>,
    /// Up to which number of the epoch it is complete.
    pub(super) seq: u64,
    pub(super) pulse: Pulse,
    pub(crate) alarm_rules: Arc<[AlarmRule]>,
    /// Of the tenant, under no name, and of each group; and what of it is raised.
    pub(crate) alarms: BTreeMap<Arc<str>, (Alarms, Vec<Alarm>)>,
    /// How often alarms were raised or cleared.
    pub(super) alarm_changes: u64,
    /// The service levels of the last hour, as alarms look at them.
    pub(super) levels: BTreeMap<Arc<str>, f64>,
    /// How many legs are in the metrics.
    pub(super) legs: i64,
}

impl TenantBoard {
    pub(super) fn new(tenant: TenantId, kept: Kept, heartbeat: Duration) -> (Self, mpsc::Receiver<Asked>) {
        let (ask, asked) = mpsc::channel(MOST_ASKED);
        let board = Self {
            tenant,
            kept: Mutex::new(kept),
            channels: Mutex::default(),
            inboxes: Mutex::default(),
            ask,
            watchers: AtomicUsize::new(0),
            used: Mutex::new(Instant::now()),
            ended: CancellationToken::new(),
            heartbeat,
        };
        (board, asked)
    }

    /// What it knows now.
    pub(crate) fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock()
    }

    /// Waits until the board has all that was committed before, on whichever node; or until that takes too long.
    ///
    /// # Errors
    /// The engine cannot be read, or too many wait already.
    pub(crate) async fn catch_up(&self, patience: Duration) -> Result<(), NoBoard> {
        let (tell, told) = oneshot::channel();
        let busy = || EngineError::Unavailable("too many requests wait for this board");
        self.ask.try_send(tell).map_err(|_| busy())?;
        match timeout(patience, told).await {
            // Still counting, and the answer says so.
            Err(_) => Ok(()),
            Ok(Ok(went)) => Ok(went?),
            Ok(Err(_)) => Err(EngineError::Unavailable("the board is being read anew").into()),
        }
    }

    /// The channel of those who see and want the same, from now on.
    pub(crate) fn channel(&self, sight: &Sight, wanted: &Wanted) -> Arc<Channel> {
        let mut channels = self.channels.lock();
        channels.retain(|channel| channel.strong_count() > 0);
        let known = channels.iter().filter_map(Weak::upgrade).find(|it| it.is_of(sight, wanted));
        known.unwrap_or_else(|| {
            let channel = Arc::new(Channel::new(sight.clone(), wanted.clone()));
            channels.push(Arc::downgrade(&channel));
            drop(channels);
            let mut kept = self.kept();
            kept.look_around(now());
            channel.begin(&mut kept, self.heartbeat);
            drop(kept);
            channel
        })
    }

    /// Lets a session be told of conversations, from now on.
    pub(crate) fn inbox(&self, interest: Interest) -> Arc<Inbox> {
        let inbox = Arc::new(Inbox::new(interest));
        let mut inboxes = self.inboxes.lock();
        inboxes.retain(|inbox| inbox.strong_count() > 0);
        inboxes.push(Arc::downgrade(&inbox));
        drop(inboxes);
        inbox.greet(&self.kept());
        inbox
    }

    /// Tells all who watch what changed.
    pub(super) fn publish(&self, publication: &Publication<'_>) -> u64 {
        let channels: Vec<_> = self.channels.lock().iter().filter_map(Weak::upgrade).collect();
        let mut kept = self.kept();
        if publication.whole {
            kept.look_around(now());
        }
        channels.iter().map(|channel| channel.publish(&mut kept, publication, self.heartbeat)).sum()
    }

    /// Tells all who are interested of conversations that changed; gives for how many these were too many.
    pub(super) fn tell(&self, changed: &[ConversationId]) -> u64 {
        let inboxes: Vec<_> = self.inboxes.lock().iter().filter_map(Weak::upgrade).collect();
        if inboxes.is_empty() || changed.is_empty() {
            return 0;
        }
        let kept = self.kept();
        // Some are over and are made of their legs: once for all.
        let changed = changed.iter().filter_map(|id| Some((*id, kept.ledger.conversation(*id)?)));
        let changed: Vec<_> = changed.collect();
        inboxes.iter().map(|inbox| u64::from(inbox.hear(&kept, &changed))).sum()
    }

    /// Takes the people of another directory, by which others may be seen.
    pub(super) fn meet(&self, people: People) {
        let inboxes: Vec<_> = self.inboxes.lock().iter().filter_map(Weak::upgrade).collect();
        let mut kept = self.kept();
        kept.meet(people);
        inboxes.iter().for_each(|inbox| inbox.greet(&kept));
    }

    /// Whether anybody is sent frames.
    pub(super) fn is_watched(&self) -> bool {
        let is_there = |weak: &Weak<Channel>| weak.strong_count() > 0;
        self.channels.lock().iter().any(is_there)
            || self.inboxes.lock().iter().any(|it| it.strong_count() > 0)
    }

    pub(super) fn watched(&self, begins: bool) {
        *self.used.lock() = Instant::now();
        match begins {
            true => self.watchers.fetch_add(1, Ordering::SeqCst),
            false => self.watchers.fetch_sub(1, Ordering::SeqCst),
        };
    }

    /// Whether somebody needs it, or did a moment ago.
    pub(super) fn is_held(&self) -> bool {
        self.watchers.load(Ordering::SeqCst) > 0 || self.used.lock().elapsed() < LINGER
    }

    /// Is cancelled when the board ends.
    pub(crate) fn ended(&self) -> CancellationToken {
        self.ended.clone()
    }

    /// It is not brought up to date any more; whoever watches it comes again.
    pub(super) fn end(&self) {
        self.ended.cancel();
    }

    pub(super) fn is_over(&self) -> bool {
        self.ended.is_cancelled()
    }
}

impl Kept {
    /// Nothing is known yet.
    pub(super) fn new(rules: BoardRules, alarm_rules: Arc<[AlarmRule]>, zone: Zone) -> Self {
        Self {
            ledger: Ledger::new(rules),
            people: People::default(),
            zone,
            complete: 0.0,
            epoch: Arc::default(),
            as_of: 0,
            changes: 0,
            tiles: Vec::new(),
            seq: 0,
            pulse: Pulse::default(),
            alarm_rules,
            alarms: BTreeMap::new(),
            alarm_changes: 0,
            levels: BTreeMap::new(),
            legs: 0,
        }
    }

    /// The board is to be read anew: the store is another one.
    pub(super) fn begin(&mut self, epoch: Arc<str>) {
        self.ledger = Ledger::new(*self.ledger.rules());
        self.ledger.meet(self.people.membership.clone());
        (self.epoch, self.seq, self.complete) = (epoch, 0, 0.0);
        // Of today each leg is counted as it is read.
        let today = WindowName::Today;
        self.ledger.figures(today, today.at(now(), &self.zone));
    }

    /// Looks at all tiles: what goes on, alarms and the feed's state are made of them.
    pub(super) fn look_around(&mut self, now: Micros) {
        let tiles = self.ledger.extensions().map(|it| (it.clone(), self.ledger.tile(it, now)));
        self.tiles = tiles.collect();
    }

    /// Takes the people of another directory: figures of groups are others then.
    pub(super) fn meet(&mut self, people: People) {
        self.ledger.meet(people.membership.clone());
        self.people = people;
    }

    /// How many legs more are known than were counted last.
    pub(super) fn counted(&mut self) -> i64 {
        let legs = self.ledger.len() as i64;
        let more = legs - self.legs;
        self.legs = legs;
        more
    }

    /// How long ago calls may have changed that are still of interest.
    pub(crate) fn horizon(now: Micros) -> Micros {
        const TWO_DAYS: Micros = 48 * 3600 * 1_000_000;
        now.saturating_sub(TWO_DAYS)
    }
}
