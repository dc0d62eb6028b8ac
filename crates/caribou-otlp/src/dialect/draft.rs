//! A record in the making: dialects add what they know, and whoever came first is right.

use std::borrow::Cow;
use std::collections::BTreeSet;

use caribou_model::{Cost, ItemType, Payload, SpanId, SpanRecord, TraceId};

use crate::dialect::attributes::Attributes;
use crate::dialect::chat::{self, ChatMessage};
use crate::dialect::score::Score;
use crate::json;
use crate::span::WireEvent;
use crate::value::Value;

/// The field of a record that holds a text.
pub(crate) type TextField = for<'r, 'a> fn(&'r mut SpanRecord<'a>) -> &'r mut Cow<'a, str>;

/// The field of a record that holds a number of tokens.
pub(crate) type CountField = for<'r, 'a> fn(&'r mut SpanRecord<'a>) -> &'r mut Option<u64>;

/// What is known of a foreign span so far.
pub(crate) struct Draft<'r, 'a> {
    pub(crate) attributes: Attributes<'a>,
    pub(crate) events: Vec<WireEvent<'a>>,
    pub(crate) record: &'r mut SpanRecord<'a>,
    /// What the span is, once a dialect said so.
    pub(crate) item_type: Option<ItemType>,
    pub(crate) system: Vec<ChatMessage<'a>>,
    pub(crate) input: Vec<ChatMessage<'a>>,
    pub(crate) output: Vec<ChatMessage<'a>>,
    pub(crate) metadata: Vec<(Cow<'a, str>, Value<'a>)>,
    /// The span that the only link leads to, where this one exists to say something about another.
    pub(crate) target: Option<(TraceId, SpanId)>,
    /// Scores that the span carries; each becomes a grade of its own.
    pub(crate) scores: Vec<Score<'a>>,
    /// Tokens written to a cache; the model has no field for them, but sums may need them.
    pub(crate) cache_write_tokens: Option<u64>,
    /// All tokens together, as sent.
    pub(crate) total_tokens: Option<u64>,
}

impl<'r, 'a> Draft<'r, 'a> {
    pub(crate) fn new(
        attributes: Attributes<'a>,
        events: Vec<WireEvent<'a>>,
        record: &'r mut SpanRecord<'a>,
    ) -> Self {
        Self {
            attributes,
            events,
            record,
            item_type: None,
            system: Vec::new(),
            input: Vec::new(),
            output: Vec::new(),
            metadata: Vec::new(),
            target: None,
            scores: Vec::new(),
            cache_write_tokens: None,
            total_tokens: None,
        }
    }

    pub(crate) fn set_item_type(&mut self, item_type: ItemType) {
        self.item_type.get_or_insert(item_type);
    }

    /// Sets a field to the first of the keys that has a text. A key that repeats what the field holds goes too.
    pub(crate) fn fill_text(&mut self, field: TextField, keys: &[&str]) {
        for key in keys {
            let Some(value) = self.attributes.get(key) else {
                continue;
            };
            let is_scalar = !matches!(value, Value::Map(_) | Value::List(_) | Value::Null);
            let known = field(self.record);
            let repeats = value.as_str() == Some(known);
            if repeats || (known.is_empty() && is_scalar) {
                let value = self.attributes.take(key).unwrap_or_default();
                *field(self.record) = value.into_text();
            }
        }
    }

    /// Sets a field to the first of the keys that has a count. A key that repeats what the field holds goes too.
    pub(crate) fn fill_count(&mut self, field: CountField, keys: &[&str]) {
        for key in keys {
            let Some(count) = self.attributes.get(key).and_then(Value::as_u64) else {
                continue;
            };
            let known = field(self.record);
            if known.is_none_or(|known| known == count) {
                *known = Some(count);
                self.attributes.take(key);
            }
        }
    }

    /// Sets the provider, by its usual name.
    pub(crate) fn fill_provider(&mut self, keys: &[&str]) {
        for key in keys {
            let Some(name) = self.attributes.get_str(key) else {
                continue;
            };
            let usual = crate::dialect::provider::usual_name(name);
            if self.record.provider.is_empty() || self.record.provider == usual {
                self.record.provider = usual;
                self.attributes.take(key);
            }
        }
    }

    /// Sets the cost in US dollars.
    pub(crate) fn fill_cost(&mut self, keys: &[&str]) {
        for key in keys {
            let Some(cost) = self
                .attributes
                .get(key)
                .and_then(Value::as_f64)
                .and_then(Cost::from_usd)
            else {
                continue;
            };
            if self.record.cost.is_none_or(|known| known == cost) {
                self.record.cost = Some(cost);
                self.attributes.take(key);
            }
        }
    }

    pub(crate) fn has_input(&self) -> bool {
        self.record.input != Payload::None || !self.input.is_empty()
    }

    pub(crate) fn has_output(&self) -> bool {
        self.record.output != Payload::None || !self.output.is_empty()
    }

    /// Sets the input to the first of the keys that has a value.
    pub(crate) fn fill_input(&mut self, keys: &[&str]) {
        for key in keys {
            if !self.has_input()
                && let Some(value) = self.attributes.take(key)
            {
                self.record.input = payload(value);
            }
        }
    }

    /// Sets the output to the first of the keys that has a value.
    pub(crate) fn fill_output(&mut self, keys: &[&str]) {
        for key in keys {
            if !self.has_output()
                && let Some(value) = self.attributes.take(key)
            {
                self.record.output = payload(value);
            }
        }
    }

    /// Reads input messages from a key; what are none, or stand beside them, stays an attribute.
    pub(crate) fn fill_input_messages(&mut self, key: &'static str) {
        if !self.has_input()
            && let Some(value) = self.attributes.take(key)
        {
            self.input = self.messages(key, value, "user");
        }
    }

    /// Reads output messages from a key; what are none, or stand beside them, stays an attribute.
    pub(crate) fn fill_output_messages(&mut self, key: &'static str) {
        if !self.has_output()
            && let Some(value) = self.attributes.take(key)
        {
            self.output = self.messages(key, value, "assistant");
        }
    }

    fn messages(
        &mut self,
        key: &'static str,
        value: Value<'a>,
        default_role: &'static str,
    ) -> Vec<ChatMessage<'a>> {
        match chat::messages(value, default_role) {
            Ok(messages) => {
                if let Some(rest) = messages.rest {
                    self.attributes.put_back(key, rest);
                }
                messages.list
            }
            Err(value) => {
                self.attributes.put_back(key, value);
                Vec::new()
            }
        }
    }

    /// Adds tags: a list, a list in JSON text, or texts with commas between.
    pub(crate) fn add_tags(&mut self, keys: &[&str]) {
        let mut seen: BTreeSet<Cow<'a, str>> = self.record.tags.iter().cloned().collect();
        for key in keys {
            let Some(value) = self.attributes.take(key) else {
                continue;
            };
            for tag in tags(chat::structure(value)) {
                if !tag.is_empty() && seen.insert(tag.clone()) {
                    self.record.tags.push(tag);
                }
            }
        }
    }

    /// Adds the entries of an object (or of JSON text) to the metadata; anything else stays an attribute.
    pub(crate) fn add_metadata_object(&mut self, key: &'static str) {
        if let Some(value) = self.attributes.take(key) {
            match chat::structure(value) {
                Value::Map(entries) => self.metadata.extend(entries),
                other => self.attributes.put_back(key, other),
            }
        }
    }

    /// Adds everything under a prefix to the metadata.
    pub(crate) fn add_metadata_prefix(&mut self, prefix: &str) {
        let entries = self.attributes.take_prefix(prefix);
        self.metadata.extend(entries);
    }

    /// Removes the first event of a name and gives it back.
    pub(crate) fn take_event(&mut self, name: &str) -> Option<WireEvent<'a>> {
        let position = self.events.iter().position(|event| event.name == name)?;
        Some(self.events.remove(position))
    }

    /// Why the model stopped: a text, or a list of which each choice has one. A key that repeats it goes too.
    pub(crate) fn fill_finish_reason(&mut self, keys: &[&str]) {
        for key in keys {
            let Some(value) = self.attributes.get(key) else {
                continue;
            };
            let reason = joined(chat::structure(value.clone()));
            let known = &mut self.record.finish_reason;
            if known.is_empty() || *known == reason {
                *known = reason;
                self.attributes.take(key);
            }
        }
    }
}

/// A payload of what is known to be JSON text: a string in it is text.
pub(crate) fn payload_of_json_text(value: Value<'_>) -> Payload<'_> {
    if let Value::Text(text) = &value
        && let Ok(document) = json::parse(text.as_bytes())
        && let Value::Text(inner) = document
    {
        return Payload::Text(Cow::Owned(inner.into_owned()));
    }
    payload(value)
}

/// A value as text, or as JSON where it is a structure or the text of one.
pub(crate) fn payload(value: Value<'_>) -> Payload<'_> {
    match value {
        Value::Null => Payload::None,
        Value::Text(text) if json::is_structure(&text) => match json::checked(text) {
            Ok(json) => Payload::Json(json),
            Err(text) => Payload::Text(text),
        },
        Value::Text(text) => Payload::Text(text),
        other => Payload::Json(Cow::Owned(other.to_json())),
    }
}

fn tags(value: Value<'_>) -> Vec<Cow<'_, str>> {
    match value {
        Value::List(items) => items.into_iter().map(Value::into_text).collect(),
        Value::Null => Vec::new(),
        other => other
            .into_text()
            .split(',')
            .map(|tag| Cow::Owned(tag.trim().to_owned()))
            .collect(),
    }
}

fn joined(value: Value<'_>) -> Cow<'_, str> {
    match value {
        Value::List(items) => match <[_; 1]>::try_from(items) {
            Ok([only]) => only.into_text(),
            Err(items) => {
                let texts: Vec<_> = items.into_iter().map(Value::into_text).collect();
                Cow::Owned(texts.join(","))
            }
        },
        other => other.into_text(),
    }
}
