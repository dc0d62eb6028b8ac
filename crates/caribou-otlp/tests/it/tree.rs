//! Renders a record as compact text, so that a changed field is one changed line.

use std::fmt::Write as _;

use caribou_model::{Payload, SpanRecord};
use serde_json::Value;

/// The record's fields that are set.
pub(crate) fn render(span: &SpanRecord<'_>) -> String {
    let mut text = format!("{} \"{}\"", span.item_type.as_str(), span.span_name);
    for part in [&span.model, &span.provider, &span.finish_reason] {
        if !part.is_empty() {
            write!(text, " {part}").unwrap();
        }
    }
    if span.input_tokens.is_some() || span.output_tokens.is_some() {
        let show =
            |count: Option<u64>| count.map_or_else(|| "?".to_owned(), |count| count.to_string());
        write!(
            text,
            " {}→{} tok",
            show(span.input_tokens),
            show(span.output_tokens)
        )
        .unwrap();
    }
    if let Some(cached) = span.cached_input_tokens {
        write!(text, ", {cached} cached").unwrap();
    }
    if let Some(reasoning) = span.reasoning_tokens {
        write!(text, ", {reasoning} reasoning").unwrap();
    }
    if let Some(cost) = span.cost {
        write!(text, ", ${}", cost.usd()).unwrap();
    }
    writeln!(text, ", counts for {}", span.usage_scope.as_str()).unwrap();
    let fields = [
        ("project", &span.project),
        ("name", &span.name),
        ("call", &span.call_id),
        ("session", &span.session_id),
        ("user", &span.user_id),
        ("phase", &span.phase),
        ("run", &span.run_id),
        ("datapoint", &span.datapoint_id),
        ("reasoning", &span.reasoning),
        ("error type", &span.error_type),
        ("error", &span.error_message),
        ("traceback", &span.traceback),
        ("metadata", &span.metadata),
        ("attributes", &span.attributes),
        ("events", &span.span_events),
        ("links", &span.links),
        ("resource", &span.resource),
        ("scope", &span.scope_name),
    ];
    let is_default = |name: &str, value: &str| name == "project" && value == "default";
    if span.status.as_str() != "unset" {
        writeln!(text, "  status: {}", span.status.as_str()).unwrap();
    }
    if let Some(score) = span.score {
        writeln!(text, "  score: {score}").unwrap();
    }
    if !span.tags.is_empty() {
        writeln!(text, "  tags: {}", span.tags.join(", ")).unwrap();
    }
    if !span.marks.is_empty() {
        writeln!(text, "  marks: {}", span.marks.join(", ")).unwrap();
    }
    for (name, value) in fields {
        if !value.is_empty() && !is_default(name, value) {
            writeln!(text, "  {name}: {value}").unwrap();
        }
    }
    render_payload(&mut text, "input", &span.input);
    render_payload(&mut text, "output", &span.output);
    text
}

fn render_payload(text: &mut String, name: &str, payload: &Payload<'_>) {
    match payload {
        Payload::None => {}
        Payload::Text(content) => writeln!(text, "  {name} text: {content}").unwrap(),
        Payload::Json(json) => {
            writeln!(text, "  {name}:").unwrap();
            match serde_json::from_str(json).unwrap() {
                Value::Array(_) => {
                    let items: Vec<&serde_json::value::RawValue> =
                        serde_json::from_str(json).unwrap();
                    for item in items {
                        writeln!(text, "    {item}").unwrap();
                    }
                }
                _ => writeln!(text, "    {json}").unwrap(),
            }
        }
    }
}
