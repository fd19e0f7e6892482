//! Which time figures are of: days of a tenant's zone, and the last minutes. Zones are those that are built in, so that
//! every node has the same.

use super::SECOND;
use crate::clock::Micros;
use jiff::{Timestamp, ZonedDateTime, tz::TimeZone};
use serde::{Deserialize, Serialize};

pub(super) const MINUTE: Micros = 60 * SECOND;
/// A quarter of an hour of UTC. Every zone is a multiple of it off UTC, so each local day consists of whole cells.
pub(crate) const CELL: Micros = 15 * MINUTE;

/// A window as clients ask for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum WindowName {
    Today,
    M15,
    M30,
    M60,
}

/// From, and to without it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Window {
    pub(crate) from: Micros,
    pub(crate) to: Micros,
}

/// A time zone of the IANA database.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Zone(TimeZone);

/// An hour of a day, or what there is of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hour {
    pub(crate) from: Micros,
    /// With its offset, since an hour may come twice: `02:00 +02`, `02:00 +01`.
    pub(crate) label: String,
}

impl WindowName {
    /// All of them.
    pub(crate) const ALL: [Self; 4] = [Self::Today, Self::M15, Self::M30, Self::M60];

    /// The window at a time. The present minute is part of it, so a start ahead of this clock counts from its own minute.
    pub(crate) fn at(self, now: Micros, zone: &Zone) -> Window {
        let minute = now - now % MINUTE;
        let minutes = match self {
            Self::Today => {
                let day = zone.day(now);
                return Window { to: day.to.min(minute + MINUTE), ..day };
            }
            Self::M15 => 15,
            Self::M30 => 30,
            Self::M60 => 60,
        };
        Window { from: minute.saturating_sub(minutes * MINUTE), to: minute + MINUTE }
    }
}

impl Window {
    /// All time.
    pub(super) const EVER: Self = Self { from: 0, to: Micros::MAX };

    /// Whether what starts then belongs to it.
    pub(crate) fn holds(&self, start: Micros) -> bool {
        (self.from..self.to).contains(&start)
    }

    /// Its cells; each holds what starts in it, and together they hold the same as the window.
    pub(crate) fn cells(&self) -> impl Iterator<Item = Self> {
        self.parts(CELL)
    }

    /// The same in hours of UTC: so much of it is looked at in one go.
    pub(crate) fn hours(&self) -> impl Iterator<Item = Self> {
        self.parts(4 * CELL)
    }

    fn parts(&self, width: Micros) -> impl Iterator<Item = Self> {
        let Self { from, to } = *self;
        let end = move |start: Micros| start - start % width + width;
        let starts = std::iter::successors(Some(from), move |start| Some(end(*start)));
        starts
            .take_while(move |start| *start < to)
            .map(move |start| Self { from: start, to: end(start).min(to) })
    }
}

impl Zone {
    pub(crate) fn new(zone: TimeZone) -> Self {
        Self(zone)
    }

    /// The zone of a name such as `Europe/Brussels`; none where there is none.
    pub(crate) fn named(name: &str) -> Option<Self> {
        jiff::tz::TimeZoneDatabase::bundled().get(name).ok().map(Self)
    }

    /// The one that all others are off from.
    pub(crate) fn utc() -> Self {
        Self(TimeZone::UTC)
    }

    /// Where the hour of a time ends: at the next full one of its offset.
    pub(crate) fn hour_end(&self, at: Micros) -> Micros {
        const HOUR: i64 = 3600;
        let offset = i64::from(self.local(at).offset().seconds());
        let local = i64::try_from(at / SECOND).unwrap_or_default() + offset;
        let end = local - local.rem_euclid(HOUR) + HOUR - offset;
        u64::try_from(end).unwrap_or_default() * SECOND
    }

    /// The hour of the local clock.
    pub(crate) fn clock_hour(&self, at: Micros) -> i8 {
        self.local(at).hour()
    }

    /// Its name, where it has one.
    pub(crate) fn name(&self) -> Option<&str> {
        self.0.iana_name()
    }

    /// The local date and time with its offset, as in `2026-03-29T03:00:00+02:00`; to the second.
    pub(crate) fn text(&self, at: Micros) -> String {
        let local = self.local(at);
        let seconds = local.offset().seconds();
        let sign = if seconds < 0 { '-' } else { '+' };
        let minutes = seconds.abs() / 60;
        let time = local.strftime("%Y-%m-%dT%H:%M:%S");
        format!("{time}{sign}{:02}:{:02}", minutes / 60, minutes % 60)
    }

    /// The local day that a time is in, from its first moment to that of the next.
    pub(crate) fn day(&self, at: Micros) -> Window {
        let day = self.local(at).start_of_day();
        let next = day.as_ref().ok().and_then(|day| day.tomorrow().ok()?.start_of_day().ok());
        let since_1970 =
            |zoned: &ZonedDateTime| Micros::try_from(zoned.timestamp().as_microsecond()).unwrap_or_default();
        let from = day.as_ref().map(since_1970).unwrap_or_default();
        Window { from, to: next.as_ref().map_or(Micros::MAX, since_1970) }
    }

    /// The hours of a day, each from its first quarter.
    pub(crate) fn hours(&self, day: Window) -> Vec<Hour> {
        let mut hours: Vec<Hour> = Vec::new();
        for cell in day.cells() {
            let local = self.local(cell.from);
            let label = format!("{:02}:00 {}", local.hour(), offset(&local));
            if hours.last().is_none_or(|hour| hour.label != label) {
                hours.push(Hour { from: cell.from, label });
            }
        }
        hours
    }

    fn local(&self, at: Micros) -> ZonedDateTime {
        let at = i64::try_from(at).ok().and_then(|at| Timestamp::from_microsecond(at).ok());
        at.unwrap_or(Timestamp::MAX).to_zoned_datetime(self.0.clone())
    }
}

/// `+02`, or `+05:45`.
fn offset(local: &ZonedDateTime) -> String {
    let minutes = local.offset().seconds() / 60;
    let (sign, minutes) = (if minutes < 0 { '-' } else { '+' }, minutes.abs());
    match minutes % 60 {
        0 => format!("{sign}{:02}", minutes / 60),
        rest => format!("{sign}{:02}:{rest:02}", minutes / 60),
    }
}
