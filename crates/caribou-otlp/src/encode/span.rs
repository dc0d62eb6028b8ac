//! Spans of the OpenTelemetry SDK as protobuf.

use std::time::{SystemTime, UNIX_EPOCH};

use opentelemetry::trace::{Event, Link, SpanKind, Status};
use opentelemetry::{Array, InstrumentationScope, KeyValue, SpanId, Value};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SpanData;

use crate::encode::Envelope;
use crate::encode::envelope::encode_scope;
use crate::wire::fixed::{put_fixed32_field, put_fixed64_field};
use crate::wire::writer::{field_len, put_bytes_field, put_header, put_varint_field, varint_len};

impl Envelope {
    /// An envelope of a resource and a scope of the OpenTelemetry SDK.
    pub fn new(resource: &Resource, scope: &InstrumentationScope) -> Self {
        let mut encoded = Vec::new();
        for (key, value) in resource {
            put_key_value(&mut encoded, 1, key.as_str(), value);
        }
        let mut encoded_scope = encode_scope(scope.name(), scope.version().unwrap_or_default());
        for attribute in scope.attributes() {
            put_key_value(
                &mut encoded_scope,
                3,
                attribute.key.as_str(),
                &attribute.value,
            );
        }
        Self {
            resource: encoded,
            scope: encoded_scope,
        }
    }
}

/// Appends a span as an OTLP `Span` message.
///
/// An end of [`UNIX_EPOCH`] is that of a span which is still open. Scope and resource are left to the [`Envelope`].
pub fn encode_span(span: &SpanData, buffer: &mut Vec<u8>) {
    let context = &span.span_context;
    put_bytes_field(buffer, 1, &context.trace_id().to_bytes());
    put_bytes_field(buffer, 2, &context.span_id().to_bytes());
    put_text(buffer, 3, &context.trace_state().header());
    if span.parent_span_id != SpanId::INVALID {
        put_bytes_field(buffer, 4, &span.parent_span_id.to_bytes());
    }
    put_text(buffer, 5, &span.name);
    put_varint_field(buffer, 6, kind_number(&span.span_kind));
    put_time(buffer, 7, span.start_time);
    put_time(buffer, 8, span.end_time);
    put_attributes(buffer, 9, &span.attributes);
    put_count(buffer, 10, span.dropped_attributes_count);
    for event in span.events.iter() {
        put_header(buffer, 11, event_len(event));
        put_event(buffer, event);
    }
    put_count(buffer, 12, span.events.dropped_count);
    for link in span.links.iter() {
        // Links are few: a buffer of their own is simpler than knowing their length beforehand.
        let mut encoded = Vec::new();
        put_link(&mut encoded, link);
        put_bytes_field(buffer, 13, &encoded);
    }
    put_count(buffer, 14, span.links.dropped_count);
    put_status(buffer, &span.status);
    let flags = span_flags(context.trace_flags().to_u8(), span.parent_span_is_remote);
    put_fixed32_field(buffer, 16, flags);
}

fn put_event(buffer: &mut Vec<u8>, event: &Event) {
    put_time(buffer, 1, event.timestamp);
    put_text(buffer, 2, &event.name);
    put_attributes(buffer, 3, &event.attributes);
    put_count(buffer, 4, event.dropped_attributes_count);
}

fn event_len(event: &Event) -> usize {
    const TIME: usize = 9;
    let attributes: usize = event
        .attributes
        .iter()
        .map(|attribute| field_len(key_value_len(attribute.key.as_str(), &attribute.value)))
        .sum();
    let count = match event.dropped_attributes_count {
        0 => 0,
        count => 1 + varint_len(u64::from(count)),
    };
    TIME + text_len(&event.name) + attributes + count
}

fn put_link(buffer: &mut Vec<u8>, link: &Link) {
    let context = &link.span_context;
    put_bytes_field(buffer, 1, &context.trace_id().to_bytes());
    put_bytes_field(buffer, 2, &context.span_id().to_bytes());
    put_text(buffer, 3, &context.trace_state().header());
    put_attributes(buffer, 4, &link.attributes);
    put_count(buffer, 5, link.dropped_attributes_count);
    let flags = span_flags(context.trace_flags().to_u8(), context.is_remote());
    put_fixed32_field(buffer, 6, flags);
}

pub(super) fn put_status(buffer: &mut Vec<u8>, status: &Status) {
    let mut encoded = Vec::new();
    match status {
        Status::Unset => return,
        Status::Ok => put_varint_field(&mut encoded, 3, 1),
        Status::Error { description } => {
            put_text(&mut encoded, 2, description);
            put_varint_field(&mut encoded, 3, 2);
        }
    }
    put_bytes_field(buffer, 15, &encoded);
}

fn put_attributes(buffer: &mut Vec<u8>, field: u32, attributes: &[KeyValue]) {
    for attribute in attributes {
        put_key_value(buffer, field, attribute.key.as_str(), &attribute.value);
    }
}

fn put_key_value(buffer: &mut Vec<u8>, field: u32, key: &str, value: &Value) {
    let value_len = value_len(value);
    put_header(buffer, field, field_len(key.len()) + field_len(value_len));
    put_bytes_field(buffer, 1, key.as_bytes());
    put_header(buffer, 2, value_len);
    put_value(buffer, value);
}

fn key_value_len(key: &str, value: &Value) -> usize {
    field_len(key.len()) + field_len(value_len(value))
}

const BOOL_LEN: usize = 2;
const DOUBLE_LEN: usize = 9;

fn value_len(value: &Value) -> usize {
    match value {
        Value::Bool(_) => BOOL_LEN,
        Value::I64(number) => int_len(*number),
        Value::F64(_) => DOUBLE_LEN,
        Value::String(text) => field_len(text.as_str().len()),
        Value::Array(array) => field_len(array_len(array)),
        // Kinds that the SDK may gain are sent as the text they show.
        other => field_len(other.as_str().len()),
    }
}

fn put_value(buffer: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Bool(flag) => put_varint_field(buffer, 2, u64::from(*flag)),
        Value::I64(number) => put_varint_field(buffer, 3, number.cast_unsigned()),
        Value::F64(number) => put_fixed64_field(buffer, 4, number.to_bits()),
        Value::String(text) => put_bytes_field(buffer, 1, text.as_str().as_bytes()),
        Value::Array(array) => {
            put_header(buffer, 5, array_len(array));
            put_array(buffer, array);
        }
        other => put_bytes_field(buffer, 1, other.as_str().as_bytes()),
    }
}

fn array_len(array: &Array) -> usize {
    match array {
        Array::Bool(items) => items.len() * field_len(BOOL_LEN),
        Array::I64(items) => items.iter().map(|item| field_len(int_len(*item))).sum(),
        Array::F64(items) => items.len() * field_len(DOUBLE_LEN),
        Array::String(items) => items
            .iter()
            .map(|item| field_len(field_len(item.as_str().len())))
            .sum(),
        other => field_len(field_len(other.to_string().len())),
    }
}

fn put_array(buffer: &mut Vec<u8>, array: &Array) {
    match array {
        Array::Bool(items) => {
            for item in items {
                put_header(buffer, 1, BOOL_LEN);
                put_varint_field(buffer, 2, u64::from(*item));
            }
        }
        Array::I64(items) => {
            for item in items {
                put_header(buffer, 1, int_len(*item));
                put_varint_field(buffer, 3, item.cast_unsigned());
            }
        }
        Array::F64(items) => {
            for item in items {
                put_header(buffer, 1, DOUBLE_LEN);
                put_fixed64_field(buffer, 4, item.to_bits());
            }
        }
        Array::String(items) => {
            for item in items {
                put_text_item(buffer, item.as_str());
            }
        }
        other => put_text_item(buffer, &other.to_string()),
    }
}

fn put_text_item(buffer: &mut Vec<u8>, text: &str) {
    put_header(buffer, 1, field_len(text.len()));
    put_bytes_field(buffer, 1, text.as_bytes());
}

const fn int_len(number: i64) -> usize {
    1 + varint_len(number.cast_unsigned())
}

const fn text_len(text: &str) -> usize {
    if text.is_empty() {
        0
    } else {
        field_len(text.len())
    }
}

pub(super) fn put_text(buffer: &mut Vec<u8>, field: u32, text: &str) {
    if !text.is_empty() {
        put_bytes_field(buffer, field, text.as_bytes());
    }
}

fn put_count(buffer: &mut Vec<u8>, field: u32, count: u32) {
    if count > 0 {
        put_varint_field(buffer, field, u64::from(count));
    }
}

fn put_time(buffer: &mut Vec<u8>, field: u32, time: SystemTime) {
    let nanos = time.duration_since(UNIX_EPOCH).map_or(0, |since| {
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    });
    put_fixed64_field(buffer, field, nanos);
}

const fn kind_number(kind: &SpanKind) -> u64 {
    match kind {
        SpanKind::Internal => 1,
        SpanKind::Server => 2,
        SpanKind::Client => 3,
        SpanKind::Producer => 4,
        SpanKind::Consumer => 5,
    }
}

/// The W3C flags, and whether the parent is remote, which is always known.
pub(super) const fn span_flags(trace_flags: u8, is_remote: bool) -> u32 {
    const HAS_IS_REMOTE: u32 = 0x100;
    const IS_REMOTE: u32 = 0x200;
    trace_flags as u32 | HAS_IS_REMOTE | if is_remote { IS_REMOTE } else { 0 }
}
