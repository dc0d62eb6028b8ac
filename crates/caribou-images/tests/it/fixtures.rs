//! Small real and nearly real binaries.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use caribou_images::{Image, Lifter};

/// One pixel.
pub(crate) const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

pub(crate) fn encoded(head: &[u8]) -> String {
    let filler = (0..90_u8).map(|byte| byte.wrapping_mul(31));
    STANDARD.encode([head, &filler.collect::<Vec<_>>()].concat())
}

pub(crate) fn pdf() -> String {
    encoded(b"%PDF-1.7\n")
}

pub(crate) fn wav() -> String {
    encoded(b"RIFF\x10\0\0\0WAVEfmt ")
}

pub(crate) fn url(base64: &str, claimed: &str) -> String {
    let bytes = STANDARD.decode(base64).expect("a fixture is base64");
    Image::from_bytes(bytes, Some(claimed)).url().to_string()
}

pub(crate) fn png_url() -> String {
    url(PNG, "image/png")
}

pub(crate) fn lift_json(json: &str) -> (String, Lifter) {
    let mut lifter = Lifter::default();
    let lifted = lifter.lift_json(json).into_owned();
    (lifted, lifter)
}

pub(crate) fn lift_text(text: &str) -> (String, Lifter) {
    let mut lifter = Lifter::default();
    let lifted = lifter.lift_text(text).into_owned();
    (lifted, lifter)
}
