//! What can go wrong.

use std::borrow::Cow;

use caribou_model::UnknownPhase;

/// Settings that cannot be used; nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigureError {
    /// A phase that is none of the three.
    #[error(transparent)]
    Phase(#[from] UnknownPhase),
    /// A URL that cannot be sent to.
    #[error("{setting} must be an http:// or https:// URL, not {url:?}")]
    Url {
        /// Which setting.
        setting: &'static str,
        /// Its value.
        url: String,
    },
    /// A URL with a user or a password in it, which would stand in every log that names the address.
    #[error("{setting} must not carry a user or a password; set {instead}")]
    UrlWithCredentials {
        /// Which setting.
        setting: &'static str,
        /// Where they belong.
        instead: &'static str,
    },
}

/// Why a rollout was not opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// No phase was given and none configured.
    #[error(
        "trace_run needs a phase: give \"phase\" or call configure(phase=...) with \"train\", \"eval\" or \"prod\""
    )]
    MissingPhase,
    /// The environment cannot be used.
    #[error(transparent)]
    Configure(#[from] ConfigureError),
    /// A mistake that strict mode raises.
    #[error(transparent)]
    Problem(#[from] Problem),
}

/// Something that was not recorded as asked. It is counted and told once, and only strict mode makes more of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// Called where no rollout is open.
    #[error(
        "{call} was called outside of a trace_run and recorded nothing: call it inside of `with trace_run(...)`, \
         and use caribou.bind(fn) to carry a rollout into a thread pool or callback"
    )]
    OutsideRollout {
        /// The function that was called.
        call: String,
    },
    /// Called after `shutdown`.
    #[error("nothing is recorded after shutdown(): call configure() to record again")]
    ShutDown,
    /// A status outside the ten.
    #[error(
        "unknown rollout status {0:?} is kept as text; known are PENDING, COMPLETED, TRUNCATED, ABORTED, \
         ENV_SETUP_ERROR, STEP_ERROR, GRADER_TIMEOUT, GRADER_ERROR, TOOL_ERROR and ERROR"
    )]
    UnknownStatus(String),
    /// A worker that was handed its rollout by `extract` tried to set the rollout's status.
    #[error(
        "set_status was ignored: a rollout taken over with extract() leaves the status to the process that opened it"
    )]
    StatusOfWorker,
    /// A carrier without a usable trace context.
    #[error("extract found no valid traceparent, so what is logged belongs to no rollout: {0:?}")]
    NoTraceContext(String),
    /// A value that was left out or replaced.
    #[error("{0}")]
    Value(String),
}

impl Problem {
    /// Names the kind, so that each is told once.
    pub(crate) fn key(&self) -> Cow<'_, str> {
        match self {
            Self::OutsideRollout { .. } => "outside_rollout".into(),
            Self::ShutDown => "shut_down".into(),
            Self::UnknownStatus(_) => "unknown_status".into(),
            Self::StatusOfWorker => "status_of_worker".into(),
            Self::NoTraceContext(_) => "no_trace_context".into(),
            Self::Value(message) => message.as_str().into(),
        }
    }
}
