//! Spans as attributes: the contract with the server, which reads them by the keys of [`caribou_model::attribute`].

mod draft;
mod item;
mod rollout;

use std::sync::Arc;

use caribou_model::{ItemType, TurnPosition, attribute};
use opentelemetry::{KeyValue, StringValue, Value};

pub(crate) use draft::Draft;
pub(crate) use item::{criterion_draft, item_draft};
pub(crate) use rollout::{RolloutKeys, RolloutState, group_attributes, rollout_attributes};

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

impl Place {
    fn attributes(self) -> [(&'static str, i64); 5] {
        [
            (attribute::REVISION, self.revision),
            (attribute::SEQUENCE, int(self.sequence)),
            (attribute::LOGGED_AT, self.logged_at),
            (attribute::TURN_INDEX, i64::from(self.position.turn)),
            (attribute::INTRA_INDEX, i64::from(self.position.intra)),
        ]
    }
}

/// Attributes of a span that stays open for a while.
#[derive(Debug, Default)]
pub(crate) struct Attributes(Vec<KeyValue>);

impl Attributes {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// The keys that every span has.
    pub(crate) fn identity(
        &mut self,
        project: &Arc<str>,
        item_type: ItemType,
        span_kind: &'static str,
        place: Place,
    ) {
        self.push(attribute::PROJECT, StringValue::from(Arc::clone(project)));
        self.push(attribute::ITEM_TYPE, item_type.as_str());
        self.push(attribute::SPAN_KIND, span_kind);
        for (key, number) in place.attributes() {
            self.push(key, number);
        }
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
