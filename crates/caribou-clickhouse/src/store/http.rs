//! Connections to the server, plain or TLS.

use std::time::Duration;

use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Builder, Client};
use hyper_util::rt::TokioExecutor;
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use url::Url;

use super::error::{Result, StoreError};

/// Opens connections, shared by inserts and queries.
pub(super) type Connector = HttpsConnector<HttpConnector>;

/// Shorter than the three seconds after which servers close idle connections by default.
const IDLE_TIMEOUT: Duration = Duration::from_secs(2);
const KEEPALIVE: Duration = Duration::from_secs(60);

pub(super) fn url_from_text(text: &str) -> Result<Url> {
    let url = Url::parse(text)
        .map_err(|error| StoreError::InvalidQuery(format!("CLICKHOUSE_URL: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(StoreError::InvalidQuery(
            "CLICKHOUSE_URL must begin with http:// or https:// and name a host".to_owned(),
        ));
    }
    Ok(url)
}

/// The system's certificates (or those of `SSL_CERT_FILE`) are read only where the server speaks TLS: a machine without
/// any can still talk to its embedded engine.
pub(super) fn connector(url: &Url) -> Result<Connector> {
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_nodelay(true);
    http.set_keepalive(Some(KEEPALIVE));
    let builder = HttpsConnectorBuilder::new();
    let builder = if url.scheme() == "https" {
        builder
            .with_provider_and_native_roots(ring::default_provider())
            .map_err(|error| StoreError::Refused(Box::new(error)))?
    } else {
        let config = ClientConfig::builder_with_provider(ring::default_provider().into())
            .with_safe_default_protocol_versions()
            .map_err(|error| StoreError::Refused(Box::new(error)))?
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth();
        builder.with_tls_config(config)
    };
    Ok(builder.https_or_http().enable_http1().wrap_connector(http))
}

pub(super) fn client_builder() -> Builder {
    let mut builder = Client::builder(TokioExecutor::new());
    builder.pool_idle_timeout(IDLE_TIMEOUT);
    // Without a timer idle connections are only found closed when they are used.
    builder.pool_timer(hyper_util::rt::TokioTimer::new());
    builder
}
