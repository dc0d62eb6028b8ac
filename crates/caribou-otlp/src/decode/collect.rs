//! Turns spans as sent into records, one after the other.

use std::borrow::Cow;

use caribou_model::{SpanRecord, attribute};

use crate::DecodeError;
use crate::decode::{Decoded, Defaults, Rejection, RejectionReason, foreign, sdk};
use crate::span::{Attribute, Origin, WireSpan};
use crate::span_json::{json_object, links_json};
use crate::value::Value;

/// A record takes about 1.5 KB of memory, however few bytes it was on the wire.
const MAX_SPANS: usize = 100_000;

/// What a resource and scope say is repeated on each of their spans, and so grows with the product of both.
const MAX_REPEATED_BYTES: usize = 64 << 20;

const DETAILED_REJECTIONS: usize = 100;

/// What the spans of one resource share, prepared once.
#[derive(Debug, Default)]
pub(crate) struct OriginContext<'a> {
    pub(crate) wire: Origin<'a>,
    pub(crate) resource_json: String,
    pub(crate) project: Option<Cow<'a, str>>,
}

impl OriginContext<'_> {
    /// What one record takes of it.
    fn bytes(&self) -> usize {
        self.resource_json.len()
            + self.wire.scope_name.len()
            + self.wire.scope_version.len()
            + self.project.as_ref().map_or(0, |project| project.len())
    }
}

/// Gathers records and rejections.
pub(crate) struct Collector<'a> {
    defaults: Defaults<'a>,
    span: WireSpan<'a>,
    decoded: Decoded<'a>,
    /// Spans of the request so far.
    seen: u64,
    log_like: u64,
    /// Bytes of resources and scopes in the records so far.
    repeated_bytes: usize,
}

impl<'a> Collector<'a> {
    pub(crate) fn new(defaults: &Defaults<'a>) -> Self {
        Self {
            defaults: *defaults,
            span: WireSpan::default(),
            decoded: Decoded::default(),
            seen: 0,
            log_like: 0,
            repeated_bytes: 0,
        }
    }

    /// Prepares what the spans of a resource share.
    pub(crate) fn origin(wire: Origin<'a>) -> OriginContext<'a> {
        OriginContext {
            resource_json: json_object(&wire.resource),
            project: project_of_resource(&wire.resource),
            wire,
        }
    }

    /// Makes room for spans that are about to come, as far as a count in a request is to be trusted.
    pub(crate) fn expect_spans(&mut self, count: usize) {
        const TRUSTED: usize = 2_048;
        self.decoded.spans.reserve(count.min(TRUSTED));
    }

    /// The place to decode the next span into.
    pub(crate) fn next_span(&mut self) -> &mut WireSpan<'a> {
        self.span.clear();
        &mut self.span
    }

    /// Maps the span just decoded.
    pub(crate) fn take_span(&mut self, origin: &OriginContext<'a>) -> Result<(), DecodeError> {
        self.seen += 1;
        if self.decoded.spans.len() >= MAX_SPANS {
            return Err(DecodeError::TooMany {
                what: "spans",
                limit: MAX_SPANS,
            });
        }
        self.repeated_bytes += origin.bytes();
        if self.repeated_bytes > MAX_REPEATED_BYTES {
            return Err(DecodeError::TooMany {
                what: "bytes of resource attributes, counted once for each span",
                limit: MAX_REPEATED_BYTES,
            });
        }
        let mut grades = Vec::new();
        match self.record(origin, &mut grades) {
            Ok(record) => {
                for grade in &mut grades {
                    grade.project.clone_from(&record.project);
                }
                self.decoded.spans.push(record);
                self.decoded.spans.append(&mut grades);
            }
            Err(reason) => self.reject(reason),
        }
        Ok(())
    }

    pub(crate) fn finish(self) -> Result<Decoded<'a>, DecodeError> {
        let decoded = self.decoded;
        if decoded.spans.is_empty() && self.log_like > 0 {
            return Err(DecodeError::WrongSignal { signal: "logs" });
        }
        Ok(decoded)
    }

    /// Makes the record of the span just decoded, and those of the grades that it carries.
    fn record(
        &mut self,
        origin: &OriginContext<'a>,
        grades: &mut Vec<SpanRecord<'a>>,
    ) -> Result<SpanRecord<'a>, RejectionReason> {
        let span = &mut self.span;
        let trace_id = span
            .trace_id
            .trace_id()
            .ok_or(RejectionReason::InvalidTraceId)?;
        let span_id = span
            .span_id
            .span_id()
            .ok_or(RejectionReason::InvalidSpanId)?;
        if span.overfull {
            return Err(RejectionReason::TooManyValues);
        }
        let mut record = SpanRecord {
            trace_id,
            span_id,
            parent_span_id: span.parent_span_id.span_id(),
            span_name: std::mem::take(&mut span.name),
            status: span.status,
            error_message: std::mem::take(&mut span.status_message),
            resource: Cow::Owned(origin.resource_json.clone()),
            scope_name: origin.wire.scope_name.clone(),
            scope_version: origin.wire.scope_version.clone(),
            ..SpanRecord::default()
        };
        if record.parent_span_id.is_none() && !span.parent_span_id.is_none() {
            record.marks.push("invalid_parent_id");
        }
        if span.cut {
            record.marks.push("value_too_deep");
        }
        set_times(span, &mut record, self.defaults.received_at);
        record.links = Cow::Owned(links_json(&span.links));
        if span.is_from_sdk() {
            sdk::map(span, &mut record);
        } else {
            *grades = foreign::map(span, &mut record);
        }
        self.set_project(origin, &mut record);
        Ok(record)
    }

    fn set_project(&self, origin: &OriginContext<'a>, record: &mut SpanRecord<'a>) {
        if let Some(forced) = self.defaults.forced_project {
            record.project = Cow::Borrowed(forced);
        } else if record.project.is_empty() {
            record.project = origin
                .project
                .clone()
                .unwrap_or(Cow::Borrowed(self.defaults.project));
        }
    }

    fn reject(&mut self, reason: RejectionReason) {
        let index = self.seen - 1;
        self.decoded.rejected_count += 1;
        self.log_like += u64::from(self.span.looks_like_log);
        if self.decoded.rejected.len() < DETAILED_REJECTIONS {
            self.decoded.rejected.push(Rejection {
                index,
                trace_id: self.span.trace_id.shown(),
                span_id: self.span.span_id.shown(),
                reason,
            });
        }
    }
}

fn set_times(span: &WireSpan<'_>, record: &mut SpanRecord<'_>, received_at: i64) {
    let time = |nanos: u64| i64::try_from(nanos).unwrap_or(i64::MAX);
    let (start, end) = (
        time(span.start_time_unix_nano),
        time(span.end_time_unix_nano),
    );
    record.ended_at = (end != 0).then_some(end);
    record.started_at = match (start, end) {
        (0, 0) => {
            record.marks.push("no_time");
            received_at
        }
        (0, end) => end,
        (start, _) => start,
    };
    if let Some(ended_at) = &mut record.ended_at
        && *ended_at < record.started_at
    {
        *ended_at = record.started_at;
        record.marks.push("ends_before_start");
    }
    record.logged_at = record.started_at;
}

/// The project that a resource names, as Caribou, Phoenix and plain OpenTelemetry write it.
fn project_of_resource<'a>(resource: &[Attribute<'a>]) -> Option<Cow<'a, str>> {
    let named = |key: &str| {
        resource.iter().rev().find_map(|(name, value)| match value {
            Value::Text(text) if name == key && !text.is_empty() => Some(text.clone()),
            _ => None,
        })
    };
    named(attribute::PROJECT)
        .or_else(|| named("openinference.project.name"))
        .or_else(|| named("service.name").filter(|name| !name.starts_with("unknown_service")))
}
