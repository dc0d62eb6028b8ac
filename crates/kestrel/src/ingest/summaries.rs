//! Recomputes the summaries of the traces that were just written to.
//!
//! A summary is computed from the spans, never added to, so a recomputation can be late, repeated or lost without doing
//! harm: what a crash leaves behind is found by comparing arrival times and computed again (`repair_traces`).

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use caribou_clickhouse::{Store, StoreError, TraceKey};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::error::chain;
use crate::metrics::Metrics;

/// How long touched traces are gathered: the spans of one trace come in a row.
const GATHER: Duration = Duration::from_millis(150);

/// Recomputing has a fixed cost of some 60 ms of CPU, so it pauses for this many times as long as it took: summaries
/// take a small share of the engine, whatever its speed.
const PAUSE_RATIO: u32 = 8;

/// Longest pause: with the recomputation itself it keeps summaries within a second of their spans.
const MAX_PAUSE: Duration = Duration::from_millis(700);

/// Traces of one statement.
const MAX_PER_STATEMENT: usize = 2_000;

/// Touched traces that are remembered one by one; beyond it the store is searched for what is stale.
const MAX_REMEMBERED: usize = 200_000;

/// Pause between two searches for summaries that nobody keeps up to date.
const REPAIR_INTERVAL: Duration = Duration::from_secs(300);

/// Pause after the store did not take a recomputation.
const RETRY_PAUSE: Duration = Duration::from_millis(500);

/// The traces whose summaries are behind their spans.
#[derive(Debug, Default)]
pub(crate) struct Stale {
    waiting: Mutex<Waiting>,
    arrived: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    traces: HashSet<TraceKey>,
    /// When the first of them was committed.
    since: Option<Instant>,
    /// More were touched than are remembered.
    overflowed: bool,
}

impl Stale {
    /// Notes that spans of `traces` have been committed.
    pub(crate) fn touch(&self, traces: impl IntoIterator<Item = TraceKey>) {
        self.put(traces, Instant::now());
        self.arrived.notify_one();
    }

    fn put(&self, traces: impl IntoIterator<Item = TraceKey>, since: Instant) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.traces.extend(traces);
        waiting.since = Some(waiting.since.map_or(since, |earlier| earlier.min(since)));
        if waiting.traces.len() > MAX_REMEMBERED {
            waiting.traces = HashSet::new();
            waiting.overflowed = true;
        }
    }

    fn take(&self) -> Waiting {
        std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn count(&self) -> usize {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.traces.len()
    }
}

/// Keeps summaries up to date until `stop`, and then once more.
pub(crate) async fn keep_fresh(
    store: Store,
    stale: Arc<Stale>,
    metrics: Arc<Metrics>,
    stop: CancellationToken,
) {
    let worker = Worker {
        store,
        stale,
        metrics,
        failing: AtomicBool::new(false),
    };
    // Repairing a large store takes a while; what arrives meanwhile must not wait for it.
    tokio::join!(
        stop.run_until_cancelled(worker.keep_repairing()),
        worker.work(&stop)
    );
    worker.recompute(worker.stale.take()).await;
}

struct Worker {
    store: Store,
    stale: Arc<Stale>,
    metrics: Arc<Metrics>,
    /// The last statement failed.
    failing: AtomicBool,
}

impl Worker {
    async fn work(&self, stop: &CancellationToken) {
        let mut not_before = Instant::now();
        while stop
            .run_until_cancelled(self.gather(not_before))
            .await
            .is_some()
        {
            let started = Instant::now();
            let finished = self.recompute(self.stale.take()).await;
            self.metrics.traces_pending.set(self.stale.count() as u64);
            let pause = (started.elapsed() * PAUSE_RATIO).min(MAX_PAUSE);
            not_before = Instant::now() + pause;
            if !finished {
                self.stale.arrived.notify_one();
            }
        }
    }

    async fn gather(&self, not_before: Instant) {
        self.stale.arrived.notified().await;
        sleep_until(not_before.max(Instant::now() + GATHER)).await;
    }

    /// Repairs at once what a crash left, and from time to time what other writers left that died.
    async fn keep_repairing(&self) {
        loop {
            self.repair().await;
            tokio::time::sleep(REPAIR_INTERVAL).await;
        }
    }

    /// Closes the gaps that a crash or an overflow left, however often that takes.
    async fn repair(&self) {
        while let Err(error) = self.store.repair_traces().await {
            self.note_failure(&error);
            tokio::time::sleep(RETRY_PAUSE).await;
        }
    }

    /// Counts a failure; only the first in a row is worth a line in the log.
    fn note_failure(&self, error: &StoreError) {
        self.metrics.recompute_failures.add(1);
        if self.failing.swap(true, Ordering::Relaxed) {
            tracing::debug!(
                cause = chain(error),
                "cannot bring summaries up to date yet"
            );
        } else {
            tracing::warn!(
                cause = chain(error),
                "cannot bring summaries up to date yet; trying again"
            );
        }
    }

    /// Recomputes all of `waiting`; what fails goes back. Returns whether nothing failed.
    async fn recompute(&self, waiting: Waiting) -> bool {
        let Some(since) = waiting.since else {
            return true;
        };
        if waiting.overflowed {
            self.repair().await;
        }
        let traces: Vec<TraceKey> = waiting.traces.into_iter().collect();
        let mut finished = true;
        for part in traces.chunks(MAX_PER_STATEMENT) {
            match self.store.recompute_traces(part).await {
                Ok(()) => {
                    self.failing.store(false, Ordering::Relaxed);
                    self.metrics.traces_recomputed.add(part.len() as u64);
                    self.metrics.recompute_lag.observe_duration(since.elapsed());
                }
                Err(error) => {
                    finished = false;
                    self.note_failure(&error);
                    self.stale.put(part.iter().cloned(), since);
                }
            }
        }
        finished
    }
}
