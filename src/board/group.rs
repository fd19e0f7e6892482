//! One cluster of facts to conversations. A pure function of the facts and of the time in whole seconds, whatever order
//! the facts came in.

use super::{
    BoardRules, SECOND,
    clamp::{Clamp, Clamps, earlier},
    cluster_leg::ClusterLeg,
    conversation::{Conversation, ConversationId, Doubt, Joined},
    fact::LegKey,
    facts::Cluster,
    joins::Joins,
    rules::{Certainty, candidates},
};
use crate::clock::Micros;

/// What the legs of a cluster make together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Grouping {
    /// In the order of their first legs.
    pub(crate) conversations: Vec<Conversation>,
    /// Legs that the board takes for over though no event says so.
    pub(crate) clamps: Vec<(LegKey, Clamp)>,
    /// When the same facts make something else, in whole seconds.
    pub(crate) again_at: Option<Micros>,
    /// How many pairs of legs were compared.
    pub(crate) steps: usize,
}

/// Groups the legs of one cluster.
pub(crate) fn group(cluster: &Cluster, rules: &BoardRules, now: Micros) -> Grouping {
    let now = now - now % SECOND;
    let members = ClusterLeg::all(cluster.legs.iter());
    let (edges, steps) = if cluster.capped { (Vec::new(), 0) } else { candidates(&members) };
    let joins = Joins::of(&members, &edges);
    let clamps = Clamps::of(&members, &joins, now);
    let joined =
        Joined { members: &members, joins: &joins, clamps: &clamps, rules, now, capped: cluster.capped };
    let mut again_at = clamps.again_at;
    let mut conversations = Vec::new();
    for legs in joins.conversations() {
        let (conversation, again) = joined.conversation(&legs);
        again_at = earlier(again_at, again);
        conversations.push(conversation);
    }
    tell_doubts(&mut conversations, &members, &joins, &joins.doubts(&edges));
    let clamped = members.iter().zip(&clamps.of);
    Grouping {
        conversations,
        clamps: clamped.filter_map(|(leg, clamp)| Some((leg.fact.key.clone(), (*clamp)?))).collect(),
        again_at: again_at.map(|at| at.div_ceil(SECOND) * SECOND),
        steps,
    }
}

/// Says of each leg in doubt where it may belong, and of its conversation that it is not certain.
fn tell_doubts(
    conversations: &mut [Conversation],
    members: &[ClusterLeg<'_>],
    joins: &Joins<'_>,
    doubts: &[(usize, usize)],
) {
    let id = |leg: usize| ConversationId::of(members[leg].fact);
    for &(leg, other) in doubts {
        let (here, elsewhere) = (id(joins.root(leg)), id(other));
        let Some(conversation) = conversations.iter_mut().find(|it| it.id == here) else { continue };
        conversation.certainty = Certainty::Low;
        let key = &members[leg].fact.key;
        match conversation.doubts.iter_mut().find(|doubt| doubt.leg == *key) {
            Some(doubt) if doubt.candidates.contains(&elsewhere) => {}
            Some(doubt) => doubt.candidates.push(elsewhere),
            None => conversation.doubts.push(Doubt { leg: key.clone(), candidates: vec![here, elsewhere] }),
        }
    }
}
