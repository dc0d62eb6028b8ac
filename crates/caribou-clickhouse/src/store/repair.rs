//! Closes the gap that a crash leaves between spans and their summaries.

use caribou_model::TraceId;
use clickhouse::Row;
use serde::{Deserialize, Serialize};

use super::statement::Statement;
use super::{Result, Store, TraceKey};

/// Name of the mark in the table `repairs`.
const SUMMARIES: &str = "summaries";

/// The longest that an insert may take from its time to its commit, generously.
const OVERLAP_MICROS: i64 = 600_000_000;

/// Traces whose versions are compared by one statement.
const TRACES_COMPARED_AT_ONCE: u64 = 200_000;

#[derive(Row, Serialize, Deserialize)]
struct Mark {
    name: String,
    complete_until: i64,
}

impl Store {
    /// Recomputes every trace whose summary lacks a span that has arrived; returns how many there were.
    ///
    /// A summary says by its version which spans it knows, so the comparison is exact and needs no clock. Only spans
    /// that arrived since the last complete repair, by whichever process, are compared. Run it on start, and now and
    /// then, for what others left behind when they died.
    ///
    /// # Errors
    /// When the server cannot be reached; what was repaired by then stays repaired.
    pub async fn repair_traces(&self) -> Result<u64> {
        let (now, since): (i64, i64) = self
            .client
            .query(
                "SELECT toUnixTimestamp64Micro(now64(6)), toUnixTimestamp64Micro(max(complete_until)) \
                 FROM repairs WHERE name = ?",
            )
            .bind(SUMMARIES)
            .fetch_one()
            .await?;
        let since = if since > now + OVERLAP_MICROS {
            self.forget_future_mark().await?;
            0
        } else {
            (since - OVERLAP_MICROS).max(0)
        };
        let mut repaired = 0;
        let parts = self.parts_to_compare(since).await?;
        for part in 0..parts {
            let mut sql = Statement::new(include_str!("queries/stale_traces.sql"));
            sql.bind(since).bind(parts).bind(part);
            let stale: Vec<(String, String)> = sql.query(&self.client).fetch_all().await?;
            let traces: Vec<TraceKey> = stale
                .into_iter()
                .filter_map(|(project, trace_id)| {
                    TraceId::from_hex_or_uuid(&trace_id).map(|id| TraceKey::new(project, id))
                })
                .collect();
            self.recompute_traces(&traces).await?;
            repaired += traces.len() as u64;
        }
        let mut insert = self.client.insert::<Mark>("repairs").await?;
        insert
            .write(&Mark {
                name: SUMMARIES.to_owned(),
                complete_until: now,
            })
            .await?;
        insert.end().await?;
        Ok(repaired)
    }

    /// A repair while the clock was ahead would hide what arrives until then.
    async fn forget_future_mark(&self) -> Result<()> {
        self.client
            .query("DELETE FROM repairs WHERE name = ? AND complete_until > now64(6)")
            .bind(SUMMARIES)
            .execute()
            .await?;
        Ok(())
    }

    /// Into how many parts the traces are split, so that comparing one of them takes bounded memory.
    async fn parts_to_compare(&self, since: i64) -> Result<u64> {
        let touched: u64 = self
            .client
            .query(
                "SELECT uniq(project, trace_id) FROM spans \
                 WHERE inserted_at >= fromUnixTimestamp64Micro(toInt64(?), 'UTC')",
            )
            .bind(since)
            .fetch_one()
            .await?;
        Ok(touched.div_ceil(TRACES_COMPARED_AT_ONCE))
    }
}
