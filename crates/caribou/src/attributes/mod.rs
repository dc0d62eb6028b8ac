//! Spans as attributes: the contract with the server, which reads them by the keys of [`caribou_model::attribute`].

mod item;
mod rollout;

use std::borrow::Cow;
use std::sync::Arc;

use caribou_model::{Content, Criterion, ItemType, TurnPosition, attribute};
use opentelemetry::{KeyValue, StringValue, Value};

pub(crate) use item::{criterion_draft, item_draft};
pub(crate) use rollout::{RolloutKeys, RolloutState, group_attributes, rollout_attributes};

/// A span about to be started: everything but ids, times and place.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) item_type: ItemType,
    pub(crate) span_kind: Cow<'static, str>,
    pub(crate) name: Cow<'static, str>,
    pub(crate) attributes: Attributes,
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
    fn new(
        item_type: ItemType,
        span_kind: impl Into<Cow<'static, str>>,
        name: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            item_type,
            span_kind: span_kind.into(),
            name: name.into(),
            attributes: Attributes::new(),
            error: None,
            duration_ns: None,
            timestamp: None,
            criteria: Vec::new(),
        }
    }
}

/// Where in its rollout and in the order of logging a span stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) position: TurnPosition,
    pub(crate) sequence: u64,
    /// Nanoseconds since 1970.
    pub(crate) logged_at: i64,
    /// Nanoseconds since 1970 when this revision was written.
    pub(crate) revision: i64,
}

/// Attributes of one span.
#[derive(Debug)]
pub(crate) struct Attributes(Vec<KeyValue>);

impl Attributes {
    /// Most items fit without growing.
    const USUAL: usize = 20;

    pub(crate) fn new() -> Self {
        Self(Vec::with_capacity(Self::USUAL))
    }

    /// The keys that every span has.
    pub(crate) fn identity(
        &mut self,
        project: &Arc<str>,
        item_type: ItemType,
        span_kind: Cow<'static, str>,
        place: Place,
    ) {
        self.push(attribute::PROJECT, StringValue::from(Arc::clone(project)));
        self.push(attribute::ITEM_TYPE, StringValue::from(item_type.as_str()));
        self.push(attribute::SPAN_KIND, StringValue::from(span_kind));
        self.push(attribute::REVISION, place.revision);
        self.push(attribute::SEQUENCE, int(place.sequence));
        self.push(attribute::LOGGED_AT, place.logged_at);
        self.push(attribute::TURN_INDEX, i64::from(place.position.turn));
        self.push(attribute::INTRA_INDEX, i64::from(place.position.intra));
    }

    pub(crate) fn push(&mut self, key: &'static str, value: impl Into<Value>) {
        self.0.push(KeyValue::new(key, value));
    }

    pub(crate) fn text(&mut self, key: &'static str, text: Option<String>) {
        if let Some(text) = text {
            self.push(key, text);
        }
    }

    pub(crate) fn shared_text(&mut self, key: &'static str, text: Option<&Arc<str>>) {
        if let Some(text) = text {
            self.push(key, StringValue::from(Arc::clone(text)));
        }
    }

    pub(crate) fn number(&mut self, key: &'static str, number: Option<u64>) {
        if let Some(number) = number {
            self.push(key, int(number));
        }
    }

    pub(crate) fn content(
        &mut self,
        text_key: &'static str,
        json_key: &'static str,
        content: Option<Content>,
    ) {
        match content {
            Some(Content::Text(text)) => self.push(text_key, text),
            Some(Content::Json(json)) => self.push(json_key, json),
            None => {}
        }
    }

    pub(crate) fn into_inner(self) -> Vec<KeyValue> {
        self.0
    }
}

/// OpenTelemetry's integers are signed.
fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Milliseconds as given to nanoseconds; `None` where it is no duration.
fn nanos_from_millis(millis: f64) -> Option<i64> {
    const NANOS_PER_MILLI: f64 = 1e6;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the cast saturates, and 292 years are as good as any longer duration"
    )]
    (millis.is_finite() && millis >= 0.0).then(|| (millis * NANOS_PER_MILLI).round() as i64)
}
