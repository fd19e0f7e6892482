//! The task of one board: it reads the tenant's calls, those that changed last first, then what changed since whenever
//! the feed says that something did, and tells those who watch.
//!
//! It reads by the tenant's numbers, so nothing that it did not hear of is missed: a look at the store is all it takes.

use super::{
    People, Shared,
    channel::Publication,
    tenant::{Asked, Kept, TenantBoard},
};
use crate::{
    board::Prepared,
    clock::{Micros, now},
    engine::{EngineError, Page, Position},
    feed::{Outbox, Stream},
    id::Kind,
    tasks::apart_if,
};
use std::{
    ops::Range,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval, sleep, timeout},
};
use tokio_util::task::AbortOnDropHandle;

/// Tiles are told so often, figures and the rest every tenth time.
const TICK: Duration = Duration::from_millis(100);
const TICKS_A_SECOND: u64 = 10;
const TICKS_OF_HEALTH: u64 = 5 * TICKS_A_SECOND;
const TICKS_OF_FORGETTING: u64 = 60 * TICKS_A_SECOND;
/// Legs that are read in one go: what is done with them takes this thread some milliseconds, and calls are delivered on
/// it, too.
const PAGE: usize = 500;
/// So many are much.
const MANY: usize = 16;
/// After a look a board rests for so many times as long as that took, and no longer than that.
const REST: u32 = 4;
const LONGEST_REST: Duration = Duration::from_secs(1);
/// How long after the engine could not be read the next try is.
const AGAIN: Duration = Duration::from_millis(300);
/// How long a look may take, and the first, at everything.
const PATIENCE: Duration = Duration::from_secs(2);
const PATIENCE_OF_ALL: Duration = Duration::from_secs(120);

/// Ends its board however it ends itself.
struct Ends<'a>(&'a TenantBoard, &'a Shared);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.end();
        self.1.metrics.open.dec();
        self.1.metrics.legs.dec_by(self.0.kept().legs);
    }
}

/// Keeps a board for as long as somebody needs it.
pub(super) async fn run(shared: Arc<Shared>, board: Arc<TenantBoard>, asked: mpsc::Receiver<Asked>) {
    let _ends = Ends(&board, &shared);
    let outbox = Arc::new(Outbox::new(shared.outboxes.clone()));
    let stream =
        Stream::Tenant { tenant: board.tenant.clone(), kinds: &[Kind::Call], only: None, own: [].into() };
    let _listening = shared.feed.register(stream, outbox.clone());
    let keeper = Keeper { shared: &shared, board: &board, outbox: &outbox, began: Instant::now() };
    keeper.keep(asked).await;
}

/// A page of legs, as the board takes them.
struct Read {
    position: Position,
    facts: Prepared,
    next: Option<u64>,
    since: Micros,
}

/// What the task works with.
struct Keeper<'a> {
    shared: &'a Arc<Shared>,
    board: &'a Arc<TenantBoard>,
    outbox: &'a Outbox,
    began: Instant,
}

impl Keeper<'_> {
    async fn keep(&self, mut asked: mpsc::Receiver<Asked>) {
        // Figures are by group from the first leg on.
        self.meet().await;
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut nth, mut is_behind) = (0_u64, true);
        let mut rests_until = Instant::now();
        loop {
            tokio::select! {
                () = self.shared.feed.drained() => return,
                Some(tell) = asked.recv() => {
                    let went = self.catch_up().await;
                    is_behind = went.is_err();
                    // Who asked may have gone.
                    let _ = tell.send(went);
                }
                () = self.outbox.ready(), if !is_behind => {
                    self.hear();
                    is_behind = true;
                }
                _ = ticks.tick() => {
                    let began = Instant::now();
                    if began >= rests_until && (is_behind || nth.is_multiple_of(TICKS_A_SECOND)) {
                        is_behind = self.look_in_time().await;
                        // A crowd at one number is much to group: a board takes a part of a core, and no more.
                        rests_until = Instant::now() + (began.elapsed() * REST).min(LONGEST_REST);
                    }
                    self.tick(nth).await;
                    nth += 1;
                    if nth.is_multiple_of(TICKS_A_SECOND) && !self.board.is_held() && self.shared.close(self.board) {
                        return;
                    }
                }
            }
        }
    }

    /// Brings up to date what somebody asks for: who is in which group, and the calls.
    async fn catch_up(&self) -> Result<(), EngineError> {
        if self.meet().await {
            self.publish(&Publication { whole: true, ..Publication::default() });
        }
        self.look().await
    }

    /// Looks, unless that takes too long: who watches is to be told that the store is away. True where it is to be done
    /// again.
    async fn look_in_time(&self) -> bool {
        // What was read of the pages counts, and is read again.
        let is_whole = self.board.kept().complete < 1.0;
        let patience = if is_whole { PATIENCE_OF_ALL } else { PATIENCE };
        let went = timeout(patience, self.look()).await;
        let is_behind = !matches!(went, Ok(Ok(())));
        if is_behind {
            sleep(AGAIN).await;
        }
        is_behind
    }

    /// Something changed: what, is read by its number.
    fn hear(&self) {
        let taken = self.outbox.take();
        let mut kept = self.board.kept();
        let old = taken.changes.iter().filter(|change| kept.pulse.hear(change)).count();
        drop(kept);
        self.shared.on_out_of_order(&self.board.tenant, old);
    }

    /// Reads what changed since the last look; all of two days where there was none, or the store is another one.
    async fn look(&self) -> Result<(), EngineError> {
        let (mut epoch, mut known) = {
            let kept = self.board.kept();
            (kept.epoch.clone(), if kept.complete < 1.0 { 0 } else { kept.seq })
        };
        let as_of = now();
        let horizon = Kept::horizon(as_of);
        let mut read = self.fetch(known + 1..u64::MAX).await?;
        let mut newest = None;
        let mut told = Instant::now();
        loop {
            let went_back = newest.is_none() && read.position.seq < known;
            if read.position.epoch != epoch || went_back {
                (epoch, known, newest) = (read.position.epoch.clone(), 0, None);
                self.board.kept().begin(epoch.clone());
                self.publish(&Publication { whole: true, ..Publication::default() });
                read = self.fetch(1..u64::MAX).await?;
                continue;
            }
            let seq = *newest.get_or_insert(read.position.seq);
            let next = read.next.filter(|_| read.since >= horizon);
            // It is read while this thread is busy with the one before.
            let coming = next.map(|next| AbortOnDropHandle::new(tokio::spawn(self.fetch(known + 1..next))));
            self.take(read);
            let Some(coming) = coming else {
                self.finish(seq, as_of);
                return Ok(());
            };
            if told.elapsed() >= TICK * TICKS_A_SECOND as u32 {
                // Who watches is to see how far it is.
                self.tick(0).await;
                told = Instant::now();
            }
            read = coming.await.map_err(|_| EngineError::Unavailable("the node is going away"))??;
        }
    }

    /// The calls that changed last at a number between two, the latest first.
    fn fetch(
        &self,
        between: Range<u64>,
    ) -> impl Future<Output = Result<Read, EngineError>> + Send + 'static + use<> {
        let (shared, tenant) = (self.shared.clone(), self.board.tenant.clone());
        async move {
            let Page { position, items, next, since } = shared.engine.page(&tenant, between, PAGE).await?;
            let facts = Prepared::of(shared.facts(&items), &shared.rules(), now());
            Ok(Read { position, facts, next, since })
        }
    }

    /// All calls are counted.
    fn finish(&self, seq: u64, as_of: Micros) {
        let mut kept = self.board.kept();
        (kept.seq, kept.as_of) = (seq, as_of);
        if kept.complete < 1.0 {
            kept.complete = 1.0;
            kept.ledger.all_read();
            self.shared.metrics.build_seconds.observe(self.began.elapsed().as_secs_f64());
        }
    }

    /// Takes a page of legs.
    fn take(&self, Read { facts, since, next, .. }: Read) {
        let now = now();
        let mut kept = self.board.kept();
        // It may take long, and others on this thread are not to wait for it.
        apart_if(facts.len() >= MANY, || kept.ledger.take(facts, now));
        if kept.complete < 1.0 && next.is_some() {
            kept.complete = covered(since, now);
        }
    }

    async fn tick(&self, nth: u64) {
        let is_second = nth.is_multiple_of(TICKS_A_SECOND);
        let whole = is_second && self.meet().await;
        self.tell(nth, is_second, whole);
    }

    /// Tells those who watch what changed.
    fn tell(&self, nth: u64, is_second: bool, whole: bool) {
        let began = Instant::now();
        let mut publication = Publication { figures: is_second, whole, ..Publication::default() };
        let (now, is_watched) = (now(), self.board.is_watched());
        let (changed, told) = {
            let mut kept = self.board.kept();
            if is_second {
                kept.ledger.turn(now);
            }
            if is_second && is_watched {
                kept.look_around(now);
                kept.guard(now, nth.is_multiple_of(TICKS_OF_HEALTH));
            }
            if nth.is_multiple_of(TICKS_OF_FORGETTING) {
                kept.ledger.forget(Kept::horizon(now));
                self.shared.metrics.legs.inc_by(kept.counted());
            }
            let mut changed = kept.ledger.take_changed();
            publication.whole |= changed.gone;
            kept.changes += u64::from(!changed.conversations.is_empty() || !changed.extensions.is_empty());
            if is_second && is_watched {
                // Of a call that goes on, time alone may make an alarm.
                changed.extensions.extend(kept.live());
            }
            publication.health = nth.is_multiple_of(TICKS_OF_HEALTH);
            let told: Vec<_> = changed.conversations.iter().copied().collect();
            (changed.extensions, told)
        };
        if !is_watched {
            return;
        }
        publication.tiles = Some(&changed);
        let is_busy = publication.figures || publication.health || !changed.is_empty();
        if is_busy {
            self.publish(&publication);
        }
        self.shared.metrics.conversation_overflows.inc_by(self.board.tell(&told));
        if is_busy {
            self.shared.metrics.update_seconds.observe(began.elapsed().as_secs_f64());
        }
    }

    /// Looks at the directory; true where it is another one. While it cannot be read, the old one stays.
    async fn meet(&self) -> bool {
        let Ok(directory) = self.shared.directories.get(&self.board.tenant).await else { return false };
        if self.board.kept().people.rev() == directory.etag().as_str() {
            return false;
        }
        self.board.meet(People::of(&directory));
        true
    }

    fn publish(&self, publication: &Publication<'_>) {
        self.shared.metrics.rows.inc_by(self.board.publish(publication));
    }
}

/// Which part of two days is read, where the latest changes come first.
fn covered(since: Micros, now: Micros) -> f64 {
    let horizon = Kept::horizon(now);
    let part = now.saturating_sub(since) as f64 / (now - horizon).max(1) as f64;
    // As long as there is more to read it is not all.
    (part.clamp(0.0, 0.99) * 100.0).floor() / 100.0
}
