//! Access tokens for other servers, on the private listener.

use super::{
    Sidecar,
    integration::{Integration, Key},
    integrations::ChangeError,
    metrics,
};
use crate::{
    auth::Role,
    clock::{self, Micros},
    config::MAX_BODY,
    http::{Problem, body, no_store, nothing_here, unavailable},
    id::{Extension, SourceName, TenantId},
    protocol::IntegrationStatus,
};
use axum::{
    Json,
    extract::{Path, Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, sleep, timeout};

/// How long a caller waits for a token where the old one has ended.
const PATIENCE: Duration = Duration::from_secs(15);
/// Between two looks at what another process does.
const LOOK: Duration = Duration::from_millis(100);
/// A token that ends so soon is of no use to a caller, unless there is no other; or a twentieth
/// of its life, if that is less.
const TOO_SOON: Micros = 5_000_000;

/// Why there is no access token.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoToken {
    /// The user has to do something first.
    #[error("there is no integration that could give one")]
    Status(Option<IntegrationStatus>),
    #[error("there is none at the moment")]
    NotNow,
    #[error(transparent)]
    Store(#[from] ChangeError),
}

#[derive(Deserialize)]
struct Body {
    tenant_id: TenantId,
    user_extension: Extension,
}

/// `POST /internal/{source}/access-token`.
pub(crate) async fn vend(
    State(sidecar): State<Arc<Sidecar>>,
    Path(source): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let Ok(door) = sidecar.door(&source) else {
        let headers = request.headers().clone();
        sidecar.users.verify(&headers).await?;
        return Err(nothing_here());
    };
    let source = door.source();
    let (status, response) = match take(&sidecar, source, request).await {
        Ok((token, expires_at)) => {
            let body = json!({ "access_token": token.expose_secret(), "expires_at": expires_at / 1_000_000 });
            (StatusCode::OK, (no_store(), Json(body)).into_response())
        }
        Err(problem) => (problem.status(), problem.into_response()),
    };
    let label = metrics::ByStatus { source: source.clone(), status: status.as_u16() };
    sidecar.metrics.vended.get_or_create(&label).inc();
    Ok(response)
}

async fn take(
    sidecar: &Sidecar,
    source: &SourceName,
    request: Request,
) -> Result<(SecretString, Micros), Problem> {
    let (head, body) = request.into_parts();
    let service = sidecar.users.verify(&head.headers).await?;
    if service.role != Role::Service {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "forbidden",
            "access tokens are for the role service",
        ));
    }
    let body = body::read_json(&head.headers, body, MAX_BODY).await?;
    let Body { tenant_id, user_extension } = body::parse(&body)?;
    if tenant_id != service.tenant {
        return Err(Problem::new(StatusCode::FORBIDDEN, "forbidden", "the token is of another tenant"));
    }
    let key = Key { source: source.clone(), tenant: tenant_id, extension: user_extension };
    Ok(sidecar.access_token(&key).await?)
}

impl Sidecar {
    /// An access token that is valid now; refreshed first where that is needed. Who waits shares
    /// one refresh, and may go away: it goes on.
    ///
    /// # Errors
    /// There is none, and why.
    pub(crate) async fn access_token(&self, key: &Key) -> Result<(SecretString, Micros), NoToken> {
        let deadline = Instant::now() + PATIENCE;
        let mut was_shut = false;
        let mut pause = LOOK / 10;
        loop {
            let found = self.integrations.load(key).await?.ok_or(NoToken::Status(None))?;
            if !found.is_live() {
                return Err(NoToken::Status(Some(found.status())));
            }
            // While somebody refreshes, the old one is good enough for as long as it lasts.
            if (found.claim().is_some() || !is_ending(&found))
                && let Some(token) = self.rotation.access_token(&found)
            {
                return Ok(token);
            }
            let attempt = self.rotation.begin(key);
            if let Some(token) = self.rotation.access_token(&found) {
                return Ok(token);
            }
            // One that does not open does not by waiting; a refresh may help, once.
            let is_shut = found.vendible(clock::now()).is_some();
            let left = deadline.saturating_duration_since(Instant::now());
            let is_later = found.claim().is_none() && found.retry_at > clock::now() + clock::micros(left);
            if left.is_zero() || is_later || is_shut && was_shut {
                return Err(NoToken::NotNow);
            }
            was_shut = is_shut;
            let ended = async {
                if let Some(mut ends) = attempt {
                    // It only ever ends.
                    let _ = ends.changed().await;
                }
            };
            // Another process may have it; so it is looked at in any case.
            let _ = timeout(LOOK, ended).await;
            sleep(pause).await;
            pause = (2 * pause).min(5 * LOOK);
        }
    }
}

fn is_ending(found: &Integration) -> bool {
    found.tokens.as_ref().is_none_or(|tokens| {
        let life = tokens.expires_at.saturating_sub(tokens.issued_at);
        clock::now() + (life / 20).min(TOO_SOON) >= tokens.expires_at
    })
}

impl From<NoToken> for Problem {
    fn from(why: NoToken) -> Self {
        match why {
            NoToken::Status(status) => {
                let status = status.map(IntegrationStatus::as_str);
                let detail = match status {
                    Some(status) => format!("the integration is {status}: its user has to connect"),
                    None => "the user never connected".to_owned(),
                };
                Self::new(StatusCode::CONFLICT, "no-access-token", detail).with("integration_status", status)
            }
            NoToken::NotNow => unavailable("the provider gives no access token at the moment"),
            NoToken::Store(error) => error.into(),
        }
    }
}
