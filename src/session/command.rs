//! What a client asks for, and what it is answered. Whatever changes a call is committed as an
//! event, and everyone who sees the call hears of it as of any other; an answer is for a refusal.

use super::{End, Session, life, reach::Standing, receipts::Painted};
use crate::{
    auth::Identity,
    call::{self, Added, CallEvent, Event, LegKey, LegName, MAX_WRAP_UPS, What},
    clock::{Micros, now},
    engine::EngineError,
    gateway::Hop,
    id::{Extension, LegId, SourceName},
    protocol::{ClientFrame, ErrorCode, Frame, NamedLeg, ServerFrame},
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
            Ok(ClientFrame::Tick { t0 }) => Some(ServerFrame::Tock { t0, t1: received, t2: now() }.encode()),
            Ok(ClientFrame::Token { token }) => Some(self.on_token(&token).await),
            Ok(ClientFrame::Dismiss { leg }) => self.on_dismiss(&leg).await.err(),
            Ok(ClientFrame::WrapUp { leg, disposition, note }) => {
                let said = UserNote { disposition: disposition.map(Into::into), note: note.into() };
                self.on_wrap_up(&leg, &said).await.err()
            }
            Ok(ClientFrame::Painted { leg_id, painted_at }) => {
                self.on_painted(&leg_id, painted_at, received);
                None
            }
            Ok(ClientFrame::Beat { visible, sound, notifications }) => {
                self.beat = Instant::now();
                self.reach.set(Standing::Told { visible, sound, notifications });
                None
            }
            Ok(ClientFrame::Unknown) => Some(error(ErrorCode::UnknownType, "the frame's type is not known")),
            Err(why) => Some(error(ErrorCode::MalformedFrame, &why.to_string())),
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
        let Identity { tenant, sub, extensions, role, .. } = &self.identity;
        if (&fresh.tenant, &fresh.sub, &fresh.extensions, &fresh.role) != (tenant, sub, extensions, role) {
            let detail = "another user, or other extensions or another role: connect again with it";
            return error(ErrorCode::TokenRefused, detail);
        }
        self.identity = fresh;
        self.pulse.on_token(Instant::now(), life(self.identity.expires_at));
        ServerFrame::TokenAccepted { token_expires_at: self.identity.expires_at }.encode()
    }

    async fn on_dismiss(&self, leg: &NamedLeg) -> Result<(), Frame> {
        for key in self.meant(leg).await? {
            let dismissed = Event::new(now(), What::Dismissed);
            if self.commit(key, dismissed).await? == Added::Full {
                return Err(full(&leg.leg_id));
            }
        }
        Ok(())
    }

    async fn on_wrap_up(&self, leg: &NamedLeg, said: &UserNote) -> Result<(), Frame> {
        let id = &leg.leg_id;
        let invalid = |why: &str| refusal(ErrorCode::InvalidWrapUp, why, id);
        let among = &self.gateway().config.calls.dispositions;
        call::check_wrap_up(said.disposition.as_deref(), &said.note, among)
            .map_err(|why| invalid(&why.to_string()))?;
        for key in self.meant(leg).await? {
            let known = self.gateway().engine.leg(&key).await.map_err(|why| unavailable(&why, id))?;
            let events = known.map(|known| known.events).unwrap_or_default();
            let said_before = || events.iter().rev().filter(|event| event.is_wrap_up());
            let Some(event) = self.wrap_up(said, said_before().next()) else { continue };
            if self.commit(key, event).await? == Added::Full {
                let is_used_up = said_before().count() >= MAX_WRAP_UPS;
                return Err(if is_used_up { invalid("the call takes no more wrap-ups") } else { full(id) });
            }
        }
        Ok(())
    }

    /// The event that takes the place of the latest; none where that says the same.
    fn wrap_up(&self, said: &UserNote, latest: Option<&Event>) -> Option<Event> {
        let UserNote { disposition, note } = said;
        let by = &self.identity.sub;
        let is_same = match latest.map(|latest| &latest.what) {
            Some(What::WrapUp { disposition: was, note: noted, by: author }) => {
                let says_nothing = was.is_none() && noted.is_empty();
                was == disposition && noted == note && (author == by || says_nothing)
            }
            _ => disposition.is_none() && note.is_empty(),
        };
        // The clocks of nodes differ, and what is said last is to count.
        let at = now().max(latest.map_or(0, |latest| latest.at + 1));
        let (disposition, note, by) = (disposition.clone(), note.clone(), by.clone());
        (!is_same).then(|| Event::new(at, What::WrapUp { disposition, note, by }))
    }

    /// Only measured: whoever lies makes our figures wrong, within bounds, and nothing else.
    fn on_painted(&mut self, leg: &LegId, painted_at: Micros, received: Micros) {
        let ringing = self.gateway().ringing.clone();
        let believed = self.receipts.on_painted(leg, painted_at, received);
        self.sessions.metrics.receipt(believed.as_ref().err().copied());
        if let Ok(Painted { rang_at, sent_at, painted_at }) = believed {
            ringing.pass(Hop::Paint, sent_at, painted_at);
            if let Some(rang_at) = rang_at {
                ringing.pass(Hop::Total, rang_at, painted_at);
            }
        }
    }

    /// The user's legs that a client means: of all sources and of all extensions of the token, where it does not say.
    async fn meant(&self, NamedLeg { leg_id, source, extension }: &NamedLeg) -> Result<Vec<LegKey>, Frame> {
        let Identity { tenant, extensions, .. } = &self.identity;
        let extensions = extensions.iter().filter(|own| extension.as_ref().is_none_or(|named| named == *own));
        let sources = self.gateway().config.sources.iter().map(|source| &source.name);
        let sources = sources.filter(|name| source.as_ref().is_none_or(|named| named == *name));
        let key = |extension: &Extension, source: &SourceName| LegKey {
            tenant: tenant.clone(),
            extension: extension.clone(),
            leg: LegName { source: source.clone(), id: leg_id.clone() },
        };
        let legs = extensions.flat_map(|extension| sources.clone().map(move |source| key(extension, source)));
        let known = self.gateway().engine.known(tenant, legs.collect()).await;
        let known = known.map_err(|why| unavailable(&why, leg_id))?;
        match known.is_empty() {
            true => Err(refusal(ErrorCode::UnknownCall, "no such call among yours", leg_id)),
            false => Ok(known),
        }
    }

    async fn commit(&self, LegKey { tenant, extension, leg }: LegKey, event: Event) -> Result<Added, Frame> {
        let committed = CallEvent { tenant, extension, leg: leg.clone(), event };
        let went = self.gateway().engine.commit(committed).await;
        went.map(|(added, _)| added).map_err(|why| unavailable(&why, &leg.id))
    }
}

fn error(code: ErrorCode, detail: &str) -> Frame {
    ServerFrame::Error { code, detail, leg_id: None }.encode()
}

/// An error about a call.
fn refusal(code: ErrorCode, detail: &str, leg: &LegId) -> Frame {
    ServerFrame::Error { code, detail, leg_id: Some(leg) }.encode()
}

fn full(leg: &LegId) -> Frame {
    refusal(ErrorCode::FullCall, "the call takes no more events", leg)
}

fn unavailable(why: &EngineError, leg: &LegId) -> Frame {
    refusal(ErrorCode::Unavailable, &why.to_string(), leg)
}
