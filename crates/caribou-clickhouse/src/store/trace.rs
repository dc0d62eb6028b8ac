//! One rollout.

use std::collections::BTreeMap;

use caribou_model::TraceId;
use caribou_model::api::{Segment, TraceDetail};
use clickhouse::Row;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::statement::Statement;
use super::summary::{given, time};
use super::{Result, Store, TraceKey};

/// A span that says something about its rollout as a whole.
#[derive(Row, Deserialize)]
struct RootRow {
    span_id: String,
    revision: u64,
    is_segment: bool,
    started_nanos: i64,
    ended_nanos: Option<i64>,
    status: String,
    error_message: String,
    error_type: String,
    traceback: String,
    metadata: String,
    resource: String,
}

const ROOT_COLUMNS: &str = "span_id, revision, item_type = 'rollout' AS is_segment, \
    toUnixTimestamp64Nano(started_at) AS started_nanos, toUnixTimestamp64Nano(ended_at) AS ended_nanos, \
    rollout['rollout_status'] AS status, error_message, extra['error_type'] AS error_type, \
    extra['traceback'] AS traceback, metadata, resource";

impl Store {
    /// Finds the trace of an id; `None` where nothing of it was ever stored.
    ///
    /// Where several projects have a trace of this id, it is the one heard of last; `project` narrows it down.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub async fn find_trace_key(
        &self,
        project: Option<&str>,
        trace_id: TraceId,
    ) -> Result<Option<TraceKey>> {
        for (table, arrival) in [("traces", "updated_at"), ("spans", "inserted_at")] {
            let mut sql = Statement::new(format!("SELECT project FROM {table} WHERE trace_id = ?"));
            sql.bind(trace_id.to_string());
            if let Some(project) = project {
                sql.push(" AND project = ?").bind(project);
            }
            sql.push(&format!(" ORDER BY {arrival} DESC LIMIT 1"));
            let found: Option<String> = sql.query(&self.client).fetch_optional().await?;
            if let Some(project) = found {
                return Ok(Some(TraceKey::new(project, trace_id)));
            }
        }
        Ok(None)
    }

    /// One rollout; `None` where nothing of it was ever stored. The `url` is left to the caller.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub async fn find_trace(&self, trace: &TraceKey) -> Result<Option<TraceDetail>> {
        let id = (trace.project.clone(), trace.trace_id.to_string());
        let mut rows = self.rows_by_id(vec![id.clone()]).await?;
        if rows.is_empty() {
            // Its spans may have been acknowledged a moment ago, before anybody summed them up.
            self.recompute_traces(std::slice::from_ref(trace)).await?;
            rows = self.rows_by_id(vec![id.clone()]).await?;
        }
        let Some(summary) = rows.remove(&id) else {
            return Ok(None);
        };
        let roots = self.roots(trace).await?;
        let failed = roots
            .iter()
            .rev()
            .find(|root| !root.error_message.is_empty() || !root.traceback.is_empty());
        let resource = roots.iter().find(|root| !root.resource.is_empty());
        Ok(Some(TraceDetail {
            summary: summary.into(),
            metadata: united(roots.iter().map(|root| &*root.metadata)),
            error_type: failed.and_then(|root| given(root.error_type.clone())),
            traceback: failed.and_then(|root| given(root.traceback.clone())),
            segments: roots
                .iter()
                .filter(|root| root.is_segment)
                .map(RootRow::segment)
                .collect(),
            resource: united(resource.map(|root| &*root.resource).into_iter()),
            url: String::new(),
        }))
    }

    /// Deletes a rollout: spans, summary and metadata. Returns false where there was none.
    ///
    /// The rows are gone from every answer at once and from the disk with the next merges. What is sent of it later
    /// begins a new rollout of that id. A summary that another process computed from the spans and writes after that
    /// stays, without spans, until the rollout is deleted again.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub async fn delete_trace(&self, trace: &TraceKey) -> Result<bool> {
        let _no_recomputation = self.summaries.write().await;
        let mut known = false;
        for (table, id) in [
            ("spans", "trace_id"),
            ("entity_metadata", "entity_id"),
            ("traces", "trace_id"),
        ] {
            let rows = format!("FROM {table} WHERE project = ? AND {id} = ?");
            let mut count = Statement::new(format!("SELECT count() {rows}"));
            count.bind(&*trace.project).bind(trace.trace_id.to_string());
            let stored: u64 = count.query(&self.client).fetch_one().await?;
            if stored > 0 {
                let mut delete = Statement::new(format!("DELETE {rows}"));
                delete
                    .bind(&*trace.project)
                    .bind(trace.trace_id.to_string());
                delete.query(&self.client).execute().await?;
                known = true;
            }
        }
        Ok(known)
    }

    /// The roots of the segments in the order of their start; the parentless spans of a foreign trace.
    async fn roots(&self, trace: &TraceKey) -> Result<Vec<RootRow>> {
        let mut sql = Statement::new(format!(
            "SELECT {ROOT_COLUMNS} FROM spans WHERE project = ? AND trace_id = ? \
             AND (item_type = 'rollout' OR parent_span_id = '' OR metadata != '')"
        ));
        sql.bind(&*trace.project).bind(trace.trace_id.to_string());
        let rows: Vec<RootRow> = sql.query(&self.client).fetch_all().await?;
        let mut newest: BTreeMap<String, RootRow> = BTreeMap::new();
        for row in rows {
            let known = newest.get(&row.span_id);
            if known.is_none_or(|known| known.revision <= row.revision) {
                newest.insert(row.span_id.clone(), row);
            }
        }
        let mut roots: Vec<RootRow> = newest.into_values().collect();
        roots.sort_by(|left, right| {
            (left.started_nanos, &left.span_id).cmp(&(right.started_nanos, &right.span_id))
        });
        // A message beside the segments, such as one whose parent was lost, says nothing about the rollout.
        if roots.iter().any(|root| root.is_segment) {
            roots.retain(|root| root.is_segment || !root.metadata.is_empty());
        }
        Ok(roots)
    }
}

impl RootRow {
    fn segment(&self) -> Segment {
        Segment {
            span_id: self.span_id.clone(),
            started_at: time(self.started_nanos),
            ended_at: self.ended_nanos.map(time),
            status: given(self.status.clone()),
        }
    }
}

/// JSON objects united, later keys winning; what is no object adds nothing.
fn united<'a>(objects: impl Iterator<Item = &'a str>) -> Map<String, Value> {
    objects
        .filter_map(|json| serde_json::from_str::<Map<String, Value>>(json).ok())
        .fold(Map::new(), |mut all, object| {
            all.extend(object);
            all
        })
}
