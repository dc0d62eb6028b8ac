//! What is odd in protobuf but kept, and what is refused.

use caribou_model::{ItemType, attribute as key};
use caribou_otlp::{DecodeError, Defaults, RejectionReason, decode_protobuf};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValueList};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use prost::Message as _;
use serde_json::json;

use crate::support::{attribute, attributes_of, request_of, text_attribute, wire_span};

#[test]
fn a_body_of_nothing_is_a_request_without_spans() {
    let decoded = decode_protobuf(b"", &Defaults::default()).unwrap();
    assert!(decoded.spans.is_empty());
    assert_eq!(decoded.rejected_message(), None);
}

#[test]
fn garbage_is_an_error_that_says_where() {
    for body in [
        b"hello world".as_slice(),
        b"\x0a\xff",
        b"\x0b",
        b"\x00",
        b"\x0a\x05\x12",
    ] {
        let error = decode_protobuf(body, &Defaults::default()).unwrap_err();
        assert!(matches!(error, DecodeError::Protobuf { .. }), "{error}");
    }
}

#[test]
fn one_invalid_span_costs_no_other() {
    let mut spans: Vec<_> = (1..=500).map(wire_span).collect();
    spans[250].trace_id = vec![9; 15];
    let body = request_of(spans);
    let decoded = decode_protobuf(&body, &Defaults::default()).unwrap();
    assert_eq!((decoded.spans.len(), decoded.rejected_count), (499, 1));
    assert_eq!(decoded.rejected[0].index, 250);
    assert_eq!(decoded.rejected[0].reason, RejectionReason::InvalidTraceId);
    assert_eq!(
        decoded.rejected_message().unwrap(),
        "span 250 of the request was rejected: trace id must be 16 bytes and not all zero"
    );
}

#[test]
fn ids_of_zeros_and_of_any_length_are_rejected() {
    let mut spans: Vec<_> = (1..=4).map(wire_span).collect();
    spans[0].trace_id = vec![0; 16];
    spans[1].span_id = vec![0; 8];
    spans[2].span_id = vec![7; 100_000];
    spans[3].trace_id = Vec::new();
    let body = request_of(spans);
    let decoded = decode_protobuf(&body, &Defaults::default()).unwrap();
    assert_eq!((decoded.spans.len(), decoded.rejected_count), (0, 4));
    assert_eq!(decoded.rejected[2].span_id.len(), 32);
    assert!(
        decoded
            .rejected_message()
            .unwrap()
            .ends_with("(and 3 more)")
    );
}

#[test]
fn a_parent_that_is_no_id_is_dropped_and_marked() {
    let mut spans: Vec<_> = (1..=2).map(wire_span).collect();
    spans[0].parent_span_id = vec![1, 2, 3];
    spans[1].parent_span_id = vec![0; 8];
    let body = request_of(spans);
    let decoded = decode_protobuf(&body, &Defaults::default()).unwrap();
    assert_eq!(decoded.spans[0].parent_span_id, None);
    assert_eq!(decoded.spans[0].marks, ["invalid_parent_id"]);
    assert!(decoded.spans[1].marks.is_empty());
}

#[test]
fn invalid_utf8_spoils_one_field_only() {
    let mut span = wire_span(1);
    span.attributes = vec![
        text_attribute("a", "broken-here"),
        text_attribute("b", "fine"),
    ];
    let mut body = request_of(vec![span]);
    let at = body
        .windows(6)
        .position(|window| window == b"broken")
        .unwrap();
    body[at] = 0xff;
    let decoded = decode_protobuf(&body, &Defaults::default()).unwrap();
    assert_eq!(
        attributes_of(&decoded.spans[0]),
        json!({"a": "\u{fffd}roken-here", "b": "fine"})
    );
}

#[test]
fn of_equal_keys_the_last_wins() {
    let mut foreign = wire_span(1);
    foreign.attributes = vec![
        text_attribute("a", "1"),
        text_attribute("b", "x"),
        text_attribute("a", "2"),
    ];
    let mut sdk = wire_span(2);
    sdk.attributes = vec![
        text_attribute(key::ITEM_TYPE, "event"),
        text_attribute(key::NAME, "1"),
        text_attribute(key::NAME, "2"),
    ];
    let body = request_of(vec![foreign, sdk]);
    let decoded = decode_protobuf(&body, &Defaults::default()).unwrap();
    assert_eq!(
        attributes_of(&decoded.spans[0]),
        json!({"a": "2", "b": "x"})
    );
    assert_eq!(decoded.spans[1].name, "2");
}

#[test]
fn every_kind_of_value_is_kept() {
    let list = ArrayValue {
        values: vec![
            AnyValue {
                value: Some(Any::IntValue(-1)),
            },
            AnyValue { value: None },
        ],
    };
    let map = KeyValueList {
        values: vec![
            text_attribute("k\u{0}", "v\u{0}"),
            text_attribute("", "empty"),
        ],
    };
    let mut span = wire_span(1);
    span.attributes = vec![
        attribute("nan", Any::DoubleValue(f64::NAN)),
        attribute("inf", Any::DoubleValue(f64::NEG_INFINITY)),
        attribute("bytes", Any::BytesValue(vec![0, 255])),
        attribute("list", Any::ArrayValue(list)),
        attribute("map", Any::KvlistValue(map)),
        attribute("bool", Any::BoolValue(true)),
    ];
    let body = request_of(vec![span]);
    let decoded = decode_protobuf(&body, &Defaults::default()).unwrap();
    assert_eq!(
        attributes_of(&decoded.spans[0]),
        json!({
            "nan": "NaN", "inf": "-Infinity", "bytes": "AP8=", "list": [-1, null],
            "map": {"k\u{0}": "v\u{0}", "": "empty"}, "bool": true,
        })
    );
}

#[test]
fn unknown_fields_and_wire_types_of_known_ones_are_skipped() {
    let mut span = wire_span(1).encode_to_vec();
    span.extend_from_slice(&[0xfa, 0x7f, 3, 1, 2, 3]); // field 2047, bytes
    span.extend_from_slice(&[0x28, 5]); // name as a number
    let mut body = vec![0x0a];
    let nest = |inner: &[u8], tag: u8| {
        let mut message = vec![tag];
        prost::encoding::encode_varint(inner.len() as u64, &mut message);
        message.extend_from_slice(inner);
        message
    };
    let scope_spans = nest(&nest(&span, 0x12), 0x12);
    prost::encoding::encode_varint(scope_spans.len() as u64, &mut body);
    body.extend_from_slice(&scope_spans);
    let decoded = decode_protobuf(&body, &Defaults::default()).unwrap();
    assert_eq!(decoded.spans[0].span_name, "span 1");
}

#[test]
fn a_payload_of_logs_is_refused_with_advice() {
    let record = LogRecord {
        time_unix_nano: 1,
        severity_number: 9,
        trace_id: vec![1; 16],
        span_id: vec![1; 8],
        ..LogRecord::default()
    };
    let logs = ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            scope_logs: vec![ScopeLogs {
                log_records: vec![record],
                ..ScopeLogs::default()
            }],
            ..ResourceLogs::default()
        }],
    };
    let error = decode_protobuf(&logs.encode_to_vec(), &Defaults::default()).unwrap_err();
    assert_eq!(error, DecodeError::WrongSignal { signal: "logs" });
    assert!(error.to_string().contains("turn the export of logs off"));
}

#[test]
fn a_score_that_is_no_number_is_none() {
    let score = |number: u64, score: f64| {
        let mut span = wire_span(number);
        span.attributes = vec![
            text_attribute(key::ITEM_TYPE, "grade"),
            attribute(key::SCORE, Any::DoubleValue(score)),
        ];
        span
    };
    let body = request_of(vec![score(1, f64::NAN), score(2, 1.5), score(3, 1.0)]);
    let decoded = decode_protobuf(&body, &Defaults::default()).unwrap();
    let spans = &decoded.spans;
    assert!(spans.iter().all(|span| span.item_type == ItemType::Grade));
    assert_eq!(
        (spans[0].score, spans[0].marks.as_slice()),
        (None, ["score_not_finite"].as_slice())
    );
    assert_eq!(
        (spans[1].score, spans[1].marks.as_slice()),
        (Some(1.5), ["score_out_of_range"].as_slice())
    );
    assert!(spans[2].marks.is_empty());
}

#[test]
fn an_unknown_item_type_is_kept_and_marked() {
    let mut span = wire_span(1);
    span.attributes = vec![
        text_attribute(key::ITEM_TYPE, "hologram"),
        text_attribute(key::NAME, "n"),
        text_attribute("caribou.hue", "red"),
    ];
    let body = request_of(vec![span]);
    let decoded = decode_protobuf(&body, &Defaults::default()).unwrap();
    assert_eq!(decoded.spans[0].item_type, ItemType::Otel);
    assert_eq!(decoded.spans[0].marks, ["unknown_item_type"]);
    assert_eq!(
        attributes_of(&decoded.spans[0]),
        json!({"caribou.hue": "red"})
    );
}

#[test]
fn a_score_on_a_span_of_its_own_becomes_a_grade_of_the_span_it_links_to() {
    let mut span = wire_span(1);
    span.attributes = vec![
        text_attribute("openinference.span.kind", "EVALUATOR"),
        text_attribute("annotations.0.annotation.name", "helpful"),
        attribute("annotations.0.annotation.score", Any::DoubleValue(0.5)),
    ];
    span.links = vec![opentelemetry_proto::tonic::trace::v1::span::Link {
        trace_id: vec![4; 16],
        span_id: vec![5; 8],
        ..Default::default()
    }];
    let body = request_of(vec![span]);
    let decoded = decode_protobuf(&body, &Defaults::default()).unwrap();
    let grade = &decoded.spans[1];
    assert_eq!((grade.item_type, grade.score), (ItemType::Grade, Some(0.5)));
    assert_eq!(grade.trace_id.0, [4; 16]);
    assert_eq!(grade.parent_span_id.unwrap().0, [5; 8]);
    let again = decode_protobuf(&body, &Defaults::default()).unwrap();
    assert_eq!(grade.span_id, again.spans[1].span_id);
}
