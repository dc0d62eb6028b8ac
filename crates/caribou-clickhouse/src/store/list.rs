//! Lists of rollouts.
//!
//! A summary may have several rows until a merge, and `FINAL` over a million of them is slow. So a page is found in
//! two steps: candidates are picked from all rows, light columns only; then the newest rows of just these ids are read,
//! and a candidate stands if it is the newest row of its id.

use std::collections::{HashMap, HashSet};

use caribou_model::api::{Page, TraceSummary};
use clickhouse::Row;
use serde::Deserialize;

use super::filter::TraceFilter;
use super::sort::{Place, TraceSort, cursor_from_place, place_from_cursor};
use super::statement::Statement;
use super::summary::{SummaryRow, summary_columns};
use super::{Result, Store, TraceKey};

/// Which page of a list, in which order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Paging {
    /// How many rows at most; 0 is taken as 1.
    pub limit: u32,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// The order; newest start first unless given.
    pub sort: TraceSort,
    /// Whether to count the whole list, exactly.
    pub with_total: bool,
}

#[derive(Debug, Row, Deserialize)]
struct Candidate {
    project: String,
    trace_id: String,
    version: u128,
    number: Option<i64>,
}

/// Candidates beyond the page: rows that are older versions must not cost another round.
const SPARE_CANDIDATES: usize = 32;

type Id = (String, String);

impl Store {
    /// One page of the rollouts that a filter lets through.
    ///
    /// # Errors
    /// When the cursor is of another list, or the server cannot be reached.
    pub async fn list_traces(
        &self,
        filter: &TraceFilter,
        paging: &Paging,
    ) -> Result<Page<TraceSummary>> {
        let limit = paging.limit.max(1) as usize;
        let condition = filter.condition();
        let mut place = match &paging.cursor {
            Some(cursor) => Some(place_from_cursor(paging.sort, cursor)?),
            None => None,
        };
        let mut found: Vec<(SummaryRow, Place)> = Vec::new();
        let mut seen: HashSet<Id> = HashSet::new();
        while found.len() <= limit {
            let wanted = limit + 1 - found.len() + SPARE_CANDIDATES;
            let candidates = self
                .candidates(&condition, paging.sort, place.as_ref(), wanted)
                .await?;
            let exhausted = candidates.len() < wanted;
            place = candidates.last().map(Candidate::place);
            let newest = self.newest_rows(filter, &candidates).await?;
            for candidate in candidates {
                let id = (candidate.project.clone(), candidate.trace_id.clone());
                if let Some(row) = newest.get(&id)
                    && row.version == candidate.version
                    && seen.insert(id)
                {
                    found.push((row.clone(), candidate.place()));
                }
            }
            if exhausted {
                break;
            }
        }
        let more = found.len() > limit;
        found.truncate(limit);
        let last = found.last().filter(|_| more);
        let next_cursor = last.map(|(_, place)| cursor_from_place(paging.sort, place.clone()));
        Ok(Page {
            items: found.into_iter().map(|(row, _)| row.into()).collect(),
            next_cursor,
            total: match paging.with_total {
                true => Some(self.count_traces(filter).await?),
                false => None,
            },
        })
    }

    /// How many rollouts a filter lets through, exactly.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub async fn count_traces(&self, filter: &TraceFilter) -> Result<u64> {
        let mut sql = Statement::new("SELECT count() FROM traces FINAL WHERE ");
        sql.push_statement(&filter.condition());
        Ok(sql.query(&self.client).fetch_one().await?)
    }

    /// The summaries of these rollouts as they are now, in no particular order; unknown ones are left out.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub async fn list_summaries(&self, traces: &[TraceKey]) -> Result<Vec<TraceSummary>> {
        let ids = traces
            .iter()
            .map(|trace| (trace.project.clone(), trace.trace_id.to_string()))
            .collect();
        let rows = self.rows_by_id(ids).await?;
        let mut summaries: Vec<TraceSummary> = rows.into_values().map(TraceSummary::from).collect();
        summaries.sort_by(|left, right| left.trace_id.cmp(&right.trace_id));
        Ok(summaries)
    }

    async fn candidates(
        &self,
        condition: &Statement,
        sort: TraceSort,
        after: Option<&Place>,
        limit: usize,
    ) -> Result<Vec<Candidate>> {
        let mut sql = Statement::new(format!(
            "SELECT project, trace_id, version, {} AS number FROM traces WHERE ",
            sort.number_expression()
        ));
        sql.push_statement(condition);
        if let Some(place) = after {
            sql.push(" AND ").push_statement(&sort.after(place));
        }
        sql.push(&format!(" ORDER BY {} LIMIT {limit}", sort.order_by()));
        Ok(sql.query(&self.client).fetch_all().await?)
    }

    /// The newest rows of the candidates' ids that hold against the filter's subqueries, which may have found a
    /// candidate by what has been replaced since.
    async fn newest_rows(
        &self,
        filter: &TraceFilter,
        candidates: &[Candidate],
    ) -> Result<HashMap<Id, SummaryRow>> {
        let ids: Vec<Id> = candidates
            .iter()
            .map(|candidate| (candidate.project.clone(), candidate.trace_id.clone()))
            .collect();
        let mut rows = self.rows_by_id(ids.clone()).await?;
        for condition in &filter.metadata {
            if ids.is_empty() {
                break;
            }
            let mut sql = Statement::new(
                "SELECT project, entity_id FROM entity_metadata FINAL \
                 WHERE entity_type = 'trace' AND key = ? AND (project, entity_id) IN ? AND ",
            );
            sql.bind(&*condition.key)
                .bind(ids.clone())
                .push_statement(&condition.value_condition());
            let holding: HashSet<Id> = sql
                .query(&self.client)
                .fetch_all()
                .await?
                .into_iter()
                .collect();
            rows.retain(|id, _| holding.contains(id));
        }
        Ok(rows)
    }

    pub(super) async fn rows_by_id(&self, ids: Vec<Id>) -> Result<HashMap<Id, SummaryRow>> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let mut sql = Statement::new(format!(
            "SELECT {} FROM traces WHERE (project, trace_id) IN ?",
            summary_columns()
        ));
        sql.bind(ids);
        let rows: Vec<SummaryRow> = sql.query(&self.client).fetch_all().await?;
        let mut newest: HashMap<Id, SummaryRow> = HashMap::new();
        for row in rows {
            let id = (row.project.clone(), row.trace_id.clone());
            if newest
                .get(&id)
                .is_none_or(|known| known.version <= row.version)
            {
                newest.insert(id, row);
            }
        }
        Ok(newest)
    }
}

impl Candidate {
    fn place(&self) -> Place {
        Place {
            number: self.number,
            trace_id: self.trace_id.clone(),
            project: self.project.clone(),
        }
    }
}
