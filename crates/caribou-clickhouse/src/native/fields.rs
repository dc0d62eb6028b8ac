//! The two map columns: what is about the rollout as a whole, and what spans rarely have.
//!
//! Each would be a dozen columns that are empty in nearly every row, and a column costs the engine the same whether
//! anything stands in it or not. The table has an alias for each key, so that queries do not see the difference.

use std::borrow::Cow;

use caribou_model::{ItemType, SpanRecord};

use super::buffer::Buffer;

/// Keys and values of a whole block, in row order.
#[derive(Default)]
pub(super) struct Fields<'a> {
    entries: Vec<(&'static str, Cow<'a, str>)>,
}

impl<'a> Fields<'a> {
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn write(&self, out: &mut Buffer) {
        for (key, _) in &self.entries {
            out.text(key.as_bytes());
        }
        for (_, value) in &self.entries {
            out.text(value.as_bytes());
        }
    }

    fn text(&mut self, key: &'static str, value: &'a str) {
        if !value.is_empty() {
            self.entries.push((key, Cow::Borrowed(value)));
        }
    }

    fn number(&mut self, key: &'static str, value: Option<impl ToString>) {
        if let Some(value) = value {
            self.entries.push((key, Cow::Owned(value.to_string())));
        }
    }
}

/// Column `rollout`.
pub(super) fn visit_rollout<'a>(span: &'a SpanRecord<'_>, fields: &mut Fields<'a>) {
    // The summary unites these maps, so that what else it takes from roots stands in them too.
    if span.item_type == ItemType::Rollout {
        fields.text("name", &span.name);
        fields.text("grader_name", &span.grader_name);
    }
    fields.text("trace_id_text", &span.trace_id_text);
    fields.text("rollout_status", &span.rollout_status);
    if span.rollout_status_explicit {
        fields.text("rollout_status_explicit", "1");
    }
    fields.text("phase", &span.phase);
    fields.text("run_id", &span.run_id);
    fields.number("step_number", span.step_number);
    fields.text("datapoint_id", &span.datapoint_id);
    fields.number("sample_index", span.sample_index);
    fields.text("env_name", &span.env_name);
    fields.text("model_name", &span.model_name);
    fields.text("policy_version", &span.policy_version);
    fields.text("user_id", &span.user_id);
    fields.text("session_id", &span.session_id);
    fields.text("parent_trace_id", &span.parent_trace_id);
}

/// Column `extra`.
pub(super) fn visit_extra<'a>(span: &'a SpanRecord<'_>, fields: &mut Fields<'a>) {
    fields.text("error_type", &span.error_type);
    fields.text("traceback", &span.traceback);
    if !span.marks.is_empty() {
        fields
            .entries
            .push(("marks", Cow::Owned(span.marks.join(","))));
    }
    fields.text("prompt", &span.prompt);
    fields.text("requestor", &span.requestor);
    fields.number("weight", span.weight);
    fields.number("passed_count", span.passed_count);
    fields.number("total_count", span.total_count);
    fields.text("artifacts", &span.artifacts);
    fields.text("grader_version", &span.grader_version);
    fields.text("scope_version", &span.scope_version);
}
