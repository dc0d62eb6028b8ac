//! What just arrived, as server-sent events.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::IntoResponse;
use axum::response::sse::{self, KeepAlive, Sse};
use caribou_model::TraceId;
use caribou_model::api::{ErrorBody, Span, TraceSummary};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio_stream::Stream;
use utoipa::{IntoParams, ToSchema};

use crate::error::{ApiError, ErrorCode};
use crate::live::{Event, Watch, follow};
use crate::query::StrictQueries;
use crate::routes::filter::FilterQuery;
use crate::state::App;

/// Pause after which a silent stream says that it is still there.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// Events that wait for a watcher to read them.
const MAX_WAITING: usize = 8;

/// Watchers at once.
const MAX_WATCHERS: u64 = 1_000;

/// Which rollout to follow.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub(crate) struct LiveQuery {
    /// Follow the spans of this rollout instead of the list.
    trace_id: Option<String>,
}

/// Data of the event `traces`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LiveTraces {
    /// Rollouts that are new or have changed.
    items: Vec<TraceSummary>,
}

/// Data of the event `spans`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LiveSpans {
    /// Spans that are new or have changed.
    items: Vec<Span>,
}

/// What arrives from now on, as server-sent events.
///
/// Event `traces` holds rollouts that are new or have changed and pass the filters. With `trace_id`, event `spans`
/// holds the spans of that rollout that are new or have changed. Event `reset` says that something was missed and what
/// is shown must be read again. Every event has an id; a client that comes back with `Last-Event-ID` gets what it missed.
#[utoipa::path(
    get,
    path = "/api/v1/live",
    tag = "live",
    params(FilterQuery, LiveQuery),
    responses(
        (
            status = 200,
            description = "A stream of events: `traces` with `LiveTraces`, `spans` with `LiveSpans`, `reset`",
            content((LiveTraces = "text/event-stream"), (LiveSpans = "text/event-stream"))
        ),
        (status = 400, body = ErrorBody, description = "A parameter is unknown or cannot be read"),
        (status = 503, body = ErrorBody, description = "Too many watch already")
    )
)]
pub(crate) async fn live(
    State(app): State<App>,
    headers: HeaderMap,
    StrictQueries(filter, query): StrictQueries<FilterQuery, LiveQuery>,
) -> Result<impl IntoResponse, ApiError> {
    if app.metrics.live_clients.value() >= MAX_WATCHERS {
        return Err(ApiError::new(
            ErrorCode::Overloaded,
            "too many pages watch already; close some",
        ));
    }
    let watch = match query.trace_id {
        Some(id) => Watch::Spans(TraceId::from_text(&id)),
        None => Watch::Traces(Box::new(filter.into_filter()?)),
    };
    let last_id = headers
        .get("last-event-id")
        .and_then(|id| id.to_str().ok()?.parse().ok());
    let (sender, receiver) = mpsc::channel(MAX_WAITING);
    let metrics = Arc::clone(&app.metrics);
    tokio::spawn(follow(app.live, app.store, metrics, watch, last_id, sender));
    let events = Events {
        receiver,
        stop: Box::pin(app.stop.cancelled_owned()),
    };
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT)))
}

/// The events of one watcher; it ends when the watcher is let go or the server stops.
pub(crate) struct Events {
    receiver: mpsc::Receiver<Event>,
    stop: Pin<Box<tokio_util::sync::WaitForCancellationFutureOwned>>,
}

impl Stream for Events {
    type Item = Result<sse::Event, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.stop.as_mut().poll(context).is_ready() {
            return Poll::Ready(None);
        }
        let event = self.receiver.poll_recv(context);
        event.map(|event| event.map(|event| Ok(sse_event(event))))
    }
}

fn sse_event(event: Event) -> sse::Event {
    let (name, id, data) = match event {
        Event::Traces(id, items) => ("traces", id, to_json(&LiveTraces { items })),
        Event::Spans(id, items) => ("spans", id, to_json(&LiveSpans { items })),
        Event::Reset(id) => ("reset", id, "{}".to_owned()),
    };
    sse::Event::default()
        .event(name)
        .id(id.to_string())
        .data(data)
}

fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("shapes of the API are plain data")
}
