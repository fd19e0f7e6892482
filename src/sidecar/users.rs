//! What users ask of their integrations, with their token: how they stand, and a ticket to begin
//! with, since a link of a web page cannot carry a token. It opens nothing that is sealed.

use super::{
    integration::{Integration, Key},
    integrations::{ChangeError, Integrations},
    store::StoreError,
};
use crate::{
    auth::{Identity, Role, Verifier},
    clock::Micros,
    config::SourceKind,
    directories::Directories,
    http::{Problem, UserRate, no_store, too_many, unauthorized, unavailable},
    id::{Extension, SourceName, TenantId},
};
use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use governor::Quota;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::{num::NonZeroU32, sync::Arc, time::Duration};
use tokio::sync::{Semaphore, SemaphorePermit};

/// How long a ticket is good.
const TICKET: Duration = Duration::from_secs(30);
/// Tickets and consents that a user may begin.
const MOST_PER_MINUTE: NonZeroU32 = NonZeroU32::new(60).unwrap();
/// Requests of users that are at the store at the same time.
const MOST_AT_ONCE: usize = 256;

/// What the routes of users need.
#[derive(Clone)]
pub(crate) struct Users {
    pub(crate) integrations: Arc<Integrations>,
    verifier: Arc<Verifier>,
    directories: Arc<Directories>,
    /// Of tickets, and of consents begun: each is written to the disk.
    rate: Arc<UserRate>,
    /// Of the store's places, so many are for them: refreshes need the others.
    places: Arc<Semaphore>,
}

/// An integration as its user sees it.
#[derive(Serialize)]
pub(crate) struct Shown<'a> {
    source: &'a SourceName,
    provider: &'static str,
    tenant_id: &'a TenantId,
    extension: &'a Extension,
    status: &'static str,
    since: Micros,
    /// Seconds since 1970.
    access_token_expires_at: Option<u64>,
    cause: Option<&'static str>,
}

/// Who a ticket was for.
#[derive(Serialize, Deserialize)]
pub(crate) struct Ticket {
    pub(crate) tenant: TenantId,
    pub(crate) sub: Arc<str>,
    pub(crate) extensions: Vec<Extension>,
}

/// `GET /v1/integrations`.
pub(crate) async fn list(State(users): State<Users>, headers: HeaderMap) -> Result<Response, Problem> {
    let identity = users.identify(&headers).await?;
    let _place = users.place()?;
    let mut found = Vec::new();
    for source in users.integrations.sources() {
        for extension in identity.extensions.iter() {
            let (source, tenant, extension) = (source.clone(), identity.tenant.clone(), extension.clone());
            found.extend(users.integrations.load(&Key { source, tenant, extension }).await?);
        }
    }
    let shown = |one| Some(Shown::of(one, users.integrations.kind(&one.key.source)?));
    let shown: Vec<Shown<'_>> = found.iter().filter_map(shown).collect();
    Ok((no_store(), Json(shown)).into_response())
}

/// `POST /v1/tickets`.
pub(crate) async fn ticket(State(users): State<Users>, headers: HeaderMap) -> Result<Response, Problem> {
    let Identity { tenant, sub, extensions, .. } = users.identify(&headers).await?;
    users.may_begin(&tenant, &sub)?;
    let ticket = Ticket { tenant, sub, extensions: extensions.to_vec() };
    let text = random();
    let value = serde_json::to_string(&ticket).map_err(ChangeError::from)?;
    users
        .integrations
        .store()
        .put_once(&ticket_name(&text), &value, TICKET)
        .await
        .map_err(ChangeError::from)?;
    let answer = Json(json!({ "ticket": text, "expires_in": TICKET.as_secs() }));
    Ok((StatusCode::CREATED, no_store(), answer).into_response())
}

impl Users {
    pub(crate) fn new(
        integrations: Arc<Integrations>,
        verifier: Arc<Verifier>,
        directories: Arc<Directories>,
    ) -> Self {
        let rate = Arc::new(UserRate::new(Quota::per_minute(MOST_PER_MINUTE)));
        Self { integrations, verifier, directories, rate, places: Arc::new(Semaphore::new(MOST_AT_ONCE)) }
    }

    /// One of the places, for as long as it is held.
    fn place(&self) -> Result<SemaphorePermit<'_>, Problem> {
        self.places.try_acquire().map_err(|_| unavailable("too many ask at the same time"))
    }

    /// Whether a user may ask for one more ticket, or begin once more.
    pub(crate) fn may_begin(&self, tenant: &TenantId, sub: &Arc<str>) -> Result<(), Problem> {
        let refuse = |wait| too_many("too many tickets and connects of this user", wait);
        self.rate.check(tenant, sub).map_err(refuse)
    }

    /// Who asks, by the token that is shown; with the directory's extensions where it names none.
    pub(crate) async fn identify(&self, headers: &HeaderMap) -> Result<Identity, Problem> {
        let identity = self.verify(headers).await?;
        if identity.role == Role::Service {
            return Err(Problem::new(
                StatusCode::FORBIDDEN,
                "forbidden",
                "a service has no integrations of its own",
            ));
        }
        Ok(self.directories.complete(identity).await?)
    }

    /// Who verifies tokens.
    pub(crate) fn verifier(&self) -> &Arc<Verifier> {
        &self.verifier
    }

    /// Why nobody's token can be verified, if so.
    pub(crate) fn trouble(&self) -> Option<&'static str> {
        self.verifier.trouble()
    }

    /// The bearer of a token, whatever its role.
    pub(crate) async fn verify(&self, headers: &HeaderMap) -> Result<Identity, Problem> {
        self.verifier.identify(headers).await
    }

    /// Whom a ticket is for; it is of no use again.
    pub(crate) async fn redeem(&self, ticket: &str) -> Result<Ticket, Problem> {
        let _place = self.place()?;
        let taken = self.integrations.store().take(&ticket_name(ticket)).await.map_err(ChangeError::from)?;
        let taken = taken.and_then(|value| serde_json::from_str(&value).ok());
        taken.ok_or_else(|| unauthorized("the ticket is unknown, used or expired: ask for another"))
    }
}

impl<'a> Shown<'a> {
    fn of(found: &'a Integration, kind: SourceKind) -> Self {
        Self {
            source: &found.key.source,
            provider: kind.as_str(),
            tenant_id: &found.key.tenant,
            extension: &found.key.extension,
            status: found.status().as_str(),
            since: found.since,
            access_token_expires_at: found.access_ends_at(),
            cause: found.cause().map(|cause| cause.as_str()),
        }
    }
}

/// 128 random bits, as text.
pub(crate) fn random() -> String {
    BASE64_URL_SAFE_NO_PAD.encode(rand::random::<[u8; 16]>())
}

/// SHA-256, in hex: of secrets that are random, so that nothing else is needed.
pub(crate) fn hash(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn ticket_name(ticket: &str) -> String {
    format!("ticket:{}", hash(ticket))
}

impl From<ChangeError> for Problem {
    fn from(error: ChangeError) -> Self {
        if !matches!(error, ChangeError::Store(StoreError::Unavailable(_) | StoreError::Unknown(_))) {
            tracing::error!(%error, "an integration cannot be read or changed");
        }
        unavailable("the integrations cannot be read or changed now")
    }
}
