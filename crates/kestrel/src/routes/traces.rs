//! Rollouts: lists, one of them, its spans in windows.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use caribou_model::TraceId;
use caribou_model::api::{
    ErrorBody, Facet, Page, SpanMatches, SpanPage, TraceDetail, TraceOutline, TraceSummary,
};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::error::{ApiError, ErrorCode};
use crate::later::Later as _;
use crate::query::StrictQuery;
use crate::routes::filter::{FilterQuery, ListQuery};
use crate::state::App;

/// Rollouts, newest first unless `sort` says otherwise.
///
/// Parameters that may be given several times match any of their values, but `tags`, which must all be there. The
/// `sort` is one of `started_at`, `duration_ms`, `score`, `input_tokens`, `output_tokens`, `cost_usd`, `turn_count`,
/// `span_count`; with `-` in front it is descending.
#[utoipa::path(
    get,
    path = "/api/v1/traces",
    tag = "traces",
    params(ListQuery),
    responses(
        (status = 200, body = Page<TraceSummary>),
        (status = 400, body = ErrorBody, description = "A parameter is unknown or cannot be read"),
        (status = 503, body = ErrorBody, description = "The store does not answer")
    )
)]
pub(crate) async fn list_traces(
    State(app): State<App>,
    StrictQuery(query): StrictQuery<ListQuery>,
) -> Result<Json<Page<TraceSummary>>, ApiError> {
    let page = query.page()?;
    let filter = query.into_filter()?.to_store()?;
    Ok(Json(app.store.list_traces(&filter, &page).await?))
}

/// Values to filter by, with counts within the other filters.
#[utoipa::path(
    get,
    path = "/api/v1/facets",
    tag = "traces",
    params(FilterQuery),
    responses(
        (status = 200, body = [Facet]),
        (status = 400, body = ErrorBody, description = "A parameter is unknown or cannot be read")
    )
)]
pub(crate) async fn facets(
    State(app): State<App>,
    StrictQuery(query): StrictQuery<FilterQuery>,
) -> Result<Json<Vec<Facet>>, ApiError> {
    Ok(Json(app.store.facets(&query.to_store()?).await?))
}

/// One rollout.
///
/// The id is taken in the user's own words as well as in its hex form.
#[utoipa::path(
    get,
    path = "/api/v1/traces/{trace_id}",
    tag = "traces",
    params(("trace_id" = String, Path, description = "32 hex digits, a UUID, or the id as it was given")),
    responses(
        (status = 200, body = TraceDetail),
        (status = 404, body = ErrorBody, description = "There is no such rollout")
    )
)]
pub(crate) async fn get_trace(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Json<TraceDetail>, ApiError> {
    let found = app.store.get_trace(TraceId::from_text(&id)).await?;
    let mut trace = found.ok_or_else(|| trace_not_found(&id))?;
    trace.url = format!("{}/traces/{}", app.base_url, trace.summary.trace_id);
    Ok(Json(trace))
}

/// Deletes a rollout: its spans and its summary, for good.
#[utoipa::path(
    delete,
    path = "/api/v1/traces/{trace_id}",
    tag = "traces",
    params(("trace_id" = String, Path, description = "32 hex digits, a UUID, or the id as it was given")),
    responses(
        (status = 204, description = "It is gone"),
        (status = 404, body = ErrorBody, description = "There is no such rollout")
    )
)]
pub(crate) async fn delete_trace(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    if app.store.delete_trace(TraceId::from_text(&id)).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(trace_not_found(&id))
    }
}

fn trace_not_found(id: &str) -> ApiError {
    ApiError::new(
        ErrorCode::TraceNotFound,
        format!("there is no trace {id:?}"),
    )
}

/// Which window of the spans: by `cursor`, by `offset`, or `around` a span.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub(crate) struct SpansQuery {
    /// How many, 1 to 1000.
    #[param(default = 100, minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// `next_cursor` or `previous_cursor` of another window.
    cursor: Option<String>,
    /// Place of the first span, from 0.
    offset: Option<u64>,
    /// Id of the span to have in the middle.
    around: Option<String>,
}

/// A window of a rollout's spans, in the order they were logged.
#[utoipa::path(
    get,
    path = "/api/v1/traces/{trace_id}/spans",
    tag = "traces",
    params(
        ("trace_id" = String, Path, description = "32 hex digits, a UUID, or the id as it was given"),
        SpansQuery
    ),
    responses(
        (status = 200, body = SpanPage),
        (status = 400, body = ErrorBody, description = "A parameter is unknown or cannot be read"),
        (status = 404, body = ErrorBody, description = "There is no such rollout, or no such span in it")
    )
)]
pub(crate) async fn list_spans(
    State(app): State<App>,
    Path(id): Path<String>,
    StrictQuery(query): StrictQuery<SpansQuery>,
) -> Result<Json<SpanPage>, ApiError> {
    let _ = (&app, &id, &query);
    Err(trace_not_found(&id))
}

/// Which part of the outline.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub(crate) struct OutlineQuery {
    /// How many, 1 to 100000.
    #[param(default = 20000, minimum = 1, maximum = 100_000)]
    limit: Option<u32>,
    /// Place of the first span, from 0.
    offset: Option<u64>,
}

/// The spans of a rollout without their content, for trees, timelines and virtual lists.
#[utoipa::path(
    get,
    path = "/api/v1/traces/{trace_id}/outline",
    tag = "traces",
    params(
        ("trace_id" = String, Path, description = "32 hex digits, a UUID, or the id as it was given"),
        OutlineQuery
    ),
    responses(
        (status = 200, body = TraceOutline),
        (status = 404, body = ErrorBody, description = "There is no such rollout")
    )
)]
pub(crate) async fn outline(
    State(app): State<App>,
    Path(id): Path<String>,
    StrictQuery(query): StrictQuery<OutlineQuery>,
) -> Result<Json<TraceOutline>, ApiError> {
    let _ = (&app, &id, &query);
    Err(trace_not_found(&id))
}

/// What to look for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SearchQuery {
    /// Text, in any case.
    #[serde(default)]
    q: String,
}

/// The spans of a rollout that hold a text.
#[utoipa::path(
    get,
    path = "/api/v1/traces/{trace_id}/search",
    tag = "traces",
    params(
        ("trace_id" = String, Path, description = "32 hex digits, a UUID, or the id as it was given"),
        SearchQuery
    ),
    responses(
        (status = 200, body = SpanMatches),
        (status = 400, body = ErrorBody, description = "There is no text to look for"),
        (status = 404, body = ErrorBody, description = "There is no such rollout")
    )
)]
pub(crate) async fn search(
    State(app): State<App>,
    Path(id): Path<String>,
    StrictQuery(query): StrictQuery<SearchQuery>,
) -> Result<Json<SpanMatches>, ApiError> {
    let _ = (&app, &id, &query);
    Err(trace_not_found(&id))
}
