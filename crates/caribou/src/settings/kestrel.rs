//! Kestrel's own API.

use super::given_or;
use super::url::checked_url;
use crate::config::Config;
use crate::environment::{self as variable, Environment};
use crate::{ConfigureError, Secret};

/// Where Kestrel is when nobody says.
pub const DEFAULT_KESTREL_URL: &str = "http://127.0.0.1:4700";

/// Kestrel's own API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KestrelTarget {
    /// Base URL without a slash at its end.
    pub url: String,
    /// Whether anybody named the URL.
    pub named: bool,
    /// API key.
    pub api_key: Option<Secret>,
    /// Certificates to trust instead of the built-in ones, a PEM file.
    pub certificates: Option<String>,
}

impl Config {
    pub(super) fn resolve_kestrel(
        &self,
        environment: &dyn Environment,
    ) -> Result<KestrelTarget, ConfigureError> {
        let named = given_or(
            self.kestrel_api_url.as_deref(),
            environment,
            variable::KESTREL_API_URL,
        );
        let api_key = self.kestrel_api_key.clone().or_else(|| {
            environment
                .non_empty(variable::KESTREL_API_KEY)
                .map(Secret::from)
        });
        let url = match &named {
            Some(url) => checked_url(variable::KESTREL_API_URL, url, "KESTREL_API_KEY")?,
            None => DEFAULT_KESTREL_URL.to_owned(),
        };
        Ok(KestrelTarget {
            url,
            named: named.is_some(),
            api_key,
            certificates: environment.non_empty(variable::SSL_CERT_FILE),
        })
    }
}
