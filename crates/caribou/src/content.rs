//! What of the content leaves the process: all of it, with replacements, or none.

use std::fmt;

use caribou_model::{Content, Criterion};

use crate::config::Redactor;
use crate::{Failure, Left, Settings};

/// Decides over every logged text before it becomes part of a span.
///
/// A redactor is code of the program's own. It must not be called while a lock is held: from Python it may let another
/// thread run, which then waits for that lock while holding the interpreter.
#[derive(Clone)]
pub(crate) struct ContentPolicy {
    content: bool,
    redact: Option<Redactor>,
}

impl ContentPolicy {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            content: settings.content,
            redact: settings.redact.clone(),
        }
    }

    /// Plain text as it may leave.
    pub(crate) fn text(&self, text: String) -> Option<String> {
        match &self.redact {
            _ if !self.content => None,
            Some(redact) => Some(redact(&text)),
            None => Some(text),
        }
    }

    /// A JSON document as it may leave: every string but the keys is replaced.
    pub(crate) fn json(&self, json: String) -> Option<String> {
        match &self.redact {
            _ if !self.content => None,
            Some(redact) => Some(redacted_json(&json, redact)),
            None => Some(json),
        }
    }

    /// Content in either form.
    pub(crate) fn content(&self, content: Content) -> Option<Content> {
        match content {
            Content::Text(text) => self.text(text).map(Content::Text),
            Content::Json(json) => self.json(json).map(Content::Json),
        }
    }

    /// Metadata as it may leave.
    pub(crate) fn metadata(
        &self,
        entries: impl IntoIterator<Item = (String, String)>,
    ) -> Vec<(String, String)> {
        let allowed = |(key, json)| Some((key, self.json(json)?));
        entries.into_iter().filter_map(allowed).collect()
    }

    /// Tags as they may leave.
    pub(crate) fn tags(&self, tags: impl IntoIterator<Item = String>) -> Vec<String> {
        tags.into_iter().filter_map(|tag| self.text(tag)).collect()
    }

    /// An error as it may leave: that it happened and its class stay.
    pub(crate) fn failure(&self, left: &Left) -> Option<Failure> {
        let (Left::WithError(failure) | Left::Stopped(failure)) = left else {
            return None;
        };
        Some(Failure {
            error_type: failure.error_type.clone(),
            message: self.text(failure.message.clone()).unwrap_or_default(),
            traceback: failure.traceback.clone().and_then(|text| self.text(text)),
        })
    }

    /// Tool calls; without content their ids and names stay, because they are structure.
    pub(crate) fn tool_calls(&self, json: String) -> Option<String> {
        if self.content {
            return self.json(json);
        }
        let calls: Vec<serde_json::Value> = serde_json::from_str(&json).ok()?;
        let kept: Vec<_> = calls.iter().map(call_without_arguments).collect();
        Some(serde_json::Value::Array(kept).to_string())
    }

    /// A criterion; without content its name, score and weight stay.
    pub(crate) fn criterion(&self, criterion: Criterion) -> Criterion {
        Criterion {
            json: self.json(criterion.json).unwrap_or_default(),
            reasoning: criterion.reasoning.and_then(|text| self.text(text)),
            ..criterion
        }
    }
}

impl fmt::Debug for ContentPolicy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ContentPolicy")
            .field("content", &self.content)
            .field("redact", &self.redact.is_some())
            .finish()
    }
}

fn call_without_arguments(call: &serde_json::Value) -> serde_json::Value {
    let mut kept = serde_json::Map::new();
    for key in ["id", "type", "name"] {
        if let Some(value) = call.get(key) {
            kept.insert(key.to_owned(), value.clone());
        }
    }
    if let Some(name) = call.pointer("/function/name") {
        kept.insert(
            "function".to_owned(),
            serde_json::json!({"name": name, "arguments": ""}),
        );
    }
    serde_json::Value::Object(kept)
}

/// Copies a JSON document, replacing its strings. Works on the text, so that numbers and order stay as they are.
fn redacted_json(json: &str, redact: &Redactor) -> String {
    let mut written = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(start) = rest.find('"') {
        let length = string_length(&rest[start..]);
        let token = &rest[start..start + length];
        let after = &rest[start + length..];
        written.push_str(&rest[..start]);
        let is_key = after.trim_start().starts_with(':');
        match serde_json::from_str::<String>(token) {
            Ok(text) if !is_key => {
                written.push_str(&serde_json::Value::String(redact(&text)).to_string());
            }
            _ => written.push_str(token),
        }
        rest = after;
    }
    written.push_str(rest);
    written
}

/// Length of the JSON string that a text begins with, quotes included.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (position, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return position + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn policy(content: bool, redact: Option<Redactor>) -> ContentPolicy {
        ContentPolicy { content, redact }
    }

    #[test]
    fn redaction_sees_every_string_and_leaves_keys_and_numbers() {
        let hide: Redactor = Arc::new(|text| text.replace("secret", "*"));
        let policy = policy(true, Some(hide));
        let json = r#"{"secret":["a secret","q\"secret\\",1.50,{"k" : "secret"}]}"#;
        assert_eq!(
            policy.json(json.to_owned()).unwrap(),
            r#"{"secret":["a *","q\"*\\",1.50,{"k" : "*"}]}"#
        );
        assert_eq!(policy.text("my secret".to_owned()).unwrap(), "my *");
    }

    #[test]
    fn without_content_only_the_names_of_calls_stay() {
        let policy = policy(false, None);
        assert_eq!(policy.text("hello".to_owned()), None);
        let calls =
            r#"[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}]"#;
        let kept = policy.tool_calls(calls.to_owned()).unwrap();
        assert!(kept.contains("c1") && kept.contains("\"f\"") && !kept.contains("\\\"a\\\""));
    }
}
