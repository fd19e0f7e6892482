//! Closed days in Redis: of each tenant four hashes by day, of which each goes at its own time, also where nobody looks
//! after the tenant any more. Two nodes may roll up the same day: what the other one stored meanwhile is not replaced.

use super::keys::Keys;
use crate::{
    board::Window,
    clock::Micros,
    config::{self, Config},
    engine::{DayBytes, DayList, DayPart, EngineError, EngineMetrics, ListedDay, StoredDay},
    id::TenantId,
    link::{Link, Request, call_of},
};
use redis::{Script, pipe};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

/// Days that are read in one go.
const TOGETHER: usize = 8;
/// In the hash of times: up to when changes are in the days.
const ROLLED_UP: &str = "=";
/// They stay for so long beyond their time.
const MARGIN: Duration = Duration::from_secs(24 * 60 * 60);

/// How long each part of a day is kept.
#[derive(Clone, Copy)]
struct KeepDays {
    calls: Duration,
    people: Duration,
    key: Duration,
}

/// The days in Redis.
pub(crate) struct DayKeys {
    keys: Keys,
    link: Arc<Link>,
    put: Script,
    keep: KeepDays,
    metrics: Arc<EngineMetrics>,
}

impl DayKeys {
    pub(super) fn new(keys: Keys, link: Arc<Link>, config: &Config, metrics: Arc<EngineMetrics>) -> Self {
        let keep = KeepDays {
            calls: config::Board::KEEP_CALLS,
            people: config.board.keep_days,
            // Of a day that was rolled up last, no leg is left after that.
            key: config.calls.keep_ended.saturating_mul(2),
        };
        let put = Script::new(include_str!("scripts/days.lua"));
        Self { keys, link, put, keep, metrics }
    }

    pub(in crate::engine) async fn list(&self, tenant: &TenantId) -> Result<DayList, EngineError> {
        let [times, _, people, keys] = self.keys.tenant(tenant).days();
        let mut ask = pipe();
        ask.hgetall(times).hkeys(people).hkeys(keys);
        let (times, people, keys): (HashMap<String, u64>, HashSet<String>, HashSet<String>) =
            self.link.ask(Request::Pipeline(&ask)).await?;
        let listed = times.iter().filter_map(|(name, at)| {
            let window = window_of(name)?;
            let (has_people, has_key) = (people.contains(name), keys.contains(name));
            Some((window.from, ListedDay { window, at: *at, has_people, has_key }))
        });
        let days: BTreeMap<Micros, ListedDay> = listed.collect();
        Ok(DayList { rolled_up: times.get(ROLLED_UP).copied().unwrap_or_default(), days })
    }

    /// What cannot be read is counted and left out.
    pub(in crate::engine) async fn read(
        &self,
        tenant: &TenantId,
        days: &[Window],
    ) -> Result<Vec<(Window, StoredDay)>, EngineError> {
        let mut read = Vec::new();
        for some in days.chunks(TOGETHER) {
            let names: Vec<String> = some.iter().map(name_of).collect();
            let mut ask = pipe();
            for key in self.keys.tenant(tenant).days() {
                ask.cmd("HMGET").arg(key).arg(&names);
            }
            type Parts = Vec<Option<Vec<u8>>>;
            let (times, calls, people, keys): (Vec<Option<u64>>, Parts, Parts, Parts) =
                self.link.ask(Request::Pipeline(&ask)).await?;
            let parts = times.into_iter().zip(calls).zip(people.into_iter().zip(keys));
            for (window, ((at, calls), (people, key))) in some.iter().zip(parts) {
                let Some(at) = at else { continue };
                let Some(calls) = calls.map(DayBytes::from) else {
                    self.metrics.on_unreadable(&format!("a day of {tenant}"));
                    continue;
                };
                let (people, key) = (people.map(DayBytes::from), key.map(DayBytes::from));
                read.push((*window, StoredDay { at, calls, people, key }));
            }
        }
        Ok(read)
    }

    pub(in crate::engine) async fn put(
        &self,
        tenant: &TenantId,
        window: Window,
        expected: Option<Micros>,
        day: &StoredDay,
    ) -> Result<bool, EngineError> {
        let parts = [Some(&day.calls), day.people.as_ref(), day.key.as_ref()];
        let parts = parts.map(|part| part.map_or(&[] as &[u8], |bytes| &bytes.0));
        let mut ask = call_of(&self.put, 4, parts.iter().map(|part| part.len()).sum());
        self.keys.tenant(tenant).days().iter().for_each(|key| _ = ask.arg(key));
        ask.arg(name_of(&window)).arg(expected.map_or(String::new(), |at| at.to_string())).arg(day.at);
        parts.iter().for_each(|part| _ = ask.arg(*part));
        let KeepDays { calls, people, key } = self.keep;
        [calls, calls, people, key].iter().for_each(|keep| _ = ask.arg((*keep + MARGIN).as_millis() as u64));
        let said: String = self.link.ask(Request::Script(&self.put, &ask)).await?;
        Ok(said != "other")
    }

    pub(in crate::engine) async fn note(&self, tenant: &TenantId, at: Micros) -> Result<(), EngineError> {
        let [times, ..] = self.keys.tenant(tenant).days();
        let mut ask = pipe();
        ask.exists(&times);
        let (is_there,): (bool,) = self.link.ask(Request::Pipeline(&ask)).await?;
        if !is_there {
            // Of whom no day is stored, nothing is to stay.
            return Ok(());
        }
        let mut ask = pipe();
        ask.hset(&times, ROLLED_UP, at).ignore();
        ask.cmd("PEXPIRE").arg(&times).arg((self.keep.calls + MARGIN).as_millis() as u64).ignore();
        Ok(self.link.ask::<()>(Request::Pipeline(&ask)).await?)
    }

    pub(in crate::engine) async fn forget(
        &self,
        tenant: &TenantId,
        some: &[(Window, DayPart)],
    ) -> Result<(), EngineError> {
        if some.is_empty() {
            return Ok(());
        }
        let keys = self.keys.tenant(tenant).days();
        let mut ask = pipe();
        for (window, part) in some {
            let of = match part {
                DayPart::Key => &keys[3..],
                DayPart::People => &keys[2..3],
                DayPart::Calls => &keys[..],
            };
            of.iter().for_each(|key| _ = ask.hdel(key, name_of(window)).ignore());
        }
        self.link.ask::<()>(Request::Pipeline(&ask)).await.map_err(EngineError::from)
    }
}

/// A day by its name, as in `1761343200-1761433200`: seconds since 1970.
fn name_of(Window { from, to }: &Window) -> String {
    format!("{}-{}", from / SECOND, to / SECOND)
}

fn window_of(name: &str) -> Option<Window> {
    let (from, to) = name.split_once('-')?;
    let micros = |seconds: &str| seconds.parse::<Micros>().ok()?.checked_mul(SECOND);
    Some(Window { from: micros(from)?, to: micros(to)? })
}

const SECOND: Micros = 1_000_000;
