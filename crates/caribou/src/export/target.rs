//! Where spans are to go, as plain data that can be compared and opened again after a fork.

use std::sync::Arc;

use caribou_spool::DestinationIdentity;

use super::clickhouse::ClickHouseDestination;
use super::console::Console;
use super::destination::Destination;
use super::kestrel::OtlpDestination;
use super::langfuse::LangfuseDestination;
use crate::notice::Notices;
use crate::settings::{
    ClickHouseTarget, DEFAULT_KESTREL_URL, ImageTarget, LangfuseTarget, OtlpTarget, Settings,
};

/// One destination that is not open yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// Kestrel, or any other server that takes OTLP.
    Otlp(OtlpTarget),
    /// ClickHouse, in place of Kestrel.
    ClickHouse(ClickHouseTarget, ImageTarget),
    /// Langfuse, in addition.
    Langfuse(LangfuseTarget),
    /// The console.
    Console,
}

impl Target {
    /// Everything that these settings name, the main destination first.
    pub(crate) fn all(settings: &Settings) -> Vec<Self> {
        let mut targets = vec![match &settings.clickhouse {
            Some(target) => Self::ClickHouse(target.clone(), settings.images.clone()),
            None => Self::Otlp(settings.otlp.clone()),
        }];
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
            Self::ClickHouse(..) => "clickhouse",
            Self::Langfuse(_) => "langfuse",
            Self::Console => "console",
        }
    }

    /// Under which name the spool keeps what waits for it; none where nothing is kept.
    pub(super) fn spool_identity(&self) -> Option<DestinationIdentity> {
        match self {
            Self::Otlp(target) => Some(DestinationIdentity::new(
                "kestrel",
                &target.url,
                target.account(),
            )),
            Self::ClickHouse(target, _) => Some(DestinationIdentity::new(
                "clickhouse",
                &target.url,
                format!(
                    "{}@{}",
                    target.user.as_deref().unwrap_or_default(),
                    target.database
                ),
            )),
            Self::Langfuse(target) => Some(DestinationIdentity::new(
                "langfuse",
                &target.host,
                &*target.public_key,
            )),
            Self::Console => None,
        }
    }

    /// Whether there may be nobody at all, because nobody said where to send.
    pub(super) fn is_a_guess(&self) -> bool {
        matches!(self, Self::Otlp(target) if target.url.strip_suffix("/v1/traces") == Some(DEFAULT_KESTREL_URL))
    }

    /// Prepares to send there; nothing is sent yet.
    pub(super) fn open(
        &self,
        resource: &[(String, String)],
        notices: &Arc<Notices>,
    ) -> Box<dyn Destination> {
        match self {
            Self::Otlp(target) => Box::new(OtlpDestination::new(target, resource)),
            Self::ClickHouse(target, images) => {
                Box::new(ClickHouseDestination::new(target, images, resource))
            }
            Self::Langfuse(target) => Box::new(LangfuseDestination::new(target, resource, notices)),
            Self::Console => Box::new(Console::new(std::io::stderr())),
        }
    }
}
