//! Records images in groups: what arrives while an insert is under way shares the next one.

use caribou_clickhouse::{ImageRow, Store};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::error::chain;

/// Requests that share an insert at most.
const MAX_GROUP: usize = 512;

#[derive(Debug)]
struct Waiting {
    rows: Vec<ImageRow>,
    done: oneshot::Sender<bool>,
}

/// Takes rows for the next insert.
#[derive(Clone, Debug)]
pub(super) struct Recorder {
    sender: mpsc::Sender<Waiting>,
}

impl Recorder {
    /// Records images; true once that is durable.
    pub(super) async fn record(&self, rows: Vec<ImageRow>) -> bool {
        let (done, result) = oneshot::channel();
        let sent = self.sender.send(Waiting { rows, done }).await;
        sent.is_ok() && result.await.unwrap_or(false)
    }
}

/// Starts the recorder; it ends after `stop` once nothing waits.
pub(super) fn start(store: Store, stop: CancellationToken, tracker: &TaskTracker) -> Recorder {
    let (sender, receiver) = mpsc::channel(MAX_GROUP);
    tracker.spawn(run(receiver, store, stop));
    Recorder { sender }
}

async fn run(mut receiver: mpsc::Receiver<Waiting>, store: Store, stop: CancellationToken) {
    loop {
        let mut group = Vec::new();
        tokio::select! {
            biased;
            received = receiver.recv_many(&mut group, MAX_GROUP) => {
                if received == 0 {
                    return;
                }
            }
            () = stop.cancelled() => return,
        }
        let rows: Vec<ImageRow> = group
            .iter()
            .flat_map(|waiting| &waiting.rows)
            .cloned()
            .collect();
        let result = store.record_images(&rows).await;
        if let Err(error) = &result {
            tracing::warn!(cause = chain(error), "images were not recorded");
        }
        for waiting in group {
            // A client that went away will send again, which does no harm.
            if waiting.done.send(result.is_ok()).is_err() {
                tracing::debug!("a client went away before its images were recorded");
            }
        }
    }
}
