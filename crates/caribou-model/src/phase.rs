//! What a rollout was run for.

use std::fmt;
use std::str::FromStr;

/// A phase that is none of the three.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("phase must be \"train\", \"eval\" or \"prod\", not {0:?}")]
pub struct UnknownPhase(pub String);

/// What a rollout was run for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// A rollout of a training run.
    Train,
    /// A rollout of an evaluation run.
    Eval,
    /// A request served in production; its run id is the project's name and there are no steps.
    Prod,
}

impl Phase {
    /// The name in the API, in attributes and in columns.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Eval => "eval",
            Self::Prod => "prod",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for Phase {
    type Err = UnknownPhase;

    fn from_str(text: &str) -> Result<Self, UnknownPhase> {
        match text {
            "train" => Ok(Self::Train),
            "eval" => Ok(Self::Eval),
            "prod" => Ok(Self::Prod),
            _ => Err(UnknownPhase(text.to_owned())),
        }
    }
}
