//! Answers are compressed for those who ask: large texts, and nothing else.

use std::io::{Read as _, Write as _};

use serde_json::Value;
use test_support::otlp::TestSpan;

use crate::support::{PROTOBUF, connect, new_trace, send, server};

/// One answer as it came over the wire: its head in lower case, and its body.
fn answer(path: &str, accepted: &str) -> (String, Vec<u8>) {
    let mut stream = connect(server());
    // HTTP/1.0, so that the body ends with the connection and has no chunks.
    write!(
        stream,
        "GET {path} HTTP/1.0\r\nhost: localhost\r\naccept-encoding: {accepted}\r\n\r\n"
    )
    .unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let end = bytes
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .unwrap()
        + 4;
    let head = String::from_utf8(bytes[..end].to_ascii_lowercase()).unwrap();
    (head, bytes[end..].to_vec())
}

/// The address of the spans of a new rollout that has this many.
fn spans(count: u64) -> String {
    let trace = new_trace();
    let spans: Vec<_> = (0..count)
        .map(|span| TestSpan::message(trace, span, "user", "the same again"))
        .collect();
    send(server(), "compression", &spans);
    format!("/api/v1/traces/{}/spans?limit=500", spans[0].trace_hex())
}

#[test]
fn a_large_answer_is_smaller_in_the_encoding_that_was_asked_for() {
    let path = spans(200);
    let (head, plain) = answer(&path, "identity");
    assert!(!head.contains("content-encoding"), "{head}");
    let expected: Value = serde_json::from_slice(&plain).unwrap();
    assert_eq!(expected["items"].as_array().unwrap().len(), 200);

    let (head, zipped) = answer(&path, "gzip, deflate");
    assert!(head.contains("content-encoding: gzip"), "{head}");
    assert!(head.contains("vary: accept-encoding"), "{head}");
    assert!(zipped.len() < plain.len() / 10);
    let mut text = Vec::new();
    flate2::read::GzDecoder::new(&*zipped)
        .read_to_end(&mut text)
        .unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&text).unwrap(), expected);

    let (head, packed) = answer(&path, "gzip, deflate, br, zstd");
    assert!(head.contains("content-encoding: zstd"), "{head}");
    let text = zstd::decode_all(&*packed).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&text).unwrap(), expected);
}

#[test]
fn small_answers_and_stored_binaries_stay_as_they_are() {
    let (head, _) = answer("/healthz", "gzip, zstd");
    assert!(!head.contains("content-encoding"), "{head}");
    let binary = b"\0not to be shown\0".repeat(200);
    let stored = server().post("/api/v1/images?project=compression", &[PROTOBUF], &binary);
    let hash = stored.json()["hash"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/images/{hash}?project=compression");
    let (head, body) = answer(&path, "gzip, zstd");
    assert!(!head.contains("content-encoding"), "{head}");
    assert_eq!(body, binary);
}
