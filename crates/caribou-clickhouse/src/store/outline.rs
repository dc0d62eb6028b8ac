//! All spans of a rollout without their content, and where in them a text stands.

use caribou_model::api::{SpanMatch, SpanMatches, SpanOutline, TraceOutline};
use clickhouse::Row;
use serde::Deserialize;

use super::span_row::millis_from_nanos;
use super::span_window::{LOG_ORDER, TRACE_SPANS, bind_trace};
use super::statement::Statement;
use super::summary::given;
use super::{Result, Store, TraceKey};

#[derive(Row, Deserialize)]
struct OutlineRow {
    span_id: String,
    parent_span_id: String,
    item_type_name: String,
    span_kind: String,
    span_name: String,
    role: String,
    call_id: String,
    turn_index: i32,
    started_nanos: i64,
    duration: Option<u64>,
    error: bool,
    score: Option<f64>,
    content_bytes: u64,
}

const OUTLINE_COLUMNS: &str = "span_id, parent_span_id, toString(item_type) AS item_type_name, span_kind, span_name, \
    role, call_id, turn_index, toUnixTimestamp64Nano(started_at) AS started_nanos, \
    ifNull(duration_ns, toUInt64(greatest(0, toUnixTimestamp64Nano(ended_at) - toUnixTimestamp64Nano(started_at)))) AS duration, \
    status = 'error' AS error, score, \
    toUInt64(length(content) + length(reasoning) + length(tool_calls) + length(input) + length(output) + length(criteria) \
    + length(details)) AS content_bytes";

/// Everything of a span that is searched within a trace.
const SEARCHED_IN_TRACE: &str = "concat(content, '\\n', reasoning, '\\n', tool_calls, '\\n', input, '\\n', output, \
    '\\n', error_message, '\\n', criteria, '\\n', details, '\\n', attributes, '\\n', span_name, '\\n', extra['traceback'])";

impl Store {
    /// Part of the spans of a trace without their content, in the order they were logged.
    ///
    /// A trace without spans has an empty outline.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub async fn list_outline(
        &self,
        trace: &TraceKey,
        offset: u64,
        limit: u32,
    ) -> Result<TraceOutline> {
        let mut sql = Statement::new(format!("SELECT {OUTLINE_COLUMNS}{TRACE_SPANS}"));
        bind_trace(&mut sql, trace);
        sql.push(&format!(
            " ORDER BY {LOG_ORDER} LIMIT {limit} OFFSET {offset}"
        ));
        let rows: Vec<OutlineRow> = sql.query(&self.client).fetch_all().await?;
        let mut extent = Statement::new(format!(
            "SELECT count(), toUnixTimestamp64Nano(if(countIf(item_type = 'rollout') > 0, \
             minIf(started_at, item_type = 'rollout'), min(started_at))){TRACE_SPANS}"
        ));
        bind_trace(&mut extent, trace);
        let (total, start): (u64, i64) = extent.query(&self.client).fetch_one().await?;
        Ok(TraceOutline {
            items: rows.into_iter().map(|row| row.outline(start)).collect(),
            offset,
            total,
        })
    }

    /// The spans of a trace that hold a text, in either case of letters, also inside words.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub async fn search_spans(
        &self,
        trace: &TraceKey,
        text: &str,
        limit: u32,
    ) -> Result<SpanMatches> {
        if text.is_empty() {
            return Ok(SpanMatches {
                items: Vec::new(),
                truncated: false,
            });
        }
        let counting = if text.is_ascii() {
            "countSubstringsCaseInsensitive"
        } else {
            "countSubstringsCaseInsensitiveUTF8"
        };
        let mut sql = Statement::new(format!(
            "SELECT span_id, toUInt64(place - 1) AS place, toUInt64(found) AS found FROM (SELECT span_id, \
             row_number() OVER (ORDER BY {LOG_ORDER}) AS place, {counting}({SEARCHED_IN_TRACE}, ?) AS found"
        ));
        sql.bind(text).push(TRACE_SPANS);
        bind_trace(&mut sql, trace);
        let one_more = u64::from(limit) + 1;
        sql.push(&format!(
            ") AS searched WHERE searched.found > 0 ORDER BY place LIMIT {one_more}"
        ));
        let rows: Vec<(String, u64, u64)> = sql.query(&self.client).fetch_all().await?;
        let truncated = rows.len() > limit as usize;
        let matches = rows.into_iter().take(limit as usize);
        Ok(SpanMatches {
            items: matches
                .map(|(span_id, index, count)| SpanMatch {
                    span_id,
                    index,
                    count,
                })
                .collect(),
            truncated,
        })
    }
}

impl OutlineRow {
    fn outline(self, trace_start: i64) -> SpanOutline {
        #[expect(
            clippy::cast_precision_loss,
            reason = "milliseconds for a timeline; exact up to 104 days"
        )]
        let start_offset_ms = self.started_nanos.saturating_sub(trace_start) as f64 / 1e6;
        SpanOutline {
            span_id: self.span_id,
            parent_span_id: given(self.parent_span_id),
            item_type: self.item_type_name,
            span_kind: self.span_kind,
            span_name: self.span_name,
            role: given(self.role),
            call_id: given(self.call_id),
            turn_index: self.turn_index,
            start_offset_ms,
            duration_ms: self.duration.map(millis_from_nanos),
            error: self.error,
            score: self.score.filter(|score| score.is_finite()),
            content_bytes: self.content_bytes,
        }
    }
}
