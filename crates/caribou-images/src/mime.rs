//! Media types as texts claim them.

use std::borrow::Cow;

/// What something of an unknown kind is.
pub(crate) const UNKNOWN: &str = "application/octet-stream";

/// A claimed type without parameters, in lower case; `None` for what is no media type.
pub(crate) fn normalized(claimed: &str) -> Option<String> {
    let essence = claimed.split(';').next().unwrap_or_default().trim();
    let essence = essence.replace('\\', "").to_ascii_lowercase();
    let (major, minor) = essence.split_once('/')?;
    let sound = essence.len() <= 100 && is_token(major) && is_token(minor);
    sound.then_some(essence)
}

/// The part before the slash.
pub(crate) fn major(mime: &str) -> &str {
    mime.split('/').next().unwrap_or_default()
}

/// True for types whose bytes are always told by their first ones, so that unknown bytes belie the claim.
pub(crate) fn is_told_by_bytes(mime: &str) -> bool {
    matches!(major(mime), "image" | "audio" | "video")
}

/// The usual names of one type made one.
pub(crate) fn canonical(mime: &str) -> Cow<'_, str> {
    match mime {
        "image/jpg" | "image/pjpeg" => Cow::Borrowed("image/jpeg"),
        "audio/mp3" => Cow::Borrowed("audio/mpeg"),
        "audio/x-wav" | "audio/wave" | "audio/vnd.wave" => Cow::Borrowed("audio/wav"),
        other => Cow::Borrowed(other),
    }
}

fn is_token(part: &str) -> bool {
    !part.is_empty()
        && part
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_are_trimmed_to_the_type_or_refused() {
        let read = |claimed| normalized(claimed).unwrap_or_default();
        assert_eq!(read("Image/PNG; charset=utf-8"), "image/png");
        assert_eq!(read("image\\/svg+xml"), "image/svg+xml");
        assert_eq!(read("image"), "");
        assert_eq!(read("image/png\r\nX-Evil: 1"), "");
        assert_eq!(read(&format!("a/{}", "b".repeat(200))), "");
    }
}
