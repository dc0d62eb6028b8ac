//! What has arrived since one last looked, whoever wrote it.

use std::collections::HashMap;

use caribou_model::TraceId;
use caribou_model::api::Span;
use clickhouse::Row;
use serde::Deserialize;

use super::span_row::SPAN_COLUMNS;
use super::span_window::bind_trace;
use super::statement::Statement;
use super::{Result, Store, TraceKey};

/// Spans of one trace that have arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// The trace.
    pub trace: TraceKey,
    /// How many of its spans have arrived, revisions of known ones included.
    pub span_count: u64,
    /// When the first of them arrived, in microseconds since 1970.
    pub first_arrived_at_micros: i64,
    /// When the last of them arrived, in microseconds since 1970.
    pub arrived_at_micros: i64,
}

/// How far a reader of arrivals has come. One per reader; it is small.
///
/// An insert shows the time it began, and is seen when it has committed; of two inserts the later one may be seen
/// first. So every look goes back over the time that an insert may take, and what was seen there is remembered.
#[derive(Clone, Debug, Default)]
pub struct ArrivalCursor {
    /// Inserts of the time looked over, by trace and time: how many rows were seen.
    seen: HashMap<(String, String, i64), u64>,
    /// Latest arrival seen; `None` before the first look.
    latest_micros: Option<i64>,
    /// How often it has looked.
    looks: u64,
}

/// The longest that an insert may take from its time to its commit, for it not to be missed.
const OVERLAP_MICROS: i64 = 30_000_000;
/// How far back most looks go: nearly every insert is done in this time, and looking over less is cheaper.
const SHORT_OVERLAP_MICROS: i64 = 3_000_000;
/// Every so many looks one goes back all the way.
const LOOKS_PER_LONG_LOOK: u64 = 8;

#[derive(Row, Deserialize)]
struct ArrivalRow {
    project: String,
    trace_id: String,
    arrived_micros: i64,
    rows: u64,
}

impl Store {
    /// What has arrived since the last look with this cursor; the first look finds nothing and remembers what is there.
    ///
    /// # Errors
    /// When the server cannot be reached; the cursor stays where it was.
    pub async fn poll_arrivals(&self, cursor: &mut ArrivalCursor) -> Result<Vec<Arrival>> {
        // By the clock that stamps the rows, and before the look: nothing falls between the two.
        let began = match cursor.latest_micros {
            Some(_) => None,
            None => Some(self.clock_micros().await?),
        };
        let mut sql = Statement::new(
            "SELECT project, trace_id, toUnixTimestamp64Micro(inserted_at) AS arrived_micros, count() AS rows FROM spans ",
        );
        match cursor.latest_micros {
            Some(latest) => sql
                .push("WHERE inserted_at >= fromUnixTimestamp64Micro(toInt64(?), 'UTC')")
                .bind(latest - cursor.overlap()),
            None => sql.push(&format!(
                "WHERE inserted_at >= now64(6) - INTERVAL {} SECOND",
                OVERLAP_MICROS / 1_000_000
            )),
        };
        sql.push(" GROUP BY project, trace_id, inserted_at");
        let rows: Vec<ArrivalRow> = sql.query(&self.client).fetch_all().await?;
        Ok(cursor.advance(rows, began))
    }

    async fn clock_micros(&self) -> Result<i64> {
        let clock = self.client.query("SELECT toUnixTimestamp64Micro(now64(6))");
        Ok(clock.fetch_one().await?)
    }

    /// The spans of a trace of which a revision arrived at a time or after it, in the order they were logged.
    ///
    /// At most `limit` of them, the first in that order.
    ///
    /// # Errors
    /// When the server cannot be reached, or they are too much for one answer.
    pub async fn list_arrived_spans(
        &self,
        trace: &TraceKey,
        since_micros: i64,
        limit: u32,
    ) -> Result<Vec<Span>> {
        let mut sql = Statement::new(format!(
            "SELECT {SPAN_COLUMNS} FROM spans WHERE project = ? AND trace_id = ? AND span_id IN ( \
             SELECT span_id FROM spans WHERE project = ? AND trace_id = ? \
             AND inserted_at >= fromUnixTimestamp64Micro(toInt64(?), 'UTC') \
             GROUP BY span_id ORDER BY min((logged_at, sequence)), span_id LIMIT {limit}) \
             ORDER BY span_id, revision DESC LIMIT 1 BY span_id"
        ));
        bind_trace(&mut sql, trace);
        bind_trace(&mut sql, trace);
        sql.bind(since_micros);
        let rows = self.fetch_spans_within_limits(&sql).await?;
        let mut spans: Vec<Span> = rows.into_iter().map(Span::from).collect();
        // Times are written with a fixed number of digits, so that their texts order like them.
        spans.sort_by(|left, right| {
            (&left.logged_at, left.sequence, &left.span_id).cmp(&(
                &right.logged_at,
                right.sequence,
                &right.span_id,
            ))
        });
        Ok(spans)
    }
}

impl ArrivalCursor {
    const fn overlap(&self) -> i64 {
        if self.looks.is_multiple_of(LOOKS_PER_LONG_LOOK) {
            OVERLAP_MICROS
        } else {
            SHORT_OVERLAP_MICROS
        }
    }

    /// Takes a look's rows in; `began` is when the look began, if it was the first.
    fn advance(&mut self, rows: Vec<ArrivalRow>, began: Option<i64>) -> Vec<Arrival> {
        let first_look = began.is_some();
        self.looks += 1;
        let newest = rows.iter().map(|row| row.arrived_micros).max();
        let latest = newest.max(self.latest_micros);
        let mut arrivals: HashMap<(String, String), Arrival> = HashMap::new();
        for row in rows {
            let insert = (row.project, row.trace_id, row.arrived_micros);
            let known = self.seen.get(&insert).copied().unwrap_or(0);
            // A merge may have taken rows of older revisions away: fewer than before is nothing new.
            let Some(fresh) = row.rows.checked_sub(known).filter(|&fresh| fresh > 0) else {
                continue;
            };
            let (project, trace_id, arrived) = insert.clone();
            self.seen.insert(insert, row.rows);
            if first_look {
                continue;
            }
            let Some(id) = TraceId::from_hex_or_uuid(&trace_id) else {
                continue;
            };
            let arrival = arrivals
                .entry((project.clone(), trace_id))
                .or_insert_with(|| Arrival {
                    trace: TraceKey::new(project, id),
                    span_count: 0,
                    first_arrived_at_micros: arrived,
                    arrived_at_micros: arrived,
                });
            arrival.span_count += fresh;
            arrival.first_arrived_at_micros = arrival.first_arrived_at_micros.min(arrived);
            arrival.arrived_at_micros = arrival.arrived_at_micros.max(arrived);
        }
        // Where nothing has arrived of late, all that is there is older than the first look.
        self.latest_micros = latest.or(began);
        if let Some(latest) = latest {
            self.seen
                .retain(|(_, _, arrived), _| *arrived >= latest - OVERLAP_MICROS);
        }
        let mut arrivals: Vec<Arrival> = arrivals.into_values().collect();
        arrivals.sort_by(|left, right| {
            (left.arrived_at_micros, &left.trace).cmp(&(right.arrived_at_micros, &right.trace))
        });
        arrivals
    }
}
