//! Where the board believes a leg less long than its events say: the leg and its popup stay as they are.

use super::{SECOND, cluster_leg::ClusterLeg, joins::Joins, rules::TOGETHER};
use crate::clock::Micros;

/// From when on the board takes a leg for over, and why. Inferred, always.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Clamp {
    pub(crate) at: Micros,
    pub(crate) why: ClampRule,
}

/// Why a leg is taken for over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClampRule {
    /// Who handed a caller over is said to talk with the receiver still.
    ConsultTail,
    /// It rings on after the others of its group stopped: its hangup was lost.
    Ghost,
}

impl Clamp {
    pub(super) fn is_ghost(&self) -> bool {
        self.why == ClampRule::Ghost
    }
}

/// The transferor's leg with the caller ended so near to the transfer; else it is a conference.
const TRANSFER: Micros = 2 * SECOND;
/// How long after the others of its group a telephone may still ring.
const PATIENCE: Micros = 3 * SECOND;
/// Telephones that stop within it stop together.
const STOP: Micros = SECOND;

/// The clamps of a cluster, leg by leg, and when time alone makes another.
pub(super) struct Clamps {
    pub(super) of: Vec<Option<Clamp>>,
    pub(super) again_at: Option<Micros>,
}

impl Clamps {
    pub(super) fn of(members: &[ClusterLeg<'_>], joins: &Joins<'_>, now: Micros) -> Self {
        let mut clamps = Self { of: vec![None; members.len()], again_at: None };
        clamps.cut_consult_tails(members, joins);
        for ring_set in joins.rings.sets().iter().filter(|set| set.len() > 1) {
            clamps.find_ghosts(members, ring_set, now);
        }
        clamps
    }

    pub(super) fn is_ghost(&self, leg: usize) -> bool {
        self.of[leg].is_some_and(|clamp| clamp.is_ghost())
    }

    /// A receiver's transfer was complete at T, and its transferor's leg with the caller ended within T ± 2 s: their
    /// talk with each other ended at T.
    fn cut_consult_tails(&mut self, members: &[ClusterLeg<'_>], joins: &Joins<'_>) {
        for (receiver, from) in joins.from.iter().enumerate() {
            let (Some(from), Some(consult)) = (*from, joins.paired[receiver]) else { continue };
            let transfer = members[receiver].fact.transfer.as_ref();
            let (Some(at), Some(end)) =
                (transfer.and_then(|transfer| transfer.completed_at), members[from].fact.hangup())
            else {
                continue;
            };
            let is_transferors = !members[consult].is_elsewhere_than(&members[from]);
            let is_longer = members[consult].fact.end.is_none_or(|end| end > at);
            if is_transferors && is_longer && at.abs_diff(end) <= TRANSFER {
                self.of[consult] = Some(Clamp { at, why: ClampRule::ConsultTail });
            }
        }
    }

    fn find_ghosts(&mut self, members: &[ClusterLeg<'_>], ring_set: &[usize], now: Micros) {
        for &leg in ring_set {
            let ghost = members[leg].fact;
            let is_lost = members[leg].ring_end.is_none() && !ghost.is_answered();
            let Some(at) = is_lost.then(|| over_at(members, ring_set, leg)).flatten() else { continue };
            if !ghost.is_live() || now > at + PATIENCE {
                self.of[leg] = Some(Clamp { at, why: ClampRule::Ghost });
            } else {
                self.again_at = earlier(self.again_at, Some(at + PATIENCE + 1));
            }
        }
    }
}

/// When the others of its ring set say that it is over: one of them answered, or two that began with it stopped together.
/// One alone is not enough: a group that rings one after the other looks the same.
fn over_at(members: &[ClusterLeg<'_>], ring_set: &[usize], leg: usize) -> Option<Micros> {
    let others = || ring_set.iter().filter(|other| **other != leg).map(|other| &members[*other]);
    if let Some(answer) = others().filter_map(|other| other.fact.answer).min() {
        return Some(answer);
    }
    let start = members[leg].fact.start;
    let began_with_it = others().filter(|other| other.fact.start.abs_diff(start) <= TOGETHER);
    let mut ends: Vec<Micros> = began_with_it.filter_map(|other| other.unanswered_end).collect();
    ends.sort_unstable();
    ends.windows(2).filter(|pair| pair[1] - pair[0] <= STOP).map(|pair| pair[1]).next_back()
}

/// The earlier of two times.
pub(super) fn earlier(one: Option<Micros>, other: Option<Micros>) -> Option<Micros> {
    one.into_iter().chain(other).min()
}
