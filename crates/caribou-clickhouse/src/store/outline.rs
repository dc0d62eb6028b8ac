//! All spans of a rollout without their content, and where in them a text stands.

use std::collections::HashMap;

use caribou_model::api::{OutlineKind, OutlineScore, SpanMatch, SpanMatches, TraceOutline};
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
    criterion_name: String,
    call_id: String,
    turn_index: i32,
    started_nanos: i64,
    duration: Option<u64>,
    error: bool,
    score: Option<f64>,
    content_bytes: u64,
}

// A span that ends when it starts is one whose duration nobody said.
const OUTLINE_COLUMNS: &str = "span_id, parent_span_id, toString(item_type) AS item_type_name, span_kind, span_name, \
    role, toString(if(item_type = 'criterion', name, '')) AS criterion_name, call_id, turn_index, \
    toUnixTimestamp64Nano(started_at) AS started_nanos, \
    ifNull(duration_ns, if(ended_at > started_at, \
    toUInt64(toUnixTimestamp64Nano(ended_at) - toUnixTimestamp64Nano(started_at)), NULL)) AS duration, \
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
        let mut extent = Statement::new(format!(
            "SELECT count(), toUnixTimestamp64Nano(if(countIf(item_type = 'rollout') > 0, \
             minIf(started_at, item_type = 'rollout'), min(started_at))){TRACE_SPANS}"
        ));
        bind_trace(&mut extent, trace);
        let (total, start): (u64, i64) = extent.query(&self.client).fetch_one().await?;
        let mut sql = Statement::new(format!("SELECT {OUTLINE_COLUMNS}{TRACE_SPANS}"));
        bind_trace(&mut sql, trace);
        sql.push(&format!(
            " ORDER BY {LOG_ORDER} LIMIT {limit} OFFSET {offset}"
        ));
        // Row by row: a hundred thousand of them at once would be several times as large as the columns.
        let mut rows = sql.query(&self.client).fetch::<OutlineRow>()?;
        let mut outline = OutlineBuilder::new(offset, total, start);
        while let Some(row) = rows.next().await? {
            outline.push(row);
        }
        Ok(outline.outline)
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

/// Rows become columns.
struct OutlineBuilder {
    outline: TraceOutline,
    kinds: HashMap<OutlineKind, u32>,
    parents: HashMap<String, u32>,
    trace_start: i64,
}

impl OutlineBuilder {
    fn new(offset: u64, total: u64, trace_start: i64) -> Self {
        Self {
            outline: TraceOutline {
                offset,
                total,
                ..TraceOutline::default()
            },
            kinds: HashMap::new(),
            parents: HashMap::new(),
            trace_start,
        }
    }

    fn push(&mut self, row: OutlineRow) {
        let at = place(self.outline.span_id.len());
        let kind = self.kind_of(OutlineKind {
            item_type: row.item_type_name,
            span_kind: row.span_kind,
            span_name: row.span_name,
            role: given(row.role),
            name: given(row.criterion_name),
        });
        let parent = given(row.parent_span_id).map(|parent| self.parent_of(parent));
        let outline = &mut self.outline;
        outline.span_id.push(row.span_id);
        outline.kind.push(kind);
        outline.parent.push(parent);
        outline.call_id.push(given(row.call_id));
        outline.turn_index.push(row.turn_index);
        let offset = row.started_nanos.saturating_sub(self.trace_start);
        outline
            .start_offset_ms
            .push(millis_to_the_microsecond(offset));
        outline
            .duration_ms
            .push(row.duration.map(millis_from_nanos));
        outline.content_bytes.push(row.content_bytes);
        if row.error {
            outline.errors.push(at);
        }
        if let Some(score) = row.score.filter(|score| score.is_finite()) {
            outline.scores.push(OutlineScore { at, score });
        }
    }

    fn kind_of(&mut self, kind: OutlineKind) -> u32 {
        if let Some(&known) = self.kinds.get(&kind) {
            return known;
        }
        let new = place(self.outline.kinds.len());
        self.outline.kinds.push(kind.clone());
        self.kinds.insert(kind, new);
        new
    }

    fn parent_of(&mut self, parent: String) -> u32 {
        if let Some(&known) = self.parents.get(&parent) {
            return known;
        }
        let new = place(self.outline.parents.len());
        self.outline.parents.push(parent.clone());
        self.parents.insert(parent, new);
        new
    }
}

fn place(length: usize) -> u32 {
    u32::try_from(length)
        .expect("an outline has at most as many spans as its limit, which is a u32")
}

#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds for a timeline; exact to the microsecond for centuries"
)]
fn millis_to_the_microsecond(nanos: i64) -> f64 {
    (nanos / 1000) as f64 / 1e3
}
