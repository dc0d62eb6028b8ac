//! What holds for every input.

use caribou_otlp::encode::encode_span;
use caribou_otlp::{Defaults, decode_json, decode_protobuf};
use opentelemetry::trace::{
    Event, Link, SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{Array, Key, KeyValue, Value};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, KeyValue as WireKeyValue, KeyValueList,
};
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};
use proptest::prelude::*;
use prost::Message as _;

use crate::case;
use crate::support::{request_of, span_data, time, wire_span};

fn any_value() -> impl Strategy<Value = AnyValue> {
    let leaf = prop_oneof![
        Just(None),
        ".{0,12}".prop_map(|text| Some(Any::StringValue(text))),
        any::<bool>().prop_map(|flag| Some(Any::BoolValue(flag))),
        any::<i64>().prop_map(|number| Some(Any::IntValue(number))),
        any::<f64>().prop_map(|number| Some(Any::DoubleValue(number))),
        proptest::collection::vec(any::<u8>(), 0..6).prop_map(|bytes| Some(Any::BytesValue(bytes))),
    ]
    .prop_map(|value| AnyValue { value });
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(|values| AnyValue {
                value: Some(Any::ArrayValue(ArrayValue { values }))
            }),
            proptest::collection::vec((".{0,4}", inner), 0..4).prop_map(|entries| AnyValue {
                value: Some(Any::KvlistValue(KeyValueList {
                    values: entries.into_iter().map(key_value).collect()
                }))
            }),
        ]
    })
}

fn key_value((key, value): (String, AnyValue)) -> WireKeyValue {
    WireKeyValue {
        key,
        value: Some(value),
        ..WireKeyValue::default()
    }
}

/// Keys that dialects look at, and others.
fn foreign_key() -> impl Strategy<Value = String> {
    prop_oneof![
        ".{0,8}",
        "(gen_ai|llm|ai|langfuse|traceloop|caribou)\\.[a-z.]{0,12}",
        "gen_ai\\.(prompt|completion)\\.[0-9]{1,3}\\.(role|content|tool_calls\\.[0-9]\\.name)",
        "llm\\.(input|output)_messages\\.[0-9]{1,2}\\.message\\.(role|content|contents\\.[0-9]\\.message_content\\.type)",
        prop::sample::select(vec![
            "gen_ai.operation.name",
            "gen_ai.input.messages",
            "gen_ai.output.messages",
            "gen_ai.system_instructions",
            "gen_ai.usage.input_tokens",
            "openinference.span.kind",
            "input.value",
            "output.value",
            "metadata",
            "langfuse.observation.input",
            "langfuse.observation.usage_details",
            "langfuse.observation.type",
            "langfuse.observation.cost_details",
            "ai.prompt",
            "ai.prompt.messages",
            "ai.operationId",
            "ai.response.toolCalls",
            "traceloop.entity.input",
            "tag.tags",
            "error.type",
        ])
        .prop_map(str::to_owned),
    ]
}

/// Values as dialects expect them, and others.
fn foreign_value() -> impl Strategy<Value = AnyValue> {
    let text = prop::sample::select(vec![
        "chat",
        "LLM",
        "generation",
        "ai.generateText.doGenerate",
        "[]",
        "{}",
        "[1]",
        "{\"messages\":[{}]}",
        "[{\"role\":\"user\",\"parts\":[{\"type\":\"text\"},{\"type\":\"blob\"},{\"type\":\"image\",\"source\":{}}]}]",
        "[{\"role\":\"tool\",\"content\":[{\"type\":\"tool_result\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}]}]}]",
        "[{\"type\":\"human\",\"content\":\"\\ud800\"}]",
        "{\"role\":\"a\",\"tool_calls\":{}}",
        "{\"input\":-1,\"output\":1e99}",
    ]);
    prop_oneof![
        any_value(),
        text.prop_map(|text| AnyValue {
            value: Some(Any::StringValue(text.to_owned()))
        }),
    ]
}

fn foreign_span() -> impl Strategy<Value = Span> {
    let attributes = proptest::collection::vec((foreign_key(), foreign_value()), 0..12);
    (attributes, any::<u64>(), any::<u64>(), -3..9_i32).prop_map(
        |(attributes, start, end, kind)| Span {
            attributes: attributes.into_iter().map(key_value).collect(),
            start_time_unix_nano: start,
            end_time_unix_nano: end,
            kind,
            ..wire_span(1)
        },
    )
}

/// The request as OTLP/JSON, spelled out by hand.
fn json_of(span: &Span) -> String {
    let attributes: Vec<_> = span.attributes.iter().map(json_attribute).collect();
    serde_json::json!({"resourceSpans": [{"scopeSpans": [{"spans": [{
        "traceId": "01".repeat(16), "spanId": "0000000000000001", "name": span.name, "kind": span.kind,
        "startTimeUnixNano": span.start_time_unix_nano.to_string(),
        "endTimeUnixNano": span.end_time_unix_nano, "attributes": attributes,
    }]}]}]})
    .to_string()
}

fn json_attribute(pair: &WireKeyValue) -> serde_json::Value {
    let value = pair.value.as_ref().map(json_value);
    serde_json::json!({"key": pair.key, "value": value})
}

fn json_value(value: &AnyValue) -> serde_json::Value {
    use base64::Engine as _;
    use serde_json::json;

    match &value.value {
        Some(Any::StringValue(text)) => json!({"stringValue": text}),
        Some(Any::BoolValue(flag)) => json!({"boolValue": flag}),
        Some(Any::IntValue(number)) => json!({"intValue": number}),
        Some(Any::DoubleValue(number)) if number.is_finite() => json!({"doubleValue": number}),
        Some(Any::DoubleValue(number)) if number.is_nan() => json!({"doubleValue": "NaN"}),
        Some(Any::DoubleValue(number)) if *number > 0.0 => json!({"doubleValue": "Infinity"}),
        Some(Any::DoubleValue(_)) => json!({"doubleValue": "-Infinity"}),
        Some(Any::BytesValue(bytes)) => {
            json!({"bytesValue": base64::engine::general_purpose::STANDARD.encode(bytes)})
        }
        Some(Any::ArrayValue(list)) => {
            json!({"arrayValue": {"values": list.values.iter().map(json_value).collect::<Vec<_>>()}})
        }
        Some(Any::KvlistValue(map)) => {
            json!({"kvlistValue": {"values": map.values.iter().map(json_attribute).collect::<Vec<_>>()}})
        }
        _ => json!({}),
    }
}

fn sdk_value() -> impl Strategy<Value = Value> {
    let texts = proptest::collection::vec(".{0,9}", 0..4);
    prop_oneof![
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::I64),
        any::<f64>().prop_map(Value::F64),
        ".{0,200}".prop_map(|text| Value::String(text.into())),
        proptest::collection::vec(any::<bool>(), 0..4)
            .prop_map(|items| Value::Array(Array::Bool(items))),
        proptest::collection::vec(any::<i64>(), 0..4)
            .prop_map(|items| Value::Array(Array::I64(items))),
        proptest::collection::vec(any::<f64>(), 0..4)
            .prop_map(|items| Value::Array(Array::F64(items))),
        texts.prop_map(|items| Value::Array(Array::String(
            items.into_iter().map(Into::into).collect()
        ))),
    ]
}

fn sdk_attributes() -> impl Strategy<Value = Vec<KeyValue>> {
    proptest::collection::vec((".{0,12}", sdk_value()), 0..6).prop_map(|pairs| {
        pairs
            .into_iter()
            .map(|(key, value)| KeyValue::new(Key::from(key), value))
            .collect()
    })
}

fn sdk_span() -> impl Strategy<Value = SpanData> {
    let status = prop_oneof![
        Just(Status::Unset),
        Just(Status::Ok),
        ".{0,9}".prop_map(Status::error),
    ];
    let kind = prop::sample::select(vec![
        SpanKind::Client,
        SpanKind::Server,
        SpanKind::Internal,
        SpanKind::Producer,
        SpanKind::Consumer,
    ]);
    let counts = (any::<u32>(), any::<u32>(), any::<bool>());
    (
        sdk_attributes(),
        sdk_attributes(),
        status,
        kind,
        ".{0,20}",
        counts,
    )
        .prop_map(
            |(attributes, others, status, span_kind, name, (dropped, dropped_others, flag))| {
                let event = Event::new(name.clone(), time(5), others.clone(), dropped_others);
                let context = SpanContext::new(
                    TraceId::from(9_u128),
                    SpanId::from(8_u64),
                    TraceFlags::default(),
                    flag,
                    TraceState::from_key_value([("a", "b")]).unwrap(),
                );
                let mut events = SpanEvents::default();
                events.events = vec![event; usize::from(flag)];
                events.dropped_count = dropped_others;
                let mut links = SpanLinks::default();
                links.links = vec![Link::new(context, others, dropped)];
                SpanData {
                    status,
                    span_kind,
                    name: name.into(),
                    parent_span_id: if flag {
                        SpanId::INVALID
                    } else {
                        SpanId::from(3_u64)
                    },
                    parent_span_is_remote: flag,
                    dropped_attributes_count: dropped,
                    events,
                    links,
                    ..span_data(attributes)
                }
            },
        )
}

/// A valid request of many fields, to damage.
fn valid_request() -> Vec<u8> {
    let folder = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/data/genai/every_kind_of_part.json"
    );
    let case = serde_json::from_slice(&std::fs::read(folder).unwrap()).unwrap();
    case::protobuf(&case)
}

proptest! {
    #[test]
    fn no_bytes_make_the_decoders_panic(body in proptest::collection::vec(any::<u8>(), 0..400)) {
        drop(decode_protobuf(&body, &Defaults::default()));
        drop(decode_json(&body, &Defaults::default()));
    }

    #[test]
    fn no_text_like_json_makes_the_decoder_panic(body in r#"[\[\]{}:,"a\\u0-9eE. -]{0,60}"#) {
        drop(decode_json(body.as_bytes(), &Defaults::default()));
    }

    #[test]
    fn no_damage_makes_the_decoder_panic(
        flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        end in any::<prop::sample::Index>(),
    ) {
        let mut body = valid_request();
        for (at, bits) in flips {
            let at = at.index(body.len());
            body[at] ^= bits;
        }
        drop(decode_protobuf(&body, &Defaults::default()));
        drop(decode_protobuf(&body[..end.index(body.len())], &Defaults::default()));
    }

    #[test]
    fn protobuf_and_json_of_one_span_become_one_record(span in foreign_span()) {
        let (body, json) = (request_of(vec![span.clone()]), json_of(&span));
        let from_protobuf = decode_protobuf(&body, &Defaults::default()).unwrap();
        let from_json = decode_json(json.as_bytes(), &Defaults::default()).unwrap();
        prop_assert_eq!(&from_protobuf.spans[0].scope_name, "");
        prop_assert_eq!(from_protobuf, from_json);
    }

    #[test]
    fn every_json_column_of_a_foreign_span_is_json(span in foreign_span()) {
        let body = request_of(vec![span]);
        let decoded = decode_protobuf(&body, &Defaults::default()).unwrap();
        for span in &decoded.spans {
            for column in [&span.attributes, &span.metadata, &span.span_events, &span.links, &span.resource] {
                if !column.is_empty() {
                    serde_json::from_str::<serde_json::Value>(column).unwrap();
                }
            }
            for payload in [&span.input, &span.output] {
                if let caribou_model::Payload::Json(json) = payload {
                    serde_json::from_str::<&serde_json::value::RawValue>(json).unwrap();
                }
            }
        }
    }

    #[test]
    fn the_encoder_writes_what_the_official_one_does(span in sdk_span()) {
        let mut bytes = Vec::new();
        encode_span(&span, &mut bytes);
        let ours = Span::decode(bytes.as_slice()).unwrap();
        let mut official = Span::from(span);
        // The official crate sends a status that nobody set; left out, it means the same.
        if official.status.as_ref().is_some_and(|status| status.code == 0) {
            official.status = None;
        }
        prop_assert_eq!(ours.encode_to_vec(), official.encode_to_vec());
    }

    #[test]
    fn enveloped_spans_are_read_by_the_official_crate(
        spans in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 0..5),
    ) {
        // Any bytes: the envelope must not look into them.
        let spans: Vec<Vec<u8>> = spans
            .into_iter()
            .map(|name| Span { trace_id: name, ..Span::default() }.encode_to_vec())
            .collect();
        let envelope = caribou_otlp::encode::Envelope::from_text(&[("service.name", "x")], "caribou", "1");
        let request = ExportTraceServiceRequest::decode(envelope.request(&spans).as_slice()).unwrap();
        let resource_spans = &request.resource_spans[0];
        prop_assert_eq!(resource_spans.resource.as_ref().unwrap().attributes.len(), 1);
        prop_assert_eq!(&resource_spans.scope_spans[0].scope.as_ref().unwrap().version, "1");
        let read: Vec<_> = resource_spans.scope_spans[0].spans.iter().map(Span::encode_to_vec).collect();
        prop_assert_eq!(read, spans);
    }
}
