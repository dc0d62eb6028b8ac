//! The conversation so far, as the input of the next model call.

use std::collections::VecDeque;

use caribou_model::{Payload, SpanRecord};
use serde_json::{Map, Value, json};

/// Messages in OpenAI's form. Grows by one message at a time and is written out for every model call.
#[derive(Debug, Default)]
pub(super) struct Conversation {
    /// The newest messages, each serialised, as many as fit into the input of a call.
    messages: VecDeque<String>,
    bytes: usize,
    /// How many there were before them.
    omitted: usize,
    first_user: Option<String>,
    last_assistant: Option<String>,
}

/// A call repeats all messages before it, so a conversation of n messages costs n²; Langfuse warns of spans near 10 MB.
const MAX_INPUT_BYTES: usize = 512 << 10;

impl Conversation {
    pub(super) fn push(&mut self, record: &SpanRecord<'_>) {
        let message = Value::Object(chat_message(record)).to_string();
        if record.role == "user" && self.first_user.is_none() {
            self.first_user = Some(record.content.as_str().to_owned());
        }
        if record.role == "assistant" {
            self.last_assistant = Some(match record.content {
                Payload::None => message.clone(),
                Payload::Text(_) | Payload::Json(_) => record.content.as_str().to_owned(),
            });
        }
        self.bytes += message.len();
        self.messages.push_back(message);
        while self.bytes > MAX_INPUT_BYTES
            && let Some(oldest) = self.messages.pop_front()
        {
            self.bytes -= oldest.len();
            self.omitted += 1;
        }
    }

    /// The messages as a JSON list, the oldest left out where they are too many, and how many that was.
    pub(super) fn input(&self) -> (String, usize) {
        let messages: Vec<&str> = self.messages.iter().map(String::as_str).collect();
        (format!("[{}]", messages.join(",")), self.omitted)
    }

    /// What the first user message said.
    pub(super) fn beginning(&self) -> Option<&str> {
        self.first_user.as_deref()
    }

    /// What the last assistant message said.
    pub(super) fn end(&self) -> Option<&str> {
        self.last_assistant.as_deref()
    }
}

/// A message in OpenAI's chat form.
pub(super) fn chat_message(record: &SpanRecord<'_>) -> Map<String, Value> {
    let mut message = Map::new();
    message.insert("role".to_owned(), json!(record.role));
    message.insert("content".to_owned(), value_of(&record.content));
    if let Ok(calls) = serde_json::from_str::<Value>(&record.tool_calls) {
        message.insert("tool_calls".to_owned(), calls);
    }
    for (key, text) in [("tool_call_id", &record.call_id), ("name", &record.name)] {
        if !text.is_empty() {
            message.insert(key.to_owned(), json!(text));
        }
    }
    if !record.reasoning.is_empty() {
        message.insert("reasoning_content".to_owned(), json!(record.reasoning));
    }
    message
}

/// A payload as a JSON value.
fn value_of(payload: &Payload<'_>) -> Value {
    match payload {
        Payload::None => Value::Null,
        Payload::Text(text) => json!(text),
        Payload::Json(text) => serde_json::from_str(text).unwrap_or_else(|_| json!(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_very_long_conversation_the_newest_messages_are_sent() {
        let mut conversation = Conversation::default();
        for number in 0..20 {
            conversation.push(&SpanRecord {
                role: "user".into(),
                content: Payload::Text(format!("{number} {}", "x".repeat(60 << 10)).into()),
                ..SpanRecord::default()
            });
        }
        let (input, omitted) = conversation.input();
        assert!(input.len() <= MAX_INPUT_BYTES + 20, "{}", input.len());
        let messages: Vec<Value> = serde_json::from_str(&input).unwrap();
        assert_eq!(messages.len() + omitted, 20);
        assert!(
            messages.last().unwrap()["content"]
                .as_str()
                .unwrap()
                .starts_with("19 ")
        );
    }
}
