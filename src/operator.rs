//! The private listener: health, metrics, and what operators look up.

use crate::{
    engine::Archived,
    gateway::Gateway,
    http::Problem,
    id::{Extension, ItemId, ItemKey, ItemName, Kind, SourceName, TenantId},
    item::ItemSet,
    metrics::Metrics,
    sidecar::Sidecar,
    tasks::Tasks,
};
use axum::{
    Json,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use std::sync::Arc;

/// The Prometheus text format, in the version that OpenMetrics names.
const METRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// A sidecar alone, as its operator sees it.
#[derive(Clone)]
pub(crate) struct SidecarProcess {
    sidecar: Arc<Sidecar>,
    tasks: Tasks,
    metrics: Arc<Metrics>,
}

impl SidecarProcess {
    /// That of this process.
    pub(crate) fn new(sidecar: &Arc<Sidecar>, tasks: &Tasks, metrics: &Arc<Metrics>) -> Self {
        Self { sidecar: sidecar.clone(), tasks: tasks.clone(), metrics: metrics.clone() }
    }
}

/// Says that the process lives.
pub(crate) async fn healthy() -> &'static str {
    "the process lives\n"
}

/// Whether a sidecar alone can do its work; the reasons where it cannot.
pub(crate) async fn sidecar_ready(State(process): State<SidecarProcess>) -> Response {
    let trouble = process.sidecar.trouble().map(str::to_owned);
    readiness(&trouble.into_iter().chain(process.tasks.trouble()).collect::<Vec<_>>())
}

/// What a sidecar alone counts.
pub(crate) async fn sidecar_metrics(State(process): State<SidecarProcess>) -> Response {
    process.sidecar.measure();
    ([(header::CONTENT_TYPE, METRICS_TYPE)], process.metrics.text()).into_response()
}

/// Whether the node can commit and deliver; the reasons where it cannot.
pub(crate) async fn ready(State(gateway): State<Arc<Gateway>>) -> Response {
    readiness(&gateway.unready())
}

fn readiness(reasons: &[String]) -> Response {
    let status = if reasons.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({ "ready": reasons.is_empty(), "reasons": reasons }))).into_response()
}

/// What the node counts.
pub(crate) async fn metrics(State(gateway): State<Arc<Gateway>>) -> Response {
    gateway.engine.measure();
    if let Some(sidecar) = &gateway.sidecar {
        sidecar.measure();
    }
    ([(header::CONTENT_TYPE, METRICS_TYPE)], gateway.metrics.text()).into_response()
}

/// Events of states that callpop does not know, as they came.
pub(crate) async fn archive(State(gateway): State<Arc<Gateway>>) -> Result<Json<Vec<Archived>>, Problem> {
    Ok(Json(gateway.engine.archived().await?))
}

/// Where an item stands in a path.
type Named = Path<(TenantId, SourceName, Extension, ItemId)>;

/// A leg's events, with the fields that callpop does not know, and the call that they fold to.
pub(crate) async fn leg(State(gateway): State<Arc<Gateway>>, named: Named) -> Result<Json<Value>, Problem> {
    item(&gateway, Kind::Call, named).await
}

/// A notice's events, and the notice that they fold to.
pub(crate) async fn notice(
    State(gateway): State<Arc<Gateway>>,
    named: Named,
) -> Result<Json<Value>, Problem> {
    item(&gateway, Kind::Notice, named).await
}

async fn item(gateway: &Gateway, kind: Kind, Path(named): Named) -> Result<Json<Value>, Problem> {
    let (tenant, source, extension, id) = named;
    let key = ItemKey { tenant, extension, kind, name: ItemName { source, id } };
    let found = gateway.engine.items(&key.tenant, vec![key.clone()]).await?.pop();
    let Some((_, set)) = found else {
        return Err(Problem::new(StatusCode::NOT_FOUND, "not-found", "no such item is kept"));
    };
    Ok(Json(match set {
        ItemSet::Call(leg) => {
            json!({ "call": leg.fold(&key, gateway.engine.rules()), "events": leg.events() })
        }
        ItemSet::Notice(posts) => json!({ "notice": posts.fold(&key), "events": posts.events() }),
    }))
}
