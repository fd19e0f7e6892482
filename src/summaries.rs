//! `GET /v1/summaries/{source}/{extension}/{leg}`: all that a call's summary says, for servers and for who has no
//! socket. It only reads.

use crate::{
    auth::Role,
    gateway::Gateway,
    http::{Problem, no_store, unavailable},
    id::{Extension, ItemId, ItemKey, ItemName, Kind, SourceName},
};
use axum::{
    Json,
    extract::{Path, State, rejection::PathRejection},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Summaries that are read at the same time: each may be as large as a webhook.
const MOST_AT_ONCE: usize = 64;

/// What the route needs.
pub(crate) struct Summaries {
    gateway: Arc<Gateway>,
    places: Semaphore,
}

/// Where a leg stands in the path.
type Named = Path<(SourceName, Extension, ItemId)>;

impl Summaries {
    pub(crate) fn new(gateway: Arc<Gateway>) -> Self {
        Self { gateway, places: Semaphore::new(MOST_AT_ONCE) }
    }

    /// The key of a call that the bearer of a token may read. Who they are is asked before what they name is looked at.
    async fn admit(
        &self,
        headers: &HeaderMap,
        named: Result<Named, PathRejection>,
    ) -> Result<ItemKey, Problem> {
        let identity = self.gateway.verifier.identify(headers).await?;
        let Ok(Path((source, extension, id))) = named else { return Err(nothing()) };
        let directories = &self.gateway.directories;
        let is_watched = match (identity.role, &identity.groups) {
            (Role::Service, _) | (Role::Supervisor, None) => true,
            (Role::Supervisor, Some(groups)) => {
                directories.extensions_in(&identity.tenant, groups).await?.binary_search(&extension).is_ok()
            }
            (Role::Agent | Role::Display, _) => false,
        };
        if !is_watched && !directories.complete(identity.clone()).await?.extensions.contains(&extension) {
            let why = "a summary is for its own extension, and for the roles supervisor and service; whom the claim \
                       `groups` keeps to some groups reads those of these";
            return Err(Problem::new(StatusCode::FORBIDDEN, "forbidden", why));
        }
        let name = ItemName { source, id };
        Ok(ItemKey { tenant: identity.tenant, extension, kind: Kind::Call, name })
    }
}

/// The summary of a call, whole.
pub(crate) async fn read(
    State(summaries): State<Arc<Summaries>>,
    headers: HeaderMap,
    named: Result<Named, PathRejection>,
) -> Result<Response, Problem> {
    let key = summaries.admit(&headers, named).await?;
    let place = summaries.places.try_acquire();
    let _place = place.map_err(|_| unavailable("too many summaries are read at the same time"))?;
    let call = summaries.gateway.engine.call_in_full(&key).await?;
    let summary = call.and_then(|call| call.summary).ok_or_else(nothing)?;
    Ok((no_store(), Json(summary)).into_response())
}

fn nothing() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not-found", "no such call with a summary is kept")
}
