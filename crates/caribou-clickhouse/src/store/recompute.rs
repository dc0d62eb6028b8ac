//! Summaries and metadata, computed again from the spans of the traces just touched.

use super::{Result, Store};
use crate::recompute::{RECOMPUTE_METADATA, RECOMPUTE_TRACES, TRACES_PER_STATEMENT, TraceKey};

impl Store {
    /// Computes summary and metadata of these traces from their spans, and stores them.
    ///
    /// May run any number of times, at the same time, in several processes: of two results the one that knew more
    /// spans counts. Costs some 50 ms of CPU plus 1.5 µs a span, so gather the touched traces for a while.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses.
    pub async fn recompute_traces(&self, traces: &[TraceKey]) -> Result<()> {
        for traces in traces.chunks(TRACES_PER_STATEMENT) {
            let keys: Vec<(&str, String)> = traces
                .iter()
                .map(|trace| (&*trace.project, trace.trace_id.to_string()))
                .collect();
            let _no_deletion = self.summaries.read().await;
            // Metadata first: where a crash falls between the two, the missing summary tells the repair.
            for statement in [RECOMPUTE_METADATA, RECOMPUTE_TRACES] {
                self.client
                    .query(&statement.replace("{traces}", "?"))
                    .bind(&keys)
                    .execute()
                    .await?;
            }
        }
        Ok(())
    }
}
