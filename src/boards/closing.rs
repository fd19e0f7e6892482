//! Rolls up the days of tenants that are over, once after a quarter past midnight of each, or as soon as a node is there;
//! with a `calls.keep_ended` that is so short that legs might go before, more often.
//!
//! It reads the legs that changed since it did so last, and those of the days that these are of. So it is right whatever
//! came late, whichever node does it, and if it was broken off.

use super::{
    Boards, Shared,
    days::known,
    past::{MARGIN, Reading},
    tenant::Kept,
};
use crate::{
    board::{DayKey, KnownDay, LegKey, RolledUp, Window, Zone, roll_up},
    clock::{Micros, micros, now},
    config,
    engine::{DayList, DayPart, EngineError, StoredDay},
    id::TenantId,
    tasks::apart_if,
};
use rand::seq::SliceRandom;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};
use tokio::task::spawn_blocking;

const MINUTE: Micros = 60 * 1_000_000;
const HOUR: Micros = 60 * MINUTE;
/// A day is rolled up so long after it is over.
const AFTER: Micros = 15 * MINUTE;
/// What changes a day may begin so long after it, or end so long before.
const NEAR: Micros = HOUR;
/// After a failure the next try is so long after.
const AGAIN: Micros = 30 * 1_000_000;
/// A tenant that is not heard of for so long is looked at as a new one.
const FORGOTTEN: Micros = 48 * HOUR;

/// When tenants are to be looked at.
#[derive(Default)]
pub(super) struct Looks {
    /// Next.
    next: HashMap<TenantId, Micros>,
    /// Those of which nothing is known but days, the last time.
    others: Micros,
}

impl Boards {
    /// Rolls up the days of those tenants whose time it is; one after the other, and not while it still does so.
    pub(crate) fn close_days(&self, tenants: Vec<TenantId>) {
        let shared = &self.shared;
        if !shared.config.enabled {
            return;
        }
        let now = now();
        let mut due: Vec<TenantId> = shared.looks.lock().due(tenants, now, || shared.days.tenants());
        if due.is_empty() || shared.is_closing.swap(true, Ordering::SeqCst) {
            return;
        }
        // So that nodes which do it at the same time seldom do the same.
        due.shuffle(&mut rand::rng());
        let ours = shared.clone();
        shared.tasks.contain(&shared.running, "roll-up", async move {
            let _closing = Closing(ours.clone());
            let work = async {
                for tenant in &due {
                    // What is wrong with the store is wrong with the next one, too: that is looked at in another turn.
                    if !look_after(&ours, tenant).await {
                        return;
                    }
                }
            };
            tokio::select! {
                () = ours.feed.drained() => {}
                () = work => {}
            }
        });
    }
}

impl Looks {
    /// The tenants whose time it is, each once: of these, and now and then of others.
    fn due(
        &mut self,
        tenants: Vec<TenantId>,
        now: Micros,
        others: impl Fn() -> Vec<TenantId>,
    ) -> Vec<TenantId> {
        let is_time = self.others + MINUTE <= now;
        let others = if is_time { others() } else { Vec::new() };
        if is_time {
            self.others = now;
        }
        let is_due = |tenant: &TenantId| self.next.get(tenant).is_none_or(|next| *next <= now);
        let all: BTreeSet<TenantId> = tenants.into_iter().chain(others).filter(is_due).collect();
        all.into_iter().collect()
    }

    fn put(&mut self, tenant: &TenantId, next: Micros, now: Micros) {
        self.next.insert(tenant.clone(), next);
        let oldest = now.saturating_sub(FORGOTTEN);
        self.next.retain(|_, next| *next > oldest);
    }
}

/// Says when it is over, however that is.
struct Closing(Arc<Shared>);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.is_closing.store(false, Ordering::SeqCst);
    }
}

/// False where that could not be done now.
async fn look_after(shared: &Shared, tenant: &TenantId) -> bool {
    let (began, closed) = (Instant::now(), close(shared, tenant).await);
    let is_done = closed.is_ok();
    let next = match closed {
        Ok(next) => {
            shared.metrics.roll_up_seconds.observe(began.elapsed().as_secs_f64());
            next
        }
        Err(error) => {
            shared.metrics.roll_ups_failed.inc();
            tracing::warn!(%error, "the closed days of a tenant could not be rolled up now");
            now() + AGAIN
        }
    };
    shared.looks.lock().put(tenant, next, now());
    is_done
}

/// Rolls up what is due of a tenant; gives when to look again.
async fn close(shared: &Shared, tenant: &TenantId) -> Result<Micros, EngineError> {
    let (began, zone) = (now(), shared.zone(tenant));
    let list = shared.days.list(tenant).await?;
    let often = micros(shared.keep_ended) / 4;
    let closed = last_close(&zone, began);
    let next = (zone.day(began.saturating_sub(AFTER)).to + AFTER).min(began + often);
    if list.rolled_up >= closed && list.rolled_up + often > began {
        return Ok(next.min(list.rolled_up + often));
    }
    forget(shared, tenant, &list, began).await?;
    // What changed since the beginning of a day that was not over then may be of that day.
    let since = zone.day(list.rolled_up.saturating_sub(AFTER)).from.saturating_sub(NEAR);
    let (kept, days) = read(shared, tenant, &list, since, began).await?;
    if roll_up_days(shared, tenant, &list, kept, days, began).await? {
        shared.days.note(tenant, began).await?;
        return Ok(next);
    }
    Ok(began + AGAIN)
}

/// When the last day was to be rolled up.
fn last_close(zone: &Zone, at: Micros) -> Micros {
    zone.day(at.saturating_sub(AFTER)).from + AFTER
}

/// Takes away what was kept long enough.
async fn forget(shared: &Shared, tenant: &TenantId, list: &DayList, now: Micros) -> Result<(), EngineError> {
    let keep_ended = micros(shared.keep_ended);
    let is_past = |at: Micros, keep: Duration| at.saturating_add(micros(keep)) <= now;
    let mut some = Vec::new();
    for day in list.days.values() {
        // Every leg of it changed last before that.
        if day.has_key && day.at + keep_ended + keep_ended / 2 <= now {
            some.push((day.window, DayPart::Key));
        }
        if day.has_people && is_past(day.window.to, shared.config.keep_days) {
            some.push((day.window, DayPart::People));
        }
        if is_past(day.window.to, config::Board::KEEP_CALLS) {
            some.push((day.window, DayPart::Calls));
        }
    }
    shared.days.forget(tenant, &some).await
}

/// Reads the legs that changed since a time, and all of the closed days that these are of.
async fn read(
    shared: &Shared,
    tenant: &TenantId,
    list: &DayList,
    since: Micros,
    now: Micros,
) -> Result<(Kept, Vec<Window>), EngineError> {
    let mut reading = Reading::begin(shared, tenant).await?;
    let mut changed: Vec<LegKey> = Vec::new();
    let mut until = since;
    loop {
        while reading.has_more() && reading.since >= until {
            let is_change = reading.since >= since;
            reading.go_on(|_| true, |leg| changed.extend(is_change.then(|| leg.clone()))).await?;
        }
        // Each leg's conversation is made anew, and others on this thread are not to wait for all of them.
        let mut days = apart_if(true, || days_of(&reading.kept, &changed, list));
        days.retain(|day| day.to + AFTER <= now && now < day.to + micros(config::Board::KEEP_CALLS));
        let needed = days.first().map_or(until, |day| day.from.saturating_sub(MARGIN)).min(until);
        if reading.is_whole || needed == until {
            return Ok((reading.kept, days));
        }
        if !reading.has_more() {
            tracing::warn!("a tenant has too many calls to roll up all of its days");
            let is_read = |day: &Window| day.from.saturating_sub(MARGIN) > reading.since;
            days.retain(is_read);
            return Ok((reading.kept, days));
        }
        until = needed;
    }
}

/// The days that some legs are of, and near of, in their order.
fn days_of(kept: &Kept, legs: &[LegKey], list: &DayList) -> Vec<Window> {
    let conversations = legs.iter().filter_map(|leg| kept.ledger.of_leg(leg));
    let spans: BTreeMap<_, _> =
        conversations.map(|it| (it.id, (it.start, it.end.unwrap_or(it.start)))).collect();
    let mut days: BTreeMap<Micros, Window> = BTreeMap::new();
    for (start, end) in spans.into_values() {
        let mut at = start.saturating_sub(NEAR);
        while at < end + NEAR {
            let known = days.range(..=at).next_back().map(|(_, day)| *day).filter(|day| day.holds(at));
            let day = known.unwrap_or_else(|| day_of(&kept.zone, list, at));
            days.insert(day.from, day);
            at = day.to;
        }
    }
    days.into_values().collect()
}

/// The day of a time: one that is stored, or else the local one, as far as no other is stored of it. So nothing is
/// in two days, also where the tenant has another zone since.
fn day_of(zone: &Zone, list: &DayList, at: Micros) -> Window {
    let before = list.days.range(..=at).next_back().map(|(_, listed)| listed.window);
    if let Some(stored) = before.filter(|day| day.holds(at)) {
        return stored;
    }
    let after = list.days.range(at..).next().map(|(from, _)| *from);
    let day = zone.day(at);
    Window {
        from: before.map_or(day.from, |before| before.to.max(day.from)),
        to: after.map_or(day.to, |after| after.min(day.to)),
    }
}

/// Rolls up days; false where another node was faster with one of them.
async fn roll_up_days(
    shared: &Shared,
    tenant: &TenantId,
    list: &DayList,
    mut kept: Kept,
    days: Vec<Window>,
    began: Micros,
) -> Result<bool, EngineError> {
    let mut is_all = true;
    for day in days {
        let stored = match list.days.contains_key(&day.from) {
            true => shared.days.read(tenant, &[day]).await?.pop().map(|(_, stored)| stored),
            false => None,
        };
        let before = match stored.as_ref().map(known) {
            // Nobody knows of which legs it is: it stays for a version that can read it.
            Some(None) => {
                shared.metrics.on_unreadable_day(tenant, day);
                continue;
            }
            known => known.flatten(),
        };
        let at = stored.as_ref().map(|stored| stored.at);
        let counted = spawn_blocking(move || {
            let rolled = count(&kept, day, before);
            (kept, rolled)
        });
        let failed = EngineError::Unavailable("the figures of a day could not be counted");
        let (back, rolled) = counted.await.map_err(|_| failed)?;
        kept = back;
        let Some((calls, people, key)) = rolled else { continue };
        let fresh = StoredDay {
            at: began.max(at.map_or(0, |at| at + 1)),
            calls: calls.into(),
            people: (day.to + micros(shared.config.keep_days) > began).then(|| people.into()),
            key: Some(key.into()),
        };
        is_all &= shared.days.put(tenant, day, at, &fresh).await?;
        shared.metrics.days.inc();
    }
    Ok(is_all)
}

/// What is to be stored of a day, in its parts. It takes a processor for a while.
fn count(kept: &Kept, day: Window, known: Option<KnownDay>) -> Option<(Vec<u8>, Vec<u8>, Vec<u8>)> {
    let RolledUp { figures, key } =
        roll_up(&kept.ledger, day, &kept.people.membership, known, DayKey::new(rand::random()), now())?;
    Some((figures.calls_to_bytes(), figures.people_to_bytes(), key.to_bytes()))
}
