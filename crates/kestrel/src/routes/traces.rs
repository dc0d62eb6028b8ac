//! Rollouts: lists, one of them, its spans in windows.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use caribou_clickhouse::{SpanWindow, TraceKey};
use caribou_model::api::{
    ErrorBody, Facet, Page, SpanMatches, SpanPage, TraceDetail, TraceOutline, TraceSummary,
};
use caribou_model::{SpanId, TraceId};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::error::{ApiError, ErrorCode};
use crate::query::{PathText, StrictQueries, StrictQuery};
use crate::routes::filter::{FilterQuery, PageQuery};
use crate::state::App;

/// Most spans that a search within a rollout lists.
const MAX_MATCHES: u32 = 10_000;

/// Rollouts, newest first unless `sort` says otherwise.
///
/// Parameters that may be given several times match any of their values, but `tags`, which must all be there. The
/// `sort` is one of `started_at`, `duration_ms`, `score`, `input_tokens`, `output_tokens`, `cost_usd`, `turn_count`,
/// `span_count`; with `-` in front it is descending.
#[utoipa::path(
    get,
    path = "/api/v1/traces",
    tag = "traces",
    params(FilterQuery, PageQuery),
    responses(
        (status = 200, body = Page<TraceSummary>),
        (status = 400, body = ErrorBody, description = "A parameter is unknown or cannot be read"),
        (status = 503, body = ErrorBody, description = "The store does not answer")
    )
)]
pub(crate) async fn list_traces(
    State(app): State<App>,
    StrictQueries(filter, page): StrictQueries<FilterQuery, PageQuery>,
) -> Result<Json<Page<TraceSummary>>, ApiError> {
    let (filter, paging) = (filter.into_filter()?, page.into_paging()?);
    Ok(Json(app.store.list_traces(&filter, &paging).await?))
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
    Ok(Json(app.store.list_facets(&query.into_filter()?).await?))
}

/// One rollout.
///
/// The id is taken in the user's own words as well as in its hex form.
#[utoipa::path(
    get,
    path = "/api/v1/traces/{trace_id}",
    tag = "traces",
    params(
        ("trace_id" = String, Path, description = "32 hex digits, a UUID, or the id as it was given"),
        ProjectQuery
    ),
    responses(
        (status = 200, body = TraceDetail),
        (status = 404, body = ErrorBody, description = "There is no such rollout")
    )
)]
pub(crate) async fn get_trace(
    State(app): State<App>,
    PathText(id): PathText,
    StrictQuery(project): StrictQuery<ProjectQuery>,
) -> Result<Json<TraceDetail>, ApiError> {
    let key = find_key(&app, &id, &project).await?;
    let found = app.store.find_trace(&key).await?;
    let mut trace = found.ok_or_else(|| trace_not_found(&id))?;
    trace.url = format!("{}/traces/{}", app.base_url, trace.summary.trace_id);
    Ok(Json(trace))
}

/// Deletes a rollout: its spans and its summary, for good.
#[utoipa::path(
    delete,
    path = "/api/v1/traces/{trace_id}",
    tag = "traces",
    params(
        ("trace_id" = String, Path, description = "32 hex digits, a UUID, or the id as it was given"),
        ProjectQuery
    ),
    responses(
        (status = 204, description = "It is gone"),
        (status = 404, body = ErrorBody, description = "There is no such rollout")
    )
)]
pub(crate) async fn delete_trace(
    State(app): State<App>,
    PathText(id): PathText,
    StrictQuery(project): StrictQuery<ProjectQuery>,
) -> Result<StatusCode, ApiError> {
    let key = find_key(&app, &id, &project).await?;
    if app.store.delete_trace(&key).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(trace_not_found(&id))
    }
}

/// Whose rollout, where several projects have one of this id.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub(crate) struct ProjectQuery {
    /// Project; the one whose rollout was heard of last where not given.
    project: Option<String>,
}

async fn find_key(app: &App, id: &str, query: &ProjectQuery) -> Result<TraceKey, ApiError> {
    let project = query.project.as_deref();
    let found = app
        .store
        .find_trace_key(project, TraceId::from_text(id))
        .await?;
    found.ok_or_else(|| trace_not_found(id))
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
    /// How many, 1 to 1000; fewer come where they are more than 16 MiB together.
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
        ProjectQuery,
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
    PathText(id): PathText,
    StrictQueries(project, query): StrictQueries<ProjectQuery, SpansQuery>,
) -> Result<Response, ApiError> {
    let limit = query.limit.unwrap_or(100).clamp(1, 1000);
    let window = query.window()?;
    let key = find_key(&app, &id, &project).await?;
    // Until it is written: rows, spans and text are in memory together.
    let _turn = app.large_answers.acquire().await;
    let page = app.store.list_spans(&key, &window, limit).await?;
    let page = page.ok_or_else(|| match window {
        SpanWindow::Around(span_id) => {
            let message = format!("there is no span {span_id} in trace {id:?}");
            ApiError::new(ErrorCode::SpanNotFound, message)
        }
        _ => trace_not_found(&id),
    })?;
    Ok(Json(page).into_response())
}

impl SpansQuery {
    fn window(&self) -> Result<SpanWindow, ApiError> {
        let invalid = |message: String| ApiError::new(ErrorCode::InvalidParameter, message);
        match (&self.cursor, self.offset, &self.around) {
            (None, None, None) => Ok(SpanWindow::Start),
            (Some(cursor), None, None) => Ok(SpanWindow::Cursor(cursor.clone())),
            (None, Some(offset), None) => Ok(SpanWindow::Offset(offset)),
            (None, None, Some(around)) => SpanId::from_hex(around)
                .map(SpanWindow::Around)
                .map_err(|error| invalid(format!("around is no span id: {error}"))),
            _ => Err(invalid(
                "give one of cursor, offset and around, not several".to_owned(),
            )),
        }
    }
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
        ProjectQuery,
        OutlineQuery
    ),
    responses(
        (status = 200, body = TraceOutline),
        (status = 404, body = ErrorBody, description = "There is no such rollout")
    )
)]
pub(crate) async fn outline(
    State(app): State<App>,
    PathText(id): PathText,
    StrictQueries(project, query): StrictQueries<ProjectQuery, OutlineQuery>,
) -> Result<Json<TraceOutline>, ApiError> {
    let limit = query.limit.unwrap_or(20_000).clamp(1, 100_000);
    let key = find_key(&app, &id, &project).await?;
    let offset = query.offset.unwrap_or(0);
    Ok(Json(app.store.list_outline(&key, offset, limit).await?))
}

/// What to look for.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub(crate) struct SearchQuery {
    /// Text, in any case, also inside words.
    q: Option<String>,
}

/// The spans of a rollout that hold a text.
#[utoipa::path(
    get,
    path = "/api/v1/traces/{trace_id}/search",
    tag = "traces",
    params(
        ("trace_id" = String, Path, description = "32 hex digits, a UUID, or the id as it was given"),
        ProjectQuery,
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
    PathText(id): PathText,
    StrictQueries(project, query): StrictQueries<ProjectQuery, SearchQuery>,
) -> Result<Json<SpanMatches>, ApiError> {
    let text = query.q.filter(|text| !text.trim().is_empty());
    let text = text.ok_or_else(|| {
        ApiError::new(
            ErrorCode::InvalidParameter,
            "give the text to look for as `q`",
        )
    })?;
    let key = find_key(&app, &id, &project).await?;
    Ok(Json(
        app.store.search_spans(&key, &text, MAX_MATCHES).await?,
    ))
}
