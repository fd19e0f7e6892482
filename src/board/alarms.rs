//! Alarms: rules over figures, each with some patience before it is raised and before it is cleared, so that a figure at
//! its bound does not flicker. One truth for all who look.

use super::{
    SECOND,
    clamp::earlier,
    tile::{Tile, TileState},
};
use crate::{
    clock::{Micros, micros},
    config::{AlarmFigure, AlarmRule},
};
use serde::Serialize;

/// What is raised is cleared when the figure is a tenth back, or was in order for so long.
const CLEARED_AFTER: Micros = 15 * SECOND;
const BACK: f64 = 0.1;

/// The alarms of a tenant or of a group, in the order of their rules.
#[derive(Clone, Debug, Default)]
pub(crate) struct Alarms {
    states: Vec<AlarmState>,
}

/// How one rule stands.
#[derive(Clone, Copy, Debug, Default)]
struct AlarmState {
    /// Since when the figure is out of order.
    out_since: Option<Micros>,
    raised: Option<Micros>,
    in_order_since: Option<Micros>,
}

/// An alarm that is raised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Alarm {
    pub(crate) figure: AlarmFigure,
    pub(crate) level: u8,
    pub(crate) since: Micros,
}

impl Alarms {
    /// Looks at the figures, once a second; a figure that there is none of is in order. Of one figure the worst is told.
    pub(crate) fn look(
        &mut self,
        rules: &[AlarmRule],
        figure: impl Fn(AlarmFigure) -> Option<f64>,
        now: Micros,
    ) -> Vec<Alarm> {
        self.states.resize(rules.len(), AlarmState::default());
        let mut raised: Vec<Alarm> = Vec::new();
        for (rule, state) in rules.iter().zip(&mut self.states) {
            state.look(rule, figure(rule.figure), now);
            let Some(since) = state.raised else { continue };
            let (figure, level) = (rule.figure, rule.level);
            match raised.iter_mut().find(|alarm| alarm.figure == figure) {
                Some(known) if known.level >= level => {}
                Some(known) => {
                    *known = Alarm {
                        figure,
                        level,
                        since: earlier(Some(known.since), Some(since)).unwrap_or(since),
                    }
                }
                None => raised.push(Alarm { figure, level, since }),
            }
        }
        raised
    }
}

impl AlarmState {
    fn look(&mut self, rule: &AlarmRule, figure: Option<f64>, now: Micros) {
        let is_out = |by: f64| {
            figure.is_some_and(|figure| match rule.at_least {
                true => figure >= rule.value * (1.0 - by),
                false => figure <= rule.value * (1.0 + by),
            })
        };
        if is_out(0.0) {
            let since = *self.out_since.get_or_insert(now);
            self.in_order_since = None;
            if now.saturating_sub(since) >= micros(rule.lasting) {
                self.raised.get_or_insert(now);
            }
            return;
        }
        self.out_since = None;
        let since = *self.in_order_since.get_or_insert(now);
        if !is_out(BACK) || now.saturating_sub(since) >= CLEARED_AFTER {
            self.raised = None;
        }
    }
}

/// The alarm of a tile: 0 where there is none. It is of the call that the tile shows, and ends with it.
pub(crate) fn tile_alarm(rules: &[AlarmRule], tile: &Tile, now: Micros) -> u8 {
    let figure = match tile.state {
        TileState::RingingIn if !tile.internal => AlarmFigure::RingingLongest,
        TileState::Held => AlarmFigure::HoldLongest,
        TileState::Active if !tile.internal => AlarmFigure::TalkLongest,
        _ => return 0,
    };
    let lasted = now.saturating_sub(tile.since.unwrap_or(now));
    let is_over = |rule: &&AlarmRule| {
        let bound = (rule.value * SECOND as f64) as Micros + micros(rule.lasting);
        rule.figure == figure && rule.at_least && lasted >= bound
    };
    rules.iter().filter(is_over).map(|rule| rule.level).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const RULE: AlarmRule = AlarmRule {
        figure: AlarmFigure::RingingLongest,
        at_least: true,
        value: 20.0,
        level: 1,
        lasting: Duration::from_secs(2),
    };

    /// Looks once a second; tells when it is raised.
    fn raised(figures: &[f64]) -> Vec<bool> {
        let mut alarms = Alarms::default();
        let looks = (0..).zip(figures);
        looks
            .map(|(second, figure)| !alarms.look(&[RULE], |_| Some(*figure), second * SECOND).is_empty())
            .collect()
    }

    #[test]
    fn a_figure_at_its_bound_does_not_flicker() {
        assert_eq!(raised(&[20.0, 20.0, 20.0, 19.0, 20.0, 18.1]), [false, false, true, true, true, true]);
        assert_eq!(
            raised(&[20.0, 20.0, 20.0, 17.9, 20.0]),
            [false, false, true, false, false],
            "a tenth back"
        );
        let mut long = vec![20.0; 3];
        long.extend([19.0; 16]);
        let looks = raised(&long);
        assert!(looks[17] && !looks[18], "in order for 15 s: {looks:?}");
    }

    #[test]
    fn the_worst_of_a_figure_is_told() {
        let worse = AlarmRule { level: 2, value: 40.0, lasting: Duration::ZERO, ..RULE };
        let rules = [AlarmRule { lasting: Duration::ZERO, ..RULE }, worse];
        let mut alarms = Alarms::default();
        let mut level =
            |figure: f64| alarms.look(&rules, |_| Some(figure), 0).first().map(|alarm| alarm.level);
        assert_eq!((level(10.0), level(20.0), level(41.0)), (None, Some(1), Some(2)));
    }
}
