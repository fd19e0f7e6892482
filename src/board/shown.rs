//! A conversation as it is shown: durations in whole milliseconds, cut off.

use super::{
    conversation::{Basis, Conversation, ConversationId},
    figures::shown,
    handover::Handover,
    outcome::{ConversationKind, ConversationOutcome},
    rules::{Certainty, Rule},
};
use crate::{
    clock::Micros,
    id::{Extension, ItemId, SourceName, TenantId},
};
use serde::Serialize;
use std::ops::Not;

/// What a list of conversations and their frame carry.
#[derive(Debug, Serialize)]
pub(crate) struct ShownConversation<'a> {
    conversation_id: ConversationId,
    tenant_id: &'a TenantId,
    source: &'a SourceName,
    kind: ConversationKind,
    outcome: ConversationOutcome,
    basis: Basis,
    rules: &'a [Rule],
    certainty: Certainty,
    ambiguous: bool,
    /// There were too many legs around it for any inference.
    #[serde(skip_serializing_if = "Not::not")]
    capped: bool,
    /// Where a leg may belong, of those of which that is open.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    doubts: Vec<ShownDoubt<'a>>,
    number: Option<&'a str>,
    name: Option<&'a str>,
    started_at: Micros,
    answered_at: Option<Micros>,
    ended_at: Option<Micros>,
    wait_ms: Option<u64>,
    /// What is finished; null where it is over and no stamp says when it was answered, or when it ended.
    talk_ms: Option<u64>,
    hold_ms: Option<u64>,
    limbo_ms: Option<u64>,
    answered_by: Option<&'a Extension>,
    talked: Vec<ShownTalk<'a>>,
    hops: usize,
    transfers: &'a [Handover],
    legs: Vec<ShownLeg<'a>>,
    replaces: Vec<ConversationId>,
    summary: bool,
}

#[derive(Debug, Serialize)]
struct ShownTalk<'a> {
    extension: &'a Extension,
    talk_ms: u64,
}

#[derive(Debug, Serialize)]
struct ShownLeg<'a> {
    extension: &'a Extension,
    leg_id: &'a ItemId,
}

#[derive(Debug, Serialize)]
struct ShownDoubt<'a> {
    #[serde(flatten)]
    leg: ShownLeg<'a>,
    candidates: &'a [ConversationId],
}

impl<'a> ShownConversation<'a> {
    pub(crate) fn of(conversation: &'a Conversation, tenant_id: &'a TenantId) -> Self {
        let it = conversation;
        let is_known = it.timed || it.end.is_none() || it.answered_by.is_none();
        let leg = |key: &'a super::LegKey| ShownLeg { extension: &key.extension, leg_id: &key.id };
        let talk =
            |(extension, talk): &'a (Extension, Micros)| ShownTalk { extension, talk_ms: shown(*talk) };
        let doubts = it.doubts.iter();
        Self {
            conversation_id: it.id,
            tenant_id,
            source: &it.source,
            kind: it.kind,
            outcome: it.outcome,
            basis: it.basis,
            rules: &it.rules,
            certainty: it.certainty,
            ambiguous: it.is_ambiguous(),
            capped: it.capped,
            doubts: doubts
                .map(|doubt| ShownDoubt { leg: leg(&doubt.leg), candidates: &doubt.candidates })
                .collect(),
            number: it.number.as_deref(),
            name: it.name.as_deref(),
            started_at: it.start,
            answered_at: it.answer,
            ended_at: it.end,
            wait_ms: it.wait.map(shown),
            talk_ms: is_known.then(|| shown(it.talk)),
            hold_ms: is_known.then(|| shown(it.hold)),
            limbo_ms: it.limbo.map(shown),
            answered_by: it.answered_by.as_ref(),
            talked: it.talked.iter().map(talk).collect(),
            hops: it.hops,
            transfers: &it.handovers,
            legs: it.legs.iter().map(|it| leg(&it.key)).collect(),
            replaces: it.replaces.iter().map(|it| it.id).collect(),
            summary: it.has_summary,
        }
    }
}
