//! The keys of the wallboard: what a tenant's figures are made by, and who sees them.

use super::{
    alarm::{AlarmRule, USUAL, alarm},
    parse::{self, duration_of_at_least},
    reader::Reader,
};
use crate::id::TenantId;
use jiff::tz::TimeZone;
use std::time::Duration;

/// The most rules: each is looked at every second.
const MOST_ALARMS: usize = 50;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// The figures of tenants, groups and lines stay for so many days; those of extensions not longer.
const MOST_DAYS: u32 = 400;

/// What wallboards show, and to whom.
#[derive(Clone, Debug)]
pub(crate) struct Board {
    /// Otherwise there is none, and it costs nothing.
    pub(crate) enabled: bool,
    /// Of which a day is one, unless the tenant has a zone of its own.
    pub(crate) time_zone: TimeZone,
    pub(crate) time_zones: Vec<(TenantId, TimeZone)>,
    /// Whoever is answered in this time was answered in time.
    pub(crate) answer_within: Duration,
    /// Whoever gives up sooner is no missed call.
    pub(crate) short: Duration,
    /// How long the figures of extensions stay of a day that is over.
    pub(crate) keep_days: Duration,
    pub(crate) agents_see: AgentsSee,
    pub(crate) alarms: Vec<AlarmRule>,
}

/// What agents see of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AgentsSee {
    Off,
    /// Names and states, and the tenant's figures.
    States,
}

impl Board {
    /// How long the figures of a tenant, its groups and its lines stay of a day that is over.
    pub(crate) const KEEP_CALLS: Duration = DAY.saturating_mul(MOST_DAYS);

    /// The zone of a tenant.
    pub(crate) fn zone_of(&self, tenant: &TenantId) -> &TimeZone {
        let own = self.time_zones.iter().find(|(known, _)| known == tenant);
        own.map_or(&self.time_zone, |(_, zone)| zone)
    }
}

/// Reads them.
pub(super) fn board(reader: &mut Reader) -> Board {
    let second = Duration::from_secs(1);
    let period = |reader: &mut Reader, key: &str, default: u32| {
        reader.or(key, second * default, |given| duration_of_at_least(given, second))
    };
    let see = [("off", AgentsSee::Off), ("states", AgentsSee::States)];
    let brussels = || zone("Europe/Brussels").unwrap_or(TimeZone::UTC);
    let time_zones = reader.list("board.time_zones", tenants_zone);
    let is_twice = |nth: usize| time_zones[..nth].iter().any(|(known, _)| *known == time_zones[nth].0);
    if let Some(nth) = (0..time_zones.len()).find(|nth| is_twice(*nth)) {
        reader.refuse(&format!("board.time_zones[{nth}]"), "gives a tenant a second zone");
    }
    Board {
        enabled: reader.or("board.enabled", true, parse::boolean),
        time_zone: reader
            .optional("board.time_zone", |given| zone(&parse::text(given)?))
            .unwrap_or_else(brussels),
        time_zones,
        answer_within: period(reader, "board.answer_within", 20),
        short: period(reader, "board.short", 5),
        keep_days: DAY * reader.or("board.keep_days", 35, |given| parse::number(given, 1..=MOST_DAYS)),
        alarms: alarms(reader),
        agents_see: reader.or("board.agents_see", AgentsSee::Off, |given| parse::choice(given, &see)),
    }
}

/// Those that are given in the place of the usual ones; `none` for no alarm at all.
fn alarms(reader: &mut Reader) -> Vec<AlarmRule> {
    const KEY: &str = "board.alarms";
    let is_given = reader.is_given(KEY);
    let rules = reader.list(KEY, |element| match element {
        "none" => Ok(None),
        rule => alarm(rule).map(Some),
    });
    if rules.len() > 1 && rules.iter().any(Option::is_none) {
        reader.refuse(KEY, "has none beside rules: none stands alone");
    }
    if rules.len() > MOST_ALARMS {
        reader.refuse(KEY, format!("has more than {MOST_ALARMS}"));
    }
    match is_given {
        true => rules.into_iter().flatten().collect(),
        false => USUAL.iter().filter_map(|rule| alarm(rule).ok()).collect(),
    }
}

/// A zone of the database that is built in, so that all nodes have the same.
fn zone(name: &str) -> Result<TimeZone, String> {
    let unknown = || "must be a time zone such as \"Europe/Brussels\" or \"UTC\"".to_owned();
    jiff::tz::TimeZoneDatabase::bundled().get(name.trim()).map_err(|_| unknown())
}

fn tenants_zone(element: &str) -> Result<(TenantId, TimeZone), String> {
    let form = || "must be tenant=zone, such as \"b11d-7=Europe/Brussels\"".to_owned();
    let (tenant, name) = element.split_once('=').ok_or_else(form)?;
    Ok((tenant.trim().try_into().map_err(|_| form())?, zone(name)?))
}
