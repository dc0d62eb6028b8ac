//! Conventions by which others describe model calls, tools and agents, one file each.
//!
//! A dialect looks at the attributes of a span, sets what is not set yet, and takes what it used; what nobody took
//! stays with the record. They run in the order of [`DIALECTS`], so that a span written in two of them is read in the
//! more precise one.

mod attributes;
mod chat;
mod draft;
mod evaluation;
mod exception;
mod finish;
mod genai;
mod generic;
mod langfuse;
mod message_events;
mod openinference;
mod openllmetry;
mod part;
mod provider;
mod score;
mod vercel;

use caribou_model::{SpanId, SpanRecord, TraceId};

use crate::dialect::attributes::Attributes;
use crate::dialect::draft::Draft;
use crate::span::{Attribute, WireSpan};
use crate::value::Value;

/// One convention.
struct Dialect {
    /// Whether a span carries anything of it.
    recognises: fn(&Draft<'_, '_>) -> bool,
    /// Takes what it knows.
    apply: fn(&mut Draft<'_, '_>),
}

/// All conventions, the most explicit first; [`generic`] and [`exception`] belong to none and come last.
const DIALECTS: [Dialect; 9] = [
    langfuse::DIALECT,
    vercel::DIALECT,
    genai::DIALECT,
    openinference::DIALECT,
    openllmetry::DIALECT,
    message_events::DIALECT,
    evaluation::DIALECT,
    generic::DIALECT,
    exception::DIALECT,
];

/// Fills a record from what a foreign span says, in whatever convention; gives back the grades that it carries.
pub(crate) fn map<'a>(span: &mut WireSpan<'a>, record: &mut SpanRecord<'a>) -> Vec<SpanRecord<'a>> {
    let protocol = protocol_fields(span);
    let attributes = Attributes::new(span.attributes.drain(..).chain(protocol));
    let mut draft = Draft::new(attributes, std::mem::take(&mut span.events), record);
    draft.target = target(span, &draft);
    for dialect in &DIALECTS {
        if (dialect.recognises)(&draft) {
            (dialect.apply)(&mut draft);
        }
    }
    finish::finish(draft)
}

/// The span that an evaluator's span is about: what its only link leads to.
fn target(span: &WireSpan<'_>, draft: &Draft<'_, '_>) -> Option<(TraceId, SpanId)> {
    let kind = draft.attributes.get_str("openinference.span.kind")?;
    match span.links.as_slice() {
        [link] if kind.eq_ignore_ascii_case("EVALUATOR") => {
            Some((link.trace_id.trace_id()?, link.span_id.span_id()?))
        }
        _ => None,
    }
}

/// What the protocol says of a span beside its attributes, and no field of the model holds.
fn protocol_fields<'a>(span: &mut WireSpan<'a>) -> Vec<Attribute<'a>> {
    const KINDS: [&str; 4] = ["server", "client", "producer", "consumer"];
    let mut fields = Vec::new();
    let kind = usize::try_from(span.kind - 2).ok();
    if let Some(kind) = kind.and_then(|kind| KINDS.get(kind)) {
        fields.push(("otel.kind".into(), Value::text(*kind)));
    }
    if !span.trace_state.is_empty() {
        let state = std::mem::take(&mut span.trace_state);
        fields.push(("otel.trace_state".into(), Value::Text(state)));
    }
    let dropped = [
        (
            "otel.dropped_attributes_count",
            span.dropped_attributes_count,
        ),
        ("otel.dropped_events_count", span.dropped_events_count),
        ("otel.dropped_links_count", span.dropped_links_count),
    ];
    for (name, count) in dropped {
        if count > 0 {
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            fields.push((name.into(), Value::Int(count)));
        }
    }
    fields
}
