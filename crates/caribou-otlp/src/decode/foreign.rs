//! Spans of anything but the SDK.

use std::borrow::Cow;

use caribou_model::{SpanRecord, attribute};

use crate::decode::sdk::set_field;
use crate::derived::{fallback_revision, measured_duration};
use crate::dialect;
use crate::span::WireSpan;

/// Fills a record from a span of a foreign instrumentation; gives back the grades that it carries.
pub(crate) fn map<'a>(span: &mut WireSpan<'a>, record: &mut SpanRecord<'a>) -> Vec<SpanRecord<'a>> {
    record.span_kind = Cow::Borrowed("otel");
    record.duration_ns = measured_duration(record);
    record.revision = fallback_revision(record);
    take_own_keys(span, record);
    dialect::map(span, record)
}

/// Any program may say by our keys what a rollout is: its project, run, datapoint and so on.
fn take_own_keys<'a>(span: &mut WireSpan<'a>, record: &mut SpanRecord<'a>) {
    span.attributes.retain_mut(|(key, value)| {
        if !key.starts_with(attribute::PREFIX) {
            return true;
        }
        match set_field(record, key.as_bytes(), std::mem::take(value)) {
            Some(rest) => {
                *value = rest;
                true
            }
            None => false,
        }
    });
}
