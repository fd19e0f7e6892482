//! What a tenant's calls were before the two days that boards hold: read for one answer, or for a roll-up, and forgotten
//! after it.

use super::{Boards, NoBoard, People, Shared, tenant::Kept};
use crate::{
    board::{LegFact, LegKey, Prepared},
    clock::{Micros, now},
    engine::{CallsBefore, EngineError},
    id::{ItemKey, TenantId},
    item::ItemSet,
};
use std::time::Duration;
use tokio::{sync::Semaphore, task::yield_now, time::timeout};

/// Reads at the same time.
pub(super) static READS: Semaphore = Semaphore::const_new(2);
/// How long one waits for its turn, and how long it may take.
const TURN: Duration = Duration::from_secs(10);
const LONGEST: Duration = Duration::from_secs(60);
/// Legs that are read in one go, and kept at most.
const PAGE: usize = 500;
const MOST: usize = 1_000_000;
/// How often what changed meanwhile is read.
const CATCH_UPS: usize = 10;
/// The legs of a time may belong to conversations that began so long before.
pub(super) const MARGIN: Micros = 12 * 3600 * 1_000_000;

/// A tenant's legs, those that changed last first, as far as they were read.
pub(super) struct Reading<'a> {
    shared: &'a Shared,
    tenant: &'a TenantId,
    pub(super) kept: Kept,
    below: u64,
    /// What has a higher number changed since, and is to be read again.
    newest: u64,
    /// What changed later is read.
    pub(super) since: Micros,
    /// Nothing is left to read.
    pub(super) is_whole: bool,
}

impl Boards {
    /// All that is kept of calls that went on in the local day of a time, or later.
    ///
    /// # Errors
    /// The engine cannot be read, or others read as well.
    pub(crate) async fn past(&self, tenant: &TenantId, from: Micros) -> Result<Kept, NoBoard> {
        if !self.shared.config.enabled {
            return Err(NoBoard::Disabled);
        }
        let busy = EngineError::Unavailable("others read old calls at the same time");
        // Of one tenant one at a time, so that no other waits for all that its users ask.
        let own = self.shared.past_turn(tenant);
        let _own = timeout(TURN, own.lock()).await.map_err(|_| busy.clone())?;
        let turn = timeout(TURN, READS.acquire()).await;
        let _turn = turn.ok().and_then(Result::ok).ok_or(busy)?;
        let slow = EngineError::Unavailable("the calls of that time cannot be read fast enough");
        timeout(LONGEST, read(&self.shared, tenant, from)).await.map_err(|_| slow)?
    }
}

async fn read(shared: &Shared, tenant: &TenantId, from: Micros) -> Result<Kept, NoBoard> {
    let mut reading = Reading::begin(shared, tenant).await?;
    let from = reading.kept.zone.day(from).from;
    let nothing = i64::MAX as u64..u64::MAX;
    reading.newest = shared.engine.page(tenant, nothing, 1).await?.position.seq;
    let is_wanted = |fact: &LegFact| fact.reach.saturating_add(MARGIN) >= from;
    // What changed last before that says nothing of later.
    while reading.has_more() && reading.since.saturating_add(MARGIN) >= from {
        reading.go_on(is_wanted, |_| {}).await?;
    }
    reading.catch_up(is_wanted).await?;
    if reading.kept.ledger.len() > MOST {
        reading.kept.complete = 0.99;
    }
    Ok(reading.kept)
}

impl<'a> Reading<'a> {
    pub(super) async fn begin(shared: &'a Shared, tenant: &'a TenantId) -> Result<Self, EngineError> {
        let directory = shared.directories.get(tenant).await?;
        let mut kept = Kept { complete: 1.0, ..shared.nothing_known(tenant) };
        kept.meet(People::of(&directory));
        Ok(Self { shared, tenant, kept, below: u64::MAX, newest: 0, since: Micros::MAX, is_whole: false })
    }

    /// Whether more can be read, and may be.
    pub(super) fn has_more(&self) -> bool {
        !self.is_whole && self.kept.ledger.len() <= MOST
    }

    /// Reads what changed while the rest was read: it moved to before the first page.
    async fn catch_up(&mut self, is_wanted: impl Fn(&LegFact) -> bool + Copy) -> Result<(), EngineError> {
        for _ in 0..CATCH_UPS {
            let (known, mut below) = (self.newest, u64::MAX);
            loop {
                let page = self.shared.engine.page(self.tenant, known + 1..below, PAGE).await?;
                self.newest = self.newest.max(page.position.seq);
                let next = page.next;
                self.take(page.items, is_wanted, |_| {});
                let Some(next) = next else { break };
                below = next;
            }
            if self.newest == known {
                break;
            }
        }
        Ok(())
    }

    /// Takes legs that are wanted, and tells of each.
    fn take(
        &mut self,
        items: Vec<(ItemKey, ItemSet)>,
        is_wanted: impl Fn(&LegFact) -> bool,
        mut tell: impl FnMut(&LegKey),
    ) {
        let facts: Vec<LegFact> = self.shared.facts(&items).filter(is_wanted).collect();
        facts.iter().for_each(|fact| tell(&fact.key));
        let prepared = Prepared::of(facts, self.kept.ledger.rules(), now());
        self.kept.ledger.take(prepared, now());
    }

    /// Reads a page of legs; takes those that are wanted, and tells of each.
    pub(super) async fn go_on(
        &mut self,
        is_wanted: impl Fn(&LegFact) -> bool,
        tell: impl FnMut(&LegKey),
    ) -> Result<(), EngineError> {
        let CallsBefore { items, next, since } =
            self.shared.engine.before(self.tenant, self.below, PAGE).await?;
        self.take(items, is_wanted, tell);
        self.since = since;
        match next {
            Some(next) => self.below = next,
            None => self.is_whole = true,
        }
        yield_now().await;
        Ok(())
    }
}
