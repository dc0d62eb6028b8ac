//! What just arrived.
use crate::metrics::Metrics;
use caribou_clickhouse::Store;
use std::sync::Arc;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
#[derive(Clone, Debug)]
pub(crate) struct LiveHub;
impl LiveHub {
    pub(crate) fn start(
        _: &Store,
        _: &Arc<Metrics>,
        _: &CancellationToken,
        _: &TaskTracker,
    ) -> Self {
        Self
    }
}
