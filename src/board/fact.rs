//! The fact of a leg: all that the board knows of it, and a pure function of its events.

use crate::{
    call::{Call, CallState, Direction, Leg, Outcome, Phase, Rules, Sides},
    clock::Micros,
    id::{Extension, ItemId, ItemKey, SourceName},
};
use std::{
    borrow::Borrow,
    cmp::Ordering,
    hash::{Hash, Hasher},
    sync::Arc,
};

/// A leg within its tenant. Legs that start at the same time are in this order.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct LegKey {
    pub(crate) extension: Extension,
    pub(crate) id: ItemId,
    pub(crate) source: SourceName,
}

/// A stretch of a leg in one state, with somebody of the tenant or of the outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) state: SpanState,
    /// The other side is an extension, in this span; it may become an outside number in the next.
    pub(crate) internal: bool,
    pub(crate) from: Micros,
    /// None while it goes on.
    pub(crate) to: Option<Micros>,
}

/// The states of a live leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SpanState {
    Ringing,
    Active,
    Held,
}

/// What says that a leg is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EndedBy {
    Hangup,
    /// A summary, which comes after the call: it was answered, and nobody knows when it ended.
    Summary,
    /// Nothing came for too long.
    Expired,
}

/// An attended transfer, as its receiver's leg says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TransferFact {
    /// The caller whom it is about; none where that number is withheld.
    pub(crate) original: Option<Arc<str>>,
    /// The extension that hands over.
    pub(crate) via: Option<Arc<str>>,
    pub(crate) completed_at: Option<Micros>,
}

/// What its user said of the call last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WrapUpFact {
    pub(crate) disposition: Option<Arc<str>>,
    pub(crate) at: Micros,
}

/// A leg, as far as the board needs it. Of two facts of one leg the one of the higher version counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LegFact {
    pub(crate) key: LegKey,
    pub(crate) version: u32,
    pub(crate) direction: Direction,
    /// The first phase, or the summary of a leg that has none.
    pub(crate) start: Micros,
    /// The first phase is ringing, so `start` is when it began.
    pub(crate) rang: bool,
    pub(crate) answer: Option<Micros>,
    /// The hangup; the last phase of a leg that ended otherwise, when it was last known to go on.
    pub(crate) end: Option<Micros>,
    pub(crate) ended_by: Option<EndedBy>,
    /// The state before the end is held.
    pub(crate) held_at_end: bool,
    /// In their order, without gaps. They end with the last phase where no hangup came.
    pub(crate) spans: Vec<Span>,
    /// The first span is with the outside.
    pub(crate) direct: bool,
    /// Some span is with the outside.
    pub(crate) external: bool,
    /// The outside number in its normal form; none where it is withheld, or nobody is outside.
    pub(crate) number: Option<Arc<str>>,
    /// The name of whoever is outside.
    pub(crate) name: Option<Arc<str>>,
    /// The extension on the other side, while that is one.
    pub(crate) peer: Option<Arc<str>>,
    /// The name of that one.
    pub(crate) peer_name: Option<Arc<str>>,
    /// The number that was called, where it is not the extension's own.
    pub(crate) line: Option<Arc<str>>,
    pub(crate) transfer: Option<TransferFact>,
    pub(crate) has_summary: bool,
    pub(crate) wrap_up: Option<WrapUpFact>,
    /// Until when it counts as going on without news: its hangup, or when its last state is to be unconfirmed.
    pub(crate) reach: Micros,
}

/// A fact that is found by its leg, and stands in the order of legs: a pointer, where a key would be a copy.
#[derive(Clone, Debug)]
pub(crate) struct ByLeg(pub(crate) Arc<LegFact>);

impl Borrow<LegKey> for ByLeg {
    fn borrow(&self) -> &LegKey {
        &self.0.key
    }
}

impl Hash for ByLeg {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.key.hash(state);
    }
}

impl PartialEq for ByLeg {
    fn eq(&self, other: &Self) -> bool {
        self.0.key == other.0.key
    }
}

impl Eq for ByLeg {}

impl PartialOrd for ByLeg {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ByLeg {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.key.cmp(&other.0.key)
    }
}

impl LegFact {
    /// The fact of a leg; none while no event says who is on it.
    pub(crate) fn of(key: &ItemKey, leg: &Leg, rules: &Rules) -> Option<Self> {
        let call = leg.fold(key, rules)?;
        let course = Course::of(leg);
        let sides = sides(leg);
        let outside = || sides.iter().filter(|sides| !sides.internal);
        let inside = sides.iter().find(|sides| sides.internal);
        let ended_by = call.ended_at.map(|_| course.ended_by(&call));
        let last = course.last.unwrap_or(call.started_at);
        let reach = match (ended_by, course.state) {
            (Some(EndedBy::Hangup), _) | (_, None) => last,
            (_, Some((state, since))) => rules.stale_at(state, since).unwrap_or(last).max(last),
        };
        let called = |it: &&Sides| text(it.local_number(), it.local.number.as_ref());
        let is_line = |called: &Arc<str>| **called != *key.extension.as_str();
        Some(Self {
            version: call.version,
            direction: call.direction,
            start: call.started_at,
            rang: course.rang,
            answer: call.answered_at,
            end: ended_by.map(|_| last),
            ended_by,
            held_at_end: ended_by.is_some() && matches!(course.state, Some((CallState::Held, _))),
            direct: sides.first().is_some_and(|sides| !sides.internal),
            external: outside().next().is_some(),
            number: outside().rev().find_map(|it| text(it.remote_number(), it.remote.number.as_ref())),
            name: call.remote.name.clone().filter(|_| !call.internal),
            peer: inside.and_then(|sides| text(sides.remote_number(), sides.remote.number.as_ref())),
            peer_name: inside.and_then(|sides| sides.remote.name.clone()),
            line: outside().find_map(|sides| called(sides).filter(is_line)),
            transfer: transfer(&call, leg),
            has_summary: call.summary.is_some(),
            wrap_up: call.wrap_up.map(|it| WrapUpFact { disposition: it.disposition, at: it.at }),
            spans: course.spans,
            reach,
            key: LegKey {
                extension: key.extension.clone(),
                id: key.name.id.clone(),
                source: key.name.source.clone(),
            },
        })
    }

    pub(crate) fn is_live(&self) -> bool {
        self.ended_by.is_none()
    }

    /// The last moment of it, as far as anybody knows.
    pub(super) fn until(&self) -> Micros {
        self.reach.max(self.start)
    }

    /// When it hung up, where it did.
    pub(crate) fn hangup(&self) -> Option<Micros> {
        self.end.filter(|_| self.ended_by == Some(EndedBy::Hangup))
    }

    /// Whether somebody talked on it, by its phases or by its summary.
    pub(crate) fn is_answered(&self) -> bool {
        self.answer.is_some() || self.ended_by == Some(EndedBy::Summary)
    }

    /// Since when somebody outside talks or is held on it: its answer, or when a transfer put them through.
    pub(crate) fn outside_answer(&self) -> Option<Micros> {
        if self.direct {
            return self.answer;
        }
        let talks = |span: &&Span| span.state == SpanState::Active && !span.internal;
        self.spans.iter().find(talks).map(|span| span.from)
    }

    /// Since when somebody outside is on it.
    pub(crate) fn outside_start(&self) -> Option<Micros> {
        if self.direct {
            return Some(self.start);
        }
        let completed = self.transfer.as_ref().and_then(|transfer| transfer.completed_at);
        completed.or_else(|| self.spans.iter().find(|span| !span.internal).map(|span| span.from))
    }
}

/// Who is on the leg, phase by phase until it hangs up; by its summary where it has no phase.
fn sides(leg: &Leg) -> Vec<&Sides> {
    let mut sides: Vec<&Sides> = Vec::new();
    for (_, phase, on_it) in leg.phases() {
        sides.push(on_it);
        if phase == Phase::Hangup {
            break;
        }
    }
    if sides.is_empty() {
        sides.extend(leg.events().iter().filter_map(|event| event.sides()).map(|sides| &**sides));
    }
    sides
}

/// The normal form, which is mostly the text itself and then not copied.
fn text(normal: Option<&str>, as_it_came: Option<&Arc<str>>) -> Option<Arc<str>> {
    let normal = normal?;
    Some(as_it_came.filter(|text| ***text == *normal).cloned().unwrap_or_else(|| normal.into()))
}

fn transfer(call: &Call, leg: &Leg) -> Option<TransferFact> {
    let transfer = call.transfer.as_ref()?;
    let says_it = |sides: &&Arc<Sides>| sides.transfer_of.as_ref() == Some(&transfer.original_number);
    let sides = leg.phases().map(|(_, _, sides)| sides).find(says_it)?;
    Some(TransferFact {
        original: text(sides.transfer_number(), sides.transfer_of.as_ref()),
        via: text(sides.remote_number(), sides.remote.number.as_ref()),
        completed_at: transfer.completed_at,
    })
}

/// What the phases say, one after the other, each with the side that was on the line then.
#[derive(Default)]
struct Course {
    spans: Vec<Span>,
    rang: bool,
    /// The last phase.
    last: Option<Micros>,
    /// The last state before a hangup, whoever was on the line.
    state: Option<(CallState, Micros)>,
    hung_up: bool,
}

impl Course {
    fn of(leg: &Leg) -> Self {
        let mut course = Self::default();
        for (at, phase, sides) in leg.phases() {
            course.enter(at, phase, sides.internal);
            if course.hung_up {
                break;
            }
        }
        if let Some(last) = course.last.filter(|_| !leg.is_live()) {
            course.close(last);
        }
        // There are many facts, and most change no more.
        course.spans.shrink_to_fit();
        course
    }

    fn enter(&mut self, at: Micros, phase: Phase, internal: bool) {
        self.rang |= self.last.is_none() && phase == Phase::Ringing;
        self.last = Some(at);
        let state = match phase {
            Phase::Ringing => SpanState::Ringing,
            Phase::Active => SpanState::Active,
            Phase::Held => SpanState::Held,
            Phase::Hangup => {
                self.hung_up = true;
                return;
            }
        };
        if self.state.is_none_or(|(before, _)| before != phase.state()) {
            self.state = Some((phase.state(), at));
        }
        if self.spans.last().is_some_and(|span| (span.state, span.internal) == (state, internal)) {
            return;
        }
        self.close(at);
        self.spans.push(Span { state, internal, from: at, to: None });
    }

    /// Ends the span that goes on; one without any time is none.
    fn close(&mut self, at: Micros) {
        match self.spans.last_mut() {
            Some(span) if span.from == at => _ = self.spans.pop(),
            Some(span) => span.to = Some(at),
            None => {}
        }
    }

    fn ended_by(&self, call: &Call) -> EndedBy {
        match call.outcome {
            _ if self.hung_up => EndedBy::Hangup,
            Some(Outcome::Expired) => EndedBy::Expired,
            _ => EndedBy::Summary,
        }
    }
}
