#![allow(
    async_fn_in_trait,
    missing_docs,
    warnings,
    clippy::all,
    clippy::pedantic
)]
use caribou_clickhouse::{Result, Store};
use caribou_model::{TraceId, api::*};
pub(crate) trait Later {
    async fn repair_traces(&self) -> Result<()> {
        Ok(())
    }
    async fn list_projects(&self, limit: u32, cursor: Option<&str>) -> Result<Page<Project>> {
        Ok(Page {
            items: vec![],
            next_cursor: None,
            total: None,
        })
    }
    async fn get_or_create_project(&self, name: &str) -> Result<Project> {
        unimplemented!()
    }
    async fn get_trace(&self, id: TraceId) -> Result<Option<TraceDetail>> {
        Ok(None)
    }
    async fn delete_trace(&self, id: TraceId) -> Result<bool> {
        Ok(false)
    }
    async fn list_traces(&self, a: &(), b: &()) -> Result<Page<TraceSummary>> {
        unimplemented!()
    }
    async fn facets(&self, a: &()) -> Result<Vec<Facet>> {
        unimplemented!()
    }
}
impl Later for Store {}
