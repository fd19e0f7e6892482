//! Webhooks in: authenticate, read, parse, commit, reply. What the events mean for a call is
//! not decided here.

mod gate;

pub use gate::{Gate, Peer};

use crate::{
    engine::{EngineError, Receipt},
    gateway::Gateway,
    metrics::Reply,
    problem::Problem,
    source::{Notice, Refusal, telsmart},
};
use axum::{
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures_util::{StreamExt, TryStreamExt, stream};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::time::timeout;

/// The largest body that is taken, in bytes.
const MAX_BODY: usize = 256 * 1024;
/// How long a body may take to come.
const BODY_DEADLINE: Duration = Duration::from_secs(10);
/// How long the events of one webhook may take to be committed and durable.
const COMMIT_DEADLINE: Duration = Duration::from_secs(6);
const LATE: EngineError = EngineError::Unavailable("the events were not committed in time");
/// Events of one webhook that are committed at the same time.
const COMMIT_TOGETHER: usize = 32;
/// When a provider is to come again after a 503.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// `POST /webhooks/telsmart`.
pub async fn telsmart(State(gateway): State<Arc<Gateway>>, request: Request) -> Response {
    let began = Instant::now();
    let (status, response) = match take(&gateway, request).await {
        Ok(()) => (StatusCode::NO_CONTENT, StatusCode::NO_CONTENT.into_response()),
        Err(problem) => (problem.status(), problem.into_response()),
    };
    gateway.metrics.webhooks.get_or_create(&Reply { status: status.as_u16() }).inc();
    gateway.metrics.webhook_seconds.observe(began.elapsed().as_secs_f64());
    response
}

async fn take(gateway: &Gateway, request: Request) -> Result<(), Problem> {
    let (head, body) = request.into_parts();
    gateway.telsmart.admit(&head)?;
    let body = read(&head.headers, body).await?;
    let notices = telsmart::parse(&body)?;
    // What is cut off may have been committed: the provider sends it again, and it is known then.
    timeout(COMMIT_DEADLINE, commit_all(gateway, notices)).await.unwrap_or(Err(LATE))?;
    Ok(())
}

async fn commit_all(gateway: &Gateway, notices: Vec<Notice>) -> Result<(), EngineError> {
    let commits = stream::iter(notices).map(|notice| commit(gateway, notice));
    let receipts: Vec<Receipt> = commits.buffered(COMMIT_TOGETHER).try_collect().await?;
    for receipt in receipts {
        receipt.durable().await?;
    }
    Ok(())
}

async fn commit(gateway: &Gateway, notice: Notice) -> Result<Receipt, EngineError> {
    match notice {
        Notice::Call(event) => gateway.engine.commit(event).await,
        Notice::Unknown(unknown) => {
            gateway.metrics.unknown_states.inc();
            tracing::warn!(
                "an event of an unknown state was archived; GET /archive on the admin listener shows it"
            );
            gateway.engine.archive(unknown).await
        }
    }
}

/// The body, if it is JSON of a bearable size that comes in time.
async fn read(headers: &HeaderMap, body: Body) -> Result<Bytes, Problem> {
    let content_type =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        let detail = "the content type must be application/json";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", detail));
    }
    let too_large = || Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "the body is over 256 KiB");
    let length =
        headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if length.is_some_and(|length| length > MAX_BODY) {
        return Err(too_large());
    }
    match timeout(BODY_DEADLINE, Limited::new(body, MAX_BODY).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => Err(Problem::new(StatusCode::BAD_REQUEST, "broken-body", "the body broke off")),
        Err(_) => Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "timeout", "the body took too long")),
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotJson(_) => Self::new(StatusCode::BAD_REQUEST, "not-json", refusal),
            Refusal::Invalid { .. } => Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid-event", refusal),
        }
    }
}

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", error).retry_after(RETRY_AFTER)
    }
}
