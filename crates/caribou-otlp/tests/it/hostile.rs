//! Bodies made to break a decoder.

use caribou_otlp::{DecodeError, Defaults, RejectionReason, decode_json, decode_protobuf};
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue};

use opentelemetry_proto::tonic::trace::v1::span::Event;

use caribou_model::{Payload, attribute as key};

use crate::support::{
    attribute, attributes_of, request_of, request_with_resource, text_attribute, wire_span,
};

/// Wraps bytes as a length-delimited field.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut message = vec![number << 3 | 2];
    prost::encoding::encode_varint(content.len() as u64, &mut message);
    message.extend_from_slice(content);
    message
}

/// A request with one span whose content is appended to valid ids.
fn request_with(content: &[u8]) -> Vec<u8> {
    let mut span = field(1, &[1; 16]);
    span.extend_from_slice(&field(2, &[2; 8]));
    span.extend_from_slice(content);
    field(1, &field(2, &field(2, &span)))
}

/// An attribute `a` of lists within each other.
fn nested_lists(depth: usize) -> Vec<u8> {
    let mut value = field(1, b"core");
    for _ in 0..depth {
        value = field(5, &field(1, &value));
    }
    let mut pair = field(1, b"a");
    pair.extend_from_slice(&field(2, &value));
    field(9, &pair)
}

fn depth_of(value: &serde_json::Value) -> usize {
    match value {
        serde_json::Value::Array(items) => 1 + items.first().map_or(0, depth_of),
        _ => 0,
    }
}

#[test]
fn nesting_is_cut_where_it_is_too_deep() {
    for (depth, kept, marked) in [(64, 64, false), (65, 64, true), (20_000, 64, true)] {
        let body = request_with(&nested_lists(depth));
        let decoded = decode_protobuf(&body, &Defaults::default()).unwrap();
        let span = &decoded.spans[0];
        assert_eq!(depth_of(&attributes_of(span)["a"]), kept);
        assert_eq!(span.marks.contains(&"value_too_deep"), marked, "{depth}");
    }
}

#[test]
fn json_is_cut_at_the_same_depth() {
    for (depth, kept) in [(64, 64), (65, 64)] {
        let mut value = r#"{"stringValue":"core"}"#.to_owned();
        for _ in 0..depth {
            value = format!(r#"{{"arrayValue":{{"values":[{value}]}}}}"#);
        }
        let body = format!(
            r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{"traceId":"{}","spanId":"{}",
            "attributes":[{{"key":"a","value":{value}}}]}}]}}]}}]}}"#,
            "01".repeat(16),
            "02".repeat(8),
        );
        let decoded = decode_json(body.as_bytes(), &Defaults::default()).unwrap();
        let binary = request_with(&nested_lists(depth));
        let from_protobuf = decode_protobuf(&binary, &Defaults::default()).unwrap();
        assert_eq!(depth_of(&attributes_of(&decoded.spans[0])["a"]), kept);
        assert_eq!(
            decoded.spans[0].attributes,
            from_protobuf.spans[0].attributes
        );
        assert_eq!(decoded.spans[0].marks, from_protobuf.spans[0].marks);
    }
}

#[test]
fn json_nested_ten_thousand_deep_is_an_error() {
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
        let body = open.repeat(10_000) + "1" + &close.repeat(10_000);
        let error = decode_json(body.as_bytes(), &Defaults::default()).unwrap_err();
        assert!(error.to_string().contains("nested too deeply"), "{error}");
    }
}

#[test]
fn a_message_nested_deep_in_an_attribute_is_text() {
    let mut span = wire_span(1);
    let bomb = "[".repeat(100_000);
    for key in [
        "gen_ai.input.messages",
        "langfuse.observation.input",
        "input.value",
        "metadata",
    ] {
        span.attributes
            .push(attribute(key, Any::StringValue(bomb.clone())));
    }
    let body = request_of(vec![span]);
    let decoded = decode_protobuf(&body, &Defaults::default()).unwrap();
    assert_eq!(decoded.spans.len(), 1);
}

#[test]
fn more_values_than_a_span_may_hold_cost_that_span_only() {
    let mut wide = wire_span(1);
    let list = ArrayValue {
        values: vec![AnyValue { value: None }; 600_000],
    };
    wide.attributes = vec![attribute("a", Any::ArrayValue(list))];
    let body = request_of(vec![wide, wire_span(2)]);
    let decoded = decode_protobuf(&body, &Defaults::default()).unwrap();
    assert_eq!((decoded.spans.len(), decoded.rejected_count), (1, 1));
    assert_eq!(decoded.rejected[0].reason, RejectionReason::TooManyValues);
}

#[test]
fn millions_of_empty_spans_are_counted_but_not_listed() {
    let scope_spans = field(2, &[0x12, 0].repeat(1_000_000));
    let body = field(1, &scope_spans);
    let decoded = decode_protobuf(&body, &Defaults::default()).unwrap();
    assert_eq!(
        (decoded.rejected_count, decoded.rejected.len()),
        (1_000_000, 100)
    );
}

#[test]
fn more_spans_than_are_read_at_once_are_refused() {
    let mut span = field(1, &[1; 16]);
    span.extend_from_slice(&field(2, &[2; 8]));
    let spans = field(2, &span).repeat(100_001);
    let error = decode_protobuf(&field(1, &field(2, &spans)), &Defaults::default()).unwrap_err();
    assert!(matches!(error, DecodeError::TooMany { limit: 100_000, .. }));
}

#[test]
fn a_large_resource_on_many_spans_is_refused() {
    let large = "x".repeat(1_000_000);
    let spans: Vec<_> = (1..=1_000).map(wire_span).collect();
    let body = request_with_resource(spans, &[("a", &large)]);
    let error = decode_protobuf(&body, &Defaults::default()).unwrap_err();
    assert!(error.to_string().contains("resource attributes"), "{error}");
}

#[test]
fn a_length_beyond_the_end_is_an_error_and_reserves_nothing() {
    let mut body = vec![0x0a];
    prost::encoding::encode_varint(u64::MAX, &mut body);
    let error = decode_protobuf(&body, &Defaults::default()).unwrap_err();
    assert!(
        error.to_string().contains("length beyond the end"),
        "{error}"
    );
}

#[test]
fn keys_of_nothing_but_dots_and_huge_indices_are_kept() {
    let mut span = wire_span(1);
    for key in [
        "gen_ai.prompt.999999999.role".to_owned(),
        "gen_ai.prompt.4294967296.role".to_owned(),
        format!("gen_ai.prompt.0.{}", ".".repeat(100_000)),
        "gen_ai.prompt.1".to_owned(),
        "gen_ai.prompt.1.role".to_owned(),
        "gen_ai.prompt.".to_owned(),
        "llm.input_messages.0.message.contents".to_owned(),
        "llm.input_messages.0.message.contents.0".to_owned(),
    ] {
        span.attributes
            .push(attribute(&key, Any::StringValue("x".to_owned())));
    }
    let body = request_of(vec![span]);
    let decoded = decode_protobuf(&body, &Defaults::default()).unwrap();
    let attributes = attributes_of(&decoded.spans[0]);
    assert_eq!(attributes["gen_ai.prompt.999999999.role"], "x");
    assert_eq!(attributes["gen_ai.prompt."], "x");
}

#[test]
fn many_of_what_must_be_compared_does_not_take_long() {
    let mut span = wire_span(1);
    let many = 100_000;
    let values = (0..many)
        .map(|number| AnyValue {
            value: Some(Any::StringValue(number.to_string())),
        })
        .collect();
    let tags = Any::ArrayValue(ArrayValue { values });
    span.attributes = vec![attribute("tag.tags", tags)];
    span.attributes
        .extend((0..many).map(|number| attribute(&format!("k{number}"), Any::IntValue(number))));
    let event = Event {
        name: "gen_ai.evaluation.result".to_owned(),
        ..Event::default()
    };
    span.events = vec![event; 100_000];
    let body = request_of(vec![span]);
    let decoded = decode_protobuf(&body, &Defaults::default()).unwrap();
    assert_eq!(decoded.spans[0].tags.len(), 100_000);
    assert_eq!(decoded.spans.len(), 1 + 1_000);
}

#[test]
fn json_that_is_none_is_kept_as_text_and_marked() {
    let mut span = wire_span(1);
    span.attributes = vec![
        text_attribute(key::ITEM_TYPE, "message"),
        text_attribute(key::CONTENT_JSON, "[1,"),
        text_attribute(key::TOOL_CALLS, "nonsense"),
        text_attribute(key::METADATA, r#"{"a":"\ud800"}"#),
    ];
    let body = request_of(vec![span]);
    let decoded = decode_protobuf(&body, &Defaults::default()).unwrap();
    let span = &decoded.spans[0];
    assert_eq!(span.content, Payload::Text("[1,".into()));
    assert_eq!(span.tool_calls, "\"nonsense\"");
    assert_eq!(span.metadata, "{\"a\":\"\u{fffd}\"}");
    assert_eq!(span.marks, ["invalid_json", "invalid_json"]);
}

#[test]
fn tool_results_within_each_other_are_unpacked_as_far_as_json_goes() {
    let mut span = wire_span(1);
    let depth = 100;
    let messages = r#"[{"role":"user","content":[{"type":"tool_result","content":"#.to_owned()
        + &r#"[{"type":"tool_result","content":"#.repeat(depth)
        + r#""core""#
        + &"}]".repeat(depth)
        + "}]}]";
    span.attributes = vec![text_attribute("gen_ai.input.messages", &messages)];
    let body = request_of(vec![span]);
    let decoded = decode_protobuf(&body, &Defaults::default()).unwrap();
    assert!(decoded.spans[0].input.as_str().contains("core"));
}
