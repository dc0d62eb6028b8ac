//! Rollouts.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One rollout, as a row of a list.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TraceSummary {
    /// Id, 32 hex digits.
    pub trace_id: String,
    /// The id in the user's own words, where `trace_run` was given one that is not the hex form.
    pub trace_id_text: Option<String>,
    /// Name, where the rollout was given one, else the root span's.
    pub name: Option<String>,
    /// Beginning of the first user message, at most 300 characters.
    pub first_message: Option<String>,
    /// One of the ten statuses.
    pub status: String,
    /// A status in words of another system.
    pub status_text: Option<String>,
    /// `running`, `ended` or `lost`.
    pub state: String,
    /// When something of it last arrived.
    pub last_seen_at: String,
    /// Message of the error, if any.
    pub error_message: Option<String>,
    /// `train`, `eval` or `prod`.
    pub phase: Option<String>,
    /// Project.
    pub project: String,
    /// Run.
    pub run_id: Option<String>,
    /// Step of the run.
    pub step_number: Option<i64>,
    /// Datapoint.
    pub datapoint_id: Option<String>,
    /// Which sample of the datapoint.
    pub sample_index: Option<i64>,
    /// Environment.
    pub env_name: Option<String>,
    /// Model as given, else the first agent model seen.
    pub model_name: Option<String>,
    /// All models seen.
    pub models: Vec<String>,
    /// Grader as given.
    pub grader_name: Option<String>,
    /// Score: the latest grade by `grader_name` if there is one, else the latest grade.
    pub score: Option<f64>,
    /// How many turns.
    pub turn_count: u64,
    /// How many spans.
    pub span_count: u64,
    /// How many spans ended with an error.
    pub error_count: u64,
    /// Tokens that the agent read.
    pub input_tokens: u64,
    /// Of these, from a cache.
    pub cached_input_tokens: u64,
    /// Tokens that the agent wrote.
    pub output_tokens: u64,
    /// What the agent cost.
    pub cost_usd: Option<f64>,
    /// Tokens that graders read.
    pub grader_input_tokens: u64,
    /// Tokens that graders wrote.
    pub grader_output_tokens: u64,
    /// What graders cost.
    pub grader_cost_usd: Option<f64>,
    /// Start of the first segment.
    pub started_at: String,
    /// End of the last segment; `null` while running.
    pub ended_at: Option<String>,
    /// Sum of the segments' durations, in milliseconds; up to the last sign of life while running.
    pub duration_ms: f64,
    /// Tags.
    pub tags: Vec<String>,
    /// Rollout that this one was started from.
    pub parent_trace_id: Option<String>,
    /// Session.
    pub session_id: Option<String>,
    /// User.
    pub user_id: Option<String>,
    /// Version of the policy that acted.
    pub policy_version: Option<String>,
}

/// One rollout with what a list does not show.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TraceDetail {
    /// The row of the list.
    #[serde(flatten)]
    pub summary: TraceSummary,
    /// Metadata of all segments united.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub metadata: Map<String, Value>,
    /// Class of the error, if any.
    pub error_type: Option<String>,
    /// Traceback of the error, if any.
    pub traceback: Option<String>,
    /// The segments in order of their start.
    pub segments: Vec<Segment>,
    /// Attributes of the resource that recorded the first segment.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub resource: Map<String, Value>,
    /// Page to open.
    pub url: String,
}

/// One `trace_run` of a rollout.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Segment {
    /// Its root span.
    pub span_id: String,
    /// Start.
    pub started_at: String,
    /// End; `null` while open.
    pub ended_at: Option<String>,
    /// Status that this segment left, if any.
    pub status: Option<String>,
}
