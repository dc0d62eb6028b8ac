//! Builds requests the way other programs do.

use std::borrow::Cow;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use caribou_model::SpanRecord;
use opentelemetry::trace::{
    SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue as WireKeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource as WireResource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};
use prost::Message as _;

/// A time of the tests: so many nanoseconds after a fixed moment.
pub(crate) fn time(nanos: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_nanos(1_795_000_000_000_000_000 + nanos)
}

/// A span of the SDK with the given attributes.
pub(crate) fn span_data(attributes: Vec<KeyValue>) -> SpanData {
    SpanData {
        span_context: SpanContext::new(
            TraceId::from(0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c_u128),
            SpanId::from(0xb7ad_6b71_6920_3331_u64),
            TraceFlags::SAMPLED,
            false,
            TraceState::default(),
        ),
        parent_span_id: SpanId::from(7_u64),
        parent_span_is_remote: false,
        span_kind: SpanKind::Internal,
        name: Cow::Borrowed("message.user"),
        start_time: time(0),
        end_time: time(1_000),
        attributes,
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: Status::Unset,
        instrumentation_scope: InstrumentationScope::default(),
    }
}

/// A request of spans in the messages of the official crates.
pub(crate) fn request_of(spans: Vec<Span>) -> Vec<u8> {
    request_with_resource(spans, &[])
}

/// A request of spans and a resource of text attributes.
pub(crate) fn request_with_resource(spans: Vec<Span>, resource: &[(&str, &str)]) -> Vec<u8> {
    let attributes = resource
        .iter()
        .map(|(key, value)| text_attribute(key, value))
        .collect();
    let request = ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(WireResource {
                attributes,
                ..WireResource::default()
            }),
            scope_spans: vec![ScopeSpans {
                spans,
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    };
    request.encode_to_vec()
}

/// A valid span of a number.
pub(crate) fn wire_span(number: u64) -> Span {
    Span {
        trace_id: vec![1; 16],
        span_id: number.to_be_bytes().to_vec(),
        name: format!("span {number}"),
        start_time_unix_nano: 1_000,
        end_time_unix_nano: 2_000,
        ..Span::default()
    }
}

/// A text attribute.
pub(crate) fn text_attribute(key: &str, value: &str) -> WireKeyValue {
    attribute(key, Any::StringValue(value.to_owned()))
}

/// An attribute of any value.
pub(crate) fn attribute(key: &str, value: Any) -> WireKeyValue {
    WireKeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..WireKeyValue::default()
    }
}

/// The JSON that a foreign span's attributes became.
pub(crate) fn attributes_of(span: &SpanRecord<'_>) -> serde_json::Value {
    serde_json::from_str(&span.attributes).unwrap()
}
