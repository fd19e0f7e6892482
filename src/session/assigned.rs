//! What a session sees: the extensions of its token; or, where that names none, what the directory gives
//! its user, now and whenever that changes.

use super::{End, Session};
use crate::{
    engine::EngineError,
    feed::{Stream, Taken},
    id::Extension,
};
use std::sync::Arc;
use tokio::time::sleep;

impl Session {
    /// Begins to hear. From here on the outbox gets every change; those that the first view has already are passed
    /// over.
    pub(super) async fn listen(&mut self) -> Result<(), EngineError> {
        let names_nothing = self.identity.extensions.is_empty();
        if names_nothing && matches!(self.stream, Stream::User { .. }) {
            let following =
                self.gateway().feed.follow(&self.identity.tenant, &self.identity.sub, &self.outbox);
            self.following = Some(Box::new(following));
            self.stream = self.user_stream(Box::pin(self.given()).await?);
        }
        self.listening = Some(self.gateway().feed.register(self.stream.clone(), self.outbox.clone()));
        Ok(())
    }

    /// What it sees, where that is its user's.
    pub(super) fn seen(&self) -> &[Extension] {
        match &self.stream {
            Stream::User { extensions, .. } => extensions,
            Stream::Tenant { .. } => &[],
        }
    }

    /// Whose calls its user may act on: who watches a tenant has those of the token.
    pub(super) fn own(&self) -> &[Extension] {
        match &self.stream {
            Stream::User { extensions, .. } => extensions,
            Stream::Tenant { .. } => &self.identity.extensions,
        }
    }

    /// Moves to what the directory gives now, if that is something else; what was taken from the outbox is then
    /// in the snapshot, or of extensions that are not seen any more.
    pub(super) async fn reassign(&mut self, taken: &mut Taken) -> Result<(), End> {
        let Ok(extensions) = self.given().await else { return self.reassign_later().await };
        if *extensions == *self.seen() {
            return Ok(());
        }
        let stream = self.user_stream(extensions.clone());
        // Both are heard until the new one was read, so that nothing is missed.
        let listening = self.gateway().feed.register(stream.clone(), self.outbox.clone());
        let Ok(ready) = self.read(&stream, None).await? else {
            return self.reassign_later().await;
        };
        (self.stream, self.listening) = (stream, Some(listening));
        self.outbox.keep_only(|extension| extensions.contains(extension));
        taken.changes.clear();
        taken.asides.retain(|(extension, ..)| extensions.contains(extension));
        taken.overflowed = false;
        self.show(ready).await
    }

    /// The client has what it has until the engine is back.
    async fn reassign_later(&self) -> Result<(), End> {
        self.outbox.reassign();
        sleep(self.gateway().pause()).await;
        Ok(())
    }

    async fn given(&self) -> Result<Arc<[Extension]>, EngineError> {
        self.gateway().directories.extensions_of(&self.identity.tenant, &self.identity.sub).await
    }

    fn user_stream(&self, extensions: Arc<[Extension]>) -> Stream {
        Stream::User { tenant: self.identity.tenant.clone(), extensions }
    }
}
