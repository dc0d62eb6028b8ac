//! Parts of a message's content, of any convention, as OpenAI's.

use std::borrow::Cow;

use crate::dialect::chat::{ChatMessage, push_content};
use crate::value::Value;

/// A text part.
pub(crate) fn text<'a>(text: impl Into<Cow<'a, str>>) -> Value<'a> {
    map([
        ("type", Value::text("text")),
        ("text", Value::Text(text.into())),
    ])
}

/// Takes the text of a part that is nothing but text.
pub(crate) fn plain_text<'a>(part: &mut Value<'a>) -> Option<Cow<'a, str>> {
    let Value::Map(entries) = part else {
        return None;
    };
    match entries.as_mut_slice() {
        [(_, Value::Text(kind)), (name, Value::Text(text))] if kind == "text" && name == "text" => {
            Some(std::mem::take(text))
        }
        _ => None,
    }
}

/// Adds a part to the content, the reasoning or the tool calls of a message; a tool's result becomes a message of its own.
pub(crate) fn push<'a>(
    message: &mut ChatMessage<'a>,
    results: &mut Vec<ChatMessage<'a>>,
    part: Value<'a>,
) {
    let mut part = match part {
        Value::Null => return,
        Value::Text(content) => return message.push_text(content),
        map @ Value::Map(_) => map,
        other => return message.push_text(other.to_json()),
    };
    let kind = part.get_str("type").map(str::to_owned).unwrap_or_default();
    match kind.as_str() {
        "text" | "input_text" | "output_text" | "" if has_text(&part) => {
            message.parts.push(text_part(part));
        }
        "tool_call" | "tool_use" | "tool-call" => message.tool_calls.push(tool_call(part)),
        "tool_call_response" | "tool_result" | "tool-result" => {
            push_result(message, results, part);
        }
        "reasoning" | "thinking" if has_text(&part) => {
            message.reasoning.extend(take_text(&mut part));
            if is_more_than_type(&part) {
                let kind = [("type", Value::text(kind))];
                message.reasoning_details.push(with_rest(kind, part));
            }
        }
        "blob" => message.parts.push(blob(part)),
        "uri" => message.parts.push(uri(part)),
        "image" => message.parts.push(image(part)),
        "audio" => message.parts.push(audio(part)),
        _ => message.parts.push(part),
    }
}

fn is_more_than_type(part: &Value<'_>) -> bool {
    let Value::Map(entries) = part else {
        return false;
    };
    entries
        .iter()
        .any(|(key, value)| key != "type" && *value != Value::Null)
}

const TEXT_KEYS: [&str; 3] = ["content", "text", "thinking"];

fn has_text(part: &Value<'_>) -> bool {
    TEXT_KEYS
        .iter()
        .any(|key| part.get(key).and_then(Value::as_str).is_some())
}

fn take_text<'a>(part: &mut Value<'a>) -> Option<Cow<'a, str>> {
    TEXT_KEYS
        .into_iter()
        .find_map(|key| part.take(key).filter(|value| *value != Value::Null))
        .map(Value::into_text)
}

fn text_part(mut part: Value<'_>) -> Value<'_> {
    let content = take_text(&mut part).unwrap_or_default();
    with_rest(
        [
            ("type", Value::text("text")),
            ("text", Value::Text(content)),
        ],
        part,
    )
}

/// A tool call as `{id, type, function: {name, arguments}}`, the arguments as JSON text.
pub(crate) fn tool_call(mut call: Value<'_>) -> Value<'_> {
    // Flattened OpenInference calls, and OpenAI's own.
    if let Some(inner @ Value::Map(_)) = call.take("tool_call") {
        call = inner;
    }
    let mut function = call.take("function").unwrap_or_default();
    let mut first = |keys: &[&str]| {
        let from_function = keys.iter().find_map(|key| function.take(key));
        from_function
            .or_else(|| keys.iter().find_map(|key| call.take(key)))
            .unwrap_or_default()
    };
    let name = first(&["name", "toolName"]);
    let arguments = match first(&["arguments", "input", "args"]) {
        Value::Null => Value::text("{}"),
        given => Value::Text(given.into_text()),
    };
    let id = ["id", "call_id", "toolCallId"]
        .iter()
        .find_map(|key| call.take(key).filter(|id| *id != Value::Null))
        .unwrap_or_default();
    with_rest(
        [
            ("id", id),
            ("type", Value::text("function")),
            ("function", map([("name", name), ("arguments", arguments)])),
        ],
        call,
    )
}

fn push_result<'a>(
    message: &mut ChatMessage<'a>,
    results: &mut Vec<ChatMessage<'a>>,
    mut part: Value<'a>,
) {
    let mut first = |keys: &[&str]| {
        keys.iter()
            .find_map(|key| part.take(key).filter(|value| *value != Value::Null))
    };
    let id = first(&["id", "tool_use_id", "toolCallId", "tool_call_id"]).map(Value::into_text);
    let result = first(&["response", "result", "output", "content"]).unwrap_or_default();
    let result = unwrap_typed(result);
    let name = first(&["name", "toolName"]);
    let mut answer = ChatMessage::of_role("tool");
    answer.tool_call_id = id.or_else(|| message.tool_call_id.clone());
    if let Some(name) = name {
        answer.others.push(("name".into(), name));
    }
    match result {
        parts @ Value::List(_) if is_parts(&parts) => push_content(&mut answer, results, parts),
        other => answer.push_text(other.into_text()),
    }
    let Value::Map(rest) = part else { return };
    answer.others.extend(
        rest.into_iter()
            .filter(|(key, value)| key != "type" && *value != Value::Null),
    );
    results.push(answer);
}

/// The AI SDK's `{type, value}` as the value.
fn unwrap_typed(mut result: Value<'_>) -> Value<'_> {
    let is_typed = matches!(&result, Value::Map(entries) if entries.len() == 2)
        && result.get("type").is_some();
    let value = if is_typed { result.take("value") } else { None };
    value.unwrap_or(result)
}

/// True for a list of content parts, as opposed to a tool's result that happens to be a list.
fn is_parts(value: &Value<'_>) -> bool {
    value
        .as_list()
        .is_some_and(|items| items.iter().all(|item| item.get_str("type").is_some()))
}

/// OTel's `{type: blob, mime_type, modality, content}`.
fn blob(mut part: Value<'_>) -> Value<'_> {
    let modality = take_string(&mut part, "modality");
    let mime_type = take_string(&mut part, "mime_type");
    let data = take_string(&mut part, "content");
    match modality.as_str() {
        "image" => {
            let mime_type = if mime_type.is_empty() {
                "image/png"
            } else {
                &mime_type
            };
            with_rest(image_url(format!("data:{mime_type};base64,{data}")), part)
        }
        "audio" => {
            let format = mime_type.rsplit('/').next().unwrap_or_default().to_owned();
            let audio = map([("data", Value::text(data)), ("format", Value::text(format))]);
            with_rest(
                [("type", Value::text("input_audio")), ("input_audio", audio)],
                part,
            )
        }
        _ => {
            let mime_type = if mime_type.is_empty() {
                "application/octet-stream"
            } else {
                &mime_type
            };
            let file = map([(
                "file_data",
                Value::text(format!("data:{mime_type};base64,{data}")),
            )]);
            let entries = [
                ("type", Value::text("file")),
                ("file", file),
                ("modality", text_or_null(modality)),
            ];
            with_rest(entries, part)
        }
    }
}

/// OTel's `{type: uri, mime_type, modality, uri}`; only images have a form at OpenAI.
fn uri(mut part: Value<'_>) -> Value<'_> {
    if part.get_str("modality") != Some("image") {
        return part;
    }
    part.take("modality");
    let address = take_string(&mut part, "uri");
    with_rest(image_url(address), part)
}

/// Images of Anthropic (`source`), of the AI SDK (`image`) and of OpenInference (`image.url`, already a data URI).
fn image(mut part: Value<'_>) -> Value<'_> {
    if part
        .get("source")
        .is_some_and(|source| source.get("url").is_some())
    {
        let mut source = part.take("source").unwrap_or_default();
        return with_rest(image_url(take_string(&mut source, "url")), part);
    }
    if part
        .get("source")
        .is_some_and(|source| source.get("data").is_some())
    {
        let mut source = part.take("source").unwrap_or_default();
        let mime_type = take_string(&mut source, "media_type");
        let data = take_string(&mut source, "data");
        return with_rest(image_url(format!("data:{mime_type};base64,{data}")), part);
    }
    match part.take("image") {
        Some(Value::Text(address)) => {
            let mime_type = take_string(&mut part, "mediaType");
            let url = if address.contains(':') {
                address.into_owned()
            } else {
                format!("data:{mime_type};base64,{address}")
            };
            with_rest(image_url(url), part)
        }
        Some(mut nested) => {
            let inner = nested.take("image").unwrap_or_default();
            let mut owner = if inner == Value::Null { nested } else { inner };
            let url = take_string(&mut owner, "url");
            with_rest(image_url(url), part)
        }
        None => part,
    }
}

/// OpenInference's audio, unwrapped from `audio.audio`.
fn audio(mut part: Value<'_>) -> Value<'_> {
    let mut outer = part.take("audio").unwrap_or_default();
    let audio = outer.take("audio").unwrap_or(outer);
    with_rest([("type", Value::text("audio")), ("audio", audio)], part)
}

fn image_url<'a>(url: String) -> [(&'static str, Value<'a>); 2] {
    [
        ("type", Value::text("image_url")),
        ("image_url", map([("url", Value::text(url))])),
    ]
}

fn take_string(owner: &mut Value<'_>, key: &str) -> String {
    owner
        .take(key)
        .map(|value| value.into_text().into_owned())
        .unwrap_or_default()
}

fn text_or_null<'a>(text: String) -> Value<'a> {
    if text.is_empty() {
        Value::Null
    } else {
        Value::text(text)
    }
}

fn map<'a, const N: usize>(entries: [(&'static str, Value<'a>); N]) -> Value<'a> {
    with_rest(entries, Value::Null)
}

/// An object of known entries and whatever else a part held.
fn with_rest<'a, const N: usize>(
    entries: [(&'static str, Value<'a>); N],
    rest: Value<'a>,
) -> Value<'a> {
    let mut all: Vec<(Cow<'a, str>, Value<'a>)> = Vec::with_capacity(N);
    for (key, value) in entries {
        if value != Value::Null {
            all.push((key.into(), value));
        }
    }
    if let Value::Map(rest) = rest {
        all.extend(
            rest.into_iter()
                .filter(|(key, value)| key != "type" && *value != Value::Null),
        );
    }
    Value::Map(all)
}
