//! Lists of rollouts.
//!
//! A summary may have several rows until a merge, and `FINAL` over a million of them is slow. So a page is found in
//! two steps: candidates are picked from all rows, light columns only; then the newest rows of just these ids are read,
//! and a candidate stands if it is the newest row of its id.
//!
//! What another table answers (metadata, text) narrows the candidates where it lets few traces through. Where it lets
//! many through, collecting all of them would cost more than the page: candidates are taken without it, in growing
//! batches, and asked about.

use std::collections::{HashMap, HashSet};

use caribou_model::api::{Page, TraceSummary};

use super::candidates::{Candidate, CandidateQuery, Candidates};
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

/// Candidates beyond the page: rows that are older versions must not cost another round.
const SPARE_CANDIDATES: usize = 32;

/// Up to this many traces a lookup in another table narrows the candidates; beyond, they are asked one by one.
const NARROW_LOOKUP: u64 = 20_000;

/// How many times more candidates are taken where conditions on metadata are left out, which are cheap to ask about.
const GENEROUS: usize = 8;

/// Most candidates that are asked about at once.
const MAX_BATCH: usize = 8192;

/// What is asked of candidates.
struct Wanted {
    condition: Statement,
    bounds: Statement,
    broad: bool,
    selective: bool,
    /// Lookups that let much through are left out of the condition.
    wide: bool,
}

/// Project and trace.
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
        let (mut place, mut pace) = match &paging.cursor {
            Some(cursor) => {
                place_from_cursor(paging.sort, cursor).map(|(place, pace)| (Some(place), pace))?
            }
            None => (None, None),
        };
        let Some(wanted) = self.wanted(filter).await? else {
            return Ok(Page {
                items: Vec::new(),
                next_cursor: None,
                total: paging.with_total.then_some(0),
            });
        };
        let mut found: Vec<(SummaryRow, Place)> = Vec::new();
        let mut seen: HashSet<Id> = HashSet::new();
        let mut batch = limit + 1 + SPARE_CANDIDATES;
        if wanted.wide && filter.asks_metadata_alone() {
            batch = (batch * GENEROUS).min(MAX_BATCH);
        }
        while found.len() <= limit {
            let query = CandidateQuery {
                condition: &wanted.condition,
                bounds: &wanted.bounds,
                broad: wanted.broad,
                selective: wanted.selective,
                sort: paging.sort,
                after: place.as_ref(),
                pace,
                limit: batch,
            };
            let Candidates {
                mut rows,
                exhausted,
            } = self.candidates(&query).await?;
            if let [first, .., last] = &*rows {
                pace = Some(first.place().pace_to(&last.place(), rows.len()));
            }
            place = rows.last().map(Candidate::place);
            if wanted.wide {
                rows = self.passing(filter, &rows).await?;
            }
            // More than the page are read only where some of them are older versions.
            for rows in rows.chunks(limit + 1) {
                if found.len() <= limit {
                    let passing = if wanted.wide {
                        rows.to_vec()
                    } else {
                        self.passing(filter, rows).await?
                    };
                    let newest = self.rows_by_id(ids_of(&passing)).await?;
                    found.extend(standing(passing, &newest, &mut seen));
                }
            }
            if exhausted {
                break;
            }
            if wanted.wide {
                batch = (batch * 4).min(MAX_BATCH);
            }
        }
        let more = found.len() > limit;
        found.truncate(limit);
        let last = found.last().filter(|_| more);
        let next_cursor =
            last.map(|(_, place)| cursor_from_place(paging.sort, place.clone(), pace));
        Ok(Page {
            items: found.into_iter().map(|(row, _)| row.into()).collect(),
            next_cursor,
            total: if paging.with_total {
                Some(self.count_traces(filter).await?)
            } else {
                None
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

    /// What is asked of candidates; `None` where a lookup finds nothing.
    async fn wanted(&self, filter: &TraceFilter) -> Result<Option<Wanted>> {
        let mut condition = filter.column_condition();
        let (mut wide, mut narrow) = (false, false);
        for lookup in filter.lookups() {
            let ids = lookup.ids(filter);
            let mut probe = Statement::new("SELECT count() FROM (SELECT 1 FROM (");
            probe
                .push_statement(&ids)
                .push(&format!(") LIMIT {})", NARROW_LOOKUP + 1));
            let matches: u64 = probe.query(&self.client).fetch_one().await?;
            if matches == 0 {
                return Ok(None);
            }
            if matches <= NARROW_LOOKUP {
                narrow = true;
                condition
                    .push(" AND (project, trace_id) IN (")
                    .push_statement(&ids)
                    .push(")");
            } else {
                wide = true;
            }
        }
        let bounds = filter.bounds();
        let selective = narrow || !filter.is_broad();
        Ok(Some(Wanted {
            broad: !selective && (condition != bounds || !filter.project.is_empty()),
            selective,
            wide,
            // Without a condition the index on starts finds the newest at once. That they may be of other projects, too,
            // costs less than looking for those of this one.
            bounds: if filter.is_timed() {
                bounds
            } else {
                Statement::new("true")
            },
            condition,
        }))
    }

    /// Those of the candidates that other tables let through.
    async fn passing(
        &self,
        filter: &TraceFilter,
        candidates: &[Candidate],
    ) -> Result<Vec<Candidate>> {
        let mut candidates = candidates.to_vec();
        for lookup in filter.lookups() {
            if candidates.is_empty() {
                break;
            }
            let among = lookup.ids_among(ids_of(&candidates));
            let ids: Vec<Id> = among.query(&self.client).fetch_all().await?;
            let ids: HashSet<Id> = ids.into_iter().collect();
            candidates.retain(|candidate| ids.contains(&candidate.id()));
        }
        Ok(candidates)
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

fn ids_of(candidates: &[Candidate]) -> Vec<Id> {
    candidates.iter().map(Candidate::id).collect()
}

/// The candidates that are the newest rows of their ids, each once, in their order.
fn standing(
    candidates: Vec<Candidate>,
    newest: &HashMap<Id, SummaryRow>,
    seen: &mut HashSet<Id>,
) -> Vec<(SummaryRow, Place)> {
    let mut rows = Vec::new();
    for candidate in candidates {
        let place = candidate.place();
        let id = candidate.id();
        if let Some(row) = newest.get(&id)
            && row.version == candidate.version
            && seen.insert(id)
        {
            rows.push((row.clone(), place));
        }
    }
    rows
}
