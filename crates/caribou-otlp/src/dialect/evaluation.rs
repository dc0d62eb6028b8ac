//! Scores on spans: OpenTelemetry's evaluation events, and OpenInference's annotations. Each becomes a grade.

use crate::dialect::Dialect;
use crate::dialect::draft::Draft;
use crate::dialect::score::Score;
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
        let score = Score {
            name: take("gen_ai.evaluation.name").into_text(),
            value: take("gen_ai.evaluation.score.value").as_f64(),
            explanation: take("gen_ai.evaluation.explanation").into_text(),
            time: i64::try_from(event.time_unix_nano).ok(),
            of_trace: false,
            rest: rest_of(attributes),
        };
        draft.scores.push(score);
    }
    for (prefix, name, of_trace) in ANNOTATIONS {
        for mut item in draft.attributes.take_list(prefix) {
            let mut annotation = item.take(name).unwrap_or(item);
            let mut take = |key| annotation.take(key).unwrap_or_default();
            let score = Score {
                name: take("name").into_text(),
                value: take("score").as_f64(),
                explanation: take("explanation").into_text(),
                time: None,
                of_trace,
                rest: rest_of(annotation),
            };
            draft.scores.push(score);
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
