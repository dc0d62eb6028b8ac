//! Messages as span events: OpenTelemetry's GenAI conventions up to 1.36, and those of before that.

use std::borrow::Cow;

use crate::dialect::Dialect;
use crate::dialect::chat::{self, ChatMessage};
use crate::dialect::draft::Draft;
use crate::span::WireEvent;
use crate::value::Value;

pub(super) const DIALECT: Dialect = Dialect {
    recognises: |draft| {
        draft
            .events
            .iter()
            .any(|event| event.name.starts_with("gen_ai."))
    },
    apply,
};

fn apply(draft: &mut Draft<'_, '_>) {
    let (reads_input, reads_output) = (!draft.has_input(), !draft.has_output());
    for event in std::mem::take(&mut draft.events) {
        let place = place_of(&event.name);
        match place {
            Some(Place::Input(role)) if reads_input => push(event, role, &mut draft.input),
            Some(Place::Output) if reads_output => push(event, "assistant", &mut draft.output),
            _ => draft.events.push(event),
        }
    }
}

enum Place {
    Input(&'static str),
    Output,
}

fn place_of(name: &str) -> Option<Place> {
    match name {
        "gen_ai.system.message" => Some(Place::Input("system")),
        "gen_ai.user.message" | "gen_ai.content.prompt" => Some(Place::Input("user")),
        "gen_ai.assistant.message" => Some(Place::Input("assistant")),
        "gen_ai.tool.message" => Some(Place::Input("tool")),
        "gen_ai.choice" | "gen_ai.content.completion" => Some(Place::Output),
        _ => None,
    }
}

/// Attributes that repeat what the span itself says.
const REPEATED: [&str; 4] = [
    "gen_ai.system",
    "gen_ai.provider.name",
    "event.name",
    "index",
];

fn push<'a>(event: WireEvent<'a>, role: &'static str, messages: &mut Vec<ChatMessage<'a>>) {
    let mut entries: Vec<(Cow<'a, str>, Value<'a>)> = Vec::new();
    for (key, value) in event.attributes {
        match (key.as_ref(), value) {
            ("gen_ai.prompt" | "gen_ai.completion", value) => match chat::messages(value, role) {
                Ok(found) => return messages.extend(found.list),
                Err(value) => entries.push((Cow::Borrowed("content"), value)),
            },
            // Some put the event's whole body, as it would be in a log, into one attribute.
            ("gen_ai.event.content", value) => match chat::structure(value) {
                Value::Map(body) => entries.extend(body),
                other => entries.push((Cow::Borrowed("content"), other)),
            },
            ("id", id) if role == "tool" => entries.push((Cow::Borrowed("tool_call_id"), id)),
            ("message", value) => entries.push((key, message_body(value))),
            ("content" | "tool_calls", value) => entries.push((key, chat::structure(value))),
            (name, _) if REPEATED.contains(&name) => {}
            (_, value) => entries.push((key, value)),
        }
    }
    chat::push_message(Value::Map(entries), role, messages);
}

/// The message of a choice; where it is plain text rather than a structure, its content.
fn message_body(value: Value<'_>) -> Value<'_> {
    match chat::structure(value) {
        text @ Value::Text(_) => Value::Map(vec![(Cow::Borrowed("content"), text)]),
        other => other,
    }
}
