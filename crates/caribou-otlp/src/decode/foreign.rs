//! Spans of anything but the SDK.

use std::borrow::Cow;

use caribou_model::SpanRecord;

use crate::decode::collect::{OriginContext, events_json, json_object, measured_duration};
use crate::decode::sdk::fallback_revision;
use crate::span::WireSpan;

/// Fills a record from a span of a foreign instrumentation.
pub(crate) fn map<'a>(
    span: &mut WireSpan<'a>,
    _origin: &OriginContext<'a>,
    record: &mut SpanRecord<'a>,
) {
    record.span_kind = Cow::Borrowed("otel");
    record.duration_ns = measured_duration(record);
    record.revision = fallback_revision(record);
    record.attributes = Cow::Owned(json_object(&span.attributes));
    record.span_events = Cow::Owned(events_json(&span.events));
}
