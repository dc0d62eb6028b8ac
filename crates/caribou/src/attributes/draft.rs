//! A span that is over when it is logged.

use std::borrow::Cow;

use caribou_model::{Content, Criterion, ItemType, attribute};
use caribou_otlp::encode::SpanWriter;

use super::{Place, int};

/// A span about to be written: its own attributes, and everything else but ids, times and place.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) item_type: ItemType,
    pub(crate) span_kind: Cow<'static, str>,
    pub(crate) name: Cow<'static, str>,
    /// Takes the attributes, which are sent as they are written here.
    pub(crate) writer: SpanWriter,
    /// Message of the error, where the item reports one.
    pub(crate) error: Option<String>,
    /// How long it took, where somebody said.
    pub(crate) duration_ns: Option<i64>,
    /// When it was, where somebody said.
    pub(crate) timestamp: Option<i64>,
    /// Criteria, which become spans of their own.
    pub(crate) criteria: Vec<Criterion>,
}

impl Draft {
    pub(super) fn new(
        writer: SpanWriter,
        item_type: ItemType,
        span_kind: impl Into<Cow<'static, str>>,
        name: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            item_type,
            span_kind: span_kind.into(),
            name: name.into(),
            writer,
            error: None,
            duration_ns: None,
            timestamp: None,
            criteria: Vec::new(),
        }
    }

    /// Adds the keys that every span has.
    pub(crate) fn identify(&mut self, project: &str, place: Place) {
        self.writer.text(attribute::PROJECT, project);
        self.writer
            .text(attribute::ITEM_TYPE, self.item_type.as_str());
        self.writer.text(attribute::SPAN_KIND, &self.span_kind);
        for (key, number) in place.attributes() {
            self.writer.integer(key, number);
        }
    }

    pub(super) fn text(&mut self, key: &str, text: Option<String>) {
        if let Some(text) = text {
            self.writer.own_text(key, text);
        }
    }

    pub(super) fn count(&mut self, key: &str, count: Option<u64>) {
        if let Some(count) = count {
            self.writer.integer(key, int(count));
        }
    }

    pub(super) fn number(&mut self, key: &str, number: Option<f64>) {
        if let Some(number) = number {
            self.writer.number(key, number);
        }
    }

    pub(super) fn content(&mut self, text_key: &str, json_key: &str, content: Option<Content>) {
        match content {
            Some(Content::Text(text)) => self.writer.own_text(text_key, text),
            Some(Content::Json(json)) => self.writer.own_text(json_key, json),
            None => {}
        }
    }
}
