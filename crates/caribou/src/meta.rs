//! The keys of a rollout.

use caribou_model::Phase;

/// What a rollout is about: the keys of `trace_run`.
///
/// ```
/// use caribou::{Meta, Phase};
///
/// let meta = Meta::new("req_123", Phase::Prod).with_model_name("gpt-4o");
/// assert_eq!(meta.datapoint_id, "req_123");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meta {
    /// The input that the rollout answers.
    pub datapoint_id: String,
    /// What the rollout is run for; the configured phase where it is `None`.
    pub phase: Option<Phase>,
    /// Run, in production the project's name.
    pub run_id: Option<String>,
    /// Step of the run.
    pub step_number: Option<i64>,
    /// Environment.
    pub env_name: Option<String>,
    /// Model.
    pub model_name: Option<String>,
    /// The grader whose score counts as the rollout's.
    pub grader_name: Option<String>,
    /// Id of the rollout in the user's words; a new one where it is `None`.
    pub trace_id: Option<String>,
    /// Which of several samples of the datapoint.
    pub sample_index: Option<i64>,
    /// Version of the policy that acts.
    pub policy_version: Option<String>,
    /// User.
    pub user_id: Option<String>,
    /// Session.
    pub session_id: Option<String>,
    /// The rollout that this one was started from, where that is not the one it is opened in.
    pub parent_trace_id: Option<String>,
    /// Name to show.
    pub name: Option<String>,
    /// When it started, in nanoseconds since 1970; for converters of past rollouts.
    pub started_at_unix_nanos: Option<i64>,
}

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

impl Meta {
    /// The keys that every rollout has.
    pub fn new(datapoint_id: impl Into<String>, phase: Phase) -> Self {
        Self {
            datapoint_id: datapoint_id.into(),
            phase: Some(phase),
            ..Self::default()
        }
    }

    options! {
        /// Sets the run.
        with_run_id, run_id: String;
        /// Sets the step of the run.
        with_step_number, step_number: i64;
        /// Sets the environment.
        with_env_name, env_name: String;
        /// Sets the model.
        with_model_name, model_name: String;
        /// Sets the grader whose score counts as the rollout's.
        with_grader_name, grader_name: String;
        /// Sets the id: any text up to 256 characters, the same for every segment of one rollout.
        with_trace_id, trace_id: String;
        /// Sets which of several samples of the datapoint this is.
        with_sample_index, sample_index: i64;
        /// Sets the version of the policy that acts.
        with_policy_version, policy_version: String;
        /// Sets the user.
        with_user_id, user_id: String;
        /// Sets the session.
        with_session_id, session_id: String;
        /// Sets the rollout that this one was started from.
        with_parent_trace_id, parent_trace_id: String;
        /// Sets the name to show.
        with_name, name: String;
        /// Sets when it started, in nanoseconds since 1970.
        with_started_at_unix_nanos, started_at_unix_nanos: i64;
    }
}
