//! Endpoints that take OTLP: Kestrel, or any that the variables of OpenTelemetry name.

use std::time::Duration;

use super::kestrel::KestrelTarget;
use super::url::{checked_url, is_loopback, pairs};
use crate::environment::{self as variable, Environment};
use crate::{ConfigureError, Secret};

pub(super) const DEFAULT_REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// An endpoint that takes OTLP over HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtlpTarget {
    /// The URL to post to.
    pub url: String,
    /// Further headers.
    pub headers: Vec<(String, Secret)>,
    /// How long one request may take.
    pub timeout: Duration,
    /// Whether bodies are compressed.
    pub gzip: bool,
    /// Certificates to trust instead of the built-in ones, a PEM file.
    pub certificates: Option<String>,
}

pub(super) fn otlp_endpoint(environment: &dyn Environment) -> Option<(&'static str, String)> {
    environment
        .non_empty(variable::OTEL_EXPORTER_OTLP_TRACES_ENDPOINT)
        .map(|url| (variable::OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, url))
        .or_else(|| {
            environment
                .non_empty(variable::OTEL_EXPORTER_OTLP_ENDPOINT)
                .map(|url| {
                    let url = format!("{}/v1/traces", url.trim().trim_end_matches('/'));
                    (variable::OTEL_EXPORTER_OTLP_ENDPOINT, url)
                })
        })
}

pub(super) fn resolve_otlp(
    kestrel: &KestrelTarget,
    environment: &dyn Environment,
) -> Result<OtlpTarget, ConfigureError> {
    let either = |special, general| {
        environment
            .non_empty(special)
            .or_else(|| environment.non_empty(general))
    };
    let foreign = otlp_endpoint(environment).filter(|_| !kestrel.named);
    let mut headers = Vec::new();
    let url = if let Some((setting, url)) = foreign {
        let given = either(
            variable::OTEL_EXPORTER_OTLP_TRACES_HEADERS,
            variable::OTEL_EXPORTER_OTLP_HEADERS,
        );
        headers.extend(pairs(&given.unwrap_or_default()).map(|(name, value)| (name, value.into())));
        checked_url(setting, &url, "OTEL_EXPORTER_OTLP_HEADERS")?
    } else {
        if let Some(key) = &kestrel.api_key {
            let bearer = format!("Bearer {}", key.expose());
            headers.push(("Authorization".to_owned(), bearer.into()));
        }
        format!("{}/v1/traces", kestrel.url)
    };
    let timeout = either(
        variable::OTEL_EXPORTER_OTLP_TRACES_TIMEOUT,
        variable::OTEL_EXPORTER_OTLP_TIMEOUT,
    )
    .and_then(|millis| millis.trim().parse().ok())
    .map_or(DEFAULT_REQUEST_TIMEOUT, Duration::from_millis);
    let gzip = either(
        variable::OTEL_EXPORTER_OTLP_TRACES_COMPRESSION,
        variable::OTEL_EXPORTER_OTLP_COMPRESSION,
    )
    .map_or_else(
        || !is_loopback(&url),
        |compression| compression.trim().eq_ignore_ascii_case("gzip"),
    );
    Ok(OtlpTarget {
        url,
        headers,
        timeout,
        gzip,
        certificates: kestrel.certificates.clone(),
    })
}
