//! HTTP as the recorder speaks it: proxies and certificates by the usual variables, every status an answer.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use ureq::middleware::MiddlewareNext;
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body, SendBody};

use crate::fork;
use crate::settings::{certificates_of, is_loopback};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// An agent for one server. `certificates` is a PEM file to trust instead of the built-in certificates.
pub(crate) fn agent(url: &str, timeout: Duration, certificates: Option<&str>) -> Agent {
    let mut config = Agent::config_builder()
        .http_status_as_error(false)
        .middleware(during_first_request)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .user_agent(concat!("caribou/", env!("CARGO_PKG_VERSION")))
        .timeout_connect(Some(CONNECT_TIMEOUT.min(timeout)))
        .timeout_global(Some(timeout));
    // A proxy cannot reach this machine's own loopback.
    if is_loopback(url) {
        config = config.proxy(None);
    }
    if let Some(roots) = certificates.and_then(read_roots) {
        config = config.tls_config(TlsConfig::builder().root_certs(roots).build());
    }
    config.build().new_agent()
}

fn during_first_request(
    request: ureq::http::Request<SendBody<'_>>,
    next: MiddlewareNext<'_>,
) -> Result<ureq::http::Response<Body>, ureq::Error> {
    let _first = fork::first_request();
    next.handle(request)
}

/// None where the file is of no use, which the settings have told.
fn read_roots(path: &str) -> Option<RootCerts> {
    let certificates = certificates_of(path).ok()?;
    Some(RootCerts::Specific(Arc::new(certificates)))
}

/// Whether nothing listens there.
pub(super) fn is_unreachable(error: &ureq::Error) -> bool {
    match error {
        ureq::Error::ConnectionFailed | ureq::Error::HostNotFound => true,
        ureq::Error::Io(io) => io.kind() == std::io::ErrorKind::ConnectionRefused,
        _ => false,
    }
}

/// What went wrong, and what may be wrong with the address where only that explains it.
pub(super) fn reason_of(error: &ureq::Error) -> String {
    let reason = error.to_string();
    // What is no TLS at all comes as an error of TLS, or wrapped into one of the connection.
    if reason.contains("InvalidContentType") {
        return format!(
            "{reason}: the server does not seem to speak TLS; is http:// meant instead of https://?"
        );
    }
    reason
}

/// A text as the value of a parameter in a URL.
pub(super) fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            write!(encoded, "%{byte:02X}").ok();
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_server_that_speaks_no_tls_is_told_from_other_errors() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _read = stream.read(&mut [0; 16_384]).unwrap();
            stream
                .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                .unwrap();
            // Open until the client has read it: what is not read yet would be lost with the connection.
            stream
        });
        let error = agent(&url, Duration::from_secs(60), None)
            .get(&url)
            .call()
            .unwrap_err();
        drop(server.join().unwrap());
        let reason = reason_of(&error);
        assert!(reason.contains("does not seem to speak TLS"), "{reason}");
        assert_eq!(reason_of(&ureq::Error::HostNotFound), "host not found");
    }

    #[test]
    fn a_value_in_a_url_keeps_what_is_unreserved() {
        assert_eq!(percent_encoded("a b&é-~"), "a%20b%26%C3%A9-~");
    }
}
