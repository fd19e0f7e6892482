//! What a board computes of legs, without the engine that keeps them and the frames that carry it.

use super::{RULES, parse_as_telsmart};
use crate::{
    board::{
        AgentTally, BoardRules, Conversation, Facts, Figures, Grouping, Hour, LegFact, LegKey, Membership,
        Now, ShownConversation, Tile, TileLeg, TimeOnCalls, WindowName, Zone, group, tell_replaced,
    },
    call::Leg,
    clock::Micros,
    id::{Extension, ItemKey},
    item::{self, ItemEvent},
    source::Received,
};
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

/// The legs of some events, as a board knows them.
pub struct BoardLegs {
    legs: Vec<(ItemKey, Leg)>,
    facts: Facts,
    zone: Zone,
    rules: BoardRules,
}

impl BoardLegs {
    /// Parses bodies, a line each, of whatever legs; none without the zone.
    pub fn lines(bodies: &str, zone: &str) -> Option<Self> {
        let mut legs: HashMap<ItemKey, Leg> = HashMap::new();
        for received in bodies.lines().filter_map(parse_as_telsmart).flatten() {
            if let Received::Item(ItemEvent { key, event: item::Event::Call(event) }) = received {
                legs.entry(key).or_default().add(event);
            }
        }
        let mut board = Self {
            legs: legs.into_iter().collect(),
            facts: Facts::default(),
            zone: Zone::named(zone)?,
            rules: BoardRules::default(),
        };
        for nth in 0..board.legs.len() {
            board.facts.take(board.fact(nth)?);
        }
        Some(board)
    }

    fn fact(&self, nth: usize) -> Option<Arc<LegFact>> {
        let (key, leg) = self.legs.get(nth)?;
        LegFact::of(key, leg, &RULES).map(Arc::new)
    }

    /// What a change of one leg costs: its fact, what that touches, and the conversations of that. The leg is told
    /// again to facts that know it less far. Gives how many conversations.
    pub fn update(&mut self, nth: usize, now: Micros) -> usize {
        let Some(fact) = self.fact(nth) else { return 0 };
        let later = Arc::new(LegFact {
            version: self.facts.get(&fact.key).map_or(0, |known| known.version) + 1,
            ..Arc::unwrap_or_clone(fact)
        });
        let touched = self.facts.take(later).map(|news| self.facts.touched(&news)).unwrap_or_default();
        touched.iter().map(|cluster| group(cluster, &self.rules, now).conversations.len()).sum()
    }

    /// Groups the cluster of a leg; gives how many pairs of legs were compared.
    pub fn group(&self, nth: usize, now: Micros) -> usize {
        let Some((key, _)) = self.legs.get(nth) else { return 0 };
        let (extension, name) = (key.extension.clone(), key.name.clone());
        let key = LegKey { extension, id: name.id, source: name.source };
        self.grouping(&key, now).map_or(0, |grouping| grouping.steps)
    }

    fn grouping(&self, key: &LegKey, now: Micros) -> Option<Grouping> {
        Some(group(&self.facts.cluster(key)?, &self.rules, now))
    }

    fn conversations(&self, now: Micros) -> Vec<Conversation> {
        let groupings = self.facts.clusters().into_iter().map(|it| group(&it, &self.rules, now));
        groupings.flat_map(|grouping| grouping.conversations).collect()
    }

    /// The chart of today, cell by cell, added up by the hour, and what the last minutes came to; gives how many were
    /// offered in all of them.
    pub fn chart(&self, now: Micros) -> u64 {
        let (conversations, none) = (self.conversations(now), Membership::new());
        let of = |window| Figures::of(&conversations, window, &none, &self.rules, now);
        let today = WindowName::Today.at(now, &self.zone);
        let mut hours: Vec<(Hour, Figures)> =
            self.zone.hours(today).into_iter().map(|hour| (hour, Figures::default())).collect();
        for cell in today.cells() {
            if let Some((_, figures)) = hours.iter_mut().rfind(|(hour, _)| hour.from <= cell.from) {
                figures.merge(&of(cell));
            }
        }
        let labelled = hours.iter().filter(|(hour, _)| !hour.label.is_empty());
        let charted: u64 = labelled.map(|(_, figures)| figures.tenant.offered).sum();
        let lately = WindowName::ALL.map(|name| of(name.at(now, &self.zone)).tenant.offered);
        charted + lately.iter().sum::<u64>()
    }

    /// All that a board shows of the legs, today, as JSON; gives its length.
    pub fn show(&self, now: Micros) -> usize {
        let clusters = self.facts.clusters();
        let groupings: Vec<Grouping> = clusters.iter().map(|it| group(it, &self.rules, now)).collect();
        let mut conversations: Vec<_> =
            groupings.iter().flat_map(|it| it.conversations.iter().cloned()).collect();
        let standing = conversations.iter().map(|it| it.id).collect();
        tell_replaced(&conversations.clone(), &mut conversations, &standing, now);
        let clamps: HashMap<_, _> = groupings.iter().flat_map(|it| it.clamps.iter().cloned()).collect();
        let mut tiles: BTreeMap<&Extension, Vec<TileLeg<'_>>> = BTreeMap::new();
        for fact in clusters.iter().flat_map(|cluster| &cluster.legs) {
            let clamp = clamps.get(&fact.key).copied();
            tiles.entry(&fact.key.extension).or_default().push(TileLeg { fact, clamp });
        }
        let window = WindowName::Today.at(now, &self.zone);
        let figures = Figures::of(&conversations, window, &Membership::new(), &self.rules, now);
        let shown: Vec<Tile> = tiles.values().map(|legs| Tile::at(legs, now)).collect();
        let of_extensions: Vec<_> = tiles
            .iter()
            .map(|(extension, legs)| {
                let tally = figures.extensions.get(*extension).copied();
                let time = TimeOnCalls::of(legs, window.from, window.to.min(now));
                tally.unwrap_or_else(AgentTally::default).values(&time, None)
            })
            .collect();
        let tenant = self.legs.first().map(|(key, _)| &key.tenant);
        let told = conversations.iter().zip(tenant.into_iter().cycle());
        let told: Vec<_> = told.map(|(it, tenant)| ShownConversation::of(it, tenant, None, None)).collect();
        let now = Now::of(&conversations, &shown);
        serde_json::to_string(&(told, figures.tenant.values(), of_extensions, now))
            .map_or(0, |json| json.len())
    }
}
