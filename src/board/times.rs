//! How long a conversation was talked and held, and by whom.

use super::{
    cluster_leg::ClusterLeg,
    fact::SpanState,
    intervals::{Interval, shared, total, union},
    outcome::ConversationKind,
};
use crate::{clock::Micros, id::Extension};

/// How long the legs that count were in which state.
#[derive(Default)]
pub(super) struct Times {
    pub(super) talk: Micros,
    pub(super) hold: Micros,
    pub(super) talked_until_now: Micros,
    pub(super) talked: Vec<(Extension, Micros)>,
    pub(super) talking_since: Option<Micros>,
    pub(super) held_since: Option<Micros>,
}

impl Times {
    pub(super) fn of(
        kind: ConversationKind,
        counted: &[&ClusterLeg<'_>],
        talkers: &[&ClusterLeg<'_>],
        now: Micros,
    ) -> Self {
        let internal = kind == ConversationKind::Internal;
        let all = |state, now| -> Vec<Interval> {
            union(counted.iter().flat_map(|it| it.stretches(state, internal, now)).collect())
        };
        let (active, held) = (all(SpanState::Active, None), all(SpanState::Held, None));
        let running = |state| {
            let last = counted.iter().filter_map(|it| it.fact.spans.last());
            let wanted = last.filter(|span| span.to.is_none() && span.state == state);
            wanted.filter(|span| span.internal == internal).map(|span| span.from).min()
        };
        let talking_since = running(SpanState::Active);
        Self {
            talk: total(&active),
            hold: total(&held) - shared(&held, &active),
            talked_until_now: total(&all(SpanState::Active, Some(now))),
            talked: talked(kind, talkers),
            talking_since,
            held_since: running(SpanState::Held).filter(|_| talking_since.is_none()),
        }
    }
}

fn talked(kind: ConversationKind, counted: &[&ClusterLeg<'_>]) -> Vec<(Extension, Micros)> {
    let internal = kind == ConversationKind::Internal;
    let mut by_answer: Vec<(Micros, &ClusterLeg<'_>)> =
        counted.iter().filter_map(|it| Some((kind.answer(it.fact)?, *it))).collect();
    by_answer.sort_by(|(one, a), (other, b)| (one, &a.fact.key).cmp(&(other, &b.fact.key)));
    let mut talked: Vec<(Extension, Vec<Interval>)> = Vec::new();
    for (_, member) in by_answer {
        let stretches = member.stretches(SpanState::Active, internal, None);
        let extension = &member.fact.key.extension;
        match talked.iter_mut().find(|(known, _)| known == extension) {
            Some((_, all)) => all.extend(stretches),
            None => talked.push((extension.clone(), stretches)),
        }
    }
    talked.into_iter().map(|(extension, all)| (extension, total(&union(all)))).collect()
}
