//! Candidates for a page of a list: the rows of `traces` that come next in an order, older versions among them.
//!
//! Ids are the most expensive columns of a list: reading them for every row that a filter lets through costs more than
//! all the rest. So the engine orders by two light columns alone, sort column and start, and reads the ids of just the
//! rows it returns. Rows that tie in both are put in order here.
//!
//! In a list by start even the filter is not tried on all rows where it need not be: first on the rows next to the
//! place, which the index on starts finds.

use clickhouse::Row;
use serde::Deserialize;

use super::sort::{Place, SortKey, TraceSort};
use super::statement::Statement;
use super::{Result, Store};

/// Which candidates.
pub(super) struct CandidateQuery<'q> {
    /// The condition on rows of `traces`.
    pub(super) condition: &'q Statement,
    /// The part of it that says where to begin, or less.
    pub(super) bounds: &'q Statement,
    /// Whether it may let a good part of all rows through without letting all through.
    pub(super) broad: bool,
    /// Whether it lets few rows through.
    pub(super) selective: bool,
    /// Their order.
    pub(super) sort: TraceSort,
    /// Only rows after this place.
    pub(super) after: Option<&'q Place>,
    /// Nanoseconds from one row to the next, as far as is known; it need not be right.
    pub(super) pace: Option<i64>,
    /// How many.
    pub(super) limit: usize,
}

/// Candidates in their order.
#[derive(Debug)]
pub(super) struct Candidates {
    /// At least one unless `exhausted`, and no more than asked for.
    pub(super) rows: Vec<Candidate>,
    /// True where no more rows come after these.
    pub(super) exhausted: bool,
}

/// A row of `traces` by what identifies and orders it.
#[derive(Clone, Debug, PartialEq, Row, Deserialize)]
pub(super) struct Candidate {
    pub(super) project: String,
    pub(super) trace_id: String,
    pub(super) version: u128,
    number: Option<i128>,
    started: i64,
}

/// Rows next to the place on which a filter is tried first.
const STRETCH_ROWS: u64 = 512;

/// How many times as far as the pace promises enough is looked: rollouts come in bursts.
const PACE_SPARE: usize = 2;

/// Longer pages read so much that trying first would gain nothing.
const MAX_STRETCH_LIMIT: usize = 256;

/// A filter that lets fewer rows of a stretch through is answered by all rows at once.
const MIN_STRETCH_MATCHES: usize = 4;

impl Store {
    /// The next candidates.
    pub(super) async fn candidates(&self, query: &CandidateQuery<'_>) -> Result<Candidates> {
        let by_start = query.sort.key == SortKey::StartedAt;
        if by_start && let Some(found) = self.paced_candidates(query).await? {
            return Ok(found);
        }
        if by_start
            && query.broad
            && query.limit <= MAX_STRETCH_LIMIT
            && let Some(found) = self.nearby_candidates(query).await?
        {
            return Ok(found);
        }
        let rows = self.light_rows(query, None).await?;
        if let Some(found) = query.settle(rows) {
            return Ok(found);
        }
        // More rows tie than were asked for.
        let rows = self.exact_rows(query).await?;
        Ok(Candidates {
            exhausted: rows.len() < query.limit,
            rows,
        })
    }

    /// Candidates as far as the pace of the list before them promises enough; `None` where it promised too much.
    async fn paced_candidates(&self, query: &CandidateQuery<'_>) -> Result<Option<Candidates>> {
        let (Some(place), Some(pace)) = (query.after, query.pace) else {
            return Ok(None);
        };
        let rows = i64::try_from(PACE_SPARE * query.limit).unwrap_or(i64::MAX);
        let far = query
            .sort
            .beyond_start(place.started, pace.saturating_mul(rows));
        let rows = self.light_rows(query, Some(far)).await?;
        if rows.len() > query.limit {
            return Ok(query.settle(rows));
        }
        Ok(None)
    }

    /// Candidates in a stretch of time next to the place; `None` where it does not hold enough of them.
    async fn nearby_candidates(&self, query: &CandidateQuery<'_>) -> Result<Option<Candidates>> {
        let Some((near, width)) = self.stretch(query).await? else {
            return Ok(None);
        };
        let mut widths = 1;
        for _ in 0..2 {
            let reach = width.saturating_mul(widths);
            let far = query.sort.beyond_start(near, reach);
            let rows = self.light_rows(query, Some(far)).await?;
            let matches = rows.len();
            if matches > query.limit {
                return Ok(query.settle(rows));
            }
            if matches < MIN_STRETCH_MATCHES {
                return Ok(None);
            }
            // Twice of what is likely enough: rollouts of one kind come in bursts.
            widths = i64::try_from(2 * query.limit / matches + 1).unwrap_or(i64::MAX);
        }
        Ok(None)
    }

    /// The start that is nearest to the place, and the time over which a few hundred rollouts start from there.
    async fn stretch(&self, query: &CandidateQuery<'_>) -> Result<Option<(i64, i64)>> {
        let mut sql = Statement::new(
            "SELECT count(), toUnixTimestamp64Nano(min(started_at)), toUnixTimestamp64Nano(max(started_at)) \
             FROM (SELECT started_at FROM traces WHERE ",
        );
        sql.push_statement(query.bounds);
        query.push_from(&mut sql);
        sql.push(&format!(
            " ORDER BY {} LIMIT {STRETCH_ROWS})",
            query.sort.light_order()
        ));
        let (rows, first, last): (u64, i64, i64) = sql.query(&self.client).fetch_one().await?;
        if rows < STRETCH_ROWS {
            return Ok(None);
        }
        let near = if query.sort.descending { last } else { first };
        Ok(Some((near, last.saturating_sub(first).max(1))))
    }

    /// One row more than asked for in the order of the light columns, and up to a start where one is given.
    async fn light_rows(
        &self,
        query: &CandidateQuery<'_>,
        far: Option<i64>,
    ) -> Result<Vec<Candidate>> {
        let mut sql = query.select();
        query.push_from(&mut sql);
        if let Some(far) = far {
            sql.push(" AND ").push_statement(&query.sort.until(far));
        }
        let limit = query.limit + 1;
        sql.push(&format!(
            " ORDER BY {} LIMIT {limit}",
            query.sort.light_order()
        ));
        self.fetch(query, &sql).await
    }

    async fn exact_rows(&self, query: &CandidateQuery<'_>) -> Result<Vec<Candidate>> {
        let mut sql = query.select();
        if let Some(place) = query.after {
            sql.push(" AND ").push_statement(&query.sort.after(place));
        }
        let order = query.sort.exact_order();
        sql.push(&format!(" ORDER BY {order} LIMIT {}", query.limit));
        self.fetch(query, &sql).await
    }

    async fn fetch(&self, query: &CandidateQuery<'_>, sql: &Statement) -> Result<Vec<Candidate>> {
        // The dynamic filter reads the sort column before the conditions leave rows out. That is good where conditions
        // cost more than the column. By start it is bad: rows often lie from the lowest to the highest.
        let dynamic = query.sort.key != SortKey::StartedAt && !query.selective;
        let query = sql
            .query(&self.client)
            .with_setting(
                "use_top_k_dynamic_filtering",
                if dynamic { "1" } else { "0" },
            )
            // Picking the rows that still need a second condition costs more than trying it on all.
            .with_setting("short_circuit_function_evaluation", "disable");
        Ok(query.fetch_all().await?)
    }
}

impl CandidateQuery<'_> {
    fn select(&self) -> Statement {
        let mut sql = Statement::new(format!(
            "SELECT project, trace_id, version, {} AS number, toUnixTimestamp64Nano(started_at) AS started \
             FROM traces WHERE ",
            self.sort.number_expression()
        ));
        sql.push_statement(self.condition);
        sql
    }

    fn push_from(&self, sql: &mut Statement) {
        if let Some(place) = self.after {
            sql.push(" AND ").push_statement(&self.sort.from(place));
        }
    }

    /// Rows in light order, one more than asked for where there are that many, become candidates in exact order;
    /// `None` where that cannot be told from these rows.
    fn settle(&self, mut rows: Vec<Candidate>) -> Option<Candidates> {
        let exhausted = rows.len() <= self.limit;
        if !exhausted && let Some(last) = rows.last().map(Candidate::weight) {
            // Others that tie with the last row may be missing.
            rows.retain(|row| row.weight() != last);
        }
        if let Some(place) = self.after {
            rows.retain(|row| self.sort.compare(place, &row.place()).is_lt());
        }
        if rows.is_empty() && !exhausted {
            return None;
        }
        rows.sort_by(|left, right| self.sort.compare(&left.place(), &right.place()));
        Some(Candidates { rows, exhausted })
    }
}

impl Candidate {
    pub(super) fn place(&self) -> Place {
        Place {
            number: self.number,
            started: self.started,
            trace_id: self.trace_id.clone(),
            project: self.project.clone(),
        }
    }

    pub(super) fn id(&self) -> (String, String) {
        (self.project.clone(), self.trace_id.clone())
    }

    /// What the light order compares.
    const fn weight(&self) -> (Option<i128>, i64) {
        (self.number, self.started)
    }
}
