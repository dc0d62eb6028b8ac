//! OTLP as JSON, by the rules of the specification and with what real exporters do beside them.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use caribou_model::SpanStatus;

use crate::decode::collect::Collector;
use crate::decode::{Decoded, Defaults};
use crate::span::{
    Attribute, MAX_VALUE_DEPTH, MAX_VALUES, Origin, TOO_DEEP, WireEvent, WireId, WireLink,
    WireSpan, status_from_code,
};
use crate::value::Value;
use crate::{DecodeError, json};

/// Reads an `ExportTraceServiceRequest` in JSON; `{}` and an empty body are requests without spans.
///
/// Spans that cannot be kept are listed in [`Decoded::rejected`] and cost no other span.
///
/// # Errors
/// When the body is not JSON, or not laid out as such a request.
pub fn decode_json<'a>(
    body: &'a [u8],
    defaults: &Defaults<'a>,
) -> Result<Decoded<'a>, DecodeError> {
    let mut collector = Collector::new(defaults);
    if body.is_empty() {
        return collector.finish();
    }
    let mut request = json::parse(body)?;
    if !matches!(request, Value::Map(_)) {
        return Err(shape("the document", "an object with resourceSpans"));
    }
    let spans = field(&mut request, "resourceSpans", "resource_spans");
    if matches!(spans, Value::Null) {
        check_signal(&request)?;
    }
    for resource_spans in list(spans, "resourceSpans")? {
        read_resource_spans(resource_spans, &mut collector)?;
    }
    collector.finish()
}

fn check_signal(request: &Value<'_>) -> Result<(), DecodeError> {
    let signals = [
        ("resourceLogs", "logs"),
        ("resource_logs", "logs"),
        ("resourceMetrics", "metrics"),
        ("resource_metrics", "metrics"),
    ];
    match signals.iter().find(|(key, _)| request.get(key).is_some()) {
        Some((_, signal)) => Err(DecodeError::WrongSignal { signal }),
        None => Ok(()),
    }
}

fn read_resource_spans<'a>(
    mut resource_spans: Value<'a>,
    collector: &mut Collector<'a>,
) -> Result<(), DecodeError> {
    object(&resource_spans, "resourceSpans")?;
    let mut resource = field(&mut resource_spans, "resource", "resource");
    let mut reading = Reading::default();
    let attributes = reading.attributes(&mut resource, "resourceSpans.resource.attributes")?;
    let mut origin = Collector::origin(Origin {
        resource: attributes,
        ..Origin::default()
    });
    let mut groups = list(
        field(&mut resource_spans, "scopeSpans", "scope_spans"),
        "resourceSpans.scopeSpans",
    )?;
    groups.extend(list(
        field(
            &mut resource_spans,
            "instrumentationLibrarySpans",
            "instrumentation_library_spans",
        ),
        "resourceSpans.instrumentationLibrarySpans",
    )?);
    for mut scope_spans in groups {
        object(&scope_spans, "resourceSpans.scopeSpans")?;
        let mut scope = match field(&mut scope_spans, "scope", "scope") {
            Value::Null => field(
                &mut scope_spans,
                "instrumentationLibrary",
                "instrumentation_library",
            ),
            scope => scope,
        };
        origin.wire.scope_name = field(&mut scope, "name", "name").into_text();
        origin.wire.scope_version = field(&mut scope, "version", "version").into_text();
        let spans = field(&mut scope_spans, "spans", "spans");
        for span in list(spans, "resourceSpans.scopeSpans.spans")? {
            object(&span, "resourceSpans.scopeSpans.spans")?;
            read_span(span, collector.next_span())?;
            collector.take_span(&origin)?;
        }
    }
    Ok(())
}

fn read_span<'a>(mut json: Value<'a>, span: &mut WireSpan<'a>) -> Result<(), DecodeError> {
    let mut reading = Reading::default();
    span.trace_id = id(field(&mut json, "traceId", "trace_id"));
    span.span_id = id(field(&mut json, "spanId", "span_id"));
    span.parent_span_id = id(field(&mut json, "parentSpanId", "parent_span_id"));
    span.trace_state = field(&mut json, "traceState", "trace_state").into_text();
    span.name = field(&mut json, "name", "name").into_text();
    span.kind = kind(&field(&mut json, "kind", "kind"));
    span.start_time_unix_nano = unsigned(&field(
        &mut json,
        "startTimeUnixNano",
        "start_time_unix_nano",
    ));
    span.end_time_unix_nano = unsigned(&field(&mut json, "endTimeUnixNano", "end_time_unix_nano"));
    span.attributes = reading.attributes(&mut json, "resourceSpans.scopeSpans.spans.attributes")?;
    span.dropped_attributes_count = unsigned(&field(
        &mut json,
        "droppedAttributesCount",
        "dropped_attributes_count",
    ));
    let events = field(&mut json, "events", "events");
    for event in list(events, "resourceSpans.scopeSpans.spans.events")? {
        if reading.has_room() {
            span.events.push(reading.event(event)?);
        }
    }
    span.dropped_events_count = unsigned(&field(
        &mut json,
        "droppedEventsCount",
        "dropped_events_count",
    ));
    let links = field(&mut json, "links", "links");
    for link in list(links, "resourceSpans.scopeSpans.spans.links")? {
        if reading.has_room() {
            span.links.push(reading.link(link)?);
        }
    }
    span.dropped_links_count = unsigned(&field(
        &mut json,
        "droppedLinksCount",
        "dropped_links_count",
    ));
    let mut status = field(&mut json, "status", "status");
    span.status_message = field(&mut status, "message", "message").into_text();
    span.status = status_code(&field(&mut status, "code", "code"));
    span.cut = reading.cut;
    span.overfull = reading.values > MAX_VALUES;
    Ok(())
}

/// Reads values and keeps count of them.
#[derive(Default)]
struct Reading {
    values: usize,
    cut: bool,
}

impl Reading {
    const fn has_room(&mut self) -> bool {
        self.values += 1;
        self.values <= MAX_VALUES
    }

    fn event<'a>(&mut self, mut json: Value<'a>) -> Result<WireEvent<'a>, DecodeError> {
        Ok(WireEvent {
            time_unix_nano: unsigned(&field(&mut json, "timeUnixNano", "time_unix_nano")),
            name: field(&mut json, "name", "name").into_text(),
            attributes: self.attributes(
                &mut json,
                "resourceSpans.scopeSpans.spans.events.attributes",
            )?,
        })
    }

    fn link<'a>(&mut self, mut json: Value<'a>) -> Result<WireLink<'a>, DecodeError> {
        Ok(WireLink {
            trace_id: id(field(&mut json, "traceId", "trace_id")),
            span_id: id(field(&mut json, "spanId", "span_id")),
            trace_state: field(&mut json, "traceState", "trace_state").into_text(),
            attributes: self
                .attributes(&mut json, "resourceSpans.scopeSpans.spans.links.attributes")?,
        })
    }

    fn attributes<'a>(
        &mut self,
        owner: &mut Value<'a>,
        path: &'static str,
    ) -> Result<Vec<Attribute<'a>>, DecodeError> {
        let pairs = list(field(owner, "attributes", "attributes"), path)?;
        Ok(self.pairs(pairs, 0))
    }

    fn pairs<'a>(&mut self, pairs: Vec<Value<'a>>, depth: usize) -> Vec<Attribute<'a>> {
        let mut attributes = Vec::new();
        for mut pair in pairs {
            if self.has_room() {
                let key = field(&mut pair, "key", "key").into_text();
                let value = field(&mut pair, "value", "value");
                attributes.push((key, self.any_value(value, depth)));
            }
        }
        attributes
    }

    fn any_value<'a>(&mut self, json: Value<'a>, depth: usize) -> Value<'a> {
        let Value::Map(entries) = json else {
            // Not OTLP, but what hand-written exporters send; its meaning is plain.
            return json;
        };
        let mut any = Value::Null;
        for (key, value) in entries {
            if matches!(value, Value::Null) {
                continue;
            }
            any = match key.as_ref() {
                "stringValue" | "string_value" => Value::Text(value.into_text()),
                "boolValue" | "bool_value" => value.as_bool().map_or(Value::Null, Value::Bool),
                "intValue" | "int_value" => value.as_i64().map_or(Value::Null, Value::Int),
                "doubleValue" | "double_value" => double(&value),
                "bytesValue" | "bytes_value" => bytes(value),
                "arrayValue" | "array_value" => self.nested(value, depth, Self::list),
                "kvlistValue" | "kvlist_value" => self.nested(value, depth, Self::map),
                _ => continue,
            };
        }
        any
    }

    fn nested<'a>(
        &mut self,
        mut json: Value<'a>,
        depth: usize,
        read: impl FnOnce(&mut Self, Vec<Value<'a>>, usize) -> Value<'a>,
    ) -> Value<'a> {
        if depth >= MAX_VALUE_DEPTH {
            self.cut = true;
            return Value::text(TOO_DEEP);
        }
        let Value::List(items) = field(&mut json, "values", "values") else {
            return read(self, Vec::new(), depth);
        };
        read(self, items, depth + 1)
    }

    fn list<'a>(&mut self, items: Vec<Value<'a>>, depth: usize) -> Value<'a> {
        let mut list = Vec::new();
        for item in items {
            if self.has_room() {
                list.push(self.any_value(item, depth));
            }
        }
        Value::List(list)
    }

    fn map<'a>(&mut self, items: Vec<Value<'a>>, depth: usize) -> Value<'a> {
        Value::Map(self.pairs(items, depth))
    }
}

/// Takes a field by either spelling; null where absent.
fn field<'a>(owner: &mut Value<'a>, camel: &str, snake: &str) -> Value<'a> {
    owner
        .take(camel)
        .or_else(|| owner.take(snake))
        .unwrap_or_default()
}

fn list<'a>(json: Value<'a>, path: &'static str) -> Result<Vec<Value<'a>>, DecodeError> {
    match json {
        Value::List(items) => Ok(items),
        Value::Null => Ok(Vec::new()),
        _ => Err(shape(path, "a list")),
    }
}

const fn object(json: &Value<'_>, path: &'static str) -> Result<(), DecodeError> {
    match json {
        Value::Map(_) => Ok(()),
        _ => Err(shape(path, "a list of objects")),
    }
}

const fn shape(path: &'static str, expected: &'static str) -> DecodeError {
    DecodeError::Shape { path, expected }
}

fn id(json: Value<'_>) -> WireId<'_> {
    match json {
        Value::Null => WireId::Absent,
        other => WireId::Hex(other.into_text()),
    }
}

/// An unsigned number, as a number, as text, or with an exponent; 0 where it is none.
fn unsigned(json: &Value<'_>) -> u64 {
    match json {
        Value::Int(number) => u64::try_from(*number).unwrap_or_default(),
        Value::Text(text) | Value::Number(text) => text.trim().parse().unwrap_or_else(|_| {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "an `as` cast from float saturates, which is what is wanted"
            )]
            let number = json.as_f64().unwrap_or_default() as u64;
            number
        }),
        _ => 0,
    }
}

fn double<'a>(json: &Value<'a>) -> Value<'a> {
    json.as_f64().map_or(Value::Null, Value::Double)
}

fn bytes(json: Value<'_>) -> Value<'_> {
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &base64::alphabet::URL_SAFE,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    let text = json.into_text();
    STANDARD
        .decode(text.as_bytes())
        .or_else(|_| LENIENT.decode(text.as_bytes()))
        .map_or(Value::Text(text), |bytes| Value::Bytes(Cow::Owned(bytes)))
}

fn kind(json: &Value<'_>) -> i64 {
    const NAMES: [&str; 6] = [
        "SPAN_KIND_UNSPECIFIED",
        "SPAN_KIND_INTERNAL",
        "SPAN_KIND_SERVER",
        "SPAN_KIND_CLIENT",
        "SPAN_KIND_PRODUCER",
        "SPAN_KIND_CONSUMER",
    ];
    json.as_i64()
        .or_else(|| {
            let name = json.as_str()?;
            let position = NAMES.iter().position(|known| *known == name)?;
            i64::try_from(position).ok()
        })
        .unwrap_or_default()
}

fn status_code(json: &Value<'_>) -> SpanStatus {
    match json.as_str() {
        Some("STATUS_CODE_OK") => SpanStatus::Ok,
        Some("STATUS_CODE_ERROR") => SpanStatus::Error,
        _ => status_from_code(json.as_i64().unwrap_or_default()),
    }
}
