//! One watcher: picks what it asked for out of every batch.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use caribou_clickhouse::{Paging, Store, StoreError, TraceFilter, unix_nanos_from_rfc3339};
use caribou_model::TraceId;
use caribou_model::api::{Span, TraceSummary};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;

use super::matching::{needs_store, passes};
use super::{Batch, LiveHub};
use crate::error::chain;
use crate::metrics::Metrics;

/// What a watcher asked for.
#[derive(Debug)]
pub(crate) enum Watch {
    /// Rollouts that a filter lets through.
    Traces(Box<TraceFilter>),
    /// The spans of one rollout, in whichever project it is.
    Spans(TraceId),
}

/// What a watcher is told.
#[derive(Debug)]
pub(crate) enum Event {
    /// Rollouts that are new or have changed.
    Traces(i64, Vec<TraceSummary>),
    /// Spans that are new or have changed.
    Spans(i64, Vec<Span>),
    /// Something was missed: what is shown must be read again.
    Reset(i64),
}

/// How long a watcher may take to read an event.
const READ_TIMEOUT: Duration = Duration::from_secs(10);

/// Spans of one event; where more arrived at once, the watcher reads the rollout again.
const MAX_SPANS: u32 = 1_000;

/// The watcher does not read, or has gone.
struct Gone;

/// Tells a watcher what it asked for, until it goes or reads too slowly.
pub(crate) async fn follow(
    hub: LiveHub,
    store: Store,
    metrics: Arc<Metrics>,
    watch: Watch,
    last_id: Option<i64>,
    events: mpsc::Sender<Event>,
) {
    let mut follower = Follower {
        store,
        watch,
        events,
    };
    let subscription = hub.subscribe(last_id);
    let mut receiver = subscription.receiver;
    let told = match subscription.missed {
        Some(missed) => follower.tell_all(&missed).await,
        None => follower.send(Event::Reset(last_id.unwrap_or(0))).await,
    };
    if told.is_err() {
        return;
    }
    loop {
        let received = tokio::select! {
            () = follower.events.closed() => return,
            received = receiver.recv() => received,
        };
        let told = match received {
            Ok(batch) => follower.tell(&batch).await,
            Err(RecvError::Lagged(_)) => Err(Gone),
            Err(RecvError::Closed) => return,
        };
        if told.is_err() {
            metrics.live_clients_dropped.add(1);
            return;
        }
    }
}

struct Follower {
    store: Store,
    watch: Watch,
    events: mpsc::Sender<Event>,
}

impl Follower {
    async fn tell_all(&mut self, batches: &[Arc<Batch>]) -> Result<(), Gone> {
        for batch in batches {
            self.tell(batch).await?;
        }
        Ok(())
    }

    async fn tell(&mut self, batch: &Batch) -> Result<(), Gone> {
        let event = match &self.watch {
            Watch::Traces(filter) => self.traces_event(filter, batch).await,
            Watch::Spans(trace_id) => self.spans_event(*trace_id, batch).await,
        };
        match event {
            Ok(Some(event)) => self.send(event).await,
            Ok(None) => Ok(()),
            Err(error) => {
                tracing::warn!(
                    cause = chain(&error),
                    "cannot read what arrived; a watcher must read again"
                );
                self.send(Event::Reset(batch.id)).await
            }
        }
    }

    async fn send(&self, event: Event) -> Result<(), Gone> {
        match self.events.send_timeout(event, READ_TIMEOUT).await {
            Ok(()) => Ok(()),
            Err(_) => Err(Gone),
        }
    }

    async fn traces_event(
        &self,
        filter: &TraceFilter,
        batch: &Batch,
    ) -> Result<Option<Event>, StoreError> {
        let mut passing: Vec<TraceSummary> = batch
            .summaries
            .iter()
            .filter(|trace| passes(filter, trace))
            .cloned()
            .collect();
        if needs_store(filter) && !passing.is_empty() {
            let confirmed = self.confirmed(filter, &passing).await?;
            passing.retain(|trace| {
                confirmed.contains(&(trace.project.clone(), trace.trace_id.clone()))
            });
        }
        Ok((!passing.is_empty()).then_some(Event::Traces(batch.id, passing)))
    }

    /// Which of these rollouts the store lets through; it is asked for their span of time only.
    async fn confirmed(
        &self,
        filter: &TraceFilter,
        traces: &[TraceSummary],
    ) -> Result<HashSet<(String, String)>, StoreError> {
        let starts = || {
            traces
                .iter()
                .filter_map(|trace| unix_nanos_from_rfc3339(&trace.started_at))
        };
        let narrowed = TraceFilter {
            from: starts().min(),
            to: starts().max().map(|latest| latest + 1),
            ..filter.clone()
        };
        let paging = Paging {
            limit: 1_000,
            ..Paging::default()
        };
        let page = self.store.list_traces(&narrowed, &paging).await?;
        Ok(page
            .items
            .into_iter()
            .map(|trace| (trace.project, trace.trace_id))
            .collect())
    }

    async fn spans_event(
        &self,
        trace_id: TraceId,
        batch: &Batch,
    ) -> Result<Option<Event>, StoreError> {
        let mut spans = Vec::new();
        for arrival in batch
            .arrivals
            .iter()
            .filter(|arrival| arrival.trace.trace_id == trace_id)
        {
            let since = arrival.first_arrived_at_micros;
            spans.extend(
                self.store
                    .list_arrived_spans(&arrival.trace, since, MAX_SPANS)
                    .await?,
            );
        }
        if spans.len() >= MAX_SPANS as usize {
            return Ok(Some(Event::Reset(batch.id)));
        }
        Ok((!spans.is_empty()).then_some(Event::Spans(batch.id, spans)))
    }
}
