//! `caribou-image://` URLs: writing, reading, finding.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;
use std::sync::LazyLock;

use memchr::memmem::Finder;

const SCHEME: &str = "caribou-image:";
const HASH_DIGITS: usize = 64;

/// What a reference to a stored binary says.
///
/// Everything but the hash is a hint for layout that the writer of a text may have made up.
///
/// ```
/// use caribou_images::ImageUrl;
///
/// let text = format!("caribou-image://{}?type=image%2Fpng&bytes=70&width=2&height=1", "0a".repeat(32));
/// let url: ImageUrl = text.parse()?;
/// assert_eq!(url.mime.as_deref(), Some("image/png"));
/// assert_eq!(url.to_string(), text);
/// # Ok::<(), caribou_images::ParseImageUrlError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ImageUrl {
    /// SHA-256 of the bytes.
    pub hash: [u8; 32],
    /// Media type.
    pub mime: Option<String>,
    /// Size in bytes.
    pub bytes: Option<u64>,
    /// Width in pixels.
    pub width: Option<u32>,
    /// Height in pixels.
    pub height: Option<u32>,
}

impl ImageUrl {
    /// The hash as 64 lower-case hex digits: the name in the store and in Kestrel's API.
    pub fn hash_hex(&self) -> String {
        hex(&self.hash)
    }
}

impl fmt::Display for ImageUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}//{}", self.hash_hex())?;
        let parameters = [
            ("type", self.mime.as_deref().map(percent_encoded)),
            ("bytes", self.bytes.map(|bytes| bytes.to_string())),
            ("width", self.width.map(|width| width.to_string())),
            ("height", self.height.map(|height| height.to_string())),
        ];
        let mut separator = '?';
        for (name, value) in parameters {
            if let Some(value) = value {
                write!(f, "{separator}{name}={value}")?;
                separator = '&';
            }
        }
        Ok(())
    }
}

/// The text is no `caribou-image://` URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a caribou-image:// URL with a sha256 of 64 lower-case hex digits")]
pub struct ParseImageUrlError;

impl FromStr for ImageUrl {
    type Err = ParseImageUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let reference = image_urls(text).next().ok_or(ParseImageUrlError)?;
        if reference.range == (0..text.len()) {
            Ok(reference.url)
        } else {
            Err(ParseImageUrlError)
        }
    }
}

/// A reference found in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageReference {
    /// Where in the text it is.
    pub range: Range<usize>,
    /// What it says.
    pub url: ImageUrl,
}

/// Finds the references in a stored value, text or JSON, in order.
pub fn image_urls(text: &str) -> impl Iterator<Item = ImageReference> + '_ {
    static SCHEME_FINDER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(SCHEME));
    let mut from = 0;
    std::iter::from_fn(move || {
        loop {
            let start = from + SCHEME_FINDER.find(&text.as_bytes()[from..])?;
            from = start + SCHEME.len();
            if let Some(reference) = reference_at(text, start) {
                from = reference.range.end;
                return Some(reference);
            }
        }
    })
}

fn reference_at(text: &str, start: usize) -> Option<ImageReference> {
    let after_scheme = &text[start + SCHEME.len()..];
    // Some JSON writers escape slashes.
    let rest = ["//", r"\/\/"]
        .iter()
        .find_map(|slashes| after_scheme.strip_prefix(slashes))?;
    let hash = hash_from_hex(rest.as_bytes().get(..HASH_DIGITS)?)?;
    let after_hash = &rest[HASH_DIGITS..];
    let mut url = ImageUrl {
        hash,
        mime: None,
        bytes: None,
        width: None,
        height: None,
    };
    let query_len = read_query(after_hash, &mut url);
    let end = text.len() - after_hash.len() + query_len;
    Some(ImageReference {
        range: start..end,
        url,
    })
}

/// Reads the parameters at the start as they are written here, in any order; the length of what was read.
///
/// It ends with the last of them, whatever the surrounding text goes on with.
fn read_query(text: &str, url: &mut ImageUrl) -> usize {
    let mut len = 0;
    while let Some(parameter) = text[len..].strip_prefix(if len == 0 { '?' } else { '&' }) {
        let name_len = parameter.bytes().take_while(u8::is_ascii_lowercase);
        let (name, rest) = parameter.split_at(name_len.count());
        let Some(value) = rest.strip_prefix('=') else {
            break;
        };
        let value_len = match name {
            "type" => read_type(value, &mut url.mime),
            "bytes" => read_number(value, &mut url.bytes),
            "width" => read_number(value, &mut url.width),
            "height" => read_number(value, &mut url.height),
            _ => 0,
        };
        if value_len == 0 {
            break;
        }
        len += "?".len() + name.len() + "=".len() + value_len;
    }
    len
}

fn read_type(text: &str, mime: &mut Option<String>) -> usize {
    let in_type = |byte: u8| byte.is_ascii_alphanumeric() || b"%._-".contains(&byte);
    let len = text.bytes().take_while(|byte| in_type(*byte)).count();
    let value = text[..len].trim_end_matches('.');
    *mime = percent_decoded(value);
    if mime.is_some() { value.len() } else { 0 }
}

fn read_number<T: FromStr>(text: &str, number: &mut Option<T>) -> usize {
    let len = text.bytes().take_while(u8::is_ascii_digit).count();
    *number = text[..len].parse().ok();
    if number.is_some() { len } else { 0 }
}

fn hash_from_hex(digits: &[u8]) -> Option<[u8; 32]> {
    let mut hash = [0; 32];
    for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
    }
    Some(hash)
}

const fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| char::from(DIGITS[usize::from(digit)]))
        .collect()
}

fn percent_encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"._-".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push_str(&hex(&[byte]).to_ascii_uppercase());
        }
    }
    out
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let high = nibble(bytes.next()?.to_ascii_lowercase())?;
            let low = nibble(bytes.next()?.to_ascii_lowercase())?;
            out.push(high << 4 | low);
        } else {
            out.push(byte);
        }
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash() -> String {
        "0a".repeat(32)
    }

    #[test]
    fn references_are_found_wherever_they_stand() {
        let hash = hash();
        let text = format!(
            "see caribou-image://{hash}. ![a](caribou-image://{hash}?type=image%2Fpng&bytes=7&width=1&height=2) \
             {{\"url\":\"caribou-image:\\/\\/{hash}?type=audio%2Fwav&bytes=9.\"}}"
        );
        let found: Vec<_> = image_urls(&text).map(|r| &text[r.range]).collect();
        assert_eq!(
            found,
            [
                format!("caribou-image://{hash}"),
                format!("caribou-image://{hash}?type=image%2Fpng&bytes=7&width=1&height=2"),
                format!("caribou-image:\\/\\/{hash}?type=audio%2Fwav&bytes=9"),
            ]
        );
    }

    #[test]
    fn what_has_no_full_hash_is_no_reference() {
        let upper = hash().to_uppercase();
        for text in [
            "caribou-image://",
            "caribou-image://0a0a",
            "caribou-image:é//",
            &format!("caribou-image://{}", &hash()[1..]),
            &format!("caribou-image://{upper}"),
        ] {
            assert_eq!(image_urls(text).count(), 0, "{text}");
        }
    }

    #[test]
    fn a_reference_ends_where_its_parameters_do() {
        let whole = format!("caribou-image://{}?type=image%2Fpng&bytes=7", hash());
        for rest in [
            "",
            "-",
            "=",
            "&",
            "&x=1",
            "&width=x",
            "&height=99999999999",
            "px",
            "?bytes=8",
        ] {
            let text = format!("{whole}{rest}");
            let reference = image_urls(&text).next().unwrap();
            assert_eq!(&text[reference.range], whole);
            assert_eq!((reference.url.bytes, reference.url.width), (Some(7), None));
        }
    }
}
