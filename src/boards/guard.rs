//! The alarms of a board: of the tenant, and of each of its groups.

use super::{
    rows::{By, present},
    sight::{Sight, Whose},
    tenant::Kept,
};
use crate::{
    board::{Alarms, Now, WindowName},
    clock::Micros,
    config::AlarmFigure,
    id::Extension,
};
use std::{collections::BTreeMap, iter, ops::Range, sync::Arc};

const SECOND: f64 = 1e6;
/// A share of fewer calls says nothing.
const FEW: u64 = 10;
/// The hours in which somebody is to call.
const OFFICE_HOURS: Range<i8> = 8..18;

/// For whom all is seen.
const ALL: Sight = Sight { whose: Whose::Tenant, masked: false, people: true };

impl Kept {
    /// Looks whether alarms are to be raised or cleared, once a second; at what takes longer, now and then.
    pub(super) fn guard(&mut self, now: Micros, is_long: bool) {
        if self.alarm_rules.is_empty() {
            return;
        }
        if is_long {
            self.levels = self.service_levels(now);
        }
        let rules = self.alarm_rules.clone();
        let mut present_ones = present(self, &ALL, By::Tenant, now);
        present_ones.extend(present(self, &ALL, By::Group, now));
        let mut alarms = std::mem::take(&mut self.alarms);
        let mut kept = BTreeMap::new();
        for (key, present) in present_ones {
            let (mut states, before) = alarms.remove(&key).unwrap_or((Alarms::default(), Vec::new()));
            let raised = states.look(&rules, |figure| self.reading(figure, &key, &present, now), now);
            self.alarm_changes += u64::from(raised != before);
            kept.insert(key, (states, raised));
        }
        self.alarms = kept;
    }

    /// The extensions that are in a call, by their tiles.
    pub(super) fn live(&self) -> Vec<Extension> {
        let live = self.tiles.iter().filter(|(_, tile)| tile.state.word().is_some());
        live.map(|(extension, _)| extension.clone()).collect()
    }

    fn reading(&self, figure: AlarmFigure, key: &Arc<str>, present: &Now, now: Micros) -> Option<f64> {
        let lasted = |since: Option<Micros>| since.map(|since| now.saturating_sub(since) as f64 / SECOND);
        match figure {
            AlarmFigure::RingingLongest => lasted(present.ringing_since),
            AlarmFigure::HoldLongest => lasted(present.held_since),
            AlarmFigure::TalkLongest => lasted(present.talking_since),
            AlarmFigure::ServiceLevel => self.levels.get(key).copied(),
            AlarmFigure::Ringing => Some(present.ringing as f64),
            AlarmFigure::OnCall => Some(present.on_call as f64),
            AlarmFigure::OnHold => Some(present.on_hold as f64),
            AlarmFigure::Unconfirmed => Some(present.unconfirmed as f64),
            AlarmFigure::FeedSilent => {
                let is_office = OFFICE_HOURS.contains(&self.zone.clock_hour(now)) && key.is_empty();
                is_office.then(|| lasted(self.last_event_at())).flatten()
            }
        }
    }

    /// Of the last hour, where enough called.
    fn service_levels(&mut self, now: Micros) -> BTreeMap<Arc<str>, f64> {
        if !self.alarm_rules.iter().any(|rule| rule.figure == AlarmFigure::ServiceLevel) {
            return BTreeMap::new();
        }
        let window = WindowName::M60.at(now, &self.zone);
        let figures = self.ledger.figures(WindowName::M60, window);
        let none = "".into();
        let all = iter::once((&none, &figures.tenant)).chain(&figures.groups);
        let many = all.filter(|(_, tally)| tally.offered >= FEW);
        many.filter_map(|(key, tally)| Some((key.clone(), tally.service_level()?))).collect()
    }
}
