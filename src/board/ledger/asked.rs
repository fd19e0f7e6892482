//! What a ledger is asked. Conversations that are over are made anew of their legs: a pure function, so they are the same
//! as before.

use super::{
    super::{
        bundle::{Bundled, tile_leg},
        bundles::{LONG, Nth, cell_of},
        conversation::{Conversation, ConversationId},
        fact::{LegFact, LegKey},
        figures::Figures,
        group::group,
        oddities::Odd,
        own_legs::OwnLegs,
        tile::{Tile, TileLeg, TileState, TimeOnCalls, running_since},
        totals::Total,
        turn::Turn,
        window::{CELL, Window, WindowName},
    },
    Ledger,
};
use crate::{clock::Micros, id::Extension};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

impl Ledger {
    /// How many legs it knows.
    pub(crate) fn len(&self) -> usize {
        self.facts.len() + self.bundles.legs()
    }

    /// A conversation by its id, or by one that it had before.
    pub(crate) fn conversation(&self, id: ConversationId) -> Option<Arc<Conversation>> {
        let open = self.conversations.get(&id).or_else(|| self.conversations.get(self.replaced.get(&id)?));
        open.cloned().or_else(|| {
            let mut bundled = self.bundles.of_conversation(id).flat_map(|nth| self.bundled(nth));
            bundled.find(|it| it.id == id)
        })
    }

    /// The conversation of a leg.
    pub(crate) fn of_leg(&self, leg: &LegKey) -> Option<Arc<Conversation>> {
        let open = self.places.get(leg).and_then(|id| self.conversations.get(id));
        open.cloned().or_else(|| {
            let mut bundled = self.bundles.of_leg_id(leg.id.as_str()).flat_map(|nth| self.bundled(nth));
            bundled.find(|it| it.legs.iter().any(|own| own.key == *leg))
        })
    }

    /// The id of the conversation of a leg that goes on, as far as anybody knows.
    pub(crate) fn id_of_leg(&self, leg: &LegKey) -> Option<ConversationId> {
        self.places.get(leg).copied().or_else(|| self.ghosts.get(leg).map(|ghost| ghost.conversation))
    }

    /// The conversations of legs with that id, of whichever extensions.
    pub(crate) fn of_leg_id(&self, id: &str) -> Vec<Arc<Conversation>> {
        let named = self.places.iter().filter(|(leg, _)| leg.0.key.id.as_str() == id);
        let mut found: Vec<Arc<Conversation>> =
            named.filter_map(|(_, of)| self.conversations.get(of)).cloned().collect();
        let has_it = |it: &Arc<Conversation>| it.legs.iter().any(|leg| leg.key.id.as_str() == id);
        found.extend(self.bundles.of_leg_id(id).flat_map(|nth| self.bundled(nth)).filter(has_it));
        found
    }

    /// The fact of a leg that goes on, as far as anybody knows.
    pub(crate) fn fact(&self, leg: &LegKey) -> Option<&Arc<LegFact>> {
        self.facts.get(leg).or_else(|| self.ghosts.get(leg).map(|ghost| &ghost.leg.0))
    }

    /// All legs that it knows, in no order.
    pub(crate) fn legs(&self) -> impl Iterator<Item = Arc<LegFact>> {
        let bundled = self.bundles.all().flat_map(|nth| self.bundles.open(nth).legs).map(|(fact, _)| fact);
        self.places.keys().map(|leg| leg.0.clone()).chain(bundled)
    }

    /// The conversations that began in a window, in the order of their starts.
    pub(crate) fn within(&self, window: Window) -> impl DoubleEndedIterator<Item = Arc<Conversation>> {
        let none = ConversationId::default();
        let open = self.by_start.range((window.from, none)..(window.to.max(window.from), none));
        let mut cells: BTreeSet<Micros> = open.map(|(start, _)| cell_of(*start)).collect();
        cells.extend(self.bundles.cells(window));
        let of_cell = move |cell: Micros| {
            self.of_cell(Window { from: window.from.max(cell), to: window.to.min(cell + CELL) })
        };
        // Not all of them are there at the same time.
        cells.into_iter().flat_map(of_cell)
    }

    /// Those of a part of a quarter of an hour.
    fn of_cell(&self, part: Window) -> Vec<Arc<Conversation>> {
        let none = ConversationId::default();
        let open = self.by_start.range((part.from, none)..(part.to.max(part.from), none));
        let mut all: Vec<Arc<Conversation>> =
            open.filter_map(|(_, id)| self.conversations.get(id)).cloned().collect();
        let near =
            self.bundles.of_cell(cell_of(part.from)).iter().filter(|nth| self.bundles.goes_on(**nth, part));
        let bundled = near.flat_map(|nth| self.bundled(*nth));
        all.extend(bundled.filter(|it| part.holds(it.start)));
        all.sort_unstable_by_key(|it| (it.start, it.id));
        all
    }

    /// The conversations that began before a time and were not over then.
    pub(crate) fn going_on(&self, at: Micros) -> impl Iterator<Item = Arc<Conversation>> {
        let none = ConversationId::default();
        let lately = self.by_start.range((at.saturating_sub(LONG), none)..(at, none));
        let long = self.long.range(..(at.saturating_sub(LONG), none));
        let open = lately.chain(long).filter_map(|(_, id)| self.conversations.get(id)).cloned();
        let bundled = self.bundles.going_on(at).into_iter().flat_map(|nth| self.bundled(nth));
        open.chain(bundled.filter(move |it| it.start < at)).filter(move |it| !it.is_over(at))
    }

    /// The conversations with a leg of one of these extensions that were not over at a time, or are not begun then.
    pub(crate) fn since(&self, extensions: &[Extension], at: Micros) -> Vec<Arc<Conversation>> {
        let of_any =
            |it: &Arc<Conversation>| it.legs.iter().any(|leg| extensions.contains(&leg.key.extension));
        let mut found: BTreeMap<ConversationId, Arc<Conversation>> = BTreeMap::new();
        found.extend(self.going_on(at).filter(of_any).map(|it| (it.id, it)));
        let later = Window { from: at, to: Micros::MAX };
        for own in extensions.iter().filter_map(|of| self.extensions.get(of)) {
            let open = own.within(later).filter_map(|leg| self.of_leg(leg));
            let bundled = own.bundled_within(later).into_iter().flat_map(|nth| self.bundled(nth));
            let all = open.chain(bundled).filter(|it| of_any(it) && !it.is_over(at));
            found.extend(all.map(|it| (it.id, it)));
        }
        found.into_values().collect()
    }

    /// The conversations of a cluster that was put away.
    fn bundled(&self, nth: Nth) -> Vec<Arc<Conversation>> {
        // Nothing of it goes on, so it is the same at any later time.
        let grouping = group(&self.bundles.open(nth).cluster(), &self.rules, Micros::MAX);
        grouping.conversations.into_iter().map(Arc::new).collect()
    }

    /// The figures of a window, as it stands now.
    pub(crate) fn figures(&mut self, name: WindowName, window: Window) -> &Figures {
        let total = match self.totals.take(name) {
            // Time may be told to go back by a clock that is set.
            Some(total) if total.window.from <= window.from && total.window.to <= window.to => {
                self.moved(total, window)
            }
            _ => self.counted(window),
        };
        self.totals.put(name, total)
    }

    /// The figures of a window that went on with the time: what it left is counted out.
    fn moved(&self, mut total: Total, window: Window) -> Total {
        let (was, membership) = (total.window, self.totals.membership());
        if was == window {
            return total;
        }
        if window.from >= was.to {
            return self.counted(window);
        }
        let left = self.within(Window { from: was.from, to: window.from });
        left.for_each(|it| total.count(Turn::Goes, &it, membership, &self.rules));
        let is_other = was.from != window.from;
        if is_other {
            total.figures.forget_carried();
        }
        total.window = window;
        if is_other {
            self.going_on(window.from).for_each(|it| total.count(Turn::Comes, &it, membership, &self.rules));
        }
        let come = self.within(Window { from: was.to, to: window.to });
        come.for_each(|it| total.count(Turn::Comes, &it, membership, &self.rules));
        if total.figures.is_lost() { self.counted(window) } else { total }
    }

    fn counted(&self, window: Window) -> Total {
        let mut total = Total { window, ..Total::default() };
        let all = self.going_on(window.from).chain(self.within(window));
        all.for_each(|it| total.count(Turn::Comes, &it, self.totals.membership(), &self.rules));
        total
    }

    /// The conversations of a window that nobody can be sure of.
    pub(crate) fn odd(&self, window: Window) -> impl Iterator<Item = &Odd> {
        self.oddities.within(window)
    }

    /// The extensions that had a leg, in their order.
    pub(crate) fn extensions(&self) -> impl Iterator<Item = &Extension> {
        self.extensions.keys()
    }

    /// Whether an extension had a leg.
    pub(crate) fn has_had(&self, extension: &Extension) -> bool {
        self.extensions.contains_key(extension)
    }

    /// What the tile of an extension shows.
    pub(crate) fn tile(&self, of: &Extension, now: Micros) -> Tile {
        let Some(own) = self.extensions.get(of) else { return Tile::default() };
        let mut tile = Tile::at(&self.tile_legs(own.at(now)), now);
        if tile.state == TileState::NoCall {
            tile.since = tile.since.max(own.last_end);
        }
        tile
    }

    /// How long an extension was in which state in a window, without what goes on now: that is the tile's to say.
    pub(crate) fn time(&self, of: &Extension, window: Window, now: Micros) -> TimeOnCalls {
        let Some(own) = self.extensions.get(of) else { return TimeOnCalls::default() };
        let until = running_since(&self.tile_legs(own.at(now)), now).unwrap_or(now).min(window.to);
        let window = Window { to: until.max(window.from), ..window };
        let mut sum = TimeOnCalls::default();
        for cell in window.cells() {
            let is_whole = cell.to - cell.from == CELL;
            if let Some(known) = own.times.lock().get(&cell.from).filter(|_| is_whole) {
                sum.add(known);
                continue;
            }
            let time = self.time_of(own, of, cell);
            if is_whole {
                own.times.lock().insert(cell.from, time);
            }
            sum.add(&time);
        }
        sum
    }

    fn time_of(&self, own: &OwnLegs, of: &Extension, window: Window) -> TimeOnCalls {
        let bundled = own.bundled_within(window).into_iter().flat_map(|nth| self.bundles.open(nth).legs);
        let bundled: Vec<Bundled> = bundled.filter(|(fact, _)| fact.key.extension == *of).collect();
        let mut legs = self.tile_legs(own.within(window));
        legs.extend(bundled.iter().map(tile_leg));
        TimeOnCalls::of(&legs, window.from, window.to)
    }

    /// The name that was shown last of an extension, where one was.
    pub(crate) fn name(&self, of: &Extension) -> Option<&Arc<str>> {
        self.names.get(of)
    }

    /// The names that were shown last of extensions.
    pub(crate) fn names(&self) -> impl Iterator<Item = (&Extension, &Arc<str>)> {
        self.names.all()
    }

    fn tile_legs<'a>(&'a self, legs: impl Iterator<Item = &'a LegKey>) -> Vec<TileLeg<'a>> {
        let leg = |key: &LegKey| {
            if let Some(ghost) = self.ghosts.get(key) {
                return Some(tile_leg(&ghost.leg));
            }
            let clamp = self.clamps.get(key).copied();
            Some(TileLeg { fact: self.facts.get(key)?, clamp })
        };
        legs.filter_map(leg).collect()
    }
}
