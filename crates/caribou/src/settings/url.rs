//! Addresses, and the texts that OpenTelemetry writes like parts of one.

use crate::{ConfigureError, Secret};

/// A URL, and the user and password that stood in it: it is named in logs and files, they are not.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Address {
    /// Without a slash at its end.
    pub(super) url: String,
    pub(super) credentials: Option<(String, Secret)>,
}

/// A URL without credentials; `instead` says which setting takes them.
pub(super) fn checked_url(
    setting: &'static str,
    url: &str,
    instead: &'static str,
) -> Result<String, ConfigureError> {
    match address(setting, url)? {
        Address {
            url,
            credentials: None,
        } => Ok(url),
        Address { .. } => Err(ConfigureError::UrlWithCredentials { setting, instead }),
    }
}

pub(super) fn address(setting: &'static str, url: &str) -> Result<Address, ConfigureError> {
    let trimmed = url.trim().trim_end_matches('/');
    let split = ["http://", "https://"]
        .into_iter()
        .find_map(|scheme| Some((scheme, trimmed.strip_prefix(scheme)?)));
    let (scheme, rest) = split.unwrap_or(("", trimmed));
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let (user_info, host) = match authority.rsplit_once('@') {
        Some((user_info, host)) => (Some(user_info), host),
        None => (None, authority),
    };
    let url = format!("{scheme}{host}{path}");
    if scheme.is_empty() || host.is_empty() || host.starts_with(':') || url.contains(' ') {
        let url = match trimmed.rsplit_once('@') {
            Some((_perhaps_secret, rest)) => format!("…@{rest}"),
            None => trimmed.to_owned(),
        };
        return Err(ConfigureError::Url { setting, url });
    }
    let credentials = user_info.map(|user_info| {
        let (user, password) = user_info.split_once(':').unwrap_or((user_info, ""));
        (percent_decoded(user), percent_decoded(password).into())
    });
    Ok(Address { url, credentials })
}

pub(crate) fn is_loopback(url: &str) -> bool {
    let authority = url
        .split_once("://")
        .map_or(url, |(_, rest)| rest)
        .split('/')
        .next()
        .unwrap_or_default();
    let host = match authority.rsplit_once('@') {
        Some((_, host)) => host,
        None => authority,
    };
    host.starts_with("127.") || host.starts_with("localhost") || host.starts_with("[::1]")
}

/// Reads `key=value,key=value` with percent-encoded values, as OpenTelemetry writes headers and resources.
pub(super) fn pairs(text: &str) -> impl Iterator<Item = (String, String)> {
    text.split(',').filter_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        let key = key.trim();
        (!key.is_empty()).then(|| (key.to_owned(), percent_decoded(value.trim())))
    })
}

/// Decodes `%41`; what is not an encoding stays as it stands.
pub(crate) fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut position = 0;
    while position < bytes.len() {
        let encoded = (bytes[position] == b'%')
            .then(|| text.get(position + 1..position + 3))
            .flatten()
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        if let Some(byte) = encoded {
            decoded.push(byte);
            position += 3;
        } else {
            decoded.push(bytes[position]);
            position += 1;
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_password_are_taken_out_of_a_url() {
        let given = address("X", " https://us%40er:p%3Aw@host:8443/a@b?c=d/ ").unwrap();
        assert_eq!(given.url, "https://host:8443/a@b?c=d");
        assert_eq!(
            given.credentials,
            Some(("us@er".to_owned(), Secret::from("p:w")))
        );
        let plain = address("X", "http://host/a@b").unwrap();
        assert_eq!((&*plain.url, plain.credentials), ("http://host/a@b", None));
    }

    #[test]
    fn an_error_about_a_url_names_no_password() {
        for url in [
            "ftp://user:hidden@host",
            "http://user:hidden@",
            "user:hidden@host",
        ] {
            let error = address("X", url).unwrap_err().to_string();
            assert!(!error.contains("hidden"), "{error}");
        }
        let error = checked_url("X_URL", "http://user:hidden@host", "X_KEY").unwrap_err();
        assert_eq!(
            error.to_string(),
            "X_URL must not carry a user or a password; set X_KEY"
        );
    }
}
