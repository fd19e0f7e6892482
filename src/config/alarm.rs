//! A rule by which a board gives alarm, as in `ringing_longest>=20s@1 for 10s`.

use super::parse::duration_text;
use serde::{Serialize, Serializer, ser::SerializeStruct};
use std::time::Duration;

/// When a board gives alarm, and how loudly.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct AlarmRule {
    pub(crate) figure: AlarmFigure,
    /// The figure is at least that; otherwise it is at most that.
    pub(crate) at_least: bool,
    /// Seconds of what lasts, a share of 1, or a count.
    pub(crate) value: f64,
    /// 1, or 2 for what is worse.
    pub(crate) level: u8,
    /// For so long it must be so.
    pub(crate) lasting: Duration,
}

/// What alarms are given for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AlarmFigure {
    RingingLongest,
    HoldLongest,
    TalkLongest,
    /// Of the last hour, where it has ten calls.
    ServiceLevel,
    Ringing,
    OnCall,
    OnHold,
    Unconfirmed,
    /// How long nothing was heard of the tenant, between 8 and 18 o'clock.
    FeedSilent,
}

/// What holds where nobody says otherwise.
pub(super) const USUAL: [&str; 9] = [
    "ringing_longest>=20s@1",
    "ringing_longest>=40s@2",
    "hold_longest>=60s@1",
    "hold_longest>=2m@2",
    "talk_longest>=10m@1",
    "talk_longest>=20m@2",
    "service_level<=80%@1",
    "service_level<=60%@2",
    "feed_silent>=10m@1",
];

const FIGURES: [(&str, AlarmFigure); 9] = [
    ("ringing_longest", AlarmFigure::RingingLongest),
    ("hold_longest", AlarmFigure::HoldLongest),
    ("talk_longest", AlarmFigure::TalkLongest),
    ("service_level", AlarmFigure::ServiceLevel),
    ("ringing", AlarmFigure::Ringing),
    ("on_call", AlarmFigure::OnCall),
    ("on_hold", AlarmFigure::OnHold),
    ("unconfirmed", AlarmFigure::Unconfirmed),
    ("feed_silent", AlarmFigure::FeedSilent),
];

impl Serialize for AlarmRule {
    /// As whoever looks at a board is told.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut rule = serializer.serialize_struct("AlarmRule", 5)?;
        rule.serialize_field("figure", &self.figure)?;
        rule.serialize_field("at_least", &self.at_least)?;
        rule.serialize_field("value", &self.value)?;
        rule.serialize_field("level", &self.level)?;
        rule.serialize_field("lasting_ms", &(self.lasting.as_millis() as u64))?;
        rule.end()
    }
}

impl AlarmFigure {
    fn value(self, text: &str) -> Result<f64, String> {
        match self {
            Self::RingingLongest | Self::HoldLongest | Self::TalkLongest | Self::FeedSilent => {
                duration_text(text).map(|duration| duration.as_secs_f64())
            }
            Self::ServiceLevel => {
                let percent = text.strip_suffix('%').and_then(|text| text.trim().parse::<u8>().ok());
                let percent = percent.filter(|percent| *percent <= 100);
                percent.map(|percent| f64::from(percent) / 100.0).ok_or("a share is such as 80%".to_owned())
            }
            Self::Ringing | Self::OnCall | Self::OnHold | Self::Unconfirmed => {
                text.parse::<u16>().map(f64::from).map_err(|_| "a count is a whole number".to_owned())
            }
        }
    }
}

/// Reads a rule.
pub(super) fn alarm(element: &str) -> Result<AlarmRule, String> {
    const FORM: &str = "must be figure>=value@level or figure<=value@level, then perhaps a time, such as \
                        \"hold_longest>=60s@1 for 10s\"";
    let form = || FORM.to_owned();
    let (rule, lasting) = match element.split_once(" for ") {
        Some((rule, lasting)) => (rule, duration_text(lasting.trim())?),
        None => (element, Duration::ZERO),
    };
    let (condition, level) = rule.split_once('@').ok_or_else(form)?;
    let level = level.trim().parse().ok().filter(|level| (1..=2).contains(level));
    let level = level.ok_or("the level is 1 or 2")?;
    let (at_least, parts) = match (condition.split_once(">="), condition.split_once("<=")) {
        (Some(parts), None) => (true, parts),
        (None, Some(parts)) => (false, parts),
        _ => return Err(form()),
    };
    let name = parts.0.trim();
    let found = FIGURES.iter().find(|(known, _)| *known == name).map(|(_, figure)| *figure);
    let names = || FIGURES.map(|(name, _)| name).join(", ");
    let figure = found.ok_or_else(|| format!("there are alarms for {}", names()))?;
    Ok(AlarmRule { figure, at_least, value: figure.value(parts.1.trim())?, level, lasting })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_read() {
        assert!(USUAL.iter().all(|rule| alarm(rule).is_ok()));
        let rule = alarm(" hold_longest >= 60s @2 for 10s").unwrap();
        assert_eq!((rule.figure, rule.at_least, rule.value), (AlarmFigure::HoldLongest, true, 60.0));
        assert_eq!((rule.level, rule.lasting), (2, Duration::from_secs(10)));
        assert_eq!(alarm("service_level<=80%@1").unwrap().value, 0.8);
        for bad in [
            "hold_longest>60s@1",
            "hold>=60s@1",
            "hold_longest>=60@1",
            "hold_longest>=60s@3",
            "ringing>=x@1",
            "service_level<=101%@1",
            "hold_longest>=60s",
            "hold_longest>=60s@1 for ever",
        ] {
            assert!(alarm(bad).is_err(), "{bad}");
        }
    }
}
