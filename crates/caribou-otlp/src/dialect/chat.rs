//! Messages of any convention as OpenAI-style JSON.

use std::borrow::Cow;

use crate::dialect::part;
use crate::json;
use crate::span::Attribute as Entry;
use crate::value::Value;

/// A message: `role`, `content` (text or OpenAI content parts), `reasoning`, `tool_calls`, `tool_call_id`, `name`,
/// `finish_reason`, and whatever else the convention said, under its own names.
#[derive(Debug, Default)]
pub(crate) struct ChatMessage<'a> {
    pub(crate) role: Cow<'a, str>,
    pub(crate) parts: Vec<Value<'a>>,
    pub(crate) reasoning: Vec<Cow<'a, str>>,
    /// What came with the reasoning beside its text, such as signatures.
    pub(crate) reasoning_details: Vec<Value<'a>>,
    pub(crate) tool_calls: Vec<Value<'a>>,
    pub(crate) tool_call_id: Option<Cow<'a, str>>,
    pub(crate) finish_reason: Option<Cow<'a, str>>,
    pub(crate) others: Vec<Entry<'a>>,
}

impl<'a> ChatMessage<'a> {
    pub(crate) fn of_role(role: impl Into<Cow<'a, str>>) -> Self {
        Self {
            role: role.into(),
            ..Self::default()
        }
    }

    pub(crate) fn push_text(&mut self, text: impl Into<Cow<'a, str>>) {
        self.parts.push(part::text(text));
    }

    pub(crate) fn has_nothing_but_role(&self) -> bool {
        self.parts.is_empty()
            && self.reasoning.is_empty()
            && self.tool_calls.is_empty()
            && self.others.is_empty()
    }

    pub(crate) fn into_value(self) -> Value<'a> {
        let mut entries: Vec<Entry<'a>> = vec![("role".into(), self.role.into())];
        entries.push(("content".into(), content(self.parts)));
        if !self.reasoning.is_empty() {
            let reasoning = match <[_; 1]>::try_from(self.reasoning) {
                Ok([only]) => only,
                Err(several) => Cow::Owned(several.join("\n\n")),
            };
            entries.push(("reasoning".into(), Value::Text(reasoning)));
        }
        if !self.reasoning_details.is_empty() {
            let details = Value::List(self.reasoning_details);
            entries.push(("reasoning_details".into(), details));
        }
        if !self.tool_calls.is_empty() {
            entries.push(("tool_calls".into(), Value::List(self.tool_calls)));
        }
        if let Some(id) = self.tool_call_id {
            entries.push(("tool_call_id".into(), Value::Text(id)));
        }
        if let Some(reason) = self.finish_reason {
            entries.push(("finish_reason".into(), Value::Text(reason)));
        }
        entries.extend(self.others);
        Value::Map(entries)
    }
}

impl<'a> From<Cow<'a, str>> for Value<'a> {
    fn from(text: Cow<'a, str>) -> Self {
        Self::Text(text)
    }
}

/// One text alone is the text; anything else the list of parts.
fn content(parts: Vec<Value<'_>>) -> Value<'_> {
    match <[_; 1]>::try_from(parts) {
        Ok([mut only]) => match part::plain_text(&mut only) {
            Some(text) => Value::Text(text),
            None => Value::List(vec![only]),
        },
        Err(parts) if parts.is_empty() => Value::Null,
        Err(parts) => Value::List(parts),
    }
}

/// Messages, and what stood beside them: the other fields of a request or response that was sent whole.
#[derive(Debug, Default)]
pub(crate) struct Messages<'a> {
    pub(crate) list: Vec<ChatMessage<'a>>,
    pub(crate) rest: Option<Value<'a>>,
}

/// Reads messages in whatever form they were sent: a list or a single one, JSON text or a structure, OTel parts,
/// OpenAI, Anthropic or AI SDK content. Where it is no message, the value is given back.
pub(crate) fn messages<'a>(
    value: Value<'a>,
    default_role: &'static str,
) -> Result<Messages<'a>, Value<'a>> {
    match structure(value) {
        Value::List(items) if !items.is_empty() => list(items, default_role).map_err(Value::List),
        Value::Map(entries) => messages_of_map(entries, default_role),
        other => Err(other),
    }
}

fn messages_of_map<'a>(
    mut entries: Vec<Entry<'a>>,
    default_role: &'static str,
) -> Result<Messages<'a>, Value<'a>> {
    for name in ["messages", "choices"] {
        let Some(position) = entries.iter().position(|(key, _)| key == name) else {
            continue;
        };
        if entries[position].1.as_list().is_none() {
            continue;
        }
        let Value::List(items) = std::mem::take(&mut entries[position].1) else {
            continue;
        };
        return match list(items, default_role) {
            Ok(messages) => {
                entries.remove(position);
                let rest = (!entries.is_empty()).then_some(Value::Map(entries));
                Ok(Messages { rest, ..messages })
            }
            Err(items) => {
                entries[position].1 = Value::List(items);
                Err(Value::Map(entries))
            }
        };
    }
    let map = Value::Map(entries);
    if !is_message(&map) {
        return Err(map);
    }
    let mut messages = Messages::default();
    push_message(map, default_role, &mut messages.list);
    Ok(messages)
}

/// The structure that a text or bytes hold as JSON; the value itself where they hold none.
pub(crate) fn structure(value: Value<'_>) -> Value<'_> {
    match value {
        Value::Text(Cow::Borrowed(text)) => match json::parse_structure(text) {
            Some(document) => document,
            None => Value::text(text),
        },
        Value::Text(Cow::Owned(text)) => match json::parse_structure(&text) {
            Some(document) => document.into_owned(),
            None => Value::text(text),
        },
        Value::Bytes(bytes) => match json::parse(&bytes) {
            Ok(document) => document.into_owned(),
            Err(_) => Value::Bytes(bytes),
        },
        other => other,
    }
}

/// The value of a JSON text, whatever it is; the text itself where it is none.
pub(crate) fn parsed(value: Value<'_>) -> Value<'_> {
    match &value {
        Value::Text(text) => match json::parse(text.as_bytes()) {
            Ok(document) => document.into_owned(),
            Err(_) => value,
        },
        _ => value,
    }
}

fn list<'a>(
    items: Vec<Value<'a>>,
    default_role: &'static str,
) -> Result<Messages<'a>, Vec<Value<'a>>> {
    let items: Vec<Value<'a>> = items.into_iter().map(structure).collect();
    let is_one = |item: &Value<'_>| is_message(item) || item.as_str().is_some();
    if items.is_empty() || !items.iter().all(is_one) {
        return Err(items);
    }
    let mut messages = Messages::default();
    for item in items {
        push_message(item, default_role, &mut messages.list);
    }
    Ok(messages)
}

fn is_message(value: &Value<'_>) -> bool {
    const KEYS: [&str; 4] = ["role", "parts", "message", "tool_calls"];
    KEYS.iter().any(|key| value.get(key).is_some())
        || (value.get("content").is_some() && has_role_as_type(value))
}

/// Appends a message, and one more for each tool result within it.
pub(crate) fn push_message<'a>(
    value: Value<'a>,
    default_role: &'static str,
    messages: &mut Vec<ChatMessage<'a>>,
) {
    let mut map = match value {
        Value::Text(text) => {
            let mut message = ChatMessage::of_role(default_role);
            message.push_text(text);
            return messages.push(message);
        }
        map => unwrap_choice(map),
    };
    let role = match map.take("role") {
        Some(Value::Text(role)) if !role.is_empty() => usual_role(role),
        _ => role_from_type(&mut map).unwrap_or(Cow::Borrowed(default_role)),
    };
    let mut message = ChatMessage::of_role(role);
    let mut results = Vec::new();
    let Value::Map(entries) = map else {
        return;
    };
    for (key, value) in entries {
        set_entry(&mut message, &mut results, key, value);
    }
    attach_results(message, results, messages);
}

/// Results come before what else a message says, since they answer the message before it; an envelope of nothing but
/// results is left out.
fn attach_results<'a>(
    message: ChatMessage<'a>,
    results: Vec<ChatMessage<'a>>,
    messages: &mut Vec<ChatMessage<'a>>,
) {
    let is_envelope = !results.is_empty() && message.has_nothing_but_role();
    messages.extend(results);
    if !is_envelope {
        messages.push(message);
    }
}

/// `{index, message, finish_reason}`, as choices are sent, becomes the message itself.
fn unwrap_choice(mut map: Value<'_>) -> Value<'_> {
    let Some(mut inner @ Value::Map(_)) = map.take("message") else {
        return map;
    };
    if let (Value::Map(outer), Value::Map(entries)) = (map, &mut inner) {
        entries.extend(outer.into_iter().filter(|(_, value)| *value != Value::Null));
    }
    inner
}

fn set_entry<'a>(
    message: &mut ChatMessage<'a>,
    results: &mut Vec<ChatMessage<'a>>,
    key: Cow<'a, str>,
    value: Value<'a>,
) {
    match (key.as_ref(), value) {
        (_, Value::Null) => {}
        ("parts" | "content" | "contents", value) => push_content(message, results, value),
        ("tool_calls" | "toolCalls", value) => match structure(value) {
            Value::List(calls) => message
                .tool_calls
                .extend(calls.into_iter().map(part::tool_call)),
            other => message.others.push((key, other)),
        },
        ("function_call", call @ Value::Map(_)) => message.tool_calls.push(part::tool_call(call)),
        ("tool_call_id" | "toolCallId", id) => message.tool_call_id = Some(id.into_text()),
        ("finish_reason" | "finishReason" | "stop_reason", reason) => {
            message.finish_reason = Some(reason.into_text());
        }
        ("reasoning" | "reasoning_content" | "thinking", Value::Text(text)) => {
            if !text.is_empty() {
                message.reasoning.push(text);
            }
        }
        (_, value) => message.others.push((key, value)),
    }
}

/// Adds content: text, a part, or a list of parts.
pub(crate) fn push_content<'a>(
    message: &mut ChatMessage<'a>,
    results: &mut Vec<ChatMessage<'a>>,
    value: Value<'a>,
) {
    match value {
        Value::List(parts) => {
            for part in parts {
                part::push(message, results, part);
            }
        }
        Value::Text(text) if text.is_empty() && !message.tool_calls.is_empty() => {}
        other => part::push(message, results, other),
    }
}

/// The role of a message that says it as its type, as LangChain's do.
fn role_from_type<'a>(map: &mut Value<'a>) -> Option<Cow<'a, str>> {
    has_role_as_type(map).then_some(())?;
    map.take("type").map(|role| usual_role(role.into_text()))
}

fn has_role_as_type(map: &Value<'_>) -> bool {
    const TYPES: [&str; 6] = ["human", "ai", "system", "user", "assistant", "tool"];
    map.get_str("type")
        .is_some_and(|name| TYPES.contains(&name))
}

fn usual_role(role: Cow<'_, str>) -> Cow<'_, str> {
    match role.as_ref() {
        "human" => Cow::Borrowed("user"),
        "ai" | "model" => Cow::Borrowed("assistant"),
        _ => role,
    }
}
