//! What holds for every input.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};
use caribou_images::{Image, Lifter, Limits, image_urls, sniff};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::fixtures::{PNG, lift_json, lift_text};

/// Pieces that meet in real and in hostile texts.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("data:image/png;base64,".to_owned()),
        Just(PNG.to_owned()),
        Just(PNG.replace('/', r"\/")),
        Just(format!("{}\n{}", &PNG[..64], &PNG[64..])),
        Just(format!("{}\\n{}", &PNG[..64], &PNG[64..])),
        Just("\"type\":\"base64\",\"data\":\"".to_owned()),
        Just("{\"type\":\"blob\",\"content\":\"".to_owned()),
        Just("caribou-image://".to_owned()),
        "[\\[\\]{}\",:\\\\ /.=%éx\n-]{1,4}",
        "[A-Za-z0-9+/]{1,90}",
        "\\PC{0,8}",
    ]
}

fn mess() -> impl Strategy<Value = String> {
    prop::collection::vec(piece(), 0..12).prop_map(|pieces| pieces.concat())
}

/// JSON values in whose strings the same pieces meet.
fn document() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        mess().prop_map(Value::from),
        Just(json!({"type": "base64", "media_type": "image/png", "data": PNG})),
        Just(json!({"type": "blob", "content": PNG, "uri": 1})),
        Just(json!(format!("data:image/png;base64,{PNG}"))),
        any::<i32>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let key = prop_oneof![
            Just("data".to_owned()),
            Just("type".to_owned()),
            Just("content".to_owned()),
            Just("format".to_owned()),
            mess(),
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((key, inner.clone()), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
            inner.prop_map(|value| Value::from(value.to_string())),
        ]
    })
}

/// Puts every lifted image back as a data URL or bare, whichever gives the text before.
fn is_before(before: &str, after: &str, images: &[Image]) -> bool {
    let mut at = 0;
    let mut copied = 0;
    for reference in image_urls(after) {
        let Some(image) = images.iter().find(|i| i.hash == reference.url.hash) else {
            continue;
        };
        let kept = &after[copied..reference.range.start];
        if !before[at..].starts_with(kept) {
            return false;
        }
        at += kept.len();
        copied = reference.range.end;
        let next = &after[copied..];
        let end = (at..=before.len())
            .rev()
            .filter(|end| before.is_char_boundary(*end))
            .find(|end| stands_for(&before[at..*end], image) && same_start(&before[*end..], next));
        let Some(end) = end else { return false };
        at = end;
    }
    before[at..] == after[copied..]
}

fn stands_for(text: &str, image: &Image) -> bool {
    let payload = text.rsplit_once(";base64,").map_or(text, |(_, rest)| rest);
    let digits: String = payload
        .replace("\\n", "")
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '\\')
        .collect();
    let digits = digits.replace('-', "+").replace('_', "/");
    STANDARD_NO_PAD
        .decode(digits.trim_end_matches('='))
        .is_ok_and(|bytes| bytes == image.bytes)
}

fn same_start(before: &str, after: &str) -> bool {
    match after.find("caribou-image:") {
        Some(upto) => before.starts_with(&after[..upto]),
        None => before == after,
    }
}

proptest! {
    #[test]
    fn lifting_a_text_changes_payloads_only(text in mess()) {
        // Parts are renamed besides; documents have a test of their own.
        if text.trim_start().starts_with(['{', '[']) {
            return Ok(());
        }
        let (lifted, lifter) = lift_text(&text);
        prop_assert!(is_before(&text, &lifted, lifter.images()), "{text}\n{lifted}");
    }

    #[test]
    fn lifting_twice_changes_nothing(text in mess(), document in document()) {
        for text in [text, document.to_string()] {
            for lift in [lift_text, lift_json] {
                let (once, _) = lift(&text);
                let (twice, lifter) = lift(&once);
                prop_assert_eq!(&once, &twice);
                prop_assert_eq!(lifter.images().len(), 0);
            }
        }
    }

    #[test]
    fn valid_json_stays_valid_and_keeps_its_shape(document in document()) {
        for text in [document.to_string(), serde_json::to_string_pretty(&document).unwrap()] {
            let (lifted, lifter) = lift_json(&text);
            let lifted: Value = serde_json::from_str(&lifted).unwrap();
            prop_assert_eq!(shape(&document), shape(&lifted));
            prop_assert_eq!(lifter.images().is_empty(), document == lifted);
        }
    }

    #[test]
    fn every_image_comes_back_byte_for_byte(
        tail in prop::collection::vec(any::<u8>(), 60..600),
        head in prop::sample::select(vec![&b"\x89PNG\r\n\x1a\n"[..], b"\xff\xd8\xff\xe0", b"%PDF-1", b"OggS", b"MM\0*"]),
        url_safe in any::<bool>(),
    ) {
        let bytes = [head, &tail].concat();
        let payload = if url_safe { URL_SAFE.encode(&bytes) } else { STANDARD.encode(&bytes) };
        let part = json!({"a": [payload, format!("x (data:a/b;base64,{payload})")]}).to_string();
        let (lifted, lifter) = lift_json(&part);
        prop_assert_eq!(lifter.images().len(), 1);
        prop_assert_eq!(&lifter.images()[0].bytes, &bytes);
        prop_assert_eq!(image_urls(&lifted).count(), 2);
        prop_assert_eq!(lifter.images()[0].mime.as_str(), sniff(&bytes).unwrap());
    }

    #[test]
    fn limits_hold(texts in prop::collection::vec(document(), 0..4), max_total_bytes in 0_usize..200) {
        let mut lifter = Lifter::new(Limits { min_bytes: 1, max_total_bytes });
        for text in &texts {
            lifter.lift_json(&text.to_string());
        }
        let total: usize = lifter.images().iter().map(|image| image.bytes.len()).sum();
        prop_assert!(total <= max_total_bytes);
    }

    #[test]
    fn bytes_of_any_kind_are_taken_without_panic(
        head in prop::sample::select(vec![
            &b""[..], b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a", b"RIFF\0\0\0\0WEBPVP8", b"BM", b"II*\0", b"MM\0+\0\x08\0\0",
            b"\0\0\0\x10ftypavif\0\0\0\0\0\0\0\x10meta\0\0\0\0\0\0\0\x20iprp\0\0\0\x18ipco",
        ]),
        tail in prop::collection::vec(prop_oneof![Just(0_u8), Just(0xFF), any::<u8>()], 0..200),
    ) {
        let image = Image::from_bytes([head, &tail].concat(), Some("image/bmp"));
        let text = image.url().to_string();
        prop_assert_eq!(text.parse(), Ok(image.url()));
    }
}

/// Everything but the texts of strings and the names of members.
fn shape(value: &Value) -> Value {
    match value {
        Value::String(_) => json!(""),
        Value::Array(items) => items.iter().map(shape).collect(),
        Value::Object(members) => json!(members.len()),
        other => other.clone(),
    }
}
