//! The private listeners: health and metrics on one, and on the other what operators look up, which
//! shows personal data.

use crate::{
    engine::Archived,
    gateway::{Gateway, Patience},
    http::{Problem, no_store, nothing_here},
    id::{Extension, ItemId, ItemKey, ItemName, Kind, SourceName, TenantId},
    item::ItemSet,
    metrics::Metrics,
    sidecar::Sidecar,
    tasks::Tasks,
    warnings::Warnings,
};
use axum::{
    Json,
    body::{Body, Bytes},
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use futures_util::stream;
use serde_json::{Value, json};
use std::{
    io::{self, BufWriter, Write},
    iter,
    sync::Arc,
    time::Duration,
};
use tokio::{sync::mpsc, task::spawn_blocking};

/// A copy of the store is sent in pieces, so many of which may wait.
const PIECE_BYTES: usize = 64 * 1024;
const PIECES: usize = 16;

/// The Prometheus text format, in the version that OpenMetrics names.
const METRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// A sidecar alone, as its operator sees it.
#[derive(Clone)]
pub(crate) struct SidecarProcess {
    sidecar: Arc<Sidecar>,
    tasks: Tasks,
    metrics: Arc<Metrics>,
    warnings: Arc<Warnings>,
    patience: Arc<Patience>,
}

impl SidecarProcess {
    /// That of this process, which bears trouble of its store for so long.
    pub(crate) fn new(
        sidecar: &Arc<Sidecar>,
        tasks: &Tasks,
        metrics: &Arc<Metrics>,
        limit: Duration,
    ) -> Self {
        Self {
            sidecar: sidecar.clone(),
            tasks: tasks.clone(),
            warnings: metrics.of(),
            metrics: metrics.clone(),
            patience: Arc::new(Patience::new(limit)),
        }
    }

    /// Notes since when its store is in trouble, for ever.
    pub(crate) async fn watch_store(self) {
        self.patience.watch(|| self.sidecar.trouble().is_none()).await;
    }
}

/// Says that the process lives.
pub(crate) async fn healthy() -> &'static str {
    "the process lives\n"
}

/// Whether a sidecar alone can do its work; the reasons where it cannot.
pub(crate) async fn sidecar_ready(State(process): State<SidecarProcess>) -> Response {
    let trouble = process.sidecar.trouble().map(str::to_owned);
    let reasons: Vec<_> = trouble.into_iter().chain(process.tasks.trouble()).collect();
    readiness(&reasons, &process.warnings.all(iter::empty()))
}

/// The same for whoever may send to it: without reasons, and patient.
pub(crate) async fn sidecar_rotation(State(process): State<SidecarProcess>) -> Response {
    let is_well = process.sidecar.trouble().is_none();
    rotation(process.patience.is_out(is_well) || process.tasks.trouble().is_some())
}

/// What a sidecar alone counts.
pub(crate) async fn sidecar_metrics(State(process): State<SidecarProcess>) -> Response {
    process.sidecar.measure();
    ([(header::CONTENT_TYPE, METRICS_TYPE)], process.metrics.text()).into_response()
}

/// Whether the node can commit and deliver; the reasons where it cannot.
pub(crate) async fn ready(State(gateway): State<Arc<Gateway>>) -> Response {
    readiness(&gateway.unready(), &gateway.all_warnings())
}

/// Whether a balancer is to send to the node. It has no reasons, since strangers may ask; and trouble that other nodes
/// have with it is borne for a while.
pub(crate) async fn in_rotation(State(gateway): State<Arc<Gateway>>) -> Response {
    rotation(gateway.is_out())
}

fn readiness(reasons: &[String], warnings: &[String]) -> Response {
    let said = json!({ "ready": reasons.is_empty(), "reasons": reasons, "warnings": warnings });
    (status(reasons.is_empty()), Json(said)).into_response()
}

fn rotation(is_out: bool) -> Response {
    (status(!is_out), no_store(), Json(json!({ "ready": !is_out }))).into_response()
}

fn status(is_ready: bool) -> StatusCode {
    if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
}

/// What the node counts.
pub(crate) async fn metrics(State(gateway): State<Arc<Gateway>>) -> Response {
    gateway.engine.measure();
    gateway.all_warnings();
    if let Some(sidecar) = &gateway.sidecar {
        sidecar.measure();
    }
    ([(header::CONTENT_TYPE, METRICS_TYPE)], gateway.metrics.text()).into_response()
}

/// The store of the embedded engine as it is now, as a tar.
pub(crate) async fn backup(State(gateway): State<Arc<Gateway>>) -> Result<Response, Problem> {
    let backup = gateway.engine.backup().ok_or_else(nothing_here)?;
    let (sender, pieces) = mpsc::channel(PIECES);
    // Whoever reads slowly holds up this thread, and nothing else; whoever goes away ends it.
    spawn_blocking(move || {
        let mut to = BufWriter::with_capacity(PIECE_BYTES, Pieces(sender.clone()));
        if let Err(error) = backup.write(&mut to).and_then(|()| to.flush()) {
            let _ = sender.blocking_send(Err(error));
        }
    });
    let pieces = stream::unfold(pieces, async |mut pieces| Some((pieces.recv().await?, pieces)));
    Ok(([(header::CONTENT_TYPE, "application/x-tar")], Body::from_stream(pieces)).into_response())
}

/// What is written goes into the body of an answer.
struct Pieces(mpsc::Sender<io::Result<Bytes>>);

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let piece = Ok(Bytes::copy_from_slice(bytes));
        self.0.blocking_send(piece).map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Says where to ask for what shows personal data.
pub(crate) async fn moved() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not-found", "this is on operator_listen, as it shows personal data")
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
    let Some(set) = gateway.engine.item_in_full(&key).await? else {
        return Err(Problem::new(StatusCode::NOT_FOUND, "not-found", "no such item is kept"));
    };
    Ok(Json(match set {
        ItemSet::Call(leg) => {
            json!({ "call": leg.fold(&key, gateway.engine.rules()), "events": leg.events() })
        }
        ItemSet::Notice(posts) => json!({ "notice": posts.fold(&key), "events": posts.events() }),
    }))
}
