//! Addresses, and the texts that OpenTelemetry writes like parts of one.

use crate::ConfigureError;

pub(super) fn checked_url(setting: &'static str, url: &str) -> Result<String, ConfigureError> {
    let trimmed = url.trim().trim_end_matches('/');
    let rest = trimmed
        .strip_prefix("http://")
        .or_else(|| trimmed.strip_prefix("https://"));
    match rest {
        Some(rest)
            if !rest.is_empty() && !rest.starts_with(['/', ':']) && !trimmed.contains(' ') =>
        {
            Ok(trimmed.to_owned())
        }
        _ => Err(ConfigureError::Url {
            setting,
            url: url.to_owned(),
        }),
    }
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
