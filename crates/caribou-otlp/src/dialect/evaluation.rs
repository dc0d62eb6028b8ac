//! Scores on spans: OpenTelemetry's evaluation events, and OpenInference's annotations. Each becomes a grade.

use std::borrow::Cow;

use caribou_model::{ItemType, SpanId, SpanRecord, TraceId};

use crate::decode::{check_score, json_object};
use crate::dialect::Dialect;
use crate::dialect::draft::Draft;
use crate::span::Attribute;
use crate::value::Value;

pub(super) const DIALECT: Dialect = Dialect {
    recognises: |draft| {
        draft.events.iter().any(|event| event.name == RESULT_EVENT)
            || ANNOTATIONS
                .iter()
                .any(|(prefix, ..)| draft.attributes.has_prefix(prefix))
    },
    apply,
};

const RESULT_EVENT: &str = "gen_ai.evaluation.result";

/// More scores on one span are hostile: each becomes a record. They stay events.
const MAX_RESULTS: usize = 1_000;

/// Prefix, name of the item, and whether the whole trace is meant rather than the span.
const ANNOTATIONS: [(&str, &str, bool); 4] = [
    ("annotations.", "annotation", false),
    ("evaluations.", "evaluation", false),
    ("trace.annotations.", "annotation", true),
    ("trace.evaluations.", "evaluation", true),
];

/// One score.
#[derive(Debug)]
pub(crate) struct Evaluation<'a> {
    name: Cow<'a, str>,
    score: Option<f64>,
    explanation: Cow<'a, str>,
    time: Option<i64>,
    of_trace: bool,
    rest: Vec<Attribute<'a>>,
}

fn apply(draft: &mut Draft<'_, '_>) {
    let mut count = 0;
    let (results, others): (Vec<_>, Vec<_>) = std::mem::take(&mut draft.events)
        .into_iter()
        .partition(|event| {
            count += usize::from(event.name == RESULT_EVENT);
            event.name == RESULT_EVENT && count <= MAX_RESULTS
        });
    draft.events = others;
    for event in results {
        let mut attributes = Value::Map(event.attributes);
        let mut take = |key| attributes.take(key).unwrap_or_default();
        let evaluation = Evaluation {
            name: take("gen_ai.evaluation.name").into_text(),
            score: take("gen_ai.evaluation.score.value").as_f64(),
            explanation: take("gen_ai.evaluation.explanation").into_text(),
            time: i64::try_from(event.time_unix_nano).ok(),
            of_trace: false,
            rest: rest_of(attributes),
        };
        draft.evaluations.push(evaluation);
    }
    for (prefix, name, of_trace) in ANNOTATIONS {
        for mut item in draft.attributes.take_list(prefix) {
            let mut annotation = item.take(name).unwrap_or(item);
            let mut take = |key| annotation.take(key).unwrap_or_default();
            let evaluation = Evaluation {
                name: take("name").into_text(),
                score: take("score").as_f64(),
                explanation: take("explanation").into_text(),
                time: None,
                of_trace,
                rest: rest_of(annotation),
            };
            draft.evaluations.push(evaluation);
        }
    }
}

fn rest_of(map: Value<'_>) -> Vec<Attribute<'_>> {
    let Value::Map(entries) = map else {
        return Vec::new();
    };
    entries
        .into_iter()
        .filter(|(_, value)| *value != Value::Null)
        .collect()
}

impl<'a> Evaluation<'a> {
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
            score: self.score,
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
