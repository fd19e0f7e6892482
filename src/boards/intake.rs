//! How the events of calls come in, as far as that is out of the ordinary: of today, at this node, and together with what
//! the others say. An event that comes as it should costs nothing here.

use super::{Boards, Shared, TenantBoard};
use crate::{
    clock::{Micros, now},
    engine::{EngineError, Heard, Nodes},
    event_set::Added,
    id::TenantId,
};
use parking_lot::Mutex;
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio::time::{MissedTickBehavior, interval};

/// An event that comes so long after it happened changes figures that were told.
const LATE: Micros = 60 * 1_000_000;
/// How often nodes tell each other.
const COMPARED: Duration = Duration::from_secs(5);
/// The most tenants of which something is counted, and of which something is told in one go.
const MOST: usize = 10_000;
const TOLD_TOGETHER: usize = 500;

/// What this node counted, by tenant.
#[derive(Default)]
pub(super) struct Intake(Mutex<HashMap<TenantId, Counted>>);

/// Of one tenant.
struct Counted {
    heard: Heard,
    /// When the day is over.
    until: Micros,
    is_told: bool,
}

impl Boards {
    /// An event of a call came in here, and was added to its call or not.
    pub(crate) fn on_event(&self, tenant: &TenantId, happened: Micros, added: Added) {
        let now = now();
        match added {
            Added::Known => self.shared.count(tenant, now, |heard| heard.duplicate += 1),
            Added::New if happened + LATE < now => self.shared.count(tenant, now, |heard| heard.late += 1),
            Added::New | Added::Full => {}
        }
    }

    /// Tells other nodes what was counted here, and hears what they counted, for as long as the node is there.
    pub(crate) fn compare(&self) -> impl Future<Output = ()> + Send + 'static + use<> {
        let (shared, nodes) = (self.shared.clone(), self.shared.engine.nodes());
        async move {
            let mut ticks = interval(COMPARED);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                // While the store is away, what was heard last stands.
                let _ = shared.compare(&nodes).await;
            }
        }
    }
}

impl Shared {
    /// Changes of a call were heard that happened before what was heard already.
    pub(super) fn on_out_of_order(&self, tenant: &TenantId, times: usize) {
        if times > 0 {
            self.count(tenant, now(), |heard| heard.out_of_order += times as u64);
        }
    }

    fn count(&self, tenant: &TenantId, now: Micros, count: impl FnOnce(&mut Heard)) {
        if !self.config.enabled {
            return;
        }
        let mut all = self.intake.0.lock();
        let is_known = all.get(tenant).is_some_and(|counted| now < counted.until);
        if !is_known {
            if all.len() >= MOST && !all.contains_key(tenant) {
                return;
            }
            let day = self.zone(tenant).day(now);
            let heard = Heard { day: day.from, ..Heard::default() };
            all.insert(tenant.clone(), Counted { heard, until: day.to, is_told: true });
        }
        if let Some(counted) = all.get_mut(tenant) {
            count(&mut counted.heard);
            counted.is_told = false;
        }
    }

    async fn compare(&self, nodes: &Nodes) -> Result<(), EngineError> {
        let there = nodes.count().await?;
        for (tenant, heard) in self.intake.untold(now()) {
            nodes.tell(&tenant, heard).await?;
            self.intake.on_told(&tenant, heard);
        }
        let open: Vec<Arc<TenantBoard>> = self.open.lock().values().cloned().collect();
        for board in open.into_iter().filter(|board| board.is_watched()) {
            let day = self.zone(&board.tenant).day(now()).from;
            let ours = self.intake.of(&board.tenant).filter(|heard| heard.day == day);
            let ours = ours.unwrap_or(Heard { day, ..Heard::default() });
            // One part of the store that is away hides nothing of the others.
            let Ok(others) = nodes.others(&board.tenant, day).await else { continue };
            let heard = others.into_iter().fold(ours, Heard::and);
            board.kept().pulse.compare(there, heard);
        }
        Ok(())
    }
}

impl Intake {
    /// What the others do not know; what was counted of a day that is over is forgotten.
    fn untold(&self, now: Micros) -> Vec<(TenantId, Heard)> {
        let mut all = self.0.lock();
        all.retain(|_, counted| now < counted.until);
        let untold = all.iter().filter(|(_, counted)| !counted.is_told);
        untold.take(TOLD_TOGETHER).map(|(tenant, counted)| (tenant.clone(), counted.heard)).collect()
    }

    fn on_told(&self, tenant: &TenantId, heard: Heard) {
        if let Some(counted) = self.0.lock().get_mut(tenant) {
            // Meanwhile there may be more.
            counted.is_told = counted.heard == heard;
        }
    }

    fn of(&self, tenant: &TenantId) -> Option<Heard> {
        self.0.lock().get(tenant).map(|counted| counted.heard)
    }
}
