//! What is done now and then: items that are silent end, those that were kept long enough are forgotten, those that are
//! quiet go to the disk, and files that are of no use go.

use super::{
    Embedded,
    journal::{Disk, Record},
    series::SeriesName,
    settled::{Batch, SettledItems},
    tenant::{Forgotten, Horizon},
};
use crate::{
    clock::{Micros, micros, now},
    engine::EngineError,
    id::TenantId,
};
use std::{
    mem,
    time::{Duration, Instant},
};

/// The most items that are forgotten in one turn.
const MOST_FORGOTTEN: usize = 4096;
/// A clock that runs so far ahead of the time that passed has jumped.
const JUMP: Duration = Duration::from_secs(120);
/// After so long a clock that jumped is believed.
const BELIEVED: Duration = Duration::from_secs(60 * 60);

/// The time by which items are forgotten and ended: it does not follow a clock that jumps ahead at once, since what is
/// forgotten is gone.
pub(super) struct SteadyClock {
    /// A time that was believed, and when that was.
    at: Micros,
    since: Instant,
    jumped: Option<Instant>,
    /// Nothing was heard since the latest event: the node may have been down for long.
    is_start: bool,
}

impl SteadyClock {
    /// Beside a store, begins at its latest event.
    pub(super) fn new(newest: Option<Micros>) -> Self {
        let at = newest.map_or_else(now, |newest| newest.min(now()));
        Self { at, since: Instant::now(), jumped: None, is_start: true }
    }

    /// The time that is believed at that instant, of a clock that says `wall`.
    fn read(&mut self, wall: Micros, instant: Instant) -> Micros {
        let is_start = mem::take(&mut self.is_start);
        let steady = self.at + micros(instant.saturating_duration_since(self.since));
        if wall <= steady + micros(JUMP) {
            (self.at, self.since, self.jumped) = (wall, instant, None);
            return wall;
        }
        let ahead = Duration::from_micros(wall - steady);
        let jumped = *self.jumped.get_or_insert_with(|| {
            let (seconds, minutes) = (ahead.as_secs(), BELIEVED.as_secs() / 60);
            match is_start {
                true => tracing::info!(
                    seconds,
                    minutes,
                    "nothing was stored for a while; nothing is forgotten yet"
                ),
                false => tracing::error!(
                    seconds,
                    minutes,
                    "the clock is ahead of the time that passed; nothing is forgotten until that has lasted"
                ),
            }
            instant
        });
        if instant.saturating_duration_since(jumped) < BELIEVED {
            return steady;
        }
        tracing::warn!(seconds = ahead.as_secs(), "the clock is believed again");
        (self.at, self.since, self.jumped) = (wall, instant, None);
        wall
    }
}

impl Embedded {
    /// Gives the tenants whose turn it was.
    pub(in crate::engine) fn sweep(&self) -> Vec<TenantId> {
        let now = self.clock.lock().read(now(), Instant::now());
        if let Some(journal) = &self.disk.0 {
            journal.spot_delay();
        }
        self.displays.forget_unused(now);
        let horizon = self.horizon(now);
        self.note_settled(horizon);
        let mut batch = Batch::default();
        // What is forgotten while the disk is busy would come back at a restart.
        let takes = self.takes_batch();
        if takes {
            self.cut_journal(horizon);
        }
        let mut most = if takes { MOST_FORGOTTEN } else { 0 };
        let mut swept = Vec::new();
        for (id, tenant) in self.tenants.turn() {
            let silent = tenant.lock().silent(&id, now, &self.limits);
            for event in silent {
                // A refusal is no loss: the next sweep finds the same item.
                let _ = self.commit(event);
            }
            let forgotten = tenant.lock().forget(&id, now, &self.limits, most);
            most -= forgotten.len();
            self.metrics.forgotten.inc_by(forgotten.len() as u64);
            self.write_forgotten(forgotten, &mut batch);
            if takes && self.settled.is_some() {
                tenant.lock().settle(&id, horizon, &mut batch);
            }
            drop(tenant);
            self.tenants.release(&id);
            swept.push(id);
        }
        if let Some(settled) = &self.settled {
            settled.write(batch);
        }
        self.measure();
        swept
    }

    fn measure(&self) {
        self.metrics.tenants.set(self.tenants.len() as i64);
        let Some((settled, journal)) = self.settled.as_ref().zip(self.disk.0.as_ref()) else { return };
        self.metrics.store_items.set(settled.len() as i64);
        for (series, reader) in
            [(SeriesName::Events, journal.reader()), (SeriesName::Items, settled.reader())]
        {
            self.metrics.set_store_bytes(series.folder(), reader.bytes());
        }
    }

    /// Whether a batch can be written now; where nothing is written, it goes nowhere.
    fn takes_batch(&self) -> bool {
        let is_idle = self.settled.as_ref().is_none_or(SettledItems::is_idle);
        is_idle && self.trouble().is_none()
    }

    fn horizon(&self, now: Micros) -> Horizon {
        let (recent, first) =
            self.disk.0.as_ref().map_or((0, 0), |journal| (journal.recent(), journal.first()));
        Horizon { now, settle_after: self.settle_after, recent, is_behind: recent > first }
    }

    /// Takes note of what stands on the disk now.
    fn note_settled(&self, horizon: Horizon) {
        let Some(settled) = &self.settled else { return };
        let mut useless = Vec::new();
        for item in settled.take_done() {
            if let Some(tenant) = self.tenants.seen(&item.key.tenant) {
                useless.extend(tenant.lock().on_settled(&item, horizon));
            } else {
                useless.extend(item.place);
            }
        }
        settled.release(useless);
    }

    fn write_forgotten(&self, forgotten: Vec<Forgotten>, batch: &mut Batch) {
        let Some((settled, journal)) = self.settled.as_ref().zip(self.disk.0.as_ref()) else { return };
        settled.release(forgotten.iter().filter_map(|forgotten| forgotten.place));
        // Whatever row it has was appended before.
        let through = journal.last();
        forgotten.into_iter().for_each(|forgotten| batch.forget(forgotten.key, through));
    }

    /// Lets old files of the journal go, once nothing in them is needed; while nothing is being written, of which it is
    /// not known whether it is.
    fn cut_journal(&self, horizon: Horizon) {
        let Some((settled, journal)) = self.settled.as_ref().zip(self.disk.0.as_ref()) else { return };
        settled.remove_useless(journal.first());
        if !horizon.is_behind {
            return;
        }
        // As far as it goes: while many events come, the newest files are new ones each time.
        let mut useful = horizon.recent;
        self.tenants.for_each(|_, tenant| useful = useful.min(tenant.needs()));
        if useful > journal.first() && self.rewrite(useful).is_ok() {
            journal.cut(useful);
        }
    }

    /// Writes anew what is no item and stands before a row of the journal.
    fn rewrite(&self, before: u64) -> Result<(), EngineError> {
        self.directories.rewrite(before)?;
        self.displays.rewrite(before)?;
        self.days.rewrite(before)?;
        for (row, archived) in self.archive.lock().before(before) {
            *row = write(&self.disk, || Record::Archived(archived.clone()))?;
        }
        Ok(())
    }
}

fn write(disk: &Disk, record: impl FnOnce() -> Record) -> Result<Option<u64>, EngineError> {
    Ok(disk.write(disk.encode(record))?.row)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Micros = 24 * 60 * 60 * 1_000_000;

    #[test]
    fn a_clock_that_jumps_ahead_is_believed_only_after_an_hour() {
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let mut clock = SteadyClock { at: 100 * DAY, since: start, jumped: None, is_start: false };
        let second = 1_000_000;
        assert_eq!(clock.read(100 * DAY + second, after(1)), 100 * DAY + second);
        // Ahead for a moment, as by a wrong time server.
        assert_eq!(clock.read(108 * DAY, after(2)), 100 * DAY + 2 * second);
        assert_eq!(clock.read(100 * DAY + 3 * second, after(3)), 100 * DAY + 3 * second);
        // Back, by days: that forgets nothing.
        assert_eq!(clock.read(98 * DAY, after(4)), 98 * DAY);
        // Ahead for good.
        assert_eq!(clock.read(108 * DAY, after(5)), 98 * DAY + second);
        assert_eq!(clock.read(108 * DAY + 3000 * second, after(3005)), 98 * DAY + 3001 * second);
        assert_eq!(clock.read(108 * DAY + 3600 * second, after(3605)), 108 * DAY + 3600 * second);
    }
}
