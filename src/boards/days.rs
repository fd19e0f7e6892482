//! The days that are over, as answers need them: where legs of a day have gone, what was stored of it comes in the place
//! of its legs, with those conversations that it does not know yet.

use super::{Boards, NoBoard, Shared, past::MARGIN, tenant::Kept};
use crate::{
    board::{DayFigures, DayKey, KnownDay, Window, add_fresh, has_all},
    clock::{Micros, micros, now},
    engine::{DayList, StoredDay},
    id::{Extension, TenantId},
};
use std::collections::BTreeSet;

/// What is stored of the days of a window.
pub(crate) struct StoredWindow {
    list: DayList,
    /// Without those of which all legs are there for certain.
    known: Vec<(Window, KnownDay)>,
    keep_ended: Micros,
}

/// The days of a window that legs alone cannot tell, in their order; no two have any time in common.
#[derive(Default)]
pub(crate) struct ClosedDays(Vec<(Window, DayFigures)>);

/// A part of a window, and from where its figures are.
pub(crate) enum Piece<'a> {
    Legs(Window),
    Day(Window, &'a DayFigures),
}

impl Boards {
    /// Reads what is stored of the days of a window.
    ///
    /// # Errors
    /// The engine cannot be read.
    pub(crate) async fn stored(&self, tenant: &TenantId, window: Window) -> Result<StoredWindow, NoBoard> {
        let Shared { days, metrics, keep_ended, .. } = &*self.shared;
        let keep_ended = micros(*keep_ended);
        let list = days.list(tenant).await?;
        let mut stored = StoredWindow { list, known: Vec::new(), keep_ended };
        let certain = now().saturating_sub(keep_ended);
        let is_wanted = |day: &Window| {
            let is_asked = day.from < window.to && window.from < day.to;
            is_asked && day.from.saturating_sub(MARGIN) <= certain
        };
        let wanted: Vec<Window> = stored.list.days.values().map(|it| it.window).filter(is_wanted).collect();
        for (window, day) in days.read(tenant, &wanted).await? {
            match known(&day) {
                Some(known) => stored.known.push((window, known)),
                None => metrics.on_unreadable_day(tenant, window),
            }
        }
        Ok(stored)
    }
}

impl StoredWindow {
    /// Since when there is anything: all of the tenant, or figures of extensions, too.
    pub(crate) fn since(&self, with_people: bool) -> Micros {
        let mut days = self.list.days.values().filter(|listed| listed.has_people || !with_people);
        let legs = now().saturating_sub(self.keep_ended);
        days.next().map_or(legs, |listed| listed.window.from.min(legs))
    }

    /// The days of which not all legs are there.
    pub(crate) fn beside(self, kept: &Kept) -> ClosedDays {
        let (ledger, membership, now) = (&kept.ledger, &kept.people.membership, now());
        let closed = self.known.into_iter().filter_map(|(day, KnownDay { mut figures, key })| {
            if let Some(mut key) = key {
                if has_all(ledger, day, &key) {
                    return None;
                }
                add_fresh(ledger, day, membership, &mut figures, &mut key, now);
            }
            Some((day, figures))
        });
        ClosedDays(closed.collect())
    }
}

impl ClosedDays {
    /// The parts of a window.
    pub(crate) fn pieces(&self, window: Window) -> Vec<Piece<'_>> {
        let mut pieces = Vec::new();
        let mut from = window.from;
        for (day, figures) in &self.0 {
            let part = Window { from: day.from.max(from), to: day.to.min(window.to) };
            if part.from >= part.to {
                continue;
            }
            if from < part.from {
                pieces.push(Piece::Legs(Window { from, to: part.from }));
            }
            pieces.push(Piece::Day(part, figures));
            from = part.to;
        }
        if from < window.to || pieces.is_empty() {
            pieces.push(Piece::Legs(Window { from, to: window.to }));
        }
        pieces
    }

    /// The extensions of which something is stored.
    pub(crate) fn extensions(&self) -> BTreeSet<&Extension> {
        self.0.iter().flat_map(|(_, figures)| figures.extensions()).collect()
    }
}

/// A day as it was stored; none where it cannot be read.
pub(super) fn known(day: &StoredDay) -> Option<KnownDay> {
    let figures = DayFigures::of_bytes(&day.calls.0, day.people.as_ref().map(|it| &*it.0))?;
    let key = match &day.key {
        Some(key) => Some(DayKey::of_bytes(&key.0)?),
        None => None,
    };
    Some(KnownDay { figures, key })
}
