//! All that a summary says, for the session that asks: the frames of a call leave out what is long. Each answer is
//! made for one session and written before the next is read, so that it waits in no outbox and is shared with nobody.

use super::{
    End, Session,
    command::{malformed, refusal, unavailable},
};
use crate::{
    feed::Stream,
    id::{Extension, ItemKey, Kind},
    protocol::{ErrorCode, Frame, Mention, NamedItem, ServerFrame},
};
use std::{pin::pin, slice};

const CROWDED: &str = "too much is on its way to slow clients: try again";

impl Session {
    /// Answers by a `call` for each of the calls that are meant; gives what is still to be said.
    pub(super) async fn on_summary(&mut self, named: &NamedItem) -> Result<Option<Frame>, End> {
        let Some((Kind::Call, id)) = named.id() else {
            return Ok(Some(malformed("summary is asked of a call: leg_id is missing")));
        };
        let meant = match self.glimpsed(self.readable(named), named, id).await {
            Ok(meant) => meant.into_iter().map(|(key, _)| key).collect::<Vec<_>>(),
            Err(refused) => return Ok(Some(refused)),
        };
        // How large they are is known too late: as large as any may be, since none has more than its webhook.
        let largest =
            self.gateway().config.sources.iter().map(|source| source.max_body).max().unwrap_or_default();
        let mut is_answered = false;
        for key in meant {
            let place = self.sessions.room.place(&self.identity, largest);
            let place = self.unless_over(pin!(place)).await?;
            let Ok(_place) = place else {
                return Ok(Some(refusal(ErrorCode::Unavailable, CROWDED, (&key).into())));
            };
            match self.in_full(&key).await {
                Ok(None) => {}
                Ok(Some(answer)) => {
                    is_answered = true;
                    self.send(&[answer]).await?;
                }
                Err(refused) => return Ok(Some(refused)),
            }
        }
        let none =
            || refusal(ErrorCode::UnknownCall, "the call has no summary", Mention::of_id(Kind::Call, id));
        Ok((!is_answered).then(none))
    }

    /// A call with all that its summary says, under the number of what was delivered last: nothing changed, and a
    /// client resumes from there.
    async fn in_full(&self, key: &ItemKey) -> Result<Option<Frame>, Frame> {
        let call = self.gateway().engine.call_in_full(key).await;
        let call = call.map_err(|why| unavailable(&why, key.into()))?;
        Ok(call.map(|call| ServerFrame::Call { seq: self.delivered, call: &call }.encode()))
    }

    /// Whose calls it may read: who watches a tenant, those of anybody who is named; who watches groups of it, of
    /// anybody in these.
    fn readable<'a>(&'a self, NamedItem { extension, .. }: &'a NamedItem) -> &'a [Extension] {
        match (&self.stream, extension) {
            (stream @ Stream::Tenant { .. }, Some(named)) if stream.has(named.as_str()) => {
                slice::from_ref(named)
            }
            _ => self.own(),
        }
    }
}
