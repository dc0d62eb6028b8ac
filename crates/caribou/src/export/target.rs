//! Where spans are to go, as plain data that can be compared and opened again after a fork.

use std::sync::Arc;

use super::console::Console;
use super::destination::Destination;
use super::kestrel::OtlpDestination;
use super::langfuse::LangfuseDestination;
use crate::notice::Notices;
use crate::settings::{LangfuseTarget, OtlpTarget, Settings};

/// One destination that is not open yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// Kestrel, or any other server that takes OTLP.
    Otlp(OtlpTarget),
    /// Langfuse, in addition.
    Langfuse(LangfuseTarget),
    /// The console.
    Console,
}

impl Target {
    /// Everything that these settings name, the main destination first.
    pub(crate) fn all(settings: &Settings) -> Vec<Self> {
        let mut targets = vec![Self::Otlp(settings.otlp.clone())];
        targets.extend(settings.langfuse.clone().map(Self::Langfuse));
        if settings.debug {
            targets.push(Self::Console);
        }
        targets
    }

    /// How `stats()` calls it.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Otlp(_) => "kestrel",
            Self::Langfuse(_) => "langfuse",
            Self::Console => "console",
        }
    }

    /// Prepares to send there; nothing is sent yet.
    pub(super) fn open(
        &self,
        resource: &[(String, String)],
        notices: &Arc<Notices>,
    ) -> Box<dyn Destination> {
        match self {
            Self::Otlp(target) => Box::new(OtlpDestination::new(target, resource)),
            Self::Langfuse(target) => Box::new(LangfuseDestination::new(target, resource, notices)),
            Self::Console => Box::new(Console::new(std::io::stderr())),
        }
    }
}
