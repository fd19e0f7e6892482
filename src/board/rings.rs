//! Ring sets: the telephones that rang together for one caller, and how each of them stands in it.

use super::{clamp::Clamps, cluster_leg::ClusterLeg, rules::Rule};
use crate::{call::Direction, clock::Micros, id::Extension};

/// Telephones that rang together. Each hop of a hunt is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RingSet {
    /// Each extension once.
    pub(crate) members: Vec<(Extension, RingStand)>,
    /// By which rule the caller came here from elsewhere.
    pub(crate) entered: Option<Rule>,
}

/// How an extension stands in a ring set: `rang` is the sum of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum RingStand {
    /// It answered.
    Took,
    /// Another of the set answered: no miss of this one.
    Passed,
    /// Nobody answered, and this one rang for long enough.
    NotTaken,
    /// Nobody answered, and this one rang too short.
    Brief,
    /// Whether somebody answered is not known.
    Unknown,
    /// It is not over.
    Open,
}

impl RingSet {
    /// The ring set of these legs, which are all of one; none where no caller from outside came to them.
    pub(super) fn of(
        members: &[ClusterLeg<'_>],
        legs: &[usize],
        clamps: &Clamps,
        entered: Option<Rule>,
        short: Micros,
    ) -> Option<Self> {
        let is_called =
            |leg: &usize| members[*leg].fact.direct && members[*leg].fact.direction == Direction::Inbound;
        let legs: Vec<usize> = legs.iter().copied().filter(is_called).collect();
        let all = SetOutcome::of(members, &legs, clamps);
        let mut stands: Vec<(Extension, RingStand)> = Vec::with_capacity(legs.len());
        for leg in legs {
            let stand = all.stand(&members[leg], clamps.of[leg].map(|clamp| clamp.at), short);
            let extension = &members[leg].fact.key.extension;
            match stands.iter_mut().find(|(known, _)| known == extension) {
                Some((_, known)) => *known = stand.min(*known),
                None => stands.push((extension.clone(), stand)),
            }
        }
        (!stands.is_empty()).then_some(Self { members: stands, entered })
    }
}

/// What a ring set came to.
#[derive(PartialEq)]
enum SetOutcome {
    Answered,
    Open,
    Unknown,
    Unanswered,
}

impl SetOutcome {
    fn of(members: &[ClusterLeg<'_>], legs: &[usize], clamps: &Clamps) -> Self {
        let counted = || legs.iter().filter(|leg| !clamps.is_ghost(**leg)).map(|leg| members[*leg].fact);
        if counted().any(|fact| fact.is_answered()) {
            Self::Answered
        } else if counted().any(|fact| fact.is_live()) {
            Self::Open
        } else if counted().any(|fact| fact.hangup().is_none()) {
            Self::Unknown
        } else {
            Self::Unanswered
        }
    }

    fn stand(&self, member: &ClusterLeg<'_>, clamped: Option<Micros>, short: Micros) -> RingStand {
        let end = clamped.or(member.unanswered_end);
        match self {
            _ if member.fact.is_answered() => RingStand::Took,
            Self::Answered => RingStand::Passed,
            Self::Open => RingStand::Open,
            Self::Unknown => RingStand::Unknown,
            Self::Unanswered => match end.filter(|_| member.fact.rang) {
                Some(end) if end.saturating_sub(member.fact.start) >= short => RingStand::NotTaken,
                Some(_) => RingStand::Brief,
                None => RingStand::Unknown,
            },
        }
    }
}
