//! A span as it is stored: one row of the table `spans`.

use std::borrow::Cow;

use crate::{Cost, SpanId, TraceId};

/// What a span is, in the words of the model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ItemType {
    /// A message of the conversation or of a grader.
    Message,
    /// A tool execution.
    Tool,
    /// A grade.
    Grade,
    /// One criterion of a grade.
    Criterion,
    /// An event.
    Event,
    /// The root of a segment of a rollout.
    Rollout,
    /// A group opened with `span()`.
    Group,
    /// A model call of a foreign instrumentation: messages in, messages out.
    ModelCall,
    /// An agent or chain of a foreign instrumentation.
    Agent,
    /// Any other foreign span.
    #[default]
    Otel,
}

impl ItemType {
    /// All types.
    pub const ALL: [Self; 10] = [
        Self::Message,
        Self::Tool,
        Self::Grade,
        Self::Criterion,
        Self::Event,
        Self::Rollout,
        Self::Group,
        Self::ModelCall,
        Self::Agent,
        Self::Otel,
    ];

    /// The name in attributes, columns and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Tool => "tool",
            Self::Grade => "grade",
            Self::Criterion => "criterion",
            Self::Event => "event",
            Self::Rollout => "rollout",
            Self::Group => "group",
            Self::ModelCall => "model_call",
            Self::Agent => "agent",
            Self::Otel => "otel",
        }
    }

    /// Reads a name; `None` for an unknown one.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|item_type| item_type.as_str() == name)
    }
}

/// How a span ended, as OpenTelemetry tells it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SpanStatus {
    /// Nobody said.
    #[default]
    Unset,
    /// Well.
    Ok,
    /// With an error.
    Error,
}

impl SpanStatus {
    /// The name in columns and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unset => "unset",
            Self::Ok => "ok",
            Self::Error => "error",
        }
    }
}

/// In which sum of its rollout a span's tokens and cost count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum UsageScope {
    /// In none: an agent or chain span repeats what its model calls used.
    #[default]
    None,
    /// In what the agent used.
    Agent,
    /// In what graders used.
    Grader,
}

impl UsageScope {
    /// The name in columns.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Agent => "agent",
            Self::Grader => "grader",
        }
    }
}

/// A value that is absent, text, or a JSON document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Payload<'a> {
    /// Not given.
    #[default]
    None,
    /// Plain text.
    Text(Cow<'a, str>),
    /// A JSON document, serialised.
    Json(Cow<'a, str>),
}

impl Payload<'_> {
    /// The text or the JSON; empty where absent.
    pub fn as_str(&self) -> &str {
        match self {
            Self::None => "",
            Self::Text(text) | Self::Json(text) => text,
        }
    }

    /// Name of the form in columns: `none`, `text` or `json`.
    pub const fn form(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Text(_) => "text",
            Self::Json(_) => "json",
        }
    }
}

/// One row of the table `spans`; text may be borrowed from the request it came in with.
///
/// An absent text is empty, an absent number `None`. Times are nanoseconds since 1970. Which fields a span uses
/// follows from its [`ItemType`]; the comments name the item types where it is not plain.
///
/// A span is identified by (`project`, `trace_id`, `span_id`); of several revisions the highest counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SpanRecord<'a> {
    /// The project that owns the trace.
    pub project: Cow<'a, str>,
    /// The rollout.
    pub trace_id: TraceId,
    /// The span within the rollout.
    pub span_id: SpanId,
    /// Which of several versions of this span counts: the highest. Nanoseconds since 1970 when it was written (SDK)
    /// or when the span ended (foreign).
    pub revision: u64,
    /// The span that this one is part of.
    pub parent_span_id: Option<SpanId>,
    /// What the span is.
    pub item_type: ItemType,
    /// `message`, `tool`, `grader`, `grader.criterion`, `grader.{name}`, `event`, `rollout`, `group` or `otel`.
    pub span_kind: Cow<'a, str>,
    /// Name as documented (`message.user`, `tool.search`, …), or the foreign span's own.
    pub span_name: Cow<'a, str>,

    /// Turn of the conversation.
    pub turn_index: i32,
    /// Place within the turn.
    pub intra_index: i32,
    /// Counts what one process logged; 0 for foreign spans.
    pub sequence: u64,
    /// When it was logged; the start for foreign spans. With `sequence` this is the order of the transcript.
    pub logged_at: i64,
    /// Start.
    pub started_at: i64,
    /// End; `None` while open.
    pub ended_at: Option<i64>,
    /// Duration as given or measured; `None` where nobody said.
    pub duration_ns: Option<u64>,
    /// How it ended.
    pub status: SpanStatus,
    /// Message of the error.
    pub error_message: Cow<'a, str>,
    /// Class of the error.
    pub error_type: Cow<'a, str>,
    /// Traceback of the error.
    pub traceback: Cow<'a, str>,
    /// What is odd about the span but was kept: `score_out_of_range`, `ends_before_start`, ….
    pub marks: Vec<&'static str>,

    /// Message: who speaks.
    pub role: Cow<'a, str>,
    /// Message: what was said.
    pub content: Payload<'a>,
    /// Message, grade: what the model or grader thought.
    pub reasoning: Cow<'a, str>,
    /// Message: JSON list of tool calls.
    pub tool_calls: Cow<'a, str>,
    /// Message: the call it answers. Tool: the call it executes.
    pub call_id: Cow<'a, str>,
    /// Name of the function, tool, event, group or criterion type; of the rollout if it was given one.
    pub name: Cow<'a, str>,
    /// The model that spoke.
    pub model: Cow<'a, str>,
    /// Who served it.
    pub provider: Cow<'a, str>,
    /// Tokens read, cached ones included.
    pub input_tokens: Option<u64>,
    /// Tokens written, reasoning included.
    pub output_tokens: Option<u64>,
    /// Tokens read that came from a cache.
    pub cached_input_tokens: Option<u64>,
    /// Tokens written that were reasoning.
    pub reasoning_tokens: Option<u64>,
    /// Cost.
    pub cost: Option<Cost>,
    /// In which sum tokens and cost count.
    pub usage_scope: UsageScope,
    /// Why the model stopped.
    pub finish_reason: Cow<'a, str>,
    /// Message of a grader, rollout: the grader's name. Grade: the grader's type.
    pub grader_name: Cow<'a, str>,
    /// Message of a grader: summary of its prompt.
    pub prompt: Cow<'a, str>,

    /// Tool: input. Model call: messages read.
    pub input: Payload<'a>,
    /// Tool: result. Model call: messages written.
    pub output: Payload<'a>,
    /// Tool: who asked.
    pub requestor: Cow<'a, str>,

    /// Grade, criterion: the score; `None` where it is not a number.
    pub score: Option<f64>,
    /// Criterion: passed or not.
    pub passed: Option<bool>,
    /// Criterion: weight.
    pub weight: Option<f64>,
    /// Grade: JSON list of criteria.
    pub criteria: Cow<'a, str>,
    /// Grade: how many passed.
    pub passed_count: Option<u64>,
    /// Grade: how many there were.
    pub total_count: Option<u64>,
    /// Grade: what the grader produced, as JSON.
    pub artifacts: Cow<'a, str>,
    /// Grade: version of the grader.
    pub grader_version: Cow<'a, str>,
    /// Event, criterion, group: JSON object with everything else.
    pub details: Cow<'a, str>,

    /// Rollout: the trace id in the user's own words, where it is not the hex form.
    pub trace_id_text: Cow<'a, str>,
    /// Rollout: name of a [`crate::RolloutStatus`]; empty while nobody set one.
    pub rollout_status: Cow<'a, str>,
    /// Rollout: true where somebody set the status rather than it following from how the segment was left.
    pub rollout_status_explicit: bool,
    /// Rollout: `train`, `eval` or `prod`.
    pub phase: Cow<'a, str>,
    /// Rollout: run.
    pub run_id: Cow<'a, str>,
    /// Rollout: step of the run.
    pub step_number: Option<i64>,
    /// Rollout: the input it answers.
    pub datapoint_id: Cow<'a, str>,
    /// Rollout: which of several samples of the datapoint.
    pub sample_index: Option<i64>,
    /// Rollout: environment.
    pub env_name: Cow<'a, str>,
    /// Rollout: model, as given.
    pub model_name: Cow<'a, str>,
    /// Rollout: version of the policy that acted.
    pub policy_version: Cow<'a, str>,
    /// Rollout: user.
    pub user_id: Cow<'a, str>,
    /// Rollout: session.
    pub session_id: Cow<'a, str>,
    /// Rollout: the rollout it was started from, hex.
    pub parent_trace_id: Cow<'a, str>,
    /// Rollout: tags.
    pub tags: Vec<Cow<'a, str>>,
    /// Rollout: JSON object of metadata.
    pub metadata: Cow<'a, str>,

    /// Foreign: JSON object of the attributes that no field of the model holds. SDK groups: their attributes.
    pub attributes: Cow<'a, str>,
    /// JSON object of the resource's attributes.
    pub resource: Cow<'a, str>,
    /// Instrumentation scope.
    pub scope_name: Cow<'a, str>,
    /// Version of the instrumentation scope.
    pub scope_version: Cow<'a, str>,
    /// JSON list of span events that no field of the model holds.
    pub span_events: Cow<'a, str>,
    /// JSON list of span links.
    pub links: Cow<'a, str>,
}
