//! Webhooks in: authenticate, read, parse, commit, reply. What the events mean for a call is
//! not decided here.

mod metrics;
mod unknown_states;

use crate::{
    clock::now,
    config::{Config, Source},
    engine::{Committed, EngineError, Receipt},
    event_set::{Added, Effect},
    gateway::Gateway,
    http::{Problem, body},
    id::Kind,
    integrations,
    item::ItemEvent,
    sidecar::integration::Key,
    source::{EventRefusal, Gate, Provider, Received, provider},
};
use axum::{
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use futures_util::{StreamExt, TryStreamExt, stream};
use metrics::WebhookMetrics;
use prometheus_client::metrics::counter::Counter;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::time::timeout;
use unknown_states::UnknownStates;

/// How long the events of one webhook may take to be committed and durable.
const COMMIT_DEADLINE: Duration = Duration::from_secs(6);
const LATE: EngineError = EngineError::Unavailable("the events were not committed in time");
const UNREAD: EngineError = EngineError::Unavailable("the integrations cannot be read");
/// Events of one webhook that are committed at the same time.
const COMMIT_TOGETHER: usize = 32;

/// Where the webhooks of a node come in.
pub(crate) struct Webhooks {
    doors: Vec<Arc<Door>>,
}

/// Where those of one source do.
pub(crate) struct Door {
    source: Source,
    gate: Gate,
    provider: &'static Provider,
    shared: Arc<Shared>,
    /// Those that were taken: nearly all.
    taken: Counter,
}

/// What the doors share.
struct Shared {
    gateway: Arc<Gateway>,
    metrics: Arc<WebhookMetrics>,
    unknown_states: UnknownStates,
}

impl Webhooks {
    /// Those of a node.
    pub(crate) fn new(gateway: Arc<Gateway>) -> Self {
        let Config { sources, trusted_proxies, .. } = &gateway.config;
        let metrics = gateway.metrics.of::<WebhookMetrics>();
        let unknown_states = UnknownStates::default();
        let shared = Arc::new(Shared { gateway: gateway.clone(), metrics, unknown_states });
        let door = |source: &Source| {
            let provider = provider(source.kind)?;
            let gate = Gate::new(source, provider.is_signed, trusted_proxies);
            let taken = shared.metrics.replies(&source.name, StatusCode::NO_CONTENT);
            Some(Arc::new(Door { source: source.clone(), gate, provider, shared: shared.clone(), taken }))
        };
        Self { doors: sources.iter().filter_map(door).collect() }
    }

    /// All doors.
    pub(crate) fn doors(&self) -> impl Iterator<Item = &Arc<Door>> {
        self.doors.iter()
    }

    /// Forgets what need not be known any more of whoever sent some; to be called now and then.
    pub(crate) fn sweep(&self) {
        self.doors.iter().for_each(|door| door.gate.sweep());
    }
}

/// `POST /webhooks/{source}`, of one source.
pub(crate) async fn receive(State(door): State<Arc<Door>>, request: Request) -> Response {
    let began = Instant::now();
    let went = door.take(request, began).await;
    door.shared.metrics.seconds.observe(began.elapsed().as_secs_f64());
    match went {
        Ok(()) => {
            door.taken.inc();
            StatusCode::NO_CONTENT.into_response()
        }
        Err(problem) => {
            door.shared.metrics.replies(&door.source.name, problem.status()).inc();
            problem.into_response()
        }
    }
}

impl Door {
    /// The name of the source.
    pub(crate) fn source(&self) -> &str {
        self.source.name.as_str()
    }

    async fn take(&self, request: Request, began: Instant) -> Result<(), Problem> {
        let (head, body) = request.into_parts();
        self.gate.admit(&head)?;
        let body = body::read_json(&head.headers, body, self.source.max_body).await?;
        self.gate.admit_body(&head, &body)?;
        let all = self.parse(&body)?;
        // What is cut off may have been committed: the provider sends it again, and it is known then.
        timeout(COMMIT_DEADLINE, self.shared.commit_all(all, began)).await.unwrap_or(Err(LATE))?;
        Ok(())
    }

    /// What a body says, if the source may say it.
    fn parse(&self, body: &[u8]) -> Result<Vec<Received>, Problem> {
        let all = (self.provider.parse)(&self.source, body)?;
        let is_foreign = |received: &Received| match received {
            Received::Item(event) => !self.source.may_speak_for(&event.key.tenant),
            Received::Unknown(unknown) => {
                unknown.tenant.as_ref().is_some_and(|its| !self.source.may_speak_for(its))
            }
        };
        if all.iter().any(is_foreign) {
            let detail = "an event is of a tenant for which this source may not speak";
            return Err(Problem::new(StatusCode::FORBIDDEN, "tenant-not-allowed", detail));
        }
        Ok(all)
    }
}

impl Shared {
    async fn commit_all(&self, mut all: Vec<Received>, began: Instant) -> Result<(), EngineError> {
        // Nearly always it is one, which needs no place among others.
        if all.len() == 1
            && let Some(received) = all.pop()
        {
            return self.commit(received, began).await?.durable().await;
        }
        let commits = stream::iter(all).map(|received| self.commit(received, began));
        let receipts: Vec<Receipt> = commits.buffered(COMMIT_TOGETHER).try_collect().await?;
        for receipt in receipts {
            receipt.durable().await?;
        }
        Ok(())
    }

    async fn commit(&self, received: Received, began: Instant) -> Result<Receipt, EngineError> {
        let gateway = &self.gateway;
        match received {
            Received::Item(event) if !is_wanted(gateway, &event).await? => {
                self.metrics.inactive_users.inc();
                Ok(Receipt::Now)
            }
            Received::Item(event) => {
                let rang_at = event.event.rang_at();
                let call = (event.key.kind == Kind::Call)
                    .then(|| (event.key.tenant.clone(), event.event.identity().at));
                let Committed { added, receipt, .. } = gateway.engine.commit(event).await?;
                if let (Added::New, Some(rang_at)) = (added, rang_at) {
                    gateway.ringing.on_commit(rang_at, began.elapsed(), now());
                }
                if let Some((tenant, happened)) = call {
                    gateway.boards.on_event(&tenant, happened, added);
                }
                Ok(receipt)
            }
            Received::Unknown(unknown) => {
                self.metrics.unknown_states.inc();
                self.unknown_states.note(&unknown.state);
                gateway.engine.archive(unknown).await
            }
        }
    }
}

/// Whether an event is for a user whom it may be delivered to.
async fn is_wanted(gateway: &Gateway, ItemEvent { key, event }: &ItemEvent) -> Result<bool, EngineError> {
    let required = gateway.integrations.as_ref().filter(|_| gateway.config.calls.require_activation);
    match required {
        // At a source without a portal nobody could activate anything.
        Some(followed) if followed.integrations.kind(&key.name.source).is_some() => {
            let (source, tenant, extension) =
                (key.name.source.clone(), key.tenant.clone(), key.extension.clone());
            let whose = Key { source, tenant, extension };
            if integrations::is_live(&followed.integrations, &whose).await.map_err(|_| UNREAD)? {
                return Ok(true);
            }
            // A call that was delivered does not ring on for ever.
            if event.manner().effect != Effect::EndsForGood {
                return Ok(false);
            }
            Ok(!gateway.engine.items(&key.tenant, vec![key.clone()]).await?.is_empty())
        }
        _ => Ok(true),
    }
}

impl From<EventRefusal> for Problem {
    fn from(refusal: EventRefusal) -> Self {
        match refusal {
            EventRefusal::NotJson(_) => Self::new(StatusCode::BAD_REQUEST, "not-json", refusal),
            EventRefusal::Invalid { .. } => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid-event", refusal)
            }
        }
    }
}
