//! The beginning of a user message, kept in a column of its own.
//!
//! The summary shows the first user message of a rollout. Reading it from the payload columns would make every
//! recomputation read megabytes; the preview keeps the summary to light columns.

use std::borrow::Cow;
use std::fmt;

use caribou_model::{ItemType, Payload, SpanRecord, UsageScope};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::image_words::{reference_words, without_references};

/// At most this many characters are kept.
const PREVIEW_CHARS: usize = 300;
/// The first user message stands in turn 0, or in turn 1 where the assistant spoke first.
const LAST_PREVIEWED_TURN: i32 = 1;

/// The beginning of what the user said in this span; empty where the span holds no early user message.
pub(super) fn preview<'a>(span: &'a SpanRecord<'_>) -> Cow<'a, str> {
    if span.usage_scope == UsageScope::Grader {
        return Cow::Borrowed("");
    }
    match span.item_type {
        ItemType::Message if span.role == "user" && span.turn_index <= LAST_PREVIEWED_TURN => {
            text_of(&span.content)
        }
        ItemType::ModelCall | ItemType::Agent => match &span.input {
            Payload::Json(json) => {
                first_user_message(json).map_or(Cow::Borrowed(""), |raw| json_text(raw))
            }
            payload => text_of(payload),
        },
        _ => Cow::Borrowed(""),
    }
}

fn text_of<'a>(payload: &'a Payload<'_>) -> Cow<'a, str> {
    match payload {
        Payload::None => Cow::Borrowed(""),
        Payload::Text(text) => shown(text),
        Payload::Json(json) => json_text(json),
    }
}

/// The beginning of a text as people are to see it.
fn shown(text: &str) -> Cow<'_, str> {
    match without_references(text) {
        Cow::Borrowed(text) => Cow::Borrowed(beginning(text)),
        Cow::Owned(words) => Cow::Owned(beginning(&words).to_owned()),
    }
}

fn beginning(text: &str) -> &str {
    match text.char_indices().nth(PREVIEW_CHARS) {
        Some((end, _)) => &text[..end],
        None => text,
    }
}

/// The first text inside a JSON value: itself or its first text part. Where there is no text it is what images there are,
/// or the JSON.
fn json_text(json: &str) -> Cow<'_, str> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let mut found = None;
    // Finding the text ends the parse with an error; that is the way out of a long list of parts.
    FirstText { found: &mut found }
        .visit(&mut deserializer)
        .ok();
    found
        .or_else(|| reference_words(json))
        .map_or_else(|| Cow::Borrowed(beginning(json)), Cow::Owned)
}

/// The content of the first message of a list that a user spoke; the first of any role where no user spoke.
fn first_user_message(json: &str) -> Option<&str> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let mut first = FirstMessage::default();
    // Broken JSON and a found message both end the parse; what was found until then is the answer.
    deserializer.deserialize_any(&mut first).ok();
    first.user.or(first.any)
}

#[derive(Deserialize)]
struct SpokenMessage<'a> {
    #[serde(borrow, default)]
    role: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    content: Option<&'a RawValue>,
    #[serde(borrow, default)]
    parts: Option<&'a RawValue>,
}

#[derive(Default)]
struct FirstMessage<'a> {
    user: Option<&'a str>,
    any: Option<&'a str>,
}

impl<'de> Visitor<'de> for &mut FirstMessage<'de> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list of messages")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut messages: A) -> Result<(), A::Error> {
        while let Some(message) = messages.next_element::<SpokenMessage<'de>>()? {
            let content = message.content.or(message.parts).map(RawValue::get);
            self.any = self.any.or(content);
            if message.role.as_deref() == Some("user") && content.is_some() {
                self.user = content;
                return Err(A::Error::custom("found"));
            }
        }
        Ok(())
    }
}

struct FirstText<'f> {
    found: &'f mut Option<String>,
}

impl FirstText<'_> {
    fn visit<'de, D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> serde::de::DeserializeSeed<'de> for FirstText<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        self.visit(deserializer)
    }
}

/// Every other kind of value holds no text.
macro_rules! no_text {
    ($($visit:ident($type:ty)),*) => {$(
        fn $visit<E>(self, _: $type) -> Result<(), E> {
            Ok(())
        }
    )*};
}

impl<'de> Visitor<'de> for FirstText<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("content")
    }

    no_text!(
        visit_bool(bool),
        visit_i64(i64),
        visit_u64(u64),
        visit_f64(f64)
    );

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<(), E> {
        *self.found = Some(shown(text).into_owned());
        Err(E::custom("found"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<(), A::Error> {
        while parts
            .next_element_seed(FirstText { found: self.found })?
            .is_some()
        {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut part: A) -> Result<(), A::Error> {
        while let Some(key) = part.next_key::<Cow<'de, str>>()? {
            if matches!(&*key, "text" | "content" | "parts") {
                part.next_value_seed(FirstText { found: self.found })?;
            } else {
                part.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(content: Payload<'static>) -> SpanRecord<'static> {
        SpanRecord {
            item_type: ItemType::Message,
            role: "user".into(),
            content,
            ..SpanRecord::default()
        }
    }

    #[test]
    fn text_is_cut_at_300_characters_not_bytes() {
        let span = user(Payload::Text("é".repeat(400).into()));
        assert_eq!(preview(&span), "é".repeat(300));
    }

    #[test]
    fn the_first_text_part_is_found_beside_images() {
        let parts =
            r#"[{"type":"image_url","image_url":{"url":"data:x"}},{"type":"text","text":"look"}]"#;
        assert_eq!(preview(&user(Payload::Json(parts.into()))), "look");
    }

    #[test]
    fn a_model_call_shows_the_first_user_message_it_read() {
        let messages =
            r#"[{"role":"system","content":"be brief"},{"content":[{"text":"hi"}],"role":"user"}]"#;
        let mut span = SpanRecord {
            item_type: ItemType::ModelCall,
            input: Payload::Json(messages.into()),
            ..SpanRecord::default()
        };
        assert_eq!(preview(&span), "hi");
        span.input =
            Payload::Json(r#"[{"role":"user","parts":[{"type":"text","content":"yo"}]}]"#.into());
        assert_eq!(preview(&span), "yo");
        span.input = Payload::Text("once upon".into());
        assert_eq!(preview(&span), "once upon");
    }

    #[test]
    fn what_is_not_text_is_shown_as_json_and_nothing_panics() {
        assert_eq!(preview(&user(Payload::Json("[1,2]".into()))), "[1,2]");
        assert_eq!(preview(&user(Payload::Json("{broken".into()))), "{broken");
        let deep = "[".repeat(100_000);
        assert!(preview(&user(Payload::Json(deep.into()))).starts_with("[[["));
    }

    #[test]
    fn stored_images_are_words() {
        let image = format!(
            "caribou-image://{}?type=image%2Fpng&bytes=70",
            "0a".repeat(32)
        );
        let file = format!("caribou-image://{}?type=application%2Fpdf", "0b".repeat(32));
        let of = |payload| preview(&user(payload)).into_owned();
        let text = format!("{image}{image} what is {file}? {}", "x".repeat(400));
        let expected = format!("[image][image] what is [PDF]? {}", "x".repeat(270));
        assert_eq!(of(Payload::Text(text.into())), expected);
        // A reference counts by its word, wherever the text without words would have been cut.
        let late = format!("{} {image}", "x".repeat(280));
        assert_eq!(
            of(Payload::Text(late.into())),
            format!("{} [image]", "x".repeat(280))
        );
        let parts = format!(r#"[{{"type":"image_url","image_url":{{"url":"{image}"}}}}]"#);
        assert_eq!(of(Payload::Json(parts.into())), "[image]");
        let both = format!(r#"[{{"image":"{image}"}},{{"type":"text","text":"see {file}"}}]"#);
        assert_eq!(of(Payload::Json(both.into())), "see [PDF]");
    }

    #[test]
    fn graders_and_later_turns_have_none() {
        let mut span = user(Payload::Text("hi".into()));
        span.turn_index = 2;
        assert_eq!(preview(&span), "");
        span.turn_index = 0;
        span.usage_scope = UsageScope::Grader;
        assert_eq!(preview(&span), "");
    }
}
