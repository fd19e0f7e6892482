//! What a board shows, as JSON: a row for each tile and for each figure's key, as somebody may see it.

use super::{People, sight::Sight, tenant::Kept};
use crate::{
    board::{
        AgentValues, Alarm, Conversation, Ledger, Now, ShownConversation, Tally, Window, WindowName, named,
        tile_alarm,
    },
    clock::Micros,
    id::{Extension, TenantId},
    protocol::TileRow,
};
use serde::{Deserialize, Serialize, Serializer, ser::SerializeTuple};
use serde_json::value::{RawValue, to_raw_value};
use std::{collections::BTreeSet, sync::Arc};

/// Of whom figures are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum By {
    Tenant,
    Group,
    Line,
    Extension,
}

/// Which figures somebody wants.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Wanted {
    /// The figures of extensions are of the first.
    windows: Vec<WindowName>,
    by: Vec<By>,
}

/// What a row of figures is about.
pub(super) type FigureKey = (ShownWindow, By, Arc<str>);

/// A window, or the present moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(untagged)]
pub(super) enum ShownWindow {
    Now(Moment),
    Of(WindowName),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Moment {
    Now,
}

/// The figures of the present moment.
const NOW: ShownWindow = ShownWindow::Now(Moment::Now);

/// One row of figures.
#[derive(Serialize)]
struct FigureRow<'a, V> {
    window: ShownWindow,
    by: By,
    key: &'a str,
    values: V,
}

/// What goes on, and what alarms are raised.
#[derive(Serialize)]
struct Present {
    #[serde(flatten)]
    now: Now,
    alarms: Vec<Alarm>,
}

/// The values of an extension, in the order of their columns.
struct Columns(AgentValues);

impl Default for Wanted {
    fn default() -> Self {
        Self { windows: vec![WindowName::Today], by: vec![By::Tenant] }
    }
}

impl Wanted {
    /// What a client asks for; none where a word is not known, or there is none.
    pub(crate) fn named(windows: &[String], by: &[String]) -> Option<Self> {
        let mut windows = windows.iter().map(|word| named::<WindowName>(word)).collect::<Option<Vec<_>>>()?;
        let mut by = by.iter().map(|word| named::<By>(word)).collect::<Option<Vec<_>>>()?;
        // The first stays the first: figures of extensions are of it.
        let mut seen = BTreeSet::new();
        windows.retain(|window| seen.insert(*window));
        by.sort_unstable();
        by.dedup();
        (!windows.is_empty() && !by.is_empty()).then_some(Self { windows, by })
    }
}

impl Serialize for Columns {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (counts, share) = self.0.row();
        let mut row = serializer.serialize_tuple(counts.len() + 1)?;
        counts.iter().try_for_each(|count| row.serialize_element(count))?;
        row.serialize_element(&share)?;
        row.end()
    }
}

/// The extensions that have a tile for somebody: those of the directory, and those that had a call.
pub(super) fn extensions(kept: &Kept, sight: &Sight) -> BTreeSet<Extension> {
    let all = everybody(&kept.people, &kept.ledger).into_iter();
    all.filter(|extension| sight.sees(extension, &kept.people)).cloned().collect()
}

fn everybody<'a>(people: &'a People, ledger: &'a Ledger) -> BTreeSet<&'a Extension> {
    people.extensions().chain(ledger.extensions()).collect()
}

/// The tile of an extension that is seen.
pub(super) fn tile_row(kept: &Kept, sight: &Sight, extension: &Extension, now: Micros) -> TileRow {
    let tile = kept.ledger.tile(extension, now);
    let leg = tile.leg.as_ref().and_then(|leg| kept.ledger.fact(leg));
    let shown = leg.filter(|_| sight.sees_calls(extension, &kept.people));
    let peer = shown.and_then(|leg| leg.peer.as_ref()).filter(|_| tile.internal);
    let is_colleague = peer.is_some_and(|peer| is_known(kept, peer));
    let outside = shown.filter(|_| !tile.internal);
    let number = peer.or(outside.and_then(|leg| leg.number.as_ref()));
    let name = match peer {
        Some(peer) => Extension::try_from(&**peer).ok().and_then(|peer| name_of(kept, &peer)),
        None => outside.and_then(|leg| leg.name.clone()),
    };
    let conversation = shown.and_then(|leg| kept.ledger.id_of_leg(&leg.key));
    TileRow {
        extension: extension.clone(),
        name: name_of(kept, extension),
        groups: kept.people.groups(extension).to_vec(),
        state: tile.state.word(),
        since: tile.since,
        direction: leg.map(|leg| leg.direction),
        internal: tile.internal,
        number: if is_colleague { number.cloned() } else { sight.number(number) },
        party: if is_colleague { name } else { sight.party(name.as_ref()) },
        legs: tile.legs,
        conversation: conversation.map(|id| id.to_string()),
        unconfirmed: tile.unconfirmed,
        clamped: tile.clamped,
        alarm: tile_alarm(&kept.alarm_rules, &tile, now),
    }
}

/// Whether that is a colleague for certain: a short number may be somebody else's.
fn is_known(kept: &Kept, peer: &str) -> bool {
    let known = |extension| kept.people.has(&extension) || kept.ledger.has_had(&extension);
    Extension::try_from(peer).is_ok_and(known)
}

/// The name of an extension: of the directory, or as colleagues' telephones showed it.
pub(crate) fn name_of(kept: &Kept, extension: &Extension) -> Option<Arc<str>> {
    let learned = || kept.ledger.name(extension);
    kept.people.name(extension).or_else(learned).cloned()
}

/// All rows of figures that somebody wants and may see.
pub(super) fn figure_rows(
    kept: &mut Kept,
    sight: &Sight,
    wanted: &Wanted,
    now: Micros,
) -> Vec<(FigureKey, Box<RawValue>)> {
    let mut rows = Vec::new();
    for by in [By::Tenant, By::Group].into_iter().filter(|by| wanted.by.contains(by)) {
        for (key, now) in present(kept, sight, by, now) {
            let alarms = kept.alarms.get(&key).map(|(_, raised)| raised.clone()).unwrap_or_default();
            push(&mut rows, NOW, by, key, Present { now, alarms });
        }
    }
    for (nth, name) in wanted.windows.iter().enumerate() {
        let window = name.at(now, &kept.zone);
        for by in &wanted.by {
            if *by == By::Extension && nth > 0 {
                continue;
            }
            of_window(kept, sight, (*name, window), *by, now, &mut rows);
        }
    }
    rows
}

fn of_window(
    kept: &mut Kept,
    sight: &Sight,
    (name, window): (WindowName, Window),
    by: By,
    now: Micros,
    rows: &mut Vec<(FigureKey, Box<RawValue>)>,
) {
    let shown = ShownWindow::Of(name);
    let Kept { ledger, people, .. } = &mut *kept;
    let figures = ledger.figures(name, window);
    match by {
        By::Tenant if sight.sees_tenant() => push(rows, shown, by, "".into(), figures.tenant.values()),
        By::Tenant => {}
        By::Group => {
            let none = Tally::default();
            let seen = people.all_groups().into_iter().filter(|group| sight.sees_group(group));
            let values = |group| figures.groups.get(group).unwrap_or(&none).values();
            seen.for_each(|group| push(rows, shown, by, group.clone(), values(group)));
        }
        // A line is a number that customers dial: no screen on a wall needs it.
        By::Line if sight.sees_tenant() && !sight.masked => {
            let lines = figures.lines.iter();
            lines.for_each(|(line, tally)| push(rows, shown, by, line.clone(), tally.values()));
        }
        By::Line => {}
        By::Extension if !sight.people => {}
        By::Extension => {
            let rolling = (name != WindowName::Today).then_some(window);
            let tallies = figures.extensions.clone();
            for extension in everybody(people, ledger).into_iter().filter(|it| sight.sees_calls(it, people)) {
                let tally = tallies.get(extension).copied().unwrap_or_default();
                let values = tally.values(&ledger.time(extension, window, now), rolling);
                push(rows, shown, by, extension.as_str().into(), Columns(values));
            }
        }
    }
}

/// What goes on now: of the tenant, or of each group.
pub(super) fn present(kept: &Kept, sight: &Sight, by: By, now: Micros) -> Vec<(Arc<str>, Now)> {
    let going_on: Vec<Arc<Conversation>> = kept.ledger.going_on(now + 1).collect();
    let of = |is_member: &dyn Fn(&Extension) -> bool| {
        let conversations =
            going_on.iter().filter(|it| it.legs.iter().any(|leg| is_member(&leg.key.extension)));
        let tiles = kept.tiles.iter().filter(|(extension, _)| is_member(extension)).map(|(_, tile)| tile);
        Now::of(conversations.map(|it| &**it), tiles)
    };
    match by {
        By::Tenant if sight.sees_tenant() => vec![("".into(), of(&|_| true))],
        By::Group => {
            let groups = kept.people.all_groups().into_iter().filter(|group| sight.sees_group(group));
            let is_member = |group: &Arc<str>, it: &Extension| kept.people.groups(it).contains(group);
            groups.map(|group| (group.clone(), of(&|it| is_member(group, it)))).collect()
        }
        _ => Vec::new(),
    }
}

fn push(
    rows: &mut Vec<(FigureKey, Box<RawValue>)>,
    window: ShownWindow,
    by: By,
    key: Arc<str>,
    values: impl Serialize,
) {
    let row = FigureRow { window, by, key: &key, values };
    // Numbers and texts always encode.
    if let Ok(json) = to_raw_value(&row) {
        rows.push(((window, by, key), json));
    }
}

/// A conversation as somebody may see it.
pub(crate) fn shown_conversation(
    tenant: &TenantId,
    sight: &Sight,
    conversation: &Conversation,
) -> Option<Box<RawValue>> {
    let number = sight.number(conversation.number.as_ref());
    let name = sight.party(conversation.name.as_ref());
    to_raw_value(&ShownConversation::of(conversation, tenant, number.as_deref(), name.as_deref())).ok()
}
