//! Rollouts made up inside the server, for looking at and measuring large amounts.

use clickhouse::query::Query;

use super::statement::Statement;
use super::{Result, Store, StoreError};
use crate::recompute::{RECOMPUTE_METADATA, RECOMPUTE_TRACES};

/// What to make up. The same sample is the same rollouts, span by span; making it twice changes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// The project that they are put into.
    pub project: String,
    /// How many rollouts.
    pub traces: u64,
    /// Spans of each: a root, messages and tools in turn, a grade at the end.
    pub spans_per_trace: u64,
    /// Sentences of about 100 bytes in each message and tool result.
    pub sentences_per_span: u64,
    /// Start of the first rollout, in milliseconds since 1970.
    pub first_start_ms: u64,
    /// Time from the start of one rollout to the next, in milliseconds.
    pub interval_ms: u64,
}

/// Rows of one insert: large parts, bounded memory.
const ROWS_PER_INSERT: u64 = 200_000;
/// Traces summed up by one statement.
const TRACES_PER_SUMMARY: u64 = 20_000;

const TRACES_OF_RANGE: &str = "SELECT project, trace_id FROM spans WHERE project = ? AND item_type = 'rollout' \
    AND started_at >= fromUnixTimestamp64Milli(toInt64(?), 'UTC') \
    AND started_at < fromUnixTimestamp64Milli(toInt64(?), 'UTC')";

impl Store {
    /// Makes up rollouts: spans first, then their summaries by the same recomputation as for real ones.
    ///
    /// Some 100,000 spans a second; `progress` is told the number of spans made so far.
    ///
    /// # Errors
    /// When the sample asks for no spans, or the server cannot be reached.
    pub async fn insert_sample(
        &self,
        sample: &Sample,
        mut progress: impl FnMut(u64) + Send,
    ) -> Result<()> {
        if sample.spans_per_trace == 0 || sample.interval_ms == 0 {
            return Err(StoreError::InvalidQuery(
                "a sample needs at least one span in a trace and a millisecond between traces"
                    .to_owned(),
            ));
        }
        let rows = sample.traces * sample.spans_per_trace;
        let mut made = 0;
        while made < rows {
            let count = ROWS_PER_INSERT.min(rows - made);
            execute(sample_statement(sample, made, count).query(&self.client)).await?;
            made += count;
            progress(made);
        }
        let mut summed = 0;
        while summed < sample.traces {
            let next = (summed + TRACES_PER_SUMMARY).min(sample.traces);
            let start_of = |trace: u64| {
                i64::try_from(sample.first_start_ms + trace * sample.interval_ms)
                    .unwrap_or(i64::MAX)
            };
            for statement in [RECOMPUTE_METADATA, RECOMPUTE_TRACES] {
                let mut sql = Statement::new(statement.replace("{traces}", TRACES_OF_RANGE));
                sql.bind(&*sample.project)
                    .bind(start_of(summed))
                    .bind(start_of(next));
                execute(sql.query(&self.client)).await?;
            }
            summed = next;
        }
        Ok(())
    }
}

fn sample_statement(sample: &Sample, first_row: u64, rows: u64) -> Statement {
    let mut sql = Statement::new(include_str!("queries/sample_spans.sql"));
    sql.bind(sample.spans_per_trace)
        .bind(sample.sentences_per_span)
        .bind(sample.first_start_ms)
        .bind(sample.interval_ms)
        .bind(&*sample.project)
        .bind(first_row)
        .bind(rows);
    sql
}

async fn execute(query: Query) -> Result<()> {
    let query = query.with_setting("exclude_materialize_skip_indexes_on_insert", "search_text");
    Ok(query.execute().await?)
}
