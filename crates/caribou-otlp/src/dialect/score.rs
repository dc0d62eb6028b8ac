//! A score that a foreign span carries, and the grade that it becomes.

use std::borrow::Cow;

use caribou_model::{ItemType, SpanId, SpanRecord, TraceId};

use crate::derived::check_score;
use crate::span::Attribute;
use crate::span_json::json_object;

/// A score by a foreign convention.
#[derive(Debug)]
pub(crate) struct Score<'a> {
    pub(crate) name: Cow<'a, str>,
    pub(crate) value: Option<f64>,
    pub(crate) explanation: Cow<'a, str>,
    pub(crate) time: Option<i64>,
    pub(crate) of_trace: bool,
    pub(crate) rest: Vec<Attribute<'a>>,
}

impl<'a> Score<'a> {
    /// The grade, as a span beside or below the one that carried it.
    ///
    /// A score sent afterwards comes on a span of its own, which links to the one that it is about.
    pub(crate) fn into_grade(
        self,
        index: usize,
        carrier: &SpanRecord<'a>,
        target: Option<(TraceId, SpanId)>,
    ) -> SpanRecord<'a> {
        let (trace_id, parent) = target.unwrap_or((carrier.trace_id, carrier.span_id));
        let time = self
            .time
            .filter(|time| *time > 0)
            .or(carrier.ended_at)
            .unwrap_or(carrier.started_at);
        let mut grade = SpanRecord {
            trace_id,
            span_id: derived_id(carrier.span_id, index),
            revision: carrier.revision,
            parent_span_id: (!self.of_trace).then_some(parent),
            item_type: ItemType::Grade,
            span_kind: Cow::Borrowed("otel"),
            span_name: self.name.clone(),
            logged_at: time,
            started_at: time,
            ended_at: Some(time),
            name: self.name.clone(),
            grader_name: self.name,
            score: self.value,
            reasoning: self.explanation,
            attributes: Cow::Owned(json_object(&self.rest)),
            ..SpanRecord::default()
        };
        check_score(&mut grade);
        grade
    }
}

/// An id that follows from the carrier's, so that the same span sent again gives the same grade (FNV-1a).
fn derived_id(carrier: SpanId, index: usize) -> SpanId {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    let bytes = carrier.0.into_iter().chain((index as u64).to_be_bytes());
    let hash = bytes.fold(OFFSET, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(PRIME)
    });
    SpanId(hash.max(1).to_be_bytes())
}
