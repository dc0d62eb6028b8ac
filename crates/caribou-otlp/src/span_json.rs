//! What of a span is kept as JSON text: attributes, events, links.

use crate::span::{Attribute, WireEvent, WireLink};
use crate::value::{Value, write_json_string};

/// Attributes as a JSON object; empty where there are none.
pub(crate) fn json_object(attributes: &[Attribute<'_>]) -> String {
    let mut json = String::new();
    if !attributes.is_empty() {
        Value::write_map(attributes, &mut json);
    }
    json
}

/// Events as a JSON list; empty where there are none. Times are strings, since JSON readers round such numbers.
pub(crate) fn events_json(events: &[WireEvent<'_>]) -> String {
    let mut json = String::new();
    for event in events {
        json.push(if json.is_empty() { '[' } else { ',' });
        json.push_str("{\"name\":");
        write_json_string(&event.name, &mut json);
        json.push_str(",\"time_unix_nano\":");
        write_json_string(&event.time_unix_nano.to_string(), &mut json);
        if !event.attributes.is_empty() {
            json.push_str(",\"attributes\":");
            Value::write_map(&event.attributes, &mut json);
        }
        json.push('}');
    }
    if !json.is_empty() {
        json.push(']');
    }
    json
}

/// Links as a JSON list; empty where there are none.
pub(crate) fn links_json(links: &[WireLink<'_>]) -> String {
    let mut json = String::new();
    for link in links {
        json.push(if json.is_empty() { '[' } else { ',' });
        json.push_str("{\"trace_id\":");
        let trace_id = link.trace_id.trace_id().map(|id| id.to_string());
        write_json_string(&trace_id.unwrap_or_default(), &mut json);
        json.push_str(",\"span_id\":");
        let span_id = link.span_id.span_id().map(|id| id.to_string());
        write_json_string(&span_id.unwrap_or_default(), &mut json);
        if !link.trace_state.is_empty() {
            json.push_str(",\"trace_state\":");
            write_json_string(&link.trace_state, &mut json);
        }
        if !link.attributes.is_empty() {
            json.push_str(",\"attributes\":");
            Value::write_map(&link.attributes, &mut json);
        }
        json.push('}');
    }
    if !json.is_empty() {
        json.push(']');
    }
    json
}
