//! The one poll of the store.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use caribou_clickhouse::{Arrival, ArrivalCursor, Store, TraceKey, unix_nanos_from_rfc3339};
use caribou_model::TraceId;
use caribou_model::api::TraceSummary;
use tokio::time::Instant;

use super::{Batch, Shared};
use crate::error::chain;
use crate::metrics::Metrics;

/// Pause between two looks.
const INTERVAL: Duration = Duration::from_millis(300);

/// How long the poll goes on after the last watcher has left: watchers come back.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long a summary may lag behind its spans before it is shown as it is.
const SUMMARY_PATIENCE: Duration = Duration::from_secs(5);

/// Summaries that are read in one look; the others wait for the next.
const MAX_SUMMARIES: usize = 1_000;

/// Pause after the store did not answer.
const RETRY_PAUSE: Duration = Duration::from_secs(2);

/// Looks at the store for as long as somebody watches, for ever.
pub(super) async fn run(store: Store, shared: Arc<Shared>, metrics: Arc<Metrics>) {
    loop {
        shared.watched.notified().await;
        let mut poll = Poll::new(&store);
        let mut watched_at = Instant::now();
        while watched_at.elapsed() < PATIENCE {
            let watchers = shared.sender.receiver_count();
            metrics.live_clients.set(watchers as u64);
            if watchers > 0 {
                watched_at = Instant::now();
            }
            match poll.look().await {
                Ok(Look::First(id)) => shared.begin(id),
                Ok(Look::Found(batch)) => shared.publish(batch),
                Ok(Look::Nothing) => {}
                Err(error) => {
                    tracing::warn!(
                        cause = chain(&error),
                        "cannot look for arrivals; trying again"
                    );
                    tokio::time::sleep(RETRY_PAUSE).await;
                }
            }
            tokio::time::sleep(INTERVAL).await;
        }
    }
}

enum Look {
    /// The first look: everything after this id will be found.
    First(i64),
    Found(Batch),
    Nothing,
}

struct Poll<'a> {
    store: &'a Store,
    cursor: Option<ArrivalCursor>,
    /// Traces whose summary is to be shown once it has caught up.
    waiting: HashMap<TraceKey, Waiting>,
    latest: i64,
}

#[derive(Clone, Copy)]
struct Waiting {
    arrived_at_micros: i64,
    since: Instant,
}

impl<'a> Poll<'a> {
    fn new(store: &'a Store) -> Self {
        Self {
            store,
            cursor: None,
            waiting: HashMap::new(),
            latest: 0,
        }
    }

    async fn look(&mut self) -> Result<Look, caribou_clickhouse::StoreError> {
        let Some(cursor) = &mut self.cursor else {
            let mut cursor = ArrivalCursor::default();
            self.store.poll_arrivals(&mut cursor).await?;
            self.cursor = Some(cursor);
            self.latest = now_micros();
            return Ok(Look::First(self.latest));
        };
        let arrivals = self.store.poll_arrivals(cursor).await?;
        self.note(&arrivals);
        let summaries = self.caught_up().await?;
        if arrivals.is_empty() && summaries.is_empty() {
            return Ok(Look::Nothing);
        }
        // Ids must grow, also where a summary follows its spans in a later batch of the same arrivals.
        self.latest = (self.latest + 1).max(
            arrivals
                .iter()
                .map(|arrival| arrival.arrived_at_micros)
                .max()
                .unwrap_or(0),
        );
        Ok(Look::Found(Batch {
            id: self.latest,
            arrivals,
            summaries,
        }))
    }

    fn note(&mut self, arrivals: &[Arrival]) {
        for arrival in arrivals {
            let waiting = Waiting {
                arrived_at_micros: arrival.arrived_at_micros,
                since: Instant::now(),
            };
            self.waiting
                .entry(arrival.trace.clone())
                .and_modify(|known| {
                    known.arrived_at_micros =
                        known.arrived_at_micros.max(waiting.arrived_at_micros);
                })
                .or_insert(waiting);
        }
    }

    /// The summaries that know of the spans that arrived, or will not for a while.
    async fn caught_up(&mut self) -> Result<Vec<TraceSummary>, caribou_clickhouse::StoreError> {
        if self.waiting.is_empty() {
            return Ok(Vec::new());
        }
        let mut keys: Vec<TraceKey> = self.waiting.keys().cloned().collect();
        keys.sort_by_key(|key| self.waiting[key].since);
        keys.truncate(MAX_SUMMARIES);
        let mut summaries = self.store.list_summaries(&keys).await?;
        summaries.retain(|summary| {
            let Some(key) = key_of(summary) else {
                return false;
            };
            let Some(waiting) = self.waiting.get(&key) else {
                return false;
            };
            let shown = seen_micros(summary) >= waiting.arrived_at_micros
                || waiting.since.elapsed() > SUMMARY_PATIENCE;
            if shown {
                self.waiting.remove(&key);
            }
            shown
        });
        // A trace without a summary has been deleted meanwhile.
        self.waiting
            .retain(|_, waiting| waiting.since.elapsed() < 2 * SUMMARY_PATIENCE);
        Ok(summaries)
    }
}

fn key_of(summary: &TraceSummary) -> Option<TraceKey> {
    let trace_id = TraceId::from_hex_or_uuid(&summary.trace_id)?;
    Some(TraceKey::new(summary.project.clone(), trace_id))
}

fn seen_micros(summary: &TraceSummary) -> i64 {
    unix_nanos_from_rfc3339(&summary.last_seen_at).unwrap_or(0) / 1_000
}

fn now_micros() -> i64 {
    let since_epoch = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX)
}
