//! Group commit: requests that arrive while the store is busy share the next insert.
//!
//! A request is answered only after ClickHouse has committed its rows. One insert costs the engine some milliseconds
//! however few rows it has, and leaves a part that must be merged, which costs more than inserting it. So fewer and
//! larger inserts are what makes ingest cheap: a group grows while an insert is under way, and a lone request waits for
//! [`LINGER`].

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use caribou_clickhouse::{SpanBlock, Store, StoreError, TraceKey};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::summaries::Stale;
use crate::budget::Charge;
use crate::error::chain;
use crate::metrics::Metrics;

/// Inserts under way at once: a long one must not hold up the others.
const MAX_INSERTS: usize = 2;

/// How long a group waits for others once no insert is under way. Those whose insert has just been acknowledged send
/// their next request within this time, and so all share one insert instead of falling into two halves.
const LINGER: Duration = Duration::from_millis(3);

/// How long a group waits for an insert that is under way.
const MAX_WAIT: Duration = Duration::from_millis(50);

/// Rows after which a group is complete.
const MAX_GROUP_ROWS: usize = 20_000;

/// Bytes after which a group is complete.
const MAX_GROUP_BYTES: usize = 64 << 20;

/// Requests that may wait for a group; the byte budget is spent long before.
const MAX_WAITING: usize = 4_096;

/// Why rows were not stored.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum CommitError {
    /// The store does not answer, or not in time; whether it stored the rows is not known, and sending them again
    /// does no harm.
    #[error("the store does not take rows at the moment; try again in a moment")]
    Unavailable,
    /// The store refuses these very rows.
    #[error("the store refuses these spans")]
    Refused,
}

/// Spans of one request, ready to be stored.
#[derive(Clone, Debug)]
pub(crate) struct Rows {
    /// The spans.
    pub(crate) block: SpanBlock,
    /// The traces that they belong to, each once.
    pub(crate) touched: Vec<TraceKey>,
}

/// Rows of one request on their way to the store.
#[derive(Debug)]
struct Waiting {
    rows: Rows,
    /// Held until the rows are stored, even where the client has gone away.
    _charge: Charge,
    done: oneshot::Sender<Result<(), CommitError>>,
}

/// Takes rows for the next insert.
#[derive(Clone, Debug)]
pub(crate) struct Committer {
    sender: mpsc::Sender<Waiting>,
}

impl Committer {
    /// Stores rows: returns after the store has committed them.
    pub(crate) async fn commit(&self, rows: Rows, charge: Charge) -> Result<(), CommitError> {
        let (done, result) = oneshot::channel();
        let waiting = Waiting {
            rows,
            _charge: charge,
            done,
        };
        if self.sender.send(waiting).await.is_err() {
            return Err(CommitError::Unavailable);
        }
        result.await.unwrap_or(Err(CommitError::Unavailable))
    }
}

/// Everything that an insert needs.
#[derive(Clone, Debug)]
struct Inserter {
    store: Store,
    stale: Arc<Stale>,
    metrics: Arc<Metrics>,
}

/// Starts the committer; it ends when every [`Committer`] is dropped, or after `stop` once nothing waits.
pub(crate) fn start(
    store: Store,
    stale: Arc<Stale>,
    metrics: Arc<Metrics>,
    stop: CancellationToken,
    tracker: &TaskTracker,
) -> Committer {
    let (sender, receiver) = mpsc::channel(MAX_WAITING);
    let inserter = Inserter {
        store,
        stale,
        metrics,
    };
    tracker.spawn(form_groups(receiver, inserter, stop, tracker.clone()));
    Committer { sender }
}

async fn form_groups(
    mut receiver: mpsc::Receiver<Waiting>,
    inserter: Inserter,
    stop: CancellationToken,
    tracker: TaskTracker,
) {
    let under_way = UnderWay::new();
    loop {
        let next = tokio::select! {
            biased;
            next = receiver.recv() => next,
            () = stop.cancelled() => return,
        };
        let Some(first) = next else {
            return;
        };
        let group = gather(first, &mut receiver, &under_way).await;
        let Some(turn) = under_way.next_turn().await else {
            return;
        };
        tracker.spawn(inserter.clone().insert(group, turn));
    }
}

async fn gather(
    first: Waiting,
    receiver: &mut mpsc::Receiver<Waiting>,
    under_way: &UnderWay,
) -> Vec<Waiting> {
    let mut complete = pin!(under_way.linger());
    let mut rows = first.rows.block.rows();
    let mut bytes = first.rows.block.bytes().len();
    let mut group = vec![first];
    while rows < MAX_GROUP_ROWS && bytes < MAX_GROUP_BYTES {
        let next = tokio::select! {
            biased;
            next = receiver.recv() => next,
            () = complete.as_mut() => break,
        };
        let Some(next) = next else {
            break;
        };
        rows += next.rows.block.rows();
        bytes += next.rows.block.bytes().len();
        group.push(next);
    }
    group
}

/// The inserts under way.
struct UnderWay {
    turns: Arc<Semaphore>,
    count: watch::Sender<usize>,
}

/// The right to insert; given back when dropped.
struct Turn {
    _permit: OwnedSemaphorePermit,
    count: watch::Sender<usize>,
}

impl UnderWay {
    fn new() -> Self {
        Self {
            turns: Arc::new(Semaphore::new(MAX_INSERTS)),
            count: watch::Sender::new(0),
        }
    }

    /// Returns when a group should be inserted.
    async fn linger(&self) {
        let mut count = self.count.subscribe();
        let idle = count.wait_for(|count| *count == 0);
        // An insert that takes longer than that does not hold up the next.
        drop(timeout(MAX_WAIT, idle).await);
        sleep(LINGER).await;
    }

    async fn next_turn(&self) -> Option<Turn> {
        let permit = Arc::clone(&self.turns).acquire_owned().await.ok()?;
        self.count.send_modify(|count| *count += 1);
        Some(Turn {
            _permit: permit,
            count: self.count.clone(),
        })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.count.send_modify(|count| *count -= 1);
    }
}

impl Inserter {
    async fn insert(self, group: Vec<Waiting>, _turn: Turn) {
        let rows: usize = group.iter().map(|waiting| waiting.rows.block.rows()).sum();
        self.metrics.group_requests.observe(group.len() as u64);
        self.metrics.group_spans.observe(rows as u64);
        match self.insert_blocks(&group).await {
            Ok(()) => self.acknowledge(group),
            // One request's rows must not take its neighbours' with them.
            Err(CommitError::Refused) if group.len() > 1 => {
                for waiting in group {
                    let alone = [waiting];
                    let result = self.insert_blocks(&alone).await;
                    let [waiting] = alone;
                    match result {
                        Ok(()) => self.acknowledge(vec![waiting]),
                        Err(error) => self.refuse(waiting, error),
                    }
                }
            }
            Err(error) => group
                .into_iter()
                .for_each(|waiting| self.refuse(waiting, error.clone())),
        }
    }

    async fn insert_blocks(&self, group: &[Waiting]) -> Result<(), CommitError> {
        let started = Instant::now();
        let blocks: Vec<SpanBlock> = group
            .iter()
            .map(|waiting| waiting.rows.block.clone())
            .collect();
        let result = self.store.insert_blocks(&blocks).await;
        self.metrics
            .insert_duration
            .observe_duration(started.elapsed());
        result.map_err(|error| {
            self.metrics.insert_failures.add(1);
            tracing::warn!(
                cause = chain(&error),
                requests = group.len(),
                "insert failed"
            );
            // Fewer rows written than sent, or an answer that is none: sending again is what helps.
            match error {
                StoreError::Refused(_) => CommitError::Refused,
                _ => CommitError::Unavailable,
            }
        })
    }

    fn acknowledge(&self, group: Vec<Waiting>) {
        for waiting in group {
            self.metrics
                .spans_accepted
                .add(waiting.rows.block.rows() as u64);
            self.stale.touch(waiting.rows.touched.iter().cloned());
            // A client that went away will send again, which does no harm.
            if waiting.done.send(Ok(())).is_err() {
                tracing::debug!("a client went away before its rows were stored");
            }
        }
    }

    fn refuse(&self, waiting: Waiting, error: CommitError) {
        // Any part of the rows may have been stored all the same, and nobody may ever send them again.
        if matches!(error, CommitError::Unavailable) {
            self.stale.touch(waiting.rows.touched.iter().cloned());
        }
        if waiting.done.send(Err(error)).is_err() {
            tracing::debug!("a client went away before its rows were refused");
        }
    }
}
