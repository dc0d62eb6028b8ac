//! Rows of `traces` as the API shows them.

use caribou_model::api::TraceSummary;
use clickhouse::Row;
use serde::Deserialize;

use super::filter::STATE;
use super::time::rfc3339_from_unix_nanos;

/// What [`SummaryRow`] reads, in its order; names differ from the columns so that conditions still mean the columns.
pub(super) fn summary_columns() -> String {
    format!(
        "project, trace_id, version, trace_id_text, name, first_message, status, status_text, {STATE} AS state, \
         toUnixTimestamp64Micro(last_seen_at) AS last_seen_micros, error_message, phase, run_id, step_number, \
         datapoint_id, sample_index, env_name, model_name, models, grader_name, score, turn_count, span_count, \
         error_count, input_tokens, cached_input_tokens, output_tokens, toFloat64(cost_usd) AS cost, \
         grader_input_tokens, grader_output_tokens, toFloat64(grader_cost_usd) AS grader_cost, \
         toUnixTimestamp64Nano(started_at) AS started_nanos, toUnixTimestamp64Nano(ended_at) AS ended_nanos, \
         duration_ms, tags, parent_trace_id, session_id, user_id, policy_version"
    )
}

#[derive(Clone, Debug, Row, Deserialize)]
pub(super) struct SummaryRow {
    pub(super) project: String,
    pub(super) trace_id: String,
    pub(super) version: u128,
    trace_id_text: String,
    name: String,
    first_message: String,
    status: String,
    status_text: String,
    state: String,
    last_seen_micros: i64,
    error_message: String,
    phase: String,
    run_id: String,
    step_number: Option<i64>,
    datapoint_id: String,
    sample_index: Option<i64>,
    env_name: String,
    model_name: String,
    models: Vec<String>,
    grader_name: String,
    score: Option<f64>,
    turn_count: u64,
    span_count: u64,
    error_count: u64,
    input_tokens: u64,
    cached_input_tokens: u64,
    output_tokens: u64,
    cost: Option<f64>,
    grader_input_tokens: u64,
    grader_output_tokens: u64,
    grader_cost: Option<f64>,
    started_nanos: i64,
    ended_nanos: Option<i64>,
    duration_ms: f64,
    tags: Vec<String>,
    parent_trace_id: String,
    session_id: String,
    user_id: String,
    policy_version: String,
}

/// Absent texts are empty in the tables and `null` in the API.
pub(super) fn given(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

pub(super) fn time(nanos: i64) -> String {
    rfc3339_from_unix_nanos(nanos)
}

impl From<SummaryRow> for TraceSummary {
    fn from(row: SummaryRow) -> Self {
        Self {
            trace_id: row.trace_id,
            trace_id_text: given(row.trace_id_text),
            name: given(row.name),
            first_message: given(row.first_message),
            status: row.status,
            status_text: given(row.status_text),
            state: row.state,
            last_seen_at: time(row.last_seen_micros.saturating_mul(1000)),
            error_message: given(row.error_message),
            phase: given(row.phase),
            project: row.project,
            run_id: given(row.run_id),
            step_number: row.step_number,
            datapoint_id: given(row.datapoint_id),
            sample_index: row.sample_index,
            env_name: given(row.env_name),
            model_name: given(row.model_name),
            models: row.models,
            grader_name: given(row.grader_name),
            score: row.score,
            turn_count: row.turn_count,
            span_count: row.span_count,
            error_count: row.error_count,
            input_tokens: row.input_tokens,
            cached_input_tokens: row.cached_input_tokens,
            output_tokens: row.output_tokens,
            cost_usd: row.cost,
            grader_input_tokens: row.grader_input_tokens,
            grader_output_tokens: row.grader_output_tokens,
            grader_cost_usd: row.grader_cost,
            started_at: time(row.started_nanos),
            ended_at: row.ended_nanos.map(time),
            duration_ms: row.duration_ms,
            tags: row.tags,
            parent_trace_id: given(row.parent_trace_id),
            session_id: given(row.session_id),
            user_id: given(row.user_id),
            policy_version: given(row.policy_version),
        }
    }
}
