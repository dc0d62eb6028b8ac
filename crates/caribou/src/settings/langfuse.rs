//! Langfuse, in addition.

use std::time::Duration;

use super::given_or;
use super::otlp::DEFAULT_REQUEST_TIMEOUT;
use super::url::checked_url;
use crate::config::Config;
use crate::environment::{self as variable, Environment};
use crate::{ConfigureError, Secret};

/// Where Langfuse is when nobody says.
pub const DEFAULT_LANGFUSE_HOST: &str = "https://us.cloud.langfuse.com";

/// A project of Langfuse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LangfuseTarget {
    /// Base URL without a slash at its end.
    pub host: String,
    /// Public key.
    pub public_key: String,
    /// Secret key.
    pub secret_key: Secret,
    /// How long one request may take.
    pub timeout: Duration,
    /// Certificates to trust instead of the built-in ones, a PEM file.
    pub certificates: Option<String>,
}

impl Config {
    pub(super) fn resolve_langfuse(
        &self,
        environment: &dyn Environment,
    ) -> Result<Option<LangfuseTarget>, ConfigureError> {
        let given = &self.langfuse;
        let text = |given: &Option<String>, name| given_or(given.as_deref(), environment, name);
        let public_key = text(&given.public_key, variable::LANGFUSE_PUBLIC_KEY);
        let secret_key = given.secret_key.clone().or_else(|| {
            environment
                .non_empty(variable::LANGFUSE_SECRET_KEY)
                .map(Secret::from)
        });
        let (Some(public_key), Some(secret_key)) = (public_key, secret_key) else {
            return Ok(None);
        };
        let host = text(&given.host, variable::LANGFUSE_HOST);
        let host = host.as_deref().unwrap_or(DEFAULT_LANGFUSE_HOST);
        Ok(Some(LangfuseTarget {
            host: checked_url(
                variable::LANGFUSE_HOST,
                host,
                "LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY",
            )?,
            public_key: public_key.trim().to_owned(),
            secret_key,
            timeout: DEFAULT_REQUEST_TIMEOUT,
            certificates: environment.non_empty(variable::SSL_CERT_FILE),
        }))
    }
}
