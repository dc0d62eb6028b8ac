//! Projects: registered, or seen in traces.

use caribou_model::api::{Page, Project};
use clickhouse::Row;
use serde::{Deserialize, Serialize};

use super::statement::Statement;
use super::summary::time;
use super::{Result, Store};

#[derive(Row, Deserialize)]
struct ProjectRow {
    project: String,
    created_nanos: Option<i64>,
    trace_count: u64,
    last_trace_nanos: Option<i64>,
}

#[derive(Row, Serialize)]
struct NewProjectRow {
    id: String,
    name: String,
    created_at: i64,
    revision: u64,
}

impl Store {
    /// Projects by name, those that were registered and those that traces name; the cursor is the last name.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub async fn list_projects(&self, limit: u32, cursor: Option<&str>) -> Result<Page<Project>> {
        let mut condition = Statement::new("project > ?");
        condition.bind(cursor.unwrap_or(""));
        let mut rows = self.project_rows(&condition, u64::from(limit) + 1).await?;
        let more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        Ok(Page {
            next_cursor: rows.last().filter(|_| more).map(|row| row.project.clone()),
            items: rows.into_iter().map(Project::from).collect(),
            total: None,
        })
    }

    /// A project by name; `None` where it is neither registered nor seen.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub async fn find_project(&self, name: &str) -> Result<Option<Project>> {
        let mut condition = Statement::new("project = ?");
        condition.bind(name);
        let mut rows = self.project_rows(&condition, 1).await?;
        Ok(rows.pop().map(Project::from))
    }

    /// Registers a project where it is not yet. The name is the id, so that doing it twice, or twice at once, is the
    /// same as once.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub async fn get_or_create_project(&self, name: &str) -> Result<Project> {
        if let Some(project) = self.find_project(name).await?
            && project.created_at.is_some()
        {
            return Ok(project);
        }
        let now: i64 = self
            .client
            .query("SELECT toUnixTimestamp64Nano(now64(9))")
            .fetch_one()
            .await?;
        let mut insert = self.client.insert::<NewProjectRow>("projects").await?;
        insert
            .write(&NewProjectRow {
                id: name.to_owned(),
                name: name.to_owned(),
                created_at: now,
                // Of two that register at once the first stays.
                revision: u64::MAX - u64::try_from(now).unwrap_or(0),
            })
            .await?;
        insert.end().await?;
        let project = self.find_project(name).await?;
        Ok(project.unwrap_or_else(|| Project {
            id: name.to_owned(),
            name: name.to_owned(),
            created_at: Some(time(now)),
            trace_count: 0,
            last_trace_at: None,
            url: String::new(),
        }))
    }

    async fn project_rows(&self, condition: &Statement, limit: u64) -> Result<Vec<ProjectRow>> {
        let mut sql = Statement::new(
            "SELECT project, if(max(registered), toNullable(minIf(created, registered)), NULL) AS created_nanos, \
             sum(traces_here) AS trace_count, if(trace_count > 0, toNullable(max(last_here)), NULL) AS last_trace_nanos \
             FROM (SELECT id AS project, true AS registered, toUnixTimestamp64Nano(created_at) AS created, \
             toUInt64(0) AS traces_here, toInt64(0) AS last_here FROM projects FINAL WHERE ",
        );
        // The registry calls its column `id`; the alias makes one condition fit both.
        sql.push_statement(condition)
            .push(
                " UNION ALL SELECT toString(project) AS project, false AS registered, toInt64(0) AS created, \
                 count() AS traces_here, toUnixTimestamp64Nano(max(started_at)) AS last_here FROM traces FINAL WHERE ",
            )
            .push_statement(condition)
            .push(&format!(
                " GROUP BY project) GROUP BY project ORDER BY project LIMIT {limit}"
            ));
        Ok(sql.query(&self.client).fetch_all().await?)
    }
}

impl From<ProjectRow> for Project {
    fn from(row: ProjectRow) -> Self {
        Self {
            id: row.project.clone(),
            name: row.project,
            created_at: row.created_nanos.map(time),
            trace_count: row.trace_count,
            last_trace_at: row.last_trace_nanos.map(time),
            url: String::new(),
        }
    }
}
