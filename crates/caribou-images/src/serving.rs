//! How a stored binary is served, so that none can run in a page.

use crate::mime;

/// The policy to serve every stored binary with, beside `X-Content-Type-Options: nosniff`: should a browser show it after all,
/// it runs nothing and loads nothing.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; sandbox";

/// The headers that a binary is served with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Serving {
    /// The `Content-Type`: one of a fixed list of types without active content, never what a sender wrote.
    pub content_type: &'static str,
    /// Whether a browser may show it in place; all else is to be downloaded.
    pub inline: bool,
}

impl Serving {
    /// The `Content-Disposition`.
    pub const fn disposition(self) -> &'static str {
        if self.inline { "inline" } else { "attachment" }
    }
}

/// How to serve a binary of a type.
///
/// Raster images that every browser shows are inline. Audio, video, PDF and the other raster images are attachments of their own type
/// (`<audio>` and `<video>` play attachments). Everything else, SVG and HTML first, is an attachment of no type.
///
/// ```
/// use caribou_images::serving;
///
/// assert!(serving("image/png").inline);
/// let svg = serving("image/svg+xml");
/// assert_eq!((svg.content_type, svg.disposition()), ("application/octet-stream", "attachment"));
/// ```
pub fn serving(mime: &str) -> Serving {
    const INLINE: [&str; 6] = [
        "image/png",
        "image/jpeg",
        "image/gif",
        "image/webp",
        "image/bmp",
        "image/avif",
    ];
    const ATTACHED: [&str; 14] = [
        "image/tiff",
        "image/heic",
        "audio/wav",
        "audio/mpeg",
        "audio/aac",
        "audio/ogg",
        "audio/flac",
        "audio/mp4",
        "audio/webm",
        "video/mp4",
        "video/webm",
        "video/ogg",
        "application/pdf",
        "application/zip",
    ];
    let named = |list: &[&'static str]| list.iter().copied().find(|known| *known == mime);
    if let Some(content_type) = named(&INLINE) {
        return Serving {
            content_type,
            inline: true,
        };
    }
    Serving {
        content_type: named(&ATTACHED).unwrap_or(mime::UNKNOWN),
        inline: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn active_and_unknown_types_are_attachments_of_no_type() {
        for mime in [
            "image/svg+xml",
            "text/html",
            "application/xhtml+xml",
            "text/xml",
            "application/javascript",
            "text/plain",
            "IMAGE/PNG",
            "image/png; charset=utf-8",
            "image/png\r\nX-Evil: 1",
            "",
        ] {
            let serving = serving(mime);
            assert_eq!(serving.content_type, "application/octet-stream", "{mime}");
            assert_eq!(serving.disposition(), "attachment", "{mime}");
        }
    }

    #[test]
    fn documents_keep_their_type_but_are_not_shown_in_place() {
        for mime in ["application/pdf", "audio/mpeg", "video/mp4", "image/tiff"] {
            let serving = serving(mime);
            assert_eq!((serving.content_type, serving.inline), (mime, false));
        }
    }
}
