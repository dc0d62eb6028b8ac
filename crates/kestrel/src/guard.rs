//! Keeps everybody but this machine's own users out, as long as there are no API keys.
//!
//! A page of a foreign site can make a browser send requests to loopback, and by rebinding a name of its own it can
//! even read the answers. So the `Host` must be a local name, an `Origin` must be local where there is one, and a
//! request that a proxy passed on is refused. `Authorization` is ignored: exporters are often configured with one.

use axum::extract::Request;
use axum::http::{HeaderMap, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::error::{ApiError, ErrorCode};

/// Middleware that answers 403 to what does not come from this machine.
pub(crate) async fn require_local(request: Request, next: Next) -> Response {
    match check(request.uri(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(message) => ApiError::new(ErrorCode::NotLocal, message).into_response(),
    }
}

fn check(uri: &Uri, headers: &HeaderMap) -> Result<(), String> {
    let forwarded = headers.keys().find(|name| is_of_proxy(name.as_str()));
    if let Some(name) = forwarded {
        return Err(format!(
            "refused because of the header {name}: without API keys Kestrel does not serve through a proxy; \
             connect to it directly"
        ));
    }
    // HTTP/2 carries the host in the request's URI.
    let host = match uri.authority() {
        Some(authority) => Some(authority.as_str()),
        None => single(headers, &header::HOST)?,
    };
    let host = host.ok_or("the request names no Host; use http://localhost or http://127.0.0.1")?;
    if !is_local_authority(host) {
        return Err(format!(
            "the Host {host:?} is not this machine; use http://localhost or http://127.0.0.1"
        ));
    }
    if let Some(origin) = single(headers, &header::ORIGIN)?
        && !is_local_origin(origin)
    {
        return Err(format!("requests from pages of {origin:?} are refused"));
    }
    Ok(())
}

/// Whether only a proxy sends this header.
fn is_of_proxy(name: &str) -> bool {
    matches!(name, "forwarded" | "via" | "x-real-ip") || name.starts_with("x-forwarded-")
}

/// The one value of a header; several would let two readers see two things.
fn single<'a>(
    headers: &'a HeaderMap,
    name: &header::HeaderName,
) -> Result<Option<&'a str>, String> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    if values.next().is_some() {
        return Err(format!("the request has several headers {name}"));
    }
    first
        .map(|value| {
            value
                .to_str()
                .map_err(|error| format!("the header {name} is not text: {error}"))
        })
        .transpose()
}

/// True for an `Origin` of this machine.
pub(crate) fn is_local_origin(origin: &str) -> bool {
    origin
        .strip_prefix("http://")
        .or_else(|| origin.strip_prefix("https://"))
        .is_some_and(is_local_authority)
}

/// True for `localhost`, `127.0.0.1` and `[::1]`, with any port or none.
fn is_local_authority(authority: &str) -> bool {
    let (host, port) = match authority.rsplit_once(':') {
        // The colons of a bare IPv6 address are not those of a port.
        Some((host, port)) if !port.ends_with(']') => (host, port),
        _ => (authority, "0"),
    };
    let local = host.eq_ignore_ascii_case("localhost") || matches!(host, "127.0.0.1" | "[::1]");
    local && !port.starts_with('+') && port.parse::<u16>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(headers: &[(&'static str, &str)]) -> Result<(), String> {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect::<Vec<(header::HeaderName, header::HeaderValue)>>();
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name, value);
        }
        check(&Uri::from_static("/v1/traces"), &map)
    }

    #[test]
    fn local_hosts_pass_with_any_port() {
        for host in [
            "localhost",
            "LOCALHOST:4700",
            "127.0.0.1:1",
            "[::1]",
            "[::1]:4700",
        ] {
            assert_eq!(checked(&[("host", host)]), Ok(()), "{host}");
        }
    }

    #[test]
    fn foreign_hosts_are_refused() {
        for host in [
            "example.com",
            "localhost.example.com",
            "127.0.0.1.example.com:4700",
            "user@localhost",
            "localhost:4700@example.com",
            "localhost:",
            "::1",
            "0.0.0.0:4700",
            "",
        ] {
            assert!(checked(&[("host", host)]).is_err(), "{host}");
        }
        assert!(checked(&[]).is_err());
        assert!(checked(&[("host", "localhost"), ("host", "example.com")]).is_err());
    }

    #[test]
    fn foreign_origins_and_forwarded_requests_are_refused() {
        let with = |name, value| checked(&[("host", "localhost:4700"), (name, value)]);
        assert_eq!(with("origin", "http://localhost:5173"), Ok(()));
        assert_eq!(with("authorization", "Bearer anything"), Ok(()));
        for (name, value) in [
            ("origin", "https://example.com"),
            ("origin", "null"),
            ("origin", "http://localhost.example.com"),
            ("forwarded", "for=10.0.0.1"),
            ("x-forwarded-for", "10.0.0.1"),
            ("x-forwarded-host", "localhost"),
            ("x-real-ip", "10.0.0.1"),
            ("via", "1.1 proxy"),
        ] {
            assert!(with(name, value).is_err(), "{name}: {value}");
        }
    }
}
