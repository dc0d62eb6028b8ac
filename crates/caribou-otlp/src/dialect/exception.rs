//! Errors: the `exception` event and `error.*` attributes.

use caribou_model::SpanStatus;

use crate::dialect::Dialect;
use crate::dialect::draft::Draft;
use crate::value::Value;

pub(super) const DIALECT: Dialect = Dialect {
    recognises: |draft| {
        draft.record.status == SpanStatus::Error || draft.attributes.contains("error.type")
    },
    apply,
};

/// The event of a span, and the one of OpenTelemetry's GenAI conventions.
const EVENTS: [&str; 2] = ["exception", "gen_ai.client.operation.exception"];

fn apply(draft: &mut Draft<'_, '_>) {
    if draft.record.status == SpanStatus::Unset && draft.attributes.contains("error.type") {
        draft.record.status = SpanStatus::Error;
    }
    // An exception within a span that did not fail was handled: it stays an event.
    if draft.record.status == SpanStatus::Error {
        take_exception(draft);
        draft.fill_text(|record| &mut record.error_type, &["error.type"]);
        draft.fill_text(|record| &mut record.error_message, &["error.message"]);
    }
}

/// Takes the last exception, which is the one that ended the span.
fn take_exception(draft: &mut Draft<'_, '_>) {
    let Some(position) = draft
        .events
        .iter()
        .rposition(|event| EVENTS.contains(&event.name.as_ref()))
    else {
        return;
    };
    let event = &mut draft.events[position];
    let record = &mut *draft.record;
    event.attributes.retain_mut(|(key, value)| {
        let field = match key.as_ref() {
            "exception.type" => &mut record.error_type,
            "exception.message" => &mut record.error_message,
            "exception.stacktrace" => &mut record.traceback,
            "exception.escaped" => return false,
            _ => return true,
        };
        let known = value.as_str().is_some_and(|text| field.contains(text));
        if known {
            return false;
        }
        if field.is_empty() {
            *field = std::mem::take(value).into_text();
            return false;
        }
        *value != Value::Null
    });
    if event.attributes.is_empty() {
        draft.events.remove(position);
    }
}
