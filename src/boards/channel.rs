//! What those are told who see and want the same: each row once, with the number at which it changed. A reader that
//! comes late is sent the rows that changed since it was told last, so a slow one costs nothing and misses nothing.

use super::{
    rows::{FigureKey, Wanted, extensions, figure_rows, tile_row},
    sight::Sight,
    tenant::Kept,
};
use crate::{
    board::{AgentValues, BoardRules, Window},
    clock::{Micros, now},
    config::AlarmRule,
    id::Extension,
    protocol::{BoardDay, BoardState, FigureColumns, Frame, ServerFrame, ShownRules},
};
use parking_lot::Mutex;
use serde_json::value::{RawValue, to_raw_value};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};
use tokio::sync::watch;

/// Those who see and want the same of one board.
pub(crate) struct Channel {
    sight: Sight,
    wanted: Wanted,
    rows: Mutex<Rows>,
    news: watch::Sender<u64>,
}

/// What changed of a board.
#[derive(Default)]
pub(super) struct Publication<'a> {
    /// The tiles of these extensions may be others.
    pub(super) tiles: Option<&'a BTreeSet<Extension>>,
    /// It is time for figures.
    pub(super) figures: bool,
    /// It is time to say how the board is fed.
    pub(super) health: bool,
    /// Everything: names and groups, the day, or all calls.
    pub(super) whole: bool,
}

/// Where a reader is.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Place {
    /// Which whole board it was sent last.
    generation: u64,
    rev: u64,
    health: u64,
}

#[derive(Default)]
struct Rows {
    /// Goes up where everything is to be sent anew.
    generation: u64,
    rev: u64,
    at: Micros,
    head: Head,
    tiles: BTreeMap<Extension, Row>,
    figures: BTreeMap<FigureKey, Row>,
    /// Of what the figures were made last.
    figured: (u64, u64, u64),
    health: Option<(u64, Frame)>,
    /// The frames that were made last, and for whom: most are in the same place.
    told: Option<Told>,
    opening: Option<(u64, Frame)>,
}

/// Frames of the rows that changed after a number, up to another.
struct Told {
    span: (u64, u64),
    frames: Arc<[Frame]>,
}

/// What a whole board says beside its rows.
#[derive(Clone, Default)]
struct Head {
    epoch: Arc<str>,
    time_zone: String,
    day: Window,
    complete: f64,
    rules: BoardRules,
    alarms: Arc<[AlarmRule]>,
    directory_rev: String,
    heartbeat_ms: u64,
}

struct Row {
    rev: u64,
    json: Box<RawValue>,
}

const MINUTE: Micros = 60 * 1_000_000;

/// What values of extensions are.
const COLUMNS: FigureColumns = FigureColumns { extension: &AgentValues::COLUMNS };

impl Channel {
    pub(super) fn new(sight: Sight, wanted: Wanted) -> Self {
        Self { sight, wanted, rows: Mutex::default(), news: watch::Sender::new(0) }
    }

    pub(super) fn is_of(&self, sight: &Sight, wanted: &Wanted) -> bool {
        (&self.sight, &self.wanted) == (sight, wanted)
    }

    /// Waits for news as soon as somebody is told; to be made before the first look.
    pub(crate) fn listen(&self) -> watch::Receiver<u64> {
        self.news.subscribe()
    }

    /// Makes all rows, for the first who comes.
    pub(super) fn begin(&self, kept: &mut Kept, heartbeat: Duration) {
        self.publish(kept, &Publication { whole: true, ..Publication::default() }, heartbeat);
    }

    /// Takes what changed; gives how many rows did.
    pub(super) fn publish(&self, kept: &mut Kept, publication: &Publication<'_>, heartbeat: Duration) -> u64 {
        let now = now();
        let mut rows = self.rows.lock();
        let head = Head::of(kept, now, heartbeat);
        let is_new = publication.whole || rows.generation == 0 || rows.head.is_other(&head);
        let before = (rows.rev, rows.health_rev());
        rows.head = head;
        rows.at = now;
        let mut changed = 0;
        if is_new {
            rows.begin_anew();
            changed += rows.take_tiles(kept, &self.sight, &extensions(kept, &self.sight), now);
        } else if let Some(tiles) = publication.tiles {
            changed += rows.take_tiles(kept, &self.sight, tiles, now);
        }
        // Time alone changes rolling windows at the turn of a minute, and alarms.
        let basis = (kept.changes, now / MINUTE, kept.alarm_changes);
        if is_new || publication.figures && rows.figured != basis {
            rows.figured = basis;
            changed += rows.take_figures(figure_rows(kept, &self.sight, &self.wanted, now));
        }
        if publication.health {
            rows.take_health(kept, &self.sight, now);
        }
        if before != (rows.rev, rows.health_rev()) {
            self.news.send_modify(|news| *news += 1);
        }
        changed
    }

    /// Whether a reader is to be told something.
    pub(crate) fn has_news(&self, place: &Place) -> bool {
        let rows = self.rows.lock();
        (place.generation, place.rev, place.health) != (rows.generation, rows.rev, rows.health_rev())
    }

    /// The frames by which a reader is told what it was not told yet; nothing where that is nothing.
    pub(crate) fn tell(&self, place: &mut Place) -> Vec<Frame> {
        let mut rows = self.rows.lock();
        let mut frames = Vec::new();
        if place.generation != rows.generation {
            frames.push(rows.opening());
        } else if place.rev != rows.rev {
            frames.extend(rows.told_since(place.rev).iter().cloned());
        }
        if let Some((rev, frame)) = rows.health.as_ref().filter(|(rev, _)| *rev != place.health) {
            frames.push(frame.clone());
            place.health = *rev;
        }
        (place.generation, place.rev) = (rows.generation, rows.rev);
        frames
    }
}

impl Rows {
    fn begin_anew(&mut self) {
        self.generation += 1;
        self.rev += 1;
        self.tiles.clear();
        self.figures.clear();
    }

    fn take_tiles(&mut self, kept: &Kept, sight: &Sight, changed: &BTreeSet<Extension>, now: Micros) -> u64 {
        let rev = self.rev + 1;
        let mut count = 0;
        for extension in changed.iter().filter(|extension| sight.sees(extension, &kept.people)) {
            let Ok(json) = to_raw_value(&tile_row(kept, sight, extension, now)) else { continue };
            count += put(&mut self.tiles, extension.clone(), json, rev);
        }
        self.rev += u64::from(count > 0);
        count
    }

    fn take_figures(&mut self, fresh: Vec<(FigureKey, Box<RawValue>)>) -> u64 {
        let rev = self.rev + 1;
        let count = fresh.into_iter().map(|(key, json)| put(&mut self.figures, key, json, rev)).sum();
        self.rev += u64::from(count > 0);
        count
    }

    fn take_health(&mut self, kept: &Kept, sight: &Sight, now: Micros) {
        let health = kept.health(sight, now);
        let rev = self.health_rev() + 1;
        self.health = Some((rev, ServerFrame::Health(&health).encode()));
    }

    /// Nothing was said before the first.
    fn health_rev(&self) -> u64 {
        self.health.as_ref().map_or(0, |(rev, _)| *rev)
    }

    /// All of it.
    fn opening(&mut self) -> Frame {
        if let Some((_, frame)) = self.opening.as_ref().filter(|(rev, _)| *rev == self.rev) {
            return frame.clone();
        }
        let Head { epoch, time_zone, day, complete, rules, alarms, directory_rev, heartbeat_ms } = &self.head;
        let frame = ServerFrame::Board(BoardState {
            epoch,
            at: self.at,
            time_zone,
            day: BoardDay { from: day.from, to: day.to },
            complete: *complete,
            rules: ShownRules {
                answer_within_ms: rules.answer_within / 1000,
                short_ms: rules.short / 1000,
                reached_ms: rules.reached / 1000,
                alarms,
            },
            build: env!("CARGO_PKG_VERSION"),
            tiles: self.tiles.values().map(|row| &*row.json).collect(),
            columns: COLUMNS,
            figures: self.figures.values().map(|row| &*row.json).collect(),
            directory_rev,
            heartbeat_ms: *heartbeat_ms,
        })
        .encode();
        self.opening = Some((self.rev, frame.clone()));
        frame
    }

    /// The rows that changed after a number, as frames.
    fn told_since(&mut self, rev: u64) -> Arc<[Frame]> {
        let span = (rev, self.rev);
        if let Some(told) = self.told.as_ref().filter(|told| told.span == span) {
            return told.frames.clone();
        }
        let tiles: Vec<&RawValue> = since(&self.tiles, rev);
        let figures: Vec<&RawValue> = since(&self.figures, rev);
        let tiles = (!tiles.is_empty()).then(|| ServerFrame::Tiles { at: self.at, rows: tiles }.encode());
        let (rev, at, complete) = (self.rev, self.at, self.head.complete);
        let figures = (!figures.is_empty())
            .then(|| ServerFrame::Figures { rev, at, complete, columns: COLUMNS, rows: figures }.encode());
        let frames: Arc<[Frame]> = tiles.into_iter().chain(figures).collect();
        self.told = Some(Told { span, frames: frames.clone() });
        frames
    }
}

impl Head {
    fn of(kept: &Kept, now: Micros, heartbeat: Duration) -> Self {
        Self {
            epoch: kept.epoch.clone(),
            time_zone: kept.zone.name().unwrap_or("UTC").to_owned(),
            day: kept.zone.day(now),
            complete: kept.complete,
            rules: *kept.ledger.rules(),
            alarms: kept.alarm_rules.clone(),
            directory_rev: kept.people.rev().to_owned(),
            heartbeat_ms: heartbeat.as_millis() as u64,
        }
    }

    /// Whether rows may be gone that were there: it is to be told whole.
    fn is_other(&self, head: &Self) -> bool {
        let of = |head: &Self| (head.epoch.clone(), head.day, head.directory_rev.clone());
        of(self) != of(head) || (self.complete < 1.0) != (head.complete < 1.0)
    }
}

/// Puts a row in its place; 1 where it is another than before.
fn put<K: Ord>(rows: &mut BTreeMap<K, Row>, key: K, json: Box<RawValue>, rev: u64) -> u64 {
    if rows.get(&key).is_some_and(|row| row.json.get() == json.get()) {
        return 0;
    }
    rows.insert(key, Row { rev, json });
    1
}

fn since<K>(rows: &BTreeMap<K, Row>, rev: u64) -> Vec<&RawValue> {
    rows.values().filter(|row| row.rev > rev).map(|row| &*row.json).collect()
}
