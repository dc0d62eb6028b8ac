//! Keys of the span attributes that the SDK writes and the server reads.
//!
//! Every SDK span carries [`PROJECT`], [`ITEM_TYPE`], [`SPAN_KIND`], [`REVISION`], [`SEQUENCE`], [`LOGGED_AT`] and its
//! turn position; the other keys carry the fields of [`crate::SpanRecord`] of the same name and are left out where
//! absent. Span name, parent, start and end are OpenTelemetry's own. An open span has an end of 0 on the wire.

/// Declares keys: constant, text, and the list of all.
macro_rules! keys {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        $($(#[$doc])* pub const $name: &str = $text;)*
        /// All keys of this module.
        pub const ALL: &[&str] = &[$($text),*];
    };
}

keys! {
    /// Project that owns the trace: string.
    PROJECT = "caribou.project";
    /// Name of a [`crate::ItemType`]; its presence tells an SDK span from a foreign one.
    ITEM_TYPE = "caribou.item_type";
    /// Documented span kind: string.
    SPAN_KIND = "caribou.span_kind";
    /// Revision of the span: int, nanoseconds since 1970.
    REVISION = "caribou.revision";
    /// Place in the order of logging of one process: int.
    SEQUENCE = "caribou.sequence";
    /// When it was logged: int, nanoseconds since 1970.
    LOGGED_AT = "caribou.logged_at";
    /// Turn: int.
    TURN_INDEX = "caribou.turn_index";
    /// Place in the turn: int.
    INTRA_INDEX = "caribou.intra_index";
    /// Duration as given by the user: int, nanoseconds. Left out where nobody said.
    DURATION_NS = "caribou.duration_ns";
    /// Error class: string.
    ERROR_TYPE = "caribou.error_type";
    /// Error message: string. Also the message of the span's status.
    ERROR_MESSAGE = "caribou.error_message";
    /// Traceback: string.
    TRACEBACK = "caribou.traceback";
    /// Role of a message: string.
    ROLE = "caribou.role";
    /// Content that is plain text: string.
    CONTENT = "caribou.content";
    /// Content that is structured: JSON string.
    CONTENT_JSON = "caribou.content_json";
    /// Reasoning: string.
    REASONING = "caribou.reasoning";
    /// Tool calls: JSON string.
    TOOL_CALLS = "caribou.tool_calls";
    /// Call id of a tool execution or tool-role message: string.
    CALL_ID = "caribou.call_id";
    /// Name of function, tool, event, group, criterion type or rollout: string.
    NAME = "caribou.name";
    /// Model: string.
    MODEL = "caribou.model";
    /// Provider: string.
    PROVIDER = "caribou.provider";
    /// Tokens read: int.
    INPUT_TOKENS = "caribou.input_tokens";
    /// Tokens written: int.
    OUTPUT_TOKENS = "caribou.output_tokens";
    /// Cached tokens read: int.
    CACHED_INPUT_TOKENS = "caribou.cached_input_tokens";
    /// Reasoning tokens written: int.
    REASONING_TOKENS = "caribou.reasoning_tokens";
    /// Cost: int, units of 10⁻¹² US dollars.
    COST_PICO_USD = "caribou.cost_pico_usd";
    /// Finish reason: string.
    FINISH_REASON = "caribou.finish_reason";
    /// Grader's name or type: string.
    GRADER_NAME = "caribou.grader_name";
    /// Grader's prompt summary: string.
    PROMPT = "caribou.prompt";
    /// Tool arguments that are a plain string: string.
    ARGUMENTS = "caribou.arguments";
    /// Tool arguments that are structured: JSON string.
    ARGUMENTS_JSON = "caribou.arguments_json";
    /// Tool result that is a plain string: string.
    RESULT = "caribou.result";
    /// Tool result that is structured: JSON string.
    RESULT_JSON = "caribou.result_json";
    /// Who asked for a tool: string.
    REQUESTOR = "caribou.requestor";
    /// Score: double; may be NaN or infinite.
    SCORE = "caribou.score";
    /// Criterion passed: bool.
    PASSED = "caribou.passed";
    /// Weight of a criterion: double.
    WEIGHT = "caribou.weight";
    /// Criteria of a grade: JSON string.
    CRITERIA = "caribou.criteria";
    /// Passed criteria: int.
    PASSED_COUNT = "caribou.passed_count";
    /// All criteria: int.
    TOTAL_COUNT = "caribou.total_count";
    /// Artifacts of a grade: JSON string.
    ARTIFACTS = "caribou.artifacts";
    /// Version of the grader: string.
    GRADER_VERSION = "caribou.grader_version";
    /// Event details, or a criterion whole: JSON string.
    DETAILS = "caribou.details";
    /// The trace id in the user's words: string.
    TRACE_ID_TEXT = "caribou.trace_id_text";
    /// Status of the rollout: string.
    ROLLOUT_STATUS = "caribou.rollout_status";
    /// Whether the status was set by somebody: bool.
    ROLLOUT_STATUS_EXPLICIT = "caribou.rollout_status_explicit";
    /// Phase: string.
    PHASE = "caribou.phase";
    /// Run: string.
    RUN_ID = "caribou.run_id";
    /// Step: int.
    STEP_NUMBER = "caribou.step_number";
    /// Datapoint: string.
    DATAPOINT_ID = "caribou.datapoint_id";
    /// Sample index: int.
    SAMPLE_INDEX = "caribou.sample_index";
    /// Environment: string.
    ENV_NAME = "caribou.env_name";
    /// Model of the rollout as given: string.
    MODEL_NAME = "caribou.model_name";
    /// Version of the policy: string.
    POLICY_VERSION = "caribou.policy_version";
    /// User: string.
    USER_ID = "caribou.user_id";
    /// Session: string.
    SESSION_ID = "caribou.session_id";
    /// Rollout that this one was started from: hex string.
    PARENT_TRACE_ID = "caribou.parent_trace_id";
    /// Tags: array of strings.
    TAGS = "caribou.tags";
    /// Metadata: JSON string of an object.
    METADATA = "caribou.metadata";
    /// Attributes of a group: JSON string of an object.
    ATTRIBUTES = "caribou.attributes";
}

/// Prefix of every key of this module.
pub const PREFIX: &str = "caribou.";
