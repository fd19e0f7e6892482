//! `q`: a text that is looked for in names, notes and summaries. Names are known to the board. Notes and summaries are
//! not: the legs that have one are read from the engine, a few at a time, while no board is locked.

use super::Problem;
use crate::{
    board::{Conversation, LegFact},
    boards::{KeptBoard, Sight, name_of},
    engine::{Engine, EngineError},
    id::{Extension, ItemKey, ItemName, Kind, TenantId},
    item::ItemSet,
};
use axum::http::StatusCode;
use serde_json::Value;
use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
};
use tokio::task::spawn_blocking;

/// The longest text, in characters.
const LONGEST: usize = 64;
/// The most legs that are looked at for one answer.
pub(super) const MOST_LEGS: usize = 20_000;
/// Legs that are read in one go: each may have a summary as large as a webhook.
const PAGE: usize = 32;

/// What is looked for, whatever its case.
#[derive(Clone, Debug)]
pub(super) struct Sought {
    /// In lower case.
    text: Arc<str>,
}

/// Where it may stand.
pub(super) struct Candidates {
    sought: Sought,
    /// The latest first.
    all: Vec<Candidate>,
    /// Extensions in whose name it stands.
    named: BTreeSet<Extension>,
}

/// A conversation, and those of its legs whose calls whoever asks may see.
struct Candidate {
    conversation: Arc<Conversation>,
    name: Option<Arc<str>>,
    seen: Vec<Arc<LegFact>>,
}

impl Sought {
    /// None where it is too long. Blanks around it are none of it.
    pub(super) fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        (text.chars().count() <= LONGEST).then(|| Self { text: text.to_lowercase().into() })
    }

    pub(super) fn is_blank(&self) -> bool {
        self.text.is_empty()
    }

    /// Where it may stand: in conversations, the latest first, all of which whoever asks may see.
    ///
    /// # Errors
    /// They have too many legs to be looked at.
    pub(super) fn candidates(
        &self,
        conversations: Vec<Arc<Conversation>>,
        kept: &KeptBoard,
        sight: &Sight,
    ) -> Result<Candidates, Problem> {
        if conversations.iter().map(|it| it.legs.len()).sum::<usize>() > MOST_LEGS {
            return Err(too_many());
        }
        let is_seen = |leg: &&Arc<LegFact>| sight.sees_calls(&leg.key.extension, &kept.people);
        let candidate = |conversation: Arc<Conversation>| Candidate {
            name: sight.party(conversation.name.as_ref()),
            seen: conversation.legs.iter().filter(is_seen).cloned().collect(),
            conversation,
        };
        let all = conversations.into_iter().map(candidate).collect();
        let everybody = kept.people.extensions().chain(kept.ledger.extensions());
        let is_named = |extension: &&Extension| {
            sight.sees(extension, &kept.people) && self.is_in(name_of(kept, extension).as_deref())
        };
        let named = everybody.filter(is_named).cloned().collect();
        Ok(Candidates { sought: self.clone(), all, named })
    }

    fn is_in(&self, text: Option<&str>) -> bool {
        text.is_some_and(|text| text.to_lowercase().contains(&*self.text))
    }

    /// Whether it stands in what is written of a leg.
    fn is_written(&self, set: &ItemSet) -> bool {
        let ItemSet::Call(leg) = set else { return false };
        let (note, summary) = leg.written();
        let in_summary = |json: &str| serde_json::from_str(json).is_ok_and(|says| self.is_said(&says));
        self.is_in(note.as_deref()) || summary.is_some_and(in_summary)
    }

    /// Whether it stands in some text of a summary; names of its fields are none.
    fn is_said(&self, says: &Value) -> bool {
        match says {
            Value::String(text) => self.is_in(Some(text)),
            Value::Array(all) => all.iter().any(|it| self.is_said(it)),
            Value::Object(fields) => fields.values().any(|it| self.is_said(it)),
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
    }
}

impl Candidates {
    /// Those in which it stands, so many at most.
    ///
    /// # Errors
    /// The engine cannot be read.
    pub(super) async fn search(
        mut self,
        engine: &Engine,
        tenant: &TenantId,
        most: usize,
    ) -> Result<Vec<Arc<Conversation>>, EngineError> {
        let mut found = Vec::new();
        let mut all = std::mem::take(&mut self.all).into_iter().peekable();
        while all.peek().is_some() && found.len() < most {
            let (mut some, mut keys) = (Vec::new(), Vec::new());
            while let Some(it) = all.next_if(|_| keys.len() < PAGE && some.len() < MOST_LEGS / PAGE) {
                let is_named = self.is_named(&it);
                let unread = if is_named { Vec::new() } else { it.unread(tenant) };
                keys.extend(unread.iter().cloned());
                some.push((it.conversation, is_named, unread));
            }
            let written = self.written(engine, tenant, keys).await?;
            let has_it = |is_named: bool, unread: &[ItemKey]| {
                is_named || unread.iter().any(|key| written.contains(key))
            };
            found.extend(some.into_iter().filter(|(_, is, unread)| has_it(*is, unread)).map(|(it, ..)| it));
        }
        found.truncate(most);
        Ok(found)
    }

    fn is_named(&self, it: &Candidate) -> bool {
        let is_in = |name: &Option<Arc<str>>| self.sought.is_in(name.as_deref());
        is_in(&it.name)
            || it.conversation.legs.iter().any(|leg| self.named.contains(&leg.key.extension))
            // As it stood on their own telephones.
            || it.seen.iter().any(|leg| is_in(&leg.peer_name))
    }

    /// Of which of these legs something is written that has it.
    async fn written(
        &self,
        engine: &Engine,
        tenant: &TenantId,
        keys: Vec<ItemKey>,
    ) -> Result<HashSet<ItemKey>, EngineError> {
        if keys.is_empty() {
            tokio::task::yield_now().await;
            return Ok(HashSet::new());
        }
        let (items, sought) = (engine.items_in_full(tenant, keys).await?, self.sought.clone());
        // Summaries may be long, and calls are delivered on this thread.
        let looking = spawn_blocking(move || {
            let has_it = items.into_iter().filter(|(_, set)| sought.is_written(set));
            has_it.map(|(key, _)| key).collect()
        });
        looking.await.map_err(|_| EngineError::Unavailable("the node is going away"))
    }
}

impl Candidate {
    /// The legs of which something is written.
    fn unread(&self, tenant: &TenantId) -> Vec<ItemKey> {
        let written = self.seen.iter().filter(|leg| leg.has_summary || leg.wrap_up.is_some());
        let key = |leg: &Arc<LegFact>| ItemKey {
            tenant: tenant.clone(),
            extension: leg.key.extension.clone(),
            kind: Kind::Call,
            name: ItemName { source: leg.key.source.clone(), id: leg.key.id.clone() },
        };
        written.map(key).collect()
    }
}

fn too_many() -> Problem {
    let why = "a question with q looks at 20,000 legs at most, and these are more: narrow it by from and to, or by \
               another parameter";
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "narrow", why).with("parameter", "q")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_text_is_found_in_any_text_of_a_summary_whatever_its_case() {
        let says = json!({"éclair": [1, true, null, {"text": "Offerte voor ÉLODIE\n\"morgen\""}]});
        let is_said = |text: &str| Sought::read(text).is_some_and(|sought| sought.is_said(&says));
        assert!(["élodie", " OFFERTE ", "\"MORGEN\"", "voor é"].into_iter().all(is_said));
        assert!(!["éclair", "1", "true", "null", "text", "\\n"].into_iter().any(is_said));
        assert!(Sought::read(&"é".repeat(65)).is_none() && Sought::read(&"é".repeat(64)).is_some());
    }
}
