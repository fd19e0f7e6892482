//! A day in the centre, as it truly was: the calls, and the legs that they were made of. Times are in
//! microseconds from its beginning. Nothing here knows how events are written, or when they are sent.

use super::{deck::Sort, staff::Staff};
use crate::simulator::phone::Direction;
use std::ops::Range;

/// Microseconds from the beginning of the day.
pub(super) type At = u64;

/// All that happened.
pub(crate) struct Day {
    pub(super) staff: Staff,
    pub(super) calls: Vec<Call>,
    pub(super) legs: Vec<Leg>,
    /// Callers of two seeds have other numbers.
    pub(super) seed: u64,
}

/// Who is at an end of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    Member(u16),
    Outside {
        /// Counted through the day.
        caller: u32,
        is_withheld: bool,
    },
}

/// A conversation: what the one who calls knows of it.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) sort: Sort,
    /// Who calls: a member, or somebody outside.
    pub(super) from: Who,
    /// Whom a member calls.
    pub(super) to: Option<Who>,
    pub(super) began: At,
    pub(super) ended: At,
    /// Who answered first, and when.
    pub(super) answered: Option<(Who, At)>,
    pub(super) transfers: Vec<Handover>,
    /// The call of the same caller that nobody took.
    pub(super) repeats: Option<u32>,
    /// Its legs, in the list of all.
    pub(super) legs: Range<usize>,
}

/// A transfer, or what was to be one.
#[derive(Clone, Debug)]
pub(super) struct Handover {
    pub(super) kind: Transfer,
    pub(super) from: u16,
    pub(super) to: u16,
    /// When the caller was put on hold for it.
    pub(super) held: At,
    /// When the colleague answered.
    pub(super) answered: Option<At>,
    /// When the caller and the colleague were on the line together.
    pub(super) completed: Option<At>,
    pub(super) end: HandoverEnd,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transfer {
    Blind,
    Attended,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HandoverEnd {
    Completed,
    /// The colleague answered, and did not take it.
    Declined,
    /// The colleague did not answer.
    Unanswered,
    /// The colleague did not answer, and it went back to whoever transferred it.
    Returned,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Ringing,
    Active,
    Held,
    Hangup,
    Summary,
}

/// A member's part of a call.
#[derive(Clone, Debug)]
pub(super) struct Leg {
    pub(super) member: u16,
    pub(super) direction: Direction,
    pub(super) remote: Who,
    /// On the receiver's side of an attended transfer.
    pub(super) announced: Option<Announced>,
    /// Whether the one who calls, or is called, is on it; otherwise two colleagues consult.
    pub(super) is_of_caller: bool,
    pub(super) phases: Vec<Phase>,
    /// When the phone left the call, if its events say another time.
    pub(super) left: Option<At>,
    pub(super) disturbed: Disturbed,
}

/// Whom a receiver is to take over.
#[derive(Clone, Copy, Debug)]
pub(super) struct Announced {
    pub(super) caller: Who,
    /// The phase at which that caller came on the line.
    pub(super) since: Option<usize>,
}

/// An event of a leg.
#[derive(Clone, Debug)]
pub(super) struct Phase {
    pub(super) state: State,
    pub(super) at: At,
    /// When it is sent.
    pub(super) sent: At,
    /// When it is sent once more.
    pub(super) again: Option<At>,
    /// Its place among all; of those that are sent at the same time, the lower is first.
    pub(super) order: u32,
    pub(super) is_lost: bool,
}

/// What befell the events of a leg.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Disturbed {
    pub(super) is_late: bool,
    pub(super) is_twice: bool,
    pub(super) has_no_hangup: bool,
}

impl Leg {
    /// Whom the member talks to in the end.
    pub(super) fn customer(&self) -> Who {
        match self.announced {
            Some(Announced { caller, since: Some(_) }) => caller,
            _ => self.remote,
        }
    }

    /// When it first was in a state.
    pub(super) fn at(&self, state: State) -> Option<At> {
        self.phases.iter().find(|phase| phase.state == state).map(|phase| phase.at)
    }

    /// When it was in a state, from and until, by its events.
    pub(super) fn spans(&self, state: State) -> impl Iterator<Item = (At, At)> {
        self.spans_from(state, 0)
    }

    /// The same, while the caller was on it.
    pub(super) fn spans_of_caller(&self, state: State) -> impl Iterator<Item = (At, At)> {
        let since = match &self.announced {
            Some(announced) => announced.since,
            None => self.is_of_caller.then_some(0),
        };
        self.spans_from(state, since.unwrap_or(self.phases.len()))
    }

    fn spans_from(&self, state: State, since: usize) -> impl Iterator<Item = (At, At)> {
        let pairs = self.phases[since..].windows(2);
        pairs.filter(move |pair| pair[0].state == state).map(|pair| (pair[0].at, pair[1].at))
    }
}

impl Day {
    pub(super) fn is_told(&self, leg: &Leg) -> bool {
        self.staff.member(leg.member).is_integrated
    }
}
