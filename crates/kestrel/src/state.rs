//! What every handler can reach.

use std::sync::Arc;

use caribou_clickhouse::Store;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::backend::Backend;
use crate::images::Images;
use crate::ingest::Ingest;
use crate::live::LiveHub;
use crate::metrics::Metrics;

/// What every handler can reach; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct App {
    /// The store.
    pub(crate) store: Store,
    /// Whether the store can be used.
    pub(crate) backend: Arc<Backend>,
    /// The way in.
    pub(crate) ingest: Ingest,
    /// Images and other binaries.
    pub(crate) images: Images,
    /// What just arrived.
    pub(crate) live: LiveHub,
    /// What is counted.
    pub(crate) metrics: Arc<Metrics>,
    /// Allows that a large answer is made.
    pub(crate) large_answers: Arc<Semaphore>,
    /// Address of the pages, without a slash at the end.
    pub(crate) base_url: Arc<str>,
    /// Cancelled when the server is to stop: endless answers end then.
    pub(crate) stop: CancellationToken,
}
