//! From consent to active, and back: the user is sent to the portal with a confirmation key, and
//! the provider calls back with it, server to server. Either side can end it.

use super::{
    Sidecar,
    integration::{Asked, Callback, Integration, Key, State as Stands},
    integrations::ChangeError,
    machine::{Input, InputRefusal},
    metrics,
    provider::{MAX_LIFE, is_token},
    users::{Ticket, hash, random},
};
use crate::{
    auth::AgreedHeader,
    clock,
    config::{MAX_BODY, Portal},
    http::{Problem, body, no_store, nothing_here},
    id::{Extension, SourceName, TenantId},
    places::{Proof, prove},
    protocol::IntegrationStatus,
};
use axum::{
    Json,
    extract::{Path, Query, Request, State, rejection::QueryRejection},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::json;
use std::{sync::Arc, time::Duration};

/// The longest token that is taken, in bytes.
const MAX_TOKEN: usize = 16 * 1024;

/// What a user who connects may say.
#[derive(Deserialize)]
pub(crate) struct ConnectQuery {
    ticket: Option<String>,
    extension: Option<Extension>,
    redirect_url: Option<String>,
}

#[derive(Deserialize)]
struct ActivateBody {
    tenant_id: TenantId,
    user_extension: Extension,
    access_token: SecretString,
    refresh_token: SecretString,
    #[serde(deserialize_with = "seconds")]
    expires_in: u64,
    confirmation_key: SecretString,
}

#[derive(Deserialize)]
struct DeactivateBody {
    tenant_id: TenantId,
    user_extension: Extension,
}

#[derive(Deserialize)]
struct DisconnectBody {
    extension: Extension,
}

/// Where the users and the provider of one source come in.
pub(super) struct Door {
    portal: Portal,
    callbacks: AgreedHeader,
}

/// `GET /integrations/{source}/connect`: sends the user to the portal.
pub(crate) async fn connect(
    State(sidecar): State<Arc<Sidecar>>,
    Path(source): Path<String>,
    query: Result<Query<ConnectQuery>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Query(query) = query.map_err(|_| bad("extension is no id, or a parameter comes twice"))?;
    let Ticket { tenant, sub, extensions } = match &query.ticket {
        Some(ticket) => sidecar.users.redeem(ticket).await?,
        None => {
            let identity = sidecar.users.identify(&headers).await?;
            Ticket { tenant: identity.tenant, sub: identity.sub, extensions: identity.extensions.to_vec() }
        }
    };
    let door = sidecar.door(&source)?;
    sidecar.users.may_begin(&tenant, &sub)?;
    let extension = choose(query.extension, &extensions)?;
    let back = sidecar.way_back(query.redirect_url.as_deref(), &headers)?;
    let key = Key { source: door.source().clone(), tenant, extension };
    let confirmation = random();
    let asked = Asked {
        key_hash: hash(&confirmation),
        sub: sub.to_string(),
        expires_at: clock::now() + clock::micros(door.portal.consent_timeout),
    };
    let begun = sidecar.integrations.change_or_begin(&key, |_| Input::Connect(asked.clone())).await?;
    sidecar.rotation.note(&begun, "connect_begun", None).await;
    let to = door.portal(&confirmation, &back)?;
    let location = HeaderValue::try_from(to).map_err(|_| bad("redirect_url cannot be a header's value"))?;
    let quiet = (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    Ok((StatusCode::SEE_OTHER, no_store(), [(header::LOCATION, location), quiet]).into_response())
}

/// The one extension that is meant.
fn choose(named: Option<Extension>, own: &[Extension]) -> Result<Extension, Problem> {
    match (named, own) {
        (Some(named), own) if own.contains(&named) => Ok(named),
        (Some(_), _) => Err(forbidden("this extension is not one of yours")),
        (None, [only]) => Ok(only.clone()),
        (None, []) => Err(forbidden("the token names no extension")),
        (None, _) => Err(bad("name one of the token's extensions: ?extension=")),
    }
}

/// `POST /integrations/{source}/activate`.
pub(crate) async fn activate(
    State(sidecar): State<Arc<Sidecar>>,
    Path(source): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let door = sidecar.door(&source)?;
    let answer = take_activation(&sidecar, door, request).await;
    Ok(sidecar.reply(door, "activate", answer.map(|status| json!({ "status": status }))))
}

async fn take_activation(
    sidecar: &Sidecar,
    door: &Door,
    request: Request,
) -> Result<IntegrationStatus, Problem> {
    let given: ActivateBody = door.callback(request).await?;
    for (name, token) in [("access_token", &given.access_token), ("refresh_token", &given.refresh_token)] {
        if !is_token(token) || token.expose_secret().len() > MAX_TOKEN {
            return Err(bad(&format!("{name} must be 1 to {MAX_TOKEN} printable ASCII characters")));
        }
    }
    let life = Duration::from_secs(given.expires_in);
    let source = door.source().clone();
    let key = Key { source, tenant: given.tenant_id, extension: given.user_extension };
    let callback = Callback {
        key_hash: hash(given.confirmation_key.expose_secret()),
        tokens_hash: hash(&format!(
            "{}\n{}",
            given.access_token.expose_secret(),
            given.refresh_token.expose_secret()
        )),
    };
    let make = |stands: &Integration| Input::Activate {
        callback: callback.clone(),
        tokens: sidecar.rotation.seal(
            &key,
            (stands.consent + 1, 0),
            (&given.access_token, &given.refresh_token),
            (clock::now(), life),
        ),
    };
    match sidecar.integrations.change(&key, make).await {
        Ok(active) => {
            sidecar.rotation.note(&active, "activated", None).await;
            Ok(active.status())
        }
        // The same again, whatever is done with the tokens just then; but not what has ended.
        Err(ChangeError::Refused { refusal: InputRefusal::Known, stands }) if stands.is_live() => {
            Ok(IntegrationStatus::Active)
        }
        Err(ChangeError::Refused { refusal: InputRefusal::Known, stands }) => Ok(stands.status()),
        Err(ChangeError::Refused { .. } | ChangeError::Nothing) => {
            Err(forbidden("this confirmation key is unknown, used, expired, or another user's"))
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /integrations/{source}/deactivate`.
pub(crate) async fn deactivate(
    State(sidecar): State<Arc<Sidecar>>,
    Path(source): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let door = sidecar.door(&source)?;
    let answer = take_deactivation(&sidecar, door, request).await;
    Ok(sidecar.reply(door, "deactivate", answer.map(|()| json!({ "status": "deactivated" }))))
}

async fn take_deactivation(sidecar: &Sidecar, door: &Door, request: Request) -> Result<(), Problem> {
    let given: DeactivateBody = door.callback(request).await?;
    let source = door.source().clone();
    let key = Key { source, tenant: given.tenant_id, extension: given.user_extension };
    sidecar.end(&key, false, "deactivated_by_provider").await
}

/// `POST /integrations/{source}/disconnect`: the user ends it.
pub(crate) async fn disconnect(
    State(sidecar): State<Arc<Sidecar>>,
    Path(source): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let (head, body) = request.into_parts();
    let identity = sidecar.users.identify(&head.headers).await?;
    let door = sidecar.door(&source)?;
    let given: DisconnectBody = body::parse(&body::read_json(&head.headers, body, MAX_BODY).await?)?;
    let extension = choose(Some(given.extension), &identity.extensions)?;
    let key = Key { source: door.source().clone(), tenant: identity.tenant, extension };
    let can_revoke = door.portal.revoke_url.is_some();
    sidecar.end(&key, can_revoke, "deactivated_by_user").await?;
    Ok((no_store(), Json(json!({ "status": "deactivated" }))).into_response())
}

impl Door {
    pub(super) fn new(portal: &Portal) -> Self {
        let callbacks = AgreedHeader::new(portal.callback_header.clone(), portal.callback_secrets.clone());
        Self { portal: portal.clone(), callbacks }
    }

    pub(super) fn source(&self) -> &SourceName {
        &self.portal.source
    }

    /// The body of a callback that is the provider's.
    async fn callback<T: DeserializeOwned>(&self, request: Request) -> Result<T, Problem> {
        let (head, body) = request.into_parts();
        if !self.callbacks.is_open() {
            if !self.callbacks.is_shown(&head.headers) {
                let detail = format!("the header {} is missing or wrong", self.callbacks.name());
                return Err(Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", detail));
            }
            prove(Proof::Secret);
        }
        body::parse(&body::read_json(&head.headers, body, MAX_BODY).await?)
    }

    /// The portal's page, for one consent.
    fn portal(&self, confirmation: &str, back: &str) -> Result<String, Problem> {
        let url = reqwest::Url::parse(&self.portal.portal_url);
        // It was checked with the configuration.
        let mut url = url.map_err(|_| bad("the portal's address is no URL"))?;
        url.query_pairs_mut().append_pair("confirmation_key", confirmation).append_pair("redirect_url", back);
        Ok(url.into())
    }
}

impl Sidecar {
    /// That of a source, by the name in a path.
    pub(super) fn door(&self, source: &str) -> Result<&Door, Problem> {
        let found = self.doors.iter().find(|door| door.source().as_str() == source);
        found.ok_or_else(nothing_here)
    }

    /// Ends an integration, if there is one.
    async fn end(&self, key: &Key, revoke: bool, event: &'static str) -> Result<(), Problem> {
        match self.integrations.change(key, |_| Input::Deactivate { revoke }).await {
            Ok(ended) => {
                let wiped = if ended.state == Stands::Deactivated { Some("wiped") } else { None };
                self.rotation.note(&ended, event, wiped).await;
                Ok(())
            }
            Err(ChangeError::Refused { .. } | ChangeError::Nothing) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn reply(&self, door: &Door, kind: &'static str, answer: Result<serde_json::Value, Problem>) -> Response {
        let (status, response) = match answer {
            Ok(body) => (StatusCode::OK, (no_store(), Json(body)).into_response()),
            Err(problem) => (problem.status(), problem.into_response()),
        };
        let label = metrics::ByReply { source: door.source().clone(), kind, status: status.as_u16() };
        self.metrics.callbacks.get_or_create(&label).inc();
        response
    }

    /// Where the browser comes back to: a page of ours, or of an origin that may connect.
    fn way_back(&self, wanted: Option<&str>, headers: &HeaderMap) -> Result<String, Problem> {
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let own = self.config.public_url.clone().or_else(|| Some(format!("http://{}", host?)));
        let own = own
            .and_then(|url| reqwest::Url::parse(&url).ok())
            .ok_or_else(|| bad("there is no Host header"))?;
        let Some(wanted) = wanted else {
            return own.join("/integrations").map(Into::into).map_err(|_| bad("there is no way back"));
        };
        let wanted = own.join(wanted).map_err(|_| bad("redirect_url is no URL"))?;
        // Without public_url it is not known whether a proxy speaks TLS to the browser.
        let same_host = wanted.authority() == own.authority();
        let is_ours = same_host && (self.config.public_url.is_none() || wanted.scheme() == own.scheme());
        let is_sound = matches!(wanted.scheme(), "http" | "https");
        let is_allowed = self.origins.iter().any(|origin| *origin == wanted.origin().ascii_serialization());
        if is_sound && (is_ours || is_allowed) {
            Ok(wanted.into())
        } else {
            Err(forbidden("redirect_url is of an origin that is not in auth.allowed_origins"))
        }
    }
}

/// A number of seconds, as a number or as text.
fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Seconds {
        Number(u64),
        Text(String),
    }
    let found = match Seconds::deserialize(deserializer)? {
        Seconds::Number(number) => Some(number),
        Seconds::Text(text) => text.parse().ok(),
    };
    found.filter(|seconds| (1..=MAX_LIFE).contains(seconds)).ok_or_else(|| {
        serde::de::Error::custom(format!("expires_in must be a whole number of seconds from 1 to {MAX_LIFE}"))
    })
}

fn bad(detail: &str) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "unprocessable", detail)
}

fn forbidden(detail: &str) -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "forbidden", detail)
}
