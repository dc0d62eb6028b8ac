//! Summaries and metadata as statements, computed again from the spans of the traces just touched.

use caribou_model::{SpanRecord, TraceId};

/// Names one trace: ids are unique within a project.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TraceKey {
    /// The project that owns the trace.
    pub project: String,
    /// The trace.
    pub trace_id: TraceId,
}

impl TraceKey {
    /// A trace of a project.
    pub fn new(project: impl Into<String>, trace_id: TraceId) -> Self {
        Self {
            project: project.into(),
            trace_id,
        }
    }
}

/// At most this many traces are recomputed by one statement, so that its text and memory stay small.
pub(crate) const TRACES_PER_STATEMENT: usize = 2000;

pub(crate) const RECOMPUTE_METADATA: &str = include_str!("store/queries/recompute_metadata.sql");
pub(crate) const RECOMPUTE_TRACES: &str = include_str!("store/queries/recompute_traces.sql");

/// The statements that compute summary and metadata of these traces again, in the order in which they are to be sent.
///
/// For writers without the client of this crate. They may be sent any number of times.
pub fn recompute_statements(traces: &[TraceKey]) -> Vec<String> {
    let mut statements = Vec::new();
    for traces in traces.chunks(TRACES_PER_STATEMENT) {
        let keys: Vec<String> = traces
            .iter()
            .map(|trace| format!("('{}', '{}')", escaped(&trace.project), trace.trace_id))
            .collect();
        let keys = keys.join(", ");
        // Metadata first: where a crash falls between the two, the missing summary tells the repair.
        for statement in [RECOMPUTE_METADATA, RECOMPUTE_TRACES] {
            statements.push(statement.replace("{traces}", &keys));
        }
    }
    statements
}

/// The statement that counts the rows of one span in at least this revision: none where it has not been stored.
pub fn count_span_sql(span: &SpanRecord<'_>) -> String {
    format!(
        "SELECT count() FROM spans WHERE project = '{}' AND trace_id = '{}' AND span_id = '{}' AND revision >= {}",
        escaped(&span.project),
        span.trace_id,
        span.span_id,
        span.revision
    )
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\'', "\\'")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_projects_name_stays_within_its_quotes() {
        let key = TraceKey::new(r"it's \ here", TraceId([1; 16]));
        let statements = recompute_statements(&[key]);
        assert_eq!(statements.len(), 2);
        for statement in statements {
            assert!(
                statement.contains(r"('it\'s \\ here', '0101"),
                "{statement}"
            );
        }
    }
}
