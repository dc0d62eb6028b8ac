//! What bytes are, told by the bytes.

/// A kind of content that the first bytes give away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    pub(crate) mime: &'static str,
    pub(crate) certainty: Certainty,
}

/// How much the first bytes say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Certainty {
    /// Enough.
    Sure,
    /// Other bytes may look alike: to be believed only where somebody claims the same.
    Likely,
    /// A container that formats of other names are kept in.
    Container,
}

/// The media type of content, by its first bytes; `None` for what is not known.
///
/// Known are PNG, JPEG, GIF, WebP, BMP, TIFF, AVIF, HEIC, SVG, PDF, WAV, MP3, AAC, Ogg, FLAC, MP4, `WebM`, ZIP and OLE.
///
/// ```
/// assert_eq!(caribou_images::sniff(b"\x89PNG\r\n\x1a\n..."), Some("image/png"));
/// assert_eq!(caribou_images::sniff(b"hello"), None);
/// ```
pub fn sniff(bytes: &[u8]) -> Option<&'static str> {
    kind(bytes).map(|kind| kind.mime)
}

pub(crate) fn kind(bytes: &[u8]) -> Option<Kind> {
    if let Some(mime) = by_magic(bytes)
        .or_else(|| riff(bytes))
        .or_else(|| base_media(bytes))
        .or_else(|| is_svg(bytes).then_some("image/svg+xml"))
    {
        return Some(Kind {
            mime,
            certainty: Certainty::Sure,
        });
    }
    if let Some(mime) = container(bytes) {
        return Some(Kind {
            mime,
            certainty: Certainty::Container,
        });
    }
    likely(bytes).map(|mime| Kind {
        mime,
        certainty: Certainty::Likely,
    })
}

fn by_magic(bytes: &[u8]) -> Option<&'static str> {
    const MAGICS: [(&[u8], &str); 10] = [
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"GIF87a", "image/gif"),
        (b"GIF89a", "image/gif"),
        (b"II*\0", "image/tiff"),
        (b"MM\0*", "image/tiff"),
        (b"%PDF-", "application/pdf"),
        (b"ID3", "audio/mpeg"),
        (b"OggS", "audio/ogg"),
        (b"fLaC", "audio/flac"),
        (b"\x1a\x45\xdf\xa3", "video/webm"),
    ];
    if let [0xFF, 0xD8, 0xFF, 0xC0..=0xFE, ..] = bytes {
        return Some("image/jpeg");
    }
    MAGICS
        .iter()
        .find(|(magic, _)| bytes.starts_with(magic))
        .map(|(_, mime)| *mime)
}

fn riff(bytes: &[u8]) -> Option<&'static str> {
    match (bytes.get(..4)?, bytes.get(8..12)?) {
        (b"RIFF", b"WEBP") => Some("image/webp"),
        (b"RIFF", b"WAVE") => Some("audio/wav"),
        _ => None,
    }
}

/// ISO base media files name their brand after `ftyp`.
fn base_media(bytes: &[u8]) -> Option<&'static str> {
    if bytes.get(4..8)? != b"ftyp" {
        return None;
    }
    let brand = bytes.get(8..12)?;
    // Still pictures may name the structure first and the coding among the compatible brands.
    let compatible = &bytes[16.min(bytes.len())..32.min(bytes.len())];
    let named = |name: &[u8]| compatible.chunks_exact(4).any(|brand| brand == name);
    Some(match brand {
        b"avif" | b"avis" => "image/avif",
        b"mif1" | b"msf1" | b"miaf" if named(b"avif") => "image/avif",
        b"mif1" | b"msf1" | b"miaf" | b"heic" | b"heix" | b"hevc" | b"hevx" | b"heim" | b"heis" => {
            "image/heic"
        }
        b"M4A " | b"M4B " => "audio/mp4",
        _ => "video/mp4",
    })
}

/// An SVG document, and not another one that has an SVG in it.
fn is_svg(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(4096)];
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let head = head.trim_ascii_start().to_ascii_lowercase();
    let prologue = [&b"<?xml"[..], b"<!--", b"<!doctype svg"];
    head.starts_with(b"<svg")
        || (prologue.iter().any(|start| head.starts_with(start))
            && memchr::memmem::find(&head, b"<svg").is_some()
            && memchr::memmem::find(&head, b"<html").is_none())
}

fn container(bytes: &[u8]) -> Option<&'static str> {
    if bytes.starts_with(b"PK\x03\x04") {
        Some("application/zip")
    } else if bytes.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") {
        Some("application/x-ole-storage")
    } else {
        None
    }
}

fn likely(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [b'B', b'M', ..] => {
            let header = bytes.get(14..18)?;
            let known = matches!(header, [12 | 40 | 52 | 56 | 64 | 108 | 124, 0, 0, 0]);
            known.then_some("image/bmp")
        }
        [0xFF, 0xF1 | 0xF9, ..] => Some("audio/aac"),
        // Frame sync, layer III, and a bit rate and sampling rate that exist.
        [0xFF, second, third, ..]
            if second & 0xE6 == 0xE2 && third & 0xF0 != 0xF0 && third & 0x0C != 0x0C =>
        {
            Some("audio/mpeg")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_by_their_first_bytes() {
        let cases: [(&[u8], &str); 21] = [
            (b"\x89PNG\r\n\x1a\n", "image/png"),
            (b"\xff\xd8\xff\xe0", "image/jpeg"),
            (b"GIF89a", "image/gif"),
            (b"RIFF\x10\0\0\0WEBPVP8 ", "image/webp"),
            (b"RIFF\x10\0\0\0WAVEfmt ", "audio/wav"),
            (b"BM\x10\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0", "image/bmp"),
            (b"II*\0\x08\0\0\0", "image/tiff"),
            (b"MM\0*\0\0\0\x08", "image/tiff"),
            (b"\0\0\0\x20ftypavif\0\0\0\0", "image/avif"),
            (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf", "image/avif"),
            (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "image/heic"),
            (b"\0\0\0\x18ftypisom\0\0\0\0", "video/mp4"),
            (b"\0\0\0\x18ftypM4A \0\0\0\0", "audio/mp4"),
            (b"%PDF-1.7", "application/pdf"),
            (b"ID3\x04", "audio/mpeg"),
            (b"\xff\xfb\x90\x00", "audio/mpeg"),
            (b"OggS", "audio/ogg"),
            (b"fLaC", "audio/flac"),
            (b"\x1a\x45\xdf\xa3", "video/webm"),
            (b"<?xml version='1.0'?>\n<svg xmlns=", "image/svg+xml"),
            (b"PK\x03\x04", "application/zip"),
        ];
        for (bytes, mime) in cases {
            assert_eq!(sniff(bytes), Some(mime), "{bytes:?}");
        }
    }

    #[test]
    fn what_only_resembles_a_kind_is_none() {
        let cases: [&[u8]; 6] = [
            b"",
            b"BMW is a car maker",
            b"RIFF\x10\0\0\0AVI ",
            b"<!doctype html><html><svg></svg>",
            b"<?xml version='1.0'?><html><svg/></html>",
            b"\xff\xfb\xf0\x00",
        ];
        for bytes in cases {
            assert_eq!(sniff(bytes), None, "{bytes:?}");
        }
    }
}
