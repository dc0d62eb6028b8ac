//! The spans of a rollout, in windows, in the order they were logged.
//!
//! The place of a window is found over light columns of the whole trace; payloads are then read by primary key for the
//! spans of the window alone. That keeps a window of a trace of 300,000 spans as cheap as its own size. Where the spans of
//! a window are too large for one answer, it holds fewer of them.

use std::collections::HashMap;
use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use caribou_model::SpanId;
use caribou_model::api::{Span, SpanPage};
use clickhouse::Row;
use serde::{Deserialize, Serialize};

use super::span_row::{CONTENT_BYTES, MAX_ANSWER_BYTES, SPAN_COLUMNS, SpanRow};
use super::statement::Statement;
use super::{Result, Store, StoreError, TraceKey};

/// Which window of a trace's spans.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SpanWindow {
    /// From the first span on.
    #[default]
    Start,
    /// The last spans.
    End,
    /// `next_cursor` or `previous_cursor` of another window.
    Cursor(String),
    /// With this span in the middle.
    Around(SpanId),
    /// From the span at this place on, counted from 0.
    Offset(u64),
}

/// Where a span stands in the order of its trace.
#[derive(Clone, Debug, PartialEq, Row, Serialize, Deserialize)]
struct SpanPlace {
    logged_nanos: i64,
    sequence: u64,
    span_id: String,
}

/// What a cursor stands for: the spans after or before a place.
#[derive(Serialize, Deserialize)]
struct SpanCursor {
    forward: bool,
    place: SpanPlace,
}

/// The spans of one trace, each once, in its newest revision.
pub(super) const TRACE_SPANS: &str = " FROM spans FINAL WHERE project = ? AND trace_id = ?";
/// The order they were logged in.
pub(super) const LOG_ORDER: &str = "logged_at, sequence, span_id";

const PLACE_COLUMNS: &str = "toUnixTimestamp64Nano(logged_at) AS logged_nanos, sequence, span_id";
const PLACE_VALUE: &str = "(fromUnixTimestamp64Nano(toInt64(?), 'UTC'), toUInt64(?), ?)";

impl Store {
    /// One window of the spans of a trace; `None` where the trace has no spans, or not the span to look around.
    ///
    /// It holds fewer than `limit` spans where they would be more than 16 MiB together, and always one.
    ///
    /// # Errors
    /// When the cursor is none, or the server cannot be reached.
    pub async fn list_spans(
        &self,
        trace: &TraceKey,
        window: &SpanWindow,
        limit: u32,
    ) -> Result<Option<SpanPage>> {
        let limit = u64::from(limit.max(1));
        let Some((mut offset, limit, total)) = self.locate(trace, window, limit).await? else {
            return Ok(None);
        };
        if total == 0 {
            return Ok(None);
        }
        let mut places = self.places(trace, offset, limit).await?;
        let items = match self.spans_by_id(trace, &places).await {
            Err(StoreError::LimitExceeded(_)) => {
                let sizes = self.content_sizes(trace, &places).await?;
                let part = part_that_fits(&sizes, window.anchor(&places)?);
                offset += part.start as u64;
                places = places.drain(part).collect();
                self.large_spans_by_id(trace, &places).await?
            }
            items => items?,
        };
        let end = offset + places.len() as u64;
        let cursor_at = |place: Option<&SpanPlace>, forward| {
            place.map(|place| {
                let place = place.clone();
                let cursor = SpanCursor { forward, place };
                URL_SAFE_NO_PAD.encode(serde_json::to_vec(&cursor).expect("a cursor is plain data"))
            })
        };
        Ok(Some(SpanPage {
            next_cursor: cursor_at(places.last().filter(|_| end < total), true),
            previous_cursor: cursor_at(places.first().filter(|_| offset > 0), false),
            items,
            offset,
            total,
        }))
    }

    /// Offset and size of a window, and the number of spans there are.
    async fn locate(
        &self,
        trace: &TraceKey,
        window: &SpanWindow,
        limit: u64,
    ) -> Result<Option<(u64, u64, u64)>> {
        let located = match window {
            SpanWindow::Start => (0, limit, self.count_before(trace, None, false).await?.0),
            SpanWindow::Offset(offset) => (
                *offset,
                limit,
                self.count_before(trace, None, false).await?.0,
            ),
            SpanWindow::End => {
                let total = self.count_before(trace, None, false).await?.0;
                (total.saturating_sub(limit), limit, total)
            }
            SpanWindow::Around(span_id) => {
                let Some(place) = self.place_of(trace, *span_id).await? else {
                    return Ok(None);
                };
                let (total, before) = self.count_before(trace, Some(&place), false).await?;
                // At the end of the trace the window is moved back rather than cut.
                let latest = total.saturating_sub(limit);
                (before.saturating_sub(limit / 2).min(latest), limit, total)
            }
            SpanWindow::Cursor(cursor) => {
                let SpanCursor { forward, place } = span_cursor(cursor)?;
                let (total, before) = self.count_before(trace, Some(&place), forward).await?;
                if forward {
                    (before, limit, total)
                } else {
                    let offset = before.saturating_sub(limit);
                    (offset, before - offset, total)
                }
            }
        };
        Ok(Some(located))
    }

    /// How many spans there are, and how many stand before a place (or up to it).
    async fn count_before(
        &self,
        trace: &TraceKey,
        place: Option<&SpanPlace>,
        inclusive: bool,
    ) -> Result<(u64, u64)> {
        let mut sql = Statement::new("SELECT count(), ");
        if let Some(place) = place {
            let before = if inclusive { "<=" } else { "<" };
            sql.push(&format!("countIf(({LOG_ORDER}) {before} {PLACE_VALUE})"))
                .bind(place.logged_nanos)
                .bind(place.sequence)
                .bind(&*place.span_id);
        } else {
            sql.push("toUInt64(0)");
        }
        sql.push(TRACE_SPANS);
        bind_trace(&mut sql, trace);
        Ok(sql.query(&self.client).fetch_one().await?)
    }

    async fn place_of(&self, trace: &TraceKey, span_id: SpanId) -> Result<Option<SpanPlace>> {
        let mut sql = Statement::new(format!("SELECT {PLACE_COLUMNS}{TRACE_SPANS}"));
        bind_trace(&mut sql, trace);
        sql.push(" AND span_id = ?").bind(span_id.to_string());
        Ok(sql.query(&self.client).fetch_optional().await?)
    }

    async fn places(&self, trace: &TraceKey, offset: u64, limit: u64) -> Result<Vec<SpanPlace>> {
        let mut sql = Statement::new(format!("SELECT {PLACE_COLUMNS}{TRACE_SPANS}"));
        bind_trace(&mut sql, trace);
        sql.push(&format!(
            " ORDER BY {LOG_ORDER} LIMIT {limit} OFFSET {offset}"
        ));
        Ok(sql.query(&self.client).fetch_all().await?)
    }

    /// The spans at these places; an error where they are too much for one answer.
    async fn spans_by_id(&self, trace: &TraceKey, places: &[SpanPlace]) -> Result<Vec<Span>> {
        if places.is_empty() {
            return Ok(Vec::new());
        }
        let sql = select_by_id(SPAN_COLUMNS, trace, places);
        let rows = self.fetch_spans_within_limits(&sql).await?;
        Ok(in_order_of(places, rows))
    }

    /// The spans at these places, however large.
    async fn large_spans_by_id(&self, trace: &TraceKey, places: &[SpanPlace]) -> Result<Vec<Span>> {
        let sql = select_by_id(SPAN_COLUMNS, trace, places);
        let rows = sql.query(&self.client).fetch_all().await?;
        Ok(in_order_of(places, rows))
    }

    /// Bytes of content at each of these places.
    async fn content_sizes(&self, trace: &TraceKey, places: &[SpanPlace]) -> Result<Vec<u64>> {
        let columns = format!("span_id, {CONTENT_BYTES}");
        let sql = select_by_id(&columns, trace, places);
        let rows: Vec<(String, u64)> = sql.query(&self.client).fetch_all().await?;
        let by_id: HashMap<String, u64> = rows.into_iter().collect();
        Ok(places
            .iter()
            .map(|place| by_id.get(&place.span_id).copied().unwrap_or(0))
            .collect())
    }
}

impl SpanWindow {
    /// Which of the spans of the window it must hold in any case.
    fn anchor(&self, places: &[SpanPlace]) -> Result<usize> {
        let last = places.len().saturating_sub(1);
        Ok(match self {
            Self::Start | Self::Offset(_) => 0,
            Self::End => last,
            Self::Cursor(cursor) => {
                if span_cursor(cursor)?.forward {
                    0
                } else {
                    last
                }
            }
            Self::Around(span_id) => {
                let span_id = span_id.to_string();
                let found = places.iter().position(|place| place.span_id == span_id);
                found.unwrap_or(0)
            }
        })
    }
}

/// The spans that fit into one answer with the one at `anchor`: what follows it first, then what stands before it.
fn part_that_fits(sizes: &[u64], anchor: usize) -> Range<usize> {
    let mut bytes = sizes.get(anchor).copied().unwrap_or(0);
    let mut fits = |size: &u64| {
        let fits = bytes.saturating_add(*size) <= MAX_ANSWER_BYTES;
        bytes = bytes.saturating_add(if fits { *size } else { 0 });
        fits
    };
    let after = sizes.iter().skip(anchor + 1);
    let after = after.take_while(|size| fits(size)).count();
    let before = sizes[..anchor.min(sizes.len())].iter().rev();
    let before = before.take_while(|size| fits(size)).count();
    anchor - before..(anchor + 1 + after).min(sizes.len())
}

fn select_by_id(columns: &str, trace: &TraceKey, places: &[SpanPlace]) -> Statement {
    let ids: Vec<String> = places.iter().map(|place| place.span_id.clone()).collect();
    let mut sql = Statement::new(format!(
        "SELECT {columns} FROM spans WHERE project = ? AND trace_id = ? AND span_id IN ? \
         ORDER BY span_id, revision DESC LIMIT 1 BY span_id"
    ));
    bind_trace(&mut sql, trace);
    sql.bind(ids);
    sql
}

fn in_order_of(places: &[SpanPlace], rows: Vec<SpanRow>) -> Vec<Span> {
    let mut by_id: HashMap<String, Span> = rows
        .into_iter()
        .map(|row| (row.span_id.clone(), Span::from(row)))
        .collect();
    places
        .iter()
        .filter_map(|place| by_id.remove(&place.span_id))
        .collect()
}

pub(super) fn bind_trace(sql: &mut Statement, trace: &TraceKey) {
    sql.bind(&*trace.project).bind(trace.trace_id.to_string());
}

fn span_cursor(cursor: &str) -> Result<SpanCursor> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok();
    bytes
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .ok_or_else(|| {
            StoreError::InvalidQuery(
                "the cursor is not of these spans; start again without it".to_owned(),
            )
        })
}
