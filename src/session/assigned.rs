//! What a session sees: the extensions of its token, or the whole tenant; or what the directory gives, now and
//! whenever that changes: to its user, where the token names no extension, and to the groups that the token keeps a
//! supervisor to.

use super::{End, Session};
use crate::{
    auth::Identity,
    engine::EngineError,
    feed::{Stream, Taken, Whose},
    id::Extension,
};
use tokio::time::sleep;

impl Session {
    /// Begins to hear. From here on the outbox gets every change; those that the first view has already are passed
    /// over.
    pub(super) async fn listen(&mut self) -> Result<(), EngineError> {
        if let Some(whose) = self.whose() {
            let following = self.gateway().feed.follow(&self.identity.tenant, whose, &self.outbox);
            self.following = Some(Box::new(following));
            self.stream = Box::pin(self.given()).await?;
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
        let Ok(stream) = self.given().await else { return self.reassign_later().await };
        if stream.only() == self.stream.only() {
            return Ok(());
        }
        // Both are heard until the new one was read, so that nothing is missed.
        let listening = self.gateway().feed.register(stream.clone(), self.outbox.clone());
        let Ok(ready) = self.read(&stream, None).await? else {
            return self.reassign_later().await;
        };
        (self.stream, self.listening) = (stream, Some(listening));
        self.outbox.move_to(&self.stream, taken);
        self.show(ready).await
    }

    /// The client has what it has until the engine is back.
    async fn reassign_later(&self) -> Result<(), End> {
        self.outbox.reassign();
        sleep(self.gateway().pause()).await;
        Ok(())
    }

    /// To whom the directory gives what it sees, where it does.
    fn whose(&self) -> Option<Whose> {
        let Identity { sub, extensions, groups, .. } = &self.identity;
        match &self.stream {
            Stream::User { .. } => extensions.is_empty().then(|| Whose::Sub(sub.clone())),
            Stream::Tenant { .. } => groups.as_ref().map(|_| Whose::Groups),
        }
    }

    /// What it sees by the directory as it stands.
    async fn given(&self) -> Result<Stream, EngineError> {
        let Identity { tenant, sub, groups, .. } = &self.identity;
        let directories = &self.gateway().directories;
        let mut stream = self.stream.clone();
        match (&mut stream, groups) {
            (Stream::User { extensions, .. }, _) => {
                *extensions = directories.extensions_of(tenant, sub).await?
            }
            (Stream::Tenant { only, .. }, Some(groups)) => {
                *only = Some(directories.extensions_in(tenant, groups).await?);
            }
            (Stream::Tenant { .. }, None) => {}
        }
        Ok(stream)
    }
}
