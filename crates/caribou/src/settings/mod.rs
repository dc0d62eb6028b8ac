//! Settings: what the program said, what the environment says, and defaults, in this order of precedence.

mod certificates;
mod clickhouse;
mod images;
mod kestrel;
mod langfuse;
mod otlp;
mod spool;
mod url;

use caribou_model::Phase;

pub(crate) use certificates::{certificates_notice, certificates_of, speaks_tls};
pub use clickhouse::ClickHouseTarget;
pub use images::{BucketTarget, ImageTarget};
pub use kestrel::{DEFAULT_KESTREL_URL, KestrelTarget};
pub use langfuse::{DEFAULT_LANGFUSE_HOST, LangfuseTarget};
pub use otlp::OtlpTarget;
use otlp::{otlp_endpoint, resolve_otlp};
pub use spool::SpoolSettings;
use url::pairs;
pub(crate) use url::{is_loopback, percent_decoded};

use crate::ConfigureError;
use crate::config::{Config, Redactor};
use crate::environment::{self as variable, Environment};

/// The project when nobody says.
pub const DEFAULT_PROJECT: &str = "default";

/// Everything the recorder goes by; plain data, passed down.
#[derive(Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a setting of its own; any combination may occur"
)]
pub struct Settings {
    /// Run, if any.
    pub run_id: Option<String>,
    /// Phase of rollouts that name none.
    pub phase: Option<Phase>,
    /// Project, if anybody said.
    pub project: Option<String>,
    /// Environment of rollouts that name none.
    pub env_name: Option<String>,
    /// Model of rollouts that name none.
    pub model_name: Option<String>,
    /// Tags of every rollout.
    pub tags: Vec<String>,
    /// Where spans go.
    pub otlp: OtlpTarget,
    /// ClickHouse, which gets the spans in place of `otlp`.
    pub clickhouse: Option<ClickHouseTarget>,
    /// Where images go that ClickHouse would get.
    pub images: ImageTarget,
    /// Langfuse, which gets everything in addition.
    pub langfuse: Option<LangfuseTarget>,
    /// Where projects, runs and pages are.
    pub kestrel: KestrelTarget,
    /// Attributes of the resource, `service.name` among them.
    pub resource: Vec<(String, String)>,
    /// Where waits what a destination has not acknowledged.
    pub spool: SpoolSettings,
    /// Records nothing where false.
    pub enabled: bool,
    /// Makes more of mistakes than a log line.
    pub strict: bool,
    /// Records content; else structure, tokens and times only.
    pub content: bool,
    /// Replaces text before it leaves the process.
    pub redact: Option<Redactor>,
    /// Prints spans to the console.
    pub debug: bool,
    /// What to tell the program's owner, once.
    pub notices: Vec<String>,
}

impl Config {
    /// Settles every setting: given value, then environment, then default.
    ///
    /// # Errors
    /// When a phase or URL in the environment or configuration cannot be used.
    ///
    /// ```
    /// use std::collections::BTreeMap;
    /// use caribou::Config;
    ///
    /// let environment = BTreeMap::from([("CARIBOU_RUN_ID".to_owned(), "nightly".to_owned())]);
    /// let settings = Config::new().resolve(&environment)?;
    /// assert_eq!(settings.run_id.as_deref(), Some("nightly"));
    /// assert_eq!(settings.otlp.url, "http://127.0.0.1:4700/v1/traces");
    /// # Ok::<(), caribou::ConfigureError>(())
    /// ```
    pub fn resolve(&self, environment: &dyn Environment) -> Result<Settings, ConfigureError> {
        let text = |given: &Option<String>, name| given_or(given.as_deref(), environment, name);
        let phase = match (self.phase, environment.non_empty(variable::CARIBOU_PHASE)) {
            (Some(phase), _) => Some(phase),
            (None, Some(text)) => Some(text.parse()?),
            (None, None) => None,
        };
        let kestrel = self.resolve_kestrel(environment)?;
        let mut settings = Settings {
            run_id: text(&self.run_id, variable::CARIBOU_RUN_ID),
            phase,
            project: text(&self.project, variable::CARIBOU_PROJECT),
            env_name: self.env_name.clone(),
            model_name: self.model_name.clone(),
            tags: self.tags.clone().unwrap_or_default(),
            otlp: resolve_otlp(&kestrel, environment)?,
            clickhouse: self.resolve_clickhouse(environment)?,
            images: ImageTarget::resolve(&kestrel, environment),
            langfuse: self.resolve_langfuse(environment)?,
            resource: resolve_resource(environment),
            spool: SpoolSettings::resolve(self.spool_dir.as_deref(), environment),
            enabled: !environment.switch(variable::CARIBOU_DISABLED)
                && !environment.switch(variable::OTEL_SDK_DISABLED),
            strict: environment.switch(variable::CARIBOU_STRICT),
            content: environment.left_on(variable::CARIBOU_CONTENT),
            redact: self.redact.clone(),
            debug: self
                .debug
                .unwrap_or_else(|| environment.switch(variable::CARIBOU_TRACE_DEBUG)),
            notices: self.notices(&kestrel, environment),
            kestrel,
        };
        if settings.use_tls() {
            settings.notices.extend(certificates_notice(environment));
        }
        Ok(settings)
    }

    fn notices(&self, kestrel: &KestrelTarget, environment: &dyn Environment) -> Vec<String> {
        let mut notices = Vec::new();
        let set = |given: bool, name| given || environment.non_empty(name).is_some();
        let clickhouse = set(self.clickhouse.url.is_some(), variable::CLICKHOUSE_URL);
        if !clickhouse && !kestrel.named && otlp_endpoint(environment).is_none() {
            notices.push(format!(
                "neither CLICKHOUSE_URL nor KESTREL_API_URL is set: spans go to Kestrel at {}",
                kestrel.url
            ));
        }
        let protocol = environment
            .non_empty(variable::OTEL_EXPORTER_OTLP_PROTOCOL)
            .filter(|protocol| protocol.trim() != "http/protobuf");
        if let (false, Some(protocol), Some(_)) =
            (kestrel.named, protocol, otlp_endpoint(environment))
        {
            notices.push(format!(
                "OTEL_EXPORTER_OTLP_PROTOCOL asks for {protocol:?}, but only http/protobuf is spoken, and is used"
            ));
        }
        let bucket = environment.non_empty(variable::CARIBOU_IMAGE_BUCKET);
        if clickhouse && bucket.is_some() && cfg!(not(feature = "s3")) {
            notices.push(
                "CARIBOU_IMAGE_BUCKET is ignored: this program was built without the feature s3 of caribou"
                    .to_owned(),
            );
        }
        let given = &self.langfuse;
        let keys = (
            set(given.public_key.is_some(), variable::LANGFUSE_PUBLIC_KEY),
            set(given.secret_key.is_some(), variable::LANGFUSE_SECRET_KEY),
        );
        if keys.0 != keys.1 {
            notices.push(
                "Langfuse gets nothing: set both LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY"
                    .to_owned(),
            );
        }
        notices.extend(SpoolSettings::notice(environment));
        notices
    }
}

/// What the program said, else what the environment says; an empty text counts as none.
fn given_or(
    given: Option<&str>,
    environment: &dyn Environment,
    name: &'static str,
) -> Option<String> {
    given
        .filter(|value| !value.is_empty())
        .map(str::to_owned)
        .or_else(|| environment.non_empty(name))
}

fn resolve_resource(environment: &dyn Environment) -> Vec<(String, String)> {
    let given = environment
        .non_empty(variable::OTEL_RESOURCE_ATTRIBUTES)
        .unwrap_or_default();
    let mut resource: Vec<(String, String)> = pairs(&given).collect();
    if let Some(name) = environment.non_empty(variable::OTEL_SERVICE_NAME) {
        resource.retain(|(key, _)| key != "service.name");
        resource.push(("service.name".to_owned(), name));
    } else if !resource.iter().any(|(key, _)| key == "service.name") {
        resource.push(("service.name".to_owned(), "unknown_service".to_owned()));
    }
    for (key, value) in [
        ("telemetry.sdk.name", "opentelemetry"),
        ("telemetry.sdk.language", "rust"),
        ("telemetry.distro.name", "caribou"),
        ("telemetry.distro.version", env!("CARGO_PKG_VERSION")),
    ] {
        resource.push((key.to_owned(), value.to_owned()));
    }
    resource
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Settings")
            .field("run_id", &self.run_id)
            .field("phase", &self.phase)
            .field("project", &self.project)
            .field("otlp", &self.otlp)
            .field("kestrel", &self.kestrel)
            .field("enabled", &self.enabled)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use std::time::Duration;

    use super::*;

    fn resolve(config: &Config, variables: &[(&str, &str)]) -> Result<Settings, ConfigureError> {
        let environment: BTreeMap<String, String> = variables
            .iter()
            .map(|&(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        config.resolve(&environment)
    }

    #[test]
    fn a_given_value_wins_over_the_environment() {
        let config = Config::new().with_run_id("given");
        let settings = resolve(
            &config,
            &[("CARIBOU_RUN_ID", "env"), ("CARIBOU_PHASE", "eval")],
        )
        .unwrap();
        assert_eq!(settings.run_id.as_deref(), Some("given"));
        assert_eq!(settings.phase, Some(Phase::Eval));
    }

    #[test]
    fn user_and_password_of_clickhouse_may_stand_in_its_url_and_are_known_apart_from_it() {
        let of = |variables: &[(&str, &str)]| {
            let settings = resolve(&Config::new(), variables).unwrap();
            let target = settings.clickhouse.unwrap();
            (target.url, target.user, target.password)
        };
        let url = ("CLICKHOUSE_URL", "https://ann:secret@ch:8443");
        assert_eq!(
            of(&[url]),
            (
                "https://ch:8443".to_owned(),
                Some("ann".to_owned()),
                Some("secret".into())
            )
        );
        let (_, user, password) = of(&[
            url,
            ("CLICKHOUSE_USER", "bob"),
            ("CLICKHOUSE_PASSWORD", "his"),
        ]);
        assert_eq!(
            (user, password),
            (Some("bob".to_owned()), Some("his".into()))
        );
    }

    #[test]
    fn without_any_url_spans_go_to_this_machine_and_that_is_said() {
        let settings = resolve(&Config::new(), &[]).unwrap();
        assert_eq!(settings.otlp.url, "http://127.0.0.1:4700/v1/traces");
        assert!(!settings.otlp.gzip);
        assert_eq!(settings.notices.len(), 1);
        assert!(settings.notices[0].contains("http://127.0.0.1:4700"));
    }

    #[test]
    fn with_a_url_of_clickhouse_spans_go_there() {
        let settings = resolve(
            &Config::new(),
            &[
                ("CLICKHOUSE_URL", "https://ch:8443/"),
                ("CLICKHOUSE_PASSWORD", "p"),
            ],
        )
        .unwrap();
        let clickhouse = settings.clickhouse.unwrap();
        assert_eq!(clickhouse.url, "https://ch:8443");
        assert_eq!(clickhouse.database, "caribou");
        assert!(settings.notices.is_empty(), "{:?}", settings.notices);
        assert!(!format!("{:?}", clickhouse.password).contains('p'));
        assert!(resolve(&Config::new(), &[("CLICKHOUSE_URL", "ch:8123")]).is_err());
    }

    #[test]
    fn langfuse_needs_both_keys() {
        let public = ("LANGFUSE_PUBLIC_KEY", "pk");
        let secret = ("LANGFUSE_SECRET_KEY", "sk");
        let one = resolve(&Config::new(), &[public]).unwrap();
        assert_eq!(one.langfuse, None);
        assert!(
            one.notices
                .iter()
                .any(|notice| notice.contains("LANGFUSE_SECRET_KEY"))
        );
        let both = resolve(&Config::new(), &[public, secret]).unwrap();
        let target = both.langfuse.unwrap();
        assert_eq!(target.host, DEFAULT_LANGFUSE_HOST);
        assert!(
            !both
                .notices
                .iter()
                .any(|notice| notice.contains("LANGFUSE"))
        );
        let host = ("LANGFUSE_HOST", "cloud.langfuse.com");
        assert!(resolve(&Config::new(), &[public, secret, host]).is_err());
    }

    #[test]
    fn kestrel_gets_its_key_and_a_collector_gets_its_headers() {
        let kestrel = resolve(
            &Config::new(),
            &[
                ("KESTREL_API_URL", "https://kestrel.example/"),
                ("KESTREL_API_KEY", "k"),
                ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318"),
            ],
        )
        .unwrap()
        .otlp;
        assert_eq!(kestrel.url, "https://kestrel.example/v1/traces");
        assert_eq!(kestrel.headers[0].1.expose(), "Bearer k");
        assert!(kestrel.gzip);

        let collector = resolve(
            &Config::new(),
            &[
                ("KESTREL_API_KEY", "k"),
                ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/"),
                ("OTEL_EXPORTER_OTLP_HEADERS", "x-one=a%20b, x-two=c"),
                ("OTEL_EXPORTER_OTLP_TIMEOUT", "2500"),
                ("OTEL_EXPORTER_OTLP_COMPRESSION", "none"),
            ],
        )
        .unwrap()
        .otlp;
        assert_eq!(collector.url, "http://collector:4318/v1/traces");
        assert_eq!(collector.headers.len(), 2);
        assert_eq!(collector.headers[0].1.expose(), "a b");
        assert_eq!(collector.timeout, Duration::from_millis(2500));
        assert!(!collector.gzip);
    }

    #[test]
    fn the_service_name_wins_over_the_resource_attributes() {
        let settings = resolve(
            &Config::new(),
            &[
                ("OTEL_RESOURCE_ATTRIBUTES", "service.name=a,team=b"),
                ("OTEL_SERVICE_NAME", "c"),
            ],
        )
        .unwrap();
        let named: Vec<_> = settings
            .resource
            .iter()
            .filter(|(key, _)| key == "service.name")
            .collect();
        assert_eq!(named.len(), 1);
        assert_eq!(named[0].1, "c");
    }

    #[test]
    fn switches_are_read() {
        let settings = resolve(
            &Config::new(),
            &[
                ("CARIBOU_DISABLED", "1"),
                ("CARIBOU_STRICT", "1"),
                ("CARIBOU_CONTENT", "off"),
            ],
        )
        .unwrap();
        assert!(!settings.enabled && settings.strict && !settings.content);
        let none = resolve(&Config::new(), &[("CARIBOU_CONTENT", "none")]).unwrap();
        assert!(!none.content);
        assert!(resolve(&Config::new(), &[]).unwrap().content);
        assert!(
            !resolve(&Config::new(), &[("OTEL_SDK_DISABLED", "true")])
                .unwrap()
                .enabled
        );
    }

    #[test]
    fn what_cannot_be_used_is_an_error_that_names_it() {
        let phase = resolve(&Config::new(), &[("CARIBOU_PHASE", "production")]).unwrap_err();
        assert!(phase.to_string().contains("production"));
        for url in ["kestrel:4700", "ftp://x", "http://", "http:// x"] {
            let error = resolve(&Config::new().with_kestrel_api_url(url), &[]).unwrap_err();
            assert!(error.to_string().contains("http"), "{url}");
        }
    }
}
