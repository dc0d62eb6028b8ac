//! The quick look that spares most texts a closer one.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use crate::base64_text::is_digit;

/// A run of base64 that matters covers a whole block, wherever the blocks begin, when it has twice the length.
const BLOCK: usize = 32;

/// Lines of wrapped base64 are 64 or 76 long; the ids, paths and names in a text seldom are.
const LONG_RUN: usize = 60;

/// How base64 of the kinds that [`crate::sniff`] knows begins, in the standard alphabet.
const OPENINGS: [&str; 20] = [
    "iVBORw0KGg",
    "/9j/",
    "R0lGOD",
    "UklGR",
    "Qk",
    "SUkqA",
    "TU0AK",
    // The size of an ISO base media box.
    "AAAA",
    "PHN2Z",
    "PD94b",
    "PCEt",
    "PCFE",
    "PCFk",
    "77u/",
    "JVBER",
    "SUQz",
    "T2dnU",
    "ZkxhQ",
    "GkXfo",
    // The sync word of MP3 and AAC.
    "//",
];

/// Containers of other formats.
const CONTAINER_OPENINGS: [&str; 2] = ["UEsDB", "0M8R4"];

/// Whether it is worth calling a [`crate::Lifter`]: false for every text that it would return as it is.
///
/// Costs a fraction of what copying the text does. The lifter asks itself; asking before it spares an `Option` or a task.
///
/// ```
/// assert!(!caribou_images::may_hold_image("an answer of the model, as most are"));
/// assert!(caribou_images::may_hold_image("data:image/png;base64,iVBORw0KGgo..."));
/// ```
pub fn may_hold_image(text: &str) -> bool {
    static BASE64: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("base64"));
    let bytes = text.as_bytes();
    holds_binary_run(bytes) || BASE64.find(bytes).is_some()
}

/// True if there is a long run of base64 that begins as a known kind does.
fn holds_binary_run(bytes: &[u8]) -> bool {
    let mut at = 0;
    while let Some((block, _)) = bytes[at..].split_first_chunk::<BLOCK>() {
        if has_gap(block) || !block.iter().all(|byte| is_run(*byte)) {
            at += BLOCK;
            continue;
        }
        let start = bytes[..at]
            .iter()
            .rposition(|byte| !is_run(*byte))
            .map_or(0, |before| before + 1);
        let end = bytes[at..]
            .iter()
            .position(|byte| !is_run(*byte))
            .map_or(bytes.len(), |after| at + after);
        if end - start >= LONG_RUN && opens_as_binary(&bytes[start..end]) {
            return true;
        }
        at = end;
    }
    false
}

/// Branch-free, so that it becomes a few vector instructions: prose has a space in nearly every block, and JSON a quote.
fn has_gap(block: &[u8; BLOCK]) -> bool {
    block
        .iter()
        .fold(0_u8, |gaps, byte| gaps | u8::from(*byte <= b'"'))
        != 0
}

/// What base64 is made of in a text or in a JSON string.
const fn is_run(byte: u8) -> bool {
    is_digit(byte) || matches!(byte, b'=' | b'\\' | b'%')
}

pub(crate) fn opens_as_binary(run: &[u8]) -> bool {
    let run = &run[crate::base64_text::gap_len(run)..];
    let mut opening = [0; 12];
    let digits = run.iter().filter(|byte| **byte != b'\\');
    for (slot, digit) in opening.iter_mut().zip(digits) {
        *slot = match digit {
            b'-' => b'+',
            b'_' => b'/',
            other => *other,
        };
    }
    OPENINGS
        .iter()
        .chain(&CONTAINER_OPENINGS)
        .any(|known| opening.starts_with(known.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};

    #[test]
    fn the_opening_of_every_known_kind_is_noticed_wherever_it_stands() {
        let heads: [&[u8]; 22] = [
            b"\x89PNG\r\n\x1a\n",
            b"\xff\xd8\xff\xe0",
            b"GIF87a",
            b"GIF89a",
            b"RIFF\x10\0\0\0WEBP",
            b"BM\x10\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0",
            b"II*\0",
            b"MM\0*",
            b"\0\0\0\x20ftypavif",
            b"<svg ",
            b"<?xml version='1.0'?><svg ",
            b"<!--x--><svg ",
            b"<!DOCTYPE svg><svg ",
            b"%PDF-1.7",
            b"ID3\x04",
            b"\xff\xfb\x90\x00",
            b"\xff\xf1\x50\x80",
            b"OggS",
            b"fLaC",
            b"\x1a\x45\xdf\xa3",
            b"PK\x03\x04",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        ];
        for head in heads {
            let bytes = [head, &[7; 64]].concat();
            assert!(crate::sniff(&bytes).is_some(), "{head:?}");
            for engine in [&STANDARD, &URL_SAFE] {
                let encoded = engine.encode(&bytes);
                let escaped = encoded.replace('/', r"\/");
                for shift in 0..BLOCK {
                    let pad = " ".repeat(shift);
                    assert!(may_hold_image(&format!("{pad}\"{encoded}\"")), "{head:?}");
                    assert!(may_hold_image(&format!("{pad}\"{escaped}\"")), "{head:?}");
                }
            }
        }
    }

    #[test]
    fn ids_paths_and_words_are_passed_by() {
        let hash = "0123456789abcdef".repeat(4);
        for text in [
            "",
            "the quick brown fox",
            "3f2a8c1e-9d4b-4f6a-8e2d-1c5b7a9f0e3d",
            &hash,
            "/very/long/path/to/some/project/with/many/folders/in/it/and/a/file/at/the/end",
            "{\"id\":\"call_0123456789\",\"arguments\":{\"path\":\"src/main.rs\",\"line\":12}}",
        ] {
            assert!(!may_hold_image(text), "{text}");
        }
    }
}
