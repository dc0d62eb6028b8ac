//! Rows of `spans` as the API shows them.

use caribou_model::api::{Span, SpanFields};
use clickhouse::Row;
use serde::Deserialize;
use serde_json::Value;

use super::statement::Statement;
use super::summary::{given, time};
use super::{Result, Store};

/// Most bytes of content in one answer; a single span may be larger.
pub(super) const MAX_ANSWER_BYTES: u64 = 16 << 20;

/// Most bytes of columns that are read for it. Spans lie among others of their trace, which are read with them.
const MAX_READ_BYTES: u64 = 512 << 20;

/// What [`SpanRow`] reads, in its order.
pub(super) const SPAN_COLUMNS: &str = "span_id, parent_span_id, toString(item_type) AS item_type_name, span_kind, \
    span_name, turn_index, intra_index, sequence, toUnixTimestamp64Nano(logged_at) AS logged_nanos, \
    toUnixTimestamp64Nano(started_at) AS started_nanos, toUnixTimestamp64Nano(ended_at) AS ended_nanos, duration_ns, \
    toString(status) AS status_name, error_message, role, content, toString(content_form) AS content_form_name, \
    reasoning, tool_calls, call_id, name, model, provider, input_tokens, output_tokens, cached_input_tokens, \
    reasoning_tokens, toFloat64(cost_usd) AS cost, finish_reason, grader_name, input, \
    toString(input_form) AS input_form_name, output, toString(output_form) AS output_form_name, score, passed, criteria, \
    details, rollout['rollout_status'] AS rollout_status_name, tags, metadata, attributes, scope_name, span_events, links, \
    CAST(extra, 'Map(String, String)') AS extra_fields";

/// How much of a span there is to send.
pub(super) const CONTENT_BYTES: &str = "toUInt64(length(content) + length(reasoning) + length(tool_calls) + length(input) \
    + length(output) + length(criteria) + length(details) + length(metadata) + length(attributes) + length(span_events) \
    + length(links) + length(error_message) + arraySum(arrayMap(value -> length(value), mapValues(extra))))";

#[derive(Debug, Row, Deserialize)]
pub(super) struct SpanRow {
    pub(super) span_id: String,
    parent_span_id: String,
    item_type_name: String,
    span_kind: String,
    span_name: String,
    turn_index: i32,
    intra_index: i32,
    sequence: u64,
    logged_nanos: i64,
    started_nanos: i64,
    ended_nanos: Option<i64>,
    duration_ns: Option<u64>,
    status_name: String,
    error_message: String,
    role: String,
    content: String,
    content_form_name: String,
    reasoning: String,
    tool_calls: String,
    call_id: String,
    name: String,
    model: String,
    provider: String,
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    cached_input_tokens: Option<u64>,
    reasoning_tokens: Option<u64>,
    cost: Option<f64>,
    finish_reason: String,
    grader_name: String,
    input: String,
    input_form_name: String,
    output: String,
    output_form_name: String,
    score: Option<f64>,
    passed: Option<bool>,
    criteria: String,
    details: String,
    rollout_status_name: String,
    tags: Vec<String>,
    metadata: String,
    attributes: String,
    scope_name: String,
    span_events: String,
    links: String,
    extra_fields: Vec<(String, String)>,
}

impl Store {
    /// Spans with their content, which together must not be too much for one answer.
    ///
    /// # Errors
    /// [`LimitExceeded`](super::StoreError::LimitExceeded) where they are.
    pub(super) async fn fetch_spans_within_limits(&self, sql: &Statement) -> Result<Vec<SpanRow>> {
        let query = sql
            .query(&self.client)
            .with_setting("max_result_bytes", MAX_ANSWER_BYTES.to_string())
            .with_setting("result_overflow_mode", "throw")
            .with_setting("max_bytes_to_read", MAX_READ_BYTES.to_string());
        Ok(query.fetch_all().await?)
    }
}

impl From<SpanRow> for Span {
    fn from(mut row: SpanRow) -> Self {
        let error_type = row.extra("error_type");
        let traceback = row.extra("traceback");
        let marks = row.extra("marks").unwrap_or_default();
        Self {
            span_id: std::mem::take(&mut row.span_id),
            parent_span_id: given(std::mem::take(&mut row.parent_span_id)),
            item_type: row.item_type_name.clone(),
            span_kind: std::mem::take(&mut row.span_kind),
            span_name: std::mem::take(&mut row.span_name),
            turn_index: row.turn_index,
            intra_index: row.intra_index,
            sequence: row.sequence,
            logged_at: time(row.logged_nanos),
            started_at: time(row.started_nanos),
            ended_at: row.ended_nanos.map(time),
            duration_ms: row.duration_ns.map(millis_from_nanos),
            status: std::mem::take(&mut row.status_name),
            error_message: given(row.error_message.clone()),
            error_type,
            traceback,
            marks: marks
                .split(',')
                .filter(|mark| !mark.is_empty())
                .map(str::to_owned)
                .collect(),
            fields: row.into_fields(),
        }
    }
}

impl SpanRow {
    fn extra(&mut self, key: &str) -> Option<String> {
        let found = self.extra_fields.iter_mut().find(|(name, _)| name == key)?;
        Some(std::mem::take(&mut found.1))
    }

    fn extra_number<T: std::str::FromStr>(&mut self, key: &str) -> Option<T> {
        self.extra(key)?.parse().ok()
    }

    /// The fields of the span's kind, under the names of the log types.
    fn into_fields(mut self) -> SpanFields {
        let is_tool = self.item_type_name == "tool";
        let is_message = self.item_type_name == "message";
        let is_grade = self.item_type_name == "grade";
        let is_rollout = self.item_type_name == "rollout";
        let input = payload(std::mem::take(&mut self.input), &self.input_form_name);
        let output = payload(std::mem::take(&mut self.output), &self.output_form_name);
        let call_id = given(std::mem::take(&mut self.call_id));
        let grader = given(std::mem::take(&mut self.grader_name));
        let error = given(std::mem::take(&mut self.error_message));
        SpanFields {
            prompt: self.extra("prompt"),
            requestor: self.extra("requestor"),
            passed_count: self.extra_number("passed_count"),
            total_count: self.extra_number("total_count"),
            artifacts: self.extra("artifacts").and_then(json),
            grader_version: self.extra("grader_version"),
            weight: self.extra_number("weight"),
            role: given(self.role),
            content: payload(self.content, &self.content_form_name),
            reasoning: given(self.reasoning),
            tool_calls: json(self.tool_calls),
            tool_call_id: call_id.clone().filter(|_| is_message),
            call_id: call_id.filter(|_| !is_message),
            name: given(self.name),
            model: given(self.model),
            provider: given(self.provider),
            input_tokens: self.input_tokens,
            output_tokens: self.output_tokens,
            cached_input_tokens: self.cached_input_tokens,
            reasoning_tokens: self.reasoning_tokens,
            cost_usd: self.cost,
            finish_reason: given(self.finish_reason),
            grader_name: grader.clone().filter(|_| !is_grade),
            grader_type: grader.filter(|_| is_grade),
            arguments: input.clone().filter(|_| is_tool),
            result: output.clone().filter(|_| is_tool),
            error: error.filter(|_| is_tool),
            input: input.filter(|_| !is_tool),
            output: output.filter(|_| !is_tool),
            score: self.score.filter(|score| score.is_finite()),
            passed: self.passed,
            criteria: json(self.criteria),
            details: json(self.details),
            rollout_status: given(self.rollout_status_name),
            metadata: json(self.metadata),
            tags: Some(self.tags).filter(|_| is_rollout),
            attributes: json(self.attributes),
            scope_name: given(self.scope_name),
            span_events: json(self.span_events),
            links: json(self.links),
        }
    }
}

/// A payload in its form: text as a JSON string, JSON as it is, and as text where it is broken.
fn payload(text: String, form: &str) -> Option<Value> {
    match form {
        "text" => Some(Value::String(text)),
        "json" => Some(serde_json::from_str(&text).unwrap_or(Value::String(text))),
        _ => None,
    }
}

/// A JSON column; `None` where it is empty, text where it is broken.
pub(super) fn json(text: String) -> Option<Value> {
    if text.is_empty() {
        return None;
    }
    Some(serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

pub(super) fn millis_from_nanos(nanos: u64) -> f64 {
    #[expect(
        clippy::cast_precision_loss,
        reason = "a duration shown to people; exact up to 104 days"
    )]
    let millis = nanos as f64 / 1e6;
    millis
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_structure_is_answered_with_its_keys_in_the_order_that_they_were_given_in() {
        let given = r#"{"type":"text","text":"x","cache":{"b":1,"a":[{"z":1,"c":2}]}}"#;
        let answered = json(given.to_owned()).unwrap();
        assert_eq!(answered.to_string(), given);
    }
}
