//! What just arrived, for those who watch.
//!
//! One poll of the store serves all watchers, so that they see what other Kestrels and direct writers wrote, and a
//! hundred open pages cost no more than one. It rests while nobody watches.

mod follow;
mod matching;
mod poll;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use caribou_clickhouse::{Arrival, Store};
use caribou_model::api::TraceSummary;
use tokio::sync::{Notify, broadcast};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub(crate) use self::follow::{Event, Watch, follow};
use crate::metrics::Metrics;

/// Batches that a watcher may be behind before it is let go.
const MAX_BEHIND: usize = 64;

/// Batches that are kept for watchers who come back.
const MAX_KEPT: usize = 256;

/// Changed rollouts that are kept for watchers who come back; more than a page can use.
const MAX_KEPT_TRACES: usize = 20_000;

/// What one look at the store found.
#[derive(Debug)]
pub(crate) struct Batch {
    /// Time of the latest arrival in microseconds since 1970: the id of the event.
    id: i64,
    /// Traces of which spans arrived.
    arrivals: Vec<Arrival>,
    /// Summaries that have caught up with their spans.
    summaries: Vec<TraceSummary>,
}

/// Passes on what the poll found.
#[derive(Clone, Debug)]
pub(crate) struct LiveHub {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    sender: broadcast::Sender<Arc<Batch>>,
    watched: Notify,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    batches: VecDeque<Arc<Batch>>,
    /// Everything after this id is kept; `None` before the first look.
    complete_after: Option<i64>,
}

/// What a watcher gets when it begins.
#[derive(Debug)]
pub(crate) struct Subscription {
    /// What came after the event that it saw last; `None` where that is no longer known.
    missed: Option<Vec<Arc<Batch>>>,
    receiver: broadcast::Receiver<Arc<Batch>>,
}

impl LiveHub {
    /// Starts the poll.
    pub(crate) fn start(
        store: &Store,
        metrics: &Arc<Metrics>,
        stop: &CancellationToken,
        tracker: &TaskTracker,
    ) -> Self {
        let shared = Arc::new(Shared {
            sender: broadcast::channel(MAX_BEHIND).0,
            watched: Notify::new(),
            kept: Mutex::default(),
        });
        let poll = poll::run(store.clone(), Arc::clone(&shared), Arc::clone(metrics));
        let stop = stop.clone();
        tracker.spawn(async move { stop.run_until_cancelled(poll).await });
        Self { shared }
    }

    /// Begins to watch, where wanted after an event that was seen before.
    pub(crate) fn subscribe(&self, last_id: Option<i64>) -> Subscription {
        // Under the lock nothing is published between what was kept and what will be received.
        let kept = self
            .shared
            .kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let receiver = self.shared.sender.subscribe();
        let missed = match last_id {
            None => Some(Vec::new()),
            Some(last_id) => kept.after(last_id),
        };
        self.shared.watched.notify_one();
        Subscription { missed, receiver }
    }
}

impl Shared {
    fn publish(&self, batch: Batch) {
        let batch = Arc::new(batch);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push(Arc::clone(&batch));
        if self.sender.send(batch).is_err() {
            tracing::trace!("nobody watches at the moment");
        }
    }

    /// Begins anew: what comes from now on is all that is known.
    fn begin(&self, id: i64) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        *kept = Kept {
            batches: VecDeque::new(),
            complete_after: Some(id),
        };
    }
}

impl Kept {
    fn push(&mut self, batch: Arc<Batch>) {
        self.batches.push_back(batch);
        let mut traces: usize = self.batches.iter().map(|batch| batch.summaries.len()).sum();
        while self.batches.len() > MAX_KEPT || traces > MAX_KEPT_TRACES {
            let Some(oldest) = self.batches.pop_front() else {
                return;
            };
            traces -= oldest.summaries.len();
            self.complete_after = Some(oldest.id);
        }
    }

    fn after(&self, last_id: i64) -> Option<Vec<Arc<Batch>>> {
        let known = self.complete_after.is_some_and(|since| last_id >= since);
        let missed = self.batches.iter().filter(|batch| batch.id > last_id);
        known.then(|| missed.cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(id: i64) -> Arc<Batch> {
        Arc::new(Batch {
            id,
            arrivals: Vec::new(),
            summaries: Vec::new(),
        })
    }

    #[test]
    fn a_watcher_that_comes_back_gets_what_it_missed_or_is_told_that_this_is_not_known() {
        let mut kept = Kept {
            complete_after: Some(0),
            ..Kept::default()
        };
        for id in 1..=300 {
            kept.push(batch(id));
        }
        let missed = kept.after(298).unwrap();
        assert_eq!(
            missed.iter().map(|batch| batch.id).collect::<Vec<_>>(),
            [299, 300]
        );
        assert_eq!(kept.after(44).unwrap().len(), 256);
        assert!(kept.after(43).is_none());
        assert!(Kept::default().after(1).is_none());
    }
}
