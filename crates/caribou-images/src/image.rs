//! A binary that was lifted out of a value.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::sniff::{self, Certainty};
use crate::url::ImageUrl;
use crate::{mime, url};

/// A binary with what its bytes tell. Most are images, whence the name.
#[derive(Clone, PartialEq, Eq)]
pub struct Image {
    /// SHA-256 of the bytes: the identity.
    pub hash: [u8; 32],
    /// Media type.
    pub mime: String,
    /// The content.
    pub bytes: Vec<u8>,
    /// Width in pixels, of raster images.
    pub width: Option<u32>,
    /// Height in pixels, of raster images.
    pub height: Option<u32>,
}

impl Image {
    /// Takes bytes for what they are; where they do not tell, for what is claimed, else for `application/octet-stream`.
    ///
    /// For uploads: what the bytes are is decided here again, whatever the uploader says.
    pub fn from_bytes(bytes: Vec<u8>, claimed: Option<&str>) -> Self {
        let claimed = claimed.and_then(mime::normalized);
        let claimed = claimed.as_deref();
        let mime = mime_by_bytes(&bytes, claimed)
            .or_else(|| mime_by_claim(claimed))
            .unwrap_or_else(|| mime::UNKNOWN.to_owned());
        Self::of_type(bytes, mime)
    }

    pub(crate) fn of_type(bytes: Vec<u8>, mime: String) -> Self {
        let (width, height) = dimensions(&bytes, &mime).unzip();
        Self {
            hash: Sha256::digest(&bytes).into(),
            mime,
            bytes,
            width,
            height,
        }
    }

    /// The reference that stands for it in stored values.
    pub fn url(&self) -> ImageUrl {
        ImageUrl {
            hash: self.hash,
            mime: Some(self.mime.clone()),
            bytes: Some(self.bytes.len() as u64),
            width: self.width,
            height: self.height,
        }
    }

    /// The hash as 64 lower-case hex digits: the name in the store and in Kestrel's API.
    pub fn hash_hex(&self) -> String {
        url::hex(&self.hash)
    }
}

/// Under which name an object store keeps the binary with this hash, given as hex: `sha256/ab/cdef…`, so that folders stay
/// small. Kestrel and the programs that write to the same bucket agree on it.
pub fn object_name(hash_hex: &str) -> String {
    let (first, rest) = hash_hex.split_at_checked(2).unwrap_or((hash_hex, ""));
    format!("sha256/{first}/{rest}")
}

impl fmt::Debug for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Image({})", self.url())
    }
}

/// The type that the bytes have; a claim settles what they leave open.
pub(crate) fn mime_by_bytes(bytes: &[u8], claimed: Option<&str>) -> Option<String> {
    let kind = sniff::kind(bytes)?;
    let claimed = claimed.map(mime::canonical);
    let claimed_major = claimed.as_deref().map(mime::major);
    let resolved = match (kind.certainty, claimed.as_deref()) {
        (Certainty::Likely, _) if claimed_major != Some(mime::major(kind.mime)) => return None,
        (Certainty::Container, Some(claimed)) if !mime::is_told_by_bytes(claimed) => claimed,
        // One container for sound and moving pictures: the first bytes do not say which.
        (_, Some("audio/webm")) if kind.mime == "video/webm" => "audio/webm",
        (_, Some("audio/mp4" | "audio/m4a" | "audio/x-m4a")) if kind.mime == "video/mp4" => {
            "audio/mp4"
        }
        (_, Some("video/ogg")) if kind.mime == "audio/ogg" => "video/ogg",
        _ => kind.mime,
    };
    Some(resolved.to_owned())
}

/// The claimed type, where bytes that tell nothing do not belie it.
pub(crate) fn mime_by_claim(claimed: Option<&str>) -> Option<String> {
    claimed
        .filter(|claimed| !mime::is_told_by_bytes(claimed))
        .map(str::to_owned)
}

fn dimensions(bytes: &[u8], mime: &str) -> Option<(u32, u32)> {
    if mime::major(mime) != "image" || mime == "image/svg+xml" {
        return None;
    }
    let size = imagesize::blob_size(bytes).ok()?;
    let width = u32::try_from(size.width).ok()?;
    let mut height = u32::try_from(size.height).ok()?;
    if mime == "image/bmp" {
        // A negative height says that the rows start at the top.
        height = height.cast_signed().unsigned_abs();
    }
    (width > 0 && height > 0).then_some((width, height))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(bytes: &[u8]) -> (String, Option<u32>, Option<u32>) {
        let image = Image::from_bytes(bytes.to_vec(), None);
        (image.mime, image.width, image.height)
    }

    fn of(mime: &str, width: u32, height: u32) -> (String, Option<u32>, Option<u32>) {
        (mime.to_owned(), Some(width), Some(height))
    }

    #[test]
    fn dimensions_are_read_from_each_raster_kind() {
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\x02\x80\0\0\x01\xe0\x08\x06\0\0\0";
        assert_eq!(seen(png), of("image/png", 640, 480));
        let gif = b"GIF89a\x03\0\x02\0\0\0\0";
        assert_eq!(seen(gif), of("image/gif", 3, 2));
        let jpeg = b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0\xff\xc0\0\x11\x08\0\x20\0\x40\x03";
        assert_eq!(seen(jpeg), of("image/jpeg", 64, 32));
        let webp = b"RIFF\x1a\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x0f\0\0\x07\0\0";
        assert_eq!(seen(webp), of("image/webp", 16, 8));
        let tiff = b"II*\0\x08\0\0\0\x02\0\0\x01\x03\0\x01\0\0\0\x05\0\0\0\x01\x01\x03\0\x01\0\0\0\x04\0\0\0";
        assert_eq!(seen(tiff), of("image/tiff", 5, 4));
        let avif = b"\0\0\0\x14ftypavif\0\0\0\0avif\0\0\0\x40meta\0\0\0\0\0\0\0\x34iprp\0\0\0\x2cipco\0\0\0\x14ispe\0\0\0\0\0\0\0\x09\0\0\0\x07";
        assert_eq!(seen(avif), of("image/avif", 9, 7));
    }

    #[test]
    fn a_bitmap_that_starts_at_the_top_has_a_positive_height() {
        let head = b"BM\x10\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x02\0\0\0\xfd\xff\xff\xff";
        let image = Image::from_bytes(head.to_vec(), Some("image/bmp"));
        assert_eq!((image.width, image.height), (Some(2), Some(3)));
    }

    #[test]
    fn bytes_win_over_claims_and_claims_over_nothing() {
        let mime = |bytes: &[u8], claimed| Image::from_bytes(bytes.to_vec(), claimed).mime;
        assert_eq!(mime(b"%PDF-1.7", Some("image/png")), "application/pdf");
        assert_eq!(mime(b"a,b", Some("text/csv; header=present")), "text/csv");
        assert_eq!(mime(b"a,b", Some("image/png")), "application/octet-stream");
        assert_eq!(mime(b"a,b", None), "application/octet-stream");
        let sheet = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
        assert_eq!(mime(b"PK\x03\x04", Some(sheet)), sheet);
        assert_eq!(mime(b"\x1a\x45\xdf\xa3", Some("audio/webm")), "audio/webm");
        assert_eq!(mime(b"\xff\xfb\x90\x00", Some("audio/mp3")), "audio/mpeg");
    }

    #[test]
    fn its_debug_form_shows_the_reference_and_not_the_bytes() {
        let image = Image::from_bytes(vec![7; 1000], None);
        assert!(format!("{image:?}").len() < 200);
    }
}
