//! Answers of a server, as its clients read them.

use std::time::Duration;

use caribou_otlp::response::{
    Encoding, PartialSuccess, Status, decode_status, decode_success, encode_status, encode_success,
};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message as _;
use serde_json::{Value, json};

#[test]
fn success_without_a_word_is_an_empty_message() {
    assert_eq!(encode_success(Encoding::Protobuf, 0, ""), b"");
    assert_eq!(encode_success(Encoding::Json, 0, ""), b"{}");
    for (encoding, body) in [
        (Encoding::Protobuf, b"".as_slice()),
        (Encoding::Json, b"{}"),
    ] {
        assert_eq!(
            decode_success(encoding, body),
            Ok(PartialSuccess::default())
        );
    }
}

#[test]
fn partial_success_is_read_by_the_official_crate_and_by_us() {
    let body = encode_success(Encoding::Protobuf, 3, "why");
    let official = ExportTraceServiceResponse::decode(body.as_slice()).unwrap();
    let partial = official.partial_success.unwrap();
    assert_eq!(
        (partial.rejected_spans, partial.error_message.as_str()),
        (3, "why")
    );
    for encoding in [Encoding::Protobuf, Encoding::Json] {
        let body = encode_success(encoding, 3, "why \"so\"");
        let expected = PartialSuccess {
            rejected: 3,
            message: "why \"so\"".to_owned(),
        };
        assert_eq!(decode_success(encoding, &body), Ok(expected));
    }
}

#[test]
fn an_error_carries_when_to_try_again() {
    let status = Status {
        code: 14,
        message: "store is away".to_owned(),
        retry_delay: Some(Duration::from_millis(1_500)),
    };
    let body = encode_status(Encoding::Protobuf, &status);
    assert_eq!(decode_status(&body), Ok(status.clone()));
    let json: Value = serde_json::from_slice(&encode_status(Encoding::Json, &status)).unwrap();
    assert_eq!(
        json,
        json!({"code": 14, "message": "store is away", "details": [
            {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "1.500000000s"}]})
    );
}

#[test]
fn an_answer_that_is_none_is_an_error() {
    assert!(decode_success(Encoding::Protobuf, b"<html>").is_err());
    assert!(decode_success(Encoding::Json, b"<html>").is_err());
    assert!(decode_status(b"\xff").is_err());
}
