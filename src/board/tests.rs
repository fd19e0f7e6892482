//! The core of the board on recorded and on invented legs. The events of a leg make its fact, as they do outside tests.

mod days;
mod figures;
mod fixtures;
mod grouping;
mod ledger;
mod orders;
mod windows;

use super::{
    BoardRules, Conversation, Facts, Figures, Grouping, Ledger, LegFact, Membership, Prepared, SECOND,
    TileLeg,
    facts::Cluster,
    group, tell_replaced,
    window::{CELL, Window},
};
use crate::{
    call::{Direction, Event, Leg, Numbers, Party, Phase, Rules, Sides, What},
    clock::Micros,
    id::{Extension, ItemKey, ItemName, Kind},
    number::Plan,
};
use std::{sync::Arc, time::Duration};

const RULES: Rules = Rules {
    ringing_stale_after: Duration::from_secs(180),
    active_stale_after: Duration::from_secs(4 * 3600),
};
const MINUTE: Micros = 60 * SECOND;
/// A quiet moment, at the turn of a quarter hour: 2025-12-08 16:00 UTC.
const T0: Micros = 1_765_209_600 * SECOND;
const CALLER: &str = "+3228992675";

fn key(extension: &str, id: &str) -> ItemKey {
    let (tenant, extension) = ("t".try_into().unwrap(), extension.try_into().unwrap());
    ItemKey { tenant, extension, kind: Kind::Call, name: ItemName::of(id) }
}

fn fact(key: &ItemKey, events: impl IntoIterator<Item = Event>) -> LegFact {
    let mut leg = Leg::default();
    for event in events {
        leg.add(event);
    }
    LegFact::of(key, &leg, &RULES).unwrap()
}

/// The story of an invented leg; times are in milliseconds after `T0`.
#[derive(Clone, Debug)]
struct Story {
    key: ItemKey,
    direction: Direction,
    remote: String,
    line: Option<String>,
    transfer_of: Option<String>,
    events: Vec<Event>,
}

impl Story {
    fn inbound(extension: &str, id: &str, remote: &str) -> Self {
        Self {
            key: key(extension, id),
            direction: Direction::Inbound,
            remote: remote.to_owned(),
            line: None,
            transfer_of: None,
            events: Vec::new(),
        }
    }

    fn outbound(extension: &str, id: &str, remote: &str) -> Self {
        Self { direction: Direction::Outbound, ..Self::inbound(extension, id, remote) }
    }

    fn of_source(mut self, source: &str) -> Self {
        self.key.name.source = source.try_into().unwrap();
        self
    }

    /// From here on the other side is another.
    fn with(mut self, remote: &str) -> Self {
        self.remote = remote.to_owned();
        self.transfer_of = None;
        self
    }

    fn transfer_of(mut self, number: &str) -> Self {
        self.transfer_of = Some(number.to_owned());
        self
    }

    fn on_line(mut self, line: &str) -> Self {
        self.line = Some(line.to_owned());
        self
    }

    fn phase(mut self, phase: Phase, at: Micros) -> Self {
        let plan = Plan::default();
        let own = self.line.as_deref().unwrap_or(self.key.extension.as_str());
        let sides = Sides {
            direction: self.direction,
            internal: plan.is_internal(&self.remote),
            remote: Party::new(&self.remote, "", &plan),
            local: Party::new(own, "", &plan),
            transfer_of: self.transfer_of.as_deref().map(Into::into),
            numbers: Numbers::default(),
        };
        let sides = Arc::new(sides.numbered(&plan));
        self.events.push(Event::new(T0 + at * 1000, What::Phase { phase, sides }));
        self
    }

    fn ring(self, at: Micros) -> Self {
        self.phase(Phase::Ringing, at)
    }

    fn answer(self, at: Micros) -> Self {
        self.phase(Phase::Active, at)
    }

    fn hold(self, at: Micros) -> Self {
        self.phase(Phase::Held, at)
    }

    fn hangup(self, at: Micros) -> Self {
        self.phase(Phase::Hangup, at)
    }

    /// Nothing came for twelve hours after the last event.
    fn expire(mut self) -> Self {
        let after = self.events.last().unwrap().at;
        self.events.push(Event::new(after + 12 * 60 * MINUTE, What::Expired { after }));
        self
    }

    fn wrap_up(mut self, at: Micros) -> Self {
        let what = What::WrapUp { disposition: None, note: "a".into(), by: "agent".into() };
        self.events.push(Event::new(T0 + at * 1000, what));
        self
    }

    fn fact(&self) -> LegFact {
        fact(&self.key, self.events.iter().cloned())
    }
}

fn ms(at: Micros) -> Micros {
    T0 + at * 1000
}

fn facts<'a>(stories: impl IntoIterator<Item = &'a Story>) -> Facts {
    let mut facts = Facts::default();
    for story in stories {
        facts.take(Arc::new(story.fact()));
    }
    facts
}

/// Tells conversations which ids they had before, where no others stand.
fn tell_among_themselves(before: &[Conversation], after: &mut [Conversation], now: Micros) {
    let standing = after.iter().map(|it| it.id).collect();
    tell_replaced(before, after, &standing, now);
}

/// Lets a ledger take facts.
fn take(ledger: &mut Ledger, facts: impl IntoIterator<Item = LegFact>, now: Micros) {
    ledger.take(Prepared::of(facts, &BoardRules::default(), now), now);
}

/// All that facts come to at a time.
fn group_all(facts: &Facts, now: Micros) -> Grouping {
    let mut all = Grouping { conversations: Vec::new(), clamps: Vec::new(), again_at: None, steps: 0 };
    for cluster in facts.clusters() {
        let grouping = group(&cluster, &BoardRules::default(), now);
        all.conversations.extend(grouping.conversations);
        all.clamps.extend(grouping.clamps);
        all.again_at = all.again_at.into_iter().chain(grouping.again_at).min();
        all.steps += grouping.steps;
    }
    all
}

fn grouped(stories: &[Story], now: Micros) -> Vec<Conversation> {
    group_all(&facts(stories), now).conversations
}

/// The only conversation of these.
fn single(stories: &[Story], now: Micros) -> Conversation {
    let [conversation] = <[Conversation; 1]>::try_from(grouped(stories, now)).unwrap();
    conversation
}

/// The extensions of the legs of each.
fn extensions(conversations: &[Conversation]) -> Vec<Vec<&str>> {
    conversations.iter().map(|it| it.legs.iter().map(|leg| leg.key.extension.as_str()).collect()).collect()
}

/// The day around the stories.
fn day() -> Window {
    Window { from: T0 - 12 * 4 * CELL, to: T0 + 12 * 4 * CELL }
}

fn figures_of(conversations: &[Conversation], now: Micros) -> Figures {
    Figures::of(conversations, day(), &Membership::new(), &BoardRules::default(), now)
}

/// The legs of an extension among facts, with what the grouping clamps.
fn tile_legs<'a>(facts: &'a [Arc<LegFact>], grouping: &Grouping, extension: &str) -> Vec<TileLeg<'a>> {
    let clamp =
        |fact: &LegFact| grouping.clamps.iter().find(|(key, _)| *key == fact.key).map(|(_, clamp)| *clamp);
    let own = facts.iter().filter(|fact| fact.key.extension.as_str() == extension);
    own.map(|fact| TileLeg { fact, clamp: clamp(fact) }).collect()
}

fn all_facts(facts: &Facts) -> Vec<Arc<LegFact>> {
    facts.clusters().into_iter().flat_map(|cluster: Cluster| cluster.legs).collect()
}

fn extension(name: &str) -> Extension {
    name.try_into().unwrap()
}
