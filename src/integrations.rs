//! What the gateway makes of users' integrations: it tells a user's open browsers how theirs
//! stands, delivers to those who have one, and looks contacts up for them. How an integration
//! changes is the sidecar's.

mod contacts;
mod metrics;

pub(crate) use contacts::{Contacts, lookup};

use crate::{
    config::SourceKind,
    feed::Feed,
    protocol::{self, ServerFrame},
    sidecar::{
        integration::{Integration, Key},
        integrations::{ChangeError, Integrations},
    },
};
use std::{collections::HashMap, sync::Arc};
use tokio::sync::broadcast::error::RecvError;

/// Tells open browsers of every change of their users' integrations, for ever.
pub(crate) async fn tell(integrations: Arc<Integrations>, feed: Arc<Feed>) {
    let mut changes = integrations.listen();
    let mut told = HashMap::new();
    loop {
        match changes.recv().await {
            Ok(found) => tell_one(&integrations, &found, &feed, &mut told),
            // Whoever was missed is told once more, which does no harm.
            Err(RecvError::Lagged(_)) => {
                integrations.all().iter().for_each(|found| tell_one(&integrations, found, &feed, &mut told));
            }
            Err(RecvError::Closed) => return,
        }
    }
}

/// What was told last of each.
type Told = HashMap<Key, (&'static str, Option<u64>)>;

fn tell_one(integrations: &Integrations, found: &Integration, feed: &Feed, told: &mut Told) {
    // Of a source that is in the configuration no more, nobody is told.
    let Some(kind) = integrations.kind(&found.key.source) else { return };
    let frame = shown(found, kind);
    let says = (found.status().as_str(), frame.access_token_expires_at);
    if told.insert(found.key.clone(), says) != Some(says) {
        let frame = ServerFrame::Integration(frame).encode();
        let Key { source, tenant, extension } = &found.key;
        feed.tell(tenant, extension, source, &frame);
    }
}

fn shown(found: &Integration, kind: SourceKind) -> protocol::Integration<'_> {
    protocol::Integration {
        source: &found.key.source,
        provider: kind.as_str(),
        extension: &found.key.extension,
        status: found.status(),
        since: found.since,
        access_token_expires_at: found.access_ends_at(),
        cause: found.cause().map(|cause| cause.as_str()),
    }
}

/// Whether a user has an integration that is active. What is not known here is looked up:
/// an activation at another node is younger than what this one heard.
///
/// # Errors
/// It cannot be looked up now.
pub(crate) async fn is_live(integrations: &Integrations, key: &Key) -> Result<bool, ChangeError> {
    if integrations.held(key).is_some_and(|found| found.is_live()) {
        return Ok(true);
    }
    Ok(integrations.load(key).await?.is_some_and(|found| found.is_live()))
}
