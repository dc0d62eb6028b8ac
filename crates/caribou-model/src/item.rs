//! What a program logs: messages, tool executions, grades and events.

use serde_json::Value;

use crate::Cost;

/// Content that is either text or structured; the form it was given in is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Plain text.
    Text(String),
    /// A JSON document, serialised. Whoever builds this variant by hand vouches that it is valid JSON.
    Json(String),
}

impl From<&str> for Content {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Content {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Value> for Content {
    fn from(value: Value) -> Self {
        Self::Json(value.to_string())
    }
}

/// Anything that can be logged.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// A message of the conversation, or of a grader's own model call.
    Message(Message),
    /// One call of a tool.
    ToolExecution(ToolExecution),
    /// A score.
    Grade(Grade),
    /// Something that happened.
    Event(Event),
}

macro_rules! item {
    ($($variant:ident),*) => {$(
        impl From<$variant> for Item {
            fn from(item: $variant) -> Self {
                Self::$variant(item)
            }
        }
    )*};
}

item!(Message, ToolExecution, Grade, Event);

/// Generates `with_*` methods for optional fields.
macro_rules! options {
    ($($(#[$doc:meta])* $with:ident, $field:ident: $type:ty;)*) => {$(
        $(#[$doc])*
        #[must_use]
        pub fn $with(mut self, $field: impl Into<$type>) -> Self {
            self.$field = Some($field.into());
            self
        }
    )*};
}

/// A message of the conversation; assistant messages may say which model spoke and what it took.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Message {
    /// Who speaks: `user`, `assistant`, `system`, `tool`, `developer`; any other is kept as given.
    pub role: String,
    /// Text, or OpenAI-style content parts.
    pub content: Option<Content>,
    /// The tool calls that an assistant made: an OpenAI-style list as JSON.
    pub tool_calls: Option<String>,
    /// The tool call that a tool-role message answers.
    pub tool_call_id: Option<String>,
    /// Function name, for tool-role messages.
    pub name: Option<String>,
    /// The model that spoke.
    pub model: Option<String>,
    /// Who served the model.
    pub provider: Option<String>,
    /// Tokens read, cached ones included.
    pub input_tokens: Option<u64>,
    /// Tokens written, reasoning included.
    pub output_tokens: Option<u64>,
    /// Cost of the call.
    pub cost: Option<Cost>,
    /// Duration of the call in milliseconds.
    pub duration_ms: Option<f64>,
    /// Set on a grader's own model calls: the grader's name.
    pub grader_name: Option<String>,
    /// Summary of a grader's prompt.
    pub prompt: Option<String>,
    /// What the model thought before it spoke.
    pub reasoning: Option<String>,
    /// Tokens of the input that came from a cache.
    pub cached_input_tokens: Option<u64>,
    /// Tokens of the output that were reasoning.
    pub reasoning_tokens: Option<u64>,
    /// Why the model stopped.
    pub finish_reason: Option<String>,
    /// When it was said, in nanoseconds since 1970; for converters of past rollouts.
    pub timestamp_unix_nanos: Option<i64>,
}

impl Message {
    /// A message of a role.
    pub fn new(role: impl Into<String>, content: impl Into<Content>) -> Self {
        Self {
            role: role.into(),
            content: Some(content.into()),
            ..Self::default()
        }
    }

    /// Sets the tool calls that the assistant made.
    #[must_use]
    pub fn with_tool_calls(mut self, tool_calls: &Value) -> Self {
        self.tool_calls = Some(tool_calls.to_string());
        self
    }

    /// Sets the cost in US dollars; left out where it is not a finite number.
    #[must_use]
    pub fn with_cost_usd(mut self, usd: f64) -> Self {
        self.cost = Cost::from_usd(usd);
        self
    }

    options! {
        /// Sets the tool call that this message answers.
        with_tool_call_id, tool_call_id: String;
        /// Sets the function name.
        with_name, name: String;
        /// Sets the model that spoke.
        with_model, model: String;
        /// Sets who served the model.
        with_provider, provider: String;
        /// Sets the number of tokens read, cached ones included.
        with_input_tokens, input_tokens: u64;
        /// Sets the number of tokens written, reasoning included.
        with_output_tokens, output_tokens: u64;
        /// Sets the duration in milliseconds.
        with_duration_ms, duration_ms: f64;
        /// Marks the message as a grader's own call.
        with_grader_name, grader_name: String;
        /// Sets the summary of a grader's prompt.
        with_prompt, prompt: String;
        /// Sets what the model thought before it spoke.
        with_reasoning, reasoning: String;
        /// Sets how many input tokens came from a cache.
        with_cached_input_tokens, cached_input_tokens: u64;
        /// Sets how many output tokens were reasoning.
        with_reasoning_tokens, reasoning_tokens: u64;
        /// Sets why the model stopped.
        with_finish_reason, finish_reason: String;
        /// Sets when it was said, in nanoseconds since 1970.
        with_timestamp_unix_nanos, timestamp_unix_nanos: i64;
    }
}

/// One call of a tool.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ToolExecution {
    /// Tool name.
    pub name: String,
    /// The tool call of the assistant's message that this answers.
    pub call_id: Option<String>,
    /// Input, in the form it was given.
    pub arguments: Option<Content>,
    /// Output: text or content parts.
    pub result: Option<Content>,
    /// Message, if the tool failed.
    pub error: Option<String>,
    /// Who asked: `agent`, `user` or `system`.
    pub requestor: Option<String>,
    /// Duration in milliseconds.
    pub duration_ms: Option<f64>,
    /// When it ran, in nanoseconds since 1970; for converters of past rollouts.
    pub timestamp_unix_nanos: Option<i64>,
}

impl ToolExecution {
    /// A call of a tool.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..Self::default()
        }
    }

    options! {
        /// Sets the tool call that this answers.
        with_call_id, call_id: String;
        /// Sets the input.
        with_arguments, arguments: Content;
        /// Sets the output.
        with_result, result: Content;
        /// Sets the message of a failed call.
        with_error, error: String;
        /// Sets who asked.
        with_requestor, requestor: String;
        /// Sets the duration in milliseconds.
        with_duration_ms, duration_ms: f64;
        /// Sets when it ran, in nanoseconds since 1970.
        with_timestamp_unix_nanos, timestamp_unix_nanos: i64;
    }
}

/// One criterion of a grade. Keys beyond the known ones are kept in `json`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Criterion {
    /// The whole criterion as JSON, as given.
    pub json: String,
    /// Key `type`.
    pub criterion_type: Option<String>,
    /// Key `passed`.
    pub passed: Option<bool>,
    /// Key `score`; not finite where it was given so.
    pub score: Option<f64>,
    /// Key `weight`.
    pub weight: Option<f64>,
    /// Key `reasoning`, else `reason`.
    pub reasoning: Option<String>,
}

impl From<&Value> for Criterion {
    fn from(value: &Value) -> Self {
        let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
        Self {
            json: value.to_string(),
            criterion_type: text("type"),
            passed: value.get("passed").and_then(Value::as_bool),
            score: value.get("score").and_then(Value::as_f64),
            weight: value.get("weight").and_then(Value::as_f64),
            reasoning: text("reasoning").or_else(|| text("reason")),
        }
    }
}

/// A score with its reasons.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Grade {
    /// The score, 0 to 1; anything else is kept and marked.
    pub score: f64,
    /// Class name of the grader.
    pub grader_type: Option<String>,
    /// Why this score.
    pub reasoning: Option<String>,
    /// Results of the single criteria.
    pub criteria: Option<Vec<Criterion>>,
    /// How many criteria passed.
    pub passed_count: Option<u64>,
    /// How many criteria there were.
    pub total_count: Option<u64>,
    /// What the grader produced on the way, as JSON.
    pub artifacts: Option<String>,
    /// Version of the grader.
    pub grader_version: Option<String>,
    /// When it was graded, in nanoseconds since 1970; for converters of past rollouts.
    pub timestamp_unix_nanos: Option<i64>,
}

impl Grade {
    /// A grade of a score.
    pub fn new(score: f64) -> Self {
        Self {
            score,
            ..Self::default()
        }
    }

    /// Sets the results of the single criteria.
    #[must_use]
    pub fn with_criteria(mut self, criteria: &[Value]) -> Self {
        self.criteria = Some(criteria.iter().map(Criterion::from).collect());
        self
    }

    /// Sets what the grader produced on the way.
    #[must_use]
    pub fn with_artifacts(mut self, artifacts: &Value) -> Self {
        self.artifacts = Some(artifacts.to_string());
        self
    }

    options! {
        /// Sets the class name of the grader.
        with_grader_type, grader_type: String;
        /// Sets why this score.
        with_reasoning, reasoning: String;
        /// Sets how many criteria passed.
        with_passed_count, passed_count: u64;
        /// Sets how many criteria there were.
        with_total_count, total_count: u64;
        /// Sets the version of the grader.
        with_grader_version, grader_version: String;
        /// Sets when it was graded, in nanoseconds since 1970.
        with_timestamp_unix_nanos, timestamp_unix_nanos: i64;
    }
}

/// Something that happened.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Event {
    /// Event name.
    pub name: String,
    /// Details as a JSON object.
    pub details: Option<String>,
    /// When it happened, in nanoseconds since 1970; for converters of past rollouts.
    pub timestamp_unix_nanos: Option<i64>,
}

impl Event {
    /// An event of a name.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..Self::default()
        }
    }

    /// Sets the details.
    #[must_use]
    pub fn with_details(mut self, details: &Value) -> Self {
        self.details = Some(details.to_string());
        self
    }

    options! {
        /// Sets when it happened, in nanoseconds since 1970.
        with_timestamp_unix_nanos, timestamp_unix_nanos: i64;
    }
}
