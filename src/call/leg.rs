//! A leg: a set of events, and the fold that makes a call of it.
//!
//! The fold looks at the set in its own order only, so whatever order the events
//! arrived in, and however often, the same set makes the same call.

use super::{
    Call, CallState, Content, Direction, Event, ItemKey, Micros, Outcome, Party, Phase, Sides, Summary,
    Transfer, TransferKind, What, WrapUp,
};
use crate::{
    config,
    event_set::{Added, EventSet, Identity, SetEvent},
};
use std::{sync::Arc, time::Duration};

/// After how long in one state a live call is shown as unconfirmed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub(crate) ringing_stale_after: Duration,
    pub(crate) active_stale_after: Duration,
}

/// The distinct events of one leg.
pub(crate) type Leg = EventSet<Event>;

impl Leg {
    /// Whether it still rings or goes on.
    pub(crate) fn is_live(&self) -> bool {
        let mut phases = self.phases().map(|(_, phase, _)| phase).peekable();
        phases.peek().is_some() && phases.all(|phase| phase != Phase::Hangup) && self.quiet_end().is_none()
    }

    /// The event by which its user says now that they closed the popup, and saw that version, or whichever there is: a
    /// new one, or that which said so already. A summary that may have come unseen is not closed by that.
    pub(crate) fn dismissal(&self, now: Micros, seen: Option<u32>) -> Event {
        let has_seen_all = seen.is_none_or(|seen| seen >= self.version());
        let summary = self.summarised_at().filter(|_| has_seen_all);
        let says_it =
            |event: &&Event| matches!(event.what, What::Dismissed { summary: seen } if seen >= summary);
        let known = self.events().iter().rev().find(says_it).cloned();
        known.unwrap_or_else(|| Event::new(now, What::Dismissed { summary }))
    }

    /// What people may look for in it: the note that its user left last, and what its latest summary says, as JSON.
    pub(crate) fn written(&self) -> (Option<Arc<str>>, Option<&str>) {
        let content = self.latest_summary().and_then(|(.., content)| content.text());
        (self.wrap_up().map(|wrap_up| wrap_up.note), content)
    }

    /// The timestamp of the latest summary.
    fn summarised_at(&self) -> Option<Micros> {
        self.latest_summary().map(|(at, ..)| at)
    }

    fn dismissed_at(&self) -> Option<Micros> {
        let dismissals = self.events().iter().filter(|event| matches!(event.what, What::Dismissed { .. }));
        dismissals.map(|event| event.at).max()
    }

    /// The event that ends this leg for want of news, `after` its last phase; none where it has no room, or no phase.
    pub(crate) fn expiry(&self, after: Duration) -> Option<Event> {
        let last = self.phases().next_back()?.0;
        let expired = Event::new(last + micros(after), What::Expired { after: last });
        (self.check(&expired) == Added::New).then_some(expired)
    }

    /// What the events make together; none where no event says who is on the leg.
    pub(crate) fn fold(&self, key: &ItemKey, rules: &Rules) -> Option<Call> {
        let mut talk = Talk::default();
        for (at, phase, sides) in self.phases() {
            talk.enter(at, phase, sides);
            if phase == Phase::Hangup {
                break;
            }
        }
        let end = talk.hangup().or_else(|| self.quiet_end());
        let opening = self.events().iter().find_map(|event| Some((event.at, event.sides()?)))?;
        let sides: &Sides = talk.sides.unwrap_or(opening.1);
        let since = end.map_or(talk.since, |end| end.at);
        let state = if end.is_some() { CallState::Ended } else { talk.state? };
        Some(Call {
            leg_id: key.name.id.clone(),
            source: key.name.source.clone(),
            tenant_id: key.tenant.clone(),
            extension: key.extension.clone(),
            version: self.version(),
            direction: opening.1.direction,
            internal: sides.internal,
            state,
            remote: self.named(&sides.remote, sides.remote_number()),
            local: self.named(&sides.local, sides.local_number()),
            transfer: talk.transfer.as_ref().map(|announced| self.transfer(announced)),
            started_at: talk.started_at.unwrap_or(opening.0),
            answered_at: talk.answered_at,
            since,
            ended_at: end.map(|end| end.at),
            updated_at: self.last_news().max(since),
            ring_ms: talk.spent[Phase::Ringing as usize] / 1000,
            talk_ms: talk.spent[Phase::Active as usize] / 1000,
            hold_ms: talk.spent[Phase::Held as usize] / 1000,
            outcome: end.map(|end| end.outcome.unwrap_or_else(|| talk.outcome(opening.1.direction))),
            stale_at: rules.stale_at(state, since),
            dismissed_at: self.dismissed_at(),
            summary: self.summary(),
            summary_seen: self.summarised_at().is_some_and(|at| self.has_seen(at)),
            wrap_up: self.wrap_up(),
        })
    }

    /// The same with all that its summary says, however long that is; none where there is no summary.
    pub(crate) fn fold_in_full(&self, key: &ItemKey, rules: &Rules) -> Option<Call> {
        let (.., content) = self.latest_summary()?;
        content.text()?;
        let mut call = self.fold(key, rules)?;
        let content = Some(content.clone());
        call.summary = call.summary.map(|summary| Box::new(Summary { content, more: false, ..*summary }));
        Some(call)
    }

    /// Which summary is the latest, where what it says is kept apart, and how long that is.
    pub(crate) fn apart(&self) -> Option<(Identity, usize)> {
        let is_summary = |event: &&Event| matches!(event.what, What::Summary { .. });
        let latest = self.events().iter().rev().find(is_summary)?;
        match latest.what {
            What::Summary { content: Content::Apart { bytes }, .. } => Some((latest.identity(), bytes)),
            _ => None,
        }
    }

    /// What a summary says that was kept apart.
    pub(crate) fn tell(&mut self, which: Identity, told: Content) {
        self.alter(which, |event| {
            if let What::Summary { content, .. } = &mut event.what {
                *content = told;
            }
        });
    }

    /// The phases in the order of the fold, without ringing that comes after an answer: clocks differ and
    /// devices repeat themselves, but an answered call does not ring again.
    pub(crate) fn phases(&self) -> impl DoubleEndedIterator<Item = (Micros, Phase, &Arc<Sides>)> {
        let is_answer = |event: &Event| matches!(event.what, What::Phase { phase: Phase::Active, .. });
        let answer = self.events().iter().position(is_answer).unwrap_or(self.events().len());
        self.events().iter().enumerate().filter_map(move |(at, event)| match &event.what {
            What::Phase { phase: Phase::Ringing, .. } if at > answer => None,
            What::Phase { phase, sides } => Some((event.at, *phase, sides)),
            _ => None,
        })
    }

    /// How a leg without a hangup is over all the same: a summary came, which providers send
    /// after the call, or it expired. A phase of a later timestamp takes either back.
    fn quiet_end(&self) -> Option<Ending> {
        let last = self.phases().next_back().map(|(at, ..)| at);
        let ends = self.events().iter().filter_map(|event| {
            let outcome = match event.what {
                What::Summary { .. } if last.is_none_or(|last| last < event.at) => Outcome::Answered,
                What::Expired { after } if last == Some(after) => Outcome::Expired,
                _ => return None,
            };
            Some(Ending { at: event.at, outcome: Some(outcome) })
        });
        ends.min_by_key(|end| end.outcome == Some(Outcome::Expired))
    }

    /// The latest timestamp of what the provider said.
    fn last_news(&self) -> Micros {
        let said = self.events().iter().filter(|event| event.sides().is_some());
        said.map(|event| event.at).next_back().unwrap_or_default()
    }

    /// The party with the latest name that any event knows for its number.
    fn named(&self, party: &Party, number: Option<&str>) -> Party {
        let sides = self.events().iter().rev().filter_map(Event::sides);
        let parties = sides
            .flat_map(|sides| [(&sides.remote, sides.remote_number()), (&sides.local, sides.local_number())]);
        let mut known = parties.filter(|(_, other)| *other == number && other.is_some());
        let name = known.find_map(|(side, _)| side.name.clone()).or_else(|| party.name.clone());
        Party { number: party.number.clone(), name }
    }

    fn transfer(&self, Announced { sides, number, completed_at }: &Announced<'_>) -> Transfer {
        Transfer {
            kind: TransferKind::Attended,
            original_number: (*number).clone(),
            via: self.named(&sides.remote, sides.remote_number()),
            completed_at: *completed_at,
        }
    }

    /// The latest summary, without a content that is too long for frames.
    fn summary(&self) -> Option<Box<Summary>> {
        let (reported_at, language, content) = self.latest_summary()?;
        let content = Some(content).filter(|content| content.is_told()).cloned();
        Some(Box::new(Summary { language: language.clone(), reported_at, more: content.is_none(), content }))
    }

    fn latest_summary(&self) -> Option<(Micros, &Arc<str>, &Content)> {
        self.events().iter().rev().find_map(|event| match &event.what {
            What::Summary { language, content, .. } => Some((event.at, language, content)),
            _ => None,
        })
    }

    /// Whether a dismissal saw the summary of that timestamp, or one after it.
    fn has_seen(&self, summary: Micros) -> bool {
        self.events().iter().any(|event| match event.what {
            What::Dismissed { summary: seen } => seen >= Some(summary),
            _ => false,
        })
    }

    /// The latest wrap-up, unless it takes back what was said.
    fn wrap_up(&self) -> Option<WrapUp> {
        let latest = self.events().iter().rev().find(|event| event.is_wrap_up())?;
        let What::WrapUp { disposition, note, by } = &latest.what else { return None };
        let says_something = disposition.is_some() || !note.is_empty();
        says_something.then(|| WrapUp {
            disposition: disposition.clone(),
            note: note.clone(),
            at: latest.at,
            by: by.clone(),
        })
    }
}

impl Announced<'_> {
    /// Whether it is the one that these sides announce by that text.
    fn is_of(&self, number: &str, sides: &Sides) -> bool {
        **self.number == *number || self.is_same(sides.transfer_number())
    }

    /// Whether the other side is now the caller whom it is about.
    fn is_with(&self, sides: &Sides) -> bool {
        sides.remote.number.as_ref() == Some(self.number) || self.is_same(sides.remote_number())
    }

    fn is_same(&self, number: Option<&str>) -> bool {
        number.is_some() && number == self.sides.transfer_number()
    }
}

impl Rules {
    /// As they are configured.
    pub(crate) fn new(calls: &config::Calls) -> Self {
        let config::Calls { ringing_stale_after, active_stale_after, .. } = *calls;
        Self { ringing_stale_after, active_stale_after }
    }

    /// When a call that is in a state since then is to be shown as unconfirmed.
    pub(crate) fn stale_at(&self, state: CallState, since: Micros) -> Option<Micros> {
        let after = match state {
            CallState::Ringing => self.ringing_stale_after,
            CallState::Active | CallState::Held => self.active_stale_after,
            CallState::Ended => return None,
        };
        Some(since + micros(after))
    }
}

/// When a leg ended; the outcome where it does not follow from the phases.
#[derive(Clone, Copy)]
struct Ending {
    at: Micros,
    outcome: Option<Outcome>,
}

/// A transfer as it was announced, and when it was complete.
struct Announced<'a> {
    sides: &'a Sides,
    number: &'a Arc<str>,
    completed_at: Option<Micros>,
}

/// What the phases say, one after the other.
#[derive(Default)]
struct Talk<'a> {
    state: Option<CallState>,
    since: Micros,
    sides: Option<&'a Sides>,
    transfer: Option<Announced<'a>>,
    started_at: Option<Micros>,
    answered_at: Option<Micros>,
    /// Finished microseconds by phase.
    spent: [u64; 3],
}

impl<'a> Talk<'a> {
    fn enter(&mut self, at: Micros, phase: Phase, sides: &'a Sides) {
        let state = phase.state();
        if self.state != Some(state) {
            if let Some(left) = self.state {
                self.spent[left as usize] += at - self.since;
            }
            (self.state, self.since) = (Some(state), at);
        }
        if phase == Phase::Active {
            self.answered_at.get_or_insert(at);
        }
        self.started_at.get_or_insert(at);
        self.sides = Some(sides);
        self.follow_transfer(at, phase, sides);
    }

    /// A transfer is announced by the original caller's number, and complete once that caller is
    /// the other side.
    fn follow_transfer(&mut self, at: Micros, phase: Phase, sides: &'a Sides) {
        match (&sides.transfer_of, &mut self.transfer) {
            (Some(number), known) if known.as_ref().is_none_or(|known| !known.is_of(number, sides)) => {
                *known = Some(Announced { sides, number, completed_at: None });
            }
            (None, Some(known)) if phase == Phase::Active && known.is_with(sides) => {
                known.completed_at.get_or_insert(at);
            }
            _ => {}
        }
    }

    fn hangup(&self) -> Option<Ending> {
        (self.state == Some(CallState::Ended)).then_some(Ending { at: self.since, outcome: None })
    }

    fn outcome(&self, direction: Direction) -> Outcome {
        match (self.answered_at, direction) {
            (Some(_), _) => Outcome::Answered,
            (None, Direction::Inbound) => Outcome::Missed,
            (None, Direction::Outbound) => Outcome::NoAnswer,
        }
    }
}

impl Phase {
    /// The state that a leg is in from then on.
    pub(crate) fn state(self) -> CallState {
        match self {
            Self::Ringing => CallState::Ringing,
            Self::Active => CallState::Active,
            Self::Held => CallState::Held,
            Self::Hangup => CallState::Ended,
        }
    }
}

fn micros(duration: Duration) -> Micros {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX / 4)
}

#[cfg(test)]
#[path = "leg/tests.rs"]
mod tests;
