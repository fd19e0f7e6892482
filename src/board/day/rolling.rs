//! How a day is rolled up. Three cases, none of which can lose a call that was counted or count one twice:
//!
//! - All legs that the stored day was counted from are there: it is counted anew.
//! - Some are gone: conversations are added of which it knows no leg, once they are over.
//! - Its key is gone, so no leg was left of it: it stays as it is.

use super::{
    super::{
        conversation::Conversation, fact::LegFact, figures::Membership, ledger::Ledger,
        outcome::ConversationOutcome, prepared::Prepared, window::Window,
    },
    DayFigures, DayKey,
};
use crate::clock::Micros;
use std::sync::Arc;

/// A day as it is stored.
#[derive(Clone, Debug)]
pub(crate) struct KnownDay {
    pub(crate) figures: DayFigures,
    /// None once no leg of it is left.
    pub(crate) key: Option<DayKey>,
}

/// A day as it is to be stored.
pub(crate) struct RolledUp {
    pub(crate) figures: DayFigures,
    pub(crate) key: DayKey,
}

/// What is to be stored of a day; nothing where that is stored already.
pub(crate) fn roll_up(
    ledger: &Ledger,
    day: Window,
    membership: &Membership,
    known: Option<KnownDay>,
    fresh: DayKey,
    now: Micros,
) -> Option<RolledUp> {
    let Some(known) = known else {
        let mut key = fresh;
        let figures = DayFigures::of(ledger, day, membership, &mut key, now);
        return (!figures.cells.is_empty()).then_some(RolledUp { figures, key });
    };
    let (stored, mut key) = (known.figures, known.key?);
    if has_all(ledger, day, &key) {
        let mut anew = key.anew();
        let figures = DayFigures::of(ledger, day, membership, &mut anew, now);
        return (figures != stored || anew != key).then_some(RolledUp { figures, key: anew });
    }
    let mut figures = stored;
    add_fresh(ledger, day, membership, &mut figures, &mut key, now).then_some(RolledUp { figures, key })
}

/// Whether each leg is there that a day was counted from.
pub(crate) fn has_all(ledger: &Ledger, day: Window, key: &DayKey) -> bool {
    // They are mostly in the day itself; else a late event may have moved one.
    key.is_within(of_day(ledger, day).flat_map(|it| it.legs.clone())) || key.is_within(ledger.legs())
}

/// Adds conversations to a day that are not in it; tells whether there are some.
pub(crate) fn add_fresh(
    ledger: &Ledger,
    day: Window,
    membership: &Membership,
    figures: &mut DayFigures,
    key: &mut DayKey,
    now: Micros,
) -> bool {
    let is_fresh = |it: &Arc<Conversation>| {
        let is_over = it.is_over(now) && it.outcome != ConversationOutcome::Open;
        is_over && !it.legs.iter().any(|leg| key.knows(&leg.key))
    };
    let legs = of_day(ledger, day).filter(is_fresh).flat_map(|it| it.legs.clone());
    let facts: Vec<LegFact> = legs.map(Arc::unwrap_or_clone).collect();
    if facts.is_empty() {
        return false;
    }
    // By themselves, so that what is counted already counts in no time again.
    let mut alone = Ledger::new(*ledger.rules());
    alone.take(Prepared::of(facts, ledger.rules(), now), now);
    figures.add(&DayFigures::of(&alone, day, membership, key, now));
    true
}

/// The conversations that went on in a day.
fn of_day(ledger: &Ledger, day: Window) -> impl Iterator<Item = Arc<Conversation>> {
    ledger.going_on(day.from).chain(ledger.within(day))
}
