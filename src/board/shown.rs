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
#[cfg_attr(test, derive(ts_rs::TS), ts(rename = "Conversation"))]
pub(crate) struct ShownConversation<'a> {
    #[cfg_attr(test, ts(inline))]
    conversation_id: ConversationId,
    tenant_id: &'a TenantId,
    source: &'a SourceName,
    kind: ConversationKind,
    outcome: ConversationOutcome,
    basis: Basis,
    #[cfg_attr(test, ts(inline))]
    rules: &'a [Rule],
    #[cfg_attr(test, ts(inline))]
    certainty: Certainty,
    ambiguous: bool,
    /// There were too many legs around it for any inference.
    #[serde(skip_serializing_if = "Not::not")]
    #[cfg_attr(test, ts(optional, as = "Option<bool>"))]
    capped: bool,
    /// Where a leg may belong, of those of which that is open.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, ts(optional, inline, as = "Option<Vec<ShownDoubt<'a>>>"))]
    doubts: Vec<ShownDoubt<'a>>,
    number: Option<&'a str>,
    name: Option<&'a str>,
    #[cfg_attr(test, ts(type = "number"))]
    started_at: Micros,
    #[cfg_attr(test, ts(type = "number | null"))]
    answered_at: Option<Micros>,
    #[cfg_attr(test, ts(type = "number | null"))]
    ended_at: Option<Micros>,
    #[cfg_attr(test, ts(type = "number | null"))]
    wait_ms: Option<u64>,
    /// What is finished; null where it is over and no stamp says when it was answered, or when it ended.
    #[cfg_attr(test, ts(type = "number | null"))]
    talk_ms: Option<u64>,
    #[cfg_attr(test, ts(type = "number | null"))]
    hold_ms: Option<u64>,
    #[cfg_attr(test, ts(type = "number | null"))]
    limbo_ms: Option<u64>,
    answered_by: Option<&'a Extension>,
    #[cfg_attr(test, ts(inline))]
    talked: Vec<ShownTalk<'a>>,
    #[cfg_attr(test, ts(type = "number"))]
    hops: usize,
    #[cfg_attr(test, ts(inline))]
    transfers: &'a [Handover],
    #[cfg_attr(test, ts(inline))]
    legs: Vec<ShownLeg<'a>>,
    #[cfg_attr(test, ts(inline))]
    replaces: Vec<ConversationId>,
    summary: bool,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
struct ShownTalk<'a> {
    extension: &'a Extension,
    #[cfg_attr(test, ts(type = "number"))]
    talk_ms: u64,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
struct ShownLeg<'a> {
    extension: &'a Extension,
    leg_id: &'a ItemId,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
struct ShownDoubt<'a> {
    #[serde(flatten)]
    leg: ShownLeg<'a>,
    #[cfg_attr(test, ts(inline))]
    candidates: &'a [ConversationId],
}

impl<'a> ShownConversation<'a> {
    /// With the number and the name as whoever reads it may see them.
    pub(crate) fn of(
        conversation: &'a Conversation,
        tenant_id: &'a TenantId,
        number: Option<&'a str>,
        name: Option<&'a str>,
    ) -> Self {
        let it = conversation;
        let is_known = it.has_durations();
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
            number,
            name,
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
