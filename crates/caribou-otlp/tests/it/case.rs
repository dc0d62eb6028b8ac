//! A span of a foreign instrumentation, written down plainly in `tests/data`.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use prost::Message as _;
use serde_json::{Value, json};

pub(crate) const START: u64 = 1_795_000_000_000_000_000;

/// The case as protobuf, encoded by the official crates.
pub(crate) fn protobuf(case: &Value) -> Vec<u8> {
    let text = |key: &str| case[key].as_str().unwrap_or_default().to_owned();
    let span = Span {
        trace_id: vec![1; 16],
        span_id: vec![2; 8],
        parent_span_id: if case["root"] == json!(true) {
            Vec::new()
        } else {
            vec![3; 8]
        },
        name: text("name"),
        kind: i32::try_from(case["kind"].as_i64().unwrap_or(1)).unwrap(),
        start_time_unix_nano: START,
        end_time_unix_nano: START + 1_500_000_000,
        attributes: key_values(&case["attributes"]),
        dropped_attributes_count: u32::try_from(case["dropped"].as_u64().unwrap_or(0)).unwrap(),
        events: list(&case["events"]).map(event).collect(),
        links: list(&case["links"]).map(link).collect(),
        status: Some(Status {
            message: text("status_message"),
            code: i32::try_from(case["status"].as_i64().unwrap_or(0)).unwrap(),
        }),
        ..Span::default()
    };
    let request = ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(Resource {
                attributes: key_values(&case["resource"]),
                ..Resource::default()
            }),
            scope_spans: vec![ScopeSpans {
                scope: Some(InstrumentationScope {
                    name: text("scope"),
                    ..InstrumentationScope::default()
                }),
                spans: vec![span],
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    };
    request.encode_to_vec()
}

/// The case as OTLP/JSON.
pub(crate) fn otlp_json(case: &Value) -> Vec<u8> {
    let span = json!({
        "traceId": "01".repeat(16),
        "spanId": "02".repeat(8),
        "parentSpanId": if case["root"] == json!(true) { String::new() } else { "03".repeat(8) },
        "name": case["name"],
        "kind": case.get("kind").cloned().unwrap_or_else(|| json!(1)),
        "startTimeUnixNano": START.to_string(),
        "endTimeUnixNano": (START + 1_500_000_000).to_string(),
        "attributes": json_attributes(&case["attributes"]),
        "droppedAttributesCount": case.get("dropped").cloned().unwrap_or_else(|| json!(0)),
        "events": list(&case["events"]).map(|event| json!({
            "timeUnixNano": START.to_string(),
            "name": event["name"],
            "attributes": json_attributes(&event["attributes"]),
        })).collect::<Vec<_>>(),
        "links": list(&case["links"]).map(|link| json!({
            "traceId": "04".repeat(16),
            "spanId": "05".repeat(8),
            "attributes": json_attributes(&link["attributes"]),
        })).collect::<Vec<_>>(),
        "status": {"message": case["status_message"], "code": case["status"]},
    });
    let request = json!({"resourceSpans": [{
        "resource": {"attributes": json_attributes(&case["resource"])},
        "scopeSpans": [{"scope": {"name": case["scope"]}, "spans": [span]}],
    }]});
    request.to_string().into_bytes()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn event(event: &Value) -> Event {
    Event {
        time_unix_nano: START,
        name: event["name"].as_str().unwrap().to_owned(),
        attributes: key_values(&event["attributes"]),
        ..Event::default()
    }
}

fn link(link: &Value) -> Link {
    Link {
        trace_id: vec![4; 16],
        span_id: vec![5; 8],
        attributes: key_values(&link["attributes"]),
        ..Link::default()
    }
}

fn key_values(map: &Value) -> Vec<KeyValue> {
    let entries = map.as_object().into_iter().flatten();
    entries
        .map(|(key, value)| KeyValue {
            key: key.clone(),
            value: Some(any_value(value)),
            ..KeyValue::default()
        })
        .collect()
}

fn any_value(value: &Value) -> AnyValue {
    let value = match value {
        Value::Null => None,
        Value::Bool(flag) => Some(Any::BoolValue(*flag)),
        Value::Number(number) => Some(match number.as_i64() {
            Some(number) => Any::IntValue(number),
            None => Any::DoubleValue(number.as_f64().unwrap()),
        }),
        Value::String(text) => Some(Any::StringValue(text.clone())),
        Value::Array(items) => Some(Any::ArrayValue(ArrayValue {
            values: items.iter().map(any_value).collect(),
        })),
        Value::Object(_) => Some(Any::KvlistValue(KeyValueList {
            values: key_values(value),
        })),
    };
    AnyValue { value }
}

fn json_attributes(map: &Value) -> Value {
    let entries = map.as_object().into_iter().flatten();
    entries
        .map(|(key, value)| json!({"key": key, "value": json_any_value(value)}))
        .collect()
}

fn json_any_value(value: &Value) -> Value {
    match value {
        Value::Null => json!({}),
        Value::Bool(flag) => json!({"boolValue": flag}),
        Value::Number(number) if number.is_i64() => json!({"intValue": number.to_string()}),
        Value::Number(number) => json!({"doubleValue": number}),
        Value::String(text) => json!({"stringValue": text}),
        Value::Array(items) => {
            json!({"arrayValue": {"values": items.iter().map(json_any_value).collect::<Vec<_>>()}})
        }
        Value::Object(_) => json!({"kvlistValue": {"values": json_attributes(value)}}),
    }
}
