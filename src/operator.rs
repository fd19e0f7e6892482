//! The private listener: health, metrics, and what operators look up.

use crate::{
    call::{Extension, LegId, LegKey, TenantId},
    engine::{Archived, LegView},
    gateway::Gateway,
    method::get_only,
    metrics::Metrics,
    problem::Problem,
    server,
    sidecar::Sidecar,
};
use axum::{
    Json, Router,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;
use std::sync::Arc;

/// The Prometheus text format, in the version that OpenMetrics names.
const METRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Every private route.
pub fn routes(gateway: Arc<Gateway>) -> Router {
    Router::new()
        .route("/healthz", get_only(|| async { "the process lives\n" }))
        .route("/readyz", get_only(ready))
        .route("/metrics", get_only(metrics))
        .route("/archive", get_only(archive))
        .route("/calls/{tenant}/{extension}/{leg}", get_only(leg))
        .fallback(server::not_found)
        .method_not_allowed_fallback(server::method_not_allowed)
        .with_state(gateway)
}

/// The private routes of a sidecar alone.
pub fn sidecar_routes(sidecar: Arc<Sidecar>, metrics: Arc<Metrics>) -> Router {
    let ready = sidecar.clone();
    let ready = move || async move { readiness(&ready.trouble().into_iter().collect::<Vec<_>>()) };
    let text = move || async move {
        sidecar.measure();
        ([(header::CONTENT_TYPE, METRICS_TYPE)], metrics.text())
    };
    Router::new()
        .route("/healthz", get_only(|| async { "the process lives\n" }))
        .route("/readyz", get_only(ready))
        .route("/metrics", get_only(text))
        .fallback(server::not_found)
        .method_not_allowed_fallback(server::method_not_allowed)
}

/// Whether the node can commit and deliver; the reasons where it cannot.
async fn ready(State(gateway): State<Arc<Gateway>>) -> Response {
    readiness(&gateway.unready())
}

fn readiness(reasons: &[&'static str]) -> Response {
    let status = if reasons.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({ "ready": reasons.is_empty(), "reasons": reasons }))).into_response()
}

async fn metrics(State(gateway): State<Arc<Gateway>>) -> Response {
    gateway.engine.measure();
    if let Some(sidecar) = &gateway.sidecar {
        sidecar.measure();
    }
    ([(header::CONTENT_TYPE, METRICS_TYPE)], gateway.metrics.text()).into_response()
}

/// Events of states that callpop does not know, as they came.
async fn archive(State(gateway): State<Arc<Gateway>>) -> Result<Json<Vec<Archived>>, Problem> {
    Ok(Json(gateway.engine.archived().await?))
}

/// A leg's events, with the fields that callpop does not know, and the call that they fold to.
async fn leg(
    State(gateway): State<Arc<Gateway>>,
    Path((tenant, extension, leg)): Path<(TenantId, Extension, LegId)>,
) -> Result<Json<LegView>, Problem> {
    let view = gateway.engine.leg(&LegKey { tenant, extension, leg }).await?;
    view.map(Json).ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "not-found", "no such leg is kept"))
}
