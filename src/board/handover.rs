//! Transfers within a conversation, and how long the caller was with nobody for them.

use super::{cluster_leg::ClusterLeg, joins::Joins, rules::Rule};
use crate::{clock::Micros, id::Extension};
use serde::Serialize;

/// A caller who was handed from one colleague to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) struct Handover {
    #[cfg_attr(test, ts(inline))]
    pub(crate) kind: HandoverKind,
    pub(crate) from: Extension,
    /// Who took it; where nobody did, who rang first.
    pub(crate) to: Extension,
    /// When the caller came on the receiver's line or, of a blind transfer, left the transferor's; of one that was only
    /// asked about, when the receiver's telephone rang.
    #[cfg_attr(test, ts(type = "number"))]
    pub(crate) at: Micros,
    /// None while it rings.
    #[cfg_attr(test, ts(inline))]
    pub(crate) result: Option<HandoverResult>,
    /// From the hold or the hangup of the transferor to the receiver's answer, of a blind one that was answered.
    #[serde(skip)]
    pub(crate) limbo: Option<Micros>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) enum HandoverKind {
    Blind,
    Attended,
}

/// What became of a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) enum HandoverResult {
    Completed,
    /// The colleague was asked, and the caller was not put through.
    Consulted,
    Unanswered,
}

/// The transfers among the legs of one conversation, in the order of their times.
pub(super) fn handovers(members: &[ClusterLeg<'_>], joins: &Joins<'_>, legs: &[usize]) -> Vec<Handover> {
    let attended = legs.iter().filter_map(|leg| attended(members, joins, *leg));
    let rang =
        |root| legs.iter().filter(move |leg| joins.rings.root(**leg) == root).map(|leg| &members[*leg]);
    let ring_sets = legs.iter().filter(|leg| joins.rings.root(**leg) == **leg);
    let entries = ring_sets.filter_map(|root| Some((*root, joins.entries.get(root)?)));
    let blind = entries
        .filter(|(_, entry)| entry.rule == Rule::Blind)
        .map(|(root, entry)| blind(&members[entry.from], &rang(root).collect::<Vec<_>>()));
    let mut handovers: Vec<Handover> = attended.chain(blind.flatten()).collect();
    handovers.sort_by(|one, other| (one.at, &one.from, &one.to).cmp(&(other.at, &other.from, &other.to)));
    handovers
}

fn attended(members: &[ClusterLeg<'_>], joins: &Joins<'_>, receiver: usize) -> Option<Handover> {
    let from = members[joins.from[receiver]?].fact;
    let to = members[receiver].fact;
    let completed_at = to.transfer.as_ref()?.completed_at;
    Some(Handover {
        kind: HandoverKind::Attended,
        from: from.key.extension.clone(),
        to: to.key.extension.clone(),
        at: completed_at.unwrap_or(to.start),
        result: Some(if completed_at.is_some() {
            HandoverResult::Completed
        } else {
            HandoverResult::Consulted
        }),
        limbo: None,
    })
}

fn blind(from: &ClusterLeg<'_>, rang: &[&ClusterLeg<'_>]) -> Option<Handover> {
    let left = from.answered_end?;
    let taker = rang
        .iter()
        .filter(|it| it.fact.is_answered())
        .min_by_key(|it| it.fact.answer.unwrap_or(it.fact.reach));
    let is_over = rang.iter().all(|it| !it.fact.is_live());
    let answer = taker.and_then(|it| it.fact.answer);
    // Whoever was held while being handed over was with nobody since then.
    let alone = from.fact.spans.last().filter(|_| from.fact.held_at_end).map_or(left, |span| span.from);
    Some(Handover {
        kind: HandoverKind::Blind,
        from: from.fact.key.extension.clone(),
        to: taker.or(rang.first())?.fact.key.extension.clone(),
        at: left,
        result: match taker {
            Some(_) => Some(HandoverResult::Completed),
            None => is_over.then_some(HandoverResult::Unanswered),
        },
        limbo: answer.map(|answer| answer.saturating_sub(alone)),
    })
}
