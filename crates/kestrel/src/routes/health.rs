//! Health, readiness and metrics.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::metrics::resident_bytes;
use crate::state::App;

/// Whether the server can do its work.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Readiness {
    /// True when rollouts can be stored and read.
    ready: bool,
    /// `embedded` or `remote`.
    store: &'static str,
    /// State of the store: `ready`, `restarting`, `unavailable`.
    state: &'static str,
    /// What stands in the way, where something does.
    message: Option<String>,
    /// Version of this server.
    version: &'static str,
}

/// The process is alive.
#[utoipa::path(get, path = "/healthz", tag = "operations", responses((status = 200, description = "`ok`")))]
pub(crate) async fn healthz() -> &'static str {
    "ok"
}

/// Rollouts can be stored and read.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "operations",
    responses(
        (status = 200, body = Readiness),
        (status = 503, body = Readiness, description = "Not now: `message` says why")
    )
)]
pub(crate) async fn readyz(State(app): State<App>) -> Response {
    let problem = app.backend.problem(&app.store).await;
    let readiness = Readiness {
        ready: problem.is_none(),
        store: app.backend.kind(),
        state: problem.as_ref().map_or("ready", |problem| problem.state),
        message: problem.map(|problem| problem.message),
        version: env!("CARGO_PKG_VERSION"),
    };
    let status = if readiness.ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(readiness)).into_response()
}

/// What the server counts, for Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "operations", responses((status = 200, description = "Prometheus text")))]
pub(crate) async fn metrics(State(app): State<App>) -> Response {
    let queue_bytes = app.ingest.budget().used() as u64;
    let page = app.metrics.render(queue_bytes, resident_bytes());
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], page).into_response()
}
