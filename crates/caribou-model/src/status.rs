//! How a rollout ended, and whether it is still going on.

use std::fmt;
use std::str::FromStr;

/// A text that names no [`RolloutStatus`]; it is kept as the rollout's `status_text`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown rollout status {0:?}")]
pub struct UnknownStatus(pub String);

/// How a rollout ended; `Pending` until somebody said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum RolloutStatus {
    /// Nobody has said how it ended.
    #[default]
    Pending,
    /// The agent finished.
    Completed,
    /// Cut off by a limit of turns, tokens or time.
    Truncated,
    /// Stopped from outside.
    Aborted,
    /// The environment did not start.
    EnvSetupError,
    /// A step of the agent failed.
    StepError,
    /// The grader took too long.
    GraderTimeout,
    /// The grader failed.
    GraderError,
    /// A tool failed.
    ToolError,
    /// Any other failure.
    Error,
}

impl RolloutStatus {
    /// All statuses, in the order of the documents.
    pub const ALL: [Self; 10] = [
        Self::Pending,
        Self::Completed,
        Self::Truncated,
        Self::Aborted,
        Self::EnvSetupError,
        Self::StepError,
        Self::GraderTimeout,
        Self::GraderError,
        Self::ToolError,
        Self::Error,
    ];

    /// The name in the API, in attributes and in columns.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Completed => "COMPLETED",
            Self::Truncated => "TRUNCATED",
            Self::Aborted => "ABORTED",
            Self::EnvSetupError => "ENV_SETUP_ERROR",
            Self::StepError => "STEP_ERROR",
            Self::GraderTimeout => "GRADER_TIMEOUT",
            Self::GraderError => "GRADER_ERROR",
            Self::ToolError => "TOOL_ERROR",
            Self::Error => "ERROR",
        }
    }

    /// True for every status that says that something went wrong.
    pub const fn is_failure(self) -> bool {
        !matches!(self, Self::Pending | Self::Completed)
    }
}

impl fmt::Display for RolloutStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for RolloutStatus {
    type Err = UnknownStatus;

    /// Reads a status in any case, and Carrot's `success`, `error` and `running`.
    fn from_str(text: &str) -> Result<Self, UnknownStatus> {
        let carrot = [("success", Self::Completed), ("running", Self::Pending)];
        let named = Self::ALL
            .into_iter()
            .map(|status| (status.as_str(), status));
        carrot
            .into_iter()
            .chain(named)
            .find(|(name, _)| name.eq_ignore_ascii_case(text))
            .map(|(_, status)| status)
            .ok_or_else(|| UnknownStatus(text.to_owned()))
    }
}

/// Whether a rollout is still going on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RolloutState {
    /// A segment is open and has been heard of within two minutes.
    Running,
    /// Every segment has ended.
    Ended,
    /// A segment is open, but nothing was heard of it for two minutes.
    Lost,
}

impl RolloutState {
    /// The name in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Ended => "ended",
            Self::Lost => "lost",
        }
    }
}

impl FromStr for RolloutState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Running, Self::Ended, Self::Lost]
            .into_iter()
            .find(|state| state.as_str().eq_ignore_ascii_case(text))
            .ok_or_else(|| format!("state must be running, ended or lost, not {text:?}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_read_in_any_case_and_in_carrots_words() {
        for status in RolloutStatus::ALL {
            assert_eq!(status.as_str().to_lowercase().parse(), Ok(status));
        }
        assert_eq!("success".parse(), Ok(RolloutStatus::Completed));
        assert_eq!("error".parse(), Ok(RolloutStatus::Error));
        assert_eq!("running".parse(), Ok(RolloutStatus::Pending));
        assert_eq!(
            "done".parse::<RolloutStatus>(),
            Err(UnknownStatus("done".to_owned()))
        );
    }
}
