//! The destination: spans as rows of one insert.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use caribou_clickhouse::{
    Connection, IMAGES_SCHEMA, INSERT_IMAGES, SpanBlock, TraceKey, count_span_sql, image_lines,
    insert_spans_sql,
};
use caribou_model::SpanRecord;

use super::http::{Failed, Http};
use super::schema::ensure_tables;
use super::summaries::Summaries;
use crate::export::Chunk;
use crate::export::destination::{Destination, Outcome};
use crate::export::images::{Images, Unrecorded};
use crate::export::records::{Reader, read};
use crate::settings::{ClickHouseTarget, ImageTarget};

/// Writes to ClickHouse itself.
pub(in crate::export) struct ClickHouseDestination {
    address: String,
    tables: Connection,
    http: Http,
    reader: Reader,
    insert: String,
    summaries: Option<Summaries>,
    images: Images,
    /// The server does not say how many rows it wrote, and was seen to have written them.
    counts_none: bool,
    /// The version of the tables, once they were found or made.
    version: Option<u32>,
}

/// Many writers share a part of the server's choosing, and each waits until its rows are stored.
const GATHERED: [(&str, &str); 2] = [("async_insert", "1"), ("wait_for_async_insert", "1")];
const INSERT_SETTINGS: [(&str, &str); 3] = [
    GATHERED[0],
    GATHERED[1],
    // Merges build it: at insert it would double the cost.
    ("exclude_materialize_skip_indexes_on_insert", "search_text"),
];

/// What is wrong with these very rows and stays so.
const WRONG_DATA: [u32; 9] = [6, 27, 33, 38, 41, 53, 70, 117, 131];
/// The tables are gone or others: what is known of them is looked up again.
const WRONG_TABLES: [u32; 3] = [16, 60, 81];
/// Wrong credentials and missing rights do not change within seconds.
const DENIED: [u32; 5] = [192, 193, 194, 497, 516];

impl ClickHouseDestination {
    const AFTER_DENIAL: Duration = Duration::from_secs(30);

    pub(in crate::export) fn new(
        target: &ClickHouseTarget,
        images: &ImageTarget,
        resource: &[(String, String)],
    ) -> Self {
        Self {
            address: format!("ClickHouse at {}", target.url),
            tables: target.tables(),
            http: Http::new(target),
            reader: Reader::new(resource),
            insert: insert_spans_sql(),
            summaries: None,
            images: Images::new(images),
            counts_none: false,
            version: None,
        }
    }

    fn try_deliver(&mut self, chunks: &[Arc<Chunk>]) -> Result<(), Outcome> {
        let version = self.version().map_err(|failed| self.outcome(failed))?;
        let spans: Vec<&[u8]> = chunks.iter().flat_map(|chunk| chunk.spans()).collect();
        let request = match chunks.first().and_then(|chunk| chunk.resource.as_ref()) {
            Some(resource) => Reader::new(resource).request(&spans),
            None => self.reader.request(&spans),
        };
        let mut records = read(&request);
        if version >= IMAGES_SCHEMA {
            let images = self.images.store(&mut records)?;
            self.record_images(images)
                .map_err(|failed| self.outcome(failed))?;
        }
        self.insert(&records)
            .map_err(|failed| self.outcome(failed))?;
        let touched: BTreeSet<TraceKey> = records
            .iter()
            .map(|record| TraceKey::new(&*record.project, record.trace_id))
            .collect();
        let http = &self.http;
        self.summaries
            .get_or_insert_with(|| Summaries::start(http.clone()))
            .touch(touched);
        Ok(())
    }

    fn version(&mut self) -> Result<u32, Failed> {
        if let Some(version) = self.version {
            return Ok(version);
        }
        let version = ensure_tables(&self.http, &self.tables)?;
        self.version = Some(version);
        Ok(version)
    }

    /// Notes whose the images are, before any span refers to them.
    fn record_images(&self, images: Unrecorded) -> Result<(), Failed> {
        if !images.rows.is_empty() {
            let lines = image_lines(&images.rows);
            self.http.insert(INSERT_IMAGES, &GATHERED, &lines)?;
            self.images.recorded(images);
        }
        Ok(())
    }

    fn insert(&mut self, records: &[SpanRecord<'_>]) -> Result<(), Failed> {
        let block = SpanBlock::encode(records);
        let rows = block.rows() as u64;
        let done = self
            .http
            .insert(&self.insert, &INSERT_SETTINGS, block.bytes())?;
        match (done.written.unwrap_or(0), records.last()) {
            (written, _) if written >= rows => Ok(()),
            (0, Some(last)) => self.make_sure(last),
            (written, _) => Err(not_stored(format!("it wrote {written} of {rows} rows"))),
        }
    }

    /// A server that gathers inserts may count none of them although it has waited for them. Whether it has is looked up
    /// once, and again after a failure.
    fn make_sure(&mut self, last: &SpanRecord<'_>) -> Result<(), Failed> {
        if !self.counts_none {
            let found = self.http.run(&count_span_sql(last), &[])?;
            if found.text.trim().parse().unwrap_or(0_u64) == 0 {
                return Err(not_stored(
                    "it took an insert and does not have the rows: it, or what stands before it, must heed the setting \
                     wait_for_async_insert"
                        .to_owned(),
                ));
            }
            self.counts_none = true;
        }
        Ok(())
    }

    fn outcome(&mut self, failed: Failed) -> Outcome {
        self.counts_none = false;
        if failed.code.is_some_and(|code| WRONG_TABLES.contains(&code)) {
            self.version = None;
            self.images.forget();
        }
        outcome(failed)
    }
}

impl Destination for ClickHouseDestination {
    fn address(&self) -> &str {
        &self.address
    }

    fn deliver(&mut self, chunks: &[Arc<Chunk>]) -> Outcome {
        match self.try_deliver(chunks) {
            Ok(()) => Outcome::Delivered {
                rejected: 0,
                message: self.images.warning(),
            },
            Err(outcome) => outcome,
        }
    }

    fn finish(&mut self) {
        if let Some(summaries) = &mut self.summaries {
            summaries.finish();
        }
    }
}

fn not_stored(reason: String) -> Failed {
    Failed {
        code: None,
        unreachable: false,
        after: None,
        reason,
    }
}

fn outcome(failed: Failed) -> Outcome {
    let Failed {
        code,
        unreachable,
        after,
        reason,
    } = failed;
    let is_any_of = |codes: &[u32]| code.is_some_and(|code| codes.contains(&code));
    if is_any_of(&WRONG_DATA) {
        return Outcome::RefusedTogether { reason };
    }
    let denied = is_any_of(&DENIED).then_some(ClickHouseDestination::AFTER_DENIAL);
    Outcome::Later {
        after: after.or(denied),
        unreachable,
        reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_wrong_rows_is_given_up() {
        let failed = |code| Failed {
            code,
            unreachable: false,
            after: None,
            reason: String::new(),
        };
        assert!(matches!(
            outcome(failed(Some(117))),
            Outcome::RefusedTogether { .. }
        ));
        for code in [None, Some(60), Some(241), Some(252), Some(999)] {
            assert!(
                matches!(outcome(failed(code)), Outcome::Later { .. }),
                "{code:?}"
            );
        }
        let denied = outcome(failed(Some(516)));
        assert!(matches!(denied, Outcome::Later { after: Some(_), .. }));
    }
}
