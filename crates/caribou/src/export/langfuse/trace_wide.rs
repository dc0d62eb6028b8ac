//! What Langfuse wants on every observation of a trace.

use caribou_model::SpanRecord;
use serde_json::{Map, Value};

/// Attributes of the trace, made once a segment.
#[derive(Debug, Default)]
pub(super) struct TraceWide {
    /// Name of the environment: the phase.
    pub(super) environment: String,
    /// Key and value of each text attribute.
    pub(super) texts: Vec<(String, String)>,
    /// The tags.
    pub(super) tags: Vec<String>,
}

impl TraceWide {
    pub(super) fn of(root: &SpanRecord<'_>) -> Self {
        let mut trace_wide = Self {
            environment: root.phase.to_string(),
            tags: root.tags.iter().map(ToString::to_string).collect(),
            ..Self::default()
        };
        let name = [&root.name, &root.env_name, &root.datapoint_id]
            .into_iter()
            .find(|name| !name.is_empty())
            .map_or("rollout", AsRef::as_ref);
        trace_wide.put("langfuse.trace.name", name);
        trace_wide.put("langfuse.user.id", &root.user_id);
        trace_wide.put("langfuse.session.id", &root.session_id);
        trace_wide.put("langfuse.environment", &root.phase);
        trace_wide.put_metadata(root);
        trace_wide
    }

    /// As far as a span tells that is not the root.
    pub(super) fn of_part(span: &SpanRecord<'_>) -> Self {
        let mut trace_wide = Self::default();
        trace_wide.put_meta("project", &span.project);
        trace_wide
    }

    fn put_metadata(&mut self, root: &SpanRecord<'_>) {
        let numbers = [
            ("step_number", root.step_number),
            ("sample_index", root.sample_index),
        ];
        for (key, number) in numbers {
            self.put_meta(
                key,
                &number.map(|number| number.to_string()).unwrap_or_default(),
            );
        }
        for (key, text) in [
            ("project", &root.project),
            ("run_id", &root.run_id),
            ("phase", &root.phase),
            ("datapoint_id", &root.datapoint_id),
            ("env_name", &root.env_name),
            ("model_name", &root.model_name),
            ("grader_name", &root.grader_name),
            ("policy_version", &root.policy_version),
            ("status", &root.rollout_status),
            ("trace_id_text", &root.trace_id_text),
        ] {
            self.put_meta(key, text);
        }
        let own: Map<String, Value> = serde_json::from_str(&root.metadata).unwrap_or_default();
        for (key, value) in &own {
            // Only text can be filtered by.
            match value {
                Value::String(text) => self.put_meta(key, text),
                other => self.put_meta(key, &other.to_string()),
            }
        }
    }

    fn put_meta(&mut self, key: &str, value: &str) {
        self.put(&format!("langfuse.trace.metadata.{key}"), value);
    }

    fn put(&mut self, key: &str, value: &str) {
        if !value.is_empty() {
            self.texts.push((key.to_owned(), value.to_owned()));
        }
    }
}
