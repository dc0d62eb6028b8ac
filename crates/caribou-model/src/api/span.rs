//! Spans of a rollout.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One span, with the fields of its kind under the names of the log types.
///
/// `content`, `arguments`, `result`, `input` and `output` are a JSON string where text was logged and any other JSON
/// value where a structure was.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Span {
    /// Id, 16 hex digits.
    pub span_id: String,
    /// The span that this one is part of.
    pub parent_span_id: Option<String>,
    /// `message`, `tool`, `grade`, `criterion`, `event`, `rollout`, `group`, `model_call`, `agent` or `otel`.
    pub item_type: String,
    /// Documented kind: `message`, `tool`, `grader`, `grader.{name}`, `grader.criterion`, `event`, `rollout`, `group`, `otel`.
    pub span_kind: String,
    /// Name.
    pub span_name: String,
    /// Turn.
    pub turn_index: i32,
    /// Place in the turn.
    pub intra_index: i32,
    /// Place in the order of logging of its process.
    pub sequence: u64,
    /// When it was logged.
    pub logged_at: String,
    /// Start.
    pub started_at: String,
    /// End; `null` while open.
    pub ended_at: Option<String>,
    /// Duration; `null` where nobody said.
    pub duration_ms: Option<f64>,
    /// `ok`, `error` or `unset`.
    pub status: String,
    /// Message of the error.
    pub error_message: Option<String>,
    /// Class of the error.
    pub error_type: Option<String>,
    /// Traceback of the error.
    pub traceback: Option<String>,
    /// What is odd about the span but was kept.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub marks: Vec<String>,
    /// The kind's own fields.
    #[serde(flatten)]
    pub fields: SpanFields,
}

/// Fields that only some kinds of spans have; absent ones are left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct SpanFields {
    /// Message: who speaks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Message: text or content parts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<Value>,
    /// Message, grade: reasoning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<String>,
    /// Message: tool calls made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_calls: Option<Value>,
    /// Message: the call it answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_call_id: Option<String>,
    /// Tool: the call it executes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call_id: Option<String>,
    /// Function, tool, event, group, rollout.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Model that spoke.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Who served it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Tokens read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_tokens: Option<u64>,
    /// Tokens written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_tokens: Option<u64>,
    /// Tokens read from a cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cached_input_tokens: Option<u64>,
    /// Tokens written as reasoning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning_tokens: Option<u64>,
    /// Cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<f64>,
    /// Why the model stopped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finish_reason: Option<String>,
    /// Grader's message, rollout: grader.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grader_name: Option<String>,
    /// Grader's message: prompt summary.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// Tool: input.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arguments: Option<Value>,
    /// Tool: output.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<Value>,
    /// Tool: message if it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Tool: who asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requestor: Option<String>,
    /// Foreign model call: messages read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<Value>,
    /// Foreign model call: messages written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
    /// Grade, criterion: score.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    /// Grade: grader's type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grader_type: Option<String>,
    /// Grade: results of the single criteria.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub criteria: Option<Value>,
    /// Grade: criteria passed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passed_count: Option<u64>,
    /// Grade: criteria in all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_count: Option<u64>,
    /// Grade: what the grader produced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifacts: Option<Value>,
    /// Grade: version of the grader.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grader_version: Option<String>,
    /// Criterion: passed or not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passed: Option<bool>,
    /// Criterion: weight.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<f64>,
    /// Event, criterion: details.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<Value>,
    /// Rollout: status of this segment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollout_status: Option<String>,
    /// Rollout: metadata of this segment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Value>,
    /// Rollout: tags of this segment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    /// Foreign attributes and a group's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attributes: Option<Value>,
    /// Instrumentation scope of a foreign span.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope_name: Option<String>,
    /// Span events of a foreign span.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub span_events: Option<Value>,
    /// Span links.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub links: Option<Value>,
}

/// One window of a trace's spans, in the order they were logged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SpanPage {
    /// The spans of the window.
    pub items: Vec<Span>,
    /// Place of the first of them in the whole trace, from 0.
    pub offset: u64,
    /// How many spans the trace has.
    pub total: u64,
    /// Pass as `cursor` for the window after this one; `null` at the end.
    pub next_cursor: Option<String>,
    /// Pass as `cursor` for the window before this one; `null` at the start.
    pub previous_cursor: Option<String>,
}

/// Spans of a trace in the order they were logged, without content: what a tree, a timeline and a virtual list need.
///
/// The spans stand in columns, each with one entry a span, so that a hundred thousand of them are a small answer. Entry
/// `i` of every column is about the span at place `offset + i` of the trace.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TraceOutline {
    /// Place of the first of these spans in the whole trace.
    pub offset: u64,
    /// How many spans the trace has.
    pub total: u64,
    /// What spans are; `kind` says which.
    pub kinds: Vec<OutlineKind>,
    /// Ids of spans that others are part of; `parent` says which.
    pub parents: Vec<String>,
    /// Id.
    pub span_id: Vec<String>,
    /// Place in `kinds`.
    pub kind: Vec<u32>,
    /// Place in `parents`; `null` where it is part of none.
    pub parent: Vec<Option<u32>>,
    /// Call id of tools and tool-role messages.
    pub call_id: Vec<Option<String>>,
    /// Turn.
    pub turn_index: Vec<i32>,
    /// Start in milliseconds after the start of the trace, to the microsecond.
    pub start_offset_ms: Vec<f64>,
    /// Duration in milliseconds; `null` where nobody said, and while open.
    pub duration_ms: Vec<Option<f64>>,
    /// Bytes of content: for estimating heights.
    pub content_bytes: Vec<u64>,
    /// Which of these spans ended with an error, as places in the columns.
    pub errors: Vec<u32>,
    /// Which of these spans have a score.
    pub scores: Vec<OutlineScore>,
}

/// What many spans of an outline are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OutlineKind {
    /// As in [`Span`].
    pub item_type: String,
    /// As in [`Span`].
    pub span_kind: String,
    /// As in [`Span`].
    pub span_name: String,
    /// Message: role.
    pub role: Option<String>,
    /// Criterion: its name.
    pub name: Option<String>,
}

/// The score of a span of an outline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OutlineScore {
    /// Place of the span in the columns.
    pub at: u32,
    /// Score.
    pub score: f64,
}

/// Where a text was found within one trace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SpanMatches {
    /// The spans that hold it, in the order they were logged.
    pub items: Vec<SpanMatch>,
    /// True where there were more spans than are listed.
    pub truncated: bool,
}

/// One span that holds a text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SpanMatch {
    /// The span.
    pub span_id: String,
    /// Its place in the trace, from 0.
    pub index: u64,
    /// How often it holds the text.
    pub count: u64,
}
