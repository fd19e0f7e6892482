//! What a client asks for, and what it is answered. Whatever changes an item is committed as an
//! event, and everyone who sees the item hears of it as of any other; an answer is for a refusal.

use super::{End, Session, acts::Act, life, reach::Standing, receipts::Painted};
use crate::{
    auth::Identity,
    call::{self, MAX_WRAP_UPS, WRAP_UP_RANK, What},
    clock::{Micros, now},
    engine::{Committed, EngineError},
    event_set::Added,
    gateway::Hop,
    http::body::fault_of_fields,
    id::{Extension, ItemId, ItemKey, ItemName, Kind, SourceName},
    item::{self, Glimpse, ItemEvent, ItemSet},
    protocol::{ClientFrame, ErrorCode, Frame, Mention, NamedItem, ServerFrame},
};
use std::{sync::Arc, time::Instant};

/// What a user says of a call.
struct UserNote {
    disposition: Option<Arc<str>>,
    note: Arc<str>,
}

impl Session {
    pub(super) async fn on_frame(&mut self, text: &str) -> Result<(), End> {
        let received = now();
        let answer = match serde_json::from_str(text) {
            Ok(frame) if self.view.board && is_about_an_item(&frame) => {
                Some(malformed("with view=board nothing is said of a call or a notice, nor asked"))
            }
            Ok(ClientFrame::Tick { t0 }) => Some(ServerFrame::Tock { t0, t1: received, t2: now() }.encode()),
            Ok(ClientFrame::Token { token }) => Some(self.on_token(&token).await),
            Ok(ClientFrame::Dismiss { item, seen }) => self.on_dismiss(&item, seen).await.err(),
            Ok(ClientFrame::Done { item, seen }) => self.on_done(&item, seen).await.err(),
            Ok(ClientFrame::WrapUp { item, disposition, note }) => {
                let said = UserNote { disposition: disposition.map(Into::into), note: note.into() };
                self.on_wrap_up(&item, &said).await.err()
            }
            Ok(ClientFrame::Summary { item }) => self.on_summary(&item).await?,
            Ok(ClientFrame::Painted { item, .. }) if !matches!(item.id(), Some((Kind::Call, _))) => {
                Some(malformed("painted is said of a call: leg_id is missing"))
            }
            Ok(ClientFrame::Painted { item, painted_at }) => {
                self.on_painted(&item, painted_at, received);
                None
            }
            Ok(ClientFrame::Beat { visible, sound, notifications }) => {
                self.beat = Instant::now();
                self.reach.set(Standing::Told { visible, sound, notifications });
                None
            }
            Ok(ClientFrame::Board { windows, by }) => self.on_board(&windows, &by),
            Ok(ClientFrame::Watch { conversation }) => self.on_watch(&conversation),
            Ok(ClientFrame::Unknown) => Some(error(ErrorCode::UnknownType, "the frame's type is not known")),
            Err(why) => Some(malformed(&fault_of(&why))),
        };
        match answer {
            Some(frame) => self.send(&[frame]).await,
            None => Ok(()),
        }
    }

    async fn on_token(&mut self, token: &str) -> Frame {
        let fresh = match self.gateway().verifier.verify(token).await {
            Ok(fresh) => fresh,
            Err(refusal) => return error(ErrorCode::TokenRefused, &refusal.to_string()),
        };
        let known = &self.identity;
        if (Identity { expires_at: known.expires_at, ..fresh.clone() }) != *known {
            let detail = "another user, or other extensions, groups or another role: connect again with it";
            return error(ErrorCode::TokenRefused, detail);
        }
        self.identity = fresh;
        self.pulse.on_token(Instant::now(), life(self.identity.expires_at));
        ServerFrame::TokenAccepted { token_expires_at: self.identity.expires_at }.encode()
    }

    async fn on_dismiss(&mut self, named: &NamedItem, seen: Option<u32>) -> Result<(), Frame> {
        for (key, set) in self.meant(named).await? {
            if let Some(event) = set.dismissal(now(), seen) {
                self.commit(key, event).await?;
            }
        }
        Ok(())
    }

    async fn on_done(&mut self, named: &NamedItem, seen: Option<u32>) -> Result<(), Frame> {
        if !matches!(named.id(), Some((Kind::Notice, _))) {
            return Err(malformed("done is said of a notice: notice_id is missing"));
        }
        for (key, set) in self.meant(named).await? {
            if let ItemSet::Notice(posts) = set
                && let Some(event) = posts.done(now(), seen)
            {
                self.commit(key, item::Event::Notice(event)).await?;
            }
        }
        Ok(())
    }

    async fn on_wrap_up(&mut self, named: &NamedItem, said: &UserNote) -> Result<(), Frame> {
        let Some((Kind::Call, id)) = named.id() else {
            return Err(malformed("wrap_up is said of a call: leg_id is missing"));
        };
        let among = &self.gateway().config.calls.dispositions;
        call::check_wrap_up(said.disposition.as_deref(), &said.note, among).map_err(|why| {
            refusal(ErrorCode::InvalidWrapUp, &why.to_string(), Mention::of_id(Kind::Call, id))
        })?;
        for (key, known) in self.glimpsed(self.own(), named, id).await? {
            let event = self.wrap_up(&known, said);
            if self.try_commit(&key, event).await? {
                continue;
            }
            return Err(match known.alike >= MAX_WRAP_UPS {
                true => refusal(ErrorCode::InvalidWrapUp, "the call takes no more wrap-ups", (&key).into()),
                false => full(&key),
            });
        }
        Ok(())
    }

    /// The event that takes the place of the latest wrap-up, or one that is known already where nothing new is said.
    fn wrap_up(&self, known: &Glimpse, said: &UserNote) -> item::Event {
        let UserNote { disposition, note } = said;
        let by = &self.identity.sub;
        let latest = match &known.event {
            item::Event::Call(event) if event.is_wrap_up() => Some(event),
            _ => None,
        };
        let is_same = match latest.map(|latest| &latest.what) {
            Some(What::WrapUp { disposition: was, note: noted, by: author }) => {
                let says_nothing = was.is_none() && noted.is_empty();
                was == disposition && noted == note && (author == by || says_nothing)
            }
            _ => disposition.is_none() && note.is_empty(),
        };
        if is_same {
            return known.event.clone();
        }
        // The clocks of nodes differ, and what is said last is to count.
        let at = now().max(latest.map_or(0, |latest| latest.at + 1));
        let (disposition, note, by) = (disposition.clone(), note.clone(), by.clone());
        item::Event::Call(call::Event::new(at, What::WrapUp { disposition, note, by }))
    }

    /// Only measured: whoever lies makes our figures wrong, within bounds, and nothing else.
    fn on_painted(&mut self, named: &NamedItem, painted_at: Micros, received: Micros) {
        let ringing = self.gateway().ringing.clone();
        let believed = self.receipts.on_painted(named, painted_at, received);
        self.sessions.metrics.receipt(believed.as_ref().err().copied());
        if let Ok(Painted { rang_at, sent_at, painted_at }) = believed {
            ringing.pass(Hop::Paint, sent_at, painted_at);
            if let Some(rang_at) = rang_at {
                ringing.pass(Hop::Total, rang_at, painted_at);
            }
        }
    }

    /// The user's items that a client means: of all sources and of all extensions of theirs, where it does not say.
    async fn meant(&self, named: &NamedItem) -> Result<Vec<(ItemKey, ItemSet)>, Frame> {
        let (kind, id) = named.id().ok_or_else(|| malformed("it names either a leg_id or a notice_id"))?;
        let keys = self.keys(self.own(), named, kind, id);
        let known = self.gateway().engine.items(&self.identity.tenant, keys).await;
        let mut known = known.map_err(|why| unavailable(&why, mention(named, kind, id)))?;
        known.retain(|(_, set)| set.makes_item());
        if known.is_empty() { Err(nothing(named, kind, id)) } else { Ok(known) }
    }

    /// The calls of some extensions that a client means, as far as wrap-ups go.
    pub(super) async fn glimpsed(
        &self,
        extensions: &[Extension],
        named: &NamedItem,
        id: &ItemId,
    ) -> Result<Vec<(ItemKey, Glimpse)>, Frame> {
        let keys = self.keys(extensions, named, Kind::Call, id);
        let calls = self.gateway().engine.glimpses(&self.identity.tenant, keys, WRAP_UP_RANK).await;
        let calls = calls.map_err(|why| unavailable(&why, mention(named, Kind::Call, id)))?;
        if calls.is_empty() { Err(nothing(named, Kind::Call, id)) } else { Ok(calls) }
    }

    /// What a client may mean among some extensions.
    fn keys(&self, extensions: &[Extension], named: &NamedItem, kind: Kind, id: &ItemId) -> Vec<ItemKey> {
        let NamedItem { source, extension, .. } = named;
        let tenant = &self.identity.tenant;
        let extensions = extensions.iter().filter(|one| extension.as_ref().is_none_or(|named| named == *one));
        let sources = self.gateway().config.sources.iter().map(|source| &source.name);
        let sources = sources.filter(|name| source.as_ref().is_none_or(|named| named == *name));
        let key = |extension: &Extension, source: &SourceName| ItemKey {
            tenant: tenant.clone(),
            extension: extension.clone(),
            kind,
            name: ItemName { source: source.clone(), id: id.clone() },
        };
        extensions.flat_map(|extension| sources.clone().map(move |source| key(extension, source))).collect()
    }

    /// Commits what the user says of an item; that it is durable is told when it is.
    async fn commit(&mut self, key: ItemKey, event: item::Event) -> Result<(), Frame> {
        if self.try_commit(&key, event).await? { Ok(()) } else { Err(full(&key)) }
    }

    /// The same; false where the item has no room for it.
    async fn try_commit(&mut self, key: &ItemKey, event: item::Event) -> Result<bool, Frame> {
        let event = ItemEvent { key: key.clone(), event };
        let went = self.gateway().engine.commit(event).await;
        let Committed { added, seq, receipt } = went.map_err(|why| unavailable(&why, key.into()))?;
        if added != Added::Full {
            self.acts.add(Act { key: key.clone(), seq }, receipt);
        }
        Ok(added != Added::Full)
    }

    /// What a client said is durable, or cannot be made so now.
    pub(super) async fn on_act(
        &mut self,
        Act { key, seq }: Act,
        went: Result<(), EngineError>,
    ) -> Result<(), End> {
        let frame = match went {
            Ok(()) => ServerFrame::Durable { seq, item: (&key).into() }.encode(),
            Err(why) => unavailable(&why, (&key).into()),
        };
        self.send(&[frame]).await
    }
}

/// Whether a frame is about a call or a notice. A board shows none, and who sees it may be a screen on a wall.
fn is_about_an_item(frame: &ClientFrame) -> bool {
    match frame {
        ClientFrame::Dismiss { .. }
        | ClientFrame::Done { .. }
        | ClientFrame::WrapUp { .. }
        | ClientFrame::Summary { .. }
        | ClientFrame::Painted { .. } => true,
        ClientFrame::Tick { .. }
        | ClientFrame::Token { .. }
        | ClientFrame::Beat { .. }
        | ClientFrame::Board { .. }
        | ClientFrame::Watch { .. }
        | ClientFrame::Unknown => false,
    }
}

/// What a client named.
fn mention<'a>(named: &'a NamedItem, kind: Kind, id: &'a ItemId) -> Mention<'a> {
    let NamedItem { source, extension, .. } = named;
    Mention { source: source.as_ref(), extension: extension.as_ref(), ..Mention::of_id(kind, id) }
}

/// There is no such item.
fn nothing(named: &NamedItem, kind: Kind, id: &ItemId) -> Frame {
    let (code, why) = match kind {
        Kind::Call => (ErrorCode::UnknownCall, "no such call among yours"),
        Kind::Notice => (ErrorCode::UnknownNotice, "no such notice among yours"),
    };
    refusal(code, why, mention(named, kind, id))
}

fn full(key: &ItemKey) -> Frame {
    let (code, why) = match key.kind {
        Kind::Call => (ErrorCode::FullCall, "the call takes no more events"),
        Kind::Notice => (ErrorCode::FullNotice, "the notice takes no more events"),
    };
    refusal(code, why, key.into())
}

fn error(code: ErrorCode, detail: &str) -> Frame {
    refusal(code, detail, Mention::default())
}

fn fault_of(error: &serde_json::Error) -> String {
    let why = fault_of_fields(error).unwrap_or_else(|| "the frame is not JSON".to_owned());
    // A frame is one line.
    why.split(" at line ").next().unwrap_or_default().to_owned()
}

pub(super) fn malformed(why: &str) -> Frame {
    error(ErrorCode::MalformedFrame, why)
}

/// An error about an item.
pub(super) fn refusal(code: ErrorCode, detail: &str, item: Mention<'_>) -> Frame {
    ServerFrame::Error { code, detail, item }.encode()
}

pub(super) fn unavailable(why: &EngineError, item: Mention<'_>) -> Frame {
    refusal(ErrorCode::Unavailable, &why.to_string(), item)
}
