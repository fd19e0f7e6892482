//! The private listener: health, metrics, and what operators look up.

use crate::{
    call::{LegKey, LegName},
    engine::{Archived, LegView},
    gateway::Gateway,
    http::Problem,
    id::{Extension, LegId, SourceName, TenantId},
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
use serde_json::json;
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

/// A leg's events, with the fields that callpop does not know, and the call that they fold to.
pub(crate) async fn leg(
    State(gateway): State<Arc<Gateway>>,
    Path((tenant, source, extension, id)): Path<(TenantId, SourceName, Extension, LegId)>,
) -> Result<Json<LegView>, Problem> {
    let leg = LegName { source, id };
    let view = gateway.engine.leg(&LegKey { tenant, extension, leg }).await?;
    view.map(Json).ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "not-found", "no such leg is kept"))
}
