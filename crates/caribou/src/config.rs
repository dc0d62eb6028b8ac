//! What a program says about itself when it configures the recorder.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use caribou_model::Phase;

use crate::Secret;

/// Replaces text before it leaves the process; see [`Config::with_redact`].
pub type Redactor = Arc<dyn Fn(&str) -> String + Send + Sync>;

/// Settings of the recorder; everything is optional and falls back to the environment.
///
/// Configuring again changes what is given and leaves the rest as it was.
///
/// ```
/// use caribou::{Config, Phase};
///
/// let config = Config::new()
///     .with_run_id("my-project")
///     .with_phase(Phase::Prod)
///     .with_kestrel_api_url("http://127.0.0.1:4700");
/// assert_eq!(config.run_id.as_deref(), Some("my-project"));
/// ```
#[derive(Clone, Default)]
pub struct Config {
    /// Run of the rollouts; in production the project's name.
    pub run_id: Option<String>,
    /// Phase of rollouts that name none.
    pub phase: Option<Phase>,
    /// Project that owns the rollouts.
    pub project: Option<String>,
    /// Environment of rollouts that name none.
    pub env_name: Option<String>,
    /// Model of rollouts that name none.
    pub model_name: Option<String>,
    /// Tags of every rollout.
    pub tags: Option<Vec<String>>,
    /// URL of Kestrel.
    pub kestrel_api_url: Option<String>,
    /// API key of Kestrel.
    pub kestrel_api_key: Option<Secret>,
    /// ClickHouse, for direct export.
    pub clickhouse: ClickHouseConfig,
    /// Langfuse.
    pub langfuse: LangfuseConfig,
    /// Folder for what could not be delivered yet.
    pub spool_dir: Option<PathBuf>,
    /// Replaces text before it leaves the process.
    pub redact: Option<Redactor>,
    /// Prints spans to the console.
    pub debug: Option<bool>,
}

/// Where ClickHouse is and who asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClickHouseConfig {
    /// HTTP URL.
    pub url: Option<String>,
    /// Database.
    pub database: Option<String>,
    /// User.
    pub user: Option<String>,
    /// Password.
    pub password: Option<Secret>,
}

/// Credentials of Langfuse.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LangfuseConfig {
    /// Public key.
    pub public_key: Option<String>,
    /// Secret key.
    pub secret_key: Option<Secret>,
    /// Host.
    pub host: Option<String>,
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

impl Config {
    /// Nothing said: everything comes from the environment.
    pub fn new() -> Self {
        Self::default()
    }

    options! {
        /// Sets the run; in production the project's name.
        with_run_id, run_id: String;
        /// Sets the phase of rollouts that name none.
        with_phase, phase: Phase;
        /// Sets the project that owns the rollouts.
        with_project, project: String;
        /// Sets the environment of rollouts that name none.
        with_env_name, env_name: String;
        /// Sets the model of rollouts that name none.
        with_model_name, model_name: String;
        /// Sets the URL of Kestrel.
        with_kestrel_api_url, kestrel_api_url: String;
        /// Sets the API key of Kestrel.
        with_kestrel_api_key, kestrel_api_key: Secret;
        /// Sets the folder for what could not be delivered yet.
        with_spool_dir, spool_dir: PathBuf;
        /// Prints spans to the console, or not.
        with_debug, debug: bool;
    }

    /// Sets tags of every rollout.
    #[must_use]
    pub fn with_tags<T: Into<String>>(mut self, tags: impl IntoIterator<Item = T>) -> Self {
        self.tags = Some(tags.into_iter().map(Into::into).collect());
        self
    }

    /// Sets where ClickHouse is.
    #[must_use]
    pub fn with_clickhouse(mut self, clickhouse: ClickHouseConfig) -> Self {
        self.clickhouse = clickhouse;
        self
    }

    /// Sets the credentials of Langfuse.
    #[must_use]
    pub fn with_langfuse(mut self, langfuse: LangfuseConfig) -> Self {
        self.langfuse = langfuse;
        self
    }

    /// Sets a function that is called with every logged text and gives what is recorded in its place.
    ///
    /// It sees contents, reasoning, arguments, results, errors, details, artifacts, prompts, metadata and tags; within
    /// structures every string, but no keys. It does not see names, ids and roles. It runs on the thread that logs.
    ///
    /// ```
    /// let config = caribou::Config::new().with_redact(|text| text.replace("hunter2", "[redacted]"));
    /// assert!(config.redact.is_some());
    /// ```
    #[must_use]
    pub fn with_redact(mut self, redact: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        self.redact = Some(Arc::new(redact));
        self
    }

    /// This configuration with everything that `newer` gives in place of its own.
    #[must_use]
    pub fn merged_with(self, newer: Self) -> Self {
        Self {
            run_id: newer.run_id.or(self.run_id),
            phase: newer.phase.or(self.phase),
            project: newer.project.or(self.project),
            env_name: newer.env_name.or(self.env_name),
            model_name: newer.model_name.or(self.model_name),
            tags: newer.tags.or(self.tags),
            kestrel_api_url: newer.kestrel_api_url.or(self.kestrel_api_url),
            kestrel_api_key: newer.kestrel_api_key.or(self.kestrel_api_key),
            clickhouse: ClickHouseConfig {
                url: newer.clickhouse.url.or(self.clickhouse.url),
                database: newer.clickhouse.database.or(self.clickhouse.database),
                user: newer.clickhouse.user.or(self.clickhouse.user),
                password: newer.clickhouse.password.or(self.clickhouse.password),
            },
            langfuse: LangfuseConfig {
                public_key: newer.langfuse.public_key.or(self.langfuse.public_key),
                secret_key: newer.langfuse.secret_key.or(self.langfuse.secret_key),
                host: newer.langfuse.host.or(self.langfuse.host),
            },
            spool_dir: newer.spool_dir.or(self.spool_dir),
            redact: newer.redact.or(self.redact),
            debug: newer.debug.or(self.debug),
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Config")
            .field("run_id", &self.run_id)
            .field("phase", &self.phase)
            .field("project", &self.project)
            .field("kestrel_api_url", &self.kestrel_api_url)
            .field("kestrel_api_key", &self.kestrel_api_key)
            .field("clickhouse", &self.clickhouse)
            .field("langfuse", &self.langfuse)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_given_replaces_and_a_value_not_given_stays() {
        let first = Config::new().with_run_id("a").with_env_name("e");
        let merged = first.merged_with(Config::new().with_run_id("b"));
        assert_eq!(merged.run_id.as_deref(), Some("b"));
        assert_eq!(merged.env_name.as_deref(), Some("e"));
    }

    #[test]
    fn keys_are_not_printed() {
        let config = Config::new().with_kestrel_api_key("sk-1");
        assert!(!format!("{config:?}").contains("sk-1"));
    }
}
